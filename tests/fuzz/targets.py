"""What is fuzzed: each takes bytes that an attacker chose, and fails only where the exporter would."""

import asyncio
import functools
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter.aws.client import Client, Service, read_answer
from exporter.aws.credentials import AssumedRole, Sts
from exporter.aws.endpoints import Endpoints
from exporter.aws.organizations import OrganizationReader
from exporter.aws.parse import cases_page, communications_page
from exporter.aws.retry import Caller
from exporter.cases.aggregate import open_cases
from exporter.cases.changes import Tally, baseline, changes
from exporter.cases.model import Account, Reading
from exporter.cases.policy import Policy
from exporter.cases.status import AccountStatus, Poll
from exporter.cases.targets import DEFAULT
from exporter.config.settings import parse
from exporter.config.web import parse_web_config
from exporter.errors import ConfigError, ReadFailure
from exporter.metrics.exposition import TextFormat
from exporter.metrics.negotiation import negotiate
from exporter.metrics.renderer import Renderer
from tests.fuzz.server import server
from tests.support.clock import FakeClock
from tests.support.credentials import OwnCredentials
from tests.support.page import plain

NOW = 1_785_000_000.0
LONGEST_DETAIL = 600
ACCOUNT = Account("111122223333", "payments", "us-east-1", "aws")
STATUSES = {b"2": 200, b"3": 302, b"4": 400, b"5": 503}
_UNTIL_THE_END = ExitStack()


def answers(data: bytes) -> None:
    """Read two answers to DescribeCases, one after the other, into a page that Prometheus's own strict parser reads."""
    first, _, second = data.partition(b"\n")
    try:
        pages = [cases_page(body, keep_subject=True) for body in (first, second or first)]
    except ReadFailure:
        return
    before, after = (Reading(NOW + at, open_cases(page.items)) for at, page in zip((-60, 0), pages, strict=True))
    known = baseline(before, DEFAULT)
    tally = Tally().plus(changes(before, after, known.watched, DEFAULT))
    status = AccountStatus(ACCOUNT, after, NOW, Poll(NOW, 0.1), supported=True, tally=tally)
    text = plain(Renderer(tuple).render([status], Policy(600.0, 100), [], NOW), TextFormat.OPENMETRICS)
    assert list(text_string_to_metric_families(text))  # type: ignore[no-untyped-call]  # prometheus_client leaves it untyped


def communications(data: bytes) -> None:
    """Read an answer to DescribeCommunications."""
    with suppress(ReadFailure):
        communications_page(data)


class Answering(Client):
    """Answers every request with the same bytes, of which the first tells the status."""

    data = b""

    async def request(self, service: Service, operation: str, *_: object, **__: object) -> Any:  # noqa: ANN401 - as there
        return read_answer(service.model, operation, STATUSES.get(self.data[:1], 200), self.data[1:])


@functools.cache
def _wire() -> tuple[Answering, asyncio.Runner]:
    return Answering(Endpoints(), lambda *_: None, FakeClock(), lambda: 0.0), asyncio.Runner()


async def list_accounts(client: Client) -> None:
    async for _ in OrganizationReader("all", ACCOUNT.region, client, OwnCredentials()).pages(10):
        pass


async def assume_role(client: Client) -> None:
    sts = Sts(client, (ACCOUNT.region,))
    await AssumedRole(sts, OwnCredentials(), {"RoleArn": "arn:aws:iam::111122223333:role/R"}).get(Caller(ACCOUNT.account_id))


async def caller_account(client: Client) -> None:
    await Sts(client, (ACCOUNT.region,)).caller_account(OwnCredentials(), Caller(ACCOUNT.account_id))


def read(data: bytes, reader: Callable[[Client], Any]) -> str:
    """Give an answer to a reader, and return why it did not take it: one line, empty where it did."""
    client, runner = _wire()
    client.data = data
    detail = ""
    try:
        runner.run(reader(client))
    except ReadFailure as failure:
        detail = failure.detail
    assert detail.isprintable(), detail
    assert len(detail) <= LONGEST_DETAIL
    return detail


def accounts(data: bytes) -> None:
    """Read an answer to ListAccounts, or an error."""
    read(data, list_accounts)


def sts(data: bytes) -> None:
    """Read an answer to AssumeRole and to GetCallerIdentity, or an error."""
    read(data, assume_role)
    read(data, caller_account)


def config(data: bytes) -> None:
    """Read a configuration file; each problem is one line."""
    _read_file(lambda: parse(data, source="config.yaml", partition_of=lambda _: "aws"))


def web_config(data: bytes) -> None:
    """Read a web-config file; each problem is one line."""
    _read_file(lambda: parse_web_config(data, source="web-config.yml", directory=Path("/nowhere")))


def _read_file(parsing: Callable[[], object]) -> None:
    problems: list[str] = []
    try:
        parsing()
    except ConfigError as error:
        problems = [*error.problems] or [""]
    for problem in problems:
        assert problem.isprintable(), problem
        assert problem.startswith(("config.yaml", "web-config.yml")), problem
        assert "pydantic" not in problem, problem


@functools.cache
def _endless() -> Callable[[bytes], list[int]]:
    return _UNTIL_THE_END.enter_context(server())


def requests(data: bytes) -> None:
    """Send what should be requests to a running server."""
    _endless()(data)


def headers(data: bytes) -> None:
    """Choose a format by what a client says it accepts."""
    accept, _, accept_encoding = data.decode("latin-1").partition("\n")
    negotiate(accept, accept_encoding)


TARGETS_BY_NAME: Mapping[str, Callable[[bytes], None]] = MappingProxyType(
    {target.__name__: target for target in (answers, communications, accounts, sts, config, web_config, headers, requests)}
)
