"""Certificates made for a test: an authority, and what it signs."""

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = timedelta(days=1)
_PEM = serialization.Encoding.PEM


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, in PEM."""

    certificate: str
    private_key: str

    def write(self, directory: Path, name: str) -> tuple[Path, Path]:
        certificate, private_key = directory / f"{name}.crt", directory / f"{name}.key"
        certificate.write_text(self.certificate)
        private_key.write_text(self.private_key)
        return certificate, private_key


class Authority:
    """Signs certificates."""

    def __init__(self, name: str = "test authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._certificate = (
            self._builder(self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.certificate = self._certificate.public_bytes(_PEM).decode()

    def sign(self, *names: str, passphrase: str = "") -> Pair:
        """Return a certificate for names: DNS names, addresses, URIs."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
        builder = self._builder(subject, key).add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([_name(name) for name in names]), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if passphrase:
            encryption = serialization.BestAvailableEncryption(passphrase.encode())
        private_key = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, encryption)
        return Pair(certificate.public_bytes(_PEM).decode(), private_key.decode())

    def client_context(self, own: tuple[Path, Path] | None = None) -> ssl.SSLContext:
        """Return a context that trusts this authority, and shows a certificate of its own when it is given one and its key."""
        context = ssl.create_default_context(cadata=self.certificate)
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if own is not None:
            context.load_cert_chain(own[0], own[1])
        return context

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(now + _DAY)
        )


def _name(name: str) -> x509.GeneralName:
    if "://" in name:
        return x509.UniformResourceIdentifier(name)
    try:
        # A network belongs into an authority's constraints only: here it is what OpenSSL shows as "<invalid>".
        return x509.IPAddress(ipaddress.ip_network(name) if "/" in name else ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
