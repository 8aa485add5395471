"""Programs that some tests need and that are not Python's."""

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def find_tool(name: str) -> Path | None:
    """Return a program, from where `make tools` puts it or else from the PATH, or None."""
    unpacked = ROOT / ".tools/bin" / name
    found = shutil.which(unpacked) or shutil.which(name)
    return Path(found) if found else None


def need_tool(name: str) -> Path:
    """Return a program; without it the test is skipped, and the summary of the tests says how to get it."""
    found = find_tool(name)
    if found is None:
        pytest.skip(f"{Path(name).name} is not here: run `make tools`")
    return found
