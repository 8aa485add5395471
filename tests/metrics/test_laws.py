"""What holds for every page, whatever AWS says."""

import prometheus_client
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.core import CollectorRegistry
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.cases.aggregate import open_cases
from exporter.cases.changes import Changes
from exporter.cases.model import Account, Case, Reading, Reason
from exporter.cases.policy import Policy
from exporter.cases.status import AccountStatus, Poll
from exporter.metrics import catalog, exposition
from exporter.metrics.catalog import Kind
from exporter.metrics.exposition import Page, TextFormat, encode_page
from exporter.metrics.instrumentation import Instrumentation
from exporter.metrics.negotiation import negotiate
from exporter.metrics.renderer import Renderer
from tests.support.cases import NOW, fleets, texts
from tests.support.catalogue import complaints
from tests.support.page import plain

POLICY = Policy(1800.0, case_limit=5)
NAMES = sorted(catalog.CATALOG)

accounts = st.builds(
    Account,
    account_id=st.integers(0, 10**12 - 1).map("{:012d}".format),
    name=texts,
    region=st.just("us-east-1"),
    partition=st.just("aws"),
    organization=st.just("") | texts,
    labels=st.just(()) | st.tuples(st.tuples(st.just("team"), texts)),
)


def read(account: Account, cases: list[Case], at: float = NOW) -> AccountStatus:
    reading = Reading(at, open_cases(cases))
    return AccountStatus(account).after_success(reading, Poll(at, 0.5), Changes(opened=reading.cases[:2]))


statuses = st.lists(
    st.one_of(
        st.builds(read, accounts, fleets),
        st.builds(AccountStatus, accounts),
        st.builds(
            lambda account, reason: AccountStatus(account).after_failure(reason, Poll(NOW, 1.0, reason, "detail")),
            accounts,
            st.sampled_from(Reason),
        ),
        st.builds(
            lambda account, cases: read(account, cases, NOW - 3600).after_failure(
                Reason.TIMEOUT, Poll(NOW, 1.0, Reason.TIMEOUT)
            ),
            accounts,
            fleets,
        ),
    ),
    max_size=4,
    unique_by=lambda status: status.account.account_id,
)


def page_of(found: list[AccountStatus], now: float = NOW) -> Page:
    return Renderer(Instrumentation(()).encode).render(found, POLICY, [], now)


@given(statuses)
def test_a_page_holds_each_series_once_and_only_what_the_catalogue_has(found: list[AccountStatus]) -> None:
    for text_format, parse in ((TextFormat.OPENMETRICS, parse_openmetrics), (TextFormat.PROMETHEUS, parse_text)):
        assert complaints(list(parse(plain(page_of(found), text_format)))) == []


@given(statuses)
def test_both_formats_say_the_same(found: list[AccountStatus]) -> None:
    page = page_of(found)
    text, strict = (
        {(sample.name, frozenset(sample.labels.items())): sample.value for family in parsed for sample in family.samples}
        for parsed in (
            parse_text(plain(page, TextFormat.PROMETHEUS)),
            parse_openmetrics(plain(page, TextFormat.OPENMETRICS)),  # type: ignore[no-untyped-call]  # as above
        )
    )
    assert text == strict


@given(texts, st.sampled_from(NAMES), st.floats(0, 1e12))
def test_a_line_reads_as_what_prometheus_client_writes(text: str, name: str, value: float) -> None:
    metric = catalog.CATALOG[name]
    if metric.kind is Kind.HISTOGRAM:
        return
    labels = dict.fromkeys(metric.labels, text)
    registry = CollectorRegistry()
    family = Family(metric.family, metric.help, metric.kind.value, catalog.unit_of(metric.family))
    family.add_sample(name, labels, value)

    class One:
        def collect(self) -> list[Family]:
            return [family]

    registry.register(One())
    page = encode_page(
        [exposition.Family(metric.family, metric.kind, metric.help, (exposition.line(name, labels, value).encode(),))]
    )
    theirs: bytes = openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call]  # as above
    for text_format, expected, parse in (
        (TextFormat.PROMETHEUS, prometheus_client.generate_latest(registry), parse_text),
        (TextFormat.OPENMETRICS, theirs, parse_openmetrics),
    ):
        ours = list(parse(plain(page, text_format)))
        assert ours == list(parse(expected.decode()))
        assert [(sample.labels, sample.value) for sample in ours[0].samples] == [(labels, value)]


def failed(status: AccountStatus) -> AccountStatus:
    return status.after_failure(Reason.TIMEOUT, Poll(NOW, 1.0, Reason.TIMEOUT))


@given(statuses, statuses, st.lists(st.tuples(st.integers(0, 3), st.floats(-4000, 4000)), min_size=2, max_size=5))
def test_a_page_made_from_the_one_before_is_the_same_as_one_made_anew(
    some: list[AccountStatus], others: list[AccountStatus], rounds: list[tuple[int, float]]
) -> None:
    instrumentation = Instrumentation(())
    renderer = Renderer(instrumentation.encode)
    now = NOW
    for choice, step in rounds:
        now += step
        found = (some, [failed(status) for status in some], some[1:], others)[choice]
        anew = Renderer(instrumentation.encode).render(found, POLICY, [], now)
        assert plain(renderer.render(found, POLICY, [], now), TextFormat.PROMETHEUS) == plain(anew, TextFormat.PROMETHEUS)


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_header_is_answered(accept: str, accept_encoding: str) -> None:
    assert negotiate(accept, accept_encoding).text_format in TextFormat


def test_in_openmetrics_every_family_has_the_unit_of_its_name() -> None:
    instrumentation = Instrumentation((), process=True)
    instrumentation.request_ended("DescribeCases", 0.1, Reason.TIMEOUT)
    page = encode_page(instrumentation.encode())
    openmetrics = plain(page, TextFormat.OPENMETRICS)
    found = {family.name: family.unit for family in parse_openmetrics(openmetrics)}  # type: ignore[no-untyped-call]  # as above
    assert {name: unit for name, unit in found.items() if name.endswith(("_seconds", "_bytes"))} == {
        name: unit for name, unit in found.items() if unit
    }
    assert found["aws_support_first_response_seconds"] == found["process_cpu_seconds"] == "seconds"
    assert found["process_resident_memory_bytes"] == "bytes"
    assert "# UNIT" not in plain(page, TextFormat.PROMETHEUS)


@pytest.mark.parametrize("text_format", TextFormat)
def test_the_process_and_python_are_on_the_page_and_created_series_are_not(text_format: TextFormat) -> None:
    instrumentation = Instrumentation((), process=True)
    instrumentation.request_ended("DescribeCases", 0.1, Reason.TIMEOUT)
    page = plain(Renderer(instrumentation.encode).render([], POLICY, [], NOW), text_format)
    names = {line.partition("{")[0].partition(" ")[0] for line in page.splitlines() if not line.startswith("#")}
    assert {"process_open_fds", "python_info", "python_gc_collections_total"} <= names
    assert {name for name in names if name.endswith("_created")} == set()
