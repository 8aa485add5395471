"""Reading an account: pages, fail-over, quota, lookups, and an endpoint that is down."""

import asyncio
import time

import pytest

from exporter.aws.readers import ReaderOptions, Readers
from exporter.cases.model import Access, Reading, Reason
from exporter.errors import ReadFailure
from exporter.simulator.account import Account
from exporter.simulator.corruptions import Tokens
from exporter.simulator.faults import Fault, Kind, Page
from exporter.simulator.kinds import ConnectionReset, Error, Silence, Throttled
from exporter.simulator.server import Simulator
from tests.aws.conftest import OPTIONS, REGION, FakeClock, reader_of, readers_of

HOME, OTHER = REGION, "us-west-2"


def read(account: Account, *, regions: tuple[str, ...] = (HOME,), clock: FakeClock | None = None) -> Reading:
    async def run() -> Reading:
        async with readers_of(clock or FakeClock()) as readers:
            return await reader_of(account, readers, regions=regions).read(20)

    return asyncio.run(run())


def asked(simulator: Simulator) -> list[tuple[str, int]]:
    """Return region and status of every page of cases, in order."""
    return [(record.region, record.status) for record in simulator.log.records("DescribeCases")]


def add_cases(account: Account, count: int) -> None:
    for _ in range(count - 1):
        account.add_case()


def test_all_pages_are_read_once(simulator: Simulator, account: Account) -> None:
    add_cases(account, 230)
    reading = read(account)
    assert len({case.case_id for case in reading.cases}) == 230
    assert asked(simulator) == [(HOME, 200)] * 3


def test_a_reading_is_as_old_as_its_first_request(account: Account) -> None:
    add_cases(account, 600)
    clock = FakeClock()
    clock.now = began = time.time()
    assert read(account, clock=clock).taken_at == began
    assert clock.now > began


def test_an_endpoint_that_fails_halfway_is_started_over_at_the_next(simulator: Simulator, account: Account) -> None:
    add_cases(account, 230)
    simulator.faults.add(Fault(ConnectionReset(), operation="DescribeCases", region=HOME, page=Page.LATER))
    assert len(read(account, regions=(HOME, OTHER)).cases) == 230
    assert asked(simulator) == [(HOME, 200), (HOME, 0), *[(OTHER, 200)] * 3]


def test_an_only_endpoint_that_fails_halfway_goes_on_where_it_was(simulator: Simulator, account: Account) -> None:
    add_cases(account, 230)
    simulator.faults.add(Fault(ConnectionReset(), operation="DescribeCases", page=Page.LATER, times=2))
    assert len({case.case_id for case in read(account).cases}) == 230
    assert [status for _, status in asked(simulator)] == [200, 0, 0, 200, 200]


def test_a_refusal_is_no_reason_to_ask_another_endpoint(simulator: Simulator, account: Account) -> None:
    simulator.faults.add(Fault(Error(400, "AccessDeniedException"), operation="DescribeCases"))
    with pytest.raises(ReadFailure, match="access_denied"):
        read(account, regions=(HOME, OTHER))
    assert asked(simulator) == [(HOME, 400)]


@pytest.mark.parametrize(
    ("kind", "requests", "reason"),
    [
        (Throttled(), 4, Reason.THROTTLED),
        (Error(400, "RequestLimitExceeded"), 4, Reason.THROTTLED),
        (ConnectionReset(), 3, Reason.UNREACHABLE),
        (Error(500, "InternalServerError"), 3, Reason.SERVER_ERROR),
        (Error(400, "SubscriptionRequiredException"), 1, Reason.SUBSCRIPTION_REQUIRED),
    ],
    ids=["throttled", "limit exceeded", "reset", "500", "no plan"],
)
def test_a_failure_is_told_after_so_many_requests(
    kind: Kind, requests: int, reason: Reason, simulator: Simulator, account: Account
) -> None:
    fault = simulator.faults.add(Fault(kind, operation="DescribeCases"))
    with pytest.raises(ReadFailure) as failure:
        read(account)
    assert (failure.value.reason, fault.hits) == (reason, requests)


@pytest.mark.parametrize(
    ("tokens", "requests"),
    [(Tokens.repeating("token"), 2), (Tokens.repeating("one", "two"), 3), (Tokens.endless(), 100)],
    ids=["same", "in turns", "endless"],
)
def test_pages_that_do_not_end_are_malformed_and_not_walked_again(
    tokens: Tokens, requests: int, simulator: Simulator, account: Account
) -> None:
    loop = simulator.faults.add(Fault(tokens, operation="DescribeCases"))
    with pytest.raises(ReadFailure) as failure:
        read(account, regions=(HOME, OTHER))
    assert (failure.value.reason, loop.hits) == (Reason.MALFORMED, requests)


