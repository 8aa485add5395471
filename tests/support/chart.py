"""The chart, rendered by Helm 3 and by Helm 4."""

import json
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import helm_python
import pytest
import yaml

from tests.support.tools import ROOT, find_tool

CHART = ROOT / "helm/aws-support-exporter"
NODE_MODULES = ROOT / "tests/helm/node_modules"
RELEASE = "demo"
NAMESPACE = "cloud"

Object = dict[str, Any]
Values = Mapping[str, Any]


class RenderError(Exception):
    """Helm refuses to render."""


@dataclass(frozen=True)
class Helm3:
    """Helm's command line, as a process."""

    binary: Path
    api_versions: Sequence[str] = ()

    def render(self, values: Values, chart: Path = CHART) -> list[Object]:
        """Return the objects, or raise a RenderError."""
        apis = [f"--api-versions={api}" for api in self.api_versions]
        return _objects([self._run(["template", RELEASE, str(chart), f"--namespace={NAMESPACE}", *apis], values)])

    def package(self, directory: Path, chart: Path = CHART) -> Path:
        """Return the archive that is published, written to a directory."""
        self._run(["package", str(chart), f"--destination={directory}"])
        (archive,) = directory.glob("*.tgz")
        return archive

    def _run(self, arguments: Sequence[str], values: Values | None = None) -> str:
        command = [str(self.binary), *arguments, *(["--values=-"] if values is not None else [])]
        done = subprocess.run(command, input=json.dumps(values), capture_output=True, text=True, timeout=30, check=False)
        if done.returncode:
            raise RenderError(done.stderr + done.stdout)
        return done.stdout


class Helm4:
    """Helm's library, in this process. It knows no APIs beside Kubernetes's own."""

    def render(self, values: Values, chart: Path = CHART) -> list[Object]:
        return _objects(text for path, text in self._templates(values, chart).items() if not path.endswith("NOTES.txt"))

    def lint(self, values: Values) -> list[str]:
        """Return what a strict lint complains about."""
        report = helm_python.lint(str(CHART), dict(values), strict=True, kube_version="v1.25.0")
        return [*report["errors"], *(message["error"] for message in report["messages"])]

    def notes(self, values: Values) -> str:
        """Return what the user reads after installing."""
        return self._templates(values, CHART)["aws-support-exporter/templates/NOTES.txt"]

    def _templates(self, values: Values, chart: Path) -> dict[str, str]:
        try:
            with helm_python.Chart.load(str(chart)) as loaded:
                return loaded.render(dict(values), name=RELEASE, namespace=NAMESPACE)
        except helm_python.HelmError as error:
            raise RenderError(str(error)) from None


def need_helm3() -> Path:
    """Return Helm 3, from where `make tools` puts it; without it the test is skipped."""
    binary = NODE_MODULES / ".bin/helm"
    if not binary.exists():
        pytest.skip("Helm 3 is not here: run `make tools`")
    return binary


def model_complaints(objects: Sequence[Object]) -> list[str]:
    """Return what the models of their operators find wrong with custom resources."""
    node = find_tool("node")
    if node is None or not (NODE_MODULES / "@kubernetes-models").is_dir():
        pytest.skip("node, or the models of custom resources, are not here: install npm, then run `make tools`")
    command = [str(node), str(ROOT / "tests/helm/validate.mjs")]
    done = subprocess.run(command, input=json.dumps(objects), capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr
    complaints: list[str] = json.loads(done.stdout)
    return complaints


def copy_of_chart(directory: Path, files: Mapping[str, str] | None = None) -> Path:
    """Return a copy of the chart, with other rules and dashboards than those it ships."""
    copy = directory / "aws-support-exporter"
    shutil.copytree(CHART, copy, ignore=shutil.ignore_patterns("rules", "dashboards", "ci"))
    for path, content in (files or {}).items():
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        (copy / path).write_text(content)
    return copy


def named(objects: Iterable[Object], kind: str, name: str | None = None) -> Object:
    """Return the one object of a kind, or of a kind and name."""
    found = [item for item in objects if item["kind"] == kind and name in {None, item["metadata"]["name"]}]
    assert len(found) == 1, f"{len(found)} of {kind} {name or ''}"
    return found[0]


def pod_of(objects: Iterable[Object]) -> Object:
    """Return the pod template of the Deployment or StatefulSet."""
    (workload,) = (item for item in objects if item["kind"] in {"Deployment", "StatefulSet"})
    template: Object = workload["spec"]["template"]
    return template


def exporter_of(objects: Iterable[Object]) -> Object:
    container: Object = pod_of(objects)["spec"]["containers"][0]
    return container


def is_custom(item: Object) -> bool:
    """Tell whether an object is of a kind that Kubernetes itself does not have."""
    group = item["apiVersion"].partition("/")[0]
    return "." in group and (not group.endswith(".k8s.io") or group.startswith("gateway."))


# The one in C reads large files ten times as fast.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _objects(texts: Iterable[str]) -> list[Object]:
    objects = [item for text in texts for item in yaml.load_all(text, Loader=_Loader) if item]
    return sorted(objects, key=lambda item: (item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]))
