"""STS and Organizations of whose answers an attacker chose the bytes; nothing goes over a network."""

import functools
import io

from boto3.session import Session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials
from urllib3.response import HTTPResponse

from exporter.aws.api import Api
from exporter.aws.credentials import AssumedRole, RoleSettings, caller_account
from exporter.aws.organizations import OrganizationReader
from exporter.metrics.instruments import Instruments
from tests.support.clock import FakeTiming

STATUSES = {b"2": 200, b"3": 302, b"4": 400, b"5": 503}
_REGION = "us-east-1"
_SUBJECT = "111122223333"
_ACCOUNT_ID = "111122223333"
_OWN = Credentials("AKIAEXAMPLE", "secret")
_LONGER_THAN_AN_ENDPOINT_IS_DOWN = 60.0


class _Own:
    """The exporter's own credentials."""

    def credentials(self, deadline: float, subject: str) -> Credentials:
        del deadline, subject
        return _OWN

    def forget(self) -> None:
        """Keep them: there are no others."""


class Wire:
    """What asks STS and Organizations; every question gets the same answer."""

    def __init__(self) -> None:
        self._timing = FakeTiming()
        self._api = api = Api(Session(), Instruments({}), self._timing, 1)
        for service in ("sts", "organizations"):
            api.client(service, _REGION)._endpoint.http_session = self  # as `Api` finds it
        self._organization = OrganizationReader("all", _REGION, api, _Own(), self._timing, lambda: 0.0)
        settings = RoleSettings((_REGION,), "session", 3600)
        self._role = AssumedRole(api, _Own(), f"arn:aws:iam::{_ACCOUNT_ID}:role/R", None, settings, self._timing)
        self._answer = (200, b"")

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        """Answer a request, as botocore's session does."""
        status, body = self._answer
        raw = HTTPResponse(io.BytesIO(body), {"content-length": str(len(body))}, status, preload_content=False)
        return AWSResponse(request.url, status, HTTPHeaders(), raw)

    def answering(self, data: bytes) -> float:
        """Answer with this from now on, and return a deadline: a first byte tells the status, the body follows."""
        self._answer = (STATUSES.get(data[:1], 200), data[1:])
        self._timing.advance(_LONGER_THAN_AN_ENDPOINT_IS_DOWN)
        return self._timing.monotonic() + 10

    def accounts(self, data: bytes) -> None:
        """List accounts."""
        self._organization.active_members(self.answering(data))

    def role(self, data: bytes) -> None:
        """Assume a role."""
        self._role.forget()
        self._role.credentials(self.answering(data), _ACCOUNT_ID)

    def caller(self, data: bytes) -> None:
        """Ask whose credentials are used."""
        caller_account(self._api, _OWN, (_REGION,), self.answering(data), _ACCOUNT_ID)


@functools.cache
def wire() -> Wire:
    """Return one for the whole process: to make it takes long."""
    return Wire()
