from pathlib import Path

import pytest

from exporter.config.web import parse_web_config
from exporter.config.yaml_lines import read
from exporter.errors import ConfigError
from exporter.web.settings import ClientAuth, Pem, TlsSettings, TlsVersion, WebSettings
from tests.support.tools import ROOT

FIXTURES = Path(__file__).parent


def parsed(path: Path) -> WebSettings:
    return parse_web_config(path.read_bytes(), source="web-config.yml", directory=Path("/etc/exporter"))


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.ok.yml")), ids=lambda path: path.name.split(".")[0])
def test_good_file_is_accepted(path: Path) -> None:
    assert isinstance(parsed(path), WebSettings)


def test_an_empty_mapping_asks_for_nothing_and_http2_has_no_effect() -> None:
    for content in (b"{}", b"http_server_config: {http2: true}", b"http_server_config: {http2: false}"):
        assert parse_web_config(content, source="web-config.yml", directory=Path()) == WebSettings()


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.bad.yml")), ids=lambda path: path.name.split(".")[0])
def test_bad_file_gets_exactly_these_messages(path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        parsed(path)
    assert str(caught.value) + "\n" == path.with_suffix(".txt").read_text(encoding="utf-8")


def test_every_message_belongs_to_a_file() -> None:
    assert {path.stem for path in FIXTURES.glob("*.txt")} == {path.stem for path in FIXTURES.glob("*.bad.yml")}


def test_everything_is_understood() -> None:
    settings = parsed(FIXTURES / "everything.ok.yml")
    assert settings.tls == TlsSettings(
        certificate=Pem("tls_server_config.cert_file", Path("/etc/exporter/tls/server.crt")),
        private_key=Pem("tls_server_config.key_file", Path("/etc/exporter/tls/server.key")),
        client_auth=ClientAuth.REQUIRED,
        client_ca=Pem("tls_server_config.client_ca_file", Path("/etc/ssl/clients.pem")),
        allowed_sans=("prometheus.monitoring.svc", "10.0.0.7", "spiffe://cluster.local/prometheus"),
        min_version=TlsVersion.TLS13,
        max_version=TlsVersion.TLS13,
    )
    assert len(settings.headers) == 5
    assert set(settings.users) == {"alice", "bob"}


def test_neither_hashes_nor_inline_keys_are_in_the_representation() -> None:
    everything, inline = (repr(parsed(FIXTURES / f"{name}.ok.yml")) for name in ("everything", "inline"))
    assert "$2" not in everything
    assert "PRIVATE" not in inline


def test_a_missing_file_is_told_plainly(tmp_path: Path) -> None:
    path = tmp_path / "web-config.yml"
    with pytest.raises(ConfigError, match=f"^{path}: the web-config cannot be read: no such file or directory$"):
        read(path, "web-config")


def test_the_example_in_the_documentation_is_accepted() -> None:
    example = (ROOT / "docs" / "web.md").read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    settings = parse_web_config(example.encode(), source="web.md", directory=Path("/etc/exporter"))
    assert settings.tls is not None
    assert settings.tls.client_auth is ClientAuth.REQUIRED
    assert len(settings.headers) == 5
    assert set(settings.users) == {"prometheus"}


@pytest.mark.parametrize("key", ["key_file", "cert_file", "key", "cert"])
def test_a_key_that_stands_in_the_wrong_place_is_not_repeated(key: str) -> None:
    text = f'tls_server_config: {{{key}: "-----BEGIN PRIVATE KEY-----\\nMIIEvNeverShown\\0"}}'
    if key in {"key", "cert"}:
        text = text.replace("-----BEGIN", "BEGIN")
    with pytest.raises(ConfigError) as caught:
        parse_web_config(text.encode(), source="web-config.yml", directory=Path())
    assert "the value (not shown)" in str(caught.value)
    assert "MIIEv" not in str(caught.value)
