import pytest

from exporter.collector.publisher import pause_after
from tests.collector.conftest import World
from tests.support.clock import FakeClock


@pytest.mark.parametrize(("cost", "pause"), [(0.0, 1.0), (0.01, 1.0), (0.1, 5.0), (10.0, 15.0)])
def test_pages_take_a_small_share_of_a_core(cost: float, pause: float) -> None:
    assert pause_after(cost) == pytest.approx(pause)


async def test_who_finds_a_new_page_finds_what_it_was_made_from(
    world: World[FakeClock], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[int] = []
    publisher = world.collector.publisher
    monkeypatch.setattr(world.store, "publish", lambda _: shown.append(len(publisher.snapshot.statuses)))
    await world.assign("111111111111", "222222222222")
    assert shown == [2], "the status page would show the page before until there is another"
