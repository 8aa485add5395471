"""The stack that `docker compose` starts: of the right form, and its configuration checked by the real programs."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.options import DEFAULT_ADDRESS
from tests.support.tools import ROOT, find_tool

DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
CHART_FILES = ROOT / "helm/aws-support-exporter/files"
PROMETHEUS = DEPLOY / "compose/prometheus.yml"


def tool(name: str) -> Path:
    found = find_tool(name)
    if found is None:
        pytest.skip(f"{name} is not here: run `make tools`")
    return found


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def mounts(service: str) -> dict[str, Path]:
    """Return what a service has mounted, by where."""
    return {
        target: (DEPLOY / source).resolve()
        for source, target, mode in (volume.split(":") for volume in SERVICES[service].get("volumes", []))
        if mode == "ro"
    }


def test_it_has_the_form_that_docker_compose_takes() -> None:
    check = Path(sys.executable).with_name("check-jsonschema")
    ended = run(check, "--builtin-schema", "vendor.compose-spec", str(DEPLOY / "compose.yaml"))
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout


def test_all_that_is_mounted_is_there_and_read_only() -> None:
    sources = [source for service in SERVICES for source in mounts(service).values()]
    assert len(sources) == sum(len(service.get("volumes", [])) for service in SERVICES.values())
    assert [source for source in sources if not source.exists()] == []


def test_images_have_a_version_and_ports_are_of_this_machine_alone() -> None:
    for service in SERVICES.values():
        assert "build" in service or re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+", service["image"])
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])


def test_the_exporter_is_built_from_this_checkout_and_run_as_in_production() -> None:
    exporter = SERVICES["exporter"]
    assert ((DEPLOY / exporter["build"]["context"]) / "Dockerfile").resolve() == ROOT / "Dockerfile"
    assert (exporter["command"], exporter["read_only"], exporter["cap_drop"]) == (["--demo"], True, ["ALL"])


def test_grafana_finds_prometheus_and_the_dashboards() -> None:
    provisioned = mounts("grafana")
    (source,) = yaml.safe_load(provisioned["/etc/grafana/provisioning/datasources/datasources.yaml"].read_text())["datasources"]
    assert (source["url"], source["isDefault"]) == ("http://prometheus:9090", True)
    (provider,) = yaml.safe_load(provisioned["/etc/grafana/provisioning/dashboards/dashboards.yaml"].read_text())["providers"]
    assert provisioned[provider["options"]["path"]] == CHART_FILES / "dashboards"
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home.startswith(f"{provider['options']['path']}/")


def test_prometheus_scrapes_the_demo_takes_the_rules_and_knows_alertmanager() -> None:
    config = yaml.safe_load(PROMETHEUS.read_text())
    (scrape,), (alerting,) = config["scrape_configs"], config["alerting"]["alertmanagers"]
    port = DEFAULT_ADDRESS.rpartition(":")[2]
    assert scrape == {"job_name": "aws-support-exporter", "static_configs": [{"targets": [f"exporter:{port}"]}]}
    assert alerting == {"static_configs": [{"targets": ["alertmanager:9093"]}]}
    assert {"exporter", "alertmanager", "prometheus"} <= SERVICES.keys()
    (rules,) = config["rule_files"]
    assert mounts("prometheus")[rules.removesuffix("/*.yaml")] == CHART_FILES / "rules"


def test_alertmanager_takes_its_configuration() -> None:
    ended = run(tool("amtool"), "check-config", str(DEPLOY / "compose/alertmanager.yml"))
    assert (ended.returncode, "1 receivers" in ended.stdout) == (0, True), ended.stderr


@pytest.mark.parametrize("promtool", ["promtool", "newer/promtool"])
def test_prometheus_takes_its_configuration(promtool: str, tmp_path: Path) -> None:
    config = tmp_path / "prometheus.yml"
    rules = str(CHART_FILES / "rules")
    config.write_text(PROMETHEUS.read_text().replace("/etc/prometheus/rules", rules))
    ended = run(tool(promtool), "check", "config", str(config))
    assert ended.returncode == 0, ended.stderr
