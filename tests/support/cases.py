"""Cases for tests, made by hand or drawn by hypothesis."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st

from exporter.cases.model import SEVERITY_CODES, Author, Case, Communication, pack
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
    """Return a case with what matters to a test."""
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


# What can stand in a label: anything that UTF-8 can carry. NUL is replaced at the border.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
# Long ago, or so near that targets are about to pass.
times = (st.floats(NOW - 1e8, NOW + 1e4) | st.floats(NOW - 5000, NOW + 100)).map(lambda at: round(at, 3))
communications = st.builds(Communication, times, st.sampled_from(Author))
cases = st.builds(
    Case,
    case_id=st.uuids().map(str),
    display_id=st.sampled_from(["1", "2", "3"]) | texts,
    status=st.sampled_from(["opened", "resolved", "reopened", "pending-customer-action"]) | texts,
    severity_code=st.sampled_from(SEVERITY_CODES) | texts,
    service_code=st.sampled_from(["service-eks", "general-info"]) | texts,
    category_code=texts,
    language=st.sampled_from(["en", "ja"]),
    created=st.none() | times,
    latest=st.none() | communications,
    first_aws=st.none() | times,
    first_aws_known=st.booleans(),
    subject=st.just("") | texts,
)
fleets = st.lists(cases, max_size=12)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Case], list[Case]]:
    """Return an account's cases at two moments: some stay, as they were or changed, some go, and some are new."""
    before, new = draw(fleets), draw(fleets)
    stay = [one for one in before if draw(st.booleans())]
    after = [replace(draw(cases), case_id=one.case_id) if draw(st.booleans()) else one for one in stay]
    return before, [*after, *new]
