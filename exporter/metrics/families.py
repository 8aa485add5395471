"""From an account's status to the samples and lines of its part of the page."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from exporter.cases import aggregate
from exporter.cases.changes import Tally
from exporter.cases.model import SEVERITY_CODES, Account, Case
from exporter.cases.status import AccountStatus
from exporter.metrics import catalog, encode
from exporter.metrics.metric import Metric


class Sample(NamedTuple):
    """One value of one metric with its label values."""

    metric: Metric
    labels: Mapping[str, str]
    value: float


class Moment(NamedTuple):
    """A sample whose value is the age of a moment: it moves with the clock, its labels do not."""

    metric: Metric
    labels: Mapping[str, str]
    since: float


@dataclass(frozen=True, slots=True)
class View:
    """How cases are to be shown.

    Attributes:
        max_staleness: For how many seconds the last good cases of a failing account are shown.
        targets: First-response targets in seconds, by severity code.
        case_limit: How many cases of an account have series of their own, or None for no such series at all.
        subjects: Whether these carry the subject line.
    """

    max_staleness: float
    targets: Mapping[str, float]
    case_limit: int | None = None
    subjects: bool = False


_MadeFrom = tuple[Account, tuple[Case, ...] | None, Tally]


@dataclass(frozen=True, slots=True)
class CaseLines:
    """The encoded part of a page that an account's cases make up.

    Attributes:
        made_from: The account, its cases (None when none may be shown) and its tally.
        lines: The encoded lines of each metric of cases, in the order of the catalogue.
        ages: Start of line and Unix time of each sample whose value is an age.
        made_at: When they were made (Unix seconds). They say nothing of the time before, to which a clock may be set back.
        valid_until: When a case passes its target, so that the lines must be made anew (Unix seconds).
    """

    made_from: _MadeFrom
    lines: tuple[bytes, ...]
    ages: tuple[tuple[str, float], ...]
    made_at: float
    valid_until: float


@dataclass(frozen=True, slots=True)
class AccountLines:
    """One account's encoded part of a page.

    Attributes:
        status: What the lines were made from.
        cases: The part that its cases make up.
        health: The encoded lines of each metric of its health, in the order of the catalogue.
        made_at: When the lines were made (Unix seconds).
        valid_until: When the lines must be made anew although nothing was read (Unix seconds).
    """

    status: AccountStatus
    cases: CaseLines
    health: tuple[bytes, ...]
    made_at: float
    valid_until: float

    @property
    def lines(self) -> tuple[bytes, ...]:
        """The encoded lines of each metric with an account's labels, in the order of the catalogue."""
        return self.cases.lines + self.health

    def hold(self, status: AccountStatus, now: float) -> bool:
        """Return whether the lines are still what `status` comes to at `now`."""
        return self.status is status and self.made_at <= now <= self.valid_until


def account_lines(status: AccountStatus, view: View, now: float, before: AccountLines | None = None) -> AccountLines:
    """Encode one account's part of a page.

    Args:
        status: What is known of the account.
        view: How cases are to be shown.
        now: Unix seconds.
        before: The account's part of the page before; what its cases make up is kept where they are the same.
    """
    reading = status.shown_reading(now, view.max_staleness)
    made_from = (status.account, None if reading is None else reading.cases, status.tally)
    kept = before.cases if before is not None and _same(before.cases, made_from, now) else None
    stale_at = float("inf") if reading is None or status.last_success is None else status.last_success + view.max_staleness
    case_lines = kept or _case_lines(made_from, view, now)
    return AccountLines(
        status=status,
        cases=case_lines,
        health=_encoded(_samples_of_health(status), catalog.HEALTH_METRICS),
        made_at=now,
        valid_until=min(stale_at, case_lines.valid_until),
    )


def _same(lines: CaseLines, made_from: _MadeFrom, now: float) -> bool:
    account, cases, tally = lines.made_from
    same = account == made_from[0] and cases is made_from[1] and tally is made_from[2]
    return same and lines.made_at <= now <= lines.valid_until


def _case_lines(made_from: _MadeFrom, view: View, now: float) -> CaseLines:
    account, cases, tally = made_from
    samples = () if cases is None else _samples_of_cases(account, cases, tally, view, now)
    moments = _moments(cases or (), _names(account))
    return CaseLines(
        made_from=made_from,
        lines=_encoded(samples, catalog.CASE_METRICS),
        ages=tuple((encode.line_start(metric.name, labels), since) for metric, labels, since in moments),
        made_at=now,
        valid_until=aggregate.next_due(cases or (), view.targets, now),
    )


def _encoded(samples: Iterable[Sample], metrics: Iterable[Metric]) -> tuple[bytes, ...]:
    lines: dict[Metric, list[str]] = {metric: [] for metric in metrics}
    for metric, labels, value in samples:
        lines[metric].append(encode.line(metric.name, labels, value))
    return tuple("".join(family).encode() for family in lines.values())


def age(since: float, now: float) -> float:
    """Return an age in seconds, to the millisecond; never negative, though AWS's clock be ahead of ours."""
    return max(0.0, round(now - since, 3))


