"""Every failure has one of the reasons, and says no more than it may."""

import ssl
from typing import cast

import aiohttp
import pytest
from botocore.exceptions import (
    ClientError,
    ConfigParseError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    SSLError,
)

from exporter.aws.errors import Remedy, malformed, refused, unanswered, unreadable, unresolved
from exporter.cases.model import Reason

URL = "https://sts.us-east-1.amazonaws.com"
PROXY = cast("aiohttp.RequestInfo", None)


def words(text: str) -> list[str]:
    return text.split()


THROTTLING = words(
    "Throttling ThrottlingException ThrottledException RequestThrottled RequestThrottledException TooManyRequestsException "
    "RequestLimitExceeded BandwidthLimitExceeded LimitExceededException PriorRequestNotComplete EC2ThrottledException SlowDown"
)
WRONG_CREDENTIALS = words(
    "AuthFailure IncompleteSignature IncompleteSignatureException InvalidAccessKeyId InvalidClientTokenId InvalidIdentityToken "
    "InvalidSignatureException InvalidToken MissingAuthenticationToken MissingAuthenticationTokenException "
    "RequestTimeTooSkewed SignatureDoesNotMatch UnrecognizedClientException"
)
EXPIRED = ["ExpiredToken", "ExpiredTokenException", "RequestExpired"]
DENIED = words(
    "AccessDenied AccessDeniedException AWSOrganizationsNotInUseException NotAuthorized OptInRequired "
    "RegionDisabledException UnauthorizedOperation"
)


@pytest.mark.parametrize("status", [400, 503])
@pytest.mark.parametrize("code", THROTTLING)
def test_each_code_for_throttling_is_waited_for(code: str, status: int) -> None:
    failure = refused("DescribeCases", status, code, "")
    assert (failure.reason, failure.remedy) == (Reason.THROTTLED, Remedy.RETRY)


@pytest.mark.parametrize("code", WRONG_CREDENTIALS)
def test_wrong_credentials_need_a_person(code: str) -> None:
    failure = refused("DescribeCases", 403, code, "")
    assert (failure.reason, failure.remedy) == (Reason.CREDENTIALS, Remedy.NONE)


@pytest.mark.parametrize("code", EXPIRED)
def test_expired_credentials_are_replaced(code: str) -> None:
    failure = refused("AssumeRole", 403, code, "")
    assert (failure.reason, failure.remedy) == (Reason.CREDENTIALS, Remedy.NEW_CREDENTIALS)


@pytest.mark.parametrize("code", DENIED)
def test_a_denial_needs_a_person(code: str) -> None:
    denied, role = refused("DescribeCases", 403, code, ""), refused("AssumeRole", 403, code, "")
    assert (denied.reason, denied.remedy) == (Reason.ACCESS_DENIED, Remedy.NONE)
    assert (role.reason, role.remedy) == (Reason.ASSUME_ROLE_DENIED, Remedy.NONE)


@pytest.mark.parametrize(
    ("operation", "status", "code", "reason", "remedy"),
    [
        ("DescribeCases", 429, "", Reason.THROTTLED, Remedy.RETRY),
        ("DescribeCases", 400, "SubscriptionRequiredException", Reason.SUBSCRIPTION_REQUIRED, Remedy.NONE),
        ("DescribeCases", 408, "RequestTimeout", Reason.TIMEOUT, Remedy.NEXT_ENDPOINT),
        ("AssumeRole", 400, "ValidationError", Reason.ASSUME_ROLE_DENIED, Remedy.NONE),
        ("DescribeCases", 500, "InternalServerError", Reason.SERVER_ERROR, Remedy.NEXT_ENDPOINT),
        ("DescribeCases", 502, "BrandNewError", Reason.SERVER_ERROR, Remedy.NEXT_ENDPOINT),
        ("DescribeCases", 400, "BrandNewError", Reason.INTERNAL, Remedy.NONE),
    ],
)
def test_other_codes_and_statuses(operation: str, status: int, code: str, reason: Reason, remedy: Remedy) -> None:
    failure = refused(operation, status, code, "")
    assert (failure.reason, failure.remedy) == (reason, remedy)


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


