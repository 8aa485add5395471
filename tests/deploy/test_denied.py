"""A missing permission is told by its name."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.simulator.account import ROLE_NAME
from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import Error
from exporter.simulator.server import Simulator
from tests.support.process import ExporterProcess, run_exporter

ACCOUNT, MANAGEMENT = "111111111111", "999999999999"
CONFIGURATION = f"""
poll: {{timeout: 5s}}
aws: {{role_name: {ROLE_NAME}}}
accounts: [{{id: "{ACCOUNT}"}}]
organizations: [{{name: acme, use_own_credentials: true, exclude: {{accounts: ["{MANAGEMENT}"]}}}}]
"""


@pytest.fixture
def aws() -> Iterator[Simulator]:
    """Return an organization with one account: on its case, only the customer wrote the communications that come with it."""
    fleet = Fleet.empty(time.time)
    fleet.add_account(account_id=MANAGEMENT, name="management")
    case = fleet.add_account(account_id=ACCOUNT, name="payments").add_case()
    for _ in range(7):
        case.add_communication(submitted_by="someone@example.com")
    with Simulator(fleet) as simulator:
        yield simulator


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIGURATION)
    return path


def deny(aws: Simulator, action: str, *, resource: str = "*") -> None:
    """Refuse what an action allows, with the message that AWS gives for a missing permission."""
    service, _, operation = action.partition(":")
    who = f"arn:aws:sts::{ACCOUNT}:assumed-role/AwsSupportExporter/aws-support-exporter"
    why = f"because no identity-based policy allows the {action} action"
    code = "AccessDenied" if service == "sts" else "AccessDeniedException"
    message = f"User: {who} is not authorized to perform: {action} on resource: {resource} {why}"
    aws.faults.add(Fault(Error(403 if service == "sts" else 400, code, message), operation=operation))


@pytest.mark.parametrize(
    ("action", "resource", "subject", "summary"),
    [
        ("support:DescribeCases", "*", ACCOUNT, "1 failed."),
        ("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/{ROLE_NAME}", ACCOUNT, "1 failed."),
        ("organizations:ListAccounts", "*", "acme", "none failed. Not every list of accounts could be had: see above."),
    ],
)
def test_check_names_the_missing_action(
    action: str, resource: str, subject: str, summary: str, aws: Simulator, config_file: Path
) -> None:
    deny(aws, action, resource=resource)
    ended = run_exporter(["check", f"--config.file={config_file}"], aws.environment())
    assert ended.returncode == 1
    _, *told = ended.stdout.split("\n\n")
    lines = [" ".join(part.split()) for part in told]
    about = next(line for line in lines if subject in line)
    assert f"not authorized to perform: {action}" in about
    assert action in about.partition("because")[2], "the advice names it, too"
    assert lines[-1].endswith(summary)


def test_a_denied_lookup_of_communications_is_counted_and_harms_no_case(aws: Simulator, config_file: Path) -> None:
    deny(aws, "support:DescribeCommunications")
    arguments = [f"--config.file={config_file}"]
    with ExporterProcess(arguments, aws.environment()) as exporter:
        denied = 'aws_support_api_errors_total{operation="DescribeCommunications",reason="access_denied"} 1.0'
        page = exporter.wait_for(lambda text: denied in text)
    assert f'aws_support_account_up{{account_id="{ACCOUNT}"' in page
    assert "aws_support_open_cases{" in page
    assert "someone@example.com" not in page
