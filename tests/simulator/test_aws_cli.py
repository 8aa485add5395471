"""The real AWS CLI reads the simulator, over TLS and with its signatures checked."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exporter.simulator.account import Account
from exporter.simulator.fleet import Fleet
from exporter.simulator.keys import AccessKey
from tests.simulator.conftest import ACCOUNT_ID, NOW, Serve
from tests.support.tools import need_tool

pytestmark = pytest.mark.slow
Aws = Callable[..., Any]


@pytest.fixture
def aws(serve: Serve, certificate: tuple[Path, Path]) -> Aws:
    program, simulator = need_tool("aws"), serve(tls=certificate)

    def run(command: str, key: AccessKey | None = None) -> Any:  # noqa: ANN401 - any JSON, or text
        environment = {"PATH": os.environ["PATH"], **simulator.environment()}
        if key is not None:
            environment |= {"AWS_ACCESS_KEY_ID": key.access_key_id, "AWS_SECRET_ACCESS_KEY": key.secret_access_key}
            environment["AWS_SESSION_TOKEN"] = key.session_token
        arguments = [str(program), "--output", "json", *command.split()]
        done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=60, check=False)
        return done.stderr if done.returncode else json.loads(done.stdout)

    return run


def test_sts_assumes_a_role_and_organizations_lists_accounts_units_and_tags(fleet: Fleet, account: Account, aws: Aws) -> None:
    assert aws("sts get-caller-identity")["Arn"] == f"arn:aws:iam::{ACCOUNT_ID}:user/aws-support-exporter"
    member = fleet.add_account()
    case = member.add_case()
    answer = aws(f"sts assume-role --role-arn {member.role_arn()} --role-session-name me --duration-seconds 900")
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{member.account_id}:assumed-role/AwsSupportExporter/me"
    key = fleet.keys.find(answer["Credentials"]["AccessKeyId"])
    assert [each["caseId"] for each in aws("support describe-cases", key)["cases"]] == [case.case_id]
    for _ in range(43):
        fleet.add_account()
    top = fleet.add_unit("Workloads")
    account.unit = fleet.add_unit("Prod", top)
    account.tags = {f"tag-{number:02}": "x" for number in range(25)}
    listed = aws("organizations list-accounts")["Accounts"]
    assert [each["Id"] for each in listed] == [each.account_id for each in fleet.accounts]
    assert listed[0]["Paths"] == [f"{fleet.organization_id}/r-demo/{top}/{account.unit}/{account.account_id}/"]
    unit = "organizations describe-organizational-unit --organizational-unit-id"
    assert aws(f"{unit} {account.unit}")["OrganizationalUnit"]["Name"] == "Prod"
    assert "(OrganizationalUnitNotFoundException)" in aws(f"{unit} ou-demo-99999999")
    tags = aws(f"organizations list-tags-for-resource --resource-id {account.account_id}")["Tags"]
    assert [tag["Key"] for tag in tags] == sorted(account.tags)
    assert "(TargetNotFoundException)" in aws("organizations list-tags-for-resource --resource-id 000000000000")


def test_support_describes_the_cases_that_are_asked_for(account: Account, aws: Aws) -> None:
    cases = {
        "old": account.add_case(created_at=NOW - 1000),
        "japanese": account.add_case(language="ja", body="x"),
        "resolved": account.add_case(status="resolved"),
    }
    for arguments, found in {
        "--case-id-list {old.case_id} {resolved.case_id} --include-resolved-cases": ["resolved", "old"],
        "--display-id {old.display_id} --no-include-resolved-cases": ["old"],
        "--after-time 2026-07-25T17:10:00Z --before-time 2026-07-25T17:20:00.000Z --include-communications": ["japanese"],
        "--language ja --max-results 100 --no-include-communications": ["japanese"],
    }.items():
        page = aws(f"support describe-cases {arguments.format(**cases)}")["cases"]
        assert [case["caseId"] for case in page] == [cases[name].case_id for name in found]
        assert all(("recentCommunications" in case) is ("--no-include-communications" not in arguments) for case in page)
    assert "An error occurred (CaseIdNotFound) when calling the DescribeCases" in aws("support describe-cases --display-id 1")
