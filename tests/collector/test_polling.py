import pytest

from exporter.cases.model import Reason
from exporter.errors import ReadFailure
from tests.collector.conftest import INTERVAL, FakeSource, Outcome, World
from tests.support.clock import FakeClock

A, B, C = "111111111111", "222222222222", "333333333333"


async def test_the_first_round_reads_every_account_at_once(world: World[FakeClock]) -> None:
    await world.assign(A, B, C)
    assert sorted(await world.poll_due()) == [A, B, C]
    assert world.collector.accounts.all_polled.is_set()
    assert await world.poll_due() == []


async def test_later_rounds_are_spread_over_the_interval(world: World[FakeClock]) -> None:
    ids = [f"{number:012d}" for number in range(300)]
    await world.assign(*ids)
    await world.poll_due()
    polled = []
    for _ in range(15):
        world.clock.advance(INTERVAL / 10)
        polled.append(await world.poll_due())
    counts = [len(batch) for batch in polled]
    assert sum(counts[5:]) == len(ids), "in each interval every account is read once"
    assert max(counts) < len(ids) / 4, "no moment takes more than its share"


async def test_a_poll_gets_the_timeout(world: World[FakeClock]) -> None:
    await world.assign(A)
    await world.poll_due()
    assert world.sources[A].timeouts == [60.0]


async def test_an_unexpected_error_is_internal_and_its_text_is_told_nobody(world: World[FakeClock]) -> None:
    await world.assign(A, B)
    world.sources[A].outcome = RuntimeError("SECRET")
    assert sorted(await world.poll_due()) == [A, B]
    status = world.status(A)
    assert status.last_poll is not None
    assert status.last_poll.reason is Reason.INTERNAL
    assert "SECRET" not in str(status) + str(world.log.lines)
    assert "RuntimeError" in status.last_poll.detail


async def test_a_line_is_logged_per_change_of_state_not_per_poll(world: World[FakeClock]) -> None:
    await world.assign(A)
    slow, throttled = ReadFailure(Reason.TIMEOUT, "x"), ReadFailure(Reason.THROTTLED, "x")
    outcomes: list[Outcome] = [slow, slow, throttled, [], []]
    for outcome in outcomes:
        world.sources[A].outcome = outcome
        await world.poll_due()
        world.clock.advance(2 * INTERVAL)
    assert [line["log_level"] for line in world.log.lines] == ["warning", "warning", "info"]


@pytest.mark.parametrize(
    ("reason", "least", "most"),
    [
        (Reason.TIMEOUT, 4, 6),
        (Reason.THROTTLED, 4, 6),
        (Reason.UNREACHABLE, 4, 6),
        (Reason.SUBSCRIPTION_REQUIRED, 800, 1000),
        (Reason.ACCESS_DENIED, 800, 1000),
        (Reason.ASSUME_ROLE_DENIED, 800, 1000),
        (Reason.CREDENTIALS, 800, 1000),
    ],
)
async def test_the_first_pause_after_a_failure_depends_on_its_reason(
    world: World[FakeClock], reason: Reason, least: float, most: float
) -> None:
    await world.assign(A)
    world.sources[A].outcome = ReadFailure(reason, "x")
    await world.poll_due()
    world.clock.advance(least)
    assert await world.poll_due() == []
    world.clock.advance(most - least)
    assert await world.poll_due() == [A]


@pytest.mark.parametrize(("reason", "longest"), [(Reason.CREDENTIALS, INTERVAL), (Reason.UNREACHABLE, 16.5)])
async def test_what_passes_is_tried_within_a_quarter_of_the_time_that_it_has_lasted(
    world: World[FakeClock], reason: Reason, longest: float
) -> None:
    await world.assign(A)
    world.sources[A].outcome = ReadFailure(reason, "x", passes=True)
    began, pauses = world.clock.monotonic(), []
    for _ in range(40):
        await world.poll_due()
        pauses.append((world.status(A).next_poll or 0.0) - world.clock.time())
        assert pauses[-1] <= min(longest, 1.1 + 0.3 * (world.clock.monotonic() - began)) + 1e-3
        world.clock.advance(pauses[-1] + 0.001)
    assert 0.9 <= pauses[0] <= 1.1
    assert pauses[-1] >= longest * 0.8


@pytest.mark.parametrize("outcome", [(), ReadFailure(Reason.ACCESS_DENIED, "x")], ids=["read", "refused by AWS"])
async def test_all_that_fail_for_what_passes_are_polled_when_it_has_passed_for_one(
    world: World[FakeClock], outcome: Outcome
) -> None:
    accounts = [f"{number:012}" for number in range(20)]
    await world.assign(*accounts, C)
    for source in world.sources.values():
        source.outcome = ReadFailure(Reason.CREDENTIALS, "x", passes=True)
    world.sources[C].outcome = ReadFailure(Reason.CREDENTIALS, "x")
    for _ in range(20):
        await world.poll_due()
        world.clock.advance(60)
    await world.poll_due()
    for source in world.sources.values():
        source.outcome = outcome
    while not (first := await world.poll_due()):
        world.clock.advance(0.1)
    assert len(first) < len(accounts)
    assert await world.poll_due() == [account_id for account_id in accounts if account_id not in first]
    assert await world.poll_due() == []


