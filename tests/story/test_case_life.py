"""The life of a case, told over the wire: every metric after every step."""

from collections.abc import Callable

from exporter.metrics.catalog import CASE_METRICS, INSTRUMENTS
from exporter.simulator.account import Account
from exporter.simulator.case import Case
from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.resilience.conftest import StartRig
from tests.support.clock import START
from tests.support.page import Page

A = "111122223333"
HOUR = 3600.0
TOLD_APART = ("status", "last_author")
Steps = dict[str, tuple[float, Callable[[Account], object]]]
CASES = "metrics: {cases: {enabled: true}}\n"

WHOLE_LIFE = """\
                                                  before  opened   late    AWS  customer  AWS again  resolved  reopened
account_open_cases                                     0       1      1      1         1          1         0         1
case_created_timestamp_seconds                         .       0      0      0         0          0         .         0
case_info opened,aws                                   .       .      .      1         .          1         .         .
case_info opened,customer                              .       1      1      .         1          .         .         .
case_info reopened,aws                                 .       .      .      .         .          .         .         1
case_latest_communication_timestamp_seconds            .       0      0  18000     21600      25200         .     25200
case_open_duration_seconds_count                       0       0      0      0         0          0         1         1
case_open_duration_seconds_sum                         0       0      0      0         0          0     32400     32400
case_series_dropped                                    0       0      0      0         0          0         0         0
cases_opened_total                                     0       1      1      1         1          1         1         1
cases_reopened_total                                   0       0      0      0         0          0         0         1
cases_resolved_total                                   0       0      0      0         0          0         1         1
first_response_breaches_total                          0       0      1      1         1          1         1         1
first_response_overdue_cases                           0       0      1      0         0          0         0         0
first_response_seconds_count                           0       0      0      1         1          1         1         1
first_response_seconds_sum                             0       0      0  18000     18000      18000     18000     18000
latest_communication_age_seconds opened,aws            .       .      .   3600         .       3600         .         .
latest_communication_age_seconds opened,customer       .    3600  18000      .      3600          .         .         .
latest_communication_age_seconds reopened,aws          .       .      .      .         .          .         .     10800
latest_communication_timestamp_seconds aws             .       .      .  18000         .      25200         .     25200
latest_communication_timestamp_seconds customer        .       0      0      .     21600          .         .         .
oldest_open_case_created_timestamp_seconds             .       0      0      0         0          0         .         0
oldest_unanswered_case_created_timestamp_seconds       .       0      0      .         .          .         .         .
open_cases opened,aws                                  .       .      .      1         .          1         .         .
open_cases opened,customer                             .       1      1      .         1          .         .         .
open_cases reopened,aws                                .       .      .      .         .          .         .         1
unanswered_cases                                       0       1      1      0         0          0         0         0"""


def series(page: Page) -> dict[str, float]:
    """Return every series about high-severity cases by name and what tells it apart; times count from the story's start."""
    told: dict[str, float] = {}
    for name, labels, value in page.samples:
        if name.startswith("aws_support_") and labels.get("severity_code", "high") == "high" and "le" not in labels:
            apart = ",".join(labels[label] for label in TOLD_APART if label in labels)
            title = f"{name.removeprefix('aws_support_')} {apart}".strip()
            told[title] = value - START if "timestamp" in name else value
    return told


def story(steps: dict[str, Page]) -> str:
    """Return a table of every series of cases, a row each, with a column for each step; a dot where there is none."""
    wanted = {metric.name.removeprefix("aws_support_") for metric in (*CASE_METRICS, *INSTRUMENTS)}
    columns = [series(page) for page in steps.values()]
    names = sorted(
        name
        for name in {name for column in columns for name in column}
        if any(name.split(" ")[0].removesuffix(end) in wanted for end in ("", "_count", "_sum")) and not name.startswith("api_")
    )
    rows = [("", *steps), *((name, *(f"{column[name]:g}" if name in column else "." for column in columns)) for name in names)]
    widths = [max(len(row[index]) for row in rows) for index in range(len(steps) + 1)]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        ).rstrip()
        for row in rows
    )


def tell(rig: StartRig, account: Account, steps: Steps) -> dict[str, Page]:
    """Return the page after each step of a story: something happens, hours pass, and the account is read."""
    running = rig(A, rest=CASES, poll="interval: 10s, max_staleness: 30d")
    pages = {"before": running.round()}
    for title, (hours, happens) in steps.items():
        happens(account)
        pages[title] = running.after(hours * HOUR)
    return pages


