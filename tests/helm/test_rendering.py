"""Every file of values, rendered by both engines: the same objects, as they were seen before, valid everywhere."""

import json
from pathlib import Path

import kubernetes_validate  # type: ignore[import-untyped]  # it has no types
import pytest
import yaml

from tests.support.chart import CHART, Helm3, Helm4, Object, is_custom, model_complaints
from tests.support.tools import ROOT

VALUES = {file.name.removesuffix("-values.yaml"): yaml.safe_load(file.read_text()) for file in sorted((CHART / "ci").iterdir())}
GOLDEN = ROOT / "tests/helm/golden"
MODELLED = ("gateway.networking.k8s.io/", "grafana.integreatly.org/", "monitoring.coreos.com/")
WITHOUT_MODEL = {"VerticalPodAutoscaler", "VMRule", "VMServiceScrape"}
MEANT = "look at the difference; if it is meant, run: make test PYTEST_ARGS='tests/helm --rewrite-golden'"


@pytest.fixture(scope="module")
def rendered(helm4: Helm4, chart: Path) -> dict[str, list[Object]]:
    return {name: helm4.render(values, chart) for name, values in VALUES.items()}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name == "custom-resources" else pytest.mark.slow) for name in VALUES]
)
def test_both_engines_render_the_same_objects(name: str, helm3: Helm3, rendered: dict[str, list[Object]], chart: Path) -> None:
    assert helm3.render(VALUES[name], chart) == rendered[name]


def test_objects_are_as_seen_before(rendered: dict[str, list[Object]], request: pytest.FixtureRequest) -> None:
    texts = {f"{name}.yaml": without_versions(yaml.safe_dump_all(objects, width=120)) for name, objects in rendered.items()}
    if request.config.getoption("--rewrite-golden"):
        for name, text in texts.items():
            (GOLDEN / name).write_text(text)
    assert {path.name for path in GOLDEN.iterdir()} == texts.keys()
    for name, text in texts.items():
        assert (GOLDEN / name).read_text() == text, MEANT


def without_versions(text: str) -> str:
    """Return a page that the next release does not change."""
    metadata = yaml.safe_load((CHART / "Chart.yaml").read_text())
    name = metadata["name"]
    return text.replace(f"{name}-{metadata['version']}", f"{name}-CHART_VERSION").replace(metadata["appVersion"], "APP_VERSION")


@pytest.mark.parametrize("version", [pytest.param("1.25", marks=pytest.mark.slow), kubernetes_validate.latest_version()])
def test_kubernetes_takes_every_object(version: str, rendered: dict[str, list[Object]]) -> None:
    standard = {json.dumps(item) for items in rendered.values() for item in items if not is_custom(item)}
    assert len(standard) > len(VALUES)
    for item in map(json.loads, standard):
        if item["kind"] == "PodDisruptionBudget" and version == "1.25":
            item["spec"].pop("unhealthyPodEvictionPolicy", None)  # it came later, and is off by default
        if item["kind"] not in WITHOUT_MODEL:
            kubernetes_validate.validate(item, version, strict=True)


@pytest.mark.slow
def test_operators_take_every_custom_resource_and_would_refuse_a_wrong_one(rendered: dict[str, list[Object]]) -> None:
    objects = [item for items in rendered.values() for item in items]
    custom = [item for item in objects if item["apiVersion"].startswith(MODELLED)]
    kinds = {"GrafanaDashboard", "HTTPRoute", "PodMonitor", "PrometheusRule", "ServiceMonitor"}
    assert {item["kind"] for item in custom} == kinds
    assert {item["kind"] for item in objects if is_custom(item)} <= kinds | WITHOUT_MODEL
    wrong = [
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "ServiceMonitor",
            "metadata": {"name": f"of {field}"},
            "spec": {"selector": {}, "endpoints": [{"port": "http", field: "gopher"}]},
        }
        for field in ("scheme", "intervall")
    ]
    complaints = model_complaints([*custom, *wrong])
    assert {line.partition(":")[0] for line in complaints} == {"ServiceMonitor of scheme", "ServiceMonitor of intervall"}


def test_lint_has_nothing_to_say(helm4: Helm4) -> None:
    assert helm4.lint(VALUES["default"]) == helm4.lint(VALUES["custom-resources"]) == []
