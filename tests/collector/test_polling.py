import pytest

from exporter.cases.model import Reason
from exporter.errors import ReadFailure
from tests.collector.conftest import INTERVAL, A, B, C, FakeWorld, Outcome

UNREACHABLE = ReadFailure(Reason.UNREACHABLE, "no way")
PASSES = ReadFailure(Reason.CREDENTIALS, "x", passes=True)


def ids(count: int) -> list[str]:
    return [f"{number:012}" for number in range(count)]


async def test_the_first_round_reads_every_account_at_once_with_its_timeout(world: FakeWorld) -> None:
    await world.assign(A, B, C)
    assert sorted(await world.poll_due()) == [A, B, C]
    assert world.sources[A].timeouts == [60.0]
    assert await world.poll_due() == []


async def test_later_rounds_are_spread_over_the_interval(world: FakeWorld) -> None:
    accounts, counts = ids(100), list[int]()
    await world.assign(*accounts)
    await world.poll_due()
    for _ in range(15):
        world.clock.advance(INTERVAL / 10)
        counts.append(len(await world.poll_due(publish=False)))
    assert sum(counts[5:]) == len(accounts), "in each interval every account is read once"
    assert max(counts) < len(accounts) / 4, "no moment takes more than its share"


async def test_an_unexpected_error_is_internal_and_its_text_is_told_nobody(world: FakeWorld) -> None:
    await world.fail(RuntimeError("SECRET"), A, B)
    for status in (world.status(A), world.status(B)):
        assert status.last_poll is not None
        assert status.last_poll.reason is Reason.INTERNAL
        assert "RuntimeError" in status.last_poll.detail
        assert "SECRET" not in str(status) + str(world.log.lines)


@pytest.mark.parametrize(
    ("failure", "first", "longest"),
    [
        (ReadFailure(Reason.TIMEOUT, "x"), 5, INTERVAL),
        (ReadFailure(Reason.THROTTLED, "x"), 5, INTERVAL),
        (UNREACHABLE, 5, 15),
        (ReadFailure(Reason.SUBSCRIPTION_REQUIRED, "x"), 900, 3600),
        (ReadFailure(Reason.ACCESS_DENIED, "x"), 900, 3600),
        (ReadFailure(Reason.ASSUME_ROLE_DENIED, "x"), 900, 3600),
        (ReadFailure(Reason.CREDENTIALS, "x"), 900, 3600),
        (PASSES, 1, INTERVAL),
        (ReadFailure(Reason.UNREACHABLE, "x", passes=True), 1, 15),
    ],
    ids=str,
)
async def test_pauses_grow_to_a_bound_by_reason(failure: ReadFailure, first: float, longest: float, world: FakeWorld) -> None:
    await world.fail(failure, A)
    began, pauses = world.clock.monotonic(), list[float]()
    for _ in range(40):
        pauses.append((world.status(A).next_poll or 0.0) - world.clock.time())
        lasted = world.clock.monotonic() - began
        assert not failure.passes or pauses[-1] <= 1.1 + 0.3 * lasted, "within a quarter of the time that it has lasted"
        world.clock.advance(pauses[-1] - 0.01)
        assert await world.poll_due(publish=False) == []
        world.clock.advance(0.011)
        assert await world.poll_due(publish=False) == [A]
    assert first * 0.9 <= pauses[0] <= first * 1.1
    assert longest * 0.9 <= max(pauses[20:]) <= longest * 1.1


@pytest.mark.parametrize("outcome", [(), ReadFailure(Reason.ACCESS_DENIED, "x")], ids=["read", "refused by AWS"])
async def test_all_that_fail_for_what_passes_are_polled_when_it_has_passed_for_one(outcome: Outcome, world: FakeWorld) -> None:
    accounts = ids(20)
    world.answer(PASSES, *accounts)
    world.answer(ReadFailure(Reason.CREDENTIALS, "x"), C)
    await world.assign(*accounts, C)
    for _ in range(20):
        await world.poll_due(publish=False)
        world.clock.advance(60)
    await world.poll_due(publish=False)
    world.answer(outcome, *accounts, C)
    while not (first := await world.poll_due(publish=False)):
        world.clock.advance(0.1)
    assert len(first) < len(accounts)
    assert await world.poll_due() == [account_id for account_id in accounts if account_id not in first]
    assert await world.poll_due() == []


async def test_a_line_is_logged_per_change_of_state_then_hourly_and_not_per_poll(world: FakeWorld) -> None:
    await world.assign(A)
    await world.poll_due()
    slow, throttled, no_plan = (ReadFailure(Reason(each), "x") for each in ("timeout", "throttled", "subscription_required"))
    for outcome, polls in ((slow, 26), (throttled, 3), (no_plan, 200), ((), 15)):
        world.answer(outcome, A)
        for _ in range(polls):
            world.clock.advance(INTERVAL)
            await world.poll_due()
    assert [(line["event"], line.get("reason"), line.get("failing_for")) for line in world.log.lines] == [
        ("polling account failed", "timeout", None),
        ("account stale, cases no longer exported", "timeout", None),
        ("polling account failed", "timeout", "1h"),
        ("polling account failed", "timeout", "2h"),
        ("polling account failed", "throttled", None),
        ("support plan has no API access", None, None),
        ("account recovered", None, None),
    ]
    assert [line["log_level"] for line in world.log.lines] == ["warning"] * 5 + ["info"] * 2


async def test_accounts_that_fail_or_recover_alike_share_a_line(world: FakeWorld) -> None:
    accounts = ids(31)
    for number, account_id in enumerate(accounts):
        detail = f"denied on arn:aws:iam::{account_id}:role/x" if number else "something else"
        world.answer(ReadFailure(Reason.ASSUME_ROLE_DENIED, detail), account_id)
    await world.assign(*accounts)
    await world.poll_due()
    alone, many = world.log.lines
    assert (alone["account_id"], alone["account_name"], alone["detail"]) == (
        accounts[0],
        f"name-{accounts[0]}",
        "something else",
    )
    assert many == {
        "event": "polling account failed",
        "log_level": "warning",
        "accounts": 30,
        "account_ids": f"{', '.join(accounts[1:6])}, ...",
        "reason": "assume_role_denied",
        "detail": "denied on arn:aws:iam::ACCOUNT:role/x",
    }
    world.log.clear()
    world.answer((), *accounts[1:4])
    world.clock.advance(1100)
    await world.poll_due()
    assert world.log.lines == [
        {"event": "account recovered", "log_level": "info", "accounts": 3, "account_ids": ", ".join(accounts[1:4])}
    ]


async def test_what_ails_all_shows_one_by_one_and_is_told_once_a_minute(world: FakeWorld) -> None:
    accounts = ids(20)
    await world.assign(*accounts)
    await world.poll_due()
    world.answer(ReadFailure(Reason.CREDENTIALS, "none found"), *accounts)
    for _ in range(120):
        world.clock.advance(5)
        await world.poll_due()
    counts = [line.get("accounts", 1) for line in world.log.lines]
    assert sum(counts) == len(accounts)
    assert counts[0] == 1, "the first is logged at once"
    assert len(counts) <= 7


async def test_a_page_that_is_never_made_is_told_as_a_health_problem(world: FakeWorld) -> None:
    await world.assign(A)
    assert world.collector.health_problems() == []
    world.clock.advance(331)
    assert world.collector.health_problems() == ["collector stuck: the last page is 331 s old"]
