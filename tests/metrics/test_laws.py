"""What holds for every page, whatever AWS says."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.cases.aggregate import open_cases
from exporter.cases.changes import Changes
from exporter.cases.model import Account, Case, Reading, Reason
from exporter.cases.policy import Policy
from exporter.cases.status import AccountStatus, Poll
from exporter.metrics import catalog, exposition
from exporter.metrics.catalog import Kind
from exporter.metrics.exposition import TextFormat, encode_page
from exporter.metrics.instrumentation import Instrumentation
from exporter.metrics.renderer import Renderer
from tests.support.cases import NOW, failed, fleets, words
from tests.support.catalogue import complaints
from tests.support.page import plain

POLICY = Policy(1800.0, case_limit=2)
PARSERS: dict[TextFormat, Callable[[str], Iterable[Family]]] = {
    TextFormat.PROMETHEUS: parse_text,
    TextFormat.OPENMETRICS: parse_openmetrics,
}

accounts = st.builds(
    Account,
    account_id=st.integers(0, 10**12 - 1).map("{:012d}".format),
    name=words,
    region=st.just("us-east-1"),
    partition=st.just("aws"),
    organization=st.just("") | words,
    labels=st.just(()) | st.tuples(st.tuples(st.just("team"), words)),
)


def read(account: Account, cases: list[Case], ago: float) -> AccountStatus:
    reading = Reading(NOW - ago, open_cases(cases))
    return AccountStatus(account).after_success(reading, Poll(NOW - ago, 0.5), Changes(opened=reading.cases[:2]))


well = st.builds(read, accounts, fleets, st.sampled_from([0.0, 3600.0]))
statuses = st.lists(
    well
    | well.map(failed)
    | st.builds(lambda known, why: failed(AccountStatus(known), why), accounts, st.sampled_from(Reason)),
    max_size=3,
    unique_by=lambda status: status.account.account_id,
)


@given(statuses)
def test_a_page_holds_each_series_once_and_only_what_the_catalogue_has_and_the_same_in_both_formats(
    found: list[AccountStatus],
) -> None:
    page = Renderer(tuple).render(found, POLICY, [], NOW)
    text, strict = (list(parse(plain(page, text_format))) for text_format, parse in PARSERS.items())
    assert complaints(text) == complaints(strict) == []
    assert [family.samples for family in text] == [family.samples for family in strict]


# What can stand in a label: anything that UTF-8 can carry. NUL is replaced at the border.
@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
    st.sampled_from([metric for metric in catalog.CATALOG.values() if metric.kind is not Kind.HISTOGRAM]),
    st.floats(0),
)
def test_any_text_and_number_is_read_as_it_was(text: str, metric: catalog.Metric, value: float) -> None:
    labels = dict.fromkeys(metric.labels, text)
    line = exposition.line(metric.name, labels, value).encode()
    page = encode_page([exposition.Family(metric.family, metric.kind, metric.help, (line,))])
    for text_format, parse in PARSERS.items():
        (family,) = parse(plain(page, text_format))
        assert (family.name, family.type, family.documentation) == (metric.family, metric.kind, metric.help)
        assert [(sample.name, sample.labels, sample.value) for sample in family.samples] == [(metric.name, labels, value)]


@given(
    statuses,
    statuses,
    st.lists(
        st.tuples(st.integers(0, 4), st.sampled_from([POLICY, Policy(60.0)]), st.sampled_from([0, 20.0, 901.0, -2000.0])),
        min_size=2,
        max_size=4,
    ),
)
def test_a_page_made_from_the_one_before_is_the_same_as_one_made_anew(
    some: list[AccountStatus], others: list[AccountStatus], rounds: list[tuple[int, Policy, float]]
) -> None:
    renderer = Renderer(tuple)
    renamed = [replace(status, account=replace(status.account, name="new")) for status in some]
    now = NOW
    for choice, policy, step in rounds:
        now += step
        found = (some, [failed(status) for status in some], some[1:], others, renamed)[choice]
        anew = Renderer(tuple).render(found, policy, [], now)
        assert plain(renderer.render(found, policy, [], now)) == plain(anew)


def test_the_exporters_own_metrics_have_the_units_of_their_names_and_no_created_series() -> None:
    instrumentation = Instrumentation((), process=True)
    instrumentation.request_ended("DescribeCases", 0.1, Reason.TIMEOUT)
    page = Renderer(instrumentation.encode).render([], POLICY, [], NOW)
    for text_format, parse in PARSERS.items():
        families = {family.name: family for family in parse(plain(page, text_format))}
        assert complaints([*families.values()]) == []
        assert {"process_open_fds", "python_info"} <= families.keys()
        assert not [name for name in families if name.endswith("_created")]
    units = {name: family.unit for name, family in families.items() if family.unit}
    assert units == {name: name.rpartition("_")[2] for name in families if name.endswith(("_seconds", "_bytes"))}
    assert {"aws_support_first_response_seconds", "process_cpu_seconds", "process_resident_memory_bytes"} <= units.keys()
    assert "# UNIT" not in plain(page)
