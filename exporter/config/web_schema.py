"""The keys of a web-config file, which are those of exporter-toolkit, and what one value may be."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final, Never

from pydantic import Field, PlainValidator

from exporter.config.schema import Section
from exporter.config.values import Switch
from exporter.web.settings import ClientAuth, TlsVersion

_BCRYPT = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}")
_LEAST_COST, _MOST_COST = 4, 16
_HEADER_VALUE = re.compile(r"[ -~]+")
HEADERS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "Strict-Transport-Security": (),
        "X-Content-Type-Options": ("nosniff",),
        "X-Frame-Options": ("deny", "sameorigin"),
        "X-XSS-Protection": (),
        "Content-Security-Policy": (),
    }
)
"""The headers that exporter-toolkit lets one set, and their values where it allows but some."""

_UNVERIFIED = frozenset(("RequestClientCert", "RequireAnyClientCert", "RequireClientCert"))


def _written(value: object) -> str:
    if value == "":
        raise ValueError("is empty: write something, or remove the key")
    if not isinstance(value, str):
        raise ValueError("is not text: write it in quotes")  # noqa: TRY004 - pydantic listens for ValueError
    return value


def _file(value: object) -> str:
    path = _written(value)
    if "-----BEGIN " in path:
        raise ValueError("is no path but PEM itself: write it under the same key without _file")
    if "\0" in path:
        raise ValueError("is not a path: there is a NUL character in it")
    return path


def _pem(value: object) -> str:
    text = _written(value)
    if "-----BEGIN " not in text:
        raise ValueError("is not PEM, which begins with -----BEGIN: for a path, use the same key with _file")
    return text


def _client_auth(value: object) -> ClientAuth:
    name = _written(value)
    if name in _UNVERIFIED:
        raise ValueError(
            "asks for certificates without verifying them, which this exporter cannot do: "
            "write RequireAndVerifyClientCert, and client_ca_file"
        )
    if name not in set(ClientAuth):
        raise ValueError(f"is not a way to authenticate clients: write one of {', '.join(ClientAuth)}")
    return ClientAuth(name)


def _tls_version(value: object) -> TlsVersion:
    name = _written(value)
    if name not in set(TlsVersion):
        raise ValueError(f"is not a version of TLS: write one of {', '.join(TlsVersion)}")
    return TlsVersion(name)


def _sans(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        raise ValueError("is not a list of names: write each after a dash, in quotes")
    if not value:
        raise ValueError("is empty, so nobody could connect: write the names that may, or remove the key")
    return tuple(value)


def _header(value: object) -> str:
    if value not in HEADERS:
        raise ValueError(f"cannot be set: allowed are {', '.join(HEADERS)}, written like this")
    return str(value)


def _header_value(value: object) -> str:
    text = _written(value)
    if not _HEADER_VALUE.fullmatch(text):
        raise ValueError("is not one line of plain ASCII")
    return text


def _hash(value: object) -> str:
    text = _written(value)
    match = _BCRYPT.fullmatch(text)
    if match is None:
        raise ValueError("is not a bcrypt hash: make one with htpasswd -nBC 10 NAME, and never write the password itself")
    cost = int(match[1])
    if not _LEAST_COST <= cost <= _MOST_COST:
        raise ValueError(f"is a hash of cost {cost}: make one with a cost from {_LEAST_COST} to {_MOST_COST}, such as 10")
    return text


def _user(value: object) -> str:
    name = str(value)
    if not name or ":" in name:
        raise ValueError("is not a user name: it is not empty, and basic authentication ends it at the first colon")
    return name


def _beyond(what: str) -> PlainValidator:
    """Return what refuses a key of exporter-toolkit that this exporter does not have."""

    def refuse(_: object) -> Never:
        raise ValueError(f"cannot be set here: {what}; remove the key")

    return PlainValidator(refuse)


File = Annotated[str, PlainValidator(_file)]
PemText = Annotated[str, PlainValidator(_pem)]
Version = Annotated[TlsVersion, PlainValidator(_tls_version)]
Headers = dict[Annotated[str, PlainValidator(_header)], Annotated[str, PlainValidator(_header_value)]]
Users = dict[Annotated[str, PlainValidator(_user)], Annotated[str, PlainValidator(_hash)]]
_OPENSSL = "the order and choice of ciphers and curves are OpenSSL's own"


class TlsServerConfig(Section):
    """How TLS is spoken."""

    cert_file: File | None = None
    key_file: File | None = None
    client_ca_file: File | None = None
    cert: PemText | None = None
    key: PemText | None = None
    client_ca: PemText | None = None
    client_auth_type: Annotated[ClientAuth, PlainValidator(_client_auth)] = ClientAuth.NONE
    client_allowed_sans: Annotated[tuple[str, ...], PlainValidator(_sans)] = ()
    min_version: Version = TlsVersion.TLS12
    max_version: Version = TlsVersion.TLS13
    cipher_suites: Annotated[None, _beyond(f"these are Go's names, and {_OPENSSL}")] = None
    curve_preferences: Annotated[None, _beyond(_OPENSSL)] = None
    prefer_server_cipher_suites: Annotated[None, _beyond(_OPENSSL)] = None


class HttpServerConfig(Section):
    """What HTTP is spoken, and what is added to every response."""

    http2: Switch = True
    headers: Headers = Field(default_factory=dict)


class WebConfig(Section):
    """A whole web-config file."""

    tls_server_config: TlsServerConfig | None = None
    http_server_config: HttpServerConfig = HttpServerConfig()
    basic_auth_users: Users = Field(default_factory=dict)
    rate_limit: Annotated[None, _beyond("--web.max-requests bounds what clients can ask for")] = None
