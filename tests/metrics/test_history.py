"""The past as OpenMetrics: each series at each moment of a grid."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from math import inf

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families as parse

from exporter.cases.changes import MET, OPENED, OUTCOME, Changes
from exporter.cases.history import ANSWERED, REPLIED, Milestone
from exporter.cases.model import RESOLVED, Account, Reading
from exporter.cases.policy import Policy
from exporter.cases.status import AccountStatus, Poll
from exporter.metrics.catalog import Metric
from exporter.metrics.exposition import TextFormat, header
from exporter.metrics.history import METRICS, Histograms, Stretch, account_lines
from exporter.metrics.instrumentation import Instrumentation, buckets
from exporter.metrics.renderer import Renderer
from tests.support.page import Page, plain

GRID = range(1000, 1031, 10)
LABELS = {"job": 'a "job"', "instance": "host:10047"}
ACCOUNT = Account("111111111111", "pay\\ments", "us-east-1", "aws", "acme", (("team", "a"),))
WHOLE = Stretch(GRID, 0, len(GRID), tuple(LABELS.items()))
FEW_BUCKETS = dict.fromkeys(buckets(()), (10.0, inf))
EVERYTHING = [
    Milestone(1005.5, (OPENED, "normal", "aws")),
    Milestone(1015.0, (OUTCOME, "normal", MET)),
    Milestone(1015.0, (ANSWERED, "normal"), 9.5),
    Milestone(1016.0, (REPLIED, "normal", "customer"), 100.0),
    Milestone(1025.0, (RESOLVED, "normal"), 3_000_000.0),
]


def text_of(
    happened: Sequence[Milestone],
    *stretches: Stretch,
    bounds: Mapping[Metric, Sequence[float]] = FEW_BUCKETS,
    said: bool = True,
) -> dict[Metric, str]:
    histograms, found = Histograms(bounds, communications=said), defaultdict[Metric, str](str)
    for stretch in stretches:
        placed = list(stretch.placed(happened))
        histograms.observe(placed, stretch)
        for metric, text in (*account_lines(ACCOUNT, placed, stretch), *histograms.lines(stretch)):
            found[metric] += text
    return found


def page_of(texts: dict[Metric, str]) -> Page:
    heads = {metric: header(metric.family, metric.kind, metric.help, TextFormat.PROMETHEUS).decode() for metric in texts}
    return Page("".join(heads[metric] + lines for metric, lines in texts.items()))


def test_a_series_has_at_each_moment_what_happened_by_then_and_counters_begin_at_zero() -> None:
    opened = [Milestone(at, (OPENED, "normal", "customer")) for at in (995.0, 1010.0, 1010.1, 1030.1)]
    texts = text_of([*opened, Milestone(1020.0, (RESOLVED, "normal"), 35.0)], WHOLE)
    page = page_of(texts)
    for name, expected in {
        "account_open_cases": [1, 2, 2, 2],
        "cases_opened_total": [0, 1, 2, 2],
        "cases_resolved_total": [0, 0, 1, 1],
        "case_open_duration_seconds_count": [0, 0, 1, 1],
    }.items():
        assert page.values(f"aws_support_{name}", severity_code="normal", **LABELS) == expected
    times = Counter(line.split()[-1] for lines in texts.values() for line in lines.splitlines())
    assert list(times) == [str(moment) for moment in GRID]
    assert len(set(times.values())) == 1


def test_the_labels_of_the_past_are_those_of_the_present() -> None:
    instrumentation = Instrumentation([900.0])
    status = AccountStatus(ACCOUNT).after_success(Reading(1000.0, ()), Poll(1000.0, 1.0), Changes())
    page = plain(Renderer(instrumentation.encode).render([status], Policy(1800.0), [], 1000.0))
    live = {(each.name, frozenset((each.labels | LABELS).items())) for family in parse(page) for each in family.samples}
    past = {
        (name, frozenset(own.items())) for name, own, _ in page_of(text_of(EVERYTHING, WHOLE, bounds=buckets([900.0]))).samples
    }
    assert {sample for sample in past if not sample[0].endswith(":increase1h")} <= live
    assert {name.removesuffix("_bucket") for name, _ in past} >= {metric.name for metric in METRICS}


def test_a_counter_that_counted_nothing_has_no_past_and_open_cases_have_one_of_zeros() -> None:
    found = text_of([], WHOLE)
    assert {metric.name for metric in found if metric.kind != "histogram"} == {
        "aws_support_account_open_cases",
        "aws_support_account_info",
    }
    assert page_of(found).values("aws_support_account_open_cases") == [0] * len(GRID) * 5


def test_what_rules_record_has_at_the_end_of_each_hour_what_happened_in_it() -> None:
    grid = range(36000, 43201, 1200)
    opened = [Milestone(at, (OPENED, "normal", by)) for at, by in ((36001.0, "aws"), (39600.0, "customer"), (42000.5, "aws"))]
    page = page_of(text_of(opened, Stretch(grid, 0, len(grid), (*LABELS.items(), ("pod", "exporter-0")))))
    labels = {"job": LABELS["job"], "account_id": ACCOUNT.account_id, "severity_code": "normal"}
    found = [
        (own, value) for name, own, value in page.samples if name == "account_severity:aws_support_cases_opened:increase1h"
    ]
    assert found == [(labels, value) for value in (0, 0, 0, 2, 0, 0, 1)]


def test_without_communications_only_the_histogram_of_resolutions_has_a_past() -> None:
    found = text_of([EVERYTHING[0], EVERYTHING[-1]], WHOLE, said=False)
    assert [metric.name for metric in found if metric.kind == "histogram"] == ["aws_support_case_open_duration_seconds"]


happenings = st.lists(
    st.builds(
        lambda at, what: what._replace(at=float(at)),
        st.integers(995, 1035),
        st.sampled_from(EVERYTHING),
    ),
    max_size=8,
)


@given(happenings, st.integers(1, 3))
def test_files_of_parts_of_the_time_hold_together_what_one_of_all_holds(happened: list[Milestone], cut: int) -> None:
    parts = (Stretch(GRID, 0, cut, WHOLE.labels), Stretch(GRID, cut, len(GRID), WHOLE.labels))
    whole, apart = text_of(happened, WHOLE), text_of(happened, *parts)
    assert whole.keys() == apart.keys()
    assert all(sorted(whole[metric].splitlines()) == sorted(apart[metric].splitlines()) for metric in whole)


@given(happenings)
def test_counts_add_up(happened: list[Milestone]) -> None:
    end = f" {GRID[-1]}\n"
    texts = {metric: lines.splitlines(keepends=True) for metric, lines in text_of(happened, WHOLE).items()}
    page = page_of({metric: "".join(line for line in lines if line.endswith(end)) for metric, lines in texts.items()})
    totals = Counter(milestone.counted[0] for milestone in happened if GRID[0] < milestone.at <= GRID[-1])
    for kind, name in {OPENED: "cases_opened", RESOLVED: "cases_resolved", OUTCOME: "first_responses"}.items():
        assert page.total(f"aws_support_{name}_total") == totals[kind]
    for kind, name in {ANSWERED: "first_response", RESOLVED: "case_open_duration", REPLIED: "reply"}.items():
        assert page.total(f"aws_support_{name}_seconds_count") == totals[kind]
        assert page.total(f"aws_support_{name}_seconds_bucket", le="+Inf") == totals[kind]
    held = sum({OPENED: 1, RESOLVED: -1}.get(milestone.counted[0], 0) for milestone in happened if milestone.at <= GRID[-1])
    assert page.total("aws_support_account_open_cases") == held
