"""How long a small page takes to make, in this process: parsed answers in, bytes out."""

import time
from statistics import median

from exporter.aws.parse import cases_page
from exporter.cases.aggregate import open_cases
from exporter.cases.changes import baseline
from exporter.cases.model import Account, Reading
from exporter.cases.status import AccountStatus, Poll
from exporter.collector.store import USUAL
from exporter.config.schema import DEFAULT_FIRST_RESPONSE_TARGETS
from exporter.metrics.encode import TextFormat
from exporter.metrics.families import View
from exporter.metrics.instruments import Instruments
from exporter.metrics.page import Encoding, Page
from exporter.metrics.renderer import Renderer
from exporter.simulator import Fleet

_TIMES = 20


def milliseconds_of_small_page(least_series: int) -> tuple[int, float]:
    """Return the series of a page with at least so many of them, and the milliseconds until it is ready for Prometheus.

    Nothing is kept from a page before: it is what the first page takes.
    """
    accounts = 1
    while (series := _series(_page(statuses(accounts)))) < least_series:
        accounts += 1
    found = statuses(accounts)
    durations = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        _page(found).body(USUAL)
        durations.append(time.perf_counter() - began)
    return series, 1000 * median(durations)


def statuses(accounts: int) -> list[AccountStatus]:
    """Return what is known of accounts with three open cases each, read from a simulated AWS's answers."""
    now = time.time()
    made = []
    for account in Fleet.uniform(time.time, accounts=accounts, cases=3).accounts:
        body = b'{"cases":[%s]}' % b",".join(case.encoded(include_communications=True) for case in account.cases)
        reading = Reading(now, open_cases(cases_page(body, keep_subject=False).cases))
        status = AccountStatus(Account(account.account_id, account.name, "us-east-1", "aws"))
        made.append(status.after_success(reading, Poll(now, 0.1), baseline(reading, DEFAULT_FIRST_RESPONSE_TARGETS)))
    return made


def _page(found: list[AccountStatus]) -> Page:
    targets = DEFAULT_FIRST_RESPONSE_TARGETS
    return Renderer(View(3600, targets), Instruments(targets)).render(found, (), time.time())


def _series(page: Page) -> int:
    text = page.body(Encoding(TextFormat.PROMETHEUS, gzip=False)).whole().decode()
    return sum(not line.startswith("#") for line in text.splitlines())
