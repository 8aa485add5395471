import json
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.schema import Config
from exporter.config.settings import Settings
from exporter.config.types import format_duration, parse_duration
from exporter.errors import ConfigError

Parse = Callable[[str | bytes], Settings]

KEYS = [*Config.model_fields, "interval", "regions", "id", "role_arn", "role_chain", "name", "labels", "include", "cases", "<<"]
WORDS = ["5m", "us-east-1", "cn-north-1", "111122223333", "arn:aws:iam::111122223333:role/x", "AwsSupportExporter"]
# What YAML allows to stand in quotes as it is.
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cn", "Co", "Cs"]))
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXTS, st.sampled_from(WORDS)
)
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | TEXTS, inner, max_size=5)
)
YAML_PIECES = st.lists(
    st.sampled_from(
        [*KEYS, *WORDS, ": ", "\n", "  ", "- ", "[", "]", "{", "}", "&a ", "*a", "!", '"', "'", "|", "#", "\t", "\\", "?"]
    )
).map("".join)


def _problems(parse: Parse, content: str | bytes) -> tuple[str, ...]:
    try:
        parse(content)
    except ConfigError as error:
        return error.problems or ("",)
    return ()


def _is_told_properly(parse: Parse, content: str | bytes) -> None:
    for problem in _problems(parse, content):
        assert problem.startswith("config.yaml")
        assert problem.isprintable()
        assert "pydantic" not in problem
        assert "value_error" not in problem


@given(content=st.binary())
def test_any_bytes_are_read_or_refused_in_words(content: bytes, parse_config: Parse) -> None:
    _is_told_properly(parse_config, content)


@given(content=st.text(st.characters(exclude_categories=["Cs"])) | YAML_PIECES)
def test_any_text_is_read_or_refused_in_words(content: str, parse_config: Parse) -> None:
    _is_told_properly(parse_config, content)


@given(tree=st.dictionaries(st.sampled_from(KEYS), TREES, max_size=5))
def test_any_tree_is_read_or_refused_in_words(tree: dict[str, object], parse_config: Parse) -> None:
    _is_told_properly(parse_config, json.dumps(tree, ensure_ascii=False))


@given(st.integers(min_value=0, max_value=10**15))
def test_duration_survives_being_written(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds / 1000)) == milliseconds / 1000


@given(st.text())
def test_text_is_a_duration_or_refused(text: str) -> None:
    with suppress(ValueError):
        assert parse_duration(text) >= 0


@given(secret=st.text("abcdefghijklmnopqrstuvwxyz", min_size=12).map("Xq7".__add__))
@pytest.mark.parametrize(
    "key",
    [
        "secret",
        "aws_secret_access_key",
        "password",
        "passphrase",
        "pwd",
        "token",
        "session_token",
        "access_key",
        "access-key-id",
        "api_key",
        "credentials",
        "external_secret",
    ],
)
def test_secret_is_never_repeated(key: str, secret: str, parse_config: Parse) -> None:
    for value in (secret, {"nested": secret}, [secret]):
        with pytest.raises(ConfigError) as caught:
            parse_config(json.dumps({"aws": {key: value}}))
        assert "credentials do not belong in this file" in str(caught.value)
        assert secret not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("5m", 300), ("1h30m", 5400), ("1d", 86400), ("500ms", 0.5), ("1w2d", 777600), ("1y", 31536000)],
)
def test_duration_is_read_as_prometheus_reads_it(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds
