"""Every failure has one of the reasons, and says no more than it may."""

import ssl
from collections import defaultdict
from typing import cast

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from exporter.aws.errors import Remedy, malformed, refused, unanswered, unreadable
from exporter.cases.advice import KINDS
from exporter.cases.model import Reason

KEY = cast("ConnectionKey", None)


THROTTLING = (
    "Throttling ThrottlingException ThrottledException RequestThrottled RequestThrottledException TooManyRequestsException "
    "RequestLimitExceeded BandwidthLimitExceeded LimitExceededException PriorRequestNotComplete EC2ThrottledException SlowDown"
)
WRONG_CREDENTIALS = (
    "AuthFailure IncompleteSignature IncompleteSignatureException InvalidAccessKeyId InvalidClientTokenId InvalidIdentityToken "
    "InvalidSignatureException InvalidToken MissingAuthenticationToken MissingAuthenticationTokenException "
    "RequestTimeTooSkewed SignatureDoesNotMatch UnrecognizedClientException ExpiredToken ExpiredTokenException RequestExpired "
    "IDPCommunicationError"
)
DENIED = (
    "AccessDenied AccessDeniedException AWSOrganizationsNotInUseException NotAuthorized OptInRequired UnauthorizedOperation"
)
OF_ANOTHER_SERVICE = "InvalidAction MethodNotAllowed MissingAction NotImplemented UnknownOperation UnknownOperationException"


@pytest.mark.parametrize(
    ("operation", "status", "code", "reason", "remedy"),
    [
        *(
            ("DescribeCases", status, code, Reason.THROTTLED, Remedy.RETRY)
            for code in THROTTLING.split()
            for status in (400, 503)
        ),
        *(("DescribeCases", 403, code, Reason.CREDENTIALS, Remedy.NEW_CREDENTIALS) for code in WRONG_CREDENTIALS.split()),
        *(("DescribeCases", 403, code, Reason.ACCESS_DENIED, Remedy.NEW_CREDENTIALS) for code in DENIED.split()),
        *(("AssumeRole", 403, code, Reason.ASSUME_ROLE_DENIED, Remedy.NEW_CREDENTIALS) for code in DENIED.split()),
        *(("AssumeRole", 404, code, Reason.MALFORMED, Remedy.RETRY) for code in OF_ANOTHER_SERVICE.split()),
        ("AssumeRole", 404, "404", Reason.MALFORMED, Remedy.RETRY),
        ("DescribeCommunications", 400, "CaseIdNotFound", Reason.MALFORMED, Remedy.NONE),
        ("DescribeCases", 403, "", Reason.MALFORMED, Remedy.RETRY),
        ("AssumeRole", 403, "RegionDisabledException", Reason.ASSUME_ROLE_DENIED, Remedy.OTHER_ENDPOINT),
        ("DescribeCases", 429, "", Reason.THROTTLED, Remedy.RETRY),
        ("DescribeCases", 400, "SubscriptionRequiredException", Reason.SUBSCRIPTION_REQUIRED, Remedy.NONE),
        ("DescribeCases", 408, "RequestTimeout", Reason.TIMEOUT, Remedy.NEXT_ENDPOINT),
        ("AssumeRole", 400, "ValidationError", Reason.ASSUME_ROLE_DENIED, Remedy.NONE),
        ("DescribeCases", 500, "InternalServerError", Reason.SERVER_ERROR, Remedy.NEXT_ENDPOINT),
        ("DescribeCases", 502, "BrandNewError", Reason.SERVER_ERROR, Remedy.NEXT_ENDPOINT),
        ("DescribeCases", 400, "BrandNewError", Reason.INTERNAL, Remedy.NONE),
    ],
)
def test_a_code_and_a_status_tell_the_reason_and_what_helps(
    operation: str, status: int, code: str, reason: Reason, remedy: Remedy
) -> None:
    failure = refused(operation, status, code, "")
    assert (failure.reason, failure.remedy) == (reason, remedy)
    assert failure.passes == (code in {"RequestTimeTooSkewed", "RequestExpired", "IDPCommunicationError"})


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (200, Reason.MALFORMED),
        (302, Reason.MALFORMED),
        (403, Reason.MALFORMED),
        (429, Reason.THROTTLED),
        (502, Reason.SERVER_ERROR),
    ],
)
def test_of_an_answer_that_cannot_be_read_the_status_counts(status: int, reason: Reason) -> None:
    failure = unreadable("AssumeRole", status, "it is no object")
    detail = f"AssumeRole: HTTP {status}, and the answer cannot be read: it is no object"
    assert (failure.reason, failure.detail) == (reason, detail)


