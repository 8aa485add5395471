"""From an account's status to the samples and lines of its part of the page."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from exporter.cases import aggregate
from exporter.cases.changes import MET, MISSED, OPENED, OUTCOME, REOPENED, WRITTEN, FirstResponse, Tally
from exporter.cases.model import RESOLVED, SEVERITY_CODES, Account, Author, Case
from exporter.cases.policy import Policy
from exporter.cases.status import AccountStatus
from exporter.metrics import catalog, exposition
from exporter.metrics.catalog import Metric

NAMES = "\0"  # so accounts share most lines; no value of a label has this character


class Sample(NamedTuple):
    """One value of one metric with its labels; those that name an account are left out."""

    metric: Metric
    labels: Mapping[str, str]
    value: float


_CacheKey = tuple[Account, tuple[Case, ...] | None, Tally | None]
"""An account, its cases (None when none may be shown) and its tally (None before its first reading)."""


@dataclass(frozen=True, slots=True)
class CaseLines:
    """The lines of one account's cases, valid from one moment to another (Unix seconds): a case passes its target then."""

    key: _CacheKey  # what they were made from
    families: tuple[bytes, ...]  # of each metric in `catalog.CASE_METRICS`
    ages: tuple[tuple[str, int], ...]  # start of line and Unix time (ms) of each sample whose value moves with the clock
    valid_from: float
    valid_until: float

    def is_current(self, key: _CacheKey, now: float) -> bool:
        """Return whether they are still what the key comes to; a clock may have been set back."""
        account, cases, tally = key
        same = account == self.key[0] and cases is self.key[1] and tally is self.key[2]
        return same and self.valid_from <= now <= self.valid_until


@dataclass(frozen=True, slots=True)
class AccountLines:
    """One account's lines, with NAMES in place of the labels that name it; valid from one moment to another (Unix seconds)."""

    status: AccountStatus
    names: bytes
    cases: CaseLines
    families: tuple[bytes, ...]  # of each metric in `catalog.ACCOUNT_METRICS`
    valid_from: float
    valid_until: float

    def is_current(self, status: AccountStatus, now: float) -> bool:
        return self.status is status and self.valid_from <= now <= self.valid_until


def account_lines(status: AccountStatus, policy: Policy, now: float, before: AccountLines | None = None) -> AccountLines:
    """Encode one account's part of a page at `now` (Unix seconds); lines of cases that did not change are kept."""
    reading = status.shown_reading(now, policy.max_staleness)
    tally = None if status.last_success is None else status.tally
    key = (status.account, None if reading is None else reading.cases, tally)
    kept = before is not None and before.cases.is_current(key, now)
    cases = before.cases if before is not None and kept else _case_lines(key, status.watched, policy, now)
    stale_at = float("inf") if reading is None or status.last_success is None else status.last_success + policy.max_staleness
    health = _encoded(_samples_of_health(status), catalog.HEALTH_METRICS)
    names = ",".join(exposition.label_pairs(naming(status.account)))
    return AccountLines(status, names.encode(), cases, cases.families + health, now, min(stale_at, cases.valid_until))


def _case_lines(key: _CacheKey, watched: Mapping[str, FirstResponse], policy: Policy, now: float) -> CaseLines:
    account, cases, tally = key
    counted = () if tally is None else tuple(_tally_samples(tally))
    if cases is None:
        return CaseLines(key, _encoded(counted, catalog.CASE_METRICS), (), now, float("inf"))
    groups = [(group._asdict(), found) for group, found in aggregate.group_cases(cases).items()]
    age = catalog.LATEST_COMMUNICATION_AGE.name
    ages = tuple(
        (exposition.line_start(age, tuple(labels.items()), NAMES), round(1000 * found.quiet_since))
        for labels, found in groups
        if found.quiet_since is not None
    )
    due = aggregate.due(cases, account.targets, watched)
    samples = (
        *(Sample(catalog.OPEN_CASES, labels, found.count) for labels, found in groups),
        *_moment_samples(cases, [case for case in cases if case.case_id in due]),
        *_severity_samples(cases, [case for case in cases if due.get(case.case_id, now) < now]),
        *counted,
        *(() if policy.case_limit is None else _case_samples(cases, policy.case_limit, subjects=policy.subjects)),
    )
    next_due = min((at for at in due.values() if at >= now), default=float("inf"))
    return CaseLines(key, _encoded(samples, catalog.CASE_METRICS), ages, now, next_due)


def _encoded(samples: Iterable[Sample], metrics: Iterable[Metric]) -> tuple[bytes, ...]:
    lines: dict[Metric, list[str]] = {metric: [] for metric in metrics}
    for metric, labels, value in samples:
        lines[metric].append(exposition.line(metric.name, labels, value, NAMES))
    return tuple(_shared("".join(family).encode()) for family in lines.values())


