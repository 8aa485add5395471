"""The stack that `docker compose` starts, its configuration checked by the real programs."""

import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from exporter.options import DEFAULT_ADDRESS
from tests.support.prometheus import Promtool
from tests.support.tools import ROOT

DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
CHART_FILES = ROOT / "helm/aws-support-exporter/files"
PROMETHEUS, ALERTMANAGER = DEPLOY / "compose/prometheus.yml", DEPLOY / "compose/alertmanager.yml"


def mounts(service: str) -> dict[str, Path]:
    """Return what of the repository a service has mounted, by where."""
    return {
        target: (DEPLOY / source).resolve()
        for source, target, *mode in (volume.split(":") for volume in SERVICES[service].get("volumes", []))
        if mode == ["ro"] and source not in COMPOSE["volumes"]
    }


def test_all_that_is_mounted_is_there_and_read_only_or_a_volume() -> None:
    sources = [source for service in SERVICES for source in mounts(service).values()]
    volumes = [volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])]
    assert len(sources) == sum(volume not in COMPOSE["volumes"] for volume in volumes)
    assert [source for source in sources if not source.exists()] == []


def test_images_have_a_version_or_are_built_once_and_ports_are_of_this_machine_alone() -> None:
    (built,) = (service["image"] for service in SERVICES.values() if "build" in service)
    for service in SERVICES.values():
        assert service["image"] == built or re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+", service["image"])
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_grafana_finds_prometheus_and_the_dashboards() -> None:
    provisioned = mounts("grafana")
    (source,) = yaml.safe_load(provisioned["/etc/grafana/provisioning/datasources/datasources.yaml"].read_text())["datasources"]
    assert (source["url"], source["isDefault"]) == ("http://prometheus:9090", True)
    (provider,) = yaml.safe_load(provisioned["/etc/grafana/provisioning/dashboards/dashboards.yaml"].read_text())["providers"]
    assert provisioned[provider["options"]["path"]] == CHART_FILES / "dashboards"
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home.startswith(f"{provider['options']['path']}/")


def test_every_target_is_a_service_and_the_exporters_port_its_own() -> None:
    targets = re.findall(r"targets: \[(.*)]", PROMETHEUS.read_text())
    assert {target.partition(":")[0] for target in targets} == {"exporter", "alertmanager"} <= SERVICES.keys()
    assert f"exporter:{DEFAULT_ADDRESS.rpartition(':')[2]}" in targets


def test_prometheus_reads_the_alerts_where_they_are_mounted() -> None:
    (rules,) = map(Path, yaml.safe_load(PROMETHEUS.read_text())["rule_files"])
    assert list(mounts("prometheus")[str(rules.parent)].glob(rules.name))


def test_prometheus_and_alertmanager_take_their_configuration(promtool: Promtool, amtool: Path, tmp_path: Path) -> None:
    config = tmp_path / "prometheus.yml"
    config.write_text(PROMETHEUS.read_text().replace("/etc/prometheus/rules", str(CHART_FILES / "rules")))
    assert promtool.complaints("check", "config", config) == ""
    ended = subprocess.run([amtool, "check-config", ALERTMANAGER], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