def test_a_case_waits_is_answered_late_and_resolved_and_comes_back(simulator: Simulator, fleet: Fleet, rig: StartRig) -> None:
    del simulator
    account = fleet.add_account(account_id=A)
    steps: Steps = {
        "opened": (1, lambda account: account.add_case(body="help", severity_code="high")),
        "late": (4, lambda _: None),
        "AWS": (1, lambda account: account.cases[0].add_communication()),
        "customer": (1, lambda account: account.cases[0].add_communication(submitted_by="Customer")),
        "AWS again": (1, lambda account: account.cases[0].add_communication()),
        "resolved": (1, lambda account: account.cases[0].resolve()),
        "reopened": (1, lambda account: account.cases[0].reopen()),
    }
    assert story(tell(rig, account, steps)) == WHOLE_LIFE


FIRST_RESPONSE = (
    "unanswered_cases",
    "first_response_overdue_cases",
    "first_response_breaches_total",
    "first_response_seconds_count",
    "first_response_seconds_sum",
)


def told(pages: dict[str, Page], severity_code: str) -> list[tuple[str, ...]]:
    """Return what each page says of first responses: unanswered, overdue, breaches, responses, their seconds."""
    return [
        (title, *(f"{page.total(f'aws_support_{name}', severity_code=severity_code):g}" for name in FIRST_RESPONSE))
        for title, page in pages.items()
    ]


def by_customer(case: Case, count: int) -> None:
    for _ in range(count):
        case.add_communication("Any news?", submitted_by="Customer")


def test_a_target_passes_between_two_readings_and_is_a_breach_at_the_next(
    simulator: Simulator, fleet: Fleet, rig: StartRig
) -> None:
    fleet.add_account(account_id=A).add_case(body="help", severity_code="critical")
    running = rig(A, poll="interval: 1h, max_staleness: 2h")
    pages = {"read": running.round()}
    for minutes in (14, 2):
        running.clock.advance(60 * minutes)
        pages[f"{minutes} minutes on"] = running.page()
    assert simulator.log.counts()["DescribeCases"] == 1
    pages["read again"] = running.after(2 * HOUR)
    assert told(pages, "critical") == [
        ("read", "1", "0", "0", "0", "0"),
        ("14 minutes on", "1", "0", "0", "0", "0"),
        ("2 minutes on", "1", "1", "0", "0", "0"),
        ("read again", "1", "1", "1", "0", "0"),
    ]


def test_an_early_answer_stays_the_first_whatever_follows_late(simulator: Simulator, fleet: Fleet, rig: StartRig) -> None:
    account = fleet.add_account(account_id=A)
    pages = tell(
        rig,
        account,
        {
            "opened": (1, lambda account: account.add_case(body="help", severity_code="high")),
            "answered": (1, lambda account: account.cases[0].add_communication()),
            "followed up": (90, lambda account: account.cases[0].add_communication()),
            "buried": (1, lambda account: by_customer(account.cases[0], 9)),
        },
    )
    assert told(pages, "high") == [
        ("before", "0", "0", "0", "0", "0"),
        ("opened", "1", "0", "0", "0", "0"),
        ("answered", "0", "0", "0", "1", "3600"),
        ("followed up", "0", "0", "0", "1", "3600"),
        ("buried", "0", "0", "0", "1", "3600"),
    ]
    assert simulator.log.counts().get("DescribeCommunications", 0) == 0, "what is known was asked for"


def test_a_raised_severity_brings_its_own_target(simulator: Simulator, fleet: Fleet, rig: StartRig) -> None:
    del simulator
    account = fleet.add_account(account_id=A)

    def raised(account: Account) -> None:
        account.cases[0].severity_code = "critical"

    pages = tell(
        rig,
        account,
        {
            "opened": (1, lambda account: account.add_case(body="help", severity_code="low")),
            "raised": (1, raised),
            "answered": (1, lambda account: account.cases[0].add_communication()),
        },
    )
    assert told(pages, "low") == [
        ("before", "0", "0", "0", "0", "0"),
        ("opened", "1", "0", "0", "0", "0"),
        ("raised", "0", "0", "0", "0", "0"),
        ("answered", "0", "0", "0", "0", "0"),
    ]
    assert told(pages, "critical") == [
        ("before", "0", "0", "0", "0", "0"),
        ("opened", "0", "0", "0", "0", "0"),
        ("raised", "1", "1", "1", "0", "0"),
        ("answered", "0", "0", "1", "1", "7200"),
    ]
