"""Scrapes a page over and over on one connection, as Prometheus does, in a process of its own: `python -m bench.scraping URL`.

Bodies are taken as they come, not unpacked: what is measured is the exporter. Prints an empty line when it begins, ends
when its standard input does, and then prints one line for each scrape: when it began and how long it took, in seconds.
"""

import http.client
import select
import subprocess
import sys
import time
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from bench.processes import ROOT

OPENMETRICS = "application/openmetrics-text;version=1.0.0"
PLAIN_TEXT = "text/plain;version=0.0.4"
GZIP = {"Accept": OPENMETRICS, "Accept-Encoding": "gzip"}
"""What Prometheus asks for."""
_OK = 200


class Scrape(NamedTuple):
    """One scrape: when it began on the monotonic clock, and how many seconds it took."""

    began: float
    duration: float


class Scrapers:
    """Processes that scrape a page until the `with` statement ends.

    Args:
        url: The exporter's.
        number: How many.
        pause: Seconds from an answer to the next scrape.
    """

    def __init__(self, url: str, number: int, pause: float) -> None:
        command = [sys.executable, "-m", "bench.scraping", url, str(pause)]
        self._processes = [
            subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own
            for _ in range(number)
        ]
        self.scrapes: list[Scrape] = []

    def __enter__(self) -> Self:
        for process in self._processes:
            assert process.stdout  # noqa: S101 - asked for a pipe
            process.stdout.readline()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for process in self._processes:
            output, _ = process.communicate("")
            if kind is None and process.returncode:
                raise RuntimeError("a scrape failed")
            self.scrapes += [Scrape(*map(float, line.split())) for line in output.splitlines()]


def quantile(scrapes: list[Scrape], q: float) -> float:
    """Return a quantile of the durations, in milliseconds."""
    ordered = sorted(scrape.duration for scrape in scrapes)
    return 1000 * ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def scrape(connection: http.client.HTTPConnection, headers: dict[str, str]) -> Scrape:
    """Scrape once."""
    began = time.monotonic()
    connection.request("GET", "/metrics", headers=headers)
    response = connection.getresponse()
    response.read()
    if response.status != _OK:
        raise RuntimeError(f"a scrape was answered with {response.status}")
    return Scrape(began, time.monotonic() - began)


def _main(url: str, pause: float) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    # The first one on a connection has its set-up in it, which Prometheus does once.
    scrape(connection, GZIP)
    print(flush=True)
    scrapes = []
    while not select.select([sys.stdin], [], [], pause)[0]:
        scrapes.append(scrape(connection, GZIP))
    sys.stdout.writelines(f"{began} {duration}\n" for began, duration in scrapes)


if __name__ == "__main__":
    _main(sys.argv[1], float(sys.argv[2]))
