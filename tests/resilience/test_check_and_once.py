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
REGIONS = "aws: {regions: [eu-central-1, us-east-1, eu-west-1], role_name: AwsSupportExporter}\n"
"""Of which two share an endpoint."""
SELECTED = f"include: {{name_patterns: ['*']}}, exclude: {{accounts: ['{MISSING}'], name_patterns: ['sand*']}}"
SESSIONS = {GOOD: "assumed-role/exporter/jo@example.com", NO_TRUST: "federated-user/jo", DENIED: "<b>jo@example.com</b>"}
"""Of persons: their names appear nowhere."""
QUEUE = "events: {queue_url: 'https://sqs.us-east-1.amazonaws.com/999999999999/aws-support-events'}"
GOLDEN = Path(__file__).with_name("check")

Ended = subprocess.CompletedProcess[str]
RunCommand = Callable[..., Ended]


def acme(*keys: str) -> str:
    return f"organizations: [{{{', '.join(('name: acme', *keys))}}}]"


def denied(operation: str) -> Fault:
    return Fault(Error(400, "AccessDeniedException", "no"), operation)


@pytest.fixture(scope="module")
def aws() -> Iterator[Simulator]:
    """Return an organization with an account that is well, and one for each thing that is wrong at first."""
    fleet = Fleet.empty(time.time)
    fleet.add_account(account_id="999999999999", name="management")
    good = fleet.add_account(account_id=GOOD)
    good.unit, good.tags = fleet.add_unit("Prod"), {"team": "core"}
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


