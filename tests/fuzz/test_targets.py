"""The targets of the fuzzer hold for what it starts from, for what it once found, and for odd documents."""

import json
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
from tests.fuzz.seeds import ACCOUNTS, ANSWER, SEEDS, STS

FOUND = (
    b'{"cases": [{"timeCreated": "0001-01-01T00:00:00+23:59"}]}',
    b'{"cases": [{"displayId": "\\ud800", "status": "\\u2028"}]}',
    b"[" * 100_000,
)
TLS = ("cert_file", "key_file", "client_ca_file", "cert", "key", "client_ca", "client_auth_type", "client_allowed_sans")
VERSIONS = ("min_version", "max_version", "cipher_suites")
WORDS = (
    "",
    "server.crt",
    "-----BEGIN CERTIFICATE-----",
    "TLS12",
    "TLS1",
    "RequireAndVerifyClientCert",
    "nosniff",
    "\0",
    "\x85",
)
SESAME = "open sesame"


def any_of(words: tuple[str, ...], keys: st.SearchStrategy[str], *others: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return documents of which the texts are mostly some words."""
    leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(words)
    return st.recursive(
        st.one_of(leaves, *others),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=4,
    )


values = any_of(("ACTIVE", "111122223333", ""), st.sampled_from(("a", "Id")))
listings = values | st.dictionaries(
    st.sampled_from(("Accounts", "NextToken", "__type", "message", "code")),
    values | st.lists(st.dictionaries(st.sampled_from(("Id", "Name", "State", "Status", "JoinedTimestamp")), values)),
    max_size=3,
)
settings = any_of(WORDS, st.text(max_size=4), st.just(float("nan")), st.text(max_size=6))
web_configs = st.dictionaries(
    st.sampled_from(("tls_server_config", "http_server_config", "basic_auth_users", "rate_limit", "other")),
    settings,
    max_size=2,
) | st.fixed_dictionaries(
    {},
    optional={
        "tls_server_config": st.dictionaries(st.sampled_from((*TLS, *VERSIONS)), settings, max_size=4) | settings,
        "http_server_config": st.dictionaries(st.sampled_from(("http2", "headers", "other")), settings, max_size=4) | settings,
        "basic_auth_users": st.dictionaries(st.text(max_size=4), settings, max_size=2),
    },
)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        *((name, data) for name in ("accounts", "sts", "headers") for data in SEEDS[name]),
        *((name, data) for name in ("answers", "communications") for data in (ANSWER, *FOUND)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_fuzzing_starts_from_and_once_found_is_read_or_refused_in_words(name: str, data: bytes) -> None:
    targets.TARGETS_BY_NAME[name](data)


@pytest.mark.parametrize(
    ("data", "reader"),
    [(ACCOUNTS[0], targets.list_accounts), (STS[0], targets.assume_role), (STS[1], targets.caller_account)],
)
def test_a_good_answer_is_read(data: bytes, reader: Callable[..., Any]) -> None:
    assert targets.read(data, reader) == ""


@given(status=st.sampled_from(sorted(targets.STATUSES)), document=listings)
def test_any_document_for_a_list_of_accounts_is_read_or_refused_in_words(status: bytes, document: object) -> None:
    targets.accounts(status + json.dumps(document).encode())


@given(document=web_configs)
def test_any_web_config_is_read_or_refused_in_words(document: object) -> None:
    targets.web_config(yaml.safe_dump(document, allow_unicode=True).encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("name", ["accounts", "sts", "web_config"])
@given(data=st.data())
def test_anything_with_some_bytes_changed_is_read_or_refused_in_words(name: str, data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from(SEEDS[name]))
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 12)))
    targets.TARGETS_BY_NAME[name](whole[:start] + data.draw(st.binary(max_size=6)) + whole[end:])


@given(before=st.text(max_size=3), after=st.text(max_size=3), user=st.text(max_size=4))
def test_a_password_where_its_hash_should_be_is_never_repeated(before: str, after: str, user: str) -> None:
    document = {"basic_auth_users": {user: before + SESAME + after}}
    with pytest.raises(ConfigError) as refused:
        parse_web_config(yaml.safe_dump(document).encode(), source="web-config.yml", directory=Path("/nowhere"))
    assert not any(SESAME in problem for problem in refused.value.problems)
