"""The configuration as running: YAML that says the same as the file, but for secrets."""

from collections.abc import Callable
from pathlib import Path

import yaml

from exporter.config.schema import MASKED, as_yaml
from exporter.config.settings import Settings

Parse = Callable[[str | bytes], Settings]


def test_what_is_shown_says_the_same_as_the_file(ok_file: Path, parse_config: Parse) -> None:
    settings = parse_config(ok_file.read_bytes())
    assert parse_config(as_yaml(settings.config)) == settings


def test_secrets_are_masked(parse_config: Parse) -> None:
    shown = as_yaml(
        parse_config(
            'aws: {role_name: R, external_id: hush-1}\naccounts: [{id: "111122223333", role_arn: '
            '"arn:aws:iam::111122223333:role/R", external_id: hush-2}]\n'
            "organizations: [{name: acme, member_external_id: hush-3}]"
        ).config
    )
    assert "hush" not in shown
    assert shown.count(MASKED) == 3


def test_defaults_are_filled_in_and_durations_written_as_in_a_file(parse_config: Parse) -> None:
    shown = yaml.safe_load(as_yaml(parse_config("poll: {interval: 90s}").config))
    assert shown["poll"] == {"interval": "1m30s", "timeout": "1m", "concurrency": 16, "max_staleness": "30m"}
    assert shown["aws"]["regions"] == ["us-east-1"]
    assert shown["aws"]["support_plan"] == "enterprise"
    assert "accounts" not in shown


def test_entries_begin_with_what_they_are_called_by(parse_config: Parse) -> None:
    shown = yaml.safe_load(
        as_yaml(
            parse_config('aws: {role_name: R}\naccounts: [{name: a, id: "111122223333"}]\norganizations: [{name: acme}]').config
        )
    )
    assert list(shown["accounts"][0])[:2] == ["id", "name"]
    (organization,) = shown["organizations"]
    assert next(iter(organization)) == "name"
    assert not {"include", "exclude"} & set(organization)


def test_an_empty_list_is_shown_where_the_default_is_another(parse_config: Parse) -> None:
    shown = as_yaml(parse_config("metrics: {first_response_exempt_services: []}").config)
    assert yaml.safe_load(shown)["metrics"]["first_response_exempt_services"] == []