def _names(account: Account) -> dict[str, str]:
    return {"account_id": account.account_id, "account_name": account.name, "region": account.region}


def _moments(cases: tuple[Case, ...], names: dict[str, str]) -> Iterator[Moment]:
    for key, group in aggregate.group_cases(cases).items():
        if group.quiet_since is not None:
            yield Moment(catalog.LATEST_COMMUNICATION_AGE, names | key._asdict(), group.quiet_since)


def _samples_of_cases(account: Account, cases: tuple[Case, ...], tally: Tally, view: View, now: float) -> Iterator[Sample]:
    names = _names(account)
    yield from _group_samples(cases, names)
    yield from _severity_samples(cases, names, view.targets, now)
    yield from _tally_samples(tally, names)
    if view.case_limit is not None:
        yield from _case_samples(cases, names, view.case_limit, subjects=view.subjects)


def _samples_of_health(status: AccountStatus) -> Iterator[Sample]:
    account = status.account
    names = _names(account)
    extra = {f"label_{name}": value for name, value in account.labels}
    info = names | {"partition": account.partition, "organization": account.organization} | extra
    yield Sample(catalog.ACCOUNT_INFO, info, 1)
    if status.last_poll is not None:
        yield Sample(catalog.ACCOUNT_UP, names, status.last_poll.succeeded)
        yield Sample(catalog.ACCOUNT_POLL_DURATION, names, status.last_poll.duration)
        if status.last_poll.reason is not None:
            yield Sample(catalog.ACCOUNT_FAILURE, names | {"reason": status.last_poll.reason}, 1)
    if status.supported is not None:
        yield Sample(catalog.ACCOUNT_SUPPORTED, names, status.supported)
    if status.last_success is not None:
        yield Sample(catalog.ACCOUNT_LAST_SUCCESS, names, status.last_success)
    for reason, count in sorted(status.errors.items()):
        yield Sample(catalog.ACCOUNT_POLL_ERRORS, names | {"reason": reason}, count)


def _group_samples(cases: tuple[Case, ...], names: dict[str, str]) -> Iterator[Sample]:
    for key, group in aggregate.group_cases(cases).items():
        yield Sample(catalog.OPEN_CASES, names | key._asdict(), group.count)
    for (severity_code, author), since in aggregate.quiet_since_by_severity_and_author(cases).items():
        labels = names | {"severity_code": severity_code, "last_author": author}
        yield Sample(catalog.LATEST_COMMUNICATION_TIMESTAMP, labels, since)
    for metric, some in ((catalog.OLDEST_OPEN_CASE, cases), (catalog.OLDEST_UNANSWERED_CASE, aggregate.unanswered(cases))):
        for severity_code, created in aggregate.oldest_by_severity(some).items():
            yield Sample(metric, names | {"severity_code": severity_code}, created)


def _severity_samples(
    cases: tuple[Case, ...], names: dict[str, str], targets: Mapping[str, float], now: float
) -> Iterator[Sample]:
    for metric, counted in (
        (catalog.ACCOUNT_OPEN_CASES, cases),
        (catalog.UNANSWERED_CASES, aggregate.unanswered(cases)),
        (catalog.FIRST_RESPONSE_OVERDUE, aggregate.overdue(cases, targets, now)),
    ):
        for severity_code, count in aggregate.count_by_severity(counted).items():
            yield Sample(metric, names | {"severity_code": severity_code}, count)


def _tally_samples(tally: Tally, names: dict[str, str]) -> Iterator[Sample]:
    for metric, counts in (
        (catalog.FIRST_RESPONSE_BREACHES, tally.breached),
        (catalog.CASES_OPENED, tally.opened),
        (catalog.CASES_RESOLVED, tally.resolved),
        (catalog.CASES_REOPENED, tally.reopened),
    ):
        for severity_code in (*SEVERITY_CODES, *sorted(counts.keys() - SEVERITY_CODES)):
            yield Sample(metric, names | {"severity_code": severity_code}, counts.get(severity_code, 0))


def _case_samples(cases: tuple[Case, ...], names: dict[str, str], limit: int, *, subjects: bool) -> Iterator[Sample]:
    oldest_first = sorted(cases, key=lambda case: (case.created or 0.0, case.case_id))
    # Two cases without a display id would be one series.
    told_apart = {case.display_id: case for case in reversed(oldest_first)}
    shown = [case for case in oldest_first if told_apart[case.display_id] is case][:limit]
    for case in shown:
        labels = {
            "display_id": case.display_id,
            "status": case.status,
            "severity_code": case.severity_code,
            "service_code": case.service_code,
            "category_code": case.category_code,
            "language": case.language,
            "last_author": case.last_author,
        }
        subject = {"subject": case.subject} if subjects and case.subject else {}
        yield Sample(catalog.CASE_INFO, names | labels | subject, 1)
        one = names | {"display_id": case.display_id}
        if case.created is not None:
            yield Sample(catalog.CASE_CREATED, one, case.created)
        if case.last_activity is not None:
            yield Sample(catalog.CASE_LATEST_COMMUNICATION, one, case.last_activity)
    yield Sample(catalog.CASE_SERIES_DROPPED, names, len(oldest_first) - len(shown))
