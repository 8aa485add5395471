from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from exporter.config import yaml_lines
from exporter.config.settings import Settings
from exporter.errors import ConfigError

Parse = Callable[[bytes], Settings]


@pytest.fixture(params=["CSafeLoader", "SafeLoader"])
def _yaml_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    parser = getattr(yaml, request.param, None)
    if parser is None:
        pytest.skip("PyYAML was built without libyaml: install its wheel, as `make test` does")
    monkeypatch.setattr(yaml_lines, "_LOADER", parser)


@pytest.mark.usefixtures("_yaml_parser")
def test_good_file_is_accepted(ok_file: Path, parse_config: Parse) -> None:
    assert parse_config(ok_file.read_bytes()).config.poll.interval == 300


@pytest.mark.usefixtures("_yaml_parser")
def test_bad_file_gets_exactly_these_messages(bad_file: Path, parse_config: Parse) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(bad_file.read_bytes())
    assert str(caught.value) + "\n" == bad_file.with_suffix(".txt").read_text(encoding="utf-8")
