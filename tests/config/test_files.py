"""Whole files: good and bad ones, the example, and what is no file."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import pytest
import yaml
from pydantic import BaseModel

from exporter.aws.endpoints import Endpoints
from exporter.config import yaml_lines
from exporter.config.schema import Config, CredentialKeys, as_yaml
from exporter.config.settings import parse
from exporter.config.yaml_lines import MAX_BYTES, read
from exporter.errors import ConfigError
from tests.config.parsing import parse_config
from tests.support.tools import ROOT

FIXTURES = Path(__file__).parent
EXAMPLE = ROOT / "config.example.yaml"


@pytest.fixture(params=["CSafeLoader", "SafeLoader"])
def _yaml_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    parser = getattr(yaml, request.param, None)
    if parser is None:
        pytest.skip("PyYAML was built without libyaml: install its wheel, as `make test` does")
    monkeypatch.setattr(yaml_lines, "_LOADER", parser)


def files(pattern: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", sorted(FIXTURES.glob(pattern)), ids=lambda path: path.name.split(".")[0])


@files("*.ok.yaml")
@pytest.mark.usefixtures("_yaml_parser")
def test_a_good_file_is_accepted_and_shown_as_one_that_says_the_same(path: Path) -> None:
    settings = parse_config(path.read_bytes())
    assert settings.config.poll.interval == 300
    assert parse_config(as_yaml(settings.config)) == settings


@files("*.bad.yaml")
@pytest.mark.usefixtures("_yaml_parser")
def test_a_bad_file_gets_exactly_these_messages(path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(path.read_bytes())
    assert str(caught.value) + "\n" == path.with_suffix(".txt").read_text(encoding="utf-8")


@pytest.mark.usefixtures("_yaml_parser")
def test_half_a_character_never_gets_in() -> None:
    with pytest.raises(ConfigError):
        parse_config('accounts: [{id: "111122223333", labels: {team: "\\ud800"}}]')


def _keys(annotation: object, path: str) -> Iterator[str]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            yield f"{path}{name}"
            yield from _keys(field.annotation, f"{path}{name}.")
    for part in get_args(annotation):
        yield from _keys(part, path)


def _written(data: object, path: str) -> Iterator[str]:
    for item in data if isinstance(data, list) else ():
        yield from _written(item, path)
    for key, value in data.items() if isinstance(data, dict) else ():
        yield f"{path}{key}"
        yield from _written(value, f"{path}{key}.")


def test_the_example_is_valid_for_the_real_regions_and_shows_every_key_and_the_defaults() -> None:
    example = parse(EXAMPLE.read_bytes(), source="example", partition_of=Endpoints().partition_of)
    assert example.accounts
    assert (example.config.poll, example.config.metrics) == (Config().poll, Config().metrics)
    of_accounts = {f"events.{key}" for key in CredentialKeys.model_fields}  # of which a mapping takes one
    assert {*_keys(Config, "")} - of_accounts <= {*_written(yaml.safe_load(EXAMPLE.read_text(encoding="utf-8")), "")}


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda _: None, "the configuration cannot be read: no such file or directory"),
        (Path.mkdir, "the configuration cannot be read: is a directory"),
        (os.mkfifo, "the configuration cannot be read: it is a pipe, socket or device: use a file"),
        (lambda path: path.write_bytes(b"#" * (MAX_BYTES + 1)), "the file is larger than 10 MiB: is it the right file?"),
    ],
    ids=["missing", "directory", "pipe", "huge"],
)
def test_a_file_that_cannot_be_used_is_told_in_one_line(make: Callable[[Path], object], told: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    make(path)
    with pytest.raises(ConfigError) as caught:
        parse(read(path), source=str(path), partition_of=str)
    assert caught.value.problems == (f"{path}: {told}",)


@pytest.mark.parametrize(("path", "told"), [("", "no file name given"), ("a\0b", "")])
def test_a_path_that_no_file_can_have_is_told_in_one_line(path: str, told: str) -> None:
    with pytest.raises(ConfigError, match=f": the configuration cannot be read: .*{told}$"):
        read(Path(path))


def test_a_byte_order_mark_is_no_problem_and_windows_line_ends_keep_line_numbers() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(b"\xef\xbb\xbfpoll:\r\n  interval: 1m\r\n  timeout: x\r\n")
    assert [problem[:28] for problem in caught.value.problems] == ["config.yaml:3: poll.timeout:"]


@pytest.mark.parametrize("text", ["[", "{a: ", "- "])
def test_deep_nesting_is_refused_before_it_overflows_a_stack(text: str) -> None:
    with pytest.raises(ConfigError, match="nested more than 30 deep"):
        parse_config(text * 100_000)


def test_merges_of_merges_do_not_multiply() -> None:
    text = "m0: &m0 {k: v}\n"
    for level in range(1, 20):
        text += f"m{level}: &m{level} {{<<: [{', '.join([f'*m{level - 1}'] * 10)}]}}\n"
    with pytest.raises(ConfigError, match="m19: unknown key"):
        parse_config(text)


@pytest.mark.slow
def test_ten_thousand_accounts_are_read_within_seconds() -> None:
    entry = '- {{id: "{0:012}", name: n{0}, role_arn: "arn:aws:iam::{0:012}:role/R", labels: {{team: t}}}}\n'
    text = "accounts:\n" + "".join(entry.format(number) for number in range(10_000))
    assert len(parse_config(text).accounts) == 10_000
