"""Configurations of other collectors: read by their own parsers where these are here, and fitting what the chart renders."""

import json
import re
from pathlib import Path
from typing import Any

import hcl2
import pytest
import yaml

from exporter.metrics import catalog
from tests.support.chart import Helm4, exporter_of, model_complaints, pod_of
from tests.support.prometheus import Promtool
from tests.support.tools import ROOT, need_tool

GUIDE = (ROOT / "docs/collectors.md").read_text()
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", GUIDE, re.MULTILINE | re.DOTALL))
SCRAPED = {"Prometheus without the operator", "Amazon Managed Service for Prometheus", "OpenTelemetry Collector"}
OBJECTS = Helm4().render({"fullnameOverride": "aws-support-exporter"})


def block(section: str, language: str = "yaml") -> str:
    (text,) = re.findall(rf"^```{language}\n(.*?)^```$", SECTIONS[section], re.MULTILINE | re.DOTALL)
    return str(text)


def prometheus(section: str) -> dict[str, Any]:
    """Return the part of a section's configuration that Prometheus reads."""
    whole: dict[str, Any] = yaml.safe_load(block(section).replace("$$", "$"))
    part: dict[str, Any] = whole["receivers"]["prometheus"]["config"] if "receivers" in whole else whole
    return part


@pytest.mark.parametrize("section", sorted(SCRAPED))
def test_prometheus_reads_its_configurations(section: str, tmp_path: Path) -> None:
    promtool = need_tool("newer/promtool")  # Debian's older one is built without the discovery of Kubernetes
    file = tmp_path / "prometheus.yml"
    file.write_text(yaml.safe_dump(prometheus(section)))
    assert Promtool(promtool).complaints("check", "config", file) == ""


def test_what_discovers_pods_finds_those_of_the_chart() -> None:
    labels = pod_of(OBJECTS)["metadata"]["labels"]
    selectors = re.findall(r'label\s*[:=] "?(app\.[^"\n]+)', GUIDE)
    assert len(selectors) == 3
    for selector in selectors:
        assert dict(each.split("=") for each in selector.split(",")).items() <= labels.items()
    (port,) = exporter_of(OBJECTS)["ports"]
    names = [labels["app.kubernetes.io/name"], labels["app.kubernetes.io/component"], port["name"]]
    (amazon,) = prometheus("Amazon Managed Service for Prometheus")["scrape_configs"]
    assert amazon["relabel_configs"][0]["regex"] == ";".join(["monitoring", *names])


@pytest.mark.slow
def test_argo_cd_and_flux_take_their_objects_whose_values_the_chart_takes() -> None:
    argo, oci, flux = (item for name in ("Argo CD", "Flux") for item in yaml.safe_load_all(block(name)))
    assert model_complaints([argo, oci, flux]) == []
    for values in (argo["spec"]["source"]["helm"]["valuesObject"], flux["spec"]["values"]):
        assert Helm4().render({"skipApiCheck": True, **values})


def test_alloys_file_is_of_its_syntax_and_every_reference_is_defined() -> None:
    """Alloy has blocks like HCL's, whose names have dots; its own parser is not here."""
    text = block("Grafana Alloy", "alloy")
    defined = {f"{component}.{label}" for component, label in re.findall(r'^([a-z_.]+) "(\w+)" {$', text, re.MULTILINE)}
    hcl2.loads(re.sub(r"^([a-z_]+)\.([a-z_]+) ", r"\1_\2 ", text, flags=re.MULTILINE))
    used = set(re.findall(r"((?:discovery|prometheus)\.\w+\.\w+)\.\w+", text))
    assert used == defined - {"prometheus.scrape.aws_support"}


def test_annotations_are_values_of_the_chart_and_lead_to_the_exporter() -> None:
    container = exporter_of(OBJECTS)
    (port,) = container["ports"]
    by_prometheus, by_datadog = (yaml.safe_load(block(name)) for name in ("prometheus.io annotations", "Datadog"))
    for values in (by_prometheus, by_datadog):
        annotations = pod_of(Helm4().render(values))["metadata"]["annotations"]
        assert annotations == values["podAnnotations"]
    assert by_prometheus["podAnnotations"]["prometheus.io/port"] == str(port["containerPort"])
    ((key, text),) = by_datadog["podAnnotations"].items()
    (instance,) = json.loads(text)["openmetrics"]["instances"]
    assert key == f"ad.datadoghq.com/{container['name']}.checks"
    assert instance["openmetrics_endpoint"] == f"http://%%host%%:{port['containerPort']}/metrics"
    (pattern,) = instance["metrics"]
    assert all(re.search(pattern, name) for name in catalog.CATALOG if name.startswith("aws_"))
