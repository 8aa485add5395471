"""What of the image can be told without building it. `make image-test` builds and runs it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.image.trim import CALLED, trim
from exporter.options import DEFAULT_ADDRESS
from tests.deploy.test_iam import NEEDED
from tests.support.tools import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a folder like botocore's data, with services that are called and some that are not."""
    for service in (*CALLED, "ec2", "s3"):
        (tmp_path / service / "2010-01-01").mkdir(parents=True)
        (tmp_path / service / "2010-01-01/service-2.json.gz").touch()
    (tmp_path / "endpoints.json").touch()
    return tmp_path


def test_hadolint_finds_nothing() -> None:
    found = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


def test_the_port_is_the_exporters_own() -> None:
    port = DEFAULT_ADDRESS.rpartition(":")[2]
    assert re.findall(r"^EXPOSE (.*)$", DOCKERFILE, re.MULTILINE) == [port]
    assert f"HTTPConnection('127.0.0.1', {port}, timeout=3)" in DOCKERFILE


def test_trimming_leaves_the_called_services_and_what_all_share(data: Path) -> None:
    trim(data)
    assert {path.name for path in data.iterdir()} == {*CALLED, "endpoints.json"}
    assert all(list(folder.rglob("service-2.json.gz")) for folder in data.iterdir() if folder.is_dir())


def test_trimming_stops_the_build_where_a_called_service_is_not_found(data: Path) -> None:
    (data / "sts").rename(data / "sts2")
    with pytest.raises(SystemExit, match="there is no data of sts"):
        trim(data)
    assert (data / "ec2").exists()


def test_no_service_that_the_exporter_calls_is_trimmed() -> None:
    called = {action.partition(":")[0] for action in NEEDED}
    assert CALLED - called == {"signin", "sso", "sso-oidc"}, "what a profile gets its credentials from, and no more"
    assert called <= CALLED
