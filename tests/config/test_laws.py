"""Whatever stands in a file is read, or refused in words; what is secret is never repeated."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.schema import Config
from exporter.config.types import format_duration, parse_duration
from exporter.errors import ConfigError
from tests.config.parsing import parse_config

KEYS = [*Config.model_fields, "interval", "regions", "id", "role_arn", "role_chain", "name", "labels", "include", "cases", "<<"]
WORDS = ["5m", "us-east-1", "cn-north-1", "111122223333", "arn:aws:iam::111122223333:role/x", "AwsSupportExporter", "é\u2028"]
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(WORDS)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from([*KEYS, *WORDS]), inner, max_size=3),
    max_leaves=6,
)
PIECES = [
    *KEYS,
    *WORDS,
    ": ",
    "\n",
    "  ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "&a ",
    "*a",
    "!",
    '"',
    "'",
    "|",
    "#",
    "\t",
    "\\",
    "?",
    "\0",
]


def _is_told_properly(content: str) -> None:
    problems: tuple[str, ...] = ()
    try:
        parse_config(content)
    except ConfigError as error:
        problems = error.problems or ("",)
    for problem in problems:
        assert problem.startswith("config.yaml")
        assert problem.isprintable()
        assert "pydantic" not in problem
        assert "value_error" not in problem


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_any_text_is_read_or_refused_in_words(content: str) -> None:
    _is_told_properly(content)


@given(st.dictionaries(st.sampled_from(KEYS), TREES, max_size=4))
def test_any_tree_is_read_or_refused_in_words(tree: dict[str, object]) -> None:
    _is_told_properly(json.dumps(tree, ensure_ascii=False))


SECRET_NAMES = (
    *("secret", "aws_secret_access_key", "password", "passphrase", "pwd", "token", "session_token"),
    *("access_key", "access-key-id", "api_key", "credentials", "external_secret"),
)


@pytest.mark.parametrize("key", SECRET_NAMES)
def test_a_secret_is_never_repeated(key: str) -> None:
    for value in ("Xq7hush", {"nested": "Xq7hush"}, ["Xq7hush"]):
        with pytest.raises(ConfigError, match="credentials do not belong in this file") as caught:
            parse_config(json.dumps({"aws": {key: value}}))
        assert "Xq7hush" not in str(caught.value)


def test_an_external_id_that_cannot_be_used_is_not_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config("""\
aws: {external_id: never shown!}
accounts: [{id: "111111111111", role_arn: "arn:aws:iam::111111111111:role/r", external_id: never shown!}]
organizations: [{name: acme, member_role_name: r, member_external_id: never shown!}]
""")
    assert len(caught.value.problems) == 3
    assert "never shown" not in str(caught.value)


@given(st.integers(min_value=0, max_value=10**15))
def test_a_duration_survives_being_written(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds / 1000)) == milliseconds / 1000


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("5m", 300), ("1h30m", 5400), ("1d", 86400), ("500ms", 0.5), ("1w2d", 777600), ("1y", 31536000)],
)
def test_a_duration_is_read_as_prometheus_reads_it(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds
