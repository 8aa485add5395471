"""Signature Version 4, checked the way AWS checks it."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote

from exporter.simulator.messages import Request

_ALGORITHM = "AWS4-HMAC-SHA256"
_AUTHORIZATION = re.compile(
    _ALGORITHM + r" Credential=(?P<access_key_id>[^/]+)/(?P<date>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request,"
    r" *SignedHeaders=(?P<signed_headers>[^,]+), *Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class Authorization:
    """What the Authorization header claims; nothing of it is proven yet.

    Attributes:
        access_key_id: Who signed.
        date: `YYYYMMDD` of the credential scope.
        region: The region that the request was signed for.
        service: The service that the request was signed for.
        signed_headers: Names of the headers that the signature covers.
        signature: 64 hexadecimal digits.
    """

    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str


def parse_authorization(header: str) -> Authorization | None:
    """Return what an Authorization header claims, or None when it is not Signature Version 4."""
    match = _AUTHORIZATION.fullmatch(header)
    if match is None:
        return None
    return Authorization(
        access_key_id=match["access_key_id"],
        date=match["date"],
        region=match["region"],
        service=match["service"],
        signed_headers=tuple(match["signed_headers"].split(";")),
        signature=match["signature"],
    )


def is_signed(request: Request, authorization: Authorization, secret_access_key: str) -> bool:
    """Return whether the signature of a request was made with the secret."""
    scope = f"{authorization.date}/{authorization.region}/{authorization.service}/aws4_request"
    canonical_digest = hashlib.sha256(_canonical_request(request, authorization.signed_headers)).hexdigest()
    to_sign = "\n".join((_ALGORITHM, request.headers.get("x-amz-date", ""), scope, canonical_digest))
    key = f"AWS4{secret_access_key}".encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    return hmac.compare_digest(_hmac(key, to_sign).hex(), authorization.signature)


def _canonical_request(request: Request, signed_headers: tuple[str, ...]) -> bytes:
    path, _, query = request.target.partition("?")
    pairs = sorted((quote(name, "-_.~"), quote(value, "-_.~")) for name, value in parse_qsl(query, keep_blank_values=True))
    return "\n".join(
        (
            request.method,
            path,
            "&".join(f"{name}={value}" for name, value in pairs),
            *(f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in signed_headers),
            "",
            ";".join(signed_headers),
            hashlib.sha256(request.body).hexdigest(),
        )
    ).encode()


def _hmac(key: bytes, message: str) -> bytes:
    return hmac.digest(key, message.encode(), "sha256")
