import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from exporter.config import yaml_lines
from exporter.config.settings import Settings
from exporter.config.yaml_lines import MAX_BYTES
from exporter.errors import ConfigError

Parse = Callable[[str | bytes], Settings]
Load = Callable[[Path], Settings]


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
def test_a_file_that_cannot_be_used_is_told_in_one_line(
    make: Callable[[Path], object], told: str, tmp_path: Path, load_config: Load
) -> None:
    make(tmp_path / "config.yaml")
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "config.yaml")
    assert caught.value.problems == (f"{tmp_path}/config.yaml: {told}",)


def test_a_file_that_may_not_be_read_is_told_in_one_line(load_config: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(ConfigError, match=r": the configuration cannot be read: permission denied$"):
        load_config(Path(__file__))


@pytest.mark.parametrize(("path", "told"), [("", "no file name given"), ("a\0b", "")])
def test_a_path_that_no_file_can_have_is_told_in_one_line(path: str, told: str, load_config: Load) -> None:
    with pytest.raises(ConfigError, match=f": the configuration cannot be read: .*{told}$"):
        load_config(Path(path))


def test_byte_order_mark_is_no_problem(parse_config: Parse) -> None:
    assert parse_config(b"\xef\xbb\xbfpoll: {interval: 1m}").config.poll.interval == 60


def test_windows_line_ends_keep_line_numbers(parse_config: Parse) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config("poll:\r\n  interval: 1m\r\n  timeout: x\r\n")
    assert caught.value.problems[0].startswith("config.yaml:3: poll.timeout:")


def test_a_mapping_merged_into_itself_is_done_at_some_time(parse_config: Parse) -> None:
    assert parse_config("poll: &poll {interval: 1m, <<: *poll}").config.poll.interval == 60


@pytest.mark.parametrize("levels", [100, 100_000])
@pytest.mark.parametrize("text", ["[", "{a: ", "- "])
def test_deep_nesting_is_refused_before_it_overflows_a_stack(text: str, levels: int, parse_config: Parse) -> None:
    with pytest.raises(ConfigError, match="nested more than 30 deep"):
        parse_config(text * levels)


def test_merges_of_merges_do_not_multiply(parse_config: Parse) -> None:
    text = "m0: &m0 {k: v}\n"
    for level in range(1, 20):
        text += f"m{level}: &m{level} {{<<: [{', '.join([f'*m{level - 1}'] * 10)}]}}\n"
    with pytest.raises(ConfigError, match="m19: unknown key"):
        parse_config(text)


def test_ten_thousand_accounts_are_read_within_seconds(parse_config: Parse) -> None:
    entry = '- {{id: "{0:012}", name: n{0}, role_arn: "arn:aws:iam::{0:012}:role/R", labels: {{team: t}}}}\n'
    text = "accounts:\n" + "".join(entry.format(number) for number in range(10_000))
    assert len(parse_config(text).accounts) == 10_000


@pytest.mark.parametrize("parser", ["CSafeLoader", "SafeLoader"])
def test_half_a_character_never_gets_in(parser: str, parse_config: Parse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_lines, "_LOADER", getattr(yaml, parser, yaml.SafeLoader))
    with pytest.raises(ConfigError):
        parse_config('accounts: [{id: "111122223333", labels: {team: "\\ud800"}}]')


def test_an_external_id_that_cannot_be_used_is_not_repeated(parse_config: Parse) -> None:
    text = """\
aws: {external_id: never shown!}
accounts: [{id: "111111111111", role_arn: "arn:aws:iam::111111111111:role/r", external_id: never shown!}]
organizations: [{name: acme, member_role_name: r, member_external_id: never shown!}]
"""
    with pytest.raises(ConfigError) as caught:
        parse_config(text)
    assert len(caught.value.problems) == 3
    assert "never shown" not in str(caught.value)
