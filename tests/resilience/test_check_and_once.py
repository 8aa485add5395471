"""The commands that tell a person what is wrong before anything is deployed, as processes."""

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import ConnectionReset, Error
from exporter.simulator.server import Simulator
from tests.support.page import Page
from tests.support.process import run_exporter
from tests.support.prometheus import Promtool
from tests.support.terminal import Ended as InTerminal
from tests.support.terminal import run_in_terminal

GOOD, NO_PLAN, NO_TRUST, DENIED = "111111111111", "222222222222", "333333333333", "444444444444"
TAG_SESSION = (
    "User: arn:aws:sts::999999999999:assumed-role/exporter/eks is not authorized to perform: sts:TagSession on resource: "
    f"arn:aws:iam::{GOOD}:role/AwsSupportExporter"
)
NOT_ALLOWED = (
    f"User: arn:aws:sts::{DENIED}:assumed-role/AwsSupportExporter/aws-support-exporter is not authorized to perform: "
    "support:DescribeCases because no identity-based policy allows the support:DescribeCases action"
)

Ended = subprocess.CompletedProcess[str]
RunCommand = Callable[..., Ended]
RunInTerminal = Callable[..., InTerminal]


@pytest.fixture(scope="module")
def aws() -> Iterator[Simulator]:
    """Return an organization with an account that is well, and one for each thing that is wrong at first."""
    fleet = Fleet.empty(time.time)
    fleet.add_account(account_id="999999999999", name="management")
    good = fleet.add_account(account_id=GOOD)
    for _ in range(3):
        good.add_case()
    fleet.add_account(account_id=NO_PLAN, supported=False)
    fleet.add_account(account_id=NO_TRUST, trusts=False)
    fleet.add_account(account_id=DENIED)
    with Simulator(fleet) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def command(aws: Simulator, tmp_path_factory: pytest.TempPathFactory) -> RunCommand:
    """Run a command with a configuration of some of the accounts, while something goes wrong."""

    def run(name: str, *account_ids: str, options: tuple[str, ...] = (), more: str = "", fault: Fault | None = None) -> Ended:
        path = write_config(tmp_path_factory.mktemp("check"), account_ids, more)
        with faults(aws, fault):
            return run_exporter([name, f"--config.file={path}", *options], aws.environment())

    return run


@pytest.fixture
def in_terminal(aws: Simulator, tmp_path: Path) -> RunInTerminal:
    """Run a command with a configuration of some of the accounts in a terminal."""

    def run(name: str, *account_ids: str, redirect_stdout: bool = False) -> InTerminal:
        path = write_config(tmp_path, account_ids)
        with faults(aws):
            return run_in_terminal(
                [name, f"--config.file={path}"], aws.environment(), columns=140, redirect_stdout=redirect_stdout
            )

    return run


def write_config(folder: Path, account_ids: Sequence[str], more: str = "") -> Path:
    """Write a configuration of some of the accounts."""
    path = folder / "config.yaml"
    accounts = ", ".join(f'{{id: "{account_id}", name: "name-{account_id[0]}"}}' for account_id in account_ids)
    listed = f"accounts: [{accounts}]\n" if account_ids else ""
    path.write_text(f"poll: {{timeout: 5s}}\naws: {{role_name: AwsSupportExporter}}\n{listed}{more}")
    return path


@contextmanager
def faults(aws: Simulator, more: Fault | None = None) -> Iterator[None]:
    """Let one account have no permission, and something else go wrong."""
    denied = Fault(Error(400, "AccessDeniedException", NOT_ALLOWED), operation="DescribeCases", account_id=DENIED)
    handles = [aws.faults.add(each) for each in (denied, more) if each is not None]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@pytest.fixture(scope="module")
def table(command: RunCommand) -> Ended:
    """Return how a check of four accounts ended."""
    return command("check", NO_TRUST, GOOD, DENIED, NO_PLAN)


@pytest.fixture(scope="module")
def as_json(command: RunCommand) -> Ended:
    """Return how a check of four accounts for a script ended."""
    return command("check", NO_TRUST, GOOD, DENIED, NO_PLAN, options=("--output=json",))


@pytest.fixture(scope="module")
def page(command: RunCommand) -> Ended:
    """Return how one round over four accounts ended."""
    return command("once", NO_TRUST, GOOD, DENIED, NO_PLAN)


def rows(ended: Ended) -> dict[str, dict[str, Any]]:
    """Return what a check wrote as JSON, by account id."""
    return {row["account_id"]: row for row in json.loads(ended.stdout)["accounts"]}


@pytest.mark.parametrize(
    ("account_ids", "options", "code"),
    [
        ((GOOD,), (), 0),
        ((GOOD, NO_PLAN), (), 0),
        ((GOOD, NO_PLAN), ("--strict",), 1),
        ((GOOD, NO_TRUST), (), 1),
    ],
    ids=["good", "no plan", "no plan, strict", "no trust"],
)
def test_the_exit_code_of_check_tells_whether_all_is_well(
    account_ids: tuple[str, ...], options: tuple[str, ...], code: int, command: RunCommand
) -> None:
    ended = command("check", *account_ids, options=options)
    assert ended.returncode == code
    failed = "1 failed" if code else "none failed"
    assert f"{len(account_ids)} account{'s' * (len(account_ids) > 1)} checked, {failed}." in ended.stdout


