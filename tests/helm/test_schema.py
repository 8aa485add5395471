"""What values.schema.json takes and refuses; its part for `config` against the exporter's own reading."""

import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate  # type: ignore[import-untyped]  # it has no types
import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from docs import chart_values, reference
from docs.config_schema import config_schema
from exporter.config.settings import parse
from exporter.errors import ConfigError
from exporter.log import FORMATS, LEVELS
from tests.support.chart import CHART, Engine, Helm4, Object, RenderError, Values, exporter_of, is_custom, pod_of
from tests.support.tools import ROOT

VALUES = (CHART / "values.yaml").read_text()
SCHEMA = (CHART / "values.schema.json").read_text()
CHECKS = (CHART / "templates/_checks.tpl").read_text()
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
CONFIGS = ROOT / "tests/config"
ACCOUNT = "111122223333"


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"replicaCount": 3}, "replicaCount"),
        ({"fullnameOverride": "exporter.v2"}, "fullnameOverride"),
        ({"image": {"tga": "1"}}, "tga"),
        ({"web": {"port": "8080"}}, "port"),
        ({"sharding": {"replicas": 0}}, "replicas"),
        ({"serviceMonitor": {"interval": "often"}}, "interval"),
        ({"serviceMonitor": {"additionalLabels": {"release": 1}}}, "release"),
        ({"prometheusRule": {"overrides": {"A": {"threshold": "5"}}}}, "threshold"),
        ({"ingress": {"hosts": [{"hostname": "support.example.com"}]}}, "hostname"),
        ({"httpRoute": {"parentRefs": [{"sectionName": "https"}]}}, "name"),
        ({"serviceMonitor": {"labels": {"release": "monitoring"}}}, "labels"),
        ({"serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "own"}}}, "arn"),
        ({"schedulerName": "packing"}, "schedulerName"),
        ({"prometheusRule": {"ownerLabels": ["team"]}}, "ownerLabels"),
        ({"prometheusRule": {"clusterLabel": "k8s-cluster"}}, "clusterLabel"),
        ({"networkPolicy": {"ingress": {"from": [{"nameSpaceSelector": {}}]}}}, "nameSpaceSelector"),
        ({"podDisruptionBudget": {"maxUnavailable": "half"}}, "maxUnavailable"),
        ({"commonLabels": {"team": "not a label value!"}}, "team"),
        ({"extraEnv": [{"value": "x"}]}, "name"),
        ({"config": {"acounts": []}}, "acounts"),
        ({"config": {"organizations": [{"name": "example", "tags": ["team", "team"]}]}}, "tags"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_key(engine: Engine, values: Values, key: str) -> None:
    with pytest.raises(RenderError) as error:
        engine.render(values)
    assert re.search(rf"\b{key}\b", str(error.value))
    assert "specifications of the schema" in str(error.value) or "- at '" in str(error.value)


DEFAULTS: dict[str, Any] = yaml.safe_load(VALUES)
HAVE_A_SWITCH = {section for section, part in DEFAULTS.items() if isinstance(part, dict) and part.get("enabled") is False}
LIKE_SERVICE_MONITOR = {"podMonitor", "vmServiceScrape"}
HANDED_ON = {"podSecurityContext", "securityContext", "resources", "updateStrategy"}


def paths(tree: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Yield the keys that lead to each value of the chart's own, and whether a template takes parts of it."""
    for key, part in tree.items():
        yield (*path, key), isinstance(part, dict | list)
        if isinstance(part, dict) and key not in HANDED_ON:
            yield from paths(part, (*path, key))


def turned_on(section: str) -> dict[str, Any]:
    """Return values with which those of a section have an effect."""
    values: dict[str, Any] = {"skipApiCheck": True, "config": {"poll": {"interval": "5m"}}}
    values["sharding"] = {"enabled": section == "updateStrategy"}
    if section == "ingress":
        values["ingress"] = {"hosts": [{"host": "support.example.com"}]}
    if section == "dashboards":
        values["dashboards"] = {"configMaps": {"enabled": True}, "grafanaOperator": {"enabled": True}}
    return {**values, section: {**values.get(section, {}), "enabled": True}} if section in HAVE_A_SWITCH else values


@lru_cache
def usual(section: str, chart: Path) -> list[Object]:
    return Helm4().render(turned_on(section), chart)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(
            path, id=".".join(path), marks=() if has_parts and path[0] not in LIKE_SERVICE_MONITOR else pytest.mark.slow
        )
        for path, has_parts in paths(DEFAULTS)
        if path != ("enabled",)
    ],
)
def test_an_empty_value_is_as_none_or_is_refused_by_its_name(path: tuple[str, ...], helm4: Helm4, chart: Path) -> None:
    """As a key is empty whose lines are all commented out."""
    values = turned_on(path[0])
    section = values
    for key in path[:-1]:
        section = section.setdefault(key, {})
    section[path[-1]] = None
    try:
        objects = helm4.render(values, chart)
    except RenderError as error:
        told = str(error)
    else:
        changed = [item for item in objects if item not in usual(path[0], chart)]
        assert "<nil>" not in str(changed)
        for item in changed:
            if not is_custom(item) and item["kind"] != "VerticalPodAutoscaler":
                kubernetes_validate.validate(item, kubernetes_validate.latest_version(), strict=True)
        ports = [port["containerPort"] for port in exporter_of(objects)["ports"]]
        assert (ports, pod_of(objects)["spec"]["terminationGracePeriodSeconds"]) == ([10047], 15)
        return
    assert re.search(rf"missing propert(y|ies) '{path[-1]}'|: set .*{path[-1]}$", told), told


@pytest.mark.parametrize("values", [{"global": {"anything": {"of": "others"}}}, {"enabled": True}])
def test_what_parents_put_into_the_values_is_taken(engine: Engine, values: Values) -> None:
    assert engine.render(values) == engine.render({})


RENAMED = re.search(r'"aws-support-exporter.renamed" -}}\n(.*?)\{\{- end', CHECKS, re.DOTALL)
assert RENAMED


@pytest.mark.parametrize(("old", "new"), yaml.safe_load(RENAMED[1]).items())
def test_a_value_that_was_renamed_is_refused_by_the_name_of_the_new_one(engine: Engine, old: str, new: str) -> None:
    *sections, last = old.split(".")
    values: Values = {last: True}
    for section in reversed(sections):
        values = {section: values}
    with pytest.raises(RenderError, match=re.escape(f"{old} is no longer a value: set {new}")):
        engine.render(values)
    assert f"`{old}`" in CHANGELOG


def test_descriptions_are_noun_phrases() -> None:
    verbs = re.compile("(Add|Allow|Create|Enable|Keep|Reload|Replaces|Run|Set|Store|Use)s? ")
    assert [value.path for value in chart_values.documented_values(VALUES) if verbs.match(value.description)] == []


def test_log_takes_what_the_exporter_takes() -> None:
    logs = json.loads(SCHEMA)["properties"]["log"]["properties"]
    assert (tuple(logs["level"]["enum"]), tuple(logs["format"]["enum"])) == (LEVELS, FORMATS)


def open_sections(node: dict[str, Any], path: str = "") -> Iterator[str]:
    """Yield the places of a schema where any key is taken beside its own."""
    if path and node.get("type") == "object" and node.get("additionalProperties") is not False and "properties" in node:
        yield path
    for key, part in node.get("properties", {}).items():
        yield from open_sections(part, f"{path}.{key}".lstrip("."))
    if isinstance(node.get("items"), dict):
        yield from open_sections(node["items"], f"{path}[]")


def test_every_section_is_strict() -> None:
    assert set(open_sections(json.loads(SCHEMA))) == {"global", "prometheusRule.additionalGroups[]"}


def test_the_examples_of_the_readme_are_valid(helm4: Helm4) -> None:
    examples = re.findall(r"```yaml\n(.*?)```", (CHART / "README.md").read_text(), re.DOTALL)
    assert len(examples) == 6
    for text in examples:
        assert helm4.render({"skipApiCheck": True, **yaml.safe_load(text)})


def test_readme_and_schema_are_those_of_the_values_and_the_model() -> None:
    text = (CHART / "README.md").read_text()
    assert chart_values.undocumented_values(VALUES) == []
    assert reference.replace_between(text, "values", chart_values.table(VALUES)) == text, "write it anew with: make docs"
    assert chart_values.described_schema(SCHEMA, VALUES) == SCHEMA, "write it anew with: make docs"


OF_CONFIG = jsonschema.Draft7Validator(config_schema())


def accepts(config: object) -> bool:
    return bool(OF_CONFIG.is_valid(config))


def reads(config: object) -> bool:
    try:
        parse(json.dumps(config).encode(), source="config.yaml", partition_of=lambda _: "aws")
    except ConfigError:
        return False
    return True


@pytest.mark.parametrize("file", [*sorted(CONFIGS.glob("*.ok.yaml")), ROOT / "config.example.yaml"], ids=lambda file: file.name)
def test_what_the_exporter_reads_the_schema_takes(file: Path) -> None:
    config = yaml.safe_load(file.read_text())
    as_helm_has_it = json.loads(json.dumps(config, default=str))  # dates are text there
    assert config is None or accepts(as_helm_has_it)


NOT_REFUSED = {
    "duplicate_key": "Helm has read the YAML",
    "events_china": "regions are the exporter's to know",
    "events_empty": "null is no value for Helm",
    "events_http": "servers that are not AWS's may have no TLS",
    "events_partition": "as events_china",
    "label_with_nul": "no pattern has NUL",
    "merge": "Helm has read the YAML",
    "partitions": "as events_china",
}
"""What the exporter refuses, and the chart cannot: a rollout stops at it."""


def without_aliases(file: Path) -> dict[str, Any]:
    """Return a configuration as Helm hands it on, {} where that cannot be."""
    try:
        tokens = [type(token) for token in yaml.scan(file.read_text())]
        read = {} if yaml.AliasToken in tokens else json.loads(json.dumps(yaml.safe_load(file.read_text()), default=str))
    except (yaml.YAMLError, UnicodeDecodeError, TypeError):
        return {}
    return read if isinstance(read, dict) else {}


WRONG = {file.name.removesuffix(".bad.yaml"): without_aliases(file) for file in sorted(CONFIGS.glob("*.bad.yaml"))}


@pytest.mark.parametrize(("name", "config"), [item for item in WRONG.items() if item[1]], ids=lambda value: str(value)[:30])
def test_the_chart_refuses_a_configuration_that_would_end_the_exporter(name: str, config: Values, helm4: Helm4) -> None:
    if name in NOT_REFUSED:
        assert helm4.render({"config": config})
    else:
        with pytest.raises(RenderError, match=r"config|meet the specifications|invalid values"):
            helm4.render({"config": config})


@pytest.mark.parametrize("file", sorted(CONFIGS.glob("*.ok.yaml")), ids=lambda file: file.name)
def test_the_chart_takes_a_configuration_that_the_exporter_takes(file: Path, helm4: Helm4) -> None:
    assert helm4.render({"config": json.loads(json.dumps(yaml.safe_load(file.read_text()) or {}, default=str))})


Config = dict[str, Any]

FIELDS: dict[str, Callable[[str], Config]] = {
    "poll.interval": lambda text: {"poll": {"interval": text, "max_staleness": "365d"}},
    "aws.role_name": lambda text: {"aws": {"role_name": text}},
    "aws.external_id": lambda text: {"aws": {"external_id": text}},
    "aws.session_name": lambda text: {"aws": {"session_name": text}},
    "account.id": lambda text: {"accounts": [{"id": text}]},
    "account.name": lambda text: {"accounts": [{"id": ACCOUNT, "name": text}]},
    "account.role_arn": lambda text: {"accounts": [{"id": ACCOUNT, "role_arn": text}]},
    "account.labels": lambda text: {"accounts": [{"id": ACCOUNT, "labels": {text: "value"}}]},
    "aws.regions": lambda text: {"aws": {"regions": [text]}},
    "severity": lambda text: {"metrics": {"first_response_targets": {text: "1h"}}},
}
TEXTS = st.one_of(
    st.text(max_size=12),
    st.from_regex(r"(\d{1,3}(y|w|d|h|m|s|ms)){0,3}", fullmatch=True),
    st.from_regex(r"[a-zA-Z_+=,.@:/-]{0,5}[0-9]{0,3}", fullmatch=True),
    st.from_regex(rf"arn:aws:iam::{ACCOUNT}:role/[!-~]{{0,8}}", fullmatch=True),
    st.from_regex(r"[a-z]{1,3}(-[a-z]{1,5}){0,2}-[0-9]", fullmatch=True),
)


@pytest.mark.parametrize("field", FIELDS)
@given(text=TEXTS)
@example(text=ACCOUNT)
@example(text="_")
@example(text="__name__")
@example(text="x" * 64)
@example(text="x" * 65)
@example(text="line\n")
@example(text=f"arn:aws:iam::{ACCOUNT}:role/path/Role")
def test_what_the_exporter_reads_the_schema_never_refuses(field: str, text: str) -> None:
    config = FIELDS[field](text)
    assert accepts(config) or not reads(config)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("text", ["", "a b", "é", "/", "x" * 1000, "5 m"])
def test_what_the_exporter_refuses_in_one_value_the_schema_refuses_too(field: str, text: str) -> None:
    config = FIELDS[field](text)
    if not reads(config):
        assert not accepts(config)
