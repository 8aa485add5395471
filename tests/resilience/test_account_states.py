"""Trust, sessions, credentials and plans that are lost and come back."""

import pytest
from aiohttp import web

from exporter.simulator.errors import ApiError
from exporter.simulator.exchange import Exchange
from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import Error
from exporter.simulator.server import Simulator
from tests.resilience.conftest import MANAGEMENT, StartRig
from tests.support.agent import TOKEN, Agent, credentials

A, B = "111111111111", "222222222222"
MINUTE, HOUR = 60.0, 3600.0
INTERVAL, QUARTER = 330.0, 1200.0
HUB = f"arn:aws:iam::{MANAGEMENT}:role/Hub"
CHAINED = f"accounts: [{{id: '{A}', role_chain: ['{HUB}', 'arn:aws:iam::{A}:role/AwsSupportExporter']}}]"
DENY = "User: jane is not authorized to perform: x:y with an explicit deny in an identity-based policy"


@pytest.fixture(autouse=True)
def _accounts(fleet: Fleet) -> None:
    for account_id in (A, B):
        fleet.add_account(account_id=account_id).add_case()
    fleet.management_account.add_role("Hub")


def test_a_role_that_loses_its_trust_is_told_once_its_credentials_expire_and_read_when_it_is_back(
    fleet: Fleet, rig: StartRig
) -> None:
    running = rig(A, B)
    running.round()
    fleet.account(A).trusts = False
    assert running.after(10 * MINUTE).up() == {A: 1, B: 1}
    page = running.after(1 * HOUR)
    assert page.up() == {A: 0, B: 1}
    assert page.reasons(A) == {"assume_role_denied": 1}
    assert page.open_cases() == {B: 1}, "cases of an hour ago are too old to be shown"
    fleet.account(A).trusts = True
    page = running.after(17 * MINUTE)
    assert (page.up(), page.open_cases()) == ({A: 1, B: 1}, {A: 1, B: 1})


def test_credentials_are_renewed_before_they_expire(simulator: Simulator, rig: StartRig) -> None:
    running = rig(A, poll="interval: 4m", aws="session_duration: 15m")
    for _ in range(15):
        page = running.after(4 * MINUTE)
    assert simulator.log.counts()["AssumeRole"] == 5
    assert page.reasons(A) == {}
    assert {record.status for record in simulator.log.records("DescribeCases")} == {200}


def test_an_account_that_loses_its_plan_shows_that_and_no_counts_until_it_has_one_again(fleet: Fleet, rig: StartRig) -> None:
    running = rig(A, B)
    running.round()
    fleet.account(A).supported = False
    page = running.after(10 * MINUTE)
    assert page.values("aws_support_account_supported", account_id=A) == [0]
    assert page.reasons(A) == {"subscription_required": 1}
    assert page.open_cases() == {B: 1}
    assert page.values("aws_support_open_cases", account_id=A) == []
    assert page.values("aws_support_accounts", state="unsupported") == [1]
    assert page.values("aws_support_accounts", state="failing") == [0]
    fleet.account(A).supported = True
    page = running.after(17 * MINUTE)
    assert page.values("aws_support_account_supported", account_id=A) == [1]
    assert (page.up(), page.open_cases()) == ({A: 1, B: 1}, {A: 1, B: 1})


def revoke(simulator: Simulator, error: ApiError) -> None:
    """Let AWS refuse every session that was issued before."""
    revoked = {record.access_key_id for record in simulator.log.records() if record.access_key_id.startswith("ASIA")}
    simulator.log.clear()

    async def answer(exchange: Exchange) -> web.StreamResponse:
        answered = exchange.refuse(error) if exchange.asked.access_key_id in revoked else exchange.serve()
        return answered.response()

    simulator.faults.add(Fault(answer))


@pytest.mark.parametrize(
    ("rest", "roles", "error"),
    [
        (f"accounts: [{{id: '{A}'}}]", 1, ApiError("AccessDeniedException", DENY, 403)),
        (CHAINED, 2, ApiError("ExpiredToken", "The security token included in the request is expired", 400)),
    ],
    ids=["role", "chain"],
)
def test_a_revoked_session_costs_no_reading(
    rest: str, roles: int, error: ApiError, simulator: Simulator, rig: StartRig
) -> None:
    running = rig(rest=rest)
    running.round()
    revoke(simulator, error)
    page = running.after(INTERVAL)
    assert (page.up(), page.reasons(A)) == ({A: 1}, {})
    refused = roles  # each role's session once
    assert simulator.log.counts() == {"DescribeCases": 2, "AssumeRole": roles + refused - 1}


def test_a_session_that_is_refused_when_it_is_new_is_refused_and_tried_anew_once_a_poll(
    simulator: Simulator, rig: StartRig
) -> None:
    running = rig(A)
    running.round()
    simulator.log.clear()
    simulator.faults.add(Fault(Error(403, "AccessDeniedException", DENY), "DescribeCases"))
    page = running.after(INTERVAL)
    assert (page.up(), page.reasons(A)) == ({A: 0}, {"access_denied": 1})
    assert simulator.log.counts() == {"DescribeCases": 2, "AssumeRole": 1}
    simulator.log.clear()
    running.after(QUARTER)
    assert simulator.log.counts() == {"DescribeCases": 2, "AssumeRole": 1}


def test_own_credentials_that_were_revoked_are_looked_for_anew(
    simulator: Simulator, fleet: Fleet, rig: StartRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def session() -> dict[str, str]:
        return credentials(fleet.keys.issue_session(MANAGEMENT, "arn", "pod", fleet.clock() + 1e6))

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    with Agent(session) as agent:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", agent.url)
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", TOKEN)
        running = rig(A, aws="session_duration: 15m")
        assert running.round().up() == {A: 1}
        revoke(simulator, ApiError("InvalidClientTokenId", "", 403))
        assert running.after(3 * INTERVAL).up() == {A: 1}
        assert agent.asked == 2
