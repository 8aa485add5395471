import pytest

from exporter.collector.publisher import pause_after
from tests.collector.conftest import World
from tests.support.clock import FakeClock


@pytest.mark.parametrize(
    ("cost", "first_round", "pause"),
    [
        (0.0, False, 1.0),
        (0.01, False, 1.0),
        (0.1, False, 5.0),
        (10.0, False, 15.0),
        (0.1, True, 1.0),
        (0.4, True, 4.0),
    ],
)
def test_pages_take_a_small_share_of_a_core_and_more_of_it_in_the_first_round(
    cost: float, *, first_round: bool, pause: float
) -> None:
    assert pause_after(cost, first_round=first_round) == pytest.approx(pause)


async def test_who_finds_a_new_page_finds_what_it_was_made_from(
    world: World[FakeClock], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[int] = []
    publisher = world.collector.publisher
    monkeypatch.setattr(world.store, "publish", lambda _: shown.append(len(publisher.snapshot.statuses)))
    await world.assign("111111111111", "222222222222")
    assert shown == [2], "the status page would show the page before until there is another"
