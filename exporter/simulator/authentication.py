"""Who is calling: no answer without a known key, a valid token and a right signature."""

from exporter.simulator.dialects import Call, Dialect
from exporter.simulator.errors import ApiError
from exporter.simulator.keys import AccessKey, KeyRing
from exporter.simulator.messages import Request
from exporter.simulator.signature import Authorization, is_signed

_SIGNATURE_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
)


class Authenticator:
    """Finds out whose request it is.

    Args:
        keys: The keys that exist.
        verify_signatures: Whether signatures are checked; keys, tokens and expiry always are.
    """

    def __init__(self, keys: KeyRing, *, verify_signatures: bool) -> None:
        self._keys = keys
        self._verify_signatures = verify_signatures

    def claimed_key(self, authorization: Authorization | None) -> AccessKey | None:
        """Return the key that a request says it was signed with, unproven."""
        return None if authorization is None else self._keys.find(authorization.access_key_id)

    def authenticate(
        self, request: Request, call: Call, authorization: Authorization | None, dialect: Dialect, now: float
    ) -> AccessKey:
        """Return the key that a request was really signed with.

        Raises:
            ApiError: It was not signed, or not rightly, or with a key that is unknown or has expired.
        """
        status = dialect.unauthenticated_status
        if authorization is None:
            raise ApiError("MissingAuthenticationTokenException", "Missing Authentication Token", 403)
        key = self._keys.find(authorization.access_key_id)
        if key is None or request.headers.get("x-amz-security-token", "") != key.session_token:
            raise ApiError("UnrecognizedClientException", "The security token included in the request is invalid.", status)
        if authorization.service != call.service:
            raise ApiError(
                "InvalidSignatureException", f"Credential should be scoped to correct service: '{call.service}'.", status
            )
        if self._verify_signatures and not is_signed(request, authorization, key.secret_access_key):
            raise ApiError("InvalidSignatureException", _SIGNATURE_MISMATCH, status)
        if key.expires_at is not None and now >= key.expires_at:
            raise ApiError("ExpiredTokenException", "The security token included in the request is expired", status)
        return key