_shared = lru_cache(maxsize=4096)(bytes)  # of most accounts most counts are zero


def naming(account: Account) -> Iterable[tuple[str, str]]:
    """Return the labels that name an account."""
    return zip(catalog.ACCOUNT, (account.account_id, account.name, account.region), strict=True)


def info_labels(account: Account) -> dict[str, str]:
    info = {"partition": account.partition, "organization": account.organization, "plan": account.targets.plan}
    owner = {"organizational_unit": account.organizational_unit, **{f"label_{k}": v for k, v in account.all_labels.items()}}
    return info | owner


def _samples_of_health(status: AccountStatus) -> Iterator[Sample]:
    account = status.account
    yield Sample(catalog.ACCOUNT_INFO, info_labels(account), 1)
    for severity_code, seconds in account.targets.by_severity:
        yield Sample(catalog.FIRST_RESPONSE_TARGET, {"severity_code": severity_code}, seconds)
    if status.last_poll is not None:
        yield Sample(catalog.ACCOUNT_UP, {}, status.last_poll.succeeded)
        yield Sample(catalog.ACCOUNT_POLL_DURATION, {}, status.last_poll.duration)
        if status.last_poll.reason is not None:
            yield Sample(catalog.ACCOUNT_FAILURE, {"reason": status.last_poll.reason}, 1)
    if status.supported is not None:
        yield Sample(catalog.ACCOUNT_SUPPORTED, {}, status.supported)
    if status.last_success is not None:
        yield Sample(catalog.ACCOUNT_LAST_SUCCESS, {}, status.last_success)
    for reason, count in sorted(status.errors.items()):
        yield Sample(catalog.ACCOUNT_POLL_ERRORS, {"reason": reason}, count)


def _moment_samples(cases: Sequence[Case], awaited: Sequence[Case]) -> Iterator[Sample]:
    for (severity_code, author, side), since in aggregate.quiet_since_by_side(cases).items():
        labels = {"severity_code": severity_code, "last_author": author, "waiting_on": side}
        yield Sample(catalog.LATEST_COMMUNICATION_TIMESTAMP, labels, since)
    for (severity_code, side), since in aggregate.waiting_since_by_side(cases).items():
        yield Sample(catalog.OLDEST_WAITING_SINCE, {"severity_code": severity_code, "waiting_on": side}, since)
    for metric, some in ((catalog.OLDEST_OPEN_CASE, cases), (catalog.OLDEST_UNANSWERED_CASE, awaited)):
        for severity_code, created in aggregate.oldest_by_severity(some).items():
            yield Sample(metric, {"severity_code": severity_code}, created)


def _severity_samples(cases: Sequence[Case], overdue: Sequence[Case]) -> Iterator[Sample]:
    for metric, counted in (
        (catalog.ACCOUNT_OPEN_CASES, cases),
        (catalog.UNANSWERED_CASES, [case for case in cases if case.is_unanswered]),
        (catalog.FIRST_RESPONSE_OVERDUE, overdue),
    ):
        for severity_code, count in aggregate.count_by_severity(counted).items():
            yield Sample(metric, {"severity_code": severity_code}, count)


def _tally_samples(tally: Tally) -> Iterator[Sample]:
    severities, sides = [(code,) for code in SEVERITY_CODES], [(author.value,) for author in Author]
    for metric, kind, always in (
        (catalog.FIRST_RESPONSES, OUTCOME, product(SEVERITY_CODES, (MET, MISSED))),
        (catalog.CASES_OPENED, OPENED, product(SEVERITY_CODES, Author)),
        (catalog.CASES_RESOLVED, RESOLVED, severities),
        (catalog.CASES_REOPENED, REOPENED, severities),
        (catalog.COMMUNICATIONS, WRITTEN, sides),
    ):
        counts = dict.fromkeys(always, 0) | {
            event[1:]: count for event, count in sorted(tally.counts.items()) if event[0] == kind
        }
        for values, count in counts.items():
            yield Sample(metric, dict(zip(metric.labels[len(catalog.ACCOUNT) :], values, strict=True)), count)


def _case_samples(cases: tuple[Case, ...], limit: int, *, subjects: bool) -> Iterator[Sample]:
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
            "waiting_on": case.waiting_on,
        }
        subject = {"subject": case.subject} if subjects and case.subject else {}
        yield Sample(catalog.CASE_INFO, labels | subject, 1)
        one = {"display_id": case.display_id}
        if case.created is not None:
            yield Sample(catalog.CASE_CREATED, one, case.created)
        if case.last_activity is not None:
            yield Sample(catalog.CASE_LATEST_COMMUNICATION, one, case.last_activity)
    yield Sample(catalog.CASE_SERIES_DROPPED, {}, len(oldest_first) - len(shown))
