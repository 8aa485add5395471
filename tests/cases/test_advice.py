import re

import pytest

from exporter.cases.advice import KINDS, advice
from exporter.cases.model import Reason
from exporter.cases.report import OrganizationStatus
from tests.support.cases import NOW

ROLE = "arn:aws:iam::111122223333:role/AwsSupportExporter"
ASSUME = f"sts:AssumeRole on resource: {ROLE}"


def test_each_kind_is_told_from_the_others_of_its_reason_by_what_was_said_and_has_a_sentence_of_its_own() -> None:
    for kind in KINDS:
        alike = [other for other in KINDS if other.reason is kind.reason]
        assert next(other for other in alike if re.search(other.says, kind.example)) is kind
        assert [other for other in alike if other.advice == kind.advice] == [kind]


@pytest.mark.parametrize("reason", Reason)
def test_there_is_one_line_of_advice_for_every_reason_whatever_was_said(reason: Reason) -> None:
    for detail in ("", "Never heard of {it}"):
        assert advice(reason, detail)
        assert not re.search(r"\n|[{}]", advice(reason, detail))


@pytest.mark.parametrize(
    ("said", "caller", "expected"),
    [
        (
            "sts:AssumeRole because no role trust policy",
            "",
            "allow the exporter's own role or user sts:AssumeRole in the trust",
        ),
        (f"{ASSUME} because no identity-based policy", "arn:ex", f"allow sts:AssumeRole on {ROLE} in the policy of arn:ex"),
        (f"sts:TagSession on resource: {ROLE}", "arn:ex", f"in the trust policy of {ROLE} and in the policy of arn:ex"),
        (f"{ASSUME} because no service control policy allows", "", "exempt sts:AssumeRole from that policy"),
        (ASSUME, "arn:ex", f"create the role, or allow arn:ex in the trust policy of {ROLE} with the same external ID"),
    ],
)
def test_advice_names_both_ends_as_far_as_they_are_known(said: str, caller: str, expected: str) -> None:
    detail = f"AssumeRole: AccessDenied: not authorized to perform: {said}"
    assert expected in advice(Reason.ASSUME_ROLE_DENIED, detail, caller)


UNREACHABLE = "S: a:443: it is down ({} leads to a:443)"


@pytest.mark.parametrize(
    ("reason", "detail", "expected"),
    [
        (Reason.UNREACHABLE, UNREACHABLE.format("AWS_USE_FIPS_ENDPOINT"), "unset AWS_USE_FIPS_ENDPOINT, or"),
        (Reason.UNREACHABLE, UNREACHABLE.format("AWS_ENDPOINT_URL_STS"), "fix AWS_ENDPOINT_URL_STS, or"),
        (Reason.MALFORMED, "S: HTTP 404 (AWS_ENDPOINT_URL leads to a; proxy leads through b)", "fix AWS_ENDPOINT_URL: "),
        (Reason.MALFORMED, "S: HTTP 404 (endpoint_url of the AWS configuration file leads to a)", "AWS configuration file: "),
        (Reason.CREDENTIALS, "the profile a: credential_source names /t, which cannot be read: x", "fix credential_source;"),
        (Reason.CREDENTIALS, "the profile a: /t cannot be read: x", "fix the setting;"),
    ],
)
def test_advice_names_the_setting_at_fault(reason: Reason, detail: str, expected: str) -> None:
    assert expected in advice(reason, detail)


@pytest.mark.parametrize(
    ("reason", "detail", "expected"),
    [
        (None, "", ""),
        (Reason.ACCESS_DENIED, "ListAccounts: AWSOrganizationsNotInUseException", "set role_arn of this entry of organiz"),
        (Reason.THROTTLED, "ListAccounts: TooManyRequestsException", "raise refresh_interval"),
    ],
)
def test_an_organization_that_cannot_be_listed_gets_advice(reason: Reason | None, detail: str, expected: str) -> None:
    found = OrganizationStatus("acme", 3, NOW, reason, detail).advice
    assert found.startswith(expected)
    assert bool(found) is bool(expected)
