"""The stack that `docker compose` starts, its configuration checked by the real programs."""

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import yaml

from exporter.options import DEFAULT_ADDRESS, parse
from tests.support.prometheus import Promtool
from tests.support.tools import ROOT

DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
CHART_FILES = ROOT / "helm/aws-support-exporter/files"
PROMETHEUS, ALERTMANAGER = DEPLOY / "compose/prometheus.yml", DEPLOY / "compose/alertmanager.yml"


def mounts(service: str) -> dict[str, Path]:
    """Return what of the repository a service has mounted, by where."""
    volumes = (volume.split(":") for volume in SERVICES[service].get("volumes", []))
    return {target: DEPLOY / source for source, target, *_ in volumes if source not in COMPOSE["volumes"]}


def test_images_have_a_version_mounts_are_there_and_read_only_and_ports_are_of_this_machine_alone() -> None:
    (built,) = (service["image"] for service in SERVICES.values() if "build" in service)
    for name, service in SERVICES.items():
        assert [path for path in mounts(name).values() if not path.exists()] == []
        assert all(volume.endswith(":ro") for volume in service.get("volumes", []) if volume.startswith("."))
        assert service["image"] == built or re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+", service["image"])
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_the_exporter_takes_its_flags_and_writes_a_year_of_history() -> None:
    assert parse(SERVICES["exporter"]["command"]).demo
    _, *flags = shlex.split(SERVICES["backfill"]["command"][0].removesuffix("|| true"))
    wanted = parse(flags)
    assert (wanted.command, wanted.since, wanted.output) == ("backfill", 365 * 86400, Path("/history"))


def test_grafana_finds_prometheus_and_the_dashboards() -> None:
    provisioned = mounts("grafana")
    (source,) = yaml.safe_load(provisioned["/etc/grafana/provisioning/datasources/datasources.yaml"].read_text())["datasources"]
    assert (source["url"], source["isDefault"]) == ("http://prometheus:9090", True)
    (provider,) = yaml.safe_load(provisioned["/etc/grafana/provisioning/dashboards/dashboards.yaml"].read_text())["providers"]
    dashboards = Path(provider["options"]["path"])
    assert provisioned[str(dashboards)].samefile(CHART_FILES / "dashboards")
    home = Path(SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert home.parent == dashboards
    assert (CHART_FILES / "dashboards" / home.name).exists()


def test_prometheus_scrapes_the_exporter_reads_the_alerts_and_sends_them_to_alertmanager() -> None:
    targets = re.findall(r"targets: \[(.*)]", PROMETHEUS.read_text())
    port = DEFAULT_ADDRESS.rpartition(":")[2]
    assert sorted(targets) == ["alertmanager:9093", f"exporter:{port}"]
    assert {target.partition(":")[0] for target in targets} <= SERVICES.keys()
    (rules,) = map(Path, yaml.safe_load(PROMETHEUS.read_text())["rule_files"])
    assert list(mounts("prometheus")[str(rules.parent)].glob(rules.name))


def test_prometheus_and_alertmanager_take_their_configuration(promtool: Promtool, amtool: Path, tmp_path: Path) -> None:
    config = tmp_path / "prometheus.yml"
    config.write_text(PROMETHEUS.read_text().replace("/etc/prometheus/rules", str(CHART_FILES / "rules")))
    assert promtool.complaints("check", "config", config) == ""
    ended = subprocess.run([amtool, "check-config", ALERTMANAGER], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