def test_check_prints_a_table_with_those_that_need_someone_last(table: Ended) -> None:
    lines = table.stdout.splitlines()
    assert lines[0].split() == ["Account", "Name", "Credentials", "Plan", "Open", "Seconds", "Result"]
    cells = [line.split() for line in lines[1:5]]
    assert [row[0] for row in cells] == [GOOD, NO_PLAN, NO_TRUST, DENIED]
    assert [row[-1] for row in cells] == ["ok", "subscription_required", "assume_role_denied", "access_denied"]
    assert cells[0][:6] == [GOOD, "name-1", "role", "AwsSupportExporter", "yes", "3"]
    assert re.fullmatch(r"\d+\.\d\d", cells[0][6])
    assert [row[4:6] for row in cells[1:]] == [["no", "-"], ["unknown", "-"], ["unknown", "-"]]


def test_check_says_for_each_failure_what_to_do(table: Ended) -> None:
    told = table.stdout.split("\n\n")
    about = {account_id: " ".join(part.split()) for part in told for account_id in [part.strip()[:12]]}
    assert "AssumeRole: AccessDenied" in about[NO_TRUST]
    assert "trust policy" in about[NO_TRUST]
    assert "DescribeCases: AccessDeniedException" in about[DENIED]
    assert "allow support:DescribeCases" in about[DENIED]
    assert "exclude it: its plan (below Business Support+) has no Support API" in about[NO_PLAN]
    assert not any(part.startswith(GOOD) for part in told[1:])


def test_check_knows_the_trap_of_pod_identity_by_name(command: RunCommand) -> None:
    trap = Fault(Error(403, "AccessDenied", TAG_SESSION), operation="AssumeRole")
    ended = command("check", GOOD, options=("--output=json",), fault=trap)
    assert rows(ended)[GOOD]["reason"] == "assume_role_denied"
    advice = rows(ended)[GOOD]["advice"]
    assert "sts:TagSession" in advice
    assert "EKS Pod Identity" in advice


def test_check_writes_json_for_scripts(as_json: Ended) -> None:
    assert json.loads(as_json.stdout)["failed"] == 2
    found = rows(as_json)
    good = found[GOOD] | {"seconds": 0}
    assert good == {
        "account_id": GOOD,
        "account_name": "name-1",
        "credentials": "role AwsSupportExporter",
        "plan": "yes",
        "open_cases": 3,
        "seconds": 0,
        "reason": None,
        "detail": "",
        "advice": "",
        "failed": False,
    }
    told = {account_id: (row["reason"], row["plan"], row["open_cases"], row["failed"]) for account_id, row in found.items()}
    assert told == {
        GOOD: (None, "yes", 3, False),
        NO_PLAN: ("subscription_required", "no", None, False),
        NO_TRUST: ("assume_role_denied", "unknown", None, True),
        DENIED: ("access_denied", "unknown", None, True),
    }


def test_check_tells_of_an_organization_that_cannot_be_listed(command: RunCommand) -> None:
    denied = Fault(Error(400, "AccessDeniedException", "no"), operation="ListAccounts")
    ended = command("check", options=("--output=json",), more="organizations: [{name: acme}]", fault=denied)
    assert ended.returncode == 1
    (row,) = json.loads(ended.stdout)["accounts"]
    assert (row["account_name"], row["reason"]) == ("acme", "access_denied")
    assert "organizations:ListAccounts" in row["advice"]


def test_check_counts_a_list_that_could_not_be_had_as_no_account(command: RunCommand) -> None:
    denied = Fault(Error(400, "AccessDeniedException", "no"), operation="ListAccounts")
    ended = command("check", GOOD, more="organizations: [{name: acme}]", fault=denied)
    assert ended.returncode == 1
    assert ended.stdout.endswith("1 account checked, none failed. Listing an organization failed: see above.\n")


@pytest.fixture
def without_credentials() -> dict[str, str]:
    return {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/nowhere", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere"}


def test_without_credentials_check_and_once_say_so_and_fail(without_credentials: dict[str, str]) -> None:
    checked, once = (run_exporter([name], without_credentials) for name in ("check", "once"))
    assert (checked.returncode, once.returncode) == (1, 1)
    assert "give the exporter valid AWS credentials" in checked.stdout
    assert checked.stdout.endswith("Finding the account of the exporter's own credentials failed: see above.\n")
    assert 'aws_support_organization_up{organization=""} 0.0\n' in once.stdout
    assert 'event="finding the exporter\'s own account failed" reason=credentials' in once.stderr


