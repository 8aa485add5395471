"""STS and Organizations of whose answers an attacker chose the bytes; nothing goes over a network."""

import asyncio
import functools
from collections.abc import Coroutine, Mapping
from typing import Any

from botocore.credentials import Credentials

from exporter.aws.client import Client, Parser, Service, read_answer
from exporter.aws.credentials import AssumedRole, Sts
from exporter.aws.endpoints import Endpoints
from exporter.aws.organizations import OrganizationReader
from exporter.aws.retry import Caller
from exporter.cases.model import Reason
from exporter.clock import SystemClock

STATUSES = {b"2": 200, b"3": 302, b"4": 400, b"5": 503}
_REGION = "us-east-1"
_ACCOUNT_ID = "111122223333"
_OWN = Credentials("AKIAEXAMPLE", "secret")


class _Own:
    """The exporter's own credentials."""

    async def get(self, caller: Caller) -> Credentials:
        del caller
        return _OWN

    def forget(self, refused: Credentials) -> None:
        """Keep them: there are no others."""


class _Clock(SystemClock):
    async def sleep(self, seconds: float) -> None:
        """Do not wait."""


class _Observer:
    def request_ended(self, operation: str, duration: float, reason: Reason | None) -> None:
        """Take no note."""


class _Answering(Client):
    """Gives the same answer to every question."""

    answer = (200, b"")

    async def request(
        self,
        service: Service,
        operation: str,
        parameters: Mapping[str, object],
        credentials: Credentials,
        caller: Caller,
        parse: Parser | None = None,
    ) -> Any:  # noqa: ANN401 - as what it stands for
        del parameters, credentials, caller, parse
        return read_answer(service.model, operation, *self.answer)


class Wire:
    """What asks STS and Organizations; of what they answer, a first byte tells the status, the body follows."""

    def __init__(self) -> None:
        self._client = _Answering(Endpoints(), _Observer(), _Clock(), lambda: 0.0)
        self._sts = Sts(self._client, (_REGION,))
        self._loop = asyncio.Runner()

    def accounts(self, data: bytes) -> None:
        """List accounts."""
        self._run(data, self._list())

    def role(self, data: bytes) -> None:
        """Assume a role."""
        role = AssumedRole(self._sts, _Own(), {"RoleArn": f"arn:aws:iam::{_ACCOUNT_ID}:role/R"})
        self._run(data, role.get(Caller(_ACCOUNT_ID)))

    def caller(self, data: bytes) -> None:
        """Ask whose credentials are used."""
        self._run(data, self._sts.caller_account(_Own(), Caller(_ACCOUNT_ID)))

    async def _list(self) -> None:
        async for _ in OrganizationReader("all", _REGION, self._client, _Own()).pages(10):
            pass

    def _run(self, data: bytes, asking: Coroutine[Any, Any, object]) -> None:
        self._client.answer = (STATUSES.get(data[:1], 200), data[1:])
        self._loop.run(asking)


@functools.cache
def wire() -> Wire:
    """Return one for the whole process: to make it takes long."""
    return Wire()
