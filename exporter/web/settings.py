"""What a web-config file says: TLS, HTTP and who may log in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class ClientAuth(StrEnum):
    """Whether clients show a certificate, in the words of Go's crypto/tls."""

    NONE = "NoClientCert"
    IF_GIVEN = "VerifyClientCertIfGiven"
    REQUIRED = "RequireAndVerifyClientCert"


class TlsVersion(StrEnum):
    """A version of TLS, in the words of exporter-toolkit; each is a greater text than those before it."""

    TLS10 = "TLS10"
    TLS11 = "TLS11"
    TLS12 = "TLS12"
    TLS13 = "TLS13"


@dataclass(frozen=True, slots=True)
class Pem:
    """Something in PEM: in a file, or in the web-config file itself.

    Attributes:
        key: The key of the web-config file that says it, for messages.
        path: The file, or None.
        text: The PEM itself, or empty.
    """

    key: str
    path: Path | None = None
    text: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """How TLS is spoken.

    Attributes:
        certificate: The server's certificate, those of its issuers after it.
        private_key: The key of the certificate.
        client_auth: Whether clients show a certificate.
        client_ca: Who signs the certificates of clients; None only when they show none.
        allowed_sans: Subject alternative names of which a client's certificate must have one; empty when any will do.
        min_version: The oldest version spoken.
        max_version: The newest version spoken.
    """

    certificate: Pem
    private_key: Pem
    client_auth: ClientAuth = ClientAuth.NONE
    client_ca: Pem | None = None
    allowed_sans: tuple[str, ...] = ()
    min_version: TlsVersion = TlsVersion.TLS12
    max_version: TlsVersion = TlsVersion.TLS13

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that are read besides the web-config file."""
        pems = (self.certificate, self.private_key, self.client_ca)
        return tuple(pem.path for pem in pems if pem is not None and pem.path is not None)


@dataclass(frozen=True, slots=True)
class WebSettings:
    """A whole web-config file.

    Attributes:
        tls: How TLS is spoken, or None for plain HTTP.
        http2: Whether HTTP/2 is spoken over TLS.
        headers: Added to every response.
        users: The bcrypt hashes of those who may log in, by name; empty when anybody may read.
    """

    tls: TlsSettings | None = None
    http2: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict, repr=False)