@pytest.mark.parametrize(
    ("reason", "bound"), [(Reason.TIMEOUT, INTERVAL), (Reason.UNREACHABLE, 16.5), (Reason.ACCESS_DENIED, 3960.0)]
)
async def test_pauses_grow_to_a_bound(world: World[FakeClock], reason: Reason, bound: float) -> None:
    await world.assign(A)
    world.sources[A].outcome = ReadFailure(reason, "x")
    pauses = []
    for _ in range(12):
        await world.poll_due()
        status = world.status(A)
        assert status.next_poll is not None
        pauses.append(status.next_poll - world.clock.time())
        world.clock.advance(pauses[-1] + 0.001)
    assert pauses[0] < pauses[3]
    assert bound * 0.75 < max(pauses) <= bound + 1e-3


async def test_a_failure_that_lasts_is_told_hourly_and_not_at_every_poll(world: World[FakeClock]) -> None:
    await world.assign("1")
    world.sources["1"].outcome = ReadFailure(Reason.UNREACHABLE, "no way")
    for _ in range(3 * 3600 // 20):
        await world.poll_due()
        world.clock.advance(20)
    told = [line.get("failing_for") for line in world.log.lines]
    assert told == [None, "1h", "2h"]
    world.sources["1"].outcome = ()
    await world.poll_due()
    world.clock.advance(20)
    await world.poll_due()
    assert world.log.events[3:] == ["account recovered"]


async def test_an_account_whose_cases_are_no_longer_shown_is_told_once(world: World[FakeClock]) -> None:
    await world.assign("1")
    await world.poll_due()
    world.sources["1"].outcome = ReadFailure(Reason.UNREACHABLE, "no way")
    for _ in range(3000 // 20):
        world.clock.advance(20)
        await world.poll_due()
    assert world.log.events == ["polling account failed", "account stale, cases no longer exported"]


async def test_an_account_without_a_plan_is_told_once(world: World[FakeClock]) -> None:
    await world.assign("1")
    world.sources["1"].outcome = ReadFailure(Reason.SUBSCRIPTION_REQUIRED, "no plan")
    for _ in range(100):
        await world.poll_due()
        world.clock.advance(600)
    assert world.log.events == ["support plan has no API access"]


async def test_accounts_that_fail_or_recover_alike_share_a_line(world: World[FakeClock]) -> None:
    ids = [f"{number:012}" for number in range(40)]
    await world.assign(*ids)
    for number, account_id in enumerate(ids[:31]):
        detail = f"denied on arn:aws:iam::{account_id}:role/x" if number else "something else"
        world.sources[account_id].outcome = ReadFailure(Reason.ASSUME_ROLE_DENIED, detail)
    await world.poll_due()
    alone, many = world.log.lines
    assert (alone["account_id"], alone["account_name"], alone["detail"]) == (ids[0], f"name-{ids[0]}", "something else")
    assert many == {
        "event": "polling account failed",
        "log_level": "warning",
        "accounts": 30,
        "account_ids": f"{', '.join(ids[1:6])}, ...",
        "reason": "assume_role_denied",
        "detail": "denied on arn:aws:iam::ACCOUNT:role/x",
    }
    world.log.clear()
    for account_id in ids[1:4]:
        world.sources[account_id].outcome = ()
    world.clock.advance(1100)
    await world.poll_due()
    assert world.log.lines == [
        {"event": "account recovered", "log_level": "info", "accounts": 3, "account_ids": ", ".join(ids[1:4])}
    ]


async def test_what_ails_all_shows_one_by_one_and_is_told_once_a_minute(world: World[FakeClock]) -> None:
    ids = [f"{number:012}" for number in range(30)]
    await world.assign(*ids)
    await world.poll_due()
    for account_id in ids:
        world.sources[account_id].outcome = ReadFailure(Reason.CREDENTIALS, "none found")
    for _ in range(600):
        world.clock.advance(1)
        await world.poll_due()
    counts = [line.get("accounts", 1) for line in world.log.lines]
    assert sum(counts) == 30
    assert counts[0] == 1, "the first is logged at once"
    assert len(counts) <= 7


async def test_who_recovers_before_its_failure_was_told_is_not_told_of(world: World[FakeClock]) -> None:
    world.sources = {each: FakeSource(world.clock, ReadFailure(Reason.UNREACHABLE, "no way")) for each in ("1", "2")}
    await world.assign("1")
    await world.poll_due()
    world.clock.advance(10)
    await world.assign("1", "2")
    await world.poll_due()
    for source in world.sources.values():
        source.outcome = ()
    for _ in range(10):
        world.clock.advance(20)
        await world.poll_due()
    told = [(line["event"], line.get("account_id")) for line in world.log.lines]
    assert told == [("polling account failed", "1"), ("account recovered", "1")]


async def test_a_page_that_is_never_made_is_told_as_a_health_problem(world: World[FakeClock]) -> None:
    await world.assign(A)
    assert world.collector.health_problems() == []
    world.clock.advance(331)
    assert world.collector.health_problems() == ["collector stuck: the last page is 331 s old"]
