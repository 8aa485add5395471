"""Measures from an event to the page that shows its account: `python -m bench.events`."""

import gzip
import random
import re
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Self

from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.support.page import Page
from tests.support.process import ExporterProcess

ACCOUNTS, CASES, LATENCY = 1000, 20, 0.1
A_SECOND, SECONDS = 20, 60
LOOK = 0.1
CONFIG = """
poll: {{interval: 1h, max_staleness: 2h}}
aws: {{role_name: AwsSupportExporter}}
organizations: [{{name: bench}}]
events: {{queue_url: "{url}"}}
"""
_OPENED = re.compile(
    rb'aws_support_cases_opened_total\{account_id="(\d+)".*?opened_by="customer".*?severity_code="normal"\} (\d+)'
)


class Watch:
    """Reads the page all the time, and notes when each account is first seen to have so many cases opened."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.seen: dict[tuple[str, int], float] = {}
        self.text = b""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        request = urllib.request.Request(f"{self._url}/metrics", headers={"Accept-Encoding": "gzip"})  # noqa: S310 - ours
        last = b""
        while not self._stop.wait(LOOK):
            with urllib.request.urlopen(request) as response:  # noqa: S310 - ours
                body = response.read()
            now = time.time()
            if body != last:
                last, self.text = body, gzip.decompress(body)
                for account_id, count in _OPENED.findall(self.text):
                    for each in range(1, int(count) + 1):
                        self.seen.setdefault((account_id.decode(), each), now)


def main() -> int:
    fleet = Fleet.uniform(time.time, accounts=ACCOUNTS, cases=CASES)
    events = fleet.send_events()
    with (
        tempfile.TemporaryDirectory() as folder,
        Simulator(fleet, latency_seconds=LATENCY, verify_signatures=False) as simulator,
    ):
        path = Path(folder) / "config.yaml"
        path.write_text(CONFIG.format(url=events.url))
        with ExporterProcess([f"--config.file={path}"], simulator.environment()) as exporter:
            exporter.wait_for(lambda text: text == "Ready.\n", 120, path="/-/ready")
            exporter.wait_for(lambda text: "event_queue_up 1.0" in text)
            with Watch(exporter.url) as watch:
                sent = _send(fleet)
                time.sleep(10)
                events.bodies.clear()
            shown = sorted(watch.seen.get(key, float("inf")) - at for key, at in sent.items())
            page = Page(watch.text.decode())
            print(
                f"{len(shown)} events: p50 {shown[len(shown) // 2]:.2f} s, p99 {shown[len(shown) * 99 // 100]:.2f} s, "
                f"longest {shown[-1]:.2f} s"
            )
            opened = page.total("aws_support_cases_opened_total")
            print(
                f"opened {opened:.0f} of {len(sent)}, by event {page.total('aws_support_changes_seen_total', by='event'):.0f}; "
                f"render {page.total('aws_support_exporter_render_duration_seconds'):.3f} s"
            )
            print(
                {le: page.total("aws_support_event_delay_seconds_bucket", le=le) for le in ("1.0", "2.0", "3.0", "5.0", "+Inf")}
            )
    return 0


def _send(fleet: Fleet) -> dict[tuple[str, int], float]:
    """Open a case twenty times a second, in accounts in turns, and return when each was, by account and number."""
    order = random.Random(0).sample(fleet.accounts, len(fleet.accounts))  # noqa: S311 - an order
    sent: dict[tuple[str, int], float] = {}
    began = time.time()
    for number in range(A_SECOND * SECONDS):
        time.sleep(max(0.0, began + number / A_SECOND - time.time()))
        account = order[number % len(order)]
        sent[account.account_id, 1 + number // len(order)] = time.time()
        account.add_case(body="Now.", severity_code="normal")
    return sent


if __name__ == "__main__":
    sys.exit(main())
