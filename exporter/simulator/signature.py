"""Whose request it is: Signature Version 4, checked the way AWS checks it."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qsl, quote

from exporter.simulator.errors import ApiError
from exporter.simulator.keys import AccessKey, KeyRing

_ALGORITHM = "AWS4-HMAC-SHA256"
_AUTHORIZATION = re.compile(
    _ALGORITHM + r" Credential=(?P<access_key_id>[^/]+)/(?P<date>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request,"
    r" *SignedHeaders=(?P<signed_headers>[^,]+), *Signature=(?P<signature>[0-9a-f]{64})"
)
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
)


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What a signature covers; header names are looked up in any case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Authorization:
    """What the Authorization header claims; nothing of it is proven yet.

    Attributes:
        date: `YYYYMMDD` of the credential scope.
        signature: 64 hexadecimal digits.
    """

    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: str
    signature: str


def parse_authorization(header: str) -> Authorization | None:
    """Return what an Authorization header claims, or None when it is not Signature Version 4."""
    match = _AUTHORIZATION.fullmatch(header)
    return None if match is None else Authorization(**match.groupdict())


def authenticate(
    request: SignedRequest, authorization: Authorization | None, keys: KeyRing, *, service: str, now: float, verify: bool
) -> AccessKey:
    """Return the key that a request was really signed with; without `verify`, the signature alone is not checked.

    Raises:
        ApiError: The request was not signed, or not rightly, or with a key that is unknown or has expired.
    """
    status = HTTPStatus.FORBIDDEN if service == "sts" else HTTPStatus.BAD_REQUEST
    if authorization is None:
        raise ApiError("MissingAuthenticationTokenException", "Missing Authentication Token", HTTPStatus.FORBIDDEN)
    key = keys.find(authorization.access_key_id)
    if key is None or request.headers.get("X-Amz-Security-Token", "") != key.session_token:
        raise ApiError("UnrecognizedClientException", "The security token included in the request is invalid.", status)
    if authorization.service != service:
        raise ApiError("InvalidSignatureException", f"Credential should be scoped to correct service: '{service}'.", status)
    if verify and not _is_signed(request, authorization, key.secret_access_key):
        raise ApiError("InvalidSignatureException", _MISMATCH, status)
    if key.expires_at is not None and now >= key.expires_at:
        raise ApiError("ExpiredTokenException", "The security token included in the request is expired", status)
    return key


def _is_signed(request: SignedRequest, authorization: Authorization, secret_access_key: str) -> bool:
    scope = f"{authorization.date}/{authorization.region}/{authorization.service}/aws4_request"
    canonical_digest = hashlib.sha256(_canonical_request(request, authorization.signed_headers)).hexdigest()
    to_sign = "\n".join((_ALGORITHM, request.headers.get("X-Amz-Date", ""), scope, canonical_digest))
    key = f"AWS4{secret_access_key}".encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    return hmac.compare_digest(_hmac(key, to_sign).hex(), authorization.signature)


def _canonical_request(request: SignedRequest, signed_headers: str) -> bytes:
    path, _, query = request.target.partition("?")
    pairs = sorted((quote(name, "-_.~"), quote(value, "-_.~")) for name, value in parse_qsl(query, keep_blank_values=True))
    return "\n".join(
        (
            request.method,
            path,
            "&".join(f"{name}={value}" for name, value in pairs),
            *(f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in signed_headers.split(";")),
            "",
            signed_headers,
            hashlib.sha256(request.body).hexdigest(),
        )
    ).encode()


def _hmac(key: bytes, message: str) -> bytes:
    return hmac.digest(key, message.encode(), "sha256")
