import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from exporter.simulator.account import Account
from exporter.simulator.fleet import Fleet
from exporter.simulator.keys import AccessKey
from exporter.simulator.server import Simulator
from tests.support.certificates import Authority
from tests.support.clock import START, FakeClock

NOW = START
ACCOUNT_ID = "111122223333"

Serve = Callable[..., Simulator]
Connect = Callable[..., Any]
"""Returns a boto3 client of a service: with the base identity's key, unless another one is given."""


def code_of(call: Callable[..., object], **parameters: object) -> str:
    """Return the error code with which AWS refuses a call."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return str(caught.value.response["Error"]["Code"])


def ask(simulator: Simulator, body: bytes = b"{}", timeout: float = 10.0, *, signed: bool = True) -> socket.socket:
    """Return a connection on which DescribeCases was asked for, with a signature that is not right."""
    scope = f"{simulator.fleet.base_key.access_key_id}/20260101/us-east-1/support/aws4_request"
    signature = f"Authorization: AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={'0' * 64}\r\n"
    target = "X-Amz-Target: AWSSupport_20130415.DescribeCases\r\n"
    head = f"POST / HTTP/1.1\r\nHost: aws\r\nContent-Length: {len(body)}\r\n{target + signature if signed else ''}\r\n"
    client = connection(simulator, timeout)
    client.sendall(head.encode() + body)
    return client


def connection(simulator: Simulator, timeout: float = 10.0) -> socket.socket:
    address = urlsplit(simulator.url)
    client = socket.create_connection((address.hostname or "", address.port or 0), timeout=timeout)
    if address.scheme == "http":
        return client
    context = ssl.create_default_context(cafile=simulator.environment()["AWS_CA_BUNDLE"])
    return context.wrap_socket(client, server_hostname=address.hostname, suppress_ragged_eofs=False)


@pytest.fixture(autouse=True)
def _no_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def fleet(clock: FakeClock) -> Fleet:
    fleet = Fleet.empty(clock.time)
    fleet.add_account(ACCOUNT_ID, "management")
    return fleet


@pytest.fixture
def account(fleet: Fleet) -> Account:
    return fleet.management_account


@pytest.fixture
def serve(fleet: Fleet) -> Iterator[Serve]:
    with ExitStack() as stack:

        def start(fleet: Fleet = fleet, **options: Any) -> Simulator:  # noqa: ANN401 - whatever Simulator takes
            return stack.enter_context(Simulator(fleet, **{"throttle": False, **options}))

        yield start


@pytest.fixture
def simulator(serve: Serve) -> Simulator:
    return serve()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate that signs itself for what clients know: its authority's, then its own; and the key."""
    folder, authority = tmp_path_factory.mktemp("tls"), Authority()
    certificate, key = authority.sign("127.0.0.1").write(folder, "aws")
    with certificate.open("a") as chain:
        chain.write(authority.certificate)
    return certificate, key


@pytest.fixture(scope="session")
def session() -> boto3.session.Session:
    return boto3.session.Session()  # it reads the services' models once


@pytest.fixture
def connect(simulator: Simulator, session: boto3.session.Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    with ExitStack() as stack:

        def client(
            service: str, key: AccessKey | None = None, at: Simulator = simulator, *, region: str = "us-east-1", path: str = ""
        ) -> Any:  # noqa: ANN401 - one of three clients
            for name, value in at.environment().items():
                monkeypatch.setenv(name, value)
            key = key or at.fleet.base_key
            # An explicit endpoint keeps botocore from signing every region as the partition's own.
            made = session.client(
                service,  # type: ignore[call-overload]  # the overloads want literal names
                region_name=region,
                endpoint_url=at.url + path,
                aws_access_key_id=key.access_key_id,
                aws_secret_access_key=key.secret_access_key,
                aws_session_token=key.session_token or None,
                config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
            )
            stack.callback(made.close)
            return made

        yield client
