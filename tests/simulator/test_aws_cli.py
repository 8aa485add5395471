"""The real AWS CLI reads the simulator, over TLS and with its signatures checked."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from exporter.simulator.account import Account
from exporter.simulator.fleet import Fleet
from exporter.simulator.keys import AccessKey
from tests.simulator.conftest import ACCOUNT_ID, Serve
from tests.support.tools import need_tool


@pytest.mark.slow
def test_it_assumes_a_role_reads_its_cases_and_lists_accounts_units_and_tags(
    fleet: Fleet, account: Account, serve: Serve, certificate: tuple[Path, Path]
) -> None:
    program, simulator = need_tool("aws"), serve(tls=certificate)

    def aws(command: str, key: AccessKey | None = None) -> Any:  # noqa: ANN401 - any JSON, or text
        key = key or fleet.base_key
        environment = {"PATH": os.environ["PATH"], **simulator.environment(), "AWS_SESSION_TOKEN": key.session_token}
        environment |= {"AWS_ACCESS_KEY_ID": key.access_key_id, "AWS_SECRET_ACCESS_KEY": key.secret_access_key}
        arguments = [str(program), "--output", "json", *command.split()]
        done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=60, check=False)
        return done.stderr if done.returncode else json.loads(done.stdout)

    assert aws("sts get-caller-identity")["Arn"] == f"arn:aws:iam::{ACCOUNT_ID}:user/aws-support-exporter"
    member = fleet.add_account()
    case = member.add_case()
    answer = aws(f"sts assume-role --role-arn {member.role_arn()} --role-session-name me --duration-seconds 900")
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{member.account_id}:assumed-role/AwsSupportExporter/me"
    key = fleet.keys.find(answer["Credentials"]["AccessKeyId"])
    found = aws("support describe-cases --after-time 2026-07-25T17:10:00Z --max-results 100 --include-communications", key)
    assert [each["caseId"] for each in found["cases"]] == [case.case_id]
    assert "An error occurred (CaseIdNotFound) when calling the DescribeCases" in aws("support describe-cases --display-id 1")
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
