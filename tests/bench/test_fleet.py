from dataclasses import replace
from pathlib import Path

import pytest

from bench import fleet, table
from bench.measuring import Fill, Plan, Refresh, Resting
from bench.rivals import Cost

TINY = Plan(
    accounts=12, cases=4, latency=0.01, concurrency=8, settle=0.1, idle=0.5, ages=0, stall=10.0, refreshes=1, scripted=2
)


@pytest.mark.slow
def test_the_benchmark_counts_calls_exactly_and_leaves_no_row_out(tmp_path: Path) -> None:
    measured = fleet.measure_fleet(TINY, tmp_path, TINY.cases, busy=True)
    (tmp_path / "rivals").mkdir()
    rivals = fleet.measure_rivals(TINY, tmp_path / "rivals")
    rows = {row.what.strip(): row for row in fleet.fleet_rows(TINY, measured, rivals)}

    assert measured.discovered
    assert measured.fill.calls == {"AssumeRole": 12, "DescribeCases": 12}
    assert measured.discovered.calls == {"AssumeRole": 12, "DescribeCases": 12, "ListAccounts": 1}
    # Roles are not assumed again, and no account is read twice.
    assert set(measured.refresh.calls) == {"DescribeCases"}
    assert 0 < measured.refresh.calls["DescribeCases"] <= 12
    assert (rivals.raw.found, rivals.script.found, rivals.listing.found) == (12 * 4, 2 * 4, 12)
    assert sum(bool(row.bound) for row in rows.values()) == 10
    assert rows["first fill, accounts through ListAccounts"].bound == f"<= {table.number(1.15 * rivals.listing.seconds)} s"
    assert rows["calls"].figure == "12 AssumeRole, 12 DescribeCases"


def test_a_bound_is_missed_beyond_it_only() -> None:
    kept = table.at_most("", "", 6.0, 6.0, "s"), table.at_least("", "", 40.0, 40.0, "times"), table.Row("", "", "no bound")
    missed = table.at_most("", "", 9.0, 6.0, "s"), table.at_least("", "", 20.0, 40.0, "times")
    assert [row.missed for row in (*kept, *missed)] == [False, False, False, True, True]


def test_memory_is_linear_when_a_large_fleet_takes_as_much_for_an_account_as_a_small_one() -> None:
    measured = Fill(1, 5, 4, 6, {}), Refresh(1, 1, (0, 0), 0, {}, 1)
    sizes = ((100, 20, 70.0), (300, 20, 80.0), (1000, 20, 115.0), (3000, 20, 235.0), (10_000, 3, 290.0))
    *_, fill, rss, slope = fleet.growth_rows([fleet.Grown(accounts, cases, *measured, mib) for accounts, cases, mib in sizes])
    assert (fill.missed, rss.missed, slope.figure) == (False, True, "1.2 times (61 / 51 KiB)")


def test_what_reads_some_accounts_is_scaled_to_the_whole_fleet() -> None:
    plan = replace(TINY, accounts=1000, scripted=50)
    whole = fleet.Measured(Fill(1.0, 5.0, 4.0, 6.0, {}), Resting(1, 1, (1, 1), (1, 1), 0), Refresh(1, 0.7, (0, 0), 0, {}, 4))
    rivals = fleet.Rivals(Cost(1, 0.7, 20_000), Cost(20.0, 5.0, 1000), Cost(10.0, 0.1, 1000))
    assert [row.figure for row in fleet.fleet_rows(plan, whole, rivals)][-2:] == ["400 s, CPU 100 s", "80 times"]
