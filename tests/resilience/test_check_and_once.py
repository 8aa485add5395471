"""The commands that tell a person what is wrong before anything is deployed, as processes."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
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

GOOD, NO_PLAN, NO_TRUST, DENIED, TRAPPED = (str(number) * 12 for number in range(1, 6))
ALL = (NO_TRUST, GOOD, DENIED, TRAPPED, NO_PLAN)
TAG_SESSION = (
    "User: arn:aws:sts::999999999999:assumed-role/exporter/eks is not authorized to perform: sts:TagSession on resource: "
    f"arn:aws:iam::{TRAPPED}:role/AwsSupportExporter"
)
NOT_ALLOWED = (
    f"User: arn:aws:sts::{DENIED}:assumed-role/AwsSupportExporter/aws-support-exporter is not authorized to perform: "
    "support:DescribeCases because no identity-based policy allows the support:DescribeCases action"
)

SHARED = "The 3 regions eu-central-1, us-east-1, eu-west-1 are 2 Support endpoints, us-east-1, eu-west-1: those that share one"

Ended = subprocess.CompletedProcess[str]
RunCommand = Callable[..., Ended]


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
    for account_id in (DENIED, TRAPPED):
        fleet.add_account(account_id=account_id)
    with Simulator(fleet) as simulator:
        simulator.faults.add(Fault(Error(400, "AccessDeniedException", NOT_ALLOWED), "DescribeCases", DENIED))
        simulator.faults.add(Fault(Error(403, "AccessDenied", TAG_SESSION), "AssumeRole", TRAPPED))
        yield simulator


def write_config(folder: Path, account_ids: Sequence[str], more: str = "", regions: str = "us-east-1, eu-west-1") -> Path:
    """Write a configuration of some of the accounts."""
    path = folder / "config.yaml"
    accounts = ", ".join(f'{{id: "{account_id}", name: "name-{account_id[0]}"}}' for account_id in account_ids)
    listed = f"accounts: [{accounts}]\n" if account_ids else ""
    path.write_text(f"poll: {{timeout: 5s}}\naws: {{role_name: AwsSupportExporter, regions: [{regions}]}}\n{listed}{more}")
    return path


@pytest.fixture(scope="module")
def command(aws: Simulator, tmp_path_factory: pytest.TempPathFactory) -> RunCommand:
    """Run a command with a configuration of some of the accounts, while something goes wrong."""

    def run(name: str, *account_ids: str, options: tuple[str, ...] = (), fault: Fault | None = None, **config: str) -> Ended:
        path = write_config(tmp_path_factory.mktemp("check"), account_ids, **config)
        handle = fault and aws.faults.add(fault)
        ended = run_exporter([name, f"--config.file={path}", *options], aws.environment())
        if handle:
            handle.remove()
        return ended

    return run


@pytest.fixture(scope="module")
def table(command: RunCommand) -> Ended:
    """Return how a check of them ended."""
    return command("check", *ALL)


@pytest.fixture(scope="module")
def as_json(command: RunCommand) -> Ended:
    """Return how a check of them for a script ended."""
    return command("check", *ALL, options=("--output=json",))


@pytest.fixture(scope="module")
def page(command: RunCommand) -> Ended:
    """Return how one round over them ended."""
    return command("once", *ALL, regions="eu-central-1, us-east-1, eu-west-1")


def rows(ended: Ended) -> dict[str, dict[str, Any]]:
    """Return what a check wrote as JSON, by account id."""
    return {row["account_id"]: row for row in json.loads(ended.stdout)["accounts"]}


@pytest.mark.parametrize(("options", "code"), [((), 0), (("--strict",), 1)])
def test_an_account_without_a_plan_is_a_failure_where_that_is_asked_for(
    options: tuple[str, ...], code: int, command: RunCommand
) -> None:
    ended = command("check", GOOD, NO_PLAN, options=options)
    assert ended.returncode == code
    assert f"2 accounts checked, {'1 failed' if code else 'none failed'}." in ended.stdout


def test_check_prints_a_table_with_those_that_need_someone_last(table: Ended) -> None:
    assert table.returncode == 1
    assert "5 accounts checked, 3 failed." in table.stdout
    lines = table.stdout.splitlines()
    assert lines[0].split() == ["Account", "Name", "Credentials", "Plan", "Open", "Seconds", "Result"]
    cells = [line.split() for line in lines[1:6]]
    results = {row[0]: row[-1] for row in cells}
    failed = {NO_TRUST: "assume_role_denied", DENIED: "access_denied", TRAPPED: "assume_role_denied"}
    assert list(results.items()) == [(GOOD, "ok"), (NO_PLAN, "subscription_required"), *failed.items()]
    assert cells[0][:6] == [GOOD, "name-1", "role", "AwsSupportExporter", "yes", "3"]
    assert re.fullmatch(r"\d+\.\d\d", cells[0][6])
    assert [row[4:6] for row in cells[1:]] == [["no", "-"], *[["unknown", "-"]] * 3]
    assert "share" not in table.stdout, "each of the two regions has an endpoint"


def test_check_says_for_each_failure_what_to_do(table: Ended) -> None:
    told = table.stdout.split("\n\n")
    about = {account_id: " ".join(part.split()) for part in told for account_id in [part.strip()[:12]]}
    assert "AssumeRole: AccessDenied" in about[NO_TRUST]
    assert table.stderr == "", "lines between the rows would hide them"
    assert "trust policy" in about[NO_TRUST]
    assert "DescribeCases: AccessDeniedException" in about[DENIED]
    assert "allow support:DescribeCases" in about[DENIED]
    assert "exclude it: its plan (below Business Support+) has no Support API" in about[NO_PLAN]
    assert "sts:TagSession" in about[TRAPPED]
    assert "EKS Pod Identity" in about[TRAPPED]
    assert not any(part.startswith(GOOD) for part in told[1:])


def test_check_writes_json_for_scripts(as_json: Ended) -> None:
    assert json.loads(as_json.stdout)["failed"] == 3
    found = rows(as_json)
    assert found[GOOD] | {"seconds": 0} == {
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
        TRAPPED: ("assume_role_denied", "unknown", None, True),
    }


def test_check_tells_of_an_organization_that_cannot_be_listed_and_counts_no_account(command: RunCommand) -> None:
    denied = Fault(Error(400, "AccessDeniedException", "no"), operation="ListAccounts")
    ended = command("check", GOOD, more="organizations: [{name: acme}]", fault=denied)
    assert ended.returncode == 1
    assert "acme" in ended.stdout
    assert "organizations:ListAccounts" in ended.stdout
    assert ended.stdout.endswith("1 account checked, none failed. Listing an organization failed: see above.\n")
    assert command("once", GOOD, more="organizations: [{name: acme}]", fault=denied).returncode == 0, "the page tells of it"


def test_without_credentials_check_and_once_say_so_and_fail() -> None:
    nothing = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/nowhere", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere"}
    checked, once = (run_exporter([name], nothing) for name in ("check", "once"))
    assert (checked.returncode, once.returncode) == (1, 1)
    assert "give the exporter valid AWS credentials" in checked.stdout
    assert checked.stdout.endswith("Finding the account of the exporter's own credentials failed: see above.\n")
    assert 'aws_support_organization_up{organization=""} 0.0\n' in once.stdout
    assert 'event="finding the exporter\'s own account failed" reason=credentials' in once.stderr


def test_check_finds_the_accounts_of_an_organization_and_tells_of_regions_that_share_an_endpoint(command: RunCommand) -> None:
    ended = command("check", more="organizations: [{name: acme}]", regions="eu-central-1, us-east-1, eu-west-1")
    assert {line[:12] for line in ended.stdout.splitlines()[1:7]} == {"999999999999", *ALL}
    assert SHARED in ended.stdout


def test_regions_that_share_an_endpoint_are_told_of_the_own_account_too(aws: Simulator, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("aws: {regions: [eu-central-1, us-east-1, eu-west-1]}")
    assert SHARED in run_exporter(["check", f"--config.file={path}"], aws.environment()).stdout


@pytest.mark.parametrize("name", ["table", "as_json", "page"])
def test_nothing_but_a_terminal_gets_a_progress_bar(name: str, request: pytest.FixtureRequest) -> None:
    ended: Ended = request.getfixturevalue(name)
    assert "Polling accounts" not in ended.stdout + ended.stderr
    assert "\x1b" not in ended.stdout + ended.stderr
    assert all(line.startswith("ts=") for line in ended.stderr.splitlines())


def in_terminal(args: Sequence[str], env: Mapping[str, str], *, redirect_stdout: bool = False) -> tuple[int, str, str]:
    """Return how a command ends in a terminal as a person has it: exit code, what is shown, redirected standard output."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 140, 0, 0))
    with (
        os.fdopen(ours, "rb", buffering=0) as terminal,
        subprocess.Popen(
            [sys.executable, "-m", "exporter", *args],
            env=os.environ | {"TERM": "xterm-256color", **env},
            stdin=theirs,
            stdout=subprocess.PIPE if redirect_stdout else theirs,
            stderr=theirs,
            text=True,
        ) as process,
    ):
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # nobody is left who could write
            while chunk := terminal.read(65_536):
                shown += chunk
        stdout, _ = process.communicate(timeout=30)
    return process.returncode, shown.decode(), stdout or ""


