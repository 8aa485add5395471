"""TLS and authentication as the web-config file has them: reads it and the files that it names, and follows their changes."""

import asyncio
import ipaddress
import os
import ssl
import stat
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from structlog.typing import FilteringBoundLogger

from exporter.errors import ConfigError
from exporter.web.settings import ClientAuth, Pem, TlsSettings, TlsVersion, WebSettings

_INTERVAL_SECONDS = 1.0
_LOGGED_FAILURE = 2
"""The first may be a file that is being written."""
_LARGEST_PEM = 1024 * 1024
_VERSIONS = {
    TlsVersion.TLS10: ssl.TLSVersion.TLSv1,
    TlsVersion.TLS11: ssl.TLSVersion.TLSv1_1,
    TlsVersion.TLS12: ssl.TLSVersion.TLSv1_2,
    TlsVersion.TLS13: ssl.TLSVersion.TLSv1_3,
}
_VERIFY = {
    ClientAuth.NONE: ssl.CERT_NONE,
    ClientAuth.IF_GIVEN: ssl.CERT_OPTIONAL,
    ClientAuth.REQUIRED: ssl.CERT_REQUIRED,
}
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
# TLS 1.0 and 1.1 only have ciphers that OpenSSL refuses by default.
_OLD_CIPHERS = f"{_CIPHERS}:ECDHE+AES:AES:@SECLEVEL=0"


@dataclass(frozen=True, slots=True)
class Secured:
    """How new connections and requests are secured; without a context in plain HTTP."""

    settings: WebSettings = field(default_factory=WebSettings)
    context: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class _Material:
    """PEM."""

    certificate: str
    private_key: str = field(repr=False)
    client_ca: str


@dataclass(frozen=True, slots=True)
class _Files:
    """The web-config file, and what the files that it names hold."""

    content: bytes
    settings: WebSettings
    material: _Material | None


class WebConfigFile:
    """A web-config file that may change; `read` and `parse` raise ConfigError, and so does the first use of the file.

    Attributes:
        interval: Seconds between two reads of the files.
    """

    def __init__(
        self, source: str, read: Callable[[], bytes], parse: Callable[[bytes], WebSettings], log: FilteringBoundLogger
    ) -> None:
        self.interval = _INTERVAL_SECONDS
        self._source = source
        self._read_content = read
        self._parse = parse
        self._log = log
        self._files = self._seen = self._read(None)
        self._current = self._secure(self._files)
        self._problem = ""
        self._failures = 0

    def current(self) -> Secured:
        """Return what holds for new connections and requests."""
        return self._current

    def refresh(self) -> None:
        """Reload what two reads in a row found the same: a file may be being written."""
        try:
            files = self._read(self._seen)
            was_seen = files == self._seen
            self._seen = files
            if files == self._files:
                self._problem = ""
            elif was_seen:
                self._check_change(files.settings)
                self._current = self._secure(files)
                self._files = files
                self._problem = ""
                self._log.info("web-config reloaded", file=self._source)
        except ConfigError as error:
            self._failures = self._failures + 1 if str(error) == self._problem else 1
            self._problem = str(error)
            if self._failures == _LOGGED_FAILURE:
                problem = "; ".join(error.problems)
                self._log.error("reloading web config failed, keeping the previous one", problem=problem)

    async def follow(self) -> None:
        """Refresh until it is cancelled."""
        while True:
            await asyncio.sleep(self.interval)
            await asyncio.to_thread(self.refresh)

    def _read(self, before: _Files | None) -> _Files:
        content = self._read_content()
        settings = before.settings if before is not None and before.content == content else self._parse(content)
        return _Files(content, settings, None if settings.tls is None else _read_material(settings.tls, self._source))

    def _secure(self, files: _Files) -> Secured:
        tls, material = files.settings.tls, files.material
        if tls is None or material is None:
            return Secured(files.settings)
        return Secured(files.settings, _server_context(tls, material, self._source))

    def _check_change(self, settings: WebSettings) -> None:
        """Refuse what a file that was emptied by mistake must not do."""
        before = self._current.settings
        if (settings.tls is None) != (before.tls is None):
            raise ConfigError([f"{self._source}: tls_server_config: TLS is turned on and off by a restart only"])
        if before.users and not settings.users:
            raise ConfigError([f"{self._source}: basic_auth_users: authentication is turned off by a restart only"])


