"""What a user reads is in the words of Prometheus, Kubernetes and AWS; the glossary says which."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from exporter.metrics.catalog import CATALOG
from exporter.options import parse
from tests.support.chart import CHART
from tests.support.tools import ROOT

INSTEAD: Mapping[str, str] = {
    "a urgent": "an urgent",
    "all the same": "still",
    "anew": "again",
    "are none of": "are not among",
    "be had": "be available",
    "be it": "whether",
    "being looked for": "discovering",
    "beside": "next to",
    "besides": "also",
    "by itself": "automatically",
    "by themselves": "automatically",
    "cure": "fix",
    "for want of": "without",
    "form of lines": "log format",
    "go on": "continue",
    "goes on": "continues",
    "hands out": "returns",
    "heed": "respect",
    "hence": "so",
    "in force": "in use",
    "in want of": "without",
    "is none of": "is not among",
    "is there twice": "is a duplicate",
    "just now": "at the moment",
    "last good": "of the last successful poll",
    "least level": "minimum log level",
    "looked for": "searched, or retried",
    "mend": "fix",
    "noted down": "recorded",
    "put aside": "moved",
    "shall": "should",
    "so many": "many",
    "somebody": "the role of the person",
    "taken for": "treated as",
    "tells": "says",
    "that of": "the noun once more",
    "the news": "the data",
    "those of": "the noun once more",
    "told": "reported",
    "turned away": "rejected",
    "upon": "on",
    "whoever": "the client, caller or attacker",
    "whole": "entire, complete, all",
}
BANNED = re.compile(rf"\b(?:{'|'.join(INSTEAD)})\b", re.IGNORECASE)
FILES = (
    *ROOT.glob("*.md"),
    *(path for path in ROOT.glob("docs/*.md") if path.name != "releasing.md"),  # it is for maintainers
    *(
        CHART / name
        for name in ("README.md", "values.yaml", "values.schema.json", "templates/NOTES.txt", "templates/_checks.tpl")
    ),
    *CHART.glob("files/*/*"),
    *(ROOT / name for name in ("Makefile", "config.example.yaml", "deploy/compose.yaml", "exporter/cases/advice.txt")),
)
# Of a table of what was renamed, the old words stay; of advice, what stands before the arrow is matched with messages.
LEFT_OUT = {"CHANGELOG.md": r"^ +\|.*", "advice.txt": r"^.* => |^\w.*"}


def banned(text: str) -> list[str]:
    return [f"{found[0]}: write {INSTEAD[found[0].lower()]}" for found in BANNED.finditer(" ".join(text.split()))]


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)
def test_files_are_in_the_words_of_the_field(file: Path) -> None:
    text = file.read_text()
    kept = re.sub(LEFT_OUT.get(file.name, r"(?!)"), "", text, flags=re.MULTILINE)
    assert len(kept) > len(text) / 3
    assert banned(kept) == []


def test_help_is_in_the_words_of_the_field(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--help"])
    shown = capsys.readouterr().out
    assert "--config.file" in shown
    assert banned(shown) == []
    assert {name: found for name, metric in CATALOG.items() if (found := banned(f"{metric.help} {metric.presence}"))} == {}


def test_a_banned_word_is_found_over_the_end_of_a_line_and_not_within_another() -> None:
    assert banned("It is in\nforce, but not unheeded; go\nOn.") == ["in force: write in use", "go On: write continue"]
