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
from importlib.resources import files
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
from tests.support.tools import ROOT

GOOD, NO_PLAN, NO_TRUST, DENIED, TRAPPED = (str(number) * 12 for number in range(1, 6))
MISSING = "123456789012"
ALL = (NO_TRUST, GOOD, DENIED, TRAPPED, NO_PLAN)
TAG_SESSION = (
    "User: arn:aws:sts::999999999999:assumed-role/exporter/eks is not authorized to perform: sts:TagSession on resource: "
    f"arn:aws:iam::{TRAPPED}:role/AwsSupportExporter"
)
NOT_ALLOWED = (
    f"User: arn:aws:sts::{DENIED}:assumed-role/AwsSupportExporter/aws-support-exporter is not authorized to perform: "
    "support:DescribeCases because no identity-based policy allows the support:DescribeCases action"
)

SHARED = ("✓ support: eu-central-1, us-east-1, aws, 127.0.0.1", "✓ support: eu-west-1, aws, 127.0.0.1")
"""That two of three regions share an endpoint."""

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


def rows_of(ended: Ended) -> list[str]:
    """Return the ids in the table that a check printed."""
    return [line[:12] for line in ended.stdout.splitlines() if re.match(r"\d{12}  ", line)]


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


def test_check_prints_what_accounts_depend_on_then_a_table_with_those_that_need_someone_last(table: Ended) -> None:
    assert (table.returncode, table.stderr) == (1, ""), "lines between the rows would hide them"
    before, _, rest = table.stdout.partition("\n\n")
    host = r"aws, 127\.0\.0\.1:\d+"
    expected = rf"""Credentials
✓ own credentials: arn:aws:iam::9{{12}}:user/aws-support-exporter, env
Endpoints
✓ sts: us-east-1, {host}
✓ sts: eu-west-1, {host}
✓ support: us-east-1, {host}
✓ support: eu-west-1, {host}"""
    assert re.fullmatch(expected, before)
    lines = rest.splitlines()
    assert lines[0].split() == ["Account", "Result", "Open", "Seconds", "Name"]
    cells = [line.split() for line in lines[1:6]]
    failed = {NO_TRUST: "assume_role_denied", DENIED: "access_denied", TRAPPED: "assume_role_denied"}
    assert [(row[0], row[1]) for row in cells] == [(GOOD, "ok"), (NO_PLAN, "subscription_required"), *failed.items()]
    assert [row[2] for row in cells] == ["3", *["-"] * 4]
    assert re.fullmatch(r"\d+\.\d\d", cells[0][3])
    assert table.stdout.endswith("\n\n5 accounts checked, 3 failed.\n")


def test_check_says_for_each_failure_what_to_do(table: Ended) -> None:
    told = table.stdout.split("\n\n")
    about = {account_id: " ".join(part.split()) for part in told for account_id in [part.strip()[:12]]}
    assert "name-3 (role AwsSupportExporter): assume_role_denied: AssumeRole: AccessDenied" in about[NO_TRUST]
    assert "arn:aws:iam::999999999999:user/aws-support-exporter" in about[NO_TRUST], "who the role must trust"
    assert "access_denied: DescribeCases: AccessDeniedException" in about[DENIED]
    assert "allow support:DescribeCases" in about[DENIED]
    assert "exclude the account: its plan (Basic or Developer)" in about[NO_PLAN]
    assert "sts:TagSession" in about[TRAPPED]
    assert "EKS Pod Identity" in about[TRAPPED]
    assert GOOD not in about


def test_check_writes_json_for_scripts(as_json: Ended) -> None:
    assert json.loads(as_json.stdout)["failed"] == 3
    found = rows(as_json)
    assert found[GOOD] | {"seconds": 0} == {
        "account_id": GOOD,
        "account_name": "name-1",
        "organizational_unit": "",
        "credentials": "role AwsSupportExporter",
        "open_cases": 3,
        "seconds": 0,
        "reason": None,
        "detail": "",
        "advice": "",
    }
    assert {account_id: (row["reason"], row["open_cases"]) for account_id, row in found.items()} == {
        GOOD: (None, 3),
        NO_PLAN: ("subscription_required", None),
        NO_TRUST: ("assume_role_denied", None),
        DENIED: ("access_denied", None),
        TRAPPED: ("assume_role_denied", None),
    }