@pytest.fixture(scope="module")
def profiles(aws: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of AWS with a profile for each session."""
    path, text = tmp_path_factory.mktemp("aws") / "config", ""
    expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 7200))
    for account_id, name in SESSIONS.items():
        key = aws.fleet.keys.issue_session(account_id, f"arn:aws:sts::{account_id}:{name}", "x", time.time() + 7200)
        given = {"Version": 1, "AccessKeyId": key.access_key_id, "SecretAccessKey": key.secret_access_key}
        given |= {"SessionToken": key.session_token, "Expiration": expires}
        text += f"[profile p{account_id[0]}]\ncredential_process = echo '{json.dumps(given)}'\n"
    path.write_text(text)
    return path


def write_config(folder: Path, account_ids: Sequence[str], more: str = "") -> Path:
    """Write a configuration of some of the accounts, read by their role in two regions unless told otherwise."""
    path = folder / "config.yaml"
    accounts = ", ".join(f'{{id: "{account_id}", name: "name-{account_id[0]}"}}' for account_id in account_ids)
    listed = f"accounts: [{accounts}]\n" if account_ids else ""
    regions = "" if "aws:" in more else REGIONS.replace("eu-central-1, ", "")
    path.write_text(f"poll: {{timeout: 5s}}\n{regions}{listed}{more}")
    return path


@pytest.fixture(scope="module")
def command(aws: Simulator, profiles: Path, tmp_path_factory: pytest.TempPathFactory) -> RunCommand:
    """Run a command with a configuration of some of the accounts, while something goes wrong; ports are left out."""

    def run(name: str, account_ids: Sequence[str] = (), more: str = "", *options: str, fault: Fault | None = None) -> Ended:
        path = write_config(tmp_path_factory.mktemp("check"), account_ids, more)
        handle = fault and aws.faults.add(fault)
        env = aws.environment() | {"AWS_CONFIG_FILE": str(profiles)}
        ended = run_exporter([name, f"--config.file={path}", *options], env)
        if handle:
            handle.remove()
        ended.stdout = ended.stdout.replace(aws.url.removeprefix("http://"), "AWS")
        return ended

    return run


FEW = f"exclude: {{accounts: ['{NO_TRUST}', '{DENIED}', '{TRAPPED}']}}"
REGION_DOWN = Fault(Error(503, "ServiceUnavailable", ""), region="us-east-1")
SOME = tuple(f"--account={account_id}" for account_id in (MISSING, TRAPPED, GOOD))
PROFILES = ", ".join(f"{{id: '{account_id}', profile: p{account_id[0]}}}" for account_id in SESSIONS)
CHECKS: dict[str, tuple[Sequence[str], str, Sequence[str], Fault | None]] = {
    "what fails and what to do": (ALL, REGIONS + acme(SELECTED), (), None),
    "what fails alike": (ALL, "", (), Fault(Error(403, "AccessDenied", "no"), "AssumeRole")),
    "strict about plans": ((GOOD, NO_PLAN), "", ("--strict",), None),
    "a permission that few readings need": ((GOOD, NO_PLAN), "", (), denied("DescribeCommunications")),
    "some accounts only": ((GOOD, NO_TRUST), acme(), SOME, None),
    "none of these": ((GOOD,), acme(), SOME[:1], None),
    "no list": ((GOOD,), acme(), (), denied("ListAccounts")),
    "no account selected": ((GOOD,), acme(f"include: {{accounts: ['{MISSING}']}}"), (), None),
    "tags that match none": ((), acme("include: {tags: {team: [c*, ops], x: [y]}}"), (), None),
    "no tags that select": ((), acme("exclude: {tags: {team: [core]}}"), (), denied("ListTagsForResource")),
    "no tags that label": ((), acme("tags: [team]", FEW), (), denied("ListTagsForResource")),
    "no names of units": ((), acme(FEW), (), denied("DescribeOrganizationalUnit")),
    "one of two endpoints down": ((GOOD,), "", (), REGION_DOWN),
    "no queue": ((GOOD,), QUEUE, (), None),
    "whose credentials": ((), f"accounts: [{PROFILES}]", (), None),
    "as JSON": ((GOOD, NO_TRUST), acme(), ("--output=json",), denied("ListAccounts")),
}


@pytest.mark.parametrize("name", CHECKS)
def test_check_tells_how_all_is_and_what_to_do(name: str, command: RunCommand, request: pytest.FixtureRequest) -> None:
    account_ids, more, options, fault = CHECKS[name]
    ended = command("check", account_ids, more, *options, fault=fault)
    assert ended.stderr == "", "lines between the rows would hide them"
    told = re.sub(r'(?<=  )\d\.\d\d(?=  )|(?<="seconds": )\d\.\d+', "0.00", ended.stdout)
    told = re.sub(r"(?<=expires )\S+", "SOON", told) + f"exit code {ended.returncode}\n"
    golden = GOLDEN / f"{name.replace(' ', '_')}.txt"
    if request.config.getoption("--rewrite-golden"):
        golden.write_text(told)
    assert told == golden.read_text()


def test_every_key_of_the_json_is_documented() -> None:
    keys = set(re.findall(r'"(\w+)": ', (GOLDEN / "as_JSON.txt").read_text()))
    assert keys - set(re.findall(r"`(\w+)`", (ROOT / "docs/check.md").read_text())) == set()


@pytest.mark.parametrize(
    ("keys", "refused", "told", "code"),
    [
        ("include: {tags: {team: [core]}}", "ListTagsForResource", "up", 0),
        (f"include: {{accounts: ['{MISSING}']}}", "nothing", "accounts", 1),
    ],
)
def test_the_page_of_once_tells_of_its_organization(keys: str, refused: str, told: str, code: int, command: RunCommand) -> None:
    ended = command("once", (GOOD,), acme(keys), fault=denied(refused))
    assert ended.returncode == code
    assert f'aws_support_organization_{told}{{organization="acme"}} 0.0\n' in ended.stdout
    assert ("no accounts to poll" in ended.stderr) == bool(code)


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


def test_the_own_account_is_checked_by_default_and_the_certificates_that_are_trusted_are_told(
    aws: Simulator, tmp_path: Path
) -> None:
    path, bundle = tmp_path / "config.yaml", files("botocore") / "cacert.pem"
    path.write_text(REGIONS)
    checked = run_exporter(["check", f"--config.file={path}"], aws.environment() | {"AWS_CA_BUNDLE": str(bundle)})
    host = rf"aws, 127\.0\.0\.1:\d+, ca bundle {bundle}\n"
    assert re.search(rf"✓ support: eu-central-1, us-east-1, {host}✓ support: eu-west-1, {host}", checked.stdout)
    assert checked.stdout.endswith("1 account checked, none failed.\n")


def test_what_is_not_needed_is_not_asked_for(command: RunCommand, aws: Simulator) -> None:
    def asked(operation: str, *how: str) -> tuple[int, str]:
        before = aws.log.counts().get(operation, 0)
        ended = command("check", (), *how)
        return aws.log.counts().get(operation, 0) - before, ended.stdout

    count, told = asked("ListTagsForResource", acme("include: {tags: {team: [nobody]}}"), f"--account={GOOD}")
    assert count == 1
    assert "no_accounts" not in told, "nothing is known of the others"
    assert asked("ListTagsForResource", acme("tags: [team]", FEW))[0] == 1, "one account may stand for all"
    count, told = asked("DescribeCommunications", "accounts: [{id: '999999999999', use_own_credentials: true}]")
    assert count == 1
    assert "DescribeCommunications:" not in told, "who has no case may read it: that there is no such case is an answer"


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
    rest = acme(f"exclude: {{accounts: ['{DENIED}', '{TRAPPED}', '{NO_PLAN}'], tags: {{team: [x]}}}}")
    path, asked = write_config(tmp_path, (), rest), aws.log.counts().get("ListTagsForResource", 0)
    code, shown, page = in_terminal(["once", f"--config.file={path}"], aws.environment(), redirect_stdout=True)
    assert code == 0
    assert "Discovering accounts, reading tags" in shown
    assert aws.log.counts()["ListTagsForResource"] - asked == 3, "tags that select are waited for"
    assert "Polling accounts" in shown
    lines = re.split(r"\r|\n", re.sub(r"\x1b\[[0-9;]*m", "", shown))
    logged = [line for line in lines if "ts=" in line]
    assert len(logged) == 2
    assert all(re.sub(r"\x1b\[[0-9?]*[A-Za-z]", "", line).startswith("ts=") for line in logged)
    assert Page(page).up() == {"999999999999": 1, GOOD: 1, NO_TRUST: 0}


def test_check_ends_soon_when_aws_is_out_of_reach(command: RunCommand) -> None:
    started = time.monotonic()
    ended = command("check", (GOOD, NO_PLAN), "", fault=Fault(ConnectionReset()))
    assert ended.returncode == 1
    assert "2 accounts (111111111111, 222222222222): unreachable" in ended.stdout
    assert time.monotonic() - started < 10


def test_once_prints_one_page_that_promtool_accepts_and_logs_what_is_odd(command: RunCommand, promtool: Promtool) -> None:
    ended = command("once", ALL, REGIONS)
    assert ended.returncode == 0, "the page itself says which accounts failed"
    assert promtool.check_metrics(ended.stdout) == ""
    shown = Page(ended.stdout)
    assert shown.up() == dict.fromkeys(ALL, 0.0) | {GOOD: 1}
    assert shown.open_cases() == {GOOD: 3}
    assert shown.values("aws_support_accounts", state="pending") == [0]
    assert all(name.startswith("aws_support_") for name, _, _ in shown.samples), "nothing of its own process"
    line = 'event="regions share a Support endpoint" regions="eu-central-1, us-east-1, eu-west-1" endpoints='
    assert line in ended.stderr
    assert all(each.startswith("ts=") for each in ended.stderr.splitlines()), "no progress is shown"


def test_check_takes_nothing_from_a_queue_and_shards_take_none_in_common(aws: Simulator, command: RunCommand) -> None:
    queue = aws.fleet.send_events()
    try:
        queue.send("{}")
        ended = command("check", (GOOD,), QUEUE)
        assert "✓ sqs: us-east-1, aws, AWS" in ended.stdout
        assert ended.returncode == 0
        assert len(queue.receive()) == 1
    finally:
        aws.fleet.events = None
    ended = command("check", (GOOD,), QUEUE, "--shard.index=1", "--shard.total=2")
    assert ended.returncode == 2
    assert "events.queue_url: is one queue for all shards: add {shard} to its name" in ended.stderr
