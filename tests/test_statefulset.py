"""The number of shards is that of the pods that the StatefulSet should have, also when that changes."""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from exporter.errors import StartupError
from exporter.statefulset import StatefulSet
from tests.support.certificates import Authority
from tests.support.clock import FakeClock
from tests.support.kubernetes import KubernetesApi
from tests.support.log import Log

DENIED = "denies access: grant the service account the verb get on this StatefulSet (rbac.create)"
WITHOUT = "without replicas of 0 to 1000"


class Steps(FakeClock):
    """Does something whenever somebody waits, until nothing is left to do: whoever waits then is cancelled."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        super().__init__()
        self._steps = iter(steps)

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        if (step := next(self._steps, None)) is None:
            raise asyncio.CancelledError
        step()


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KubernetesApi:
    """Return an API that is to be started; the test is in its pod, and with Python 3.13, which asks more of certificates."""
    api, create = KubernetesApi(tmp_path), ssl.create_default_context

    def strict(cafile: Path) -> ssl.SSLContext:
        context = create(cafile=cafile)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", strict)
    for name, value in api.environment.items():
        monkeypatch.setenv(name, value)
    return api


def at(api: KubernetesApi, clock: FakeClock | None = None, log: Log | None = None) -> StatefulSet:
    return StatefulSet("exporter", api.directory, clock or FakeClock(), (log or Log()).logger)


async def test_it_is_read_from_the_pods_namespace_with_the_token_of_the_moment(api: KubernetesApi) -> None:
    with api:
        assert await at(api).replicas() == 3
        (api.directory / "token").write_text("second")
        api.replicas = 0
        assert await at(api).replicas() == 0
    path = "/apis/apps/v1/namespaces/monitoring/statefulsets/exporter"
    assert api.asked == [(path, "Bearer first"), (path, "Bearer second")]


@pytest.mark.parametrize(
    ("status", "replicas", "told"),
    [
        (403, 3, DENIED),
        (404, 3, f"answers 404 {WITHOUT}"),
        (200, None, f"answers 200 {WITHOUT}"),
        (200, 1001, f"answers 200 {WITHOUT}"),
    ],
)
async def test_an_answer_without_a_number_of_shards_ends_the_start_at_once(
    api: KubernetesApi, status: int, replicas: object, told: str
) -> None:
    api.status, api.replicas = status, replicas
    with api, pytest.raises(StartupError) as caught:
        await at(api).replicas()
    assert str(caught.value) == f"--shard.statefulset=exporter: the Kubernetes API {told}"
    assert len(api.asked) == 1


async def test_the_start_waits_a_little_for_an_api_that_is_not_reachable_or_busy(api: KubernetesApi) -> None:
    unreachable = "exporter: the Kubernetes API cannot be reached: "
    assert await at(api, Steps(str, api.__enter__)).replicas() == 3
    for status in (429, 503):
        api.status = status
        assert await at(api, Steps(str, lambda: setattr(api, "status", 200))).replicas() == 3
        api.status = status
        with pytest.raises(StartupError, match=f"{unreachable}it answers {status}"):
            await at(api).replicas()
    api.__exit__()
    clock = FakeClock()
    with pytest.raises(StartupError, match=rf"{unreachable}\[Errno 111\] Connect call failed"):
        await at(api, clock).replicas()
    assert clock.monotonic() == 20


@pytest.mark.parametrize(("name", "told"), [("ca.crt", "certificate verify failed"), ("token", "No such file or directory")])
async def test_nothing_is_sent_to_another_server_or_without_a_token(api: KubernetesApi, name: str, told: str) -> None:
    (api.directory / name).unlink()
    if name == "ca.crt":
        (api.directory / name).write_text(Authority().certificate)
    with api, pytest.raises(StartupError, match=told):
        await at(api).replicas()
    assert api.asked == []


async def test_changes_are_applied_and_what_cannot_be_read_changes_nothing_and_is_told_once(api: KubernetesApi) -> None:
    applied, log = list[int](), Log()

    async def apply(total: int) -> None:
        applied.append(total)
        if applied == [5]:
            raise ValueError

    def becomes(replicas: int, status: int = 200) -> Callable[[], object]:
        return lambda: api.__dict__.update(replicas=replicas, status=status)

    steps = [(3,), (5,), (5,), (9, 403), (9, 403), (9, 404), (5,), (2,)]
    with api, suppress(asyncio.CancelledError):
        await at(api, Steps(*(becomes(*step) for step in steps)), log).follow(3, apply)
    assert applied == [5, 5, 2], "what could not be applied is applied again"
    prefix = "--shard.statefulset=exporter: "
    told = [
        (line["event"], line["total"], line.get("problem", "").removeprefix(prefix).split(", line")[0]) for line in log.lines
    ]
    assert told == [
        ("reading shards failed", 3, "internal: ValueError in apply"),
        ("shards changed", 5, ""),
        ("shards read", 5, ""),
        ("reading shards failed", 5, f"the Kubernetes API {DENIED}"),
        ("reading shards failed", 5, f"the Kubernetes API answers 404 {WITHOUT}"),
        ("shards read", 5, ""),
        ("shards changed", 2, ""),
    ]
