from pathlib import Path

import pytest

from exporter.config.web import parse_web_config
from exporter.errors import ConfigError
from exporter.web.settings import ClientAuth, WebSettings
from tests.support.tools import ROOT

FIXTURES = Path(__file__).parent


def parsed(content: bytes) -> WebSettings:
    return parse_web_config(content, source="web-config.yml", directory=Path("/etc/exporter"))


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.ok.yml")), ids=lambda path: path.name.split(".")[0])
def test_good_file_is_accepted(path: Path) -> None:
    assert parsed(path.read_bytes()) != WebSettings()


def test_an_empty_mapping_asks_for_nothing_and_http2_has_no_effect() -> None:
    for content in (b"{}", b"http_server_config: {http2: true}", b"http_server_config: {http2: false}"):
        assert parsed(content) == WebSettings()


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.bad.yml")), ids=lambda path: path.name.split(".")[0])
def test_bad_file_gets_exactly_these_messages(path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        parsed(path.read_bytes())
    assert str(caught.value) + "\n" == path.with_suffix(".txt").read_text(encoding="utf-8")


def test_the_example_in_the_documentation_is_accepted_and_shows_no_secret_when_printed() -> None:
    example = (ROOT / "docs" / "web.md").read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    settings = parsed(example.encode())
    assert settings.tls is not None
    assert settings.tls.client_auth is ClientAuth.REQUIRED
    assert (len(settings.headers), set(settings.users)) == (5, {"prometheus"})
    assert "$2" not in repr(settings)
    assert "PRIVATE" not in repr(parsed((FIXTURES / "inline.ok.yml").read_bytes()))
