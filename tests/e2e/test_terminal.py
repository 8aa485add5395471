"""What `check` prints on terminals of different widths."""

import io
import re

import pytest

from exporter.cases.model import Reason
from exporter.check import Row, print_table

NAMES = ("payments-production", "data-platform", "acquired-subsidiary")
_STYLE = re.compile(r"\x1b\[[0-9;]*m")
EVERY_COLUMN = ["Account", "Name", "Credentials", "Plan", "Open", "Seconds", "Result"]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def lines_at(columns: int, monkeypatch: pytest.MonkeyPatch, *rows: Row) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    print_table(rows, (), stream, strict=False)
    return _STYLE.sub("", stream.getvalue()).splitlines()


def good(number: int) -> Row:
    return Row(f"{number:012}", NAMES[number], "role AwsSupportExporter", "yes", 3, 0.05, None, "", "")


REFUSED = Row(
    "999999999999", NAMES[2], "role AwsSupportExporter", "unknown", None, 0.02, Reason.ASSUME_ROLE_DENIED, "no", "do this " * 20
)
UNLISTED = Row("-", "acme", "-", "unknown", None, 0.0, Reason.CREDENTIALS, "none found", "give some")
OWN = Row("-", "own account", "-", "unknown", None, 0.0, Reason.CREDENTIALS, "none found", "give some")


@pytest.mark.parametrize(
    ("columns", "headings"),
    [
        (140, EVERY_COLUMN),
        (100, ["Account", "Name", "Credentials", "Plan", "Open", "Result"]),
        (80, ["Account", "Name", "Plan", "Open", "Seconds", "Result"]),
        (75, ["Account", "Name", "Plan", "Open", "Result"]),
    ],
)
def test_a_narrow_terminal_gets_fewer_columns_and_a_line_for_each_account(
    columns: int, headings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = lines_at(columns, monkeypatch, good(0), good(1), REFUSED)
    assert lines[0].split() == headings
    assert [line.split()[0] for line in lines[1:4]] == ["000000000001", "000000000000", "999999999999"]
    assert lines[4] == ""
    assert max(map(len, lines)) <= columns


def test_credentials_without_a_column_are_told_with_the_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "999999999999 acquired-subsidiary (role AwsSupportExporter): no" in lines_at(80, monkeypatch, REFUSED)
    assert "999999999999 acquired-subsidiary: no" in lines_at(140, monkeypatch, REFUSED)


def test_advice_stays_indented_when_it_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    advice = [line for line in lines_at(80, monkeypatch, REFUSED) if "do this" in line]
    assert len(advice) > 1
    assert all(line.startswith(("  do", "  this")) for line in advice)


def test_an_organization_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "acme: none found" in lines_at(80, monkeypatch, UNLISTED)


@pytest.mark.parametrize(
    ("rows", "last"),
    [
        ((), "No account was checked: no account matches include and exclude."),
        ((good(0),), "1 account checked, none failed."),
        ((good(0), REFUSED), "2 accounts checked, 1 failed."),
        ((UNLISTED,), "No account was checked. Listing an organization failed: see above."),
        ((OWN,), "No account was checked. Finding the account of the exporter's own credentials failed: see above."),
        ((good(0), UNLISTED), "1 account checked, none failed. Listing an organization failed: see above."),
    ],
)
def test_the_last_line_tells_how_many_accounts_failed(
    rows: tuple[Row, ...], last: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lines_at(140, monkeypatch, *rows)[-1] == last
