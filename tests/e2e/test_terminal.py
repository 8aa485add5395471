"""What `check` prints on terminals of different widths."""

import io
import re
from collections.abc import Callable

import pytest

from exporter.cases.model import Reason
from exporter.check import Row, print_table

NAMES = ("payments-production", "data-platform", "acquired-subsidiary")
EVERY_COLUMN = ["Account", "Name", "Credentials", "Plan", "Open", "Seconds", "Result"]
GOOD, OTHER = (
    Row(f"{number:012}", NAMES[number], "role AwsSupportExporter", "yes", 3, 0.05, None, "", "") for number in (0, 1)
)
REFUSED = Row(
    "999999999999", NAMES[2], "role AwsSupportExporter", "unknown", None, 0.02, Reason.ASSUME_ROLE_DENIED, "no", "do this " * 20
)
UNLISTED = Row("-", "acme", "-", "unknown", None, 0.0, Reason.CREDENTIALS, "none found", "give some")

Lines = Callable[..., list[str]]


@pytest.fixture
def lines_at(monkeypatch: pytest.MonkeyPatch) -> Lines:
    """Return what a terminal with so many columns shows of rows."""

    def lines(columns: int, *rows: Row) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("TERM", "xterm")
        stream = io.StringIO()
        monkeypatch.setattr(stream, "isatty", lambda: True)
        print_table(rows, (), stream, strict=False)
        return re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue()).splitlines()

    return lines


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
    columns: int, headings: list[str], lines_at: Lines
) -> None:
    lines = lines_at(columns, GOOD, OTHER, REFUSED)
    assert lines[0].split() == headings
    assert [line.split()[0] for line in lines[1:4]] == ["000000000001", "000000000000", "999999999999"]
    assert lines[4] == ""
    assert max(map(len, lines)) <= columns


def test_a_failure_names_its_credentials_where_they_have_no_column_and_its_advice_stays_indented(lines_at: Lines) -> None:
    narrow = lines_at(80, REFUSED)
    advice = [line for line in narrow if "do this" in line]
    assert "999999999999 acquired-subsidiary (role AwsSupportExporter): no" in narrow
    assert "999999999999 acquired-subsidiary: no" in lines_at(140, REFUSED)
    assert len(advice) > 1
    assert all(line.startswith(("  do", "  this")) for line in advice)
    assert "acme: none found" in lines_at(80, UNLISTED)


def test_the_last_line_tells_that_no_account_matches(lines_at: Lines) -> None:
    assert lines_at(140)[-1] == "No account was checked: no account matches include and exclude."
