"""The web-config file: the keys of Prometheus's exporter-toolkit.

What exporter-toolkit knows and this exporter cannot do is refused, never ignored; but for `http2`, which has no effect.
"""

import re
from pathlib import Path
from typing import Annotated, NoReturn

from pydantic import AfterValidator, Field, PlainValidator

from exporter.config.problems import validated
from exporter.config.schema import Section
from exporter.config.types import Switch, Text, matching, not_empty, one_of
from exporter.config.yaml_lines import Document, read_yaml
from exporter.web.settings import ClientAuth, Pem, TlsSettings, TlsVersion, WebSettings

_TLS = "tls_server_config"
_BCRYPT = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}")
_MIN_COST, _MAX_COST = 4, 16
_NOBODY = ", so no client could connect: list the allowed names, or remove the key"
_OPENSSL = "OpenSSL chooses ciphers and curves"


def _hash(text: str) -> str:
    match = _BCRYPT.fullmatch(text)
    if match is None:
        raise ValueError("is not a bcrypt hash: create one with htpasswd -nBC 10 NAME; never write the password itself")
    cost = int(match[1])
    if not _MIN_COST <= cost <= _MAX_COST:
        raise ValueError(f"is a hash of cost {cost}: create one with a cost from {_MIN_COST} to {_MAX_COST}, such as 10")
    return text


def _unsupported(why: str) -> PlainValidator:
    def refuse(_: object) -> NoReturn:
        raise ValueError(f"is not supported: {why}; remove the key")

    return PlainValidator(refuse)


_Written = Annotated[Text, not_empty(": write something, or remove the key")]
_NO_PATH = "is PEM, not a path: move it to the same key without _file"
_NUL = "is not a path: it contains a NUL character"
_File = Annotated[_Written, matching(r"(?!.*-----BEGIN ).*", _NO_PATH), matching(r"[^\0]*", _NUL)]
_NO_PEM = "is not PEM, which begins with -----BEGIN: for a path, use the same key with _file"
_PemText = Annotated[_Written, matching(r".*-----BEGIN .*", _NO_PEM)]
_Header = Annotated[_Written, matching(r"[ -~]+", "is not one line of ASCII")]
_ContentTypeOptions = Annotated[_Header, matching("nosniff", "is not allowed: write nosniff")]
_FrameOptions = Annotated[_Header, matching("deny|sameorigin", "is not allowed: write deny or sameorigin")]
_NO_USER = "is not a user name: it must not be empty or contain a colon"
_User = Annotated[str, PlainValidator(str), matching("[^:]+", _NO_USER)]
_Hash = Annotated[_Written, AfterValidator(_hash)]
_ClientAuth = Annotated[ClientAuth, one_of(ClientAuth, "a supported client_auth_type")]
_Version = Annotated[TlsVersion, one_of(TlsVersion, "a TLS version")]


class TlsServerConfig(Section):
    """TLS: files or inline PEM, who may connect, and versions."""

    cert_file: _File | None = None
    key_file: _File | None = None
    client_ca_file: _File | None = None
    cert: _PemText | None = None
    key: _PemText | None = None
    client_ca: _PemText | None = None
    client_auth_type: _ClientAuth = ClientAuth.NONE
    client_allowed_sans: Annotated[tuple[_Written, ...], not_empty(_NOBODY)] = ()
    min_version: _Version = TlsVersion.TLS12
    max_version: _Version = TlsVersion.TLS13
    cipher_suites: Annotated[None, _unsupported(_OPENSSL)] = None
    curve_preferences: Annotated[None, _unsupported(_OPENSSL)] = None
    prefer_server_cipher_suites: Annotated[None, _unsupported(_OPENSSL)] = None


class Headers(Section):
    """The headers that exporter-toolkit lets one set, with their values where it allows but some."""

    hsts: _Header = Field("", alias="Strict-Transport-Security")
    content_type_options: _ContentTypeOptions = Field("", alias="X-Content-Type-Options")
    frame_options: _FrameOptions = Field("", alias="X-Frame-Options")
    xss_protection: _Header = Field("", alias="X-XSS-Protection")
    content_security_policy: _Header = Field("", alias="Content-Security-Policy")


class HttpServerConfig(Section):
    """What is added to every response; `http2` has no effect, only HTTP/1.1 is served."""

    http2: Switch = False
    headers: Headers = Headers()


class WebConfig(Section):
    """A web-config file; TLS is on if its key is there."""

    tls_server_config: TlsServerConfig = TlsServerConfig()
    http_server_config: HttpServerConfig = HttpServerConfig()
    basic_auth_users: dict[_User, _Hash] = Field({})
    rate_limit: Annotated[None, _unsupported("use --web.max-requests")] = None


def parse_web_config(content: bytes, *, source: str, directory: Path) -> WebSettings:
    """Read a web-config as `parse` does a configuration; relative paths in it begin at `directory`."""
    document = read_yaml(content, source)
    config = validated(document, WebConfig)
    tls = None
    if _TLS in config.model_fields_set:
        _check_tls(config.tls_server_config, document)
        tls = _tls_settings(config.tls_server_config, directory)
    return WebSettings(
        tls=tls,
        headers=config.http_server_config.headers.model_dump(by_alias=True, exclude_unset=True),
        users=config.basic_auth_users,
    )


def _check_tls(tls: TlsServerConfig, document: Document) -> None:
    """Report what is wrong between values that are valid on their own."""
    given = {key for key in tls.model_fields_set if getattr(tls, key) is not None}
    for inline in ("cert", "key", "client_ca"):
        in_file = f"{inline}_file"
        if {in_file, inline} <= given:
            line = document.line((_TLS, in_file))
            document.add((_TLS, inline), f"is mutually exclusive with {in_file} (line {line}): keep one of them")
        elif inline != "client_ca" and given.isdisjoint((in_file, inline)):
            document.add((_TLS, in_file), f"is missing: TLS requires cert_file and key_file; without TLS, remove {_TLS}")
    kind, client_ca = tls.client_auth_type, "client_ca" if "client_ca" in given else "client_ca_file"
    advice = f"write client_auth_type: {ClientAuth.REQUIRED}"
    if client_ca in given and kind is ClientAuth.NONE:
        document.add((_TLS, client_ca), f"has no effect without client certificates: {advice}")
    if client_ca not in given and kind is not ClientAuth.NONE:
        document.add((_TLS, client_ca), f"is missing: {kind} requires the CA certificates of the clients")
    if tls.client_allowed_sans and kind is not ClientAuth.REQUIRED:
        document.add((_TLS, "client_allowed_sans"), f"requires client certificates: {advice}")
    if tls.min_version > tls.max_version:
        key = "min_version" if "min_version" in given else "max_version"
        document.add((_TLS, key), f"{tls.min_version} is newer than max_version, {tls.max_version}: no client could connect")
    document.check()


def _tls_settings(tls: TlsServerConfig, directory: Path) -> TlsSettings:
    def pem(key: str) -> Pem:
        path = getattr(tls, f"{key}_file")
        return Pem(f"{_TLS}.{key}_file", directory / path) if path else Pem(f"{_TLS}.{key}", text=getattr(tls, key))

    return TlsSettings(
        certificate=pem("cert"),
        private_key=pem("key"),
        client_auth=tls.client_auth_type,
        client_ca=None if tls.client_auth_type is ClientAuth.NONE else pem("client_ca"),
        allowed_sans=tls.client_allowed_sans,
        min_version=tls.min_version,
        max_version=tls.max_version,
    )
