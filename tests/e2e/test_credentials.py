"""Credentials never cross accounts, over renewals, fail-overs, retries and reloads: asserted on the page and on the wire."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import ConnectionReset, Error, Throttled
from exporter.simulator.server import Simulator
from tests.support.page import Page
from tests.support.process import ExporterProcess
from tests.support.waiting import wait_until

ACCOUNTS = 60
ROUNDS = 6
CASES = 2
HOME, OTHER = "us-east-1", "us-west-2"
REQUESTS_A_ROUND = 40
PASSING = {"unreachable", "server_error", "throttled", "timeout"}  # reasons that are not for want of the right credentials


def configuration(fleet: Fleet, rng: random.Random, number: int) -> str:
    """Return one of many configurations: other accounts, other ways to their credentials, other regions."""
    hub, *accounts = fleet.accounts
    entries = []
    for account in rng.sample(accounts, rng.randrange(ACCOUNTS // 2, ACCOUNTS + 1)):
        chain = f", role_chain: ['{hub.role_arn('Hub')}', '{account.role_arn()}']" if rng.random() < 0.5 else ""
        entries.append(f"\n- {{id: '{account.account_id}', name: n{rng.randrange(3)}{chain}}}")
    return (
        "poll: {interval: 10s, timeout: 8s, concurrency: 64}\nmetrics: {cases: {enabled: true}}\n"
        f"aws: {{role_name: AwsSupportExporter, session_name: round-{number}, "
        f"regions: [{', '.join(rng.sample((HOME, OTHER), 2))}]}}\n"
        f"accounts: {''.join(entries)}\n"
    )


def assert_nothing_crossed(page: Page, fleet: Fleet) -> None:
    """Check that each case is shown under its own account, and no poll failed for its credentials."""
    owners = {case.display_id: case.account_id for account in fleet.accounts for case in account.cases}
    shown = [labels for name, labels, _ in page.samples if name == "aws_support_case_info"]
    assert [labels for labels in shown if owners[labels["display_id"]] != labels["account_id"]] == []
    assert {reason for account_id in page.up() for reason in page.reasons(account_id)} <= PASSING


@pytest.mark.timeout(120)
def test_credentials_never_cross_over_renewals_fail_overs_retries_and_reloads(tmp_path: Path) -> None:
    fleet, rng = Fleet.empty(time.time), random.Random(3)  # noqa: S311 - configurations that can be had again
    fleet.add_account().add_role("Hub")
    for _ in range(ACCOUNTS):
        account = fleet.add_account()
        for _ in range(CASES):
            case = account.add_case()
        for _ in range(7):  # more than come with a case: they are looked up
            case.add_communication(submitted_by="Customer")
    config = tmp_path / "config.yaml"
    config.write_text(configuration(fleet, rng, 0))
    with (
        Simulator(fleet, throttle=False, latency_seconds=0.02) as simulator,
        ExporterProcess([f"--config.file={config}"], simulator.environment()) as exporter,
    ):
        faults = [
            simulator.faults.add(Fault(ConnectionReset(), region=HOME, probability=0.1)),
            simulator.faults.add(Fault(Error(500, "InternalServerError"), probability=0.05)),
            simulator.faults.add(Fault(Throttled(), "DescribeCases", probability=0.05)),
            simulator.faults.add(Fault(Throttled(), "AssumeRole", probability=0.05)),
        ]

        def read() -> int:
            return simulator.log.counts().get("DescribeCases", 0)

        for number in range(1, ROUNDS + 1):
            enough = read() + REQUESTS_A_ROUND
            wait_until(lambda: read() > enough or None, 20, lambda: f"nothing is read\n{exporter.stderr[-2000:]}")  # noqa: B023 - now
            assert_nothing_crossed(Page(exporter.get().text), fleet)
            if number == ROUNDS // 2:  # once: twice within one poll is a failure to tell
                simulator.expire_sessions()
            # While the others are still being read:
            config.write_text(configuration(fleet, rng, number))
            os.kill(exporter.pid, signal.SIGHUP)
        hits = [fault.hits for fault in faults]
        simulator.faults.clear()

        def all_are_read(text: str) -> bool:
            page = Page(text)
            return bool(page.up()) and page.open_cases() == dict.fromkeys(page.up(), CASES) and 0 not in page.up().values()

        assert_nothing_crossed(Page(exporter.wait_for(all_are_read, 40)), fleet)
        records = simulator.log.records("DescribeCases")

    assert min(hits) > 0
    assert {record.region for record in records} == {HOME, OTHER}
    assert len({record.access_key_id for record in records}) > 3 * ACCOUNTS, "credentials were renewed all the time"
