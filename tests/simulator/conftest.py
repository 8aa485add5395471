from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from mypy_boto3_organizations import OrganizationsClient
from mypy_boto3_sts import STSClient
from mypy_boto3_support import SupportClient

from exporter.simulator.fleet import Fleet
from exporter.simulator.keys import AccessKey
from exporter.simulator.server import Simulator, self_signed
from tests.support.tools import find_tool

NOW = 1_785_000_000.0

Serve = Callable[..., Simulator]
ClientFactory = Callable[..., Any]
Support = Callable[..., SupportClient]
Sts = Callable[..., STSClient]
Organizations = Callable[..., OrganizationsClient]
CodeOf = Callable[[Callable[[], object]], str]
"""Returns the error code with which AWS refuses a call."""


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in (
        "AWS_CA_BUNDLE",
        "AWS_PROFILE",
        "AWS_ENDPOINT_URL_STS",
        "AWS_ENDPOINT_URL_SUPPORT",
        "AWS_ENDPOINT_URL_ORGANIZATIONS",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def fleet() -> Fleet:
    return Fleet.empty(lambda: NOW)


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:

        def start(fleet: Fleet, **options: Any) -> Simulator:  # noqa: ANN401 - whatever Simulator takes
            return stack.enter_context(Simulator(fleet, **{"throttle": False, **options}))

        yield start


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    if find_tool("openssl") is None:
        pytest.skip("openssl is not here: install it (Debian: openssl)")
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def session() -> boto3.session.Session:
    return boto3.session.Session()  # it reads the services' models once


@pytest.fixture
def client(session: boto3.session.Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[ClientFactory]:
    with ExitStack() as stack:

        def connect(
            service: str,
            simulator: Simulator,
            key: AccessKey | None = None,
            *,
            region: str = "us-east-1",
            path: str = "",
        ) -> Any:  # noqa: ANN401 - one of three clients
            for name, value in simulator.environment().items():
                monkeypatch.setenv(name, value)
            key = key or simulator.fleet.base_key
            # An explicit endpoint keeps botocore from signing every region as the partition's own.
            made = session.client(
                service,  # type: ignore[call-overload]  # the overloads want literal names
                region_name=region,
                endpoint_url=simulator.url + path,
                aws_access_key_id=key.access_key_id,
                aws_secret_access_key=key.secret_access_key,
                aws_session_token=key.session_token or None,
                config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
            )
            stack.callback(made.close)
            return made

        yield connect


@pytest.fixture
def support(client: ClientFactory) -> Support:
    return lambda simulator, key=None, **options: client("support", simulator, key, **options)


@pytest.fixture
def sts(client: ClientFactory) -> Sts:
    return lambda simulator, key=None, **options: client("sts", simulator, key, **options)


@pytest.fixture
def organizations(client: ClientFactory) -> Organizations:
    return lambda simulator, key=None, **options: client("organizations", simulator, key, **options)


@pytest.fixture
def code_of() -> CodeOf:
    def refused(call: Callable[[], object]) -> str:
        with pytest.raises(ClientError) as caught:
            call()
        return str(caught.value.response["Error"]["Code"])

    return refused
