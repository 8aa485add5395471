"""Credentials never cross accounts over hours of renewals, fail-overs, retries and reloads: asserted on the wire."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import ConnectionReset, Error, Throttled
from exporter.simulator.server import Simulator
from tests.support.clock import FakeClock
from tests.support.page import Page
from tests.support.rig import FakeRig

ACCOUNTS = 80
THREADS = 24
ROUNDS = 8
HOME, OTHER = "us-east-1", "us-west-2"
MANY = 7
"""More communications than come with a case: they are looked up."""
PASSING = {"unreachable", "server_error", "throttled", "timeout"}
"""Why a poll may fail here: never for want of the right credentials."""
LONGER_THAN_A_SESSION = 20 * 60.0


def fill(fleet: Fleet) -> None:
    fleet.add_account().add_role("Hub")
    for _ in range(ACCOUNTS):
        account = fleet.add_account()
        for number in range(2):
            case = account.add_case()
            for _ in range(MANY * number):
                case.add_communication(submitted_by="Customer")


def configuration(fleet: Fleet, rng: random.Random) -> str:
    """Return one of many configurations: other accounts, other ways to their credentials, other regions."""
    hub, *accounts = fleet.accounts
    entries = []
    for account in rng.sample(accounts, rng.randrange(ACCOUNTS // 2, ACCOUNTS + 1)):
        chain = f", role_chain: ['{hub.role_arn('Hub')}', '{account.role_arn()}']" if rng.random() < 0.5 else ""
        entries.append(f"\n- {{id: '{account.account_id}', name: n{rng.randrange(3)}{chain}}}")
    return (
        "poll: {interval: 5m, timeout: 10m}\nmetrics: {cases: {enabled: true}}\n"
        f"aws: {{role_name: AwsSupportExporter, session_name: s{rng.randrange(2)}0, session_duration: 15m, "
        f"regions: [{', '.join(rng.sample((HOME, OTHER), 2))}]}}\n"
        f"accounts: {''.join(entries)}\n"
    )


def foreign_cases(page: Page, fleet: Fleet) -> list[str]:
    """Return the cases that a page shows under another account than their own."""
    owners = {case.display_id: case.account_id for account in fleet.accounts for case in account.cases}
    return [
        f"{labels['display_id']} of {owners[labels['display_id']]} is shown for {labels['account_id']}"
        for name, labels, _ in page.samples
        if name == "aws_support_case_info" and owners[labels["display_id"]] != labels["account_id"]
    ]


def test_credentials_never_cross_over_renewal_fail_over_retries_and_reloads(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    fleet = Fleet.empty(clock.true_time)
    fill(fleet)
    rng = random.Random(3)  # noqa: S311 - configurations that can be had again
    with Simulator(fleet, throttle=False) as simulator, ThreadPoolExecutor(THREADS) as pool:
        for name, value in simulator.environment().items():
            monkeypatch.setenv(name, value)
        faults = [
            simulator.faults.add(Fault(ConnectionReset(), region=HOME, probability=0.1)),
            simulator.faults.add(Fault(Error(500, "InternalServerError"), probability=0.05)),
            simulator.faults.add(Fault(Throttled(), "DescribeCases", probability=0.05)),
            simulator.faults.add(Fault(Throttled(), "AssumeRole", probability=0.05)),
        ]
        rig = FakeRig(configuration(fleet, rng), clock, random=lambda: 0.1)
        for number in range(ROUNDS):
            due = list(iter(rig.roster.take, None))
            polls = [pool.submit(rig.poller.poll, target) for target in due]
            polls[len(polls) // 2].result()
            # While half of them are still being read:
            rig.apply(configuration(fleet, rng))
            for poll in polls:
                poll.result()
            page = rig.round(THREADS)
            assert foreign_cases(page, fleet) == []
            reasons = {reason for account_id in page.up() for reason in page.reasons(account_id)}
            assert reasons <= PASSING, f"round {number}"
            if number % 2:
                simulator.expire_sessions()
            clock.advance(LONGER_THAN_A_SESSION if number % 3 else 400)
        hits = [fault.hits for fault in faults]
        simulator.faults.clear()
        rig.round(THREADS)
        page = rig.after(LONGER_THAN_A_SESSION)
        records = simulator.log.records()

    assert set(page.up().values()) == {1.0}
    assert page.open_cases() == dict.fromkeys(page.up(), 2.0)
    assert foreign_cases(page, fleet) == []
    assert min(hits) > 0
    assert {record.region for record in records if record.operation == "DescribeCases"} == {HOME, OTHER}
    looked_up = [record for record in records if record.operation == "DescribeCommunications"]
    assert {record.status for record in looked_up} <= {0, 200, 500}, "nobody asked for a case with another's credentials"
    keys = {record.access_key_id: record.account_id for record in records if record.operation == "DescribeCases"}
    assert len(keys) > 3 * ACCOUNTS, "credentials were renewed all the time"
