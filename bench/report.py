"""From what was measured to the rows of the table, with the bounds that hold for the fleet of 1,000 accounts."""

from collections.abc import Sequence
from typing import NamedTuple

from bench.measuring import SCRAPERS, Fill, Plan, Refresh, Resting
from bench.peer import Reader
from bench.rivals import Cost
from bench.rounds import Footprint
from bench.table import Row, at_least, at_most, number

_LARGEST = (10_000, 3)
_LEAST_FOR_SLOPE = 3


class Fleet(NamedTuple):
    """All that was measured of one fleet; `scraped` is a refresh with scrapers, `discovered` a fill through an organization."""

    fill: Fill
    resting: Resting
    refresh: Refresh
    scraped: Refresh | None
    discovered: Fill | None


class Rivals(NamedTuple):
    """What the raw limit took for the whole fleet when it waits for nothing; and it, and a script, for some accounts."""

    raw: Cost
    raw_waiting: Cost
    script: Cost


class Grown(NamedTuple):
    """What was measured of a fleet of another size."""

    accounts: int
    cases: int
    fill: Fill
    refresh: Refresh
    rss: float


def fleet_rows(plan: Plan, fleet: Fleet, rivals: Rivals) -> list[Row]:
    """Return the rows of the main fleet."""
    name = f"{plan.accounts:,} accounts x {plan.cases} cases, {1000 * plan.latency:g} ms a call, concurrency {plan.concurrency}"
    filled, rested, scraped = fleet.fill, fleet.resting, fleet.scraped
    rows = [
        at_most(name, "start to listening port", filled.listening, 1.5, "s"),
        at_most(name, "first fill, accounts in the configuration", filled.seconds, 6.0, "s"),
        Row(name, "  its CPU, AssumeRole included", f"{number(filled.cpu)} s"),
        Row(name, "  calls", _calls(filled.calls)),
        Row(name, "  until the last account is on the page", f"{number(filled.shown)} s"),
    ]
    if fleet.discovered:
        found = fleet.discovered
        rows.append(Row(name, "first fill, accounts through ListAccounts", f"{number(found.seconds)} s, {_calls(found.calls)}"))
    rows += [
        Row(name, "refresh at full speed", f"{number(fleet.refresh.seconds)} s, {_calls(fleet.refresh.calls)}"),
        at_most(name, "  its CPU, against the raw limit", fleet.refresh.cpu, 3 * rivals.raw.cpu_seconds, "s"),
        at_most(name, "RSS", rested.rss, 160, "MiB"),
        Row(name, "  when every format is scraped", f"{number(rested.rss_every_format)} MiB"),
        Row(name, "page", f"{number(rested.page_bytes[0] / 1024)} KiB gzip, {number(rested.page_bytes[1] / 1024)} KiB plain"),
        at_most(name, "scrape p99 when idle, gzip", rested.scrape_ms[1], 8, "ms", f" (p50 {number(rested.scrape_ms[0])})"),
    ]
    if scraped:
        what = f"scrape p99 in a refresh, {SCRAPERS} scrapers, gzip"
        note = f" (p50 {number(scraped.scrape_ms[0])}; {scraped.scrapes} scrapes)"
        rows.append(at_most(name, what, scraped.scrape_ms[1], 25, "ms", note))
        rows.append(
            Row(name, "  the refresh meanwhile", f"{number(scraped.seconds)} s, CPU with scrapes {number(scraped.cpu)} s")
        )
    return rows


def rival_rows(plan: Plan, fleet: Fleet, rivals: Rivals) -> list[Row]:
    """Return the rows of what else reads the main fleet."""
    name = "The same fleet, read by"
    script = rivals.script
    factor = plan.accounts / plan.scripted
    scaled = f"{number(script.seconds * factor)} s, CPU {number(script.cpu_seconds * factor)} s"
    waiting = f"CPU {number(rivals.raw_waiting.cpu_seconds * factor)} s"
    return [
        Row(name, "the raw limit: SigV4 by hand, one connection, json", f"CPU {number(rivals.raw.cpu_seconds)} s"),
        Row(name, f"  when it waits {1000 * plan.latency:g} ms a call, too ({plan.scripted}, scaled)", waiting),
        Row(name, f"a script: boto3 session per account ({plan.scripted}, scaled)", scaled),
        at_least(name, "  first fill is faster than it", script.seconds * factor / fleet.fill.seconds, 40, "times"),
    ]


