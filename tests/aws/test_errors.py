"""Every failure has one of the reasons, and says no more than it may."""

import re
import ssl
from typing import cast

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from exporter.aws.errors import Remedy, refused, unanswered, unreadable
from exporter.cases.advice import KINDS, advice
from exporter.cases.model import Reason
from tests.aws.conftest import ROLE

THROTTLING = (
    "Throttling ThrottlingException ThrottledException RequestThrottled RequestThrottledException TooManyRequestsException "
    "RequestLimitExceeded BandwidthLimitExceeded LimitExceededException PriorRequestNotComplete EC2ThrottledException SlowDown "
    "KmsThrottled OverLimit"
)
WRONG_CREDENTIALS = (
    "AuthFailure IncompleteSignature IncompleteSignatureException InvalidAccessKeyId InvalidClientTokenId InvalidIdentityToken "
    "InvalidSignatureException InvalidToken MissingAuthenticationToken MissingAuthenticationTokenException "
    "RequestTimeTooSkewed SignatureDoesNotMatch UnrecognizedClientException ExpiredToken ExpiredTokenException RequestExpired "
    "IDPCommunicationError"
)
DENIED = (
    "AccessDenied AccessDeniedException AWSOrganizationsNotInUseException NotAuthorized OptInRequired UnauthorizedOperation "
    "InvalidAddress KmsAccessDenied KmsDisabled KmsInvalidState KmsNotFound KmsOptInRequired QueueDoesNotExist"
)
OF_ANOTHER_SERVICE = "InvalidAction MethodNotAllowed MissingAction NotImplemented UnknownOperation UnknownOperationException"


@pytest.mark.parametrize(
    ("operation", "status", "codes", "reason", "remedy"),
    [
        ("DescribeCases", 400, THROTTLING, Reason.THROTTLED, Remedy.RETRY),
        ("DescribeCases", 503, THROTTLING, Reason.THROTTLED, Remedy.RETRY),
        ("DescribeCases", 403, WRONG_CREDENTIALS, Reason.CREDENTIALS, Remedy.NEW_CREDENTIALS),
        ("DescribeCases", 403, DENIED, Reason.ACCESS_DENIED, Remedy.NEW_CREDENTIALS),
        ("AssumeRole", 403, DENIED, Reason.ASSUME_ROLE_DENIED, Remedy.NEW_CREDENTIALS),
        ("AssumeRole", 404, f"{OF_ANOTHER_SERVICE} 404", Reason.MALFORMED, Remedy.RETRY),
        ("DescribeCommunications", 400, "CaseIdNotFound", Reason.MALFORMED, Remedy.NONE),
        ("AssumeRole", 403, "RegionDisabledException", Reason.ASSUME_ROLE_DENIED, Remedy.OTHER_ENDPOINT),
        ("DescribeCases", 429, "-", Reason.THROTTLED, Remedy.RETRY),
        ("DescribeCases", 403, "/", Reason.MALFORMED, Remedy.RETRY),
        ("DescribeCases", 400, "SubscriptionRequiredException", Reason.SUBSCRIPTION_REQUIRED, Remedy.NONE),
        ("DescribeCases", 408, "RequestTimeout", Reason.TIMEOUT, Remedy.NEXT_ENDPOINT),
        ("AssumeRole", 400, "ValidationError", Reason.ASSUME_ROLE_DENIED, Remedy.NONE),
        ("DescribeCases", 500, "InternalServerError BrandNewError", Reason.SERVER_ERROR, Remedy.NEXT_ENDPOINT),
        ("DescribeCases", 400, "BrandNewError", Reason.INTERNAL, Remedy.NONE),
    ],
)
def test_a_code_and_a_status_tell_the_reason_and_what_helps(
    operation: str, status: int, codes: str, reason: Reason, remedy: Remedy
) -> None:
    for code in codes.split():
        failure = refused(operation, status, code, "SECRET: signed headers may be quoted")
        assert (failure.reason, failure.remedy) == (reason, remedy), code
        assert failure.passes == (code in {"RequestTimeTooSkewed", "RequestExpired", "IDPCommunicationError"})
        assert "SECRET" not in failure.detail


BY_STATUS = {200: "malformed", 403: "malformed", 407: "unreachable", 429: "throttled", 502: "server_error"}


@pytest.mark.parametrize(("status", "reason"), BY_STATUS.items())
def test_of_an_answer_that_cannot_be_read_the_status_counts(status: int, reason: str) -> None:
    told = str(unreadable("AssumeRole", status, "it is no object"))
    assert told == f"{reason}: AssumeRole: HTTP {status}, and the answer cannot be read: it is no object"


