"""The targets of the fuzzer hold for what it starts from and once found, and for the like."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.web import parse_web_config
from exporter.errors import ConfigError
from tests.fuzz import targets
from tests.fuzz.seeds import ACCOUNTS, SEEDS, STS

IN_PROCESS = sorted(SEEDS.keys() - {"requests"})
SESAME = "open sesame"


@pytest.mark.parametrize("name", ["answers", "communications", "accounts", "sts", "headers"])
def test_what_fuzzing_starts_from_and_once_found_is_read_or_refused_in_words(name: str) -> None:
    for data in SEEDS[name]:
        targets.TARGETS_BY_NAME[name](data)


@pytest.mark.parametrize(
    ("data", "reader"),
    [(ACCOUNTS[0], targets.list_accounts), (STS[0], targets.assume_role), (STS[1], targets.caller_account)],
)
def test_a_good_answer_is_read(data: bytes, reader: Callable[..., Any]) -> None:
    assert targets.read(data, reader) == ""


odd_bytes = st.sampled_from((b"null", b"[]", b"{}", b'""', b"1e999", b"-1", b": ", b"\n", b"<", b"\\ud800")) | st.binary(
    max_size=6
)


@pytest.mark.parametrize("name", IN_PROCESS)
@given(data=st.data())
def test_anything_with_some_bytes_changed_is_read_or_refused_in_words(name: str, data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from(SEEDS[name]))[:2000]
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 24)))
    targets.TARGETS_BY_NAME[name](whole[:start] + data.draw(odd_bytes) + whole[end:])


@given(
    before=st.text(":$ab", max_size=3), after=st.text(":$ab", max_size=3), user=st.sampled_from(("", "a", "\0", "\x85", ":"))
)
def test_a_password_where_its_hash_should_be_is_never_repeated(before: str, after: str, user: str) -> None:
    document = {"basic_auth_users": {user: before + SESAME + after}}
    with pytest.raises(ConfigError) as refused:
        parse_web_config(yaml.safe_dump(document).encode(), source="web-config.yml", directory=Path("/nowhere"))
    assert SESAME not in str(refused.value)
