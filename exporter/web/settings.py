"""The settings of a web-config file: TLS, headers, users."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class ClientAuth(StrEnum):
    """Go's crypto/tls names of whether clients show a certificate."""

    NONE = "NoClientCert"
    IF_GIVEN = "VerifyClientCertIfGiven"
    REQUIRED = "RequireAndVerifyClientCert"


class TlsVersion(StrEnum):
    """exporter-toolkit's names of TLS versions; they sort by age."""

    TLS10 = "TLS10"
    TLS11 = "TLS11"
    TLS12 = "TLS12"
    TLS13 = "TLS13"


@dataclass(frozen=True, slots=True)
class Pem:
    """PEM in a file, or in the web-config file itself; `key` is the web-config's key, for messages."""

    key: str
    path: Path | None = None
    text: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """`tls_server_config`."""

    certificate: Pem  # the server's, those of its issuers after it
    private_key: Pem
    client_auth: ClientAuth = ClientAuth.NONE
    client_ca: Pem | None = None  # None only when clients show no certificate
    allowed_sans: tuple[str, ...] = ()  # of which a client's certificate must have one; empty allows any
    min_version: TlsVersion = TlsVersion.TLS12
    max_version: TlsVersion = TlsVersion.TLS13


@dataclass(frozen=True, slots=True)
class WebSettings:
    """A web-config file; `tls` is None for plain HTTP, and without users (bcrypt hashes by name) anybody may read."""

    tls: TlsSettings | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict, repr=False)
