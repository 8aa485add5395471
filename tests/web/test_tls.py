"""TLS, certificates of clients, and files that change while they are used."""

import json
import os
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.errors import ConfigError
from exporter.web.tls import WebConfigFile
from tests.support.certificates import Authority
from tests.support.fetch import Response, fetch
from tests.support.log import Log
from tests.support.logins import hashed, login
from tests.support.serving import Serving
from tests.support.site import site_of
from tests.support.waiting import wait_until
from tests.web.conftest import ReadWebConfig, ServeWith

TLS = "tls_server_config: {cert_file: server.crt, key_file: server.key"
MUTUAL = f"{TLS}, client_ca_file: ca.crt, client_auth_type: RequireAndVerifyClientCert"
OTHER_KEY = Authority().sign("other").private_key
CHANGED = "web-config reloaded"
REFUSED = "reloading web config failed, keeping the previous one"


def get(serving: Serving, tls: ssl.SSLContext | None, headers: dict[str, str] | None = None) -> Response:
    return fetch(f"{'http' if tls is None else 'https'}://127.0.0.1:{serving.port}/-/healthy", headers, tls=tls)


def refresh(file: WebConfigFile) -> None:
    """Look at the files as often as it takes to believe a change."""
    for _ in range(3):
        file.refresh()


def test_scrapes_are_served_over_tls(serve_with: ServeWith, authority: Authority) -> None:
    with serve_with(TLS + "}") as serving:
        assert get(serving, authority.client_context()).status == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            get(serving, Authority("another").client_context())


