"""Cases and what is known of accounts, made by hand or drawn by hypothesis."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from hypothesis import strategies as st

from exporter.cases.changes import Changes, baseline, changes
from exporter.cases.model import SEVERITY_CODES, Account, Author, Case, Communication, Reading, Reason, pack
from exporter.cases.status import AccountStatus, Poll
from exporter.cases.targets import SupportPlan, Targets
from exporter.cases.turns import first_by_aws, in_order, opened_by

NOW = 1_700_000_000.0
TARGETS = Targets(SupportPlan.ENTERPRISE, (("critical", 900.0), ("high", 14400.0), ("normal", 43200.0)))


def case(
    case_id: str = "case-1",
    *,
    status: str = "opened",
    severity_code: str = "normal",
    created: float | None = NOW - 1000,
    latest: Communication | None = None,
    first_aws: float | None = None,
    first_aws_known: bool = True,
    written: Sequence[Communication] = (),
) -> Case:
    return Case(
        case_id=case_id,
        display_id=case_id.removeprefix("case-"),
        status=status,
        severity_code=severity_code,
        service_code="amazon-elastic-compute-cloud-linux",
        category_code="other",
        language="en",
        created=created,
        latest=latest or (written[-1] if written else None),
        first_aws=first_aws,
        first_aws_known=first_aws_known,
        packed=pack(written),
    )


def case_of(*written: Communication, case_id: str = "case-1", status: str = "opened", severity_code: str = "normal") -> Case:
    """Return a case as all of its communications have it, opened with the first."""
    ordered = in_order(written)
    opener = opened_by(ordered)
    first = None if opener is Author.AWS else first_by_aws(ordered)
    made = case(
        case_id, status=status, severity_code=severity_code, created=ordered[0].created, first_aws=first, written=ordered
    )
    return replace(made, opened_by=opener)


def answered(created: float, at: float, case_id: str = "case-1", severity_code: str = "normal") -> Case:
    """Return a case that AWS answered at some time, and on which nobody wrote since."""
    return case(case_id, severity_code=severity_code, created=created, latest=Communication(at, Author.AWS), first_aws=at)


def written(*sides: tuple[float, Author]) -> list[Communication]:
    return [Communication(NOW + at, side) for at, side in sides]


def account(account_id: str = "111111111111", name: str = "", organization: str = "") -> AccountStatus:
    """Return what is known of an account that was never polled."""
    return AccountStatus(Account(account_id, name or account_id, "us-east-1", "aws", organization))


def read(before: AccountStatus, *cases: Case, at: float = NOW) -> AccountStatus:
    return before.after_success(Reading(at, cases), Poll(at, 0.5), Changes())


def failed(before: AccountStatus, reason: Reason = Reason.TIMEOUT, detail: str = "", *, at: float = NOW) -> AccountStatus:
    return before.after_failure(reason, Poll(at, 0.5, reason, detail))


def follow(*readings: Sequence[Case], step: float = 300.0) -> list[Changes]:
    """Return what is seen to change over successive readings, the baseline first."""
    taken = [Reading(NOW + step * number, tuple(cases)) for number, cases in enumerate(readings)]
    seen = [baseline(taken[0], TARGETS)]
    for before, after in pairwise(taken):
        seen.append(changes(before, after, seen[-1].watched, TARGETS))
    return seen


# Few, so that they meet; with what has to be escaped, and what UTF-8 has in other places than ASCII.
words = st.sampled_from(["a", "b", 'say "x"\\n', "two\nlines\\", "\u2028\x85 \x7f", "\U0001f600{,}="])
# Long ago, or so near that targets are about to pass.
times = (st.floats(NOW - 1e8, NOW + 1e4) | st.floats(NOW - 5000, NOW + 100)).map(lambda at: round(at, 3))
communications = st.builds(Communication, times, st.sampled_from(Author))
cases = st.builds(
    Case,
    case_id=st.uuids().map(str),
    display_id=st.sampled_from(["1", "2", "3"]) | words,
    status=st.sampled_from(["opened", "resolved", "reopened", "pending-customer-action"]) | words,
    severity_code=st.sampled_from(SEVERITY_CODES) | words,
    service_code=st.sampled_from(["service-eks", "general-info"]),
    category_code=words,
    language=st.just("en"),
    created=st.none() | times,
    latest=st.none() | communications,
    first_aws=st.none() | times,
    first_aws_known=st.booleans(),
    subject=st.just("") | words,
)
fleets = st.lists(cases, max_size=6)
