from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

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
        yield lambda **options: stack.enter_context(Simulator(fleet, **{"throttle": False, **options}))


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
def connect(simulator: Simulator, session: boto3.session.Session) -> Iterator[Connect]:
    with ExitStack() as stack:

        def client(service: str, key: AccessKey | None = None, at: Simulator = simulator, *, path: str = "") -> Any:  # noqa: ANN401 - one of three clients
            key = key or at.fleet.base_key
            # An explicit endpoint keeps botocore from signing every region as the partition's own.
            made = session.client(
                service,  # type: ignore[call-overload]  # the overloads want literal names
                region_name="us-east-1",
                endpoint_url=at.url + path,
                aws_access_key_id=key.access_key_id,
                aws_secret_access_key=key.secret_access_key,
                aws_session_token=key.session_token or None,
                config=Config(retries={"total_max_attempts": 1}, parameter_validation=False, proxies={}),
            )
            stack.callback(made.close)
            return made

        yield client
