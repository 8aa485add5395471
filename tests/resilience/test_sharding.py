"""Several exporters share a fleet: each account has one reader, and adding a reader moves few accounts."""

import random
from collections import Counter
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from exporter.collector.schedule import Shard
from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.resilience.conftest import configuration
from tests.support.page import Page
from tests.support.process import ExporterProcess, host_named

ACCOUNTS = [f"{number:012}" for number in random.Random(7).sample(range(10**12), 10_000)]  # noqa: S311 - ids, not secrets


@cache
def owners(total: int) -> list[int]:
    """Return the shard of each account, of that many; fail where an account has not exactly one."""
    shards = [Shard(index, total) for index in range(total)]
    found = [[shard.index for shard in shards if shard.owns(account_id)] for account_id in ACCOUNTS]
    assert {len(each) for each in found} == {1}
    return [index for (index,) in found]


@pytest.mark.parametrize(("total", "moved"), [(1, 4986), (2, 3215), (3, 2473), (4, 1986)])
def test_each_shard_has_its_share_of_10000_accounts_and_one_more_moves_no_other_share(total: int, moved: int) -> None:
    """The numbers are the same in every process, whatever its hash seed."""
    before, after = owners(total), owners(total + 1)
    assert min(Counter(before)[index] for index in range(total)) > 0.9 * len(ACCOUNTS) / total
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) == moved == pytest.approx(len(ACCOUNTS) / (total + 1), rel=0.05)
    assert set(changed) == {total}, "an account moves to the new shard or not at all"


def test_three_exporters_together_read_every_account_once(fleet: Fleet, simulator: Simulator, tmp_path: Path) -> None:
    ids = [fleet.add_account(account_id=account_id).account_id for account_id in ACCOUNTS[:30]]
    config = tmp_path / "config.yaml"
    fleet.management_account.state = "SUSPENDED"
    config.write_text(configuration(*ids[:10], rest="organizations: [{name: acme}]"))
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
