"""How often what is tried again, with literal numbers: how many requests one poll can make."""

import asyncio
from collections.abc import Sequence

import pytest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from exporter.aws.errors import Remedy, RequestFailure
from exporter.aws.retry import Caller, CircuitBreaker, Retries, time_limit
from exporter.cases.model import Reason
from tests.aws.conftest import FakeClock

THROTTLED = RequestFailure(Reason.THROTTLED, "x")
UNREACHABLE = RequestFailure(Reason.UNREACHABLE, "x")
CIRCUIT_OPEN = RequestFailure(Reason.UNREACHABLE, "x", Remedy.OTHER_ENDPOINT)
NO_STS = RequestFailure(Reason.UNREACHABLE, "x", Remedy.NEXT_ROUND)
EXPIRED = RequestFailure(Reason.CREDENTIALS, "x", Remedy.NEW_CREDENTIALS)
DENIED = RequestFailure(Reason.ACCESS_DENIED, "x")
LOOP = RequestFailure(Reason.MALFORMED, "x", Remedy.NONE)


class Own:
    async def get(self, _: Caller) -> Credentials:
        return Credentials("id", "key")

    def forget(self, refused: Credentials) -> None:
        pass


def tried(
    failures: Sequence[RequestFailure | None],
    *,
    endpoints: str = "a",
    attempts: int = 4,
    clock: FakeClock | None = None,
    fraction: float = 0.0,
) -> str:
    """Return at which endpoints a request was made that failed so, the last failure for ever; `!` where it failed for good."""
    left, asked = list(failures), ""

    async def request(endpoint: str, _: Credentials) -> None:
        nonlocal asked
        asked += endpoint
        failure = left.pop(0) if len(left) > 1 else left[0]
        if failure is not None:
            raise RequestFailure(failure.reason, failure.detail, failure.remedy)

    async def run() -> None:
        retries = Retries(endpoints, Own(), Caller("1"), clock or FakeClock(), lambda: fraction, attempts, rounds=3)
        await retries.call(request)

    try:
        asyncio.run(run())
    except RequestFailure:
        return f"{asked}!"
    return asked


@pytest.mark.parametrize(
    ("failures", "endpoints", "expected"),
    [
        ([None], "ab", "a"),
        ([DENIED], "ab", "a!"),
        ([LOOP], "ab", "a!"),
        ([THROTTLED], "ab", "aaaa!"),
        ([THROTTLED, THROTTLED, THROTTLED, None], "ab", "aaaa"),
        ([UNREACHABLE], "a", "aaa!"),
        ([UNREACHABLE], "ab", "ababab!"),
        ([UNREACHABLE, None], "ab", "ab"),
        ([UNREACHABLE, DENIED], "ab", "ab!"),
        ([NO_STS], "ab", "aaa!"),
        ([CIRCUIT_OPEN], "ab", "ab!"),
        ([CIRCUIT_OPEN, UNREACHABLE, None], "ab", "aba"),
        ([UNREACHABLE, CIRCUIT_OPEN], "ab", "ab!"),
        ([EXPIRED], "ab", "aa!"),
        ([EXPIRED, None], "ab", "aa"),
        ([EXPIRED, THROTTLED, UNREACHABLE, None], "ab", "aaab"),
    ],
)
def test_what_helps_is_done_and_not_for_ever(failures: list[RequestFailure | None], endpoints: str, expected: str) -> None:
    assert tried(failures, endpoints=endpoints) == expected


def test_pauses_double_from_half_a_second_to_five_and_are_drawn() -> None:
    clock = FakeClock()
    tried([THROTTLED], attempts=8, clock=clock, fraction=1.0)
    assert clock.slept == [0.5, 1, 2, 4, 5, 5, 5]
    clock = FakeClock()
    tried([UNREACHABLE], clock=clock, fraction=0.5)
    assert clock.slept == [0.25, 0.5]


def test_the_next_endpoint_is_asked_without_a_pause() -> None:
    clock = FakeClock()
    tried([UNREACHABLE, None], endpoints="ab", clock=clock, fraction=1.0)
    assert clock.slept == []