def test_every_key_of_the_json_is_documented(command: RunCommand) -> None:
    ended = command("check", NO_TRUST, more="organizations: [{name: acme}]", options=("--output=json",))
    documented = set(re.findall(r"`(\w+)`", (ROOT / "docs/check.md").read_text()))

    def keys(value: object) -> set[str]:
        if isinstance(value, list):
            return set().union(*map(keys, value))
        return set(value).union(*map(keys, value.values())) if isinstance(value, dict) else set()

    assert keys(json.loads(ended.stdout)) - documented == set()


def test_check_tells_of_an_organization_that_cannot_be_listed_and_counts_no_account(command: RunCommand) -> None:
    denied = Fault(Error(400, "AccessDeniedException", "no"), operation="ListAccounts")
    ended = command("check", GOOD, more="organizations: [{name: acme}]", fault=denied)
    assert ended.returncode == 1
    assert "✗ acme: access_denied\n" in ended.stdout
    assert "organizations:ListAccounts" in ended.stdout
    assert ended.stdout.endswith("1 account checked, none failed. Listing accounts failed (acme): see above.\n")
    assert command("once", GOOD, more="organizations: [{name: acme}]", fault=denied).returncode == 0, "the page tells of it"


def test_without_credentials_check_and_once_say_so_and_fail() -> None:
    nothing = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/nowhere", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere"}
    checked, once = (run_exporter([name], nothing) for name in ("check", "once"))
    assert (checked.returncode, once.returncode) == (1, 1)
    assert "✗ own credentials: credentials\n" in checked.stdout
    assert checked.stdout.count("give the exporter valid AWS credentials") == 1
    assert checked.stdout.endswith("No account was checked. Listing accounts failed (own account): see above.\n")
    assert 'aws_support_organization_up{organization=""} 0.0\n' in once.stdout
    assert 'event="looking up own account failed" reason=credentials' in once.stderr


def test_a_proxy_that_is_no_url_is_told_without_its_password() -> None:
    given = {"AWS_ACCESS_KEY_ID": "AKIAX", "AWS_SECRET_ACCESS_KEY": "hush", "HTTPS_PROXY": "http://jane:hush#er2@127.0.0.1:1"}
    checked = run_exporter(["check"], given)
    assert checked.returncode == 1
    assert "✗ support: us-east-1, aws, support.us-east-1.amazonaws.com:443, proxy 127.0.0.1:1, unreachable\n" in checked.stdout
    assert not re.search("Traceback|hush|jane", checked.stdout + checked.stderr)


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_the_certificates_that_are_trusted_are_told(variable: str, aws: Simulator) -> None:
    bundle = files("botocore") / "cacert.pem"
    checked = run_exporter(["check"], aws.environment() | {variable: str(bundle)})
    assert re.search(rf"✓ sts: us-east-1, aws, 127\.0\.0\.1:\d+, ca bundle {bundle}\n", checked.stdout)


def test_check_finds_the_accounts_of_an_organization_and_tells_of_regions_that_share_an_endpoint(command: RunCommand) -> None:
    selection = f'include: {{name_patterns: ["*"]}}, exclude: {{accounts: ["{DENIED}", "{MISSING}"], name_patterns: ["sand*"]}}'
    more = f"organizations: [{{name: acme, {selection}}}]"
    ended = command("check", more=more, regions="eu-central-1, us-east-1, eu-west-1")
    unmatched = f"exclude.accounts {MISSING}, exclude.name_patterns sand*"
    assert f"! acme: listed 6, excluded 1, selected 5, unmatched {unmatched}\n" in ended.stdout
    assert all(each in ended.stdout for each in SHARED)
    assert re.search(r"✓ organizations: eu-central-1, aws, 127", ended.stdout)
    assert set(rows_of(ended)) == {"999999999999", *ALL} - {DENIED}


