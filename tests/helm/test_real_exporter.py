"""What the chart renders starts the real exporter."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import bcrypt
import pytest
import yaml

from exporter import cli
from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.support.chart import CHART, Engine, Helm4, Object, exporter_of, named, pod_of
from tests.support.fetch import fetch
from tests.support.page import Page
from tests.support.process import ExporterProcess, environment

FILES = sorted((CHART / "ci").glob("*-values.yaml"))
ACCOUNTS = [f"{number:012}" for number in range(111111111111, 111111111141)]
OWN_CONFIG = "aws: {role_name: AwsSupportExporter}\naccounts: [{id: '111122223333'}]\n"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    fleet = Fleet.empty(time.time)
    for account_id in ACCOUNTS:
        fleet.add_account(account_id=account_id)
    with Simulator(fleet) as running:
        yield running


def container_files(objects: list[Object], directory: Path) -> dict[str, Path]:
    """Write what the volumes of the exporter hold, as Kubernetes would; return the directory of each mount."""
    spec = pod_of(objects)["spec"]
    mounts: dict[str, Path] = {}
    for mount in spec["containers"][0].get("volumeMounts", []):
        (volume,) = (volume for volume in spec["volumes"] if volume["name"] == mount["name"])
        place = directory / mount["name"]
        place.mkdir()
        mounts[mount["mountPath"]] = place
        if mount["name"] == "web-config":
            hashed = bcrypt.hashpw(b"password", bcrypt.gensalt(4)).decode()
            (place / "web-config.yaml").write_text(yaml.safe_dump({"basic_auth_users": {"prometheus": hashed}}))
        elif mount["name"] == "config":
            source = volume.get("configMap") or volume["secret"]
            name = source.get("name") or source.get("secretName")
            for item in source["items"]:
                (place / item["path"]).write_text(_content(objects, name, item["key"]))
    return mounts


def command_line(objects: list[Object], directory: Path) -> list[str]:
    """Return the container's arguments, for a loopback port and with the mounts in a directory."""
    mounts = container_files(objects, directory)
    arguments = []
    for argument in exporter_of(objects)["args"]:
        flag, _, value = argument.partition("=")
        if flag == "--web.listen-address":
            assert value.startswith(":")
            value = "127.0.0.1:0"
        for mount, place in mounts.items():
            value = value.replace(f"{mount}/", f"{place}/")
        arguments.append(f"{flag}={value}" if "=" in argument else flag)
    return arguments


def _content(objects: list[Object], name: str, key: str) -> str:
    made = [item for item in objects if item["kind"] in {"ConfigMap", "Secret"} and item["metadata"]["name"] == name]
    if not made:
        return OWN_CONFIG
    content = made[0].get("data") or made[0]["stringData"]
    text: str = content[key]
    return text


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
    defaults = "" if has_file else " There is no --config.file: the defaults apply."
    assert (code, *capsys.readouterr()) == (0, f"The configuration is valid.{defaults}\n", "")


def test_the_exporter_runs_with_what_is_rendered_and_passes_helm_test(
    engine: Engine, simulator: Simulator, tmp_path: Path
) -> None:
    accounts = [{"id": account_id, "name": f"account {account_id}", "labels": {"on": "yes"}} for account_id in ACCOUNTS]
    values = {"config": {"aws": {"role_name": "AwsSupportExporter"}, "accounts": accounts}, "log": {"format": "json"}}
    objects = engine.render(values)
    script, url = named(objects, "Pod")["spec"]["containers"][0]["args"]
    assert url == "http://demo-aws-support-exporter.cloud.svc:10047/metrics"
    with ExporterProcess(command_line(objects, tmp_path), simulator.environment()) as exporter:
        exporter.wait_for(lambda text: text == "Ready.\n", path=exporter_of(objects)["readinessProbe"]["httpGet"]["path"])
        assert exporter.get(exporter_of(objects)["livenessProbe"]["httpGet"]["path"]).status == 200
        page = Page(exporter.wait_for(lambda text: 'aws_support_accounts{state="pending"} 0.0' in text))
        assert sorted(page.up()) == ACCOUNTS
        command = [sys.executable, "-c", script, f"{exporter.url}/metrics"]
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{exporter.url}/metrics: works\n", "")


@pytest.mark.parametrize(
    ("web", "path"),
    [
        ({"externalUrl": "https://example.com/support/"}, "/support/-/ready"),
        ({"externalUrl": "https://example.com/support", "routePrefix": "/"}, "/-/ready"),
    ],
)
def test_the_path_of_the_external_url_goes_before_every_path_unless_told_otherwise(
    helm4: Helm4, simulator: Simulator, tmp_path: Path, web: dict[str, str], path: str
) -> None:
    objects = helm4.render({"web": web})
    assert exporter_of(objects)["readinessProbe"]["httpGet"]["path"] == path
    with ExporterProcess(command_line(objects, tmp_path), simulator.environment()) as exporter:
        address = "/".join(exporter.url.split("/")[:3])
        assert fetch(f"{address}{path}").status in {200, 503}
