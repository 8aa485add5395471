"""What a reader of the documents follows, copies and runs is right."""

import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import kubernetes_validate  # type: ignore[import-untyped]  # it has no types
import pytest
import yaml

from exporter.config.settings import parse
from tests.support.chart import CHART, Helm4
from tests.support.prometheus import Promtool
from tests.support.tools import ROOT, need_tool

DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), CHART / "README.md"]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
DRAWN = re.compile(r"──|-->|^ ", re.MULTILINE)
CONFIG = {"accounts", "aws", "events", "metrics", "organizations", "poll"}


def parts(document: Path, language: str) -> list[str]:
    return [text for name, text in FENCED.findall(document.read_text()) if name == language]


def commands(document: Path) -> Iterator[str]:
    """Yield the commands that stand in a document, each as one line, and loops as they are."""
    text = document.read_text()
    indented = [dedent(part) for part in re.split(r"\n{2,}", FENCED.sub("\n\n", text)) if part.startswith("    ")]
    prompted = [
        "\n".join(re.findall(r"^\$ (.*(?<!\\)(?:\\\n.*(?<!\\))*)$", part, re.MULTILINE)) for part in parts(document, "console")
    ]
    for part in [*indented, *parts(document, "sh"), *prompted]:
        script = part.replace("\\\n", " ").strip()
        if "\ndone" in script:
            yield script
        elif not DRAWN.search(script):
            yield from script.splitlines()


def anchors(document: Path) -> set[str]:
    """Return what can follow a # in a link to a document, as GitHub has it."""
    text = FENCED.sub("", document.read_text())
    titles = re.findall(r"^#+ (.*)", text, re.MULTILINE)
    written = re.findall(r'<a id="(.*?)">', text)
    return {*written, *(re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles)}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document: Path) -> None:
    for path, anchor in re.findall(r"\]\((?![a-z]+:)([^)#\s]*)(?:#([^)\s]+))?\)", document.read_text()):
        target = document.parent / path if path else document
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"


def test_each_document_is_in_the_index() -> None:
    linked = set(re.findall(r"\]\((\w+\.md)", (ROOT / "docs/README.md").read_text()))
    assert {path.name for path in (ROOT / "docs").glob("*.md")} - linked == {"README.md"}


READ_ELSEWHERE = {"docs/collectors.md", "docs/dashboards.md", "docs/web.md", "helm/aws-support-exporter/README.md"}
"""By test_collectors.py, Grafana (it is not here), tests/webconfig and, of the chart, tests/helm/test_schema.py."""
YAMLS = [(document, text) for document in DOCUMENTS for text in parts(document, "yaml")]


@pytest.mark.parametrize(("document", "text"), YAMLS, ids=lambda value: value.stem if isinstance(value, Path) else "")
def test_configurations_are_read_by_what_they_are_for(document: Path, text: str, tmp_path: Path) -> None:
    file = tmp_path / "example.yaml"
    file.write_text(text)
    content = next(yaml.safe_load_all(text))
    keys = set(content) if isinstance(content, dict) else set()
    if keys and keys <= CONFIG:
        parse(text.encode(), source=str(document), partition_of=lambda _: "aws")
    elif "scrape_configs" in keys:
        promtool = Promtool(need_tool("newer/promtool"))  # Debian's is built without the discovery of Kubernetes
        assert promtool.complaints("check", "config", "--syntax-only", file) == ""
    elif "route" in keys and "receivers" in keys:
        assert Promtool(need_tool("amtool")).complaints("check-config", file) == ""
    elif "config" in keys:
        assert Helm4().render({"skipApiCheck": True, **content})
    elif keys <= {"livenessProbe", "readinessProbe"}:
        spec = {"containers": [{"name": "exporter", "image": "exporter", **content}]}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "exporter"}, "spec": spec}
        kubernetes_validate.validate(pod, kubernetes_validate.latest_version(), strict=True)
    else:
        assert document.relative_to(ROOT).as_posix() in READ_ELSEWHERE


def test_make_has_the_targets_that_documents_name() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    texts = [FENCED.sub("", document.read_text()) for document in DOCUMENTS]
    named = {name for text in texts for name in re.findall(r"(?:^    |`)make ([a-z-]+)", text, re.MULTILINE)}
    assert named - targets == set()
    assert {"demo", "test"} <= named