SHARED = "aws: {role_name: AwsSupportExporter, regions: [eu-central-1, us-east-1, eu-west-1]}"
NOT_SHARED = "aws: {role_name: AwsSupportExporter, regions: [us-east-1, eu-west-1]}"


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (SHARED + f"\naccounts: [{{id: '{GOOD}'}}]", True),
        (SHARED + "\norganizations: [{name: acme}]", True),
        ("aws: {regions: [eu-central-1, us-east-1, eu-west-1]}", True),
        (NOT_SHARED + f"\naccounts: [{{id: '{GOOD}'}}]", False),
    ],
    ids=["account", "organization", "own account", "not shared"],
)
def test_regions_that_share_an_endpoint_are_told(config: str, told: bool, aws: Simulator, tmp_path: Path) -> None:  # noqa: FBT001 - expected
    path = tmp_path / "config.yaml"
    path.write_text(config)
    checked = run_exporter(["check", f"--config.file={path}"], aws.environment())
    note = (
        "The 3 regions eu-central-1, us-east-1, eu-west-1 are 2 Support endpoints, us-east-1, eu-west-1: those that share one"
    )
    assert (note in checked.stdout) is told


def test_once_logs_regions_that_share_an_endpoint(aws: Simulator, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(SHARED + f"\naccounts: [{{id: '{GOOD}'}}]")
    once = run_exporter(["once", f"--config.file={path}"], aws.environment())
    line = 'event="several regions share a Support endpoint" regions="eu-central-1, us-east-1, eu-west-1" endpoints='
    assert line in once.stderr


def test_check_finds_the_accounts_of_an_organization(command: RunCommand) -> None:
    ended = command("check", options=("--output=json",), more="organizations: [{name: acme}]")
    assert set(rows(ended)) == {"999999999999", GOOD, NO_PLAN, NO_TRUST, DENIED}


@pytest.mark.parametrize("name", ["table", "as_json", "page"])
def test_nothing_but_a_terminal_gets_a_progress_bar(name: str, request: pytest.FixtureRequest) -> None:
    ended: Ended = request.getfixturevalue(name)
    assert "Polling accounts" not in ended.stdout + ended.stderr
    assert "\x1b" not in ended.stdout + ended.stderr
    assert all(line.startswith("ts=") for line in ended.stderr.splitlines())


def test_check_shows_in_a_terminal_how_far_it_is_and_takes_the_bar_away(in_terminal: RunInTerminal) -> None:
    ended = in_terminal("check", GOOD, NO_TRUST)
    assert ended.returncode == 1
    assert "Polling accounts" in ended.shown
    assert re.search(r"[12]/2", ended.shown)
    _, _, after_the_bar = ended.shown.rpartition("Polling accounts")
    assert "\x1b[2K" in after_the_bar.partition(GOOD)[0], "the bar's line is not erased before the table"
    assert "2 accounts checked, 1 failed." in after_the_bar


def test_once_shows_in_a_terminal_how_far_it_is_and_logs_on_lines_of_their_own(in_terminal: RunInTerminal) -> None:
    ended = in_terminal("once", GOOD, NO_TRUST, DENIED, redirect_stdout=True)
    assert ended.returncode == 0
    assert "Polling accounts" in ended.shown
    lines = re.split(r"\r|\n", re.sub(r"\x1b\[[0-9;]*m", "", ended.shown))
    logged = [line for line in lines if "ts=" in line]
    assert len(logged) == 2
    assert all(re.sub(r"\x1b\[[0-9?]*[A-Za-z]", "", line).startswith("ts=") for line in logged)
    assert Page(ended.stdout).up() == {GOOD: 1, NO_TRUST: 0, DENIED: 0}


@pytest.mark.parametrize("name", ["check", "once"])
def test_a_bad_file_is_a_usage_error(name: str, command: RunCommand) -> None:
    ended = command(name, "11111111111")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "it has 11 digits" in ended.stderr


def test_check_ends_soon_when_aws_is_out_of_reach(command: RunCommand) -> None:
    started = time.monotonic()
    ended = command("check", GOOD, NO_PLAN, options=("--output=json",), fault=Fault(ConnectionReset()))
    assert ended.returncode == 1
    assert {row["reason"] for row in rows(ended).values()} == {"unreachable"}
    assert time.monotonic() - started < 10


def test_once_prints_one_page_that_promtool_accepts(page: Ended, promtool: Promtool) -> None:
    assert page.returncode == 0, "the page itself says which accounts failed"
    assert promtool.check_metrics(page.stdout) == ""
    shown = Page(page.stdout)
    assert shown.up() == {GOOD: 1, NO_TRUST: 0, NO_PLAN: 0, DENIED: 0}
    assert shown.open_cases() == {GOOD: 3}
    assert shown.values("aws_support_accounts", state="pending") == [0]


def test_once_tells_nothing_of_its_own_process(page: Ended) -> None:
    names = {name for name, _, _ in Page(page.stdout).samples}
    assert {name for name in names if not name.startswith("aws_support_")} == set()
