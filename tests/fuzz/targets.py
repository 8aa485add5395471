"""What is fuzzed: each takes bytes that an attacker chose, and fails only where the exporter would."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter.aws.parse import cases_page, communications_page
from exporter.cases.aggregate import open_cases
from exporter.cases.changes import Tally, baseline, changes
from exporter.cases.model import Account, Reading
from exporter.cases.policy import Policy
from exporter.cases.status import AccountStatus, Poll
from exporter.config import parse, parse_web_config
from exporter.errors import ConfigError, ReadFailure
from exporter.metrics.exposition import TextFormat
from exporter.metrics.instrumentation import Instrumentation
from exporter.metrics.negotiation import negotiate
from exporter.metrics.renderer import Renderer
from tests.fuzz.server import endless
from tests.fuzz.wire import wire
from tests.support.page import plain

NOW = 1_785_000_000.0
TARGETS = {"critical": 900.0, "urgent": 3600.0}
LONGEST_DETAIL = 600
ACCOUNT = Account("111122223333", "payments", "us-east-1", "aws")


def answers(data: bytes) -> None:
    """Read two answers to DescribeCases, one after the other, into a page that Prometheus's own strict parser reads."""
    first, _, second = data.partition(b"\n")
    try:
        pages = [cases_page(body, keep_subject=True) for body in (first, second or first)]
    except ReadFailure:
        return
    before, after = (Reading(NOW + at, open_cases(page.items)) for at, page in zip((-60, 0), pages, strict=True))
    known = baseline(before, TARGETS)
    tally = Tally().plus(changes(before, after, known.watched, TARGETS))
    status = AccountStatus(ACCOUNT, after, NOW, Poll(NOW, 0.1), supported=True, tally=tally)
    page = Renderer(Instrumentation(TARGETS.values()).encode).render([status], Policy(600.0, TARGETS, 100), [], NOW)
    text = plain(page, TextFormat.OPENMETRICS)
    assert list(text_string_to_metric_families(text))  # type: ignore[no-untyped-call]  # prometheus_client leaves it untyped


def communications(data: bytes) -> None:
    """Read an answer to DescribeCommunications."""
    try:
        communications_page(data)
    except ReadFailure:
        return


def accounts(data: bytes) -> None:
    """Read an answer to ListAccounts, or an error."""
    _read(wire().accounts, data)


def sts(data: bytes) -> None:
    """Read an answer to AssumeRole and to GetCallerIdentity, or an error."""
    _read(wire().role, data)
    _read(wire().caller, data)


def _read(read: Callable[[bytes], None], data: bytes) -> None:
    detail = ""
    try:
        read(data)
    except ReadFailure as failure:
        detail = failure.detail
    assert detail.isprintable(), detail
    assert len(detail) <= LONGEST_DETAIL


def config(data: bytes) -> None:
    """Read a configuration file; each problem is one line."""
    problems: list[str] = []
    try:
        parse(data, source="config.yaml", partition_of=lambda _: "aws")
    except ConfigError as error:
        problems = [*error.problems] or [""]
    assert all(problem and problem.isprintable() for problem in problems)


def web_config(data: bytes) -> None:
    """Read a web-config file; each problem is one line."""
    problems: list[str] = []
    try:
        parse_web_config(data, source="web-config.yml", directory=Path("/nowhere"))
    except ConfigError as error:
        problems = [*error.problems] or [""]
    assert all(problem and problem.isprintable() for problem in problems)


def requests(data: bytes) -> None:
    """Send what should be requests to a running server."""
    endless().give(data)


def headers(data: bytes) -> None:
    """Choose a format by what a client says it accepts."""
    accept, _, accept_encoding = data.decode("latin-1").partition("\n")
    negotiate(accept, accept_encoding)


TARGETS_BY_NAME: Mapping[str, Callable[[bytes], None]] = MappingProxyType(
    {target.__name__: target for target in (answers, communications, accounts, sts, config, web_config, headers, requests)}
)
