"""TLS, certificates of clients, and files that change while they are used."""

import json
import os
import ssl
from pathlib import Path

import pytest

from exporter.errors import ConfigError
from exporter.web.tls import WebConfigFile
from tests.support.certificates import Authority
from tests.support.log import Log
from tests.support.logins import hashed, login
from tests.support.serving import Serving
from tests.support.site import site_of
from tests.support.waiting import wait_until
from tests.web.conftest import TLS, ReadWebConfig, ServeWith

OTHER_KEY = Authority().sign("other").private_key
HEADERS = "http_server_config: {{headers: {{X-Frame-Options: {0}}}}}"


def tls(**more: object) -> str:
    """Return a web-config with a certificate, and more settings of TLS."""
    return json.dumps({"tls_server_config": {"cert_file": "server.crt", "key_file": "server.key", **more}})


def mutual(client_auth_type: str = "RequireAndVerifyClientCert", **more: object) -> str:
    return tls(client_ca_file="ca.crt", client_auth_type=client_auth_type, **more)


def status_or_none(serving: Serving, context: ssl.SSLContext) -> int | None:
    """Return the status of an answer, or None when the connection is refused."""
    try:
        return serving.get("/-/healthy", tls=context).status
    except (ssl.SSLError, ConnectionError):
        return None


def refresh(file: WebConfigFile) -> None:
    """Look at the files as often as it takes to believe a change."""
    for _ in range(3):
        file.refresh()


@pytest.mark.parametrize(
    ("bounds", "spoken"),
    [
        ({}, {"TLSv1_2", "TLSv1_3"}),
        ({"min_version": "TLS13"}, {"TLSv1_3"}),
        ({"max_version": "TLS12"}, {"TLSv1_2"}),
        ({"min_version": "TLS10", "max_version": "TLS11"}, {"TLSv1", "TLSv1_1"}),
    ],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_only_the_configured_versions_are_spoken(
    serve_with: ServeWith, authority: Authority, bounds: dict[str, str], spoken: set[str]
) -> None:
    found = set()
    with serve_with(tls(**bounds)) as serving:
        for version in ("TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3"):
            context = authority.client_context()
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
            if status_or_none(serving, context):
                found.add(version)
    assert found == spoken


@pytest.mark.parametrize(
    ("allowed", "names", "status"),
    [
        ("prometheus.example", ["other.example", "prometheus.example"], 200),
        ("10.0.0.7", ["10.0.0.7"], 200),
        ("fd00::7", ["fd00::7"], 200),
        ("spiffe://cluster/prometheus", ["spiffe://cluster/prometheus"], 200),
        ("prometheus.example", ["10.0.0.0/8", "prometheus.example"], 200),
        ("prometheus.example", ["evil.example"], None),
        ("prometheus.example", ["sub.prometheus.example"], None),
        ("prometheus.example", [], None),
    ],
)
def test_clients_get_in_by_the_names_of_their_certificates(
    serve_with: ServeWith, authority: Authority, tmp_path: Path, allowed: str, names: list[str], status: int | None
) -> None:
    own = authority.sign(*names).write(tmp_path, "client")
    with serve_with(mutual(client_allowed_sans=[allowed])) as serving:
        assert status_or_none(serving, authority.client_context(own)) == status
        assert serving.log.events == ([] if status else ["client certificate rejected: no SAN in client_allowed_sans"])


@pytest.mark.parametrize(
    ("kind", "statuses"),
    [("RequireAndVerifyClientCert", [None, None, 200]), ("VerifyClientCertIfGiven", [200, None, 200])],
)
def test_certificates_of_clients_are_verified(
    serve_with: ServeWith, authority: Authority, tmp_path: Path, kind: str, statuses: list[int | None]
) -> None:
    pairs = [signer.sign("a.example").write(tmp_path, f"client{n}") for n, signer in enumerate((Authority("other"), authority))]
    with serve_with(mutual(kind)) as serving:
        assert [status_or_none(serving, authority.client_context(own)) for own in (None, *pairs)] == statuses


def test_a_mounted_secret_is_swapped_as_kubernetes_does(
    web_config: ReadWebConfig, authority: Authority, tmp_path: Path
) -> None:
    new, log = Authority("new"), Log()
    for signer, name in ((authority, "one"), (new, "two")):
        (tmp_path / name).mkdir()
        signer.sign("127.0.0.1").write(tmp_path / name, "tls")
        (tmp_path / f"{name}.link").symlink_to(name)
    (tmp_path / "one.link").rename(tmp_path / "data")
    file = web_config(tls(cert_file="data/tls.crt", key_file="data/tls.key"), log)
    with Serving(site_of(2), web_config=file) as serving:
        assert serving.get("/-/healthy", tls=authority.client_context()).status == 200
        (tmp_path / "two.link").rename(tmp_path / "data")
        refresh(file)
        assert serving.get("/-/healthy", tls=new.client_context()).status == 200
    assert log.events == ["web configuration reloaded"]


def test_headers_are_in_every_response_and_replace_the_pages_own_and_changes_are_found(web_config: ReadWebConfig) -> None:
    name, text = "Content-Security-Policy", "http_server_config: {{headers: {{Content-Security-Policy: {0}}}}}"
    file = web_config(text.format("one"))
    file.interval = 0.01
    with Serving(site_of(2), web_config=file) as serving:
        for path in ("/", "/metrics", "/-/healthy", "/nothing"):
            assert serving.get(path).headers.get_all(name) == ["one"]
        web_config(text.format("two"))
        wait_until(lambda: serving.get("/-/healthy").headers[name] == "two" or None, 10, lambda: "no change")


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("server.crt", "", "tls_server_config.cert_file: {dir}/server.crt contains no PEM certificate"),
        ("server.key", OTHER_KEY, "tls_server_config.key_file: {dir}/server.key is not the key of the certificate"),
        ("web-config.yml", "http_server_config: {}", "tls_server_config: enabling or disabling TLS requires a restart"),
        ("web-config.yml", TLS, "basic_auth_users: disabling authentication requires a restart"),
    ],
)
def test_a_bad_file_leaves_everything_as_it_was_and_is_told_once_and_a_repaired_one_is_taken(
    web_config: ReadWebConfig, authority: Authority, tmp_path: Path, name: str, content: str, problem: str
) -> None:
    log = Log()
    good = f"{TLS}\nbasic_auth_users: {{alice: {hashed('secret')}}}\n"
    file = web_config(good, log)
    with Serving(site_of(2), web_config=file) as serving:
        before = (tmp_path / name).read_text()
        (tmp_path / name).write_text(content)
        refresh(file)
        refresh(file)
        assert serving.get("/-/healthy", login("alice", "secret"), tls=authority.client_context()).status == 200
        assert serving.get("/-/healthy", tls=authority.client_context()).status == 401
        assert [(line["event"], line["problem"]) for line in log.lines] == [
            ("reloading web configuration failed", "web-config.yml: " + problem.format(dir=tmp_path))
        ]
        (tmp_path / name).write_text(before)
        web_config(good + HEADERS.format("deny"))
        refresh(file)
        assert serving.get("/-/healthy", tls=authority.client_context()).headers["x-frame-options"] == "deny"
        assert log.events[1:] == ["web configuration reloaded"]


