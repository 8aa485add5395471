import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    SSLError,
)

from exporter.aws.failures import as_failure, is_expired, unreadable
from exporter.cases.model import Reason

URL = "https://support.us-east-1.amazonaws.com"


def refused(code: str, status: int = 400, message: str = "SECRET") -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]  # all that matters
        "DescribeCases",
    )


@pytest.mark.parametrize(
    ("error", "operation", "reason"),
    [
        (refused("ThrottlingException"), "DescribeCases", Reason.THROTTLED),
        (refused("SlowDown", 503), "DescribeCases", Reason.THROTTLED),
        (refused("", 429), "DescribeCases", Reason.THROTTLED),
        (refused("SubscriptionRequiredException"), "DescribeCases", Reason.SUBSCRIPTION_REQUIRED),
        (refused("AccessDeniedException"), "DescribeCases", Reason.ACCESS_DENIED),
        (refused("AccessDenied", 403), "AssumeRole", Reason.ASSUME_ROLE_DENIED),
        (refused("ValidationError"), "AssumeRole", Reason.ASSUME_ROLE_DENIED),
        (refused("ExpiredTokenException"), "DescribeCases", Reason.CREDENTIALS),
        (refused("ExpiredToken", 403), "AssumeRole", Reason.CREDENTIALS),
        (refused("SignatureDoesNotMatch", 403), "AssumeRole", Reason.CREDENTIALS),
        (refused("InternalServerError", 500), "DescribeCases", Reason.SERVER_ERROR),
        (refused("BrandNewError", 502), "DescribeCases", Reason.SERVER_ERROR),
        (refused("BrandNewError"), "DescribeCases", Reason.INTERNAL),
        (ReadTimeoutError(endpoint_url=URL), "DescribeCases", Reason.TIMEOUT),
        (ConnectTimeoutError(endpoint_url=URL), "DescribeCases", Reason.UNREACHABLE),
        (EndpointConnectionError(endpoint_url=URL), "DescribeCases", Reason.UNREACHABLE),
        (ConnectionClosedError(endpoint_url=URL), "DescribeCases", Reason.UNREACHABLE),
        (SSLError(endpoint_url=URL, error=OSError("bad")), "DescribeCases", Reason.UNREACHABLE),
        (NoCredentialsError(), "AssumeRole", Reason.CREDENTIALS),
        (ProfileNotFound(profile="x"), "AssumeRole", Reason.CREDENTIALS),
    ],
    ids=lambda value: getattr(value, "value", None) or type(value).__name__ if not isinstance(value, str) else value,
)
def test_every_error_has_one_of_the_reasons(error: ClientError | BotoCoreError, operation: str, reason: Reason) -> None:
    assert as_failure(error, operation).reason is reason


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
    assert (failure.reason, failure.detail) == (
        reason,
        f"AssumeRole: HTTP {status}, and the answer cannot be read: it is no object",
    )


@pytest.mark.parametrize("code", ["SignatureDoesNotMatch", "ThrottlingException", "InternalFailure", "Unheard"])
def test_a_message_that_may_quote_signed_headers_is_not_passed_on(code: str) -> None:
    assert "SECRET" not in as_failure(refused(code, 403), "DescribeCases").detail


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
    said = as_failure(refused("AccessDenied", 403, message), "AssumeRole").detail
    if not shown:
        assert said == "AssumeRole: AccessDenied"
        return
    assert said.startswith("AssumeRole: AccessDenied: not authorized to perform: sts:TagSession")
    assert said.endswith(shown)
    assert "@" not in said
    assert "jane" not in said


def test_a_code_that_is_none_of_awss_harms_no_page() -> None:
    detail = as_failure(refused("\ud800\x1b[31mBoom" + "x" * 1000), "DescribeCases").detail
    assert detail.startswith("DescribeCases: 31mBoom")
    assert len(detail.encode()) < 100


def test_expired_credentials_are_told_from_wrong_ones() -> None:
    assert is_expired(refused("ExpiredTokenException"))
    assert not is_expired(refused("UnrecognizedClientException"))
