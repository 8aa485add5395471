"""What a user reads is in the words of Prometheus, Kubernetes and AWS; the glossary says which."""

import re
from pathlib import Path

import pytest

from exporter.metrics.catalog import CATALOG
from exporter.options import parse
from tests.support.chart import CHART
from tests.support.tools import ROOT

WORDS = (
    *("a urgent", "all the same", "anew", "are none of", "be had", "be it", "being looked for"),
    *("beside", "besides", "by itself", "by themselves", "cure", "for want of", "form of lines"),
    *("go on", "goes on", "hands out", "heed", "hence", "in force", "in want of"),
    *("is none of", "is there twice", "just now", "last good", "least level", "looked for", "mend"),
    *("noted down", "put aside", "shall", "so many", "somebody", "taken for", "tells"),
    *("that of", "the news", "those of", "told", "turned away", "upon", "whoever", "whole"),
)
"""That a user of Prometheus, Kubernetes or AWS would not write: `continue` stands for `go on`, `returns` for `hands out`."""
BANNED = re.compile(rf"\b(?:{'|'.join(WORDS)})\b", re.IGNORECASE)
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
    return BANNED.findall(" ".join(text.split()))


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
    assert banned("It is in\nforce, but not unheeded; go\nOn.") == ["in force", "go On"]
