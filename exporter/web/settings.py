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
    """`tls_server_config`.

    Attributes:
        certificate: The server's certificate, those of its issuers after it.
        client_ca: None only when clients show no certificate.
        allowed_sans: Subject alternative names of which a client's certificate must have one; empty allows any.
    """

    certificate: Pem
    private_key: Pem
    client_auth: ClientAuth = ClientAuth.NONE
    client_ca: Pem | None = None
    allowed_sans: tuple[str, ...] = ()
    min_version: TlsVersion = TlsVersion.TLS12
    max_version: TlsVersion = TlsVersion.TLS13


@dataclass(frozen=True, slots=True)
class WebSettings:
    """A web-config file.

    Attributes:
        tls: None for plain HTTP.
        headers: Added to every response.
        users: bcrypt hashes by user name; empty turns authentication off.
    """

    tls: TlsSettings | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict, repr=False)
