from dataclasses import replace
from pathlib import Path

import pytest

from bench import fleet, report, table
from bench.measuring import Fill, Plan, discovering_config, fill, simulated_aws
from bench.processes import Exporter
from bench.rivals import Cost

TINY = Plan(
    accounts=12,
    cases=4,
    likelier_cases=1,
    latency=0.01,
    concurrency=8,
    settle=0.1,
    idle=0.5,
    ages=0,
    stall=10.0,
    refreshes=1,
    scripted=2,
    growth=(),
    large_account=0,
    rounds=0,
    rounds_accounts=0,
)


@pytest.mark.slow
def test_the_benchmark_counts_calls_exactly_and_leaves_no_row_out(tmp_path: Path) -> None:
    measured = fleet.measure_fleet(TINY, _folder(tmp_path, "fleet"), TINY.cases, busy=False)
    folder = _folder(tmp_path, "discovering")
    with (
        simulated_aws(folder, TINY, TINY.accounts, TINY.cases) as aws,
        Exporter(folder, discovering_config(TINY), aws) as exporter,
    ):
        found = fill(exporter, aws, TINY.accounts)
    measured = measured._replace(scraped=measured.refresh, discovered=found)
    rivals = fleet.measure_rivals(TINY, _folder(tmp_path, "rivals"))

    rows = {
        row.what.strip(): row for row in report.fleet_rows(TINY, measured, rivals) + report.rival_rows(TINY, measured, rivals)
    }

    assert measured.fill.calls == {"AssumeRole": 12, "DescribeCases": 12}
    assert found.calls == {"AssumeRole": 12, "DescribeCases": 12, "ListAccounts": 1}
    # Roles are not assumed again, and no account is read twice.
    assert set(measured.refresh.calls) == {"DescribeCases"}
    assert 0 < measured.refresh.calls["DescribeCases"] <= 12
    assert (rivals.raw.cases, rivals.script.cases) == (12 * 4, 2 * 4)
    assert {name: row.bound for name, row in rows.items() if row.bound} == {
        "start to listening port": "<= 1.5 s",
        "first fill, accounts in the configuration": "<= 6 s",
        "its CPU, against the raw limit": f"<= {table.number(3 * rivals.raw.cpu_seconds)} s",
        "RSS": "<= 160 MiB",
        "scrape p99 when idle, gzip": "<= 8 ms",
        "scrape p99 in a refresh, 4 scrapers, gzip": "<= 25 ms",
        "first fill is faster than it": ">= 40 times",
    }
    assert rows["calls"].figure == "12 AssumeRole, 12 DescribeCases"


@pytest.mark.parametrize(
    ("row", "ratio", "missed"),
    [
        (table.at_most("", "", 3.0, 6.0, "s"), 0.5, False),
        (table.at_most("", "", 6.0, 6.0, "s"), 1.0, False),
        (table.at_most("", "", 9.0, 6.0, "s"), 1.5, True),
        (table.at_least("", "", 80.0, 40.0, "times"), 0.5, False),
        (table.at_least("", "", 20.0, 40.0, "times"), 2.0, True),
        (table.Row("", "", "no bound"), None, False),
    ],
)
def test_a_bound_is_missed_beyond_it_only(row: table.Row, ratio: float | None, missed: bool) -> None:  # noqa: FBT001 - expected
    assert (row.ratio, row.missed) == (ratio, missed)


def test_what_reads_some_accounts_is_scaled_to_the_whole_fleet() -> None:
    plan = replace(TINY, accounts=1000, scripted=50)
    filled = Fill(1.0, 5.0, 4.0, 6.0, {})
    whole = report.Fleet(filled, *([None] * 4))  # type: ignore[arg-type]  # the fill is all that is looked at
    rows = report.rival_rows(plan, whole, report.Rivals(Cost(1, 0.7, 20_000), Cost(5.0, 0.06, 1000), Cost(20.0, 5.0, 1000)))

    assert [row.figure for row in rows] == ["CPU 0.7 s", "CPU 1.2 s", "400 s, CPU 100 s", "80 times"]


def _folder(parent: Path, name: str) -> Path:
    (parent / name).mkdir()
    return parent / name
