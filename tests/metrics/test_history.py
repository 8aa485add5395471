"""The past as OpenMetrics: each series at each moment of a grid."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.metrics_core import Metric as Parsed
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_strictly
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
from tests.support.page import plain

GRID = range(1000, 1041, 10)
LABELS = {"job": 'a "job"', "instance": "host:10047"}
ACCOUNT = Account("111111111111", "pay\\ments", "us-east-1", "aws", "acme", (("team", "a"),))
WHOLE = Stretch(GRID, 0, len(GRID), tuple(LABELS.items()))
SEVERITY = {"severity_code": "normal"}
EVERYTHING = [
    Milestone(1005.5, (OPENED, "normal", "aws")),
    Milestone(1015.0, (OUTCOME, "normal", MET)),
    Milestone(1015.0, (ANSWERED, "normal"), 9.5),
    Milestone(1016.0, (REPLIED, "normal", "customer"), 100.0),
    Milestone(1025.0, (RESOLVED, "normal"), 3_000_000.0),
]

Series = dict[tuple[str, frozenset[tuple[str, str]]], list[tuple[int, float]]]


def text_of(happened: Sequence[Milestone], *stretches: Stretch, communications: bool = True) -> dict[Metric, str]:
    histograms, found = Histograms(buckets([900.0]), communications=communications), defaultdict[Metric, str](str)
    for stretch in stretches:
        placed = list(stretch.placed(happened))
        histograms.observe(placed, stretch)
        for metric, text in (*account_lines(ACCOUNT, placed, stretch), *histograms.lines(stretch)):
            found[metric] += text
    return found


def families(happened: Sequence[Milestone], *stretches: Stretch, communications: bool = True) -> list[Parsed]:
    text = ""
    for metric, lines in text_of(happened, *stretches or [WHOLE], communications=communications).items():
        text += header(metric.family, metric.kind, metric.help, TextFormat.PROMETHEUS).decode() + lines
    return list(parse(text))


def series(found: Sequence[Parsed]) -> Series:
    values: Series = defaultdict(list)
    for sample in (sample for family in found for sample in family.samples):
        labels = {name: value for name, value in sample.labels.items() if name not in LABELS}
        assert {**sample.labels, **LABELS} == sample.labels
        values[sample.name, frozenset(labels.items())].append(
            (round(float(sample.timestamp or 0) * 1000), sample.value)
        )  # taken for ms
    return values


def values(found: Series, name: str, **labels: str) -> list[list[float]]:
    return [
        [value for _, value in one]
        for (each, own), one in found.items()
        if each == name and labels.items() <= dict(own).items()
    ]


def test_a_series_has_at_each_moment_what_happened_by_then_and_counters_begin_at_zero() -> None:
    opened = [Milestone(at, (OPENED, "normal", "customer")) for at in (995.0, 1010.0, 1010.1, 1040.1)]
    found = series(families([*opened, Milestone(1030.0, (RESOLVED, "normal"), 35.0)]))
    assert values(found, "aws_support_account_open_cases", **SEVERITY) == [[1, 2, 3, 2, 2]]
    assert values(found, "aws_support_cases_opened_total", **SEVERITY) == [[0, 1, 2, 2, 2]]
    assert values(found, "aws_support_cases_resolved_total", **SEVERITY) == [[0, 0, 0, 1, 1]]
    assert values(found, "aws_support_case_open_duration_seconds_count", **SEVERITY) == [[0, 0, 0, 1, 1]]
    assert {tuple(at for at, _ in one) for one in found.values()} == {tuple(GRID)}


def test_a_strict_parser_takes_it() -> None:
    for metric, lines in text_of(EVERYTHING, WHOLE).items():
        if metric.kind != "histogram":  # of those with several times it drops most, and then misses them
            text = header(metric.family, metric.kind, metric.help, TextFormat.OPENMETRICS).decode() + lines + "# EOF\n"
            found: list[Parsed] = list(parse_strictly(text))  # type: ignore[no-untyped-call]
            assert len([sample for family in found for sample in family.samples]) == len(lines.splitlines())


def test_the_labels_of_the_past_are_those_of_the_present() -> None:
    instrumentation = Instrumentation([900.0])
    instrumentation.changes_seen(Changes())
    status = AccountStatus(ACCOUNT).after_success(Reading(1000.0, ()), Poll(1000.0, 1.0), Changes())
    page = plain(Renderer(instrumentation.encode).render([status], Policy(1800.0), [], 1000.0))
    live = {(each.name, frozenset(each.labels.items())) for family in parse(page) for each in family.samples}
    past = series(families(EVERYTHING))
    assert past.keys() <= live
    assert {name.removesuffix("_bucket") for name, _ in past} >= {metric.name for metric in METRICS}


def test_a_counter_that_counted_nothing_has_no_past_and_open_cases_have_one_of_zeros() -> None:
    found = series(families([]))
    assert {name for name, _ in found if not name.startswith(tuple(m.name for m in METRICS if m.kind == "histogram"))} == {
        "aws_support_account_open_cases",
        "aws_support_account_info",
    }
    assert values(found, "aws_support_account_open_cases") == [[0] * 5] * 5


def test_without_communications_only_the_histogram_of_resolutions_has_a_past() -> None:
    found = families([EVERYTHING[0], EVERYTHING[-1]], communications=False)
    assert [family.name for family in found if family.type == "histogram"] == ["aws_support_case_open_duration_seconds"]


happenings = st.lists(
    st.tuples(st.floats(990, 1050), st.sampled_from([milestone[1:] for milestone in EVERYTHING])).map(
        lambda each: Milestone(each[0], *each[1])
    )
)


@given(happenings, st.integers(1, 4))
def test_files_of_parts_of_the_time_hold_together_what_one_of_all_holds(happened: list[Milestone], cut: int) -> None:
    parts = (Stretch(GRID, 0, cut, WHOLE.labels), Stretch(GRID, cut, len(GRID), WHOLE.labels))
    whole, apart = text_of(happened, WHOLE), text_of(happened, *parts)
    assert whole.keys() == apart.keys()
    assert all(sorted(whole[metric].splitlines()) == sorted(apart[metric].splitlines()) for metric in whole)


@given(happenings)
def test_counts_add_up(happened: list[Milestone]) -> None:
    found = series(families(happened))
    totals = Counter(milestone.counted[0] for milestone in happened if 1000 < milestone.at <= 1040)
    names = {OPENED: "cases_opened", RESOLVED: "cases_resolved", OUTCOME: "first_responses"}
    for kind, name in names.items():
        assert sum(one[-1] for one in values(found, f"aws_support_{name}_total")) == totals[kind]
    for kind, name in {ANSWERED: "first_response", RESOLVED: "case_open_duration", REPLIED: "reply"}.items():
        assert sum(one[-1] for one in values(found, f"aws_support_{name}_seconds_count")) == totals[kind]
        assert sum(one[-1] for one in values(found, f"aws_support_{name}_seconds_bucket", le="+Inf")) == totals[kind]
    ((*_, held),) = values(found, "aws_support_account_open_cases", **SEVERITY)
    assert held == sum({OPENED: 1, RESOLVED: -1}.get(milestone.counted[0], 0) for milestone in happened if milestone.at <= 1040)