SCP = "arn:aws:organizations::999999999999:policy/o-abc123/service_control_policy/p-abc123"
PERSON = "arn:aws:sts::111122223333:assumed-role/SSO/jane@example.com"
ASSUME, TAG = (f"not authorized to perform: sts:{action}" for action in ("AssumeRole", "TagSession"))
DENY = "with an explicit deny in a"


@pytest.mark.parametrize(
    ("shown", "more", "to_do"),
    [
        (f"{ASSUME} on resource: {ROLE}", "", "create the role"),
        (f"{TAG} on resource: {ROLE}", "", "allow sts:TagSession"),
        (TAG, f" on resource: {PERSON}", "allow sts:TagSession"),
        (f"{ASSUME} {DENY} policy", f": {PERSON}", "create the role"),
        (f"{ASSUME} {DENY} policy", ": arn:aws:iam::1:policy/jane@x", "create the role"),
        (f"{ASSUME} {DENY} service control policy: {SCP}", ".\nEncoded", "exempt sts:AssumeRole"),
        (f"{ASSUME} because no service control policy allows the sts:AssumeRole action", "", "exempt sts:AssumeRole"),
        (
            f"{ASSUME} on resource: {ROLE} {DENY} permissions boundary",
            "",
            "also allow sts:AssumeRole in the perm",
        ),
        (f"{ASSUME} {DENY} role trust policy", "", "allow the exporter's own role or user sts:AssumeRole"),
        ("", "not authorized, Credential=AKIAIOSFODNN7EXAMPLE/20261123, Signature=abc", "create the role"),
        ("", "no\n<b>way</b>\x1b[31m", "create the role"),
    ],
)
def test_of_the_message_of_a_denial_only_the_missing_permission_is_shown(shown: str, more: str, to_do: str) -> None:
    failure = refused("AssumeRole", 403, "AccessDenied", f"User: {PERSON} is {shown}{more}")
    assert failure.detail == f"AssumeRole: AccessDenied: {shown}".removesuffix(": ")
    assert advice(failure.reason, failure.detail).startswith(to_do)


def test_the_examples_of_what_aws_refuses_are_what_is_said() -> None:
    refusals = [kind for kind in KINDS if re.fullmatch(r"[A-Z]\w+: [A-Z]\w+(: not authorized .*)?", kind.example)]
    assert len(refusals) > 20
    for kind in refusals:
        operation, code, *message = kind.example.split(": ", 2)
        status = 500 if kind.reason is Reason.SERVER_ERROR else 400
        failure = refused(operation, status, code, f"User: {PERSON} is {' '.join(message)}.")
        assert failure.detail == kind.example
        assert failure.reason in {other.reason for other in refusals if other.example == kind.example}


def test_a_code_that_is_none_of_awss_harms_no_page() -> None:
    assert refused("DescribeCases", 400, "\ud800\x1b[31mBoom" + "x" * 1000, "").detail == "DescribeCases: 31mBoom" + "x" * 57


@pytest.mark.parametrize(
    ("error", "reason", "words"),
    [
        (aiohttp.ConnectionTimeoutError(), Reason.UNREACHABLE, "sts.example:443: cannot connect within 5 s"),
        (aiohttp.SocketTimeoutError(), Reason.TIMEOUT, "no answer from sts.example:443 within 20 s"),
        (TimeoutError(), Reason.TIMEOUT, "no answer from sts.example:443 within 60 s"),
        (aiohttp.ServerDisconnectedError(), Reason.UNREACHABLE, "sts.example:443: connection lost: ServerDisconnectedError"),
        (aiohttp.ClientPayloadError("SECRET"), Reason.UNREACHABLE, "sts.example:443: the answer broke off"),
        (ssl.SSLError("SECRET"), Reason.UNREACHABLE, "sts.example:443: connection lost: SSLError"),
        (
            aiohttp.ClientConnectorError(cast("ConnectionKey", None), OSError("SECRET")),
            Reason.UNREACHABLE,
            "sts.example:443: cannot connect: none of its addresses answers",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_who_does_not_answer_is_named(error: Exception, reason: Reason, words: str) -> None:
    failure = unanswered("AssumeRole", "sts.example:443", error)
    assert (failure.reason, failure.detail) == (reason, f"AssumeRole: {words}")
    assert failure.remedy is Remedy.NEXT_ENDPOINT