def test_a_code_that_is_none_of_awss_harms_no_page() -> None:
    assert refused("DescribeCases", 400, "\ud800\x1b[31mBoom" + "x" * 1000, "").detail == "DescribeCases: 31mBoom" + "x" * 57


def from_sts(code: str, status: int) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": "SECRET"}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]  # all that matters
        "AssumeRoleWithWebIdentity",
    )


@pytest.mark.parametrize(
    ("error", "reason", "remedy", "detail"),
    [
        (from_sts("ThrottlingException", 400), Reason.THROTTLED, Remedy.RETRY, "ThrottlingException"),
        (from_sts("ServiceUnavailable", 503), Reason.SERVER_ERROR, Remedy.NEXT_ROUND, "ServiceUnavailable"),
        (from_sts("AccessDenied", 403), Reason.CREDENTIALS, Remedy.NONE, "AccessDenied"),
        (from_sts("ExpiredTokenException", 400), Reason.CREDENTIALS, Remedy.NONE, "ExpiredTokenException"),
        (ReadTimeoutError(endpoint_url=URL), Reason.TIMEOUT, Remedy.NEXT_ROUND, f"ReadTimeoutError: {URL}"),
        (ConnectTimeoutError(endpoint_url=URL), Reason.UNREACHABLE, Remedy.NEXT_ROUND, f"ConnectTimeoutError: {URL}"),
        (EndpointConnectionError(endpoint_url=URL), Reason.UNREACHABLE, Remedy.NEXT_ROUND, f"EndpointConnectionError: {URL}"),
        (SSLError(endpoint_url=URL, error=OSError("x")), Reason.UNREACHABLE, Remedy.NEXT_ROUND, f"SSLError: {URL}"),
        (NoCredentialsError(), Reason.CREDENTIALS, Remedy.NONE, "NoCredentialsError"),
        (ProfileNotFound(profile="x"), Reason.CREDENTIALS, Remedy.NONE, "ProfileNotFound"),
        (ConfigParseError(path="x"), Reason.CREDENTIALS, Remedy.NONE, "ConfigParseError"),
        (
            CredentialRetrievalError(provider="x", error_msg="SECRET"),
            Reason.CREDENTIALS,
            Remedy.NONE,
            "CredentialRetrievalError",
        ),
        (
            FileNotFoundError(2, "No such file or directory", "/run/token"),
            Reason.CREDENTIALS,
            Remedy.NONE,
            "/run/token cannot be read: No such file or directory",
        ),
        (ValueError("SECRET"), Reason.CREDENTIALS, Remedy.NONE, "ValueError"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_whether_a_person_is_needed_where_credentials_cannot_be_found(
    error: Exception, reason: Reason, remedy: Remedy, detail: str
) -> None:
    failure = unresolved("the profile x", error)
    assert (failure.reason, failure.remedy, failure.detail) == (reason, remedy, f"the profile x: {detail}")


@pytest.mark.parametrize(
    ("error", "reason", "words"),
    [
        (aiohttp.ConnectionTimeoutError(), Reason.UNREACHABLE, "cannot connect in time"),
        (aiohttp.SocketTimeoutError(), Reason.TIMEOUT, "no answer in time"),
        (TimeoutError(), Reason.TIMEOUT, "no answer in time"),
        (aiohttp.ServerDisconnectedError(), Reason.UNREACHABLE, "connection lost: ServerDisconnectedError"),
        (aiohttp.ClientPayloadError("SECRET"), Reason.UNREACHABLE, "the answer broke off"),
        (aiohttp.ClientError("SECRET"), Reason.UNREACHABLE, "ClientError"),
        (aiohttp.ClientHttpProxyError(PROXY, (), status=407), Reason.UNREACHABLE, "the proxy answers HTTP 407"),
        (ssl.SSLError("SECRET"), Reason.UNREACHABLE, "SSLError"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_who_does_not_answer_is_named(error: Exception, reason: Reason, words: str) -> None:
    failure = unanswered("AssumeRole", "sts.example:443", error)
    assert (failure.reason, failure.detail) == (reason, f"AssumeRole: sts.example:443: {words}")
    assert failure.remedy is Remedy.NEXT_ENDPOINT


def test_what_is_malformed_is_asked_for_again() -> None:
    assert malformed("x").remedy is Remedy.RETRY