def test_regions_that_share_an_endpoint_are_told_of_the_own_account_too(aws: Simulator, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("aws: {regions: [eu-central-1, us-east-1, eu-west-1]}")
    ended = run_exporter(["check", f"--config.file={path}"], aws.environment())
    assert all(each in ended.stdout for each in SHARED)


def test_some_accounts_only_are_checked_and_those_that_are_none_are_told(command: RunCommand) -> None:
    def check(*account_ids: str) -> Ended:
        options = tuple(f"--account={account_id}" for account_id in account_ids)
        return command("check", GOOD, NO_TRUST, options=options, more="organizations: [{name: acme}]")

    assert (check(GOOD).returncode, rows_of(check(GOOD))) == (0, [GOOD])
    found = check(MISSING, TRAPPED, GOOD)
    assert (found.returncode, rows_of(found)) == (1, [GOOD, TRAPPED])
    assert f"{MISSING}: no configured or discovered account has this ID\n" in found.stdout
    alone = check(MISSING)
    assert (alone.returncode, rows_of(alone)) == (1, [])
    assert alone.stdout.endswith("No account was checked.\n")
    assert command("once", GOOD, options=(f"--account={GOOD}",)).returncode == 2


def test_what_fails_alike_is_told_once_with_its_advice(command: RunCommand) -> None:
    denied = Fault(Error(403, "AccessDenied", "no"), operation="AssumeRole")
    ended = command("check", *ALL, fault=denied)
    assert (
        f"\n5 accounts ({GOOD}, {NO_PLAN}, {NO_TRUST} and 2 more): assume_role_denied: AssumeRole: AccessDenied\n"
        in ended.stdout
    )
    assert ended.stdout.count("create the role") == 1
    assert ended.stdout.endswith("5 accounts checked, 5 failed.\n")


def test_a_permission_that_few_readings_need_is_told_as_a_warning(command: RunCommand, aws: Simulator) -> None:
    denied = Fault(Error(400, "AccessDeniedException", "no"), operation="DescribeCommunications")
    ended = command("check", GOOD, NO_PLAN, fault=denied)
    assert ended.returncode == 0
    assert f"{GOOD} name-1 (role AwsSupportExporter): access_denied: DescribeCommunications: AccessDenied" in ended.stdout
    assert "support:DescribeCommunications on *" in " ".join(ended.stdout.split())
    before = aws.log.counts()["DescribeCommunications"]
    assert "DescribeCommunications:" not in command("check", "999999999999").stdout, "who has no case may read it"
    assert aws.log.counts()["DescribeCommunications"] == before + 1, "that there is no such case is an answer"


def test_check_shows_units_and_which_permissions_are_missing_to_read_them_and_tags(command: RunCommand, aws: Simulator) -> None:
    fleet = aws.fleet
    unit = fleet.account(GOOD).unit = fleet.add_unit("Prod")
    more = f"organizations: [{{name: acme, tags: [team], exclude: {{accounts: ['{NO_TRUST}', '{DENIED}', '{TRAPPED}']}}}}]"
    ended = command("check", more=more)
    assert re.search(rf"^{GOOD}  ok .* · Root/Prod$", ended.stdout, re.MULTILINE)
    denied = Fault(Error(400, "AccessDeniedException", "no"), operation="DescribeOrganizationalUnit")
    ended = command("check", more=more, fault=denied)
    assert ended.returncode == 0
    assert "acme: access_denied: DescribeOrganizationalUnit: AccessDeniedException\n" in ended.stdout
    assert "allow organizations:DescribeOrganizationalUnit" in ended.stdout
    assert f" · Root/{unit}\n" in ended.stdout
    denied = Fault(Error(400, "AccessDeniedException", "no"), operation="ListTagsForResource")
    (warning,) = json.loads(command("check", more=more, options=("--output=json",), fault=denied).stdout)["warnings"]
    assert (warning["names"], warning["reason"]) == (["acme"], "access_denied")
    assert "allow organizations:ListTagsForResource" in warning["advice"]
    before = aws.log.counts()["ListTagsForResource"]
    command("check", more=more, options=(f"--account={GOOD}",))
    assert aws.log.counts()["ListTagsForResource"] == before + 1, "for the accounts that are checked only"
    fleet.account(GOOD).unit = ""


@pytest.mark.parametrize("key", ["include", "exclude"])
def test_where_tags_select_and_cannot_be_read_that_is_told_and_fails(key: str, command: RunCommand) -> None:
    more = f"organizations: [{{name: acme, {key}: {{tags: {{team: [core]}}}}}}]"
    denied = Fault(Error(400, "AccessDeniedException", "no"), operation="ListTagsForResource")
    checked, once = (command(name, more=more, fault=denied) for name in ("check", "once"))
    assert (checked.returncode, once.returncode) == (1, 1)
    assert "✗ acme: access_denied\n" in checked.stdout
    assert "acme: access_denied: ListTagsForResource: AccessDeniedException\n" in checked.stdout
    assert checked.stdout.count("allow organizations:ListTagsForResource") == 1
    assert checked.stdout.endswith("No account was checked. Listing accounts failed (acme): see above.\n")
    assert 'aws_support_organization_up{organization="acme"} 0.0\n' in once.stdout


@pytest.mark.parametrize("accounts", [(), (GOOD,)])
def test_check_and_once_fail_where_no_account_of_an_organization_is_selected(
    accounts: tuple[str, ...], command: RunCommand
) -> None:
    more = f"organizations: [{{name: acme, include: {{accounts: ['{MISSING}']}}}}]"
    checked, once = (command(name, *accounts, more=more) for name in ("check", "once"))
    assert (checked.returncode, once.returncode) == (1, 1)
    unmatched = f"unmatched include.accounts {MISSING}"
    assert f"✗ acme: listed 6, excluded 6, selected 0, {unmatched}, no_accounts\n" in checked.stdout
    assert "acme: no_accounts: ListAccounts: 6 accounts, none matches include and exclude\n" in checked.stdout
    assert "fix include and exclude" in checked.stdout
    assert 'aws_support_organization_accounts{organization="acme"} 0.0\n' in once.stdout
    assert 'event="no accounts to poll" organization=acme' in once.stderr


def test_that_tags_select_none_is_told_only_where_all_are_read(command: RunCommand) -> None:
    more = "organizations: [{name: acme, include: {tags: {team: [nobody]}}}]"
    assert "selected 0, unmatched include.tags.team nobody, no_accounts" in command("check", more=more).stdout
    assert "no_accounts" not in command("check", more=more, options=(f"--account={GOOD}",)).stdout, "of one account only"


@pytest.mark.parametrize("name", ["check", "once"])
@pytest.mark.parametrize(("selection", "asked"), [("tags: [team]", 1), ("exclude: {tags: {team: [x]}}", 6)])
def test_only_tags_that_select_are_waited_for(
    selection: str, asked: int, name: str, command: RunCommand, aws: Simulator
) -> None:
    before = aws.log.counts().get("ListTagsForResource", 0)
    ended = command(name, more=f"organizations: [{{name: acme, {selection}}}]")
    assert aws.log.counts()["ListTagsForResource"] - before == asked
    assert ended.stdout.count(GOOD)


def test_what_tags_match_no_account_is_told_by_pattern(command: RunCommand, aws: Simulator) -> None:
    aws.fleet.account(GOOD).tags = {"team": "core"}
    more = "organizations: [{name: acme, include: {tags: {team: [c*, ops], x: [y]}}}]"
    ended = command("check", more=more)
    assert "! acme: listed 6, excluded 5, selected 1, unmatched include.tags.team ops, include.tags.x y\n" in ended.stdout
    alone = command("check", more=more, options=(f"--account={GOOD}",))
    assert "✓ acme: listed 6, excluded 0, selected 1\n" in alone.stdout, "nothing is known of the others"
    aws.fleet.account(GOOD).tags = {}


def test_an_endpoint_that_does_not_answer_is_told_though_another_does(command: RunCommand) -> None:
    ended = command("check", GOOD, fault=Fault(Error(503, "ServiceUnavailable", ""), region="us-east-1"))
    assert ended.returncode == 0
    down = [line.split(":")[0] for line in ended.stdout.splitlines() if re.search(r"us-east-1, aws, .*, server_error$", line)]
    assert down == ["✗ sts", "✗ support"]
    assert "✓ sts: eu-west-1" in ended.stdout


def in_two_hours() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 7200))


