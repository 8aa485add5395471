"""Runs two exporters over one simulated fleet with the same faults, and compares what they show.

    python -m bench.side_by_side CHECKOUT [--rounds 100]

CHECKOUT holds the other exporter, with its own `.venv`. Between two rounds things happen in the fleet, accounts and lists begin
or cease to fail, and sessions expire; within a round nothing changes, until both exporters have polled every account and
show the same. What they show differently all the same is printed when it is first seen. All moments and durations of polls
are left out, and how many of them failed: each exporter has its own. On a busy machine a poll may be late in one of them alone.
"""

import argparse
import math
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from bench.processes import ROOT, Exporter
from exporter.simulator.faults import Fault, FaultHandle
from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.reliability.faults import FAULTS, LIST_ACCOUNTS, OF_AN_ACCOUNT, FaultCase, Operation
from tests.support.fetch import fetch
from tests.support.page import Page
from tests.support.waiting import wait_until

CONFIG = """
poll: {interval: 10s, timeout: 8s, concurrency: 32}
aws: {role_name: AwsSupportExporter}
organizations: [{name: acme}]
metrics: {cases: {enabled: true}}
"""
ACCOUNTS, CASES, PACE = 40, 8, 2000
SHARE_OF_ACCOUNTS_WITH_FAULTS, SHARE_OF_LISTS_WITH_FAULTS = 0.2, 0.2
PATIENCE = 60.0
SETTLE = 30.0
OF_ITSELF = ("aws_support_exporter_", "aws_support_api_", "process_", "python_")
WHEN_IT_POLLED = frozenset(
    {
        "aws_support_account_last_success_timestamp_seconds",
        "aws_support_account_poll_duration_seconds",
        "aws_support_account_poll_errors_total",
        "aws_support_organization_last_success_timestamp_seconds",
    }
)
"""Samples of which the values tell when, how long or how often an exporter polled: each has its own moments in a round."""
WITH_THE_CLOCK = ("_age_seconds", "_duration_seconds_sum")
"""Ends of names of samples that are a little more for whoever looks a little later."""
A_LITTLE = 30.0

Key = tuple[str, tuple[tuple[str, str], ...]]


def main(arguments: Sequence[str]) -> int:
    """Compare, and print what differs.

    Returns:
        0, or 1 when something differed.
    """
    parser = argparse.ArgumentParser(prog="python -m bench.side_by_side", description="Compares two exporters.")
    parser.add_argument("checkout", type=Path, help="where the other exporter is, with its own .venv")
    parser.add_argument("--rounds", type=int, default=100, help="of about 15 s each (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, another history (default: %(default)s)")
    options = parser.parse_args(arguments)
    differing = compared = 0
    with tempfile.TemporaryDirectory(prefix="aws-support-exporter-side-by-side-") as folder:
        for number, (samples, different) in enumerate(
            rounds(options.checkout.absolute(), Path(folder), options.rounds, options.seed), 1
        ):
            compared, differing = compared + samples, differing + len(different)
            print(f"round {number}: {samples} samples, {len(different)} differ", flush=True)
            print("".join(f"  {line}\n" for line in different), end="", flush=True)
    print(f"{options.rounds} rounds, {compared:,} samples compared, {differing} differ")
    return int(differing > 0)


def rounds(checkout: Path, folder: Path, number: int, seed: int) -> Iterator[tuple[int, list[str]]]:
    """Yield for each round how many samples were compared, and which differed."""
    rng = random.Random(seed)  # noqa: S311 - a history that can be had again
    moment = [time.time()]
    fleet = Fleet.living(lambda: moment[0], accounts=ACCOUNTS, cases=CASES, seed=seed, pace=PACE)
    with both(fleet, checkout, folder) as (simulators, exporters):
        handles: list[FaultHandle] = []
        known: set[str] = set()
        before = [_page(exporter) for exporter in exporters]
        for _ in range(number):
            # In this order no exporter sees a state that the other does not.
            added = _faults(rng, simulators, fleet)
            with fleet.lock:
                began = moment[0] = time.time()
                if rng.random() < 1 / 3:
                    simulators[0].expire_sessions()
            for handle in handles:
                handle.remove()
            handles = added
            for exporter in exporters:
                exporter.reload()  # an account that waits for a person is polled at once, and accounts are listed again
            for exporter, page in zip(exporters, before, strict=True):
                _wait_until_polled(exporter, page, began)
            end = time.monotonic() + SETTLE
            while (different := _differences(exporters) - known) and time.monotonic() < end:
                time.sleep(0.5)
            known |= different
            before = [_page(exporter) for exporter in exporters]
            yield len(before[0].samples), sorted(different)


