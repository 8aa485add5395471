"""What `make test` tests is what users install: the wheel."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import exporter
from tests.support.tools import ROOT


def contents(package: Path) -> dict[str, bytes]:
    """Return the files of a package by their paths, without what Python compiles of them."""
    files = (path for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {path.relative_to(package).as_posix(): path.read_bytes() for path in files}


def test_the_wheel_holds_the_sources_and_nothing_else_and_is_what_processes_run() -> None:
    installed, sources = Path(exporter.__file__).parent, ROOT / "exporter"
    if installed == sources:
        pytest.skip("the sources are tested, not the wheel: run `make test`")
    assert contents(installed) == contents(sources)
    distribution = metadata.distribution("aws-support-exporter")
    names = {file.parts[0].partition("-")[0] for file in distribution.files or ()} - {"..", "bin"}
    assert distribution.locate_file("exporter") == installed
    assert names == {"exporter", "aws_support_exporter"}
    command = [sys.executable, "-c", "import exporter.cli; print(exporter.cli.__file__)"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    assert found == str(installed / "cli.py"), "also beside the sources"
