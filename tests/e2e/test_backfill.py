"""What was before the exporter, as a real Prometheus shows it."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import Error, Silence
from exporter.simulator.server import Simulator
from tests.e2e.conftest import StartExporter
from tests.support.fetch import free_port
from tests.support.process import run_exporter
from tests.support.prometheus import RECORDING, PrometheusServer, Promtool
from tests.support.waiting import wait_until

DAY, HOUR = 86400, 3600
CONFIG = "{aws: {role_name: AwsSupportExporter}, organizations: [{name: acme}], poll: {interval: 10s}}"
OPEN = "sum by (account_id, severity_code) (aws_support_account_open_cases)"


@dataclass
class Past:
    """A fleet whose clock was moved through the past, what it held at some moments, and files made of what AWS tells of it."""

    simulator: Simulator
    address: str  # of the exporter that goes on where the past ends
    files: Path
    held: dict[int, Counter[tuple[str, str]]]
    opened: int  # cases, from the first of the moments to now

    def open_cases(self) -> Counter[tuple[str, str]]:
        return Counter((case.account_id, case.severity_code) for case in self.simulator.fleet.open_cases())


@contextmanager
def backfilled(folder: Path, days: int, accounts: int, cases: float, step: int) -> Iterator[Past]:
    end = int(time.time()) // step * step
    begin = end - days * DAY
    clock = [float(begin - DAY)]
    fleet = Fleet.living(lambda: clock[0] or time.time(), accounts=accounts, cases=cases, dated=True)
    with Simulator(fleet) as simulator:
        past = Past(simulator, f"127.0.0.1:{free_port()}", folder / "out", {}, 0)
        moments = random.Random(0).sample(range(begin, end, step), 50)  # noqa: S311 - moments, not secrets
        for moment in (begin, *sorted(moments)):
            clock[0] = moment
            fleet.advance(moment)
            past.held[moment] = past.open_cases()
        clock[0] = 0
        fleet.advance(time.time())
        fleet.life = None
        past.opened = sum(case.created_at > begin for account in fleet.accounts for case in account.cases)
        (folder / "config.yaml").write_text(CONFIG)
        flags = (f"--config.file={folder}/config.yaml", f"--output={past.files}", f"--since={int(time.time()) - begin}s")
        labels = ("--label=job=aws-support-exporter", f"--label=instance={past.address}")
        ended = run_exporter([*flags, f"--step={step}s", *labels, "backfill"], simulator.environment(), timeout_seconds=600)
        assert ended.returncode == 0, ended.stderr
        yield past


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    with backfilled(tmp_path_factory.mktemp("month"), days=30, accounts=6, cases=1.0, step=HOUR) as past:
        yield past


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    with backfilled(tmp_path_factory.mktemp("year"), days=365, accounts=200, cases=0.3, step=DAY) as past:
        yield past


def counted(server: PrometheusServer, moment: float) -> Counter[tuple[str, str]]:
    samples = server.api("query", query=OPEN, time=str(moment))["result"]
    found = ((sample["metric"], float(sample["value"][1])) for sample in samples)
    return Counter({(labels["account_id"], labels["severity_code"]): int(value) for labels, value in found if value})


def recorded_otherwise(server: PrometheusServer, end: float) -> list[str]:
    """Return what recording rules make of the backfilled counters that is not what was backfilled, over four weeks."""
    full_hour = end // HOUR * HOUR
    hours = {"start": str(full_hour - 28 * DAY), "end": str(full_hour), "step": str(HOUR)}

    def found(expr: str) -> list[Any]:
        series = server.api("query_range", query=expr, **hours)["result"]
        return sorted((sorted((each["metric"] | {"__name__": ""}).items()), each["values"]) for each in series)

    rules = [rule for group in yaml.safe_load(RECORDING.read_text())["groups"] for rule in group["rules"]]
    known = [
        rule
        for rule in rules
        if re.match("account.*:aws_support_(cases_opened|cases_resolved|first_responses):", rule["record"])
    ]
    assert len(known) == 3
    return [rule["record"] for rule in known if not found(rule["record"]) == found(rule["expr"]) != []]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("span", ["month", pytest.param("year", marks=pytest.mark.slow)])
def test_the_past_is_what_aws_held_and_counters_go_on(
    span: str,
    prometheus_binary: Path,
    promtool: Promtool,
    start: StartExporter,
    *,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    past: Past = request.getfixturevalue(span)
    for file in sorted(past.files.glob("*.om")):
        command = ["tsdb", "create-blocks-from", "--max-block-duration=486h", "openmetrics"]
        subprocess.run([promtool.binary, *command, file, tmp_path / "data"], check=True, capture_output=True)
    url, opened = f"http://{past.address}/metrics", "sum(aws_support_cases_opened_total)"
    with PrometheusServer(prometheus_binary, url, tmp_path, flags=["--storage.tsdb.retention.time=10y"]) as server:
        for moment, held in past.held.items():
            assert counted(server, moment) == held, f"at {moment}"
        if span == "month":
            assert recorded_otherwise(server, max(past.held)) == []
        start(CONFIG, past.simulator.environment(), f"--web.listen-address={past.address}").first_page()
        server.wait_for(opened, lambda found: found == [({}, 0.0)])
        for account in past.simulator.fleet.accounts[:3]:
            account.add_case()
        server.wait_for(opened, lambda found: found == [({}, 3.0)], 40)
        assert counted(server, time.time()) == past.open_cases()
        window = int(time.time()) - min(past.held) + 10
        ((_, increase),) = server.query(f"sum(increase(aws_support_cases_opened_total[{window}s]))")
        assert increase == pytest.approx(past.opened + 3, rel=0.02)


A, B, C, D = (str(number) * 12 for number in range(1, 5))
SECRETS = ("secret subject", "secret body", "someone@example.com")
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def held(simulator: Simulator) -> Fleet:
    """Return a fleet of three accounts: one has more cases than a page holds, one a case with more than five communications."""
    for account_id, count in ((A, 120), (B, 3), (C, 1)):
        account = simulator.fleet.add_account(account_id=account_id)
        for number in range(count):
            at = time.time() - 20 * DAY + number * HOUR
            case = account.add_case(
                created_at=at, body="secret body", subject="secret subject", submitted_by="someone@example.com"
            )
            for index in range(8 if account_id == B else 2):
                case.add_communication("secret body", created_at=at + HOUR * (index + 1))
            case.resolve()
    return simulator.fleet


@pytest.fixture
def run(held: Fleet, simulator: Simulator, tmp_path: Path) -> Run:
    accounts = ", ".join(f"{{id: '{account.account_id}'}}" for account in held.accounts[1:])
    (tmp_path / "config.yaml").write_text(f"{{aws: {{role_name: AwsSupportExporter}}, accounts: [{accounts}]}}")
    until = f"--until={datetime.fromtimestamp(time.time() - HOUR, UTC).isoformat()}"

    def run(*flags: str, output: str = "out") -> subprocess.CompletedProcess[str]:
        every = (f"--config.file={tmp_path}/config.yaml", "--since=30d", until, f"--output={tmp_path}/{output}")
        return run_exporter([*every, *flags, "backfill"], simulator.environment())

    return run


def files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.glob("*.om")}


def test_an_account_that_fails_is_named_the_rest_is_written_and_the_next_run_reads_what_is_left(
    simulator: Simulator, run: Run, tmp_path: Path
) -> None:
    handle = simulator.faults.add(Fault(Error(400, "AccessDeniedException"), operation="DescribeCases", account_id=A))
    failed = run()
    assert failed.returncode == 1
    (line,) = [line for line in failed.stderr.splitlines() if "level=error" in line]
    assert f"names={A} reason=access_denied" in line
    before = files(tmp_path / "out")
    assert before
    assert all(A.encode() not in text and B.encode() in text for text in before.values())
    handle.remove()
    simulator.log.clear()
    assert run().returncode == 0
    assert {record.account_id for record in simulator.log.records("DescribeCases")} == {A}
    assert run(output="at once").returncode == 0
    assert files(tmp_path / "out") == files(tmp_path / "at once") != before


@pytest.mark.parametrize(
    "number", [*(pytest.param(n, marks=pytest.mark.slow) for n in (signal.SIGINT, signal.SIGTERM)), signal.SIGKILL]
)
def test_what_is_whole_when_it_is_ended_is_not_read_again(
    simulator: Simulator, run: Run, tmp_path: Path, number: signal.Signals
) -> None:
    hanging = simulator.faults.add(Fault(Silence(), operation="DescribeCases", account_id=A))
    flags = (f"--config.file={tmp_path}/config.yaml", f"--output={tmp_path}/out", "backfill")
    process = subprocess.Popen([sys.executable, "-m", "exporter", *flags], env=os.environ | simulator.environment())
    accounts = tmp_path / "out/accounts"
    wait_until(lambda: ((accounts / B).exists() and (accounts / C).exists()) or None, 30, lambda: "B and C were not read")
    process.send_signal(number)
    assert process.wait(10) == (-number if number is signal.SIGKILL else 128 + number)
    assert {path.name for path in tmp_path.glob("out/**/*") if path.is_file()} == {"begun", B, C}
    hanging.remove()
    simulator.log.clear()
    assert run().returncode == 0
    assert {record.account_id for record in simulator.log.records("DescribeCases")} == {A}


def test_communications_beyond_five_are_looked_up_unless_they_are_not_wanted_and_no_text_is_kept(
    simulator: Simulator, run: Run, tmp_path: Path
) -> None:
    ended = run()
    assert len(simulator.log.records("DescribeCommunications")) == 3
    simulator.log.clear()
    assert run("--no-communications", output="without").returncode == 0
    assert simulator.log.records("DescribeCommunications") == []
    whole, without = (b"".join(files(tmp_path / name).values()) for name in ("out", "without"))
    for name in ("first_response_seconds_count", "first_responses_total", "reply_seconds_count"):
        assert (f"\naws_support_{name}{{".encode() in whole, f"\naws_support_{name}{{".encode() in without) == (True, False)
    texts = [ended.stdout, ended.stderr, *(path.read_text() for path in tmp_path.glob("out/**/*") if path.is_file())]
    assert [text for text in texts if any(secret in text for secret in SECRETS)] == []


def test_an_account_gets_five_requests_a_second_at_most(held: Fleet, simulator: Simulator, run: Run) -> None:
    for case in held.account(A).cases[:12]:
        for _ in range(6):
            case.add_communication()
    ended = run(f"--account={A}")
    assert ended.returncode == 0, ended.stderr
    records = [record for record in simulator.log.records() if record.operation.startswith("DescribeC")]
    times = [record.time for record in records]
    assert len(times) == 2 + 12
    assert max(sum(start <= at < start + 1 for at in times) for start in times) == 5
    assert {(record.account_id, record.status) for record in records} == {(A, 200)}


def test_which_accounts_are_read(held: Fleet, simulator: Simulator, run: Run, tmp_path: Path) -> None:
    ended = run(f"--account={B}", f"--account={D}")
    assert ended.returncode == 1
    assert f'account or organization not found" name={D}' in ended.stderr
    assert {record.account_id for record in simulator.log.records("DescribeCases")} == {B}
    assert run("--organization=none", output="none").returncode == 1
    assert files(tmp_path / "none") == {}
    held.account(C).supported = False
    ended = run(f"--account={C}")
    assert ended.returncode == 0, "without a plan an account has no past, and that is no failure"
    assert f"names={C} reason=subscription_required" in ended.stderr


def test_its_own_files_that_cannot_be_used_are_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = run(output="file")
    assert ended.returncode == 1
    assert f"{tmp_path}/file/accounts: Not a directory" in ended.stderr.splitlines()
    assert run().returncode == 0
    damaged = tmp_path / "out/accounts" / B
    for content in ('[[1.5, ["opened"', '[[NaN, ["opened", "low", "customer"]]]', "[[1, []]]", '[[1, ["closed", "low"], 2]]'):
        damaged.write_text(content)
        ended = run()
        assert ended.returncode == 1
        assert f"{damaged}: damaged: delete it, and run the command again" in ended.stderr.splitlines(), content


def test_a_link_is_not_followed_and_what_is_known_of_an_account_is_the_users_own(run: Run, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("a file")
    (tmp_path / "out/accounts").mkdir(parents=True)
    month = datetime.fromtimestamp(time.time() - 2 * HOUR, UTC)
    links = [tmp_path / "out" / name for name in (f"accounts/{B}.part", f"aws-support-{month:%Y-%m}.part")]
    for link in links:
        link.symlink_to(tmp_path / "precious")
    assert run().returncode == 0
    assert (tmp_path / "precious").read_text() == "a file"
    assert {(tmp_path / "out/accounts" / name).stat().st_mode & 0o777 for name in (A, B, C)} == {0o600}
    assert [link for link in links if link.is_symlink()] == []
