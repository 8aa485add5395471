"""Whose request it is: Signature Version 4, checked the way AWS checks it."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import parse_qsl, quote

from exporter.simulator.errors import ApiError
from exporter.simulator.keys import AccessKey, KeyRing

_ALGORITHM = "AWS4-HMAC-SHA256"
_AUTHORIZATION = re.compile(
    _ALGORITHM + r" Credential=(?P<access_key_id>[^/]+)/(?P<scope>\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request),"
    r" *SignedHeaders=(?P<signed_headers>[^,]+), *Signature=(?P<signature>[0-9a-f]{64})"
)
_MISMATCH = "The request signature we calculated does not match the signature you provided."


class Claim(NamedTuple):
    """What the Authorization header claims; nothing of it is proven yet."""

    access_key_id: str
    scope: str
    region: str
    service: str
    signed_headers: str
    signature: str


class SignedRequest:
    """What a signature covers, and what it claims, or None; `time` is when it arrived, in Unix seconds."""

    def __init__(self, method: str, target: str, headers: Mapping[str, str], body: bytes, time: float) -> None:
        match = _AUTHORIZATION.fullmatch(headers.get("Authorization", ""))
        self.claim = Claim(**match.groupdict()) if match else None
        self._method = method
        self._target = target
        self._headers = headers
        self._body = body
        self._time = time

    def authenticate(self, keys: KeyRing, service: str, *, verify: bool) -> AccessKey:
        """Return the key that the request was really signed with; without `verify`, the signature alone is not checked.

        Raises:
            ApiError: The request was not signed, or not rightly, or with a key that is unknown or has expired.
        """
        status = HTTPStatus.FORBIDDEN if service == "sts" else HTTPStatus.BAD_REQUEST
        if self.claim is None:
            raise ApiError("MissingAuthenticationTokenException", "Missing Authentication Token", HTTPStatus.FORBIDDEN)
        key = keys.find(self.claim.access_key_id)
        if key is None or self._headers.get("X-Amz-Security-Token", "") != key.session_token:
            raise ApiError("UnrecognizedClientException", "The security token included in the request is invalid.", status)
        if self.claim.service != service:
            raise ApiError("InvalidSignatureException", f"Credential should be scoped to correct service: '{service}'.", status)
        if verify and not hmac.compare_digest(self._signature(self.claim, key.secret_access_key), self.claim.signature):
            raise ApiError("InvalidSignatureException", _MISMATCH, status)
        if key.expires_at is not None and self._time >= key.expires_at:
            raise ApiError("ExpiredTokenException", "The security token included in the request is expired", status)
        return key

    def _signature(self, claim: Claim, secret_access_key: str) -> str:
        digest = hashlib.sha256(self._canonical_request(claim.signed_headers)).hexdigest()
        key = f"AWS4{secret_access_key}".encode()
        for part in claim.scope.split("/"):
            key = _hmac(key, part)
        return _hmac(key, "\n".join((_ALGORITHM, self._headers.get("X-Amz-Date", ""), claim.scope, digest))).hex()

    def _canonical_request(self, signed_headers: str) -> bytes:
        path, _, query = self._target.partition("?")
        pairs = sorted((quote(name, "-_.~"), quote(value, "-_.~")) for name, value in parse_qsl(query, keep_blank_values=True))
        return "\n".join(
            (
                self._method,
                quote(path, safe="/~"),  # once more than it is on the wire, as all services but S3 have it
                "&".join(f"{name}={value}" for name, value in pairs),
                *(f"{name}:{' '.join(self._headers.get(name, '').split())}" for name in signed_headers.split(";")),
                "",
                signed_headers,
                hashlib.sha256(self._body).hexdigest(),
            )
        ).encode()


def _hmac(key: bytes, message: str) -> bytes:
    return hmac.digest(key, message.encode(), "sha256")
