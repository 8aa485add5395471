"""What `make test` tests is what users install: the wheel."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import exporter
from tests.support.tools import ROOT

SOURCES = ROOT / "exporter"


def contents(package: Path) -> dict[str, bytes]:
    """Return the files of a package by their paths, without what Python compiles of them."""
    files = (path for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {path.relative_to(package).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def installed() -> Path:
    package = Path(exporter.__file__).parent
    if package == SOURCES:
        pytest.skip("the sources are tested, not the wheel: run `make test`")
    return package


def test_the_wheel_holds_exactly_the_sources(installed: Path) -> None:
    assert contents(installed) == contents(SOURCES)


def test_a_process_started_beside_the_sources_runs_the_wheel(installed: Path) -> None:
    command = [sys.executable, "-c", "import exporter.cli; print(exporter.cli.__file__)"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    assert found == str(installed / "cli.py")


def test_only_the_package_and_its_command_are_in_the_wheel(installed: Path) -> None:
    distribution = metadata.distribution("aws-support-exporter")
    names = {file.parts[0].partition("-")[0] for file in distribution.files or ()} - {"..", "bin"}

    assert distribution.locate_file("exporter") == installed
    assert names == {"exporter", "aws_support_exporter"}