def subject_alternative_names(certificate: Mapping[str, Any] | None) -> frozenset[str]:
    """Return the names in what `getpeercert` returns, written as Go writes them."""
    names: Sequence[tuple[str, str]] = (certificate or {}).get("subjectAltName", ())
    return frozenset(
        ipaddress.ip_address(name.strip()).compressed if kind == "IP Address" else name
        for kind, name in names
        if kind in {"DNS", "email", "URI", "IP Address"}
    )


def _read_material(settings: TlsSettings, source: str) -> _Material:
    return _Material(
        _read(settings.certificate, source),
        _read(settings.private_key, source),
        "" if settings.client_ca is None else _read(settings.client_ca, source),
    )


def _read(pem: Pem, source: str) -> str:
    if pem.path is None:
        return pem.text
    try:
        # Opening a pipe would wait for whoever writes into it.
        with open(pem.path, "rb", opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise _problem(pem, source, "cannot be read: it is a pipe, a socket or a device: name a file")
            content = file.read(_LARGEST_PEM)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise _problem(pem, source, f"cannot be read: {reason}") from None
    return content.decode("ascii", errors="replace").replace("\ufffd", "?")


def _server_context(settings: TlsSettings, material: _Material, source: str) -> ssl.SSLContext:
    _check_pem(settings.certificate, material.certificate, "CERTIFICATE", "certificate", source)
    _check_pem(settings.private_key, material.private_key, "PRIVATE KEY", "private key", source)
    if "ENCRYPTED" in material.private_key:
        problem = "is encrypted, and nobody is there to ask: write the key without a passphrase"
        raise _problem(settings.private_key, source, problem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_ciphers(_OLD_CIPHERS if settings.min_version < TlsVersion.TLS12 else _CIPHERS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # min_version: TLS10 is the user's own choice
        context.minimum_version = _VERSIONS[settings.min_version]
        context.maximum_version = _VERSIONS[settings.max_version]
    context.set_alpn_protocols(["http/1.1"])
    _load_chain(context, settings, material, source)
    if settings.client_ca is not None:
        _check_pem(settings.client_ca, material.client_ca, "CERTIFICATE", "certificate", source)
        try:
            context.load_verify_locations(cadata=material.client_ca)
        except ssl.SSLError as error:
            raise _problem(settings.client_ca, source, f"cannot be used: {_reason(error)}") from None
        context.verify_mode = _VERIFY[settings.client_auth]
    return context


def _load_chain(context: ssl.SSLContext, settings: TlsSettings, material: _Material, source: str) -> None:
    with _as_file(material.certificate) as certificate, _as_file(material.private_key) as private_key:
        try:
            context.load_cert_chain(certificate, private_key, password=lambda: "")
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                raise _problem(settings.private_key, source, "is not the key of the certificate") from None
            raise _problem(settings.certificate, source, f"and its key cannot be used: {_reason(error)}") from None


@contextmanager
def _as_file(text: str) -> Iterator[Path]:
    """Yield a path that holds a text, in memory where that is possible: the ssl module takes paths only."""
    if hasattr(os, "memfd_create"):
        number = os.memfd_create("pem")
        try:
            os.write(number, text.encode())
            yield Path(f"/proc/self/fd/{number}")
        finally:
            os.close(number)
    else:
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(text)
            file.flush()
            yield Path(file.name)


def _check_pem(pem: Pem, text: str, label: str, what: str, source: str) -> None:
    if f"{label}-----" not in text:
        raise _problem(pem, source, f"holds no {what} in PEM")


def _problem(pem: Pem, source: str, text: str) -> ConfigError:
    place = "" if pem.path is None else f"{pem.path} "
    return ConfigError([f"{source}: {pem.key}: {place}{text}"])


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or "it is not PEM").replace("_", " ").lower()
