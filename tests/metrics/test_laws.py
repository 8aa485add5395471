"""What holds for every page, whatever AWS says."""

import gzip
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import exposition
from prometheus_client.core import CollectorRegistry
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.cases.aggregate import open_cases
from exporter.cases.changes import Changes
from exporter.cases.model import Account, Case, Reading, Reason
from exporter.cases.status import AccountStatus, Poll
from exporter.metrics import catalog, encode, families
from exporter.metrics.encode import TextFormat
from exporter.metrics.families import View
from exporter.metrics.instruments import Instruments
from exporter.metrics.live import LiveMetrics
from exporter.metrics.metric import Kind, unit_of
from exporter.metrics.negotiate import negotiate
from exporter.metrics.page import Encoding, Page
from exporter.metrics.renderer import Renderer
from tests.support.cases import NOW, fleets, texts
from tests.support.catalogue import complaints

TARGETS = {"critical": 900.0, "urgent": 3600.0, "high": 14400.0, "normal": 43200.0, "low": 86400.0}
VIEW = View(1800.0, TARGETS, case_limit=5)
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
    return Renderer(VIEW, Instruments(TARGETS)).render(found, [], now)


def plain(page: Page, text_format: TextFormat) -> str:
    body = page.body(Encoding(text_format, gzip=False))
    return body.whole().decode()


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


@given(statuses)
def test_families_stand_in_the_order_of_the_catalogue(found: list[AccountStatus]) -> None:
    lines = plain(page_of(found), TextFormat.PROMETHEUS).splitlines()
    order = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert order == [name for name in catalog.CATALOG if name in order]


@given(texts, st.sampled_from(NAMES), st.floats(0, 1e12))
def test_a_line_is_what_prometheus_client_writes_and_its_parsers_read(text: str, name: str, value: float) -> None:
    metric = catalog.CATALOG[name]
    if metric.kind is Kind.HISTOGRAM:
        return
    labels = dict.fromkeys(metric.labels, text)
    registry = CollectorRegistry()
    family = Family(metric.family, metric.help, metric.kind.value, metric.unit)
    family.add_sample(name, labels, value)

    class One:
        def collect(self) -> list[Family]:
            return [family]

    registry.register(One())
    ours = encode.line(name, labels, value)
    text_page = encode.header(metric, TextFormat.PROMETHEUS) + ours
    strict_page = encode.header(metric, TextFormat.OPENMETRICS) + ours + "# EOF\n"
    assert text_page.encode() == exposition.generate_latest(registry)
    assert strict_page.encode() == openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call]  # as above
    ((sample,),) = (parsed.samples for parsed in parse_openmetrics(strict_page))  # type: ignore[no-untyped-call]  # as above
    assert sample.labels == labels


def failed(status: AccountStatus) -> AccountStatus:
    return status.after_failure(Reason.TIMEOUT, Poll(NOW, 1.0, Reason.TIMEOUT))


@given(statuses, statuses, st.lists(st.tuples(st.integers(0, 3), st.floats(-4000, 4000)), min_size=2, max_size=5))
def test_a_page_made_from_the_one_before_is_the_same_as_one_made_anew(
    some: list[AccountStatus], others: list[AccountStatus], rounds: list[tuple[int, float]]
) -> None:
    instruments = Instruments(TARGETS)
    renderer = Renderer(VIEW, instruments)
    now = NOW
    for choice, step in rounds:
        now += step
        found = (some, [failed(status) for status in some], some[1:], others)[choice]
        anew = Renderer(VIEW, instruments).render(found, [], now)
        assert plain(renderer.render(found, [], now), TextFormat.PROMETHEUS) == plain(anew, TextFormat.PROMETHEUS)


@given(statuses, st.binary(max_size=200))
def test_a_gzip_body_is_the_plain_one_whatever_the_live_part(found: list[AccountStatus], live: bytes) -> None:
    page = page_of(found)
    for text_format in TextFormat:
        unpacked, packed = (
            body.whole(live) for body in (page.body(Encoding(text_format, gzip=zipped)) for zipped in (False, True))
        )
        assert gzip.decompress(packed) == unpacked


@given(st.floats(-1e9, 1e10), st.floats(-1e9, 1e10))
def test_an_age_is_never_negative(since: float, now: float) -> None:
    assert families.age(since, now) >= 0


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_header_is_answered(accept: str, accept_encoding: str) -> None:
    assert negotiate(accept, accept_encoding).text_format in TextFormat


def encoded(instruments: Instruments, text_format: TextFormat) -> bytes:
    families = ((encode.header(metric, text_format).encode(), lines) for metric, lines in instruments.families() if lines)
    return b"".join(part for family in families for part in family)


seconds = st.floats(0, 1e9)


@given(
    st.lists(st.tuples(texts, seconds, st.sampled_from([None, *Reason])), max_size=4),
    st.lists(st.tuples(texts, seconds), max_size=4),
    st.lists(seconds, max_size=3),
)
def test_what_is_counted_is_written_as_prometheus_client_writes_it(
    requests: list[tuple[str, float, Reason | None]], cases: list[tuple[str, float]], targets: list[float]
) -> None:
    instruments = Instruments(TARGETS)
    for request in requests:
        instruments.request_ended(*request)
    instruments.changes_seen(Changes(first_responses=tuple(cases), open_durations=tuple(cases[::-1])))
    instruments.aim_at({str(target): target for target in targets})
    text, strict = (encoded(instruments, text_format) for text_format in TextFormat)

    class Counted:
        def collect(self) -> Iterator[Family]:
            for family in instruments._registry.collect():
                family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
                family.unit = unit_of(family.name)
                if family.samples:
                    yield family

    assert openmetrics.generate_latest(Counted()).removesuffix(b"# EOF\n") == strict  # type: ignore[no-untyped-call]  # as above
    assert exposition.generate_latest(Counted()) == text


def test_in_openmetrics_every_family_has_the_unit_of_its_name() -> None:
    instruments = Instruments(TARGETS)
    instruments.request_ended("DescribeCases", 0.1, Reason.TIMEOUT)
    page = encoded(instruments, TextFormat.OPENMETRICS)
    page += LiveMetrics().encode(TextFormat.OPENMETRICS) + encode.END_OF_OPENMETRICS
    found = {family.name: family.unit for family in parse_openmetrics(page.decode())}  # type: ignore[no-untyped-call]  # as above
    assert {name: unit for name, unit in found.items() if name.endswith(("_seconds", "_bytes"))} == {
        name: unit for name, unit in found.items() if unit
    }
    assert found["aws_support_first_response_seconds"] == found["process_cpu_seconds"] == "seconds"
    assert found["process_resident_memory_bytes"] == "bytes"
    assert b"# UNIT" not in encoded(instruments, TextFormat.PROMETHEUS)


def test_nothing_has_a_created_series() -> None:
    instruments = Instruments(TARGETS)
    instruments.request_ended("DescribeCases", 0.1, Reason.TIMEOUT)
    for text_format in TextFormat:
        page = encoded(instruments, text_format) + LiveMetrics().encode(text_format)
        assert b"_created" not in page
