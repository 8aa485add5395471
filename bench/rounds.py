"""Whether anything grows from round to round: memory, threads, open files, over a small fleet in which things happen."""

from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import NamedTuple, Self

from bench.measuring import Plan, discovering_config
from bench.processes import Exporter, SimulatedAws, wait_for

_INTERVAL = 10
_PACE = 300
_CASES = 20


class Footprint(NamedTuple):
    """What the exporter holds after some rounds: MiB, threads, open files and sockets."""

    rounds: int
    rss: float
    threads: int
    descriptors: int


class Rounds:
    """Lets an exporter read a living fleet, beside what else is measured; it takes a few hundredths of a core.

    It runs in a thread until it is through, or the `with` statement ends.

    Args:
        folder: Where its files go.
        plan: Tells how many rounds over how many accounts.
    """

    def __init__(self, folder: Path, plan: Plan) -> None:
        self._folder = folder
        self._plan = plan
        self._footprints: list[Footprint] = []
        self._problem: Exception | None = None
        self._stop = Event()
        self._thread = Thread(target=self._run, name="rounds")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def footprints(self) -> list[Footprint]:
        """Return the footprints early, half-way and at the end, waiting for the end."""
        self._thread.join()
        if self._problem is not None:
            raise self._problem
        return self._footprints

    def _run(self) -> None:
        try:
            self._watch()
        except Exception as problem:  # noqa: BLE001 - raised where the result is asked for
            self._problem = problem

    def _watch(self) -> None:
        accounts, rounds = self._plan.rounds_accounts, self._plan.rounds
        fleet = (f"--accounts={accounts}", f"--cases={_CASES}", f"--pace={_PACE}", f"--latency={self._plan.latency}")
        with (
            SimulatedAws(self._folder, *fleet) as aws,
            Exporter(self._folder, discovering_config(self._plan, _INTERVAL), aws, "rounds") as exporter,
        ):
            for number in sorted({max(1, rounds // 10), max(1, rounds // 2), rounds}):
                self._wait(aws, number)
                if self._stop.is_set():
                    return
                self._footprints.append(Footprint(number, exporter.rss(), exporter.threads(), exporter.descriptors()))

    def _wait(self, aws: SimulatedAws, number: int) -> None:
        """Wait for the end of a round, or until told to stop."""
        enough = number * self._plan.rounds_accounts

        def over() -> bool | None:
            return self._stop.is_set() or aws.calls().get("DescribeCases", 0) >= enough or None

        wait_for(over, f"round {number}", seconds=60 + 2 * _INTERVAL * number, pause=0.5)
