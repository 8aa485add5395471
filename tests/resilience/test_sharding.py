"""Several exporters share a fleet: each account has one reader, and adding a reader moves few accounts."""

import random
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from exporter.collector.schedule import Shard
from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.resilience.conftest import configuration
from tests.support.process import ExporterProcess

ACCOUNTS = [f"{number:012}" for number in random.Random(7).sample(range(10**12), 3_000)]  # noqa: S311 - ids, not secrets


def owners(total: int) -> list[int]:
    """Return the shard of each account, of that many; fail where an account has not exactly one."""
    shards = [Shard(index, total) for index in range(total)]
    found = [[shard.index for shard in shards if shard.owns(account_id)] for account_id in ACCOUNTS]
    assert {len(each) for each in found} == {1}
    return [index for (index,) in found]


@pytest.mark.parametrize(("total", "moved"), [(1, 1476), (3, 740)])
def test_each_shard_has_its_share_of_3000_accounts_and_one_more_moves_no_other_share(total: int, moved: int) -> None:
    """The numbers are the same in every process, whatever its hash seed."""
    before, after = owners(total), owners(total + 1)
    assert min(Counter(before)[index] for index in range(total)) > 0.9 * len(ACCOUNTS) / total
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) == moved == pytest.approx(len(ACCOUNTS) / (total + 1), rel=0.05)
    assert set(changed) == {total}, "an account moves to the new shard or not at all"


def test_two_exporters_together_read_every_account_once(fleet: Fleet, simulator: Simulator, tmp_path: Path) -> None:
    ids = [fleet.add_account(account_id=account_id).account_id for account_id in ACCOUNTS[:20]]
    config = tmp_path / "config.yaml"
    fleet.management_account.state = "SUSPENDED"
    config.write_text(configuration(*ids[:10], rest="organizations: [{name: acme}]"))
    pages = []
    with ExitStack() as stack:
        for index in (0, 1):
            flags = f"--config.file={config}", f"--shard.index={index}", "--shard.total=2"
            exporter = stack.enter_context(ExporterProcess(flags, simulator.environment()))
            page = exporter.first_page()
            assert page.values("aws_support_exporter_shard", ordinal=str(index), total="2") == [1]
            assert page.values("aws_support_exporter_shards") == [2]
            assert f"This is shard {index} of 2." in exporter.get("/").text
            pages.append(page)
    assert sorted(account_id for page in pages for account_id in page.up()) == sorted(ids)
    read = [record.account_id for record in simulator.log.records("DescribeCases")]
    assert sorted(read) == sorted(ids)
