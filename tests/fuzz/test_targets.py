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
from tests.fuzz.seeds import ACCOUNTS, SEEDS, STS

LISTING = ("Accounts", "NextToken", "__type", "message", "Id", "Name", "State", "JoinedTimestamp", "ACTIVE", "111122223333")
WEB = ("server.crt", "-----BEGIN CERTIFICATE-----", "TLS12", "TLS1", "RequireAndVerifyClientCert", "nosniff", "\0", "\x85", "")
TLS = ("cert_file", "key_file", "client_ca_file", "cert", "key", "client_auth_type", "min_version", "cipher_suites")
SESAME = "open sesame"


def trees(words: tuple[str, ...]) -> st.SearchStrategy[Any]:
    """Return documents of which the texts are some words."""
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(words)
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(words), inner, max_size=3),
        max_leaves=4,
    )


listings = st.fixed_dictionaries({}, optional={"Accounts": st.lists(trees(LISTING), max_size=3), "NextToken": trees(LISTING)})
web_configs = st.fixed_dictionaries(
    {},
    optional={
        "tls_server_config": st.dictionaries(st.sampled_from(TLS), trees(WEB), max_size=4) | trees(WEB),
        "http_server_config": st.dictionaries(st.sampled_from(("http2", "headers", "other")), trees(WEB)) | trees(WEB),
        "basic_auth_users": st.dictionaries(st.sampled_from(WEB), trees(WEB), max_size=2),
        "rate_limit": trees(WEB),
    },
)


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


@given(status=st.sampled_from(sorted(targets.STATUSES)), document=listings | trees(LISTING))
def test_any_document_for_a_list_of_accounts_is_read_or_refused_in_words(status: bytes, document: object) -> None:
    targets.accounts(status + json.dumps(document).encode())


@given(document=web_configs)
def test_any_web_config_is_read_or_refused_in_words(document: object) -> None:
    targets.web_config(yaml.safe_dump(document, allow_unicode=True).encode())


@pytest.mark.parametrize("name", ["accounts", "sts", "web_config"])
@given(data=st.data())
def test_anything_with_some_bytes_changed_is_read_or_refused_in_words(name: str, data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from(SEEDS[name]))
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 12)))
    targets.TARGETS_BY_NAME[name](whole[:start] + data.draw(st.binary(max_size=6)) + whole[end:])


@given(before=st.text(":$ab", max_size=3), after=st.text(":$ab", max_size=3), user=st.sampled_from(WEB))
def test_a_password_where_its_hash_should_be_is_never_repeated(before: str, after: str, user: str) -> None:
    document = {"basic_auth_users": {user: before + SESAME + after}}
    with pytest.raises(ConfigError) as refused:
        parse_web_config(yaml.safe_dump(document).encode(), source="web-config.yml", directory=Path("/nowhere"))
    assert not any(SESAME in problem for problem in refused.value.problems)
