"""Reading an account: pages, fail-over, an endpoint that is down; and all cases that AWS keeps."""

import time
from dataclasses import replace

import pytest

from exporter.aws.readers import ReaderOptions, Regions
from exporter.cases.model import Author, Case, Communication, Reason
from exporter.errors import ReadFailure
from exporter.simulator.account import Account
from exporter.simulator.case import CUSTOMER_AUTHOR
from exporter.simulator.corruptions import Tokens
from exporter.simulator.faults import Fault, Kind, Page
from exporter.simulator.kinds import ConnectionReset, Error, Silence, Throttled
from exporter.simulator.server import Simulator
from tests.aws.conftest import OPTIONS, REGION, failure_of, read, reader_of, readers_of
from tests.support.clock import FakeClock

HOME, OTHER = REGION, "us-west-2"


def asked(simulator: Simulator) -> list[tuple[str, int]]:
    """Return region and status of every page of cases, in order."""
    return [(record.region, record.status) for record in simulator.log.records("DescribeCases")]


def add_cases(account: Account, count: int) -> None:
    for _ in range(count - 1):
        account.add_case()


async def test_a_reading_is_as_old_as_its_first_request(account: Account) -> None:
    add_cases(account, 600)
    clock = FakeClock()
    began = clock.time()
    async with readers_of(clock) as readers:
        assert (await reader_of(readers, account).read(10)).taken_at == began
    assert clock.time() > began


async def test_an_endpoint_that_fails_halfway_is_started_over_at_the_next(simulator: Simulator, account: Account) -> None:
    add_cases(account, 230)
    simulator.faults.add(Fault(ConnectionReset(), operation="DescribeCases", region=HOME, page=Page.LATER))
    assert len((await read(account, regions=(HOME, OTHER))).cases) == 230
    assert asked(simulator) == [(HOME, 200), (HOME, 0), *[(OTHER, 200)] * 3]


async def test_an_only_endpoint_that_fails_halfway_goes_on_where_it_was(simulator: Simulator, account: Account) -> None:
    add_cases(account, 230)
    simulator.faults.add(Fault(ConnectionReset(), operation="DescribeCases", page=Page.LATER, times=2))
    assert len({case.case_id for case in (await read(account)).cases}) == 230
    assert [status for _, status in asked(simulator)] == [200, 0, 0, 200, 200]


async def test_each_language_is_listed_where_aws_lists_one_only(simulator: Simulator, account: Account) -> None:
    account.default_language = "en"
    account.add_case(language="ja")
    async with readers_of() as readers:
        reader = reader_of(readers, account, options=replace(OPTIONS, languages=("en", "ja")))
        readings = [await reader.read(5.0) for _ in range(2)]
    assert [{case.language for case in reading.cases} for reading in readings] == [{"en", "ja"}] * 2
    assert readings[0].cases is readings[1].cases, "what is the same is parsed once"
    assert len(asked(simulator)) == 4


async def test_cases_that_are_not_listed_any_more_are_asked_for(simulator: Simulator, account: Account) -> None:
    add_cases(account, 230)
    async with readers_of() as readers:
        reader = reader_of(readers, account)
        before = await reader.read(10)
        for case in account.cases[:-1]:
            case.resolve()
        after = await reader.read(10)
    assert (len(before.cases), len(after.cases), len(after.resolved)) == (230, 1, 229)
    assert {case.status for case in after.resolved} == {"resolved"}
    assert len(asked(simulator)) == 3 + 1 + 3


@pytest.mark.parametrize(
    ("kind", "requests", "reason"),
    [
        (Throttled(), 4, Reason.THROTTLED),
        (ConnectionReset(), 6, Reason.UNREACHABLE),
        (Error(400, "AccessDeniedException"), 1, Reason.ACCESS_DENIED),
        (Error(400, "SubscriptionRequiredException"), 1, Reason.SUBSCRIPTION_REQUIRED),
        (Tokens.repeating("one", "two"), 3, Reason.MALFORMED),
        (Tokens.endless(), 100, Reason.MALFORMED),
    ],
    ids=["throttled", "reset", "denied", "no plan", "tokens in turns", "endless"],
)
async def test_a_failure_is_told_after_so_many_requests(
    kind: Kind, requests: int, reason: Reason, simulator: Simulator, account: Account
) -> None:
    fault = simulator.faults.add(Fault(kind, operation="DescribeCases"))
    failure = await failure_of(account, regions=(HOME, OTHER))
    assert (failure.reason, fault.hits) == (reason, requests)


