"""Several exporters share a fleet: each account has one reader, and adding a reader moves few accounts."""

import os
import random
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from exporter.collector.sharding import Shard
from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.support.page import Page
from tests.support.process import ExporterProcess, host_named
from tests.support.tools import ROOT

ACCOUNTS = [f"{number:012}" for number in random.Random(7).sample(range(10**12), 10_000)]  # noqa: S311 - ids, not secrets
SAY_WHICH = "from tests.resilience.test_sharding import owners; print(owners(3)[:2000])"


def owners(total: int) -> list[int]:
    """Return the shard of each account, of that many."""
    shards = [Shard(index, total) for index in range(total)]
    return [next(shard.index for shard in shards if shard.owns(account_id)) for account_id in ACCOUNTS]


@pytest.mark.parametrize("total", [1, 2, 3, 7])
def test_every_account_is_owned_by_exactly_one_shard_and_shares_are_even(total: int) -> None:
    shards = [Shard(index, total) for index in range(total)]
    counts = [0] * total
    for account_id in ACCOUNTS:
        owned = [shard.index for shard in shards if shard.owns(account_id)]
        assert len(owned) == 1
        counts[owned[0]] += 1
    assert min(counts) > 0.9 * len(ACCOUNTS) / total


@pytest.mark.parametrize(("total", "moved"), [(1, 4986), (2, 3215), (3, 2473), (4, 1986), (9, 1003)])
def test_one_more_shard_moves_only_its_own_share_of_10000_accounts(total: int, moved: int) -> None:
    before, after = owners(total), owners(total + 1)
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) == moved
    assert moved == pytest.approx(len(ACCOUNTS) / (total + 1), rel=0.05)
    assert set(changed) == {total}, "an account moves to the new shard or not at all"


def test_every_process_gives_the_same_answer() -> None:
    answers = {
        subprocess.run(
            [sys.executable, "-c", SAY_WHICH],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        ).stdout
        for seed in ("0", "1", "4711")
    }
    assert answers == {f"{owners(3)[:2000]}\n"}


def test_three_exporters_together_read_every_account_once(fleet: Fleet, simulator: Simulator, tmp_path: Path) -> None:
    ids = [fleet.add_account(account_id=account_id).account_id for account_id in ACCOUNTS[:30]]
    config = tmp_path / "config.yaml"
    fleet.management_account.state = "SUSPENDED"
    configured = "".join(f"\n- {{id: '{account_id}'}}" for account_id in ids[:10])
    config.write_text(f"aws: {{role_name: AwsSupportExporter}}\norganizations: [{{name: acme}}]\naccounts: {configured}")
    with ExitStack() as stack:
        exporters = [
            stack.enter_context(
                ExporterProcess(
                    [f"--config.file={config}", "--shard.from-hostname", "--shard.total=3"],
                    simulator.environment() | host_named(f"exporter-{index}", tmp_path / "host-name"),
                )
            )
            for index in range(3)
        ]
        pages = []
        for index, exporter in enumerate(exporters):
            exporter.wait_for(lambda text: text == "Ready.\n", path="/-/ready")
            page = Page(exporter.wait_for(lambda text: "account_up{" in text and 'accounts{state="pending"} 0.0' in text))
            assert page.values("aws_support_exporter_shard", ordinal=str(index), total="3") == [1]
            assert page.values("aws_support_exporter_shards") == [3]
            assert f"This is shard {index} of 3." in exporter.get("/").text
            pages.append(page)
    assert sorted(account_id for page in pages for account_id in page.up()) == sorted(ids)
    read = [record.account_id for record in simulator.log.records("DescribeCases")]
    assert sorted(read) == sorted(ids)
