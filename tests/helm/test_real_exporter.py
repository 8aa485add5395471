"""What the chart renders starts the real exporter."""

import re
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
from tests.support.chart import CHART, Engine, Helm4, Object, Values, exporter_of, named, pod_of
from tests.support.fetch import fetch
from tests.support.page import Page
from tests.support.process import ExporterProcess, run_exporter

FILES = sorted((CHART / "ci").glob("*-values.yaml"))
ACCOUNTS = [f"{number:012}" for number in range(111111111111, 111111111141)]
QUEUE_IN_CHINA = "https://sqs.cn-north-1.amazonaws.com.cn/999988887777/aws-support-events"
OWN_CONFIG = "aws: {role_name: AwsSupportExporter}\naccounts: [{id: '111122223333'}]\n"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    fleet = Fleet.empty(time.time)
    for account_id in ACCOUNTS:
        fleet.add_account(account_id=account_id).add_case()
    with Simulator(fleet) as running:
        yield running


def content(objects: list[Object], name: str) -> list[str]:
    """Return what a ConfigMap or Secret holds: of one that the user brings, a configuration."""
    made = (item for item in objects if item["kind"] in {"ConfigMap", "Secret"} and item["metadata"]["name"] == name)
    return [text for item in made for text in (item.get("data") or item["stringData"]).values()] or [OWN_CONFIG]


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
            (item,), (text,) = source["items"], content(objects, source.get("name") or source["secretName"])
            (place / item["path"]).write_text(text)
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
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
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


def test_a_rollout_ends_the_old_pod_only_for_one_that_has_polled_every_account(
    helm4: Helm4, simulator: Simulator, tmp_path: Path
) -> None:
    """By the chart's strategy the old pod goes when the new one is ready, and no sooner."""
    accounts = [{"id": account_id} for account_id in ACCOUNTS]
    config = {"aws": {"role_name": "AwsSupportExporter"}, "accounts": accounts}
    changes: dict[str, Values] = {
        "old": {},
        "wrong": {"events": {"queue_url": QUEUE_IN_CHINA}},
        "new": {"poll": {"interval": "10m"}},
    }
    lines = {}
    for name, change in changes.items():
        (tmp_path / name).mkdir()
        lines[name] = command_line(helm4.render({"config": {**config, **change}}), tmp_path / name)
    with ExporterProcess(lines["old"], simulator.environment()) as old:
        before = Page(old.wait_for(lambda text: 'aws_support_accounts{state="pending"} 0.0' in text))
        failed = run_exporter(lines["wrong"], simulator.environment())
        assert (failed.returncode, old.get("/-/ready").status) == (2, 200)
        assert "events.queue_url" in failed.stderr
        with ExporterProcess(lines["new"], simulator.environment()) as new:
            new.wait_for(lambda text: text == "Ready.\n", path="/-/ready")
            assert Page(new.get().text).up() == Page(old.get().text).up() == before.up()
            assert Page(new.get().text).open_cases() == before.open_cases() == dict.fromkeys(ACCOUNTS, 1)
            old.stop()
            assert new.get("/-/ready").status == 200
