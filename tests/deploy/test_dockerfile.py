"""What of the image can be told without building it. `make image-test` builds and runs it."""

import re
from pathlib import Path

import pytest

from deploy.image.trim import CALLED, trim
from exporter.options import DEFAULT_ADDRESS
from tests.deploy.test_iam import NEEDED
from tests.support.tools import ROOT


def test_the_port_is_the_exporters_own_and_the_one_base_such_that_dependabot_reads_it() -> None:
    port, dockerfile = DEFAULT_ADDRESS.rpartition(":")[2], (ROOT / "Dockerfile").read_text()
    bases = set(re.findall(r"^FROM (.+?)(?: AS .*)?$", dockerfile, re.MULTILINE)) - {"base"}
    assert [re.fullmatch(r"[a-z\d][\w./-]*:[\w.-]+", base) is not None for base in bases] == [True], "written out, with a tag"
    assert re.findall(r"^EXPOSE (.*)$", dockerfile, re.MULTILINE) == [port]
    assert f"HTTPConnection('127.0.0.1', {port}, timeout=3)" in dockerfile


def test_trimming_leaves_the_called_services_and_what_all_share_or_stops_the_build(tmp_path: Path) -> None:
    for service in (*CALLED - {"sts"}, "ec2", "s3"):
        (tmp_path / service / "2010-01-01").mkdir(parents=True)
        (tmp_path / service / "2010-01-01/service-2.json.gz").touch()
    (tmp_path / "endpoints.json").touch()
    with pytest.raises(SystemExit, match="there is no data of sts"):
        trim(tmp_path)
    (tmp_path / "ec2").rename(tmp_path / "sts")
    trim(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*CALLED, "endpoints.json"}
    assert all(list(folder.rglob("service-2.json.gz")) for folder in tmp_path.iterdir() if folder.is_dir())
    for_profiles = {"signin", "sso", "sso-oidc"}
    assert {*CALLED} == {action.partition(":")[0] for action in NEEDED} | for_profiles