@contextmanager
def both(fleet: Fleet, checkout: Path, folder: Path) -> Iterator[tuple[list[Simulator], list[Exporter]]]:
    """Start the other exporter and this one, each with a simulator of its own over the same fleet."""
    with ExitStack() as stack:
        simulators = [stack.enter_context(Simulator(fleet, throttle=False)) for _ in range(2)]
        exporters = [
            stack.enter_context(Exporter(folder, CONFIG, simulator.environment(), name, checkout=where))
            for simulator, name, where in zip(simulators, ("other", "this"), (checkout, ROOT), strict=True)
        ]
        for exporter in exporters:
            exporter.wait_for_status("/-/ready", 200)
        wait_until(
            lambda: all(len(_page(exporter).up()) == ACCOUNTS for exporter in exporters) or None,
            PATIENCE,
            lambda: "not every account is shown",
        )
        yield simulators, exporters


def _faults(rng: random.Random, simulators: Sequence[Simulator], fleet: Fleet) -> list[FaultHandle]:
    """Put the same faults in force in each simulator."""
    chosen: list[tuple[FaultCase, Operation, str | None]] = []
    for account in fleet.accounts:
        if rng.random() < SHARE_OF_ACCOUNTS_WITH_FAULTS:
            operation = rng.choice(OF_AN_ACCOUNT)
            chosen.append((rng.choice([fault for fault in FAULTS if operation in fault.only]), operation, account.account_id))
    if rng.random() < SHARE_OF_LISTS_WITH_FAULTS:
        chosen.append((rng.choice([fault for fault in FAULTS if LIST_ACCOUNTS in fault.only]), LIST_ACCOUNTS, None))
    return [
        simulator.faults.add(Fault(fault.kind(), operation.name, account_id, None, operation.page, times=fault.times))
        for fault, operation, account_id in chosen
        for simulator in simulators
    ]


def _wait_until_polled(exporter: Exporter, before: Page, since: float) -> None:
    """Wait until an exporter has polled every account since then, with or without success."""
    failed = before.by_account("aws_support_account_poll_errors_total")
    waiting: set[str] = set()

    def polled() -> bool | None:
        exporter.check()
        page = _page(exporter)
        read, failures = (
            page.by_account(f"aws_support_account_{name}") for name in ("last_success_timestamp_seconds", "poll_errors_total")
        )
        waiting.clear()
        waiting.update(
            account_id
            for account_id in page.by_account("aws_support_account_info")
            if read.get(account_id, 0) <= since and failures.get(account_id, 0) <= failed.get(account_id, 0)
        )
        return not waiting or None

    wait_until(polled, PATIENCE, lambda: f"not polled: {sorted(waiting)}\n{exporter.stderr()}", pause_seconds=0.25)


def _page(exporter: Exporter) -> Page:
    return Page(fetch(f"{exporter.url}/metrics", {"Accept-Encoding": "gzip"}, timeout_seconds=30).text)


def _differences(exporters: Sequence[Exporter]) -> set[str]:
    """Return what the other exporter and this one show differently, itself apart."""
    other, this = (_shown(_page(exporter)) for exporter in exporters)
    return {
        f"{name}{dict(labels)}: {other.get((name, labels))} in the other, {this.get((name, labels))} here"
        for name, labels in other.keys() | this.keys()
        if not _alike(name, other.get((name, labels)), this.get((name, labels)))
    }


def _shown(page: Page) -> Mapping[Key, float]:
    shown = {
        (name, tuple(sorted(labels.items()))): 0.0 if name in WHEN_IT_POLLED else value for name, labels, value in page.samples
    }
    kinds = {(f"TYPE {family.name} {family.type}", ()): 1.0 for family in text_string_to_metric_families(page.text)}
    return {key: value for key, value in (shown | kinds).items() if not key[0].removeprefix("TYPE ").startswith(OF_ITSELF)}


def _alike(name: str, other: float | None, this: float | None) -> bool:
    if other is None or this is None:
        return other is this
    return other == this or (name.endswith(WITH_THE_CLOCK) and math.isclose(other, this, rel_tol=0.01, abs_tol=A_LITTLE))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