def test_a_poll_that_runs_out_of_time_says_what_it_waited_for() -> None:
    async def run() -> None:
        async with time_limit("1", asyncio.get_running_loop().time() + 0.01) as caller:
            caller.waiting_for = "DescribeCases: host"
            await asyncio.Event().wait()

    with pytest.raises(RequestFailure, match=r"^timeout: DescribeCases: host: no answer in time$"):
        asyncio.run(run())


@pytest.mark.parametrize(
    ("outcomes", "reason"),
    [([THROTTLED], Reason.THROTTLED), ([UNREACHABLE], Reason.UNREACHABLE), ([THROTTLED, None], Reason.TIMEOUT)],
    ids=["in a retry", "at the next endpoint", "after a retry that helped"],
)
def test_a_retry_that_runs_out_of_time_does_not_hide_what_was_retried(
    outcomes: list[RequestFailure | None], reason: Reason
) -> None:
    left = list(outcomes)

    async def request(_: str, __: Credentials) -> None:
        if not left:
            await asyncio.Event().wait()
        if failure := left.pop(0):
            raise RequestFailure(failure.reason, failure.detail)

    async def run() -> None:
        async with time_limit("1", asyncio.get_running_loop().time() + 0.05) as caller:
            retries = Retries("ab", Own(), caller, FakeClock(), lambda: 0.0, 4, 3)
            while True:
                await retries.call(request)

    with pytest.raises(RequestFailure) as raised:
        asyncio.run(run())
    assert raised.value.reason is reason


def test_who_cancels_a_poll_gets_no_failure_of_aws() -> None:
    async def run() -> None:
        async def poll() -> None:
            async with time_limit("1", asyncio.get_running_loop().time() + 60):
                await asyncio.Event().wait()

        task = asyncio.create_task(poll())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def circuit(clock: FakeClock) -> CircuitBreaker:
    return CircuitBreaker(clock.monotonic)


def fail(circuit: CircuitBreaker, subjects: int) -> None:
    for number in range(subjects):
        circuit.failed(f"account-{number}")


def test_three_accounts_are_enough_where_they_fail_for_a_second(circuit: CircuitBreaker, clock: FakeClock) -> None:
    fail(circuit, 3)
    clock.now += 0.9
    fail(circuit, 3)
    assert circuit.admits()
    clock.now += 0.1
    fail(circuit, 2)
    assert not circuit.admits()


def test_failures_that_answers_come_between_never_open_a_circuit(circuit: CircuitBreaker, clock: FakeClock) -> None:
    for number in range(100):
        fail(circuit, 3)
        circuit.answered(f"other-{number}")
        clock.now += 1
    assert circuit.admits()


def test_who_fails_while_others_are_answered_is_counted_again_once_it_was_answered(circuit: CircuitBreaker) -> None:
    fail(circuit, 8)
    circuit.answered("other")
    fail(circuit, 8)
    assert circuit.admits()
    for number in range(8):
        circuit.answered(f"account-{number}")
    fail(circuit, 8)
    assert not circuit.admits()


def test_one_probe_at_a_time_is_let_through_and_closes_the_circuit(circuit: CircuitBreaker, clock: FakeClock) -> None:
    fail(circuit, 8)
    clock.now += 2
    assert [circuit.admits(), circuit.admits()] == [True, False]
    circuit.answered("account-1")
    assert [circuit.admits(), circuit.admits()] == [True, True]


def test_probes_become_rarer_from_two_seconds_to_ten(circuit: CircuitBreaker, clock: FakeClock) -> None:
    fail(circuit, 8)
    probes: list[float] = []
    while len(probes) < 5:
        if circuit.admits():
            probes.append(clock.now)
            circuit.failed("account-0")
        clock.now += 0.5
    gaps = [later - earlier for earlier, later in zip([0.0, *probes], probes, strict=False)]
    assert gaps == [2, 2, 4, 8, 10]


@given(st.lists(st.sampled_from([THROTTLED, UNREACHABLE, EXPIRED, CIRCUIT_OPEN, NO_STS, DENIED]), min_size=1, max_size=40))
def test_no_poll_makes_more_requests_for_a_page_than_its_policy_allows(failures: list[RequestFailure]) -> None:
    # Two endpoints in three rounds, three retries after pauses, one with new credentials.
    assert len(tried(failures, endpoints="ab").removesuffix("!")) <= 6 + 3 + 1
