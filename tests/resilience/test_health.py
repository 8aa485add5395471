"""What `/-/healthy` goes by: threads that ended, and threads that are stuck."""

import threading
from collections.abc import Iterator

import pytest

from exporter.cases.model import Account, Reading
from exporter.collector.pulse import SLACK, Pulse
from exporter.collector.source import Target
from tests.resilience.conftest import StartRig
from tests.support.clock import FakeClock
from tests.support.rig import FakeRig
from tests.support.waiting import wait_until

A = "111111111111"
TIMEOUT = 60.0


class SilentSource:
    """Answers when it is told to, whatever the deadline."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.answer = threading.Event()

    def read(self, deadline: float) -> Reading:
        self.asked.set()
        self.answer.wait(10)
        return Reading(deadline, ())


@pytest.fixture
def source() -> SilentSource:
    return SilentSource()


@pytest.fixture
def running(rig: StartRig, source: SilentSource) -> Iterator[FakeRig]:
    running = rig()
    running.roster.assign([Target(Account(A, "silent", "us-east-1", "aws"), source)])
    collector = running.collector()
    collector.start()
    try:
        assert source.asked.wait(10)
        yield running
    finally:
        source.answer.set()
        collector.stop()


def test_a_poll_far_beyond_its_time_limit_is_told(running: FakeRig, source: SilentSource, clock: FakeClock) -> None:
    told = "a thread that is to poll is stuck"
    assert running.collector().ailments() == []
    clock.advance(TIMEOUT + SLACK - 1)
    assert told not in running.collector().ailments()
    clock.advance(2)
    assert told in running.collector().ailments()
    source.answer.set()
    wait_until(lambda: told not in running.collector().ailments() or None, 10, lambda: "it is still told")


def test_threads_that_ended_are_told_by_what_they_did(running: FakeRig, source: SilentSource) -> None:
    source.answer.set()
    running.collector().stop()
    wait_until(
        lambda: len(running.collector().ailments()) == len(("poll", "dispatch", "publish", "discover")) or None,
        10,
        lambda: str(running.collector().ailments()),
    )
    assert all(line.endswith("has ended") for line in running.collector().ailments())


def test_who_waits_for_work_is_never_stuck(clock: FakeClock) -> None:
    pulse = Pulse(clock.monotonic)
    clock.advance(1e9)
    assert not pulse.is_stuck()
    pulse.beat(10)
    clock.advance(10 + SLACK + 1)
    assert pulse.is_stuck()
    pulse.rest()
    assert not pulse.is_stuck()


def test_readiness_once_reached_stays(rig: StartRig) -> None:
    running = rig(A)
    assert not running.engine.ready()
    running.round()
    assert running.engine.ready(), "the account failed, and was tried"
    running.apply('aws: {role_name: R}\naccounts: [{id: "333333333333"}]')
    assert running.engine.ready()
