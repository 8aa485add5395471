"""The number of shards is that of the pods that the StatefulSet should have, also when that changes."""

import asyncio
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
NOT_FOUND = "answers 404 without replicas of 0 to 1000"
NONE = "answers 200 without replicas of 0 to 1000"


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
    """Return an API that is to be started; the test is in its pod. Python 3.13 asks more of its certificate than EKS has."""
    api = KubernetesApi(tmp_path)
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


def another_authority(api: KubernetesApi) -> None:
    (api.directory / "ca.crt").write_text(Authority().certificate)


@pytest.mark.parametrize(
    ("spoil", "told", "waited", "asked"),
    [
        (lambda api: setattr(api, "status", 403), DENIED, 0, 1),
        (lambda api: setattr(api, "status", 404), NOT_FOUND, 0, 1),
        (lambda api: setattr(api, "replicas", None), NONE, 0, 1),
        (lambda api: setattr(api, "replicas", 1001), NONE, 0, 1),
        (lambda api: setattr(api, "status", 429), "cannot be reached: it answers 429", 20, 21),
        (lambda api: setattr(api, "status", 503), "cannot be reached: it answers 503", 20, 21),
        (another_authority, "certificate verify failed", 20, 0),
        (lambda api: (api.directory / "token").unlink(), "No such file or directory", 20, 0),
    ],
)
async def test_a_start_ends_with_what_is_wrong(
    api: KubernetesApi, spoil: Callable[[KubernetesApi], object], told: str, waited: float, asked: int
) -> None:
    spoil(api)
    clock = FakeClock()
    with api, pytest.raises(StartupError) as caught:
        await at(api, clock).replicas()
    assert str(caught.value).startswith("--shard.statefulset=exporter: the Kubernetes API ")
    assert told in str(caught.value)
    assert (clock.monotonic(), len(api.asked)) == (waited, asked)


async def test_the_start_waits_a_little_for_an_api_that_is_not_reachable_or_busy(api: KubernetesApi) -> None:
    assert await at(api, Steps(str, api.__enter__)).replicas() == 3
    api.status = 503
    assert await at(api, Steps(str, lambda: setattr(api, "status", 200))).replicas() == 3
    api.__exit__()


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
    prefix = "--shard.statefulset=exporter: the Kubernetes API "
    told = [
        (line["event"], line["total"], line.get("problem", "").removeprefix(prefix).split(", line")[0]) for line in log.lines
    ]
    assert told == [
        ("reading shards failed", 3, "internal: ValueError in apply"),
        ("shards changed", 5, ""),
        ("shards read", 5, ""),
        ("reading shards failed", 5, DENIED),
        ("reading shards failed", 5, NOT_FOUND),
        ("shards read", 5, ""),
        ("shards changed", 2, ""),
    ]
