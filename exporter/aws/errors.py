"""What went wrong in reading AWS, and what may help.

Decisions are made on AWS's error codes, never on messages: those change, and may quote what must not be logged.
"""

import os
import re
import ssl
from enum import Enum, auto

import aiohttp

from exporter.cases.model import Reason
from exporter.errors import ReadFailure

ASSUME_ROLE = "AssumeRole"
CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 20.0
LONGEST_REQUEST = 60.0


class Remedy(Enum):
    """What may help after a request failed."""

    RETRY = auto()
    """The same request, after a pause."""
    NEXT_ENDPOINT = auto()
    """Another endpoint; after the last, all of them once more, after a pause."""
    OTHER_ENDPOINT = auto()
    """Another endpoint, and nothing else: this one's circuit is open, or it serves none of the account's requests."""
    NEXT_ROUND = auto()
    """Everything once more, after a pause."""
    NEW_CREDENTIALS = auto()
    """New credentials: these may have been revoked."""
    NONE = auto()


_REMEDIES = {
    Reason.THROTTLED: Remedy.RETRY,
    Reason.MALFORMED: Remedy.RETRY,
    Reason.UNREACHABLE: Remedy.NEXT_ENDPOINT,
    Reason.TIMEOUT: Remedy.NEXT_ENDPOINT,
    Reason.SERVER_ERROR: Remedy.NEXT_ENDPOINT,
}
_CODES = {
    Reason.THROTTLED: """
        Throttling ThrottlingException ThrottledException RequestThrottled RequestThrottledException SlowDown
        TooManyRequestsException RequestLimitExceeded BandwidthLimitExceeded LimitExceededException
        PriorRequestNotComplete EC2ThrottledException KmsThrottled OverLimit
    """,
    Reason.CREDENTIALS: """
        AuthFailure ExpiredToken ExpiredTokenException IDPCommunicationError IncompleteSignature IncompleteSignatureException
        InvalidAccessKeyId InvalidClientTokenId InvalidIdentityToken InvalidSignatureException InvalidToken RequestExpired
        MissingAuthenticationToken MissingAuthenticationTokenException RequestTimeTooSkewed SignatureDoesNotMatch
        UnrecognizedClientException
    """,
    Reason.ACCESS_DENIED: """
        AccessDenied AccessDeniedException AWSOrganizationsNotInUseException NotAuthorized OptInRequired
        RegionDisabledException UnauthorizedOperation InvalidAddress KmsAccessDenied KmsDisabled KmsInvalidState
        KmsNotFound KmsOptInRequired QueueDoesNotExist
    """,
    Reason.SUBSCRIPTION_REQUIRED: "SubscriptionRequiredException",
    Reason.TIMEOUT: "RequestTimeout",
    # Said by another service than the one that was meant; and of a case, an account or a unit that was listed a moment ago.
    Reason.MALFORMED: """
        CaseIdNotFound InvalidAction MethodNotAllowed MissingAction NotImplemented OrganizationalUnitNotFoundException
        TargetNotFoundException UnknownOperation UnknownOperationException
    """,
}
_REMEDY_OF = {"CaseIdNotFound": Remedy.NONE, "RegionDisabledException": Remedy.OTHER_ENDPOINT}
_PASSING = frozenset({"IDPCommunicationError", "RequestExpired", "RequestTimeTooSkewed"})  # clocks get corrected
_REASONS = {code: reason for reason, codes in _CODES.items() for code in codes.split()}
_STATUSES = {429: Reason.THROTTLED, 407: Reason.UNREACHABLE}  # Too Many Requests, and Proxy Authentication Required
_UNKNOWN_AUTHORITY = frozenset({2, 18, 19, 20, 21})  # OpenSSL's errors that another certificate may fix
_DENIED = re.compile(
    r"not authorized to perform: [a-z0-9-]{1,40}:\w{1,80}"
    r"(?: on resource: (?:arn:[\w:/*+=,.-]{1,200}|\*)(?![\w@:/*+=,.-]))?"
    r"(?: (?:because|with)(?: [a-zA-Z-]{1,40}(?::[a-zA-Z]{1,80})?){1,20}(?![\w@]))?"
    r"(?:: arn:[a-z-]{1,20}:(?:iam|organizations)::\d{0,12}:policy/[\w/+=,.-]{0,199}\w(?![\w@:/*+=,-]))?"
    r"|DurationSeconds exceeds the [\w ]{1,90}(?![\w@])",
    re.ASCII,
)


