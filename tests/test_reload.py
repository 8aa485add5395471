from collections.abc import Callable
from pathlib import Path

import pytest
import structlog
from structlog.testing import CapturingLogger

from exporter.config import Settings, parse
from exporter.reload import Reloader

PATIENT = "poll: {interval: 10m}"


class World:
    """A file, what reads it again, and what was adopted of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.path.write_text("{}")
        self.now = 1000.0
        self.adopted: list[Settings] = []
        self.published = 0
        self.log = CapturingLogger()
        self.adopt: Callable[[Settings], None] = self.adopted.append
        self.reloader = Reloader(
            path,
            b"{}",
            parse=lambda content: parse(content, source="config.yaml", partition_of=lambda _: "aws"),
            adopt=lambda settings: self.adopt(settings),  # noqa: PLW0108 - a test replaces it
            publish=self._publish,
            now=lambda: self.now,
            log=structlog.wrap_logger(
                self.log, wrapper_class=structlog.make_filtering_bound_logger(0), processors=[lambda *entry: entry[2]]
            ),
        )

    def _publish(self) -> None:
        self.published += 1

    def events(self) -> list[str]:
        return [call.kwargs["event"] for call in self.log.calls]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "config.yaml")


def test_what_has_not_changed_is_not_read_again(world: World) -> None:
    world.reloader.reload_if_changed()
    world.path.touch()
    world.reloader.reload_if_changed()
    assert (world.adopted, world.published, world.events()) == ([], 0, [])


def test_what_has_changed_is_put_in_force_once(world: World) -> None:
    world.path.write_text(PATIENT)
    world.now += 50
    for _ in range(3):
        world.reloader.reload_if_changed()
    assert [settings.config.poll.interval for settings in world.adopted] == [600]
    assert world.reloader.last.succeeded_at == 1050
    assert world.events() == ["configuration reloaded"]


@pytest.mark.parametrize("spoil", [lambda path: path.write_text("pool: {}"), Path.unlink], ids=["bad", "gone"])
def test_a_file_that_cannot_be_used_is_told_once_until_it_changes(world: World, spoil: Callable[[Path], object]) -> None:
    spoil(world.path)
    for _ in range(3):
        world.reloader.reload_if_changed()
    assert world.events() == ["configuration not reloaded"]
    assert world.reloader.last.problems
    assert world.reloader.last.succeeded_at == 1000
    world.path.write_text("{}")
    world.reloader.reload_if_changed()
    assert not world.reloader.last.problems
    assert len(world.adopted) == 1


def test_a_bug_leaves_what_was_and_is_told_by_its_place(world: World) -> None:
    def fail(_: Settings) -> None:
        raise RuntimeError("cases: secret")

    world.adopt = fail
    (problem,) = world.reloader.reload("request")
    assert "internal: RuntimeError in fail" in problem
    assert "secret" not in problem
    assert world.reloader.last.problems == (problem,)
    assert world.published == 1