@pytest.mark.parametrize(
    ("bounds", "spoken"),
    [
        ("", {"TLSv1.2", "TLSv1.3"}),
        (", min_version: TLS13", {"TLSv1.3"}),
        (", max_version: TLS12", {"TLSv1.2"}),
        (", min_version: TLS10, max_version: TLS11", {"TLSv1", "TLSv1.1"}),
        (", min_version: TLS10", {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}),
    ],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_only_the_configured_versions_are_spoken(
    serve_with: ServeWith, authority: Authority, bounds: str, spoken: set[str]
) -> None:
    found = set()
    with serve_with(TLS + bounds + "}") as serving:
        for version in ("TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3"):
            context = authority.client_context()
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
            try:
                get(serving, context)
            except (ssl.SSLError, ConnectionError):
                continue
            found.add(version.replace("_", "."))
    assert found == spoken


@pytest.mark.parametrize(
    ("allowed", "names", "status"),
    [
        ("", ["anybody.example"], 200),
        (", client_allowed_sans: [prometheus.example]", ["prometheus.example"], 200),
        (", client_allowed_sans: [prometheus.example]", ["other.example", "prometheus.example"], 200),
        (", client_allowed_sans: ['10.0.0.7']", ["10.0.0.7"], 200),
        (", client_allowed_sans: ['fd00::7']", ["fd00::7"], 200),
        (", client_allowed_sans: ['spiffe://cluster/prometheus']", ["spiffe://cluster/prometheus"], 200),
        (", client_allowed_sans: [prometheus.example]", ["evil.example"], None),
        (", client_allowed_sans: [prometheus.example]", ["sub.prometheus.example"], None),
        (", client_allowed_sans: [prometheus.example]", [], None),
    ],
)
def test_clients_get_in_by_the_names_of_their_certificates(
    serve_with: ServeWith,
    authority: Authority,
    tmp_path: Path,
    allowed: str,
    names: list[str],
    status: int | None,
) -> None:
    own = authority.sign(*names).write(tmp_path, "client")
    with serve_with(MUTUAL + allowed + "}") as serving:
        assert status_or_none(serving, authority.client_context(own)) == status
        assert serving.log.events == ([] if status else ["client certificate rejected: no SAN in client_allowed_sans"])


@pytest.mark.parametrize(
    ("kind", "own", "status"),
    [
        ("RequireAndVerifyClientCert", None, None),
        ("RequireAndVerifyClientCert", "another", None),
        ("RequireAndVerifyClientCert", "same", 200),
        ("VerifyClientCertIfGiven", None, 200),
        ("VerifyClientCertIfGiven", "another", None),
        ("VerifyClientCertIfGiven", "same", 200),
    ],
)
def test_certificates_of_clients_are_verified(
    serve_with: ServeWith,
    authority: Authority,
    tmp_path: Path,
    kind: str,
    own: str | None,
    status: int | None,
) -> None:
    signer = authority if own == "same" else Authority("another")
    context = authority.client_context(signer.sign("a.example").write(tmp_path, "client") if own else None)
    text = f"{TLS}, client_ca_file: ca.crt, client_auth_type: {kind}}}"
    with serve_with(text) as serving:
        assert status_or_none(serving, context) == status


def status_or_none(serving: Serving, context: ssl.SSLContext) -> int | None:
    """Return the status of an answer, or None when the connection is refused."""
    try:
        return get(serving, context).status
    except (ssl.SSLError, ConnectionError):
        return None


def test_a_certificate_is_swapped_while_it_is_used(web_config: ReadWebConfig, authority: Authority, tmp_path: Path) -> None:
    log = Log()
    file = web_config(TLS + "}", log)
    new = Authority("new")
    with Serving(site_of(2), web_config=file) as serving:
        assert get(serving, authority.client_context()).status == 200
        new.sign("127.0.0.1").write(tmp_path, "server")
        refresh(file)
        assert get(serving, new.client_context()).status == 200
    assert log.events == [CHANGED]


def test_a_mounted_secret_is_swapped_as_kubernetes_does(
    web_config: ReadWebConfig, authority: Authority, tmp_path: Path
) -> None:
    new = Authority("new")
    for signer, name in ((authority, "..one"), (new, "..two")):
        (tmp_path / name).mkdir()
        signer.sign("127.0.0.1").write(tmp_path / name, "tls")
    (tmp_path / "..data").symlink_to("..one")
    for name in ("tls.crt", "tls.key"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    file = web_config("tls_server_config: {cert_file: tls.crt, key_file: tls.key}")
    with Serving(site_of(2), web_config=file) as serving:
        assert get(serving, authority.client_context()).status == 200
        (tmp_path / "..tmp").symlink_to("..two")
        (tmp_path / "..tmp").rename(tmp_path / "..data")
        refresh(file)
        assert get(serving, new.client_context()).status == 200


def test_a_password_is_swapped_while_it_is_used(web_config: ReadWebConfig, tmp_path: Path) -> None:
    file = web_config(f"basic_auth_users: {{alice: {hashed('old')}}}")
    with Serving(site_of(2), web_config=file) as serving:
        assert get(serving, None, login("alice", "old")).status == 200
        (tmp_path / "web-config.yml").write_text(f"basic_auth_users: {{alice: {hashed('new')}}}")
        refresh(file)
        assert get(serving, None, login("alice", "new")).status == 200
        assert get(serving, None, login("alice", "old")).status == 401


def test_changes_are_found_without_being_told(web_config: ReadWebConfig, tmp_path: Path) -> None:
    file = web_config("http_server_config: {headers: {X-Frame-Options: deny}}")
    file.interval = 0.01
    with Serving(site_of(2), web_config=file) as serving:
        assert get(serving, None).headers["x-frame-options"] == "deny"
        (tmp_path / "web-config.yml").write_text("http_server_config: {headers: {X-Frame-Options: sameorigin}}")
        wait_until(lambda: get(serving, None).headers["x-frame-options"] == "sameorigin" or None, 10, lambda: "no change")


def test_configured_headers_are_in_every_response_and_replace_the_pages_own(serve_with: ServeWith) -> None:
    text = "http_server_config: {headers: {Content-Security-Policy: 'default-src https:'}}"
    with serve_with(text) as serving:
        for path in ("/", "/metrics", "/-/healthy", "/nothing"):
            response = fetch(f"http://127.0.0.1:{serving.port}{path}")
            assert response.headers.get_all("content-security-policy") == ["default-src https:"]


@pytest.mark.parametrize("http2", ["true", "false"])
def test_http2_is_never_spoken_whatever_the_file_says(serve_with: ServeWith, authority: Authority, http2: str) -> None:
    context = authority.client_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        serve_with(f"{TLS}}}\nhttp_server_config: {{http2: {http2}}}") as serving,
        socket.create_connection(("127.0.0.1", serving.port)) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as sock,
    ):
        assert sock.selected_alpn_protocol() == "http/1.1"


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("server.crt", "", "tls_server_config.cert_file: {dir}/server.crt holds no certificate in PEM"),
        ("server.key", "x", "tls_server_config.key_file: {dir}/server.key holds no private key in PEM"),
        ("server.key", OTHER_KEY, "tls_server_config.key_file: {dir}/server.key is not the key of the certificate"),
        ("web-config.yml", "http_server_config: {}", "tls_server_config: TLS is turned on and off by a restart only"),
    ],
)
def test_a_bad_file_leaves_everything_as_it_was_and_is_told_once(
    serving_and_log: tuple[Serving, Log], authority: Authority, tmp_path: Path, name: str, content: str, problem: str
) -> None:
    serving, log = serving_and_log
    assert serving.web_config is not None
    (tmp_path / name).write_text(content)
    for _ in range(3):
        refresh(serving.web_config)
    assert get(serving, authority.client_context(), login("alice", "secret")).status == 200
    assert get(serving, authority.client_context()).status == 401
    assert [(line["event"], line["problem"]) for line in log.lines] == [
        (REFUSED, "web-config.yml: " + problem.format(dir=tmp_path))
    ]