@pytest.mark.parametrize(
    ("arn", "expires", "told"),
    [
        (
            "assumed-role/exporter/jo@example.com",
            in_two_hours,
            r"arn:aws:sts::9{12}:assumed-role/exporter, custom-process, expires \S+",
        ),
        ("assumed-role/exporter/i-0123456789", str, r"arn:aws:sts::9{12}:assumed-role/exporter, custom-process"),
        ("federated-user/jo", str, r"arn:aws:sts::9{12}:federated-user, custom-process"),
        ("jo@example.com", str, "custom-process"),
        ("<b>jo@example.com</b>", str, "custom-process"),
    ],
)
def test_who_it_is_is_told_without_names_of_persons(arn: str, expires: Callable[[], str], told: str, tmp_path: Path) -> None:
    fleet = Fleet.empty(time.time)
    fleet.add_account(account_id="999999999999", name="management")
    key = fleet.keys.issue_session("999999999999", f"arn:aws:sts::999999999999:{arn}", "x", time.time() + 7200)
    given = {"Version": 1, "AccessKeyId": key.access_key_id, "SecretAccessKey": key.secret_access_key}
    given |= {"SessionToken": key.session_token} | ({"Expiration": expires()} if expires() else {})
    (tmp_path / "given").write_text(json.dumps(given))
    (tmp_path / "aws").write_text(f"[profile payer]\ncredential_process = cat {tmp_path}/given\n")
    path = tmp_path / "config.yaml"
    path.write_text('accounts: [{id: "999999999999", profile: payer}]')
    with Simulator(fleet) as simulator:
        env = simulator.environment() | {"AWS_CONFIG_FILE": str(tmp_path / "aws")}
        ended = run_exporter(["check", f"--config.file={path}"], env)
    assert re.search(rf"^✓ profile payer: {told}$", ended.stdout, re.MULTILINE), ended.stdout
    assert "jo@" not in ended.stdout + ended.stderr


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


