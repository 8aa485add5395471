"""A StatefulSet is scaled while its pods run: as many real processes, an API over TLS, and a simulated AWS."""

import json
from collections import Counter
from pathlib import Path

import pytest

from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.e2e.conftest import StartExporter
from tests.support.kubernetes import KubernetesApi
from tests.support.page import Page
from tests.support.process import ExporterProcess, run_exporter
from tests.support.waiting import wait_until

IDS = [f"{number:012}" for number in range(1, 31)]
POLL, LOOK = 10, 15
"""Seconds between polls of an account, and between two looks at the StatefulSet."""
CONFIG = f"poll: {{interval: {POLL}s}}\naws: {{role_name: AwsSupportExporter}}\naccounts: {[{'id': each} for each in IDS]}\n"


def page(pod: ExporterProcess) -> Page:
    return Page(pod.get().text)


@pytest.mark.slow
def test_three_pods_become_five_and_two_again_and_each_account_has_one_reader(
    start: StartExporter, fleet: Fleet, simulator: Simulator, tmp_path: Path
) -> None:
    accounts = [fleet.add_account(account_id=account_id) for account_id in IDS]
    pods: list[ExporterProcess] = []
    api = KubernetesApi(tmp_path)

    counts = Counter[str]()
    readers: dict[str, int] = {}

    def owners() -> dict[str, int] | None:
        """Return whose each account is, unless one has none or several at this moment."""
        read = [(account_id, index) for index, pod in enumerate(pods) for account_id in page(pod).up()]
        return dict(read) if sorted(account_id for account_id, _ in read) == IDS else None

    def scaled(replicas: int) -> dict[str, int]:
        """Scale until each account has one reader, which it keeps while all are polled and count a case that is opened."""
        api.replicas = replicas
        for index in range(len(pods), replicas):
            flags = "--shard.statefulset=exporter", f"--storage.path={tmp_path}/state-{index}"
            pods.append(start(CONFIG, simulator.environment() | api.pod(index), *flags))

        def settled() -> dict[str, int] | None:
            return found if (found := owners()) and set(found.values()) == set(range(replicas)) else None

        def counted() -> bool | None:
            assert owners() == found
            opened = [page(pod).by_account("aws_support_cases_opened_total") for pod in pods]
            return all(opened[found[each]][each] == counts[each] for each in IDS) or None

        found = wait_until(settled, LOOK + POLL, lambda: f"{owners()}")
        for account in accounts:
            account.add_case()
            each = account.account_id
            counts[each] = counts[each] + 1 if readers.get(each) == found[each] else 1
        wait_until(counted, 3 * POLL, lambda: f"counters of those that stay do not go on: {counts}")
        readers.update(found)
        return found

    with api:
        three = scaled(3)
        assert min(Counter(three.values()).values()) > 3
        five = scaled(5)
        assert all(five[each] in {three[each], 3, 4} for each in IDS), "accounts move to the new pods only"
        assert [json.loads(pod.get("/api/v1/status").text)["shard"]["total"] for pod in pods] == [5] * 5
        two = scaled(2)
        assert all(two[each] == five[each] for each in IDS if five[each] < 2)
        for index, pod in enumerate(pods):
            assert page(pod).values("aws_support_exporter_shard", ordinal=str(index), total="2") == [1]
            assert page(pod).values("aws_support_exporter_shards") == [2]
            assert (pod.get("/-/healthy").status, pod.get("/-/ready").status) == (200, 200), "also one that is about to go"
            assert f"This is shard {index} of 2." in pod.get("/").text
            assert [line for line in pod.stderr.splitlines() if "level=warning" in line or "level=error" in line] == []
            assert pod.stop() == 0, "it ran until now"


def test_a_pod_that_may_not_read_its_statefulset_does_not_start_and_says_why(tmp_path: Path) -> None:
    with KubernetesApi(tmp_path) as api:
        api.status = 403
        ended = run_exporter(["--shard.statefulset=exporter", "--web.listen-address=127.0.0.1:0"], api.pod(0))
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert ended.stderr.startswith("--shard.statefulset=exporter: the Kubernetes API denies access: grant the service account")
