"""Every file of values, rendered by both engines: the same objects, as they were seen before, valid everywhere."""

import json
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # it has no types
import pytest
import yaml

from tests.support.chart import CHART, Engine, Helm3, Helm4, Object, is_custom, model_complaints
from tests.support.tools import ROOT

FILES = sorted((CHART / "ci").glob("*-values.yaml"))
GOLDEN = ROOT / "tests/helm/golden"
MODELLED = ("grafana.integreatly.org/", "monitoring.coreos.com/")
WITHOUT_MODEL = {"VerticalPodAutoscaler", "VMServiceScrape"}
MEANT = "look at the difference; if it is meant, run: make test PYTEST_ARGS='tests/helm --rewrite-golden'"
EVERYTHING = "custom-resources-values.yaml"
each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name.removesuffix("-values.yaml"))


def values_of(file: Path) -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load(file.read_text())
    return values


def without_versions(text: str) -> str:
    """Return a page that the next release does not change."""
    metadata = yaml.safe_load((CHART / "Chart.yaml").read_text())
    chart = f"{metadata['name']}-{metadata['version']}"
    return text.replace(chart, f"{metadata['name']}-CHART_VERSION").replace(metadata["appVersion"], "APP_VERSION")


@pytest.fixture(scope="module")
def rendered(helm4: Helm4, chart: Path) -> dict[Path, list[Object]]:
    return {file: helm4.render(values_of(file), chart) for file in FILES}


@pytest.mark.parametrize(
    "file",
    [file if file.name == EVERYTHING else pytest.param(file, marks=pytest.mark.slow) for file in FILES],
    ids=lambda file: file.name.removesuffix("-values.yaml"),
)
def test_both_engines_render_the_same_objects(file: Path, helm3: Helm3, helm4: Helm4, chart: Path) -> None:
    assert helm3.render(values_of(file), chart) == helm4.render(values_of(file), chart)


@each_file
def test_objects_are_as_seen_before(file: Path, rendered: dict[Path, list[Object]], request: pytest.FixtureRequest) -> None:
    golden = GOLDEN / file.name.replace("-values", "")
    text = without_versions(yaml.safe_dump_all(rendered[file], width=120))
    if request.config.getoption("--rewrite-golden"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)
    assert golden.read_text() == text, MEANT


def test_every_golden_file_has_its_values() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {file.name.replace("-values", "") for file in FILES}


@pytest.mark.parametrize("version", ["1.25", kubernetes_validate.latest_version()])
def test_kubernetes_takes_every_object(version: str, rendered: dict[Path, list[Object]]) -> None:
    standard = {json.dumps(item): item for items in rendered.values() for item in items if not is_custom(item)}
    assert len(standard) > len(FILES)
    for item in standard.values():
        if item["kind"] not in WITHOUT_MODEL:
            kubernetes_validate.validate(_for(item, version), version, strict=True)


@pytest.mark.slow
@pytest.mark.usefixtures("models")
def test_operators_take_every_custom_resource_and_would_refuse_a_wrong_one(rendered: dict[Path, list[Object]]) -> None:
    objects = [item for items in rendered.values() for item in items]
    custom = [item for item in objects if item["apiVersion"].startswith(MODELLED)]
    kinds = {"GrafanaDashboard", "PodMonitor", "PrometheusRule", "ScrapeConfig", "ServiceMonitor"}
    assert {item["kind"] for item in custom} == kinds
    assert {item["kind"] for item in objects if is_custom(item)} <= kinds | WITHOUT_MODEL
    wrong = [
        {"apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor", "metadata": {"name": name}, "spec": spec}
        for name, spec in (
            ("value", {"selector": {}, "endpoints": [{"port": "http", "scheme": "gopher"}]}),
            ("key", {"selector": {}, "endpoints": [{"port": "http", "intervall": "1m"}]}),
        )
    ]
    complaints = model_complaints([*custom, *wrong])
    assert any(line.startswith("ServiceMonitor value: data/spec/endpoints/0/scheme") for line in complaints)
    assert any(line.startswith("ServiceMonitor key: ") and "intervall" in line for line in complaints)
    assert [line for line in complaints if not line.startswith(("ServiceMonitor value: ", "ServiceMonitor key: "))] == []


@each_file
def test_lint_has_nothing_to_say(file: Path, engine: Engine) -> None:
    assert engine.lint(values_of(file)) == []


def _for(item: Object, version: str) -> Object:
    """Return an object without what came to Kubernetes later, and is off by default."""
    if version == "1.25" and item["kind"] == "PodDisruptionBudget":
        spec = {key: value for key, value in item["spec"].items() if key != "unhealthyPodEvictionPolicy"}
        return {**item, "spec": spec}
    return item
