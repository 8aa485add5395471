import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

from exporter.aws.client import Observer
from exporter.aws.endpoints import Endpoints
from exporter.aws.readers import ReaderOptions, Readers, Regions
from exporter.aws.support import SupportReader
from exporter.cases.model import Access, Reading
from exporter.clock import Clock
from exporter.errors import ReadFailure
from exporter.simulator.account import Account
from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.support.clock import FakeClock
from tests.support.log import Log
from tests.support.rig import LOADER

REGION = "us-east-1"
OPTIONS = ReaderOptions("test", 3600)
SetEnv = Callable[[str, object], None]
ACCOUNT_ID, MANAGEMENT = "111122223333", "999999999999"
ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/R"


@asynccontextmanager
async def readers_of(clock: Clock | None = None, observer: Observer = lambda *_: None) -> AsyncIterator[Readers]:
    """Make readers for the environment as it is, by default on a clock on which nobody pauses, and close them."""
    readers = Readers(Endpoints(LOADER), observer, clock=clock or FakeClock(), random=lambda: 0.0, log=Log().logger)
    try:
        yield readers
    finally:
        await readers.close()


def reader_of(
    readers: Readers,
    account: Account | Access,
    account_id: str = ACCOUNT_ID,
    *,
    regions: Regions = (REGION,),
    options: ReaderOptions = OPTIONS,
) -> SupportReader:
    """Return what reads an account by its role, or by other access."""
    if isinstance(account, Account):
        return readers.reader(account.account_id, Access((account.role_arn(),)), regions, options)
    return readers.reader(account_id, account, regions, options)


async def read(account: Account | Access, seconds: float = 20, *, regions: Regions = (REGION,)) -> Reading:
    async with readers_of() as readers:
        return await reader_of(readers, account, regions=regions).read(seconds)


async def failure_of(account: Account | Access, seconds: float = 20, *, regions: Regions = (REGION,)) -> ReadFailure:
    with pytest.raises(ReadFailure) as failure:
        await read(account, seconds, regions=regions)
    return failure.value


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it came over the wire; names of headers in lower case."""

    target: str
    headers: Mapping[str, str]
    body: bytes


class Wire:
    """A server that keeps what it is sent, and answers each request with a body; a context on the event loop."""

    def __init__(self, answer: Callable[[Sent], bytes], tls: ssl.SSLContext | None = None, *, head: bytes = b"200 OK") -> None:
        self._answer = answer
        self._head = head
        self._tls = tls
        self.sent: list[Sent] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.host = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        self.url = f"http{'s' if self._tls else ''}://{self.host}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.sent.append(Sent(head[0].split(" ")[1], headers, body))
        answer = self._answer(self.sent[-1])
        start = b"HTTP/1.1 %b\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % (self._head, len(answer))
        writer.write(start + answer)
        await writer.drain()
        writer.close()


def issued(expiration: str = "2099-01-01T00:00:00Z") -> bytes:
    """Return STS's answer to AssumeRole."""
    return (
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAISSUED</AccessKeyId>"
        "<SecretAccessKey>issued-secret</SecretAccessKey><SessionToken>issued-token</SessionToken>"
        f"<Expiration>{expiration}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
    ).encode()


def answer(sent: Sent, expiration: str = "2099-01-01T00:00:00Z") -> bytes:
    """Answer as STS, and as Support of an account without cases."""
    return b'{"cases": []}' if "x-amz-target" in sent.headers else issued(expiration)


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SetEnv:
    """Return what sets a variable; of AWS_CONFIG_FILE, what the file says."""

    def set_variable(name: str, value: object) -> None:
        if name == "AWS_CONFIG_FILE":
            (tmp_path / "config").write_text(str(value), "latin-1")
            value = tmp_path / "config"
        monkeypatch.setenv(name, str(value))

    return set_variable


@pytest.fixture
def own_keys(env: SetEnv) -> None:
    """Give the exporter credentials of its own."""
    env("AWS_ACCESS_KEY_ID", "AKIAOWN")
    env("AWS_SECRET_ACCESS_KEY", "own-secret")


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """Return a running simulator, taken for AWS, with a management account and one more that has a case."""
    fleet = Fleet.empty(time.time)
    fleet.add_account(account_id=MANAGEMENT, name="management")
    fleet.add_account(account_id=ACCOUNT_ID).add_case()
    with Simulator(fleet, throttle=False) as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def account(simulator: Simulator) -> Account:
    return simulator.fleet.account(ACCOUNT_ID)
