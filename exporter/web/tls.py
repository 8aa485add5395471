"""TLS and authentication as the web-config file has them: reads it and the files that it names, and follows their changes."""

import asyncio
import os
import ssl
import stat
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from exporter.errors import ConfigError
from exporter.web.settings import ClientAuth, Pem, TlsSettings, TlsVersion, WebSettings

_LOGGED_FAILURE = 2  # the first may be a file that is being written
_LARGEST_PEM = 1024 * 1024
_VERSIONS = {
    TlsVersion.TLS10: ssl.TLSVersion.TLSv1,
    TlsVersion.TLS11: ssl.TLSVersion.TLSv1_1,
    TlsVersion.TLS12: ssl.TLSVersion.TLSv1_2,
    TlsVersion.TLS13: ssl.TLSVersion.TLSv1_3,
}
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
# TLS 1.0 and 1.1 only have ciphers that OpenSSL refuses by default.
_OLD_CIPHERS = f"{_CIPHERS}:ECDHE+AES:AES:@SECLEVEL=0"


@dataclass(frozen=True, slots=True)
class Secured:
    """How new connections and requests are secured; without a context in plain HTTP."""

    settings: WebSettings = field(default_factory=WebSettings)
    context: ssl.SSLContext | None = None


class WebConfigFile:
    """A web-config file, read every `interval` seconds; `load` raises ConfigError, and so does its first use."""

    def __init__(self, source: str, load: Callable[[], WebSettings], log: FilteringBoundLogger) -> None:
        self.interval = 1.0
        self._source = source
        self._load = load
        self._log = log
        self._seen = self._used = self._read()
        self.current = self._secure(*self._used)
        self._problem = ""
        self._failures = 0

    def refresh(self) -> None:
        """Use what two reads in a row found the same: a file may be being written, and its beginning ask for less."""
        try:
            found = self._read()
            was_seen, self._seen = found == self._seen, found
            if found != self._used and was_seen:
                self.current = self._secure(*found)
                self._used = found
                self._log.info("web configuration reloaded", file=self._source)
            if found == self._used:
                self._problem = ""
        except ConfigError as error:
            self._failures = self._failures + 1 if str(error) == self._problem else 1
            self._problem = str(error)
            if self._failures == _LOGGED_FAILURE:
                self._log.error("reloading web configuration failed", problem="; ".join(error.problems))

    async def follow(self) -> None:
        while True:
            await asyncio.sleep(self.interval)
            await asyncio.to_thread(self.refresh)

    def _read(self) -> tuple[WebSettings, Mapping[Pem, str]]:
        """Return what is in the file, and the PEM that it holds or names."""
        settings = self._load()
        tls = settings.tls
        pems = () if tls is None else (tls.certificate, tls.private_key, tls.client_ca)
        return settings, {pem: _read(pem, self._source) for pem in pems if pem is not None}

    def _secure(self, now: WebSettings, pems: Mapping[Pem, str]) -> Secured:
        (before, _), tls = self._used, now.tls
        # A file that was emptied by mistake must not do this.
        if (tls is None) != (before.tls is None):
            raise ConfigError([f"{self._source}: tls_server_config: enabling or disabling TLS requires a restart"])
        if before.users and not now.users:
            raise ConfigError([f"{self._source}: basic_auth_users: disabling authentication requires a restart"])
        return Secured(now, None if tls is None else _server_context(tls, pems, self._source))


def _read(pem: Pem, source: str) -> str:
    if pem.path is None:
        return pem.text
    try:
        # Opening a pipe would wait for a writer.
        with open(pem.path, "rb", opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise _problem(pem, source, "cannot be read: it is a pipe, socket or device: use a file")
            content = file.read(_LARGEST_PEM + 1)
    except OSError as error:
        raise _problem(pem, source, f"cannot be read: {(error.strerror or str(error)).lower()}") from None
    if len(content) > _LARGEST_PEM:
        raise _problem(pem, source, f"is larger than {_LARGEST_PEM >> 20} MiB: is it the right file?")
    return content.decode("ascii", errors="replace").replace("\ufffd", "?")


def _server_context(settings: TlsSettings, pems: Mapping[Pem, str], source: str) -> ssl.SSLContext:
    certificate, private_key, client_ca = settings.certificate, settings.private_key, settings.client_ca
    for pem in pems:
        label = "PRIVATE KEY" if pem is private_key else "CERTIFICATE"
        if f"{label}-----" not in pems[pem]:
            raise _problem(pem, source, f"contains no PEM {label.lower()}")
    if "ENCRYPTED" in pems[private_key]:
        raise _problem(private_key, source, "is encrypted: use a key without a passphrase")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_ciphers(_OLD_CIPHERS if settings.min_version < TlsVersion.TLS12 else _CIPHERS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # min_version: TLS10 is the user's own choice
        context.minimum_version = _VERSIONS[settings.min_version]
        context.maximum_version = _VERSIONS[settings.max_version]
    context.set_alpn_protocols(["http/1.1"])
    try:
        with _as_file(pems[certificate]) as chain, _as_file(pems[private_key]) as key:
            context.load_cert_chain(chain, key, password=lambda: "")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise _problem(private_key, source, "is not the key of the certificate") from None
        raise _problem(certificate, source, f"and its key cannot be used: {_reason(error)}") from None
    except OSError as error:
        raise _problem(certificate, source, f"and its key cannot be loaded: {error.strerror}") from None
    if client_ca is not None:
        try:
            context.load_verify_locations(cadata=pems[client_ca])
        except ssl.SSLError as error:
            raise _problem(client_ca, source, f"cannot be used: {_reason(error)}") from None
        is_required = settings.client_auth is ClientAuth.REQUIRED
        context.verify_mode = ssl.CERT_REQUIRED if is_required else ssl.CERT_OPTIONAL
    return context


@contextmanager
def _as_file(text: str) -> Iterator[Path]:
    """Yield a path that holds a text, in memory where that is possible: the ssl module takes paths only."""
    in_memory = hasattr(os, "memfd_create")
    with os.fdopen(os.memfd_create("pem"), "wb") if in_memory else tempfile.NamedTemporaryFile("wb") as file:
        file.write(text.encode())
        file.flush()
        yield Path(f"/proc/self/fd/{file.fileno()}" if in_memory else file.name)


def _problem(pem: Pem, source: str, text: str) -> ConfigError:
    place = "" if pem.path is None else f"{pem.path} "
    return ConfigError([f"{source}: {pem.key}: {place}{text}"])


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or "it is not PEM").replace("_", " ").lower()