def test_check_shows_in_a_terminal_how_far_it_is_and_takes_the_bar_away(aws: Simulator, tmp_path: Path) -> None:
    path = write_config(tmp_path, (GOOD, NO_TRUST))
    code, shown, _ = in_terminal(["check", f"--config.file={path}"], aws.environment() | {"NO_COLOR": "1"})
    assert code == 1
    assert "Polling accounts" in shown
    assert re.search(r"[12]/2", shown)
    _, _, after_the_bar = shown.rpartition("Polling accounts")
    assert "\x1b[2K" in after_the_bar.partition(GOOD)[0], "the bar's line is not erased before the table"
    assert "2 accounts checked, 1 failed." in after_the_bar
    assert set(re.findall(r"\x1b\[\d*[A-Za-z]", shown)) == {"\x1b[2K"}, "there are no colours where none are wanted"


def test_once_shows_in_a_terminal_how_far_it_is_and_logs_on_lines_of_their_own(aws: Simulator, tmp_path: Path) -> None:
    path = write_config(tmp_path, (GOOD, NO_TRUST, DENIED))
    code, shown, page = in_terminal(["once", f"--config.file={path}"], aws.environment(), redirect_stdout=True)
    assert code == 0
    assert "Polling accounts" in shown
    lines = re.split(r"\r|\n", re.sub(r"\x1b\[[0-9;]*m", "", shown))
    logged = [line for line in lines if "ts=" in line]
    assert len(logged) == 2
    assert all(re.sub(r"\x1b\[[0-9?]*[A-Za-z]", "", line).startswith("ts=") for line in logged)
    assert Page(page).up() == {GOOD: 1, NO_TRUST: 0, DENIED: 0}


def test_a_bad_file_is_a_usage_error(command: RunCommand) -> None:
    ended = command("check", "11111111111")
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
    assert shown.up() == dict.fromkeys(ALL, 0.0) | {GOOD: 1}
    assert shown.open_cases() == {GOOD: 3}
    assert shown.values("aws_support_accounts", state="pending") == [0]
    assert all(name.startswith("aws_support_") for name, _, _ in shown.samples), "nothing of its own process"


def test_once_logs_regions_that_share_an_endpoint(page: Ended) -> None:
    line = 'event="several regions share a Support endpoint" regions="eu-central-1, us-east-1, eu-west-1" endpoints='
    assert line in page.stderr
