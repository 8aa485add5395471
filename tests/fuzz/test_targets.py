"""The targets of the fuzzer hold for what it starts from, and for what it once found."""

from pathlib import Path

import pytest

from tests.fuzz import targets
from tests.fuzz.seeds import ANSWER, CONFIGS, WEB_CONFIGS

FOUND = (
    b'{"cases": [{"timeCreated": "0001-01-01T00:00:00+23:59"}]}',
    b'{"cases": [{"displayId": "\\ud800", "status": "\\u2028"}]}',
    b"[" * 100_000,
)


@pytest.mark.parametrize("data", [ANSWER, *FOUND], ids=range(len(FOUND) + 1))
def test_answers(data: bytes) -> None:
    targets.answers(data)
    targets.communications(data)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_config(path: Path) -> None:
    targets.config(path.read_bytes())


@pytest.mark.parametrize("path", WEB_CONFIGS, ids=lambda path: path.stem)
def test_web_config(path: Path) -> None:
    targets.web_config(path.read_bytes())
