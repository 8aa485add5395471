"""The real AWS CLI reads the simulator, over TLS and with its signatures checked."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from exporter.simulator.account import Account
from exporter.simulator.case import Case
from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.simulator.conftest import NOW
from tests.support.tools import find_tool

pytestmark = pytest.mark.slow


class Aws(NamedTuple):
    """A simulated AWS with a management account of three cases, and 44 accounts more."""

    cli: Path
    simulator: Simulator
    account: Account
    cases: dict[str, Case]

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        variables = {"PATH": os.environ["PATH"], **self.simulator.environment(), **environment}
        command = [str(self.cli), "--output", "json", *arguments]
        return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)

    def answer(self, *arguments: str, **environment: str) -> dict[str, Any]:
        done = self.run(*arguments, **environment)
        assert (done.stderr, done.returncode) == ("", 0)
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@pytest.fixture(scope="module")
def aws(certificate: tuple[Path, Path]) -> Iterator[Aws]:
    cli = find_tool("aws")
    if cli is None:
        pytest.skip("aws is not here: run `make tools`")
    fleet = Fleet.empty(lambda: NOW)
    account = fleet.add_account("111122223333")
    for _ in range(44):
        fleet.add_account()
    cases = {
        "old": account.add_case(created_at=NOW - 1000, body="first"),
        "japanese": account.add_case(language="ja"),
        "resolved": account.add_case(status="resolved"),
    }
    for number in range(11):
        cases["old"].add_communication(f"{number}", created_at=NOW - 900 + number)
    with Simulator(fleet, throttle=False, tls=certificate) as simulator:
        yield Aws(cli, simulator, account, cases)


def test_sts_knows_who_asks(aws: Aws) -> None:
    identity = aws.answer("sts", "get-caller-identity")
    assert identity["Arn"] == "arn:aws:iam::111122223333:user/aws-support-exporter"


def test_role_can_be_assumed_and_reads_its_account(aws: Aws) -> None:
    member = aws.simulator.fleet.accounts[7]
    case = member.add_case()
    role = ["--role-arn", member.role_arn(), "--role-session-name", "me", "--duration-seconds", "900"]
    answer = aws.answer("sts", "assume-role", *role)
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{member.account_id}:assumed-role/AwsSupportExporter/me"
    credentials = answer["Credentials"]
    page = aws.answer(
        *("support", "describe-cases"),
        AWS_ACCESS_KEY_ID=credentials["AccessKeyId"],
        AWS_SECRET_ACCESS_KEY=credentials["SecretAccessKey"],
        AWS_SESSION_TOKEN=credentials["SessionToken"],
    )
    assert [each["caseId"] for each in page["cases"]] == [case.case_id]


def test_organizations_lists_accounts_page_by_page(aws: Aws) -> None:
    listed = [account["Id"] for account in aws.answer("organizations", "list-accounts")["Accounts"]]
    assert listed == [account.account_id for account in aws.simulator.fleet.accounts]
    assert aws.simulator.log.counts()["ListAccounts"] == 5, "45 accounts: three pages, and an empty one between two"


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ("--case-id-list {old.case_id} {resolved.case_id} --include-resolved-cases", ["resolved", "old"]),
        ("--display-id {old.display_id} --no-include-resolved-cases", ["old"]),
        ("--after-time 2026-07-25T17:10:00Z --before-time 2026-07-25T17:20:00.000Z --include-communications", ["japanese"]),
        ("--language ja --max-results 100", ["japanese"]),
        ("--no-include-communications", ["japanese", "old"]),
    ],
)
def test_support_describes_the_cases_that_are_asked_for(aws: Aws, arguments: str, found: list[str]) -> None:
    cases = aws.answer("support", "describe-cases", *arguments.format(**aws.cases).split())["cases"]
    assert [case["caseId"] for case in cases] == [aws.cases[name].case_id for name in found]
    assert all(("recentCommunications" in case) is ("--no-include-communications" not in arguments) for case in cases)


def test_support_pages_cases_and_communications(aws: Aws) -> None:
    account = aws.simulator.fleet.accounts[8]
    cases = [account.add_case() for _ in range(12)]
    key = aws.simulator.fleet.add_access_key(account)
    owner = {"AWS_ACCESS_KEY_ID": key.access_key_id, "AWS_SECRET_ACCESS_KEY": key.secret_access_key}
    first = aws.answer("support", "describe-cases", "--max-results", "10", **owner)
    rest = aws.answer("support", "describe-cases", "--next-token", first["nextToken"], **owner)
    assert [len(first["cases"]), len(rest["cases"])] == [10, 2]
    assert [case["caseId"] for case in first["cases"] + rest["cases"]] == [case.case_id for case in reversed(cases)]
    communications = aws.answer("support", "describe-communications", "--case-id", aws.cases["old"].case_id)["communications"]
    assert [each["body"] for each in communications] == [*(f"{number}" for number in range(10, -1, -1)), "first"]


def test_refusal_has_the_words_of_aws(aws: Aws) -> None:
    done = aws.run("support", "describe-cases", "--display-id", "1")
    assert done.returncode > 0
    assert "An error occurred (CaseIdNotFound) when calling the DescribeCases operation" in done.stderr
