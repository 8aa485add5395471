"""What the chart renders starts the real exporter."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import bcrypt
import pytest
import yaml

from exporter import cli
from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.support.chart import CHART, Helm4, Object, exporter_of, named, pod_of
from tests.support.fetch import fetch
from tests.support.process import ExporterProcess

FILES = sorted((CHART / "ci").glob("*-values.yaml"))
ACCOUNTS = ["111122223333", "444455556666"]
BROUGHT_BY_THE_USER = "aws: {role_name: AwsSupportExporter}\naccounts: [{id: '111122223333'}]\n"


def command_line(objects: list[Object], directory: Path) -> list[str]:
    """Return the container's arguments, for a loopback port and with what its volumes hold in a directory."""
    arguments = [re.sub("^(--web.listen-address=):.*", r"\g<1>127.0.0.1:0", flag) for flag in exporter_of(objects)["args"]]
    spec = pod_of(objects)["spec"]
    volumes = {volume["name"]: volume for volume in spec.get("volumes", [])}
    for mount in spec["containers"][0].get("volumeMounts", []):
        place = directory / mount["name"]
        place.mkdir()
        if mount["name"] == "web-config":
            hashed = bcrypt.hashpw(b"password", bcrypt.gensalt(4)).decode()
            (place / "web-config.yaml").write_text(yaml.safe_dump({"basic_auth_users": {"prometheus": hashed}}))
        elif mount["name"] == "config":
            source = volumes["config"].get("configMap") or volumes["config"]["secret"]
            own = source.get("name") or source["secretName"]
            made = [item for item in objects if item["kind"] in {"ConfigMap", "Secret"} and item["metadata"]["name"] == own]
            (item,) = source["items"]
            texts = (made[0].get("data") or made[0]["stringData"]) if made else {item["key"]: BROUGHT_BY_THE_USER}
            (place / item["path"]).write_text(texts[item["key"]])
        arguments = [argument.replace(f"={mount['mountPath']}", f"={place}") for argument in arguments]
    return arguments


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name.removesuffix("-values.yaml"))
def test_the_exporter_takes_every_command_line_and_configuration(
    file: Path, helm4: Helm4, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = command_line(helm4.render(yaml.safe_load(file.read_text())), tmp_path)
    handler = signal.getsignal(signal.SIGTERM)
    try:
        code = cli.main([*arguments, "--config.check"])
    finally:
        signal.signal(signal.SIGTERM, handler)
    has_file = any(argument.startswith("--config.file=") for argument in arguments)
    defaults = "" if has_file else " Without --config.file, the defaults apply."
    assert (code, *capsys.readouterr()) == (0, f"The configuration is valid.{defaults}\n", "")


def test_the_exporter_runs_with_what_is_rendered_and_passes_helm_test(helm4: Helm4, tmp_path: Path) -> None:
    fleet = Fleet.empty(time.time)
    for account_id in ACCOUNTS:
        fleet.add_account(account_id=account_id).add_case()
    accounts = [{"id": account_id, "name": f"account {account_id}", "labels": {"on": "yes"}} for account_id in ACCOUNTS]
    config = {"aws": {"role_name": "AwsSupportExporter"}, "accounts": accounts}
    web = {"externalUrl": "https://example.com/support/"}
    objects = helm4.render({"config": config, "web": web, "log": {"format": "json"}})
    script, url = named(objects, "Pod")["spec"]["containers"][0]["args"]
    assert url == "http://demo-aws-support-exporter.cloud.svc:10047/support/metrics"
    with Simulator(fleet) as aws, ExporterProcess(command_line(objects, tmp_path), aws.environment()) as exporter:
        probed = [exporter_of(objects)[f"{kind}Probe"]["httpGet"]["path"] for kind in ("readiness", "liveness")]
        page = exporter.first_page()
        assert [fetch(f"{exporter.url.removesuffix('/support')}{path}").status for path in probed] == [200, 200]
        assert sorted(page.up()) == ACCOUNTS
        command = [sys.executable, "-c", script, f"{exporter.url}/metrics"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{exporter.url}/metrics: works\n", "")