def test_no_second_holds_more_than_five_calls(simulator: Simulator, account: Account) -> None:
    add_cases(account, 1150)
    clock = FakeClock()
    clock.now = time.time()
    simulator.fleet.clock = lambda: clock.now
    assert len(read(account, clock=clock).cases) == 1150
    calls = [record.time for record in simulator.log.records("DescribeCases")]
    assert len(calls) == 12
    assert all(later - earlier > 1 for earlier, later in zip(calls, calls[5:], strict=False))
    assert clock.slept == pytest.approx([1.1, 1.1])


def unknown_first_response(account: Account, count: int) -> None:
    """Add cases whose first communications do not come with them."""
    for _ in range(count):
        case = account.add_case()
        for _ in range(7):
            case.add_communication(submitted_by="someone@example.com", body="still waiting")


@pytest.mark.parametrize("kind", [Silence(), Throttled(), Error(500, "x"), Tokens.repeating("a")], ids=range(4))
def test_a_lookup_that_fails_leaves_the_cases(kind: Kind, simulator: Simulator, account: Account) -> None:
    unknown_first_response(account, 2)
    simulator.faults.add(Fault(kind, operation="DescribeCommunications"))

    async def run() -> Reading:
        async with readers_of(FakeClock()) as readers:
            return await reader_of(account, readers).read(2)

    assert [case.first_aws_known for case in asyncio.run(run()).cases].count(False) == 2


def test_lookups_wait_for_the_next_poll_when_there_are_many(simulator: Simulator, account: Account) -> None:
    unknown_first_response(account, 12)
    cases = read(account).cases
    assert simulator.log.counts()["DescribeCommunications"] == 10
    assert [case.first_aws_known for case in cases].count(False) == 2


def test_an_account_read_in_another_way_keeps_what_is_known_of_it(simulator: Simulator, account: Account) -> None:
    unknown_first_response(account, 3)

    async def run() -> None:
        async with readers_of(FakeClock()) as readers:
            before = reader_of(account, readers)
            assert reader_of(account, readers) is before
            await before.read(10)
            access = Access((account.role_arn(),))
            after = readers.reader(account.account_id, access, (REGION,), ReaderOptions("another", 3600))
            assert after is not before
            await after.read(10)

    asyncio.run(run())
    assert simulator.log.counts()["DescribeCommunications"] == 3


def test_subjects_are_read_only_where_they_are_wanted(account: Account) -> None:
    async def subjects(readers: Readers, *, keep: bool) -> set[str]:
        options = ReaderOptions("test", 3600, keep_subject=keep)
        access = Access((account.role_arn(),))
        reading = await readers.reader(account.account_id, access, (REGION,), options).read(10)
        return {case.subject for case in reading.cases}

    async def run() -> list[set[str]]:
        async with readers_of() as readers:
            return [await subjects(readers, keep=keep) for keep in (False, True)]

    without, kept = asyncio.run(run())
    assert without == {""}
    assert "" not in kept


@pytest.fixture
def accounts(simulator: Simulator) -> list[Account]:
    made = [simulator.fleet.add_account(account_id=f"{number:012}") for number in range(1, 21)]
    for account in made:
        account.add_case()
    return made


async def outcomes(readers: Readers, accounts: list[Account], seconds: float = 10) -> list[Reason | None]:
    async def one(account: Account) -> Reason | None:
        reader = readers.reader(account.account_id, Access((account.role_arn(),)), (REGION,), OPTIONS)
        try:
            await reader.read(seconds)
        except ReadFailure as failure:
            return failure.reason
        return None

    return [await one(account) for account in accounts]


def test_with_an_endpoint_silent_only_the_first_eight_accounts_wait(simulator: Simulator, accounts: list[Account]) -> None:
    async def run() -> None:
        async with readers_of(FakeClock()) as readers:
            assert await outcomes(readers, accounts) == [None] * 20
            silent = simulator.faults.add(Fault(Silence(), operation="DescribeCases"))
            assert await outcomes(readers, accounts, 0.3) == [Reason.TIMEOUT] * 8 + [Reason.UNREACHABLE] * 12
            assert silent.hits == 8

    asyncio.run(run())


def test_an_open_circuit_is_probed_and_closes(simulator: Simulator, accounts: list[Account]) -> None:
    clock = FakeClock()
    down = simulator.faults.add(Fault(ConnectionReset(), operation="DescribeCases"))

    async def run() -> None:
        async with readers_of(clock) as readers:
            await outcomes(readers, accounts)
            down.remove()
            hits = down.hits
            assert await outcomes(readers, accounts) == [Reason.UNREACHABLE] * 20
            clock.now += 11
            assert await outcomes(readers, accounts) == [None] * 20
            assert down.hits == hits

    asyncio.run(run())


def test_one_bad_account_never_opens_the_circuit(simulator: Simulator, accounts: list[Account]) -> None:
    bad, *good = accounts
    simulator.faults.add(Fault(Error(500, "InternalServerError"), operation="DescribeCases", account_id=bad.account_id))

    async def run() -> None:
        async with readers_of(FakeClock()) as readers:
            for _ in range(12):
                assert await outcomes(readers, accounts) == [Reason.SERVER_ERROR] + [None] * len(good)

    asyncio.run(run())
