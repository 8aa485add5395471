"""From what boto3 raises to the closed list of reasons.

The decision is made on AWS's error code, never on its message: messages change, and may quote what must not be logged.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigParseError,
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    HTTPClientError,
    MetadataRetrievalError,
    NoAuthTokenError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    SSOError,
    TokenRetrievalError,
    UnknownCredentialError,
)
from botocore.exceptions import (
    ConnectionError as BotoConnectionError,
)

from exporter.cases.model import Reason
from exporter.errors import ReadFailure

ASSUME_ROLE = "AssumeRole"
TAG_SESSION = "sts:TagSession"

_REASON_BY_CODE: Mapping[str, Reason] = MappingProxyType(
    dict.fromkeys(
        (
            "Throttling",
            "ThrottlingException",
            "ThrottledException",
            "RequestThrottled",
            "RequestThrottledException",
            "TooManyRequestsException",
            "RequestLimitExceeded",
            "BandwidthLimitExceeded",
            "LimitExceededException",
            "PriorRequestNotComplete",
            "EC2ThrottledException",
            "SlowDown",
        ),
        Reason.THROTTLED,
    )
    | dict.fromkeys(
        (
            "AuthFailure",
            "ExpiredToken",
            "ExpiredTokenException",
            "IncompleteSignature",
            "IncompleteSignatureException",
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "InvalidIdentityToken",
            "InvalidSignatureException",
            "InvalidToken",
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "RequestExpired",
            "RequestTimeTooSkewed",
            "SignatureDoesNotMatch",
            "UnrecognizedClientException",
        ),
        Reason.CREDENTIALS,
    )
    | dict.fromkeys(
        (
            "AccessDenied",
            "AccessDeniedException",
            "AWSOrganizationsNotInUseException",
            "NotAuthorized",
            "OptInRequired",
            "RegionDisabledException",
            "UnauthorizedOperation",
        ),
        Reason.ACCESS_DENIED,
    )
    | {"SubscriptionRequiredException": Reason.SUBSCRIPTION_REQUIRED, "RequestTimeout": Reason.TIMEOUT}
)
_REASON_BY_TYPE: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Reason], ...] = (
    (ConnectTimeoutError, Reason.UNREACHABLE),
    (ReadTimeoutError, Reason.TIMEOUT),
    ((BotoConnectionError, ConnectionClosedError, HTTPClientError), Reason.UNREACHABLE),
    (
        (
            ConfigParseError,
            CredentialRetrievalError,
            MetadataRetrievalError,
            NoAuthTokenError,
            NoCredentialsError,
            PartialCredentialsError,
            ProfileNotFound,
            SSOError,
            TokenRetrievalError,
            UnknownCredentialError,
        ),
        Reason.CREDENTIALS,
    ),
)
_DENIED = re.compile(
    r"not authorized to perform: [a-z0-9-]{1,40}:\w{1,80}"
    r"(?: on resource: (?:arn:[\w:/*+=,.-]{1,200}|\*)(?![\w@:/*+=,.-]))?"
    r"(?: (?:because|with) [a-zA-Z :-]{1,160}(?![\w@]))?",
    re.ASCII,
)
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})


def as_failure(error: ClientError | BotoCoreError, operation: str) -> ReadFailure:
    """Return what an error of boto3 means.

    Args:
        error: What boto3 raised.
        operation: AWS's name of the operation that was called.

    Returns:
        The failure; its detail names the operation and AWS's code. Of AWS's message it has only which permission is missing and
        why, where access was denied: messages can quote signed headers, and session names that are e-mail addresses.
    """
    if isinstance(error, ClientError):
        return _from_response(error, operation)
    reason = next((reason for types, reason in _REASON_BY_TYPE if isinstance(error, types)), Reason.INTERNAL)
    return ReadFailure(reason, f"{operation}: {type(error).__name__}")


def unreadable(operation: str, status: int, why: str) -> ReadFailure:
    """Return what an answer means whose body cannot be read, such as a gateway's: of an error, what its status says.

    Args:
        operation: AWS's name of the operation that was called.
        status: HTTP's.
        why: What is wrong with the body.
    """
    reason = _reason_by_status(status)
    if reason is Reason.INTERNAL:
        reason = Reason.MALFORMED
    return ReadFailure(reason, f"{operation}: HTTP {status}, and the answer cannot be read: {why}")


def is_expired(error: BaseException | None) -> bool:
    """Return whether AWS refused a request because its credentials had expired."""
    return isinstance(error, ClientError) and _code(error) in _EXPIRED


def _from_response(error: ClientError, operation: str) -> ReadFailure:
    code = _code(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    reason = _REASON_BY_CODE.get(code) or _reason_by_status(status)
    if operation == ASSUME_ROLE and reason in {Reason.ACCESS_DENIED, Reason.INTERNAL}:
        reason = Reason.ASSUME_ROLE_DENIED
    detail = f"{operation}: {code or f'HTTP {status}'}"
    if reason in {Reason.ACCESS_DENIED, Reason.ASSUME_ROLE_DENIED}:
        said = _DENIED.search(str(error.response.get("Error", {}).get("Message", "")))
        detail = f"{detail}: {said[0]}" if said else detail
    return ReadFailure(reason, detail)


def _reason_by_status(status: int) -> Reason:
    if status == 429:  # noqa: PLR2004 - Too Many Requests
        return Reason.THROTTLED
    if status >= 500:  # noqa: PLR2004 - the server's fault, by RFC 9110
        return Reason.SERVER_ERROR
    return Reason.INTERNAL


def _code(error: ClientError) -> str:
    # AWS's codes are words; whoever answers in its place may send anything.
    return re.sub(r"[^\w.-]", "", str(error.response.get("Error", {}).get("Code", "")), flags=re.ASCII)[:64]
