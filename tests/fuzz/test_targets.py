"""The targets of the fuzzer hold for what it starts from, and for what it once found."""

import json
from pathlib import Path

import pytest

from tests.fuzz import targets
from tests.support.tools import ROOT

ANSWER = {
    "cases": [
        {
            "caseId": "case-1",
            "displayId": "1",
            "status": "opened",
            "severityCode": "critical",
            "serviceCode": "amazon-s3",
            "timeCreated": "2026-07-25T18:00:00Z",
            "recentCommunications": {
                "communications": [{"submittedBy": "Amazon Web Services", "timeCreated": "2026-07-25T18:05:00Z"}]
            },
        }
    ]
}
FOUND = (
    b'{"cases": [{"timeCreated": "0001-01-01T00:00:00+23:59"}]}',
    b'{"cases": [{"displayId": "\\ud800", "status": "\\u2028"}]}',
    b"[" * 100_000,
)


@pytest.mark.parametrize("data", [json.dumps(ANSWER).encode(), *FOUND], ids=range(len(FOUND) + 1))
def test_answers(data: bytes) -> None:
    targets.answers(data)
    targets.communications(data)


@pytest.mark.parametrize("path", sorted((ROOT / "tests/config").glob("*.yaml")), ids=lambda path: path.stem)
def test_config(path: Path) -> None:
    targets.config(path.read_bytes())