async def test_an_account_read_in_another_way_keeps_what_is_known_of_it(simulator: Simulator, account: Account) -> None:
    for _ in range(3):
        case = account.add_case()
        for _ in range(7):
            case.add_communication(submitted_by="someone@example.com", body="still waiting")
    async with readers_of() as readers:
        before = reader_of(readers, account)
        assert reader_of(readers, account) is before
        await before.read(10)
        after = reader_of(readers, account, options=replace(OPTIONS, session_name="another"))
        assert after is not before
        await after.read(10)
    assert simulator.log.counts()["DescribeCommunications"] == 3


async def test_with_an_endpoint_silent_only_the_first_eight_accounts_wait(simulator: Simulator) -> None:
    accounts = [simulator.fleet.add_account(account_id=f"{number:012}") for number in range(1, 11)]
    reasons = []
    async with readers_of() as readers:
        sources = [reader_of(readers, account) for account in accounts]
        for source in sources:
            await source.read(5.0)  # so that all have credentials
        silent = simulator.faults.add(Fault(Silence(), operation="DescribeCases"))
        for source in sources:
            with pytest.raises(ReadFailure) as failure:
                await source.read(0.2)
            reasons.append(failure.value.reason)
    assert reasons == [Reason.TIMEOUT] * 8 + [Reason.UNREACHABLE] * 2
    assert silent.hits == 8


async def history(
    account: Account, *, regions: Regions = (HOME,), options: ReaderOptions = OPTIONS, communications: bool = True
) -> dict[str, Case]:
    async with readers_of() as readers:
        found = await reader_of(readers, account, regions=regions, options=options).history(60.0, communications=communications)
    assert len({case.case_id for case in found}) == len(found)
    return {case.case_id: case for case in found}


def add_long_case(account: Account) -> str:
    """Add a case that AWS answered first, and which has grown by ten communications since."""
    opened = time.time() - 1000
    case = account.add_case(created_at=opened, body="help")
    case.add_communication(created_at=opened + 5)
    for number in range(10):
        case.add_communication(submitted_by=CUSTOMER_AUTHOR, created_at=opened + 10 + number)
    return case.case_id


async def test_resolved_cases_are_read_and_another_endpoint_asked_for_the_rest(simulator: Simulator, account: Account) -> None:
    for number in range(249):
        account.add_case(status="resolved" if number % 2 else "opened")
    simulator.faults.add(Fault(ConnectionReset(), operation="DescribeCases", region=REGION, page=Page.LATER))
    found = await history(account, regions=(HOME, OTHER))
    assert len(found) == 250
    assert sum(not case.is_open for case in found.values()) == 124
    assert simulator.log.counts()["DescribeCases"] == 2 + 3


async def test_each_language_is_listed_a_case_counts_once_and_no_subject_is_read(account: Account) -> None:
    account.default_language = "en"
    account.add_case(language="ja").resolve()
    found = await history(account, options=replace(OPTIONS, languages=("en", "ja", "en"), keep_subject=True))
    assert [case.subject for case in found.values()] == ["", ""]


@pytest.mark.parametrize(("code", "found"), [("", (12, True)), ("CaseIdNotFound", (5, False)), ("SomethingNew", (5, False))])
async def test_a_case_has_all_of_its_communications_that_are_not_gone(
    code: str, found: tuple[int, bool], simulator: Simulator, account: Account
) -> None:
    case_id = add_long_case(account)
    if code:
        simulator.faults.add(Fault(Error(400, code), operation="DescribeCommunications"))
    case = (await history(account))[case_id]
    assert (len(case.communications), case.first_aws_known) == found
    assert code or case.communications[1] == Communication(case.first_aws or 0.0, Author.AWS)


async def test_an_account_whose_communications_may_not_be_read_fails(simulator: Simulator, account: Account) -> None:
    add_long_case(account)
    simulator.faults.add(Fault(Error(400, "AccessDeniedException"), operation="DescribeCommunications"))
    with pytest.raises(ReadFailure, match="access_denied: DescribeCommunications: AccessDeniedException"):
        await history(account)
    assert await history(account, communications=False)


async def test_it_is_patient_with_an_account_whose_quota_others_use_up(simulator: Simulator, account: Account) -> None:
    add_long_case(account)
    for operation in ("DescribeCases", "DescribeCommunications"):
        simulator.faults.add(Fault(Throttled(), operation=operation, times=19))
    assert len(await history(account)) == 2