def test_a_change_is_believed_when_two_reads_found_the_same(web_config: ReadWebConfig) -> None:
    file = web_config(HEADERS.format("deny"))
    before = file.current.settings
    for number in range(3):
        web_config(f"basic_auth_users: {{user{number}: {hashed('two')}}}")
        file.refresh()
        assert file.current.settings == before
    file.refresh()
    assert set(file.current.settings.users) == {"user2"}


@pytest.mark.parametrize(
    ("certificate", "key", "problem"),
    [
        ("none.crt", "server.key", "cert_file: {dir}/none.crt cannot be read: no such file or directory"),
        ("pipe", "server.key", "cert_file: {dir}/pipe cannot be read: it is a pipe, socket or device: use a file"),
        ("large", "server.key", "cert_file: {dir}/large is larger than 1 MiB: is it the right file?"),
        ("locked.crt", "locked.key", "key_file: {dir}/locked.key is encrypted: use a key without a passphrase"),
        ("server.crt", "server.crt", "key_file: {dir}/server.crt contains no PEM private key"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_told_with_its_key_and_path(
    web_config: ReadWebConfig, authority: Authority, tmp_path: Path, certificate: str, key: str, problem: str
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_text(authority.certificate + "\n" * 2**20)
    authority.sign("127.0.0.1", passphrase="x" * 8).write(tmp_path, "locked")
    with pytest.raises(ConfigError) as caught:
        web_config(tls(cert_file=certificate, key_file=key))
    assert str(caught.value) == f"web-config.yml: tls_server_config.{problem.format(dir=tmp_path)}"


def test_certificates_may_stand_in_the_file_itself(serve_with: ServeWith, authority: Authority) -> None:
    pair = authority.sign("127.0.0.1")
    with serve_with(json.dumps({"tls_server_config": {"cert": pair.certificate, "key": pair.private_key}})) as serving:
        assert serving.get("/-/healthy", tls=authority.client_context()).status == 200
