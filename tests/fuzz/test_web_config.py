"""Whatever a web-config file holds, it is read or refused in words that repeat no secret."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.config import parse_web_config
from exporter.errors import ConfigError
from tests.fuzz import targets
from tests.fuzz.seeds import WEB_CONFIGS

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

values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)


def section(*keys: str) -> st.SearchStrategy[Any]:
    """Return what may stand under a key whose own keys are known."""
    return st.dictionaries(st.sampled_from(keys), values, max_size=4) | values


documents = st.dictionaries(
    st.sampled_from(("tls_server_config", "http_server_config", "basic_auth_users", "rate_limit", "other")), values, max_size=2
) | st.fixed_dictionaries(
    {},
    optional={
        "tls_server_config": section(*TLS, *VERSIONS),
        "http_server_config": section("http2", "headers", "other"),
        "basic_auth_users": st.dictionaries(st.text(max_size=4), values, max_size=2),
    },
)


@settings(max_examples=150)
@given(document=documents)
def test_any_document_is_read_or_refused_in_words(document: object) -> None:
    targets.web_config(yaml.safe_dump(document, allow_unicode=True).encode("utf-8", "surrogatepass"))


@settings(max_examples=150)
@given(data=st.data())
def test_any_file_with_some_bytes_changed_is_read_or_refused_in_words(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from(WEB_CONFIGS)).read_bytes()
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 8)))
    targets.web_config(whole[:start] + data.draw(st.binary(max_size=6)) + whole[end:])


@settings(max_examples=100)
@given(before=st.text(max_size=3), after=st.text(max_size=3), user=st.text(max_size=4))
def test_a_password_where_its_hash_should_be_is_never_repeated(before: str, after: str, user: str) -> None:
    document = {"basic_auth_users": {user: before + SESAME + after}}
    with pytest.raises(ConfigError) as refused:
        parse_web_config(yaml.safe_dump(document).encode(), source="web-config.yml", directory=Path("/nowhere"))
    assert not any(SESAME in problem for problem in refused.value.problems)