def test_a_terminal_shows_that_tags_are_waited_for(aws: Simulator, tmp_path: Path) -> None:
    path = write_config(tmp_path, (), "organizations: [{name: acme, exclude: {tags: {team: [x]}}}]")
    _, shown, _ = in_terminal(["once", f"--config.file={path}"], aws.environment(), redirect_stdout=True)
    assert "Discovering accounts, reading tags" in shown


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
    line = 'event="regions share a Support endpoint" regions="eu-central-1, us-east-1, eu-west-1" endpoints='
    assert line in page.stderr


QUEUE = "events: {queue_url: 'https://sqs.us-east-1.amazonaws.com/999999999999/aws-support-events'}"


def test_check_tells_of_a_queue_that_is_missing_and_takes_nothing_from_one_that_is_there(
    aws: Simulator, command: RunCommand
) -> None:
    ended = command("check", GOOD, more=QUEUE)
    assert "✗ sqs: us-east-1, aws, 127.0.0.1" in ended.stdout
    assert "ReceiveMessage: QueueDoesNotExist" in ended.stdout
    assert "fix events.queue_url" in " ".join(ended.stdout.split())
    assert ended.returncode == 1, "what is configured does not work, though accounts are polled all the same"
    queue = aws.fleet.send_events()
    try:
        queue.send("{}")
        ended = command("check", GOOD, more=QUEUE)
        assert "✓ sqs: us-east-1, aws, 127.0.0.1" in ended.stdout
        assert ended.returncode == 0
        assert len(queue.receive()) == 1
    finally:
        aws.fleet.events = None


@pytest.mark.parametrize(
    "shard", [("--shard.index=1",), ("--shard.index=1", "--config.check"), ("--shard.from-hostname", "--config.check")]
)
def test_shards_take_no_queue_in_common(shard: tuple[str, ...], command: RunCommand) -> None:
    ended = command("check", GOOD, more=QUEUE, options=(*shard, "--shard.total=2"))
    assert ended.returncode == 2
    assert "events.queue_url: is one queue for all shards: add {shard} to its name" in ended.stderr
    ended = command("check", GOOD, more=QUEUE.replace("-events'", "-events-{shard}'"), options=(*shard, "--shard.total=2"))
    assert ended.returncode != 2
