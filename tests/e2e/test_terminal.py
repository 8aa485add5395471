"""What `check` prints on a terminal of 72 columns."""

import io

import pytest

from exporter.cases.model import Reason
from exporter.cases.report import Finding
from exporter.check import Findings, print_text

STYLES = {"\x1b[0m": "<>", "\x1b[1m": "<bold>", "\x1b[31m": "<red>", "\x1b[32m": "<green>", "\x1b[33m": "<yellow>"}
SHOWN = """\
<bold>Credentials<>
<red>✗ own credentials: credentials<>
<bold>Endpoints<>
<green>✓ sts: us-east-1,<>
<green>  hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh, proxy<>
<green>  proxy:3128, fips<>
<bold>Organizations<>
<yellow>! acme: listed 0, excluded 0, selected 0, unmatched include.accounts 1<>

<bold>Account       Result                 Open  Seconds  Name<>
000000000001  <green>ok                   <>     3     0.05  team
000000000007  <yellow>subscription_required<>     3     0.05  team
000000000002  <red>credentials          <>     3     0.05  team
000000000003  <red>credentials          <>     3     0.05  team
000000000004  <red>credentials          <>     3     0.05  team
000000000005  <red>credentials          <>     3     0.05  team
000000000006  <red>credentials          <>     3     0.05  team

<yellow>000000000007 team (own): subscription_required:<>

<red>own credentials, 5 accounts (000000000002, 000000000003, 000000000004<>
<red>and 2 more): credentials: said by AWS, said by AWS, said by AWS, said by<>
<red>AWS, said by AWS, said by AWS, said by AWS, said by AWS, said by AWS,<>
  do this, do this, do this, do this, do this, do this, do this, do
  this, do this, do this, do this, do this,

<yellow>000000000001 team (own): access_denied: odd<>

7 accounts checked, 5 failed.
"""


def account(number: int, reason: Reason | None = None, detail: str = "", advice: str = "") -> Finding:
    account_id = f"{number:012}"
    facts = {"account_id": account_id, "account_name": "team", "credentials": "own", "open_cases": 3, "seconds": 0.05}
    return Finding((account_id,), reason, detail, advice, facts)


def shown(found: Findings, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", "72")
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True)
    print_text(found, stream)
    text = stream.getvalue()
    for code, style in STYLES.items():
        text = text.replace(code, style)
    return text


def test_lines_fit_what_fails_alike_is_told_once_and_colours_tell_what_is_well_odd_and_failing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    why = (Reason.CREDENTIALS, "said by AWS, " * 9, "do this, " * 12)
    sts = {"service": "sts", "regions": ["us-east-1"], "host": "h" * 60, "proxy": "proxy:3128", "fips": True}
    acme = {"name": "acme", "listed": 0, "excluded": 0, "selected": 0, "unmatched": ["include.accounts 1"]}
    found = Findings(
        credentials=[Finding(("own credentials",), *why, facts={"source": "own credentials"})],
        endpoints=[Finding(("sts",), facts=sts)],
        organizations=[Finding(("acme",), facts=acme)],
        accounts=[account(1), *(account(number, *why) for number in range(2, 7)), account(7, Reason.SUBSCRIPTION_REQUIRED)],
        warnings=[Finding(("000000000001",), Reason.ACCESS_DENIED, "odd")],
        notes=(),
        unknown_accounts=(),
    )
    assert shown(found, monkeypatch) == SHOWN


def test_the_last_line_tells_that_no_account_matches(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(Findings((), (), (), (), (), (), ()), monkeypatch)
    assert text == "\nNo account was checked: no account matches include and exclude.\n"