@pytest.mark.parametrize("code", ["SignatureDoesNotMatch", "ThrottlingException", "InternalFailure", "Unheard"])
def test_a_message_that_may_quote_signed_headers_is_not_passed_on(code: str) -> None:
    assert refused("DescribeCases", 403, code, "SECRET").detail == f"DescribeCases: {code}"


ROLE = "arn:aws:iam::111122223333:role/AwsSupportExporter"
SCP = "arn:aws:organizations::999999999999:policy/o-abc123/service_control_policy/p-abc123"
PERSON = "arn:aws:sts::111122223333:assumed-role/SSO/jane@example.com"


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (f"User: arn:aws:sts::1:assumed-role/a/b is not authorized to perform: sts:TagSession on resource: {ROLE}", ROLE),
        (
            f"User: {PERSON} is not authorized to perform: sts:TagSession with an explicit deny in a service control policy",
            "with an explicit deny in a service control policy",
        ),
        (f"not authorized to perform: sts:TagSession on resource: {PERSON}", "sts:TagSession"),
        (f"not authorized to perform: sts:TagSession with an explicit deny in a service control policy: {SCP}.\nEncoded", SCP),
        (
            "not authorized to perform: sts:TagSession with an explicit deny in a policy: arn:aws:iam::1:policy/jane@x",
            "policy",
        ),
        (f"not authorized to perform: sts:TagSession with an explicit deny in a policy: {PERSON}", "policy"),
        (
            "not authorized to perform: sts:TagSession because no role trust policy allows the sts:TagSession action",
            "because no role trust policy allows the sts:TagSession action",
        ),
        ("User: x is not authorized, Credential=AKIAIOSFODNN7EXAMPLE/20261123, Signature=abc", ""),
        ("no\n<b>way</b>\x1b[31m", ""),
    ],
)
def test_of_the_message_of_a_denial_only_the_missing_permission_is_shown(message: str, shown: str) -> None:
    said = refused("AssumeRole", 403, "AccessDenied", message).detail
    if not shown:
        assert said == "AssumeRole: AccessDenied"
        return
    assert said.startswith("AssumeRole: AccessDenied: not authorized to perform: sts:TagSession")
    assert said.endswith(shown)
    assert "@" not in said
    assert "jane" not in said


AWS_SAYS = {
    Reason.ACCESS_DENIED: 400,
    Reason.ASSUME_ROLE_DENIED: 403,
    Reason.CREDENTIALS: 403,
    Reason.SUBSCRIPTION_REQUIRED: 400,
    Reason.THROTTLED: 400,
    Reason.SERVER_ERROR: 500,
    Reason.INTERNAL: 400,
}


EXAMPLES: dict[str, set[Reason]] = defaultdict(set)
for kind in KINDS:
    if kind.reason in AWS_SAYS and kind.example[0].isupper():
        EXAMPLES[kind.example].add(kind.reason)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_what_aws_refuses_are_what_is_said(example: str) -> None:
    operation, code, *message = example.split(": ", 2)
    status = next(AWS_SAYS[reason] for reason in EXAMPLES[example])
    failure = refused(operation, status, code, f"User: {PERSON} is {' '.join(message)}.")
    assert failure.detail == example
    assert failure.reason in EXAMPLES[example]


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
        (aiohttp.ClientError("SECRET"), Reason.UNREACHABLE, "sts.example:443: connection lost: ClientError"),
        (ssl.SSLError("SECRET"), Reason.UNREACHABLE, "sts.example:443: connection lost: SSLError"),
        (
            aiohttp.ClientConnectorError(KEY, OSError("SECRET")),
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


def test_what_is_malformed_is_asked_for_again() -> None:
    assert malformed("x").remedy is Remedy.RETRY
