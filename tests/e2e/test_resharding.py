"""A StatefulSet is scaled while its pods run: as many real processes, a real API over TLS, and a simulated AWS."""

import json
from collections import Counter
from collections.abc import Callable
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
POLL = 10.0
INTERVAL = 15.0
"""Seconds between two looks at the StatefulSet."""
LATER = 10.0
"""Seconds that a poll, a page, or the start of two processes may take."""

Owners = dict[str, int]


@pytest.mark.slow
def test_three_pods_become_five_and_two_again_and_each_account_has_one_reader(
    start: StartExporter, fleet: Fleet, simulator: Simulator, tmp_path: Path
) -> None:
    accounts = [fleet.add_account(account_id=account_id) for account_id in IDS]
    config = f"poll: {{interval: {POLL:g}s}}\naws: {{role_name: AwsSupportExporter}}\naccounts:\n"
    config += "".join(f'- {{id: "{account_id}"}}\n' for account_id in IDS)
    with KubernetesApi(tmp_path) as api:

        def pod_of(index: int) -> ExporterProcess:
            return start(config, simulator.environment() | api.pod(index), "--shard.statefulset=exporter")

        def owners() -> Owners | None:
            """Return whose each account is, unless one has none or several at this moment."""
            read = [(account_id, index) for index, pod in enumerate(pods) for account_id in Page(pod.get().text).up()]
            return dict(read) if sorted(account_id for account_id, _ in read) == IDS else None

        def settled(done: Callable[[Owners], bool]) -> Owners:
            """Wait until each account has one reader, and look all the time whether it keeps that one while all are polled."""
            looks: list[Owners | None] = []

            def are_done() -> Owners | None:
                return now if (now := owners()) and done(now) else None

            def are_polled() -> bool | None:
                looks.append(owners())
                return simulator.log.counts()["DescribeCases"] > before + len(IDS) or None

            found = wait_until(are_done, INTERVAL + LATER, lambda: f"{owners()}")
            before = simulator.log.counts()["DescribeCases"]
            wait_until(are_polled, 3 * POLL, lambda: "not all are polled")
            assert looks == [found] * len(looks)
            return found

        def scaled(before: Owners, replicas: int) -> Owners:
            """Scale to so many pods, and see that accounts that stay keep their counters, and those that move begin anew."""
            api.replicas = replicas
            pods.extend(pod_of(index) for index in range(len(pods), replicas))
            after = settled(lambda now: set(now.values()) == set(range(replicas)))
            stayed = [account_id for account_id in IDS if before[account_id] == after[account_id]]
            opened = [Page(pod.get().text).by_account("aws_support_cases_opened_total") for pod in pods]
            assert {opened[after[account_id]][account_id] for account_id in stayed} == {1}
            assert {opened[after[account_id]][account_id] for account_id in IDS if account_id not in stayed} == {0}
            return after

        pods = [pod_of(index) for index in range(3)]
        first = settled(bool)
        assert min(Counter(first.values()).values()) > 3
        for account in accounts:
            account.add_case()
        wait_until(
            lambda: sum(Page(pod.get().text).total("aws_support_cases_opened_total") for pod in pods) == len(IDS) or None,
            3 * POLL,
            lambda: "not every case counts",
        )
        five = scaled(first, 5)
        assert {five[each] for each in IDS if five[each] != first[each]} == {3, 4}, "accounts move to the new pods only"
        for index, pod in enumerate(pods):
            assert json.loads(pod.get("/api/v1/status").text)["shard"] == {"index": index, "total": 5}
        two = scaled(five, 2)
        assert {each for each in IDS if first[each] == two[each]} == {each for each in IDS if first[each] < 2}
        for index, pod in enumerate(pods):
            assert pod.returncode is None
            page = Page(pod.get().text)
            assert page.values("aws_support_exporter_shard", ordinal=str(index), total="2") == [1]
            assert page.values("aws_support_exporter_shards") == [2]
            assert (pod.get("/-/healthy").status, pod.get("/-/ready").status) == (200, 200)
            assert f"This is shard {index} of 2." in pod.get("/").text
            assert [line for line in pod.stderr.splitlines() if "level=warning" in line or "level=error" in line] == []
            assert pod.stop() == 0


def test_a_pod_that_may_not_read_its_statefulset_does_not_start_and_says_why(tmp_path: Path) -> None:
    with KubernetesApi(tmp_path) as api:
        api.status = 403
        ended = run_exporter(["--shard.statefulset=exporter", "--web.listen-address=127.0.0.1:0"], api.pod(0))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(
        "--shard.statefulset=exporter: the Kubernetes API denies it: give the service account a Role"
    )
    assert ended.stderr.count("\n") == 1
