"""What of the image can be told without building it. `make image-test` builds and runs it."""

import re

from deploy.image.trim import CALLED
from exporter.options import DEFAULT_ADDRESS
from tests.deploy.test_iam import NEEDED
from tests.support.tools import ROOT


def test_the_port_is_the_exporters_own_and_the_one_base_such_that_dependabot_reads_it() -> None:
    port, dockerfile = DEFAULT_ADDRESS.rpartition(":")[2], (ROOT / "Dockerfile").read_text()
    bases = set(re.findall(r"^FROM (.+?)(?: AS .*)?$", dockerfile, re.MULTILINE)) - {"base"}
    assert [re.fullmatch(r"[a-z\d][\w./-]*:[\w.-]+", base) is not None for base in bases] == [True], "written out, with a tag"
    assert re.findall(r"^EXPOSE (.*)$", dockerfile, re.MULTILINE) == [port]
    assert f"HTTPConnection('127.0.0.1', {port}, timeout=3)" in dockerfile


def test_the_image_keeps_the_data_of_the_services_that_are_called() -> None:
    for_profiles = {"signin", "sso", "sso-oidc"}
    assert {*CALLED} == {action.partition(":")[0] for action in NEEDED} | for_profiles
