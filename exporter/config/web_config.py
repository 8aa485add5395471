"""The web-config file, in the format of Prometheus's exporter-toolkit, as strict as the configuration itself.

What exporter-toolkit knows and this exporter cannot do is refused, never ignored.
"""

from pathlib import Path

from exporter.config.compose import read_document
from exporter.config.document import Document, Scalar
from exporter.config.load import decoded, read
from exporter.config.problems import Path as KeyPath
from exporter.config.problems import Report, quoted
from exporter.config.validate import Form, validated
from exporter.config.web_schema import HEADERS, TlsServerConfig, WebConfig
from exporter.web.settings import ClientAuth, Pem, TlsSettings, WebSettings

_TLS = "tls_server_config"
# Who writes a key itself where its path belongs is not to find it in the log.
_MAY_HOLD_KEY = frozenset((_TLS, key) for key in ("key", "key_file", "cert", "cert_file"))
_FORM = Form(WebConfig, is_secret=lambda path: path[:1] == ("basic_auth_users",) or path in _MAY_HOLD_KEY)


def read_web_config(path: Path) -> bytes:
    """Return what is in a web-config file.

    Raises:
        ConfigError: It cannot be read.
    """
    return read(path, "web-config")


def parse_web_config(content: bytes, *, source: str, directory: Path) -> WebSettings:
    """Read a web-config.

    Args:
        content: YAML in UTF-8.
        source: What messages call it.
        directory: Where relative paths in it begin.

    Raises:
        ConfigError: It cannot be used; holds every problem, in the order of the file.
    """
    report = Report(source)
    text = decoded(content, source)
    if not text.strip():
        return WebSettings()  # exporter-toolkit takes an empty file for one that asks for nothing, and charts ship such
    document = read_document(text, report)
    config = validated(document, _FORM, {}, report)
    tls = config.tls_server_config
    if tls is None and isinstance(document.node((_TLS,)), Scalar):
        report.add(document.line((_TLS,)), (_TLS,), "has no value: write cert_file and key_file below it, or remove the key")
    if tls is not None:
        _TlsChecks(tls, document, report).all()
    _check_headers(config.http_server_config.headers, document, report)
    report.raise_if_any()
    return WebSettings(
        tls=None if tls is None else _tls_settings(tls, directory),
        headers=config.http_server_config.headers,
        users=config.basic_auth_users,
    )


class _TlsChecks:
    """What can be wrong between the values of `tls_server_config`."""

    def __init__(self, tls: TlsServerConfig, document: Document, report: Report) -> None:
        self._tls = tls
        self._document = document
        self._report = report

    def all(self) -> None:
        for in_file, inline in (("cert_file", "cert"), ("key_file", "key"), ("client_ca_file", "client_ca")):
            if self._has(in_file) and self._has(inline):
                line = self._document.line((_TLS, in_file))
                self._add(inline, f"{in_file} (line {line}) says it already: keep one of them")
        for in_file, inline in (("cert_file", "cert"), ("key_file", "key")):
            if not self._has(in_file) and not self._has(inline) and self._is_sound(in_file, inline):
                self._add(in_file, f"is missing: TLS takes cert_file and key_file; without TLS, remove {_TLS}")
        if self._is_sound("client_auth_type", "client_ca_file", "client_ca"):
            self._check_clients()
        if self._tls.min_version > self._tls.max_version and self._is_sound("min_version", "max_version"):
            text = f"{self._tls.min_version} is newer than max_version, {self._tls.max_version}: nobody could connect"
            self._add("min_version" if self._document.node((_TLS, "min_version")) else "max_version", text)

    def _check_clients(self) -> None:
        kind = self._tls.client_auth_type
        key = "client_ca" if self._has("client_ca") else "client_ca_file"
        if self._has(key) and kind is ClientAuth.NONE:
            self._add(key, f"is there, but no client is asked for a certificate: write client_auth_type: {ClientAuth.REQUIRED}")
        if not self._has(key) and kind is not ClientAuth.NONE:
            self._add("client_ca_file", f"is missing: {kind} needs the certificates of those who sign for clients")
        if self._tls.client_allowed_sans and kind is not ClientAuth.REQUIRED:
            self._add(
                "client_allowed_sans", f"needs a certificate of every client: write client_auth_type: {ClientAuth.REQUIRED}"
            )

    def _has(self, key: str) -> bool:
        return getattr(self._tls, key) is not None

    def _is_sound(self, *keys: str) -> bool:
        return self._report.is_sound(*((_TLS, key) for key in keys))

    def _add(self, key: str, text: str) -> None:
        self._report.add(self._document.line((_TLS, key)), (_TLS, key), text)


def _check_headers(headers: dict[str, str], document: Document, report: Report) -> None:
    for name, value in headers.items():
        allowed = HEADERS[name]
        if allowed and value not in allowed:
            path: KeyPath = ("http_server_config", "headers", name)
            report.add(document.line(path), path, f"{quoted(value)} is not allowed: write {' or '.join(allowed)}")


def _tls_settings(tls: TlsServerConfig, directory: Path) -> TlsSettings:
    def pem(in_file: str, inline: str) -> Pem:
        path = getattr(tls, in_file)
        if path is None:
            return Pem(f"{_TLS}.{inline}", text=getattr(tls, inline))
        return Pem(f"{_TLS}.{in_file}", directory / path)

    return TlsSettings(
        certificate=pem("cert_file", "cert"),
        private_key=pem("key_file", "key"),
        client_auth=tls.client_auth_type,
        client_ca=None if tls.client_auth_type is ClientAuth.NONE else pem("client_ca_file", "client_ca"),
        allowed_sans=tls.client_allowed_sans,
        min_version=tls.min_version,
        max_version=tls.max_version,
    )