class RequestFailure(ReadFailure):
    """A request to AWS failed; `remedy` is what may help, by default what usually does for the reason."""

    def __init__(self, reason: Reason, detail: str, remedy: Remedy | None = None, *, passes: bool = False) -> None:
        super().__init__(reason, detail, passes=passes)
        self.remedy = remedy or _REMEDIES.get(reason, Remedy.NONE)


def malformed(detail: str, remedy: Remedy = Remedy.RETRY) -> RequestFailure:
    return RequestFailure(Reason.MALFORMED, detail, remedy)


def refused(operation: str, status: int, code: object, message: object) -> RequestFailure:
    """Return the failure that AWS answered with.

    Of AWS's message the detail has only which permission is missing and why, where access was denied: messages can quote
    signed headers, and session names that are e-mail addresses.
    """
    # AWS's codes are words; a server in its place may send anything.
    word = re.sub(r"[^\w.-]", "", str(code), flags=re.ASCII)[:64]
    if word.isdecimal():
        word = ""  # botocore takes the status for a code where there is none
    reason = _REASONS.get(word) or _reason_by_status(status, Reason.INTERNAL if word else Reason.MALFORMED)
    usual = Remedy.NEW_CREDENTIALS if reason in {Reason.ACCESS_DENIED, Reason.CREDENTIALS} else None
    if operation == ASSUME_ROLE and reason in {Reason.ACCESS_DENIED, Reason.INTERNAL}:
        reason = Reason.ASSUME_ROLE_DENIED
    detail = f"{operation}: {word or f'HTTP {status}'}"
    if reason in {Reason.ACCESS_DENIED, Reason.ASSUME_ROLE_DENIED} and (said := _DENIED.search(str(message))):
        detail = f"{detail}: {said[0].rstrip('.')}"
    return RequestFailure(reason, detail, _REMEDY_OF.get(word, usual), passes=word in _PASSING)


def unreadable(operation: str, status: int, why: str) -> RequestFailure:
    """Return the failure of an answer that cannot be read, such as a gateway's: of an error, what its status means."""
    reason = _reason_by_status(status, Reason.MALFORMED)
    return RequestFailure(reason, f"{operation}: HTTP {status}, and the answer cannot be read: {why}")


def silent(waiting_for: str, seconds: float, remedy: Remedy | None = None) -> RequestFailure:
    """Return the failure of waiting for an operation and its host, or for where credentials are from: those may still come."""
    what, _, host = waiting_for.partition(": ")
    if not host:
        return RequestFailure(Reason.CREDENTIALS, f"{what}: no answer in time", remedy, passes=True)
    return RequestFailure(Reason.TIMEOUT, f"{what}: no answer from {host} within {seconds:.0f} s", remedy)


def unanswered(operation: str, host: str, error: Exception) -> RequestFailure:
    """Return the failure of a request that got no answer, or only a part of one; `host` has its port."""
    match error:
        case aiohttp.ConnectionTimeoutError():
            what = f"cannot connect within {CONNECT_TIMEOUT:.0f} s"
        case TimeoutError():
            seconds = READ_TIMEOUT if isinstance(error, aiohttp.SocketTimeoutError) else LONGEST_REQUEST
            return silent(f"{operation}: {host}", seconds)
        case aiohttp.ClientConnectorCertificateError(certificate_error=ssl.SSLCertVerificationError() as cause):
            what = f"certificate not trusted ({cause.verify_message.rstrip('.')})"
            if cause.verify_code in _UNKNOWN_AUTHORITY:
                variables = (name for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE") if os.environ.get(name))
                what += f": {next((f'check {name}' for name in variables), 'set AWS_CA_BUNDLE')}"
        case aiohttp.ClientSSLError(os_error=cause):
            what = f"TLS handshake failed ({getattr(cause, 'reason', None) or type(cause).__name__})"
        case aiohttp.ClientPayloadError():
            what = "the answer broke off"
        case aiohttp.ClientHttpProxyError(status=status):
            what = f"the proxy answers HTTP {status}"
        case aiohttp.ClientConnectorDNSError(host=name, strerror=why):
            what = f"cannot resolve {name}: {why}"
        case aiohttp.ClientConnectorError(errno=number, strerror=why):
            to = " to the proxy" if isinstance(error, aiohttp.ClientProxyConnectionError) else ""
            what = f"cannot connect{to}: {os.strerror(number) if number else why or 'none of its addresses answers'}"
        case _:
            what = f"connection lost: {type(error).__name__}"
    return RequestFailure(Reason.UNREACHABLE, f"{operation}: {host}: {what}")


def _reason_by_status(status: int, otherwise: Reason) -> Reason:
    return _STATUSES.get(status, Reason.SERVER_ERROR if status >= 500 else otherwise)  # noqa: PLR2004 - the server's, by RFC 9110