def likelier_rows(plan: Plan, fleet: Fleet) -> list[Row]:
    """Return the rows of the likelier fleet."""
    name = f"{plan.accounts:,} accounts x {plan.likelier_cases} cases"
    return [
        Row(name, "first fill", f"{number(fleet.fill.seconds)} s, CPU {number(fleet.fill.cpu)} s"),
        Row(name, "refresh at full speed", f"{number(fleet.refresh.seconds)} s, CPU {number(fleet.refresh.cpu)} s"),
        at_most(name, "RSS", fleet.resting.rss, 90, "MiB"),
        Row(name, "  when every format is scraped", f"{number(fleet.resting.rss_every_format)} MiB"),
    ]


def page_rows(plan: Plan, fleet: Fleet, likelier: Fleet, series: int, milliseconds: float) -> list[Row]:
    """Return the rows of keeping the page fresh."""
    name = "The page between polls: four formats, each scraped every 15 s"
    sizes = ((plan.cases, fleet, 2.0), (plan.likelier_cases, likelier, 0.5))
    return [
        *(
            at_most(name, f"{plan.accounts:,} x {cases}, share of a core", 100 * one.resting.ages, bound, "%")
            for cases, one, bound in sizes
        ),
        at_most(name, f"a page of {series} series, ready from nothing", milliseconds, 5, "ms"),
    ]


def peer_rows(plan: Plan, ours: Reader | None, peer: Reader | None, problem: str) -> list[Row]:
    """Return the rows of one large account, read by the peer and by the exporter."""
    name = f"One account of {plan.large_account:,} cases"
    readers = (("aws-prometheus-exporter 0.2.0, a series per case", peer), ("this exporter", ours))
    return [Row(name, who, problem if reader is None else _reader(reader)) for who, reader in readers]


def growth_rows(grown: Sequence[Grown]) -> list[Row]:
    """Return the rows of fleets of every size, in the order of their sizes."""
    name = "Growth"
    rows = []
    for one in sorted(grown, key=lambda each: (-each.cases, each.accounts)):
        what = f"{one.accounts:,} x {one.cases}: fill, refresh CPU, RSS"
        text = f"{number(one.fill.seconds)} s, {number(one.refresh.cpu)} s, "
        if (one.accounts, one.cases) == _LARGEST:
            bounded = at_most(name, what, one.rss, 500, "MiB")
            rows.append(bounded._replace(figure=text + bounded.figure))
        else:
            rows.append(Row(name, what, f"{text}{number(one.rss)} MiB"))
    most = max(one.cases for one in grown)
    sizes = sorted((one.accounts, one.rss) for one in grown if one.cases == most)
    if len(sizes) >= _LEAST_FOR_SLOPE:
        (few, low), (some, middle), (many, high) = sizes[0], sizes[-2], sizes[-1]
        slopes = (middle - low) / (some - few), (high - middle) / (many - some)
        row = at_most(name, "linear: RSS of one more account, large fleet / small", slopes[1] / slopes[0], 1.2, "times")
        rows.append(row._replace(figure=f"{row.figure} ({1024 * slopes[1]:.0f} / {1024 * slopes[0]:.0f} KiB)"))
    return rows


def round_rows(footprints: Sequence[Footprint]) -> list[Row]:
    """Return the rows of what must not grow from round to round."""
    numbers = ", ".join(str(one.rounds) for one in footprints)
    name = f"Nothing grows: rounds {numbers} over a living fleet"
    half, end = footprints[-2] if len(footprints) > 1 else footprints[-1], footprints[-1]
    return [
        _steady(name, "RSS, MiB", [one.rss for one in footprints], end.rss / half.rss, 1.03),
        _steady(name, "threads", [one.threads for one in footprints], end.threads / half.threads, 1.0),
        _steady(
            name, "open files and sockets", [one.descriptors for one in footprints], end.descriptors / half.descriptors, 1.1
        ),
    ]


def _steady(name: str, what: str, figures: Sequence[float], growth: float, bound: float) -> Row:
    return Row(name, what, ", ".join(map(number, figures)), f"end <= {bound:g} x half-way", growth / bound)


def _calls(calls: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {operation}" for operation, count in sorted(calls.items()))


def _reader(reader: Reader) -> str:
    scrapes = f"scrape p50 {number(reader.idle_ms[0])}, slowest in a refresh {number(reader.worst_ms)} ms"
    return f"fill {number(reader.fill)} s, refresh CPU {number(reader.refresh_cpu)} s, RSS {number(reader.rss)} MiB, {scrapes}"
