"""Sessions that AWS no longer takes are replaced, and those that are too long for a role are cut."""

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

A = "111111111111"
ROLE = f"arn:aws:iam::{A}:role/AwsSupportExporter"
HUB = f"arn:aws:iam::{MANAGEMENT}:role/Hub"
CHAINED = f"accounts: [{{id: '{A}', role_chain: ['{HUB}', '{ROLE}']}}]"
DENY = "User: jane is not authorized to perform: x:y with an explicit deny in an identity-based policy"
INTERVAL, QUARTER = 330.0, 1200.0


@pytest.fixture(autouse=True)
def _accounts(fleet: Fleet) -> None:
    fleet.add_account(account_id=A).add_case()
    fleet.management_account.add_role("Hub")


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
