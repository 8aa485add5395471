"""From what a web-config file says of TLS to what the ssl module takes, and whom a client's certificate is about."""

import ipaddress
import os
import ssl
import stat
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from exporter.errors import ConfigError
from exporter.web.settings import ClientAuth, Pem, TlsSettings, TlsVersion

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
# What TLS 1.0 and 1.1 have is below OpenSSL's own bar: who asks for them gets it.
_OLD_CIPHERS = f"{_CIPHERS}:ECDHE+AES:AES:@SECLEVEL=0"


@dataclass(frozen=True, slots=True)
class Material:
    """The PEM that TLS takes, read from where the settings say.

    Attributes:
        certificate: The server's certificate and those of its issuers.
        private_key: The key of the certificate.
        client_ca: Who signs the certificates of clients; empty when they show none.
    """

    certificate: str
    private_key: str = field(repr=False)
    client_ca: str = ""


def read_material(settings: TlsSettings, source: str) -> Material:
    """Read the certificates and the key.

    Args:
        settings: Where they are.
        source: The web-config file's name, for messages.

    Raises:
        ConfigError: One cannot be read.
    """
    return Material(
        _read(settings.certificate, source),
        _read(settings.private_key, source),
        "" if settings.client_ca is None else _read(settings.client_ca, source),
    )


def server_context(settings: TlsSettings, material: Material, source: str, *, http2: bool) -> ssl.SSLContext:
    """Return the context in which connections are accepted.

    Args:
        settings: How TLS is spoken.
        material: The certificates and the key.
        source: The web-config file's name, for messages.
        http2: Whether HTTP/2 is offered; it takes TLS 1.2.

    Raises:
        ConfigError: The certificates or the key cannot be used.
    """
    _check_pem(settings.certificate, material.certificate, "CERTIFICATE", "certificate", source)
    _check_pem(settings.private_key, material.private_key, "PRIVATE KEY", "private key", source)
    if "ENCRYPTED" in material.private_key:
        raise _problem(
            settings.private_key, source, "is encrypted, and nobody is there to ask: write the key without a passphrase"
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_ciphers(_OLD_CIPHERS if settings.min_version < TlsVersion.TLS12 else _CIPHERS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # who writes TLS10 knows that it is old
        context.minimum_version = _VERSIONS[settings.min_version]
        context.maximum_version = _VERSIONS[settings.max_version]
    modern = settings.max_version >= TlsVersion.TLS12
    context.set_alpn_protocols(["h2", "http/1.1"] if http2 and modern else ["http/1.1"])
    _load_chain(context, settings, material, source)
    if settings.client_ca is not None:
        _check_pem(settings.client_ca, material.client_ca, "CERTIFICATE", "certificate", source)
        try:
            context.load_verify_locations(cadata=material.client_ca)
        except ssl.SSLError as error:
            raise _problem(settings.client_ca, source, f"cannot be used: {_reason(error)}") from None
        context.verify_mode = _VERIFY[settings.client_auth]
    return context


def names_in(certificate: Mapping[str, Any] | None) -> frozenset[str]:
    """Return the subject alternative names of a client's certificate, as Go writes them.

    Args:
        certificate: What `ssl.SSLSocket.getpeercert` returns.
    """
    names: Sequence[tuple[str, str]] = (certificate or {}).get("subjectAltName", ())
    return frozenset(
        ipaddress.ip_address(name.strip()).compressed if kind == "IP Address" else name
        for kind, name in names
        if kind in {"DNS", "email", "URI", "IP Address"}
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


def _check_pem(pem: Pem, text: str, label: str, what: str, source: str) -> None:
    if f"{label}-----" not in text:
        raise _problem(pem, source, f"holds no {what} in PEM")


def _problem(pem: Pem, source: str, text: str) -> ConfigError:
    place = "" if pem.path is None else f"{pem.path} "
    return ConfigError([f"{source}: {pem.key}: {place}{text}"])


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or "it is not PEM").replace("_", " ").lower()


def _load_chain(context: ssl.SSLContext, settings: TlsSettings, material: Material, source: str) -> None:
    with _as_file(material.certificate) as certificate, _as_file(material.private_key) as private_key:
        try:
            context.load_cert_chain(certificate, private_key, password=lambda: "")
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                raise _problem(settings.private_key, source, "is not the key of the certificate") from None
            raise _problem(settings.certificate, source, f"and its key cannot be used: {_reason(error)}") from None


@contextmanager
def _as_file(text: str) -> Iterator[Path]:
    """Yield a path under which the ssl module, which takes paths only, finds a text; where there can be, there is no file."""
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
