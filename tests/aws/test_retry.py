"""How much one poll asks for at most, how long it pauses, and whom an endpoint that is down is spared."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise

import pytest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from exporter.aws.errors import Remedy, RequestFailure
from exporter.aws.retry import Caller, CircuitBreaker, Retries, time_limit
from exporter.cases.model import Reason
from tests.support.clock import FakeClock
from tests.support.credentials import OwnCredentials

THROTTLED = RequestFailure(Reason.THROTTLED, "x")
UNREACHABLE = RequestFailure(Reason.UNREACHABLE, "x")
CIRCUIT_OPEN = RequestFailure(Reason.UNREACHABLE, "x", Remedy.OTHER_ENDPOINT)
NO_STS = RequestFailure(Reason.UNREACHABLE, "x", Remedy.NEXT_ROUND)
EXPIRED = RequestFailure(Reason.CREDENTIALS, "x", Remedy.NEW_CREDENTIALS)
DENIED = RequestFailure(Reason.ACCESS_DENIED, "x")
Outcomes = Sequence[RequestFailure | None]


class Clock(FakeClock):
    """A clock that keeps how long somebody slept."""

    def __init__(self) -> None:
        super().__init__()
        self.slept = list[float]()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


async def tried(outcomes: Outcomes, endpoints: str = "a", attempts: int = 4, fraction: float = 0.0) -> tuple[str, list[float]]:
    """Return at which endpoints a request was made that ended so, the last for ever, and the pauses."""
    left, asked, clock = list(outcomes), "", Clock()

    async def request(endpoint: str, _: Credentials) -> None:
        nonlocal asked
        asked += endpoint
        failure = left.pop(0) if len(left) > 1 else left[0]
        if failure is not None:
            raise RequestFailure(failure.reason, failure.detail, failure.remedy)

    retries = Retries(endpoints, OwnCredentials(), Caller("1"), clock, lambda: fraction, attempts, rounds=3)
    with suppress(RequestFailure):
        await retries.call(request)
    return asked, clock.slept


@given(st.lists(st.sampled_from([THROTTLED, UNREACHABLE, EXPIRED, CIRCUIT_OPEN, NO_STS, DENIED]), min_size=1, max_size=40))
def test_no_poll_makes_more_requests_for_a_page_than_its_policy_allows(failures: list[RequestFailure]) -> None:
    # Two endpoints in three rounds, three retries after pauses, one with new credentials.
    assert len(asyncio.run(tried(failures, "ab"))[0]) <= 6 + 3 + 1


@pytest.mark.parametrize(
    ("outcomes", "endpoints", "fraction", "pauses"),
    [
        ([THROTTLED], "a", 1.0, [0.5, 1, 2, 4, 5, 5, 5]),
        ([UNREACHABLE], "a", 0.5, [0.25, 0.5]),
        ([UNREACHABLE, None], "ab", 1.0, []),
    ],
    ids=["from half a second to five", "drawn", "none before the next endpoint"],
)
async def test_pauses_double_and_are_drawn(outcomes: Outcomes, endpoints: str, fraction: float, pauses: list[float]) -> None:
    assert (await tried(outcomes, endpoints, attempts=8, fraction=fraction))[1] == pauses


@pytest.mark.parametrize(
    ("outcomes", "reason"),
    [([THROTTLED], Reason.THROTTLED), ([UNREACHABLE], Reason.UNREACHABLE), ([THROTTLED, None], Reason.TIMEOUT)],
    ids=["in a retry", "at the next endpoint", "after a retry that helped"],
)
async def test_a_retry_that_runs_out_of_time_does_not_hide_what_was_retried(outcomes: Outcomes, reason: Reason) -> None:
    left = list(outcomes)

    async def request(_: str, __: Credentials) -> None:
        if not left:
            await asyncio.Event().wait()
        if failure := left.pop(0):
            raise RequestFailure(failure.reason, failure.detail)

    async def poll() -> None:
        async with time_limit("1", asyncio.get_running_loop().time() + 0.05) as caller:
            retries = Retries("ab", OwnCredentials(), caller, FakeClock(), lambda: 0.0, 4, 3)
            while True:
                await retries.call(request)

    with pytest.raises(RequestFailure) as raised:
        await poll()
    assert raised.value.reason is reason


def fail(circuit: CircuitBreaker, subjects: int) -> None:
    for number in range(subjects):
        circuit.failed(f"account-{number}")


def test_three_accounts_are_enough_where_they_fail_for_a_second_and_two_never() -> None:
    clock = FakeClock()
    three, two = CircuitBreaker(clock.monotonic), CircuitBreaker(clock.monotonic)
    for seconds in (0.0, 0.9, 0.1):
        assert three.admits()
        clock.advance(seconds)
        fail(three, 3)
        fail(two, 2)
    assert (three.admits(), two.admits()) == (False, True)


def test_one_probe_at_a_time_is_let_through_and_they_become_rarer_from_two_seconds_to_ten() -> None:
    clock = FakeClock()
    circuit = CircuitBreaker(clock.monotonic)
    fail(circuit, 8)
    probes: list[float] = [0.0]
    while len(probes) < 6:
        if circuit.admits():
            assert not circuit.admits()
            probes.append(clock.monotonic())
            circuit.failed("account-0")
        clock.advance(0.5)
    assert [later - earlier for earlier, later in pairwise(probes)] == [2, 2, 4, 8, 10]
