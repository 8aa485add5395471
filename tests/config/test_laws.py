"""What is secret is never repeated; durations are Prometheus's. What is odd in a file, `tests/fuzz` tries."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.types import format_duration, parse_duration
from exporter.errors import ConfigError
from tests.config.parsing import parse_config

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
