"""The targets of the fuzzer hold for what it starts from, and for what it once found."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import targets
from tests.fuzz.seeds import ACCOUNTS, ANSWER, CONFIGS, STS, WEB_CONFIGS
from tests.fuzz.wire import STATUSES, wire

FOUND = (
    b'{"cases": [{"timeCreated": "0001-01-01T00:00:00+23:59"}]}',
    b'{"cases": [{"displayId": "\\ud800", "status": "\\u2028"}]}',
    b"[" * 100_000,
)

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(("ACTIVE", "111122223333", "")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("a", "Id")), inner, max_size=2),
    max_leaves=4,
)
documents = values | st.dictionaries(
    st.sampled_from(("Accounts", "NextToken", "__type", "message", "code")),
    values | st.lists(st.dictionaries(st.sampled_from(("Id", "Name", "State", "Status", "JoinedTimestamp")), values)),
    max_size=3,
)


@pytest.mark.parametrize("data", [ANSWER, *FOUND], ids=range(len(FOUND) + 1))
def test_answers(data: bytes) -> None:
    targets.answers(data)
    targets.communications(data)


@pytest.mark.parametrize("data", [*ACCOUNTS, *STS], ids=range(len(ACCOUNTS) + len(STS)))
def test_accounts_and_credentials(data: bytes) -> None:
    targets.accounts(data)
    targets.sts(data)


def test_seeds_of_accounts_and_credentials_are_read() -> None:
    wire().accounts(ACCOUNTS[0])
    wire().role(STS[0])
    wire().caller(STS[1])


@settings(max_examples=200)
@given(status=st.sampled_from(sorted(STATUSES)), document=documents)
def test_any_document_for_a_list_of_accounts_is_read_or_refused_in_words(status: bytes, document: object) -> None:
    targets.accounts(status + json.dumps(document).encode())


@settings(max_examples=200)
@given(data=st.data())
def test_any_answer_with_some_bytes_changed_is_read_or_refused_in_words(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([*ACCOUNTS, *STS]))
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 12)))
    changed = whole[:start] + data.draw(st.binary(max_size=6)) + whole[end:]
    targets.accounts(changed)
    targets.sts(changed)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_config(path: Path) -> None:
    targets.config(path.read_bytes())


@pytest.mark.parametrize("path", WEB_CONFIGS, ids=lambda path: path.stem)
def test_web_config(path: Path) -> None:
    targets.web_config(path.read_bytes())