@pytest.fixture
def serving_and_log(web_config: ReadWebConfig) -> Iterator[tuple[Serving, Log]]:
    log = Log()
    file = web_config(f"{TLS}}}\nbasic_auth_users: {{alice: {hashed('secret')}}}", log)
    with Serving(site_of(2), web_config=file) as serving:
        yield serving, log


def test_logins_cannot_be_turned_off_by_an_emptied_file(web_config: ReadWebConfig, tmp_path: Path) -> None:
    log = Log()
    file = web_config(f"basic_auth_users: {{alice: {hashed('secret')}}}", log)
    (tmp_path / "web-config.yml").write_text("http_server_config: {}")
    refresh(file)
    assert set(file.current().settings.users) == {"alice"}
    assert log.lines[0]["problem"] == "web-config.yml: basic_auth_users: authentication is turned off by a restart only"


def test_a_change_is_believed_when_two_reads_found_the_same(web_config: ReadWebConfig, tmp_path: Path) -> None:
    file = web_config(f"basic_auth_users: {{alice: {hashed('one')}}}")
    before = file.current().settings
    for number in range(3):
        (tmp_path / "web-config.yml").write_text(f"basic_auth_users: {{user{number}: {hashed('two')}}}")
        file.refresh()
        assert file.current().settings == before
    file.refresh()
    assert set(file.current().settings.users) == {"user2"}


def test_a_file_that_is_repaired_is_taken(web_config: ReadWebConfig, tmp_path: Path) -> None:
    log = Log()
    file = web_config("http_server_config: {headers: {X-Frame-Options: deny}}", log)
    for text in ("nonsense", "http_server_config: {headers: {X-Frame-Options: sameorigin}}"):
        (tmp_path / "web-config.yml").write_text(text)
        refresh(file)
    assert log.events == [REFUSED, CHANGED]
    assert file.current().settings.headers == {"X-Frame-Options": "sameorigin"}


def test_a_key_with_a_passphrase_is_refused(web_config: ReadWebConfig, authority: Authority, tmp_path: Path) -> None:
    authority.sign("127.0.0.1", passphrase="x" * 8).write(tmp_path, "server")
    with pytest.raises(ConfigError, match=r"server\.key is encrypted, and nobody is there to ask"):
        web_config(TLS + "}")


def test_a_missing_certificate_is_told_with_its_key_and_path(web_config: ReadWebConfig, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        web_config("tls_server_config: {cert_file: none.crt, key_file: server.key}")
    expected = f"web-config.yml: tls_server_config.cert_file: {tmp_path}/none.crt cannot be read: no such file or directory"
    assert str(caught.value) == expected


def test_certificates_may_stand_in_the_file_itself(serve_with: ServeWith, authority: Authority) -> None:
    pair = authority.sign("127.0.0.1")
    text = json.dumps({"tls_server_config": {"cert": pair.certificate, "key": pair.private_key}})
    with serve_with(text) as serving:
        assert get(serving, authority.client_context()).status == 200


def test_a_pipe_in_place_of_a_certificate_is_refused_and_not_waited_for(web_config: ReadWebConfig, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.crt")
    with pytest.raises(ConfigError, match=r"pipe\.crt cannot be read: it is a pipe, a socket or a device: name a file$"):
        web_config("tls_server_config: {cert_file: pipe.crt, key_file: server.key}")
