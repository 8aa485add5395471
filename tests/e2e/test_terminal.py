"""What `check` prints on terminals of different widths."""

import io
import re
from collections.abc import Callable, Sequence

import pytest

from exporter.cases.model import Reason
from exporter.cases.report import Finding
from exporter.check import Findings, print_text

Show = Callable[..., list[str]]


def account(number: int, reason: Reason | None = None, detail: str = "", advice: str = "") -> Finding:
    facts = {
        "account_id": f"{number:012}",
        "account_name": f"team {number}",
        "credentials": "own",
        "open_cases": 3,
        "seconds": 0.05,
    }
    return Finding((f"{number:012}",), reason, detail, advice, facts)


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch) -> Show:
    """Return what a terminal with so many columns shows, colours included."""

    def lines(columns: int, *accounts: Finding, warnings: Sequence[Finding] = (), **found: Sequence[Finding]) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(columns))
        stream = io.StringIO()
        monkeypatch.setattr(stream, "isatty", lambda: True)
        credentials, endpoints, organizations = (found.get(each, ()) for each in ("credentials", "endpoints", "organizations"))
        print_text(Findings(credentials, endpoints, organizations, accounts, warnings, (), ()), stream)
        return stream.getvalue().splitlines()

    return lines


def plain(lines: Sequence[str]) -> list[str]:
    return [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]


@pytest.mark.parametrize("columns", [80, 200])
def test_a_failure_fits_the_terminal_and_its_advice_is_indented(columns: int, show: Show) -> None:
    said, do = "said by AWS " * 20, "do this " * 20
    endpoint = Finding(
        ("sts",), facts={"service": "sts", "regions": ["us-east-1"], "host": "h" * 60, "proxy": "proxy:3128", "fips": True}
    )
    lines = plain(show(columns, account(1), account(2, Reason.CREDENTIALS, said, do), endpoints=[endpoint]))
    assert max(map(len, lines)) <= columns
    assert [line for line in lines if re.search("said|AWS", line) and line.startswith(" ")] == []
    assert all(line.startswith(("  do", "  this")) for line in lines if "do this" in line)
    assert "proxy proxy:3128, fips" in " ".join(" ".join(lines).split())
    assert [line[:18] for line in lines if line.startswith("00000000000")][:2] == ["000000000001  ok  ", "000000000002  cred"]


def test_what_fails_alike_is_told_once_whatever_it_is_of(show: Show) -> None:
    why = (Reason.CREDENTIALS, "nothing found", "give some")
    accounts = [account(number, *why) for number in range(1, 6)]
    lines = plain(show(200, *accounts, credentials=[Finding(("own credentials",), *why, {"source": "own credentials"})]))
    assert "✗ own credentials: credentials" in lines
    told = "own credentials, 5 accounts (000000000001, 000000000002, 000000000003 and 2 more): credentials: nothing found"
    assert [line for line in lines if "nothing found" in line] == [told]
    assert lines.count("  give some") == 1


def test_colours_tell_what_is_well_what_is_odd_and_what_fails(show: Show) -> None:
    warning = Finding(("000000000001",), Reason.ACCESS_DENIED, "odd")
    listed = Finding(
        ("acme",), facts={"name": "acme", "listed": 0, "excluded": 0, "selected": 0, "unmatched": ["include.accounts 1"]}
    )
    lines = show(
        *(200, account(1), account(2, Reason.SUBSCRIPTION_REQUIRED), account(3, Reason.TIMEOUT)),
        organizations=[listed],
        warnings=[warning],
    )
    colours = {
        text: re.findall(r"\x1b\[(3\d)m", line)[:1]
        for line in lines
        for text in ("ok", "_req", "timeout ", "odd", "acme")
        if text in line
    }
    assert colours == {"ok": ["32"], "_req": ["33"], "timeout ": ["31"], "odd": ["33"], "acme": ["33"]}


def test_the_last_line_tells_that_no_account_matches(show: Show) -> None:
    assert show(140)[-1] == "No account was checked: no account matches include and exclude."
