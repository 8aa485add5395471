"""What values.schema.json takes and refuses; its part for `config` against the exporter's own reading."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate  # type: ignore[import-untyped]  # it has no types
import pytest
import yaml

from docs import chart_values, reference
from docs.config_schema import config_schema
from exporter.config.settings import parse
from exporter.errors import ConfigError
from exporter.log import FORMATS, LEVELS
from tests.support.chart import CHART, Helm4, RenderError, Values, exporter_of, is_custom, pod_of
from tests.support.tools import ROOT

VALUES = (CHART / "values.yaml").read_text()
SCHEMA = (CHART / "values.schema.json").read_text()
CONFIGS = ROOT / "tests/config"
ACCOUNT = "111122223333"


@pytest.mark.parametrize("engine", [pytest.param("helm3", marks=pytest.mark.slow), "helm4"])
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
        ({"httpRoute": {"parentRefs": [{"sectionName": "https"}]}}, "name"),
        ({"serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "own"}}}, "arn"),
        ({"prometheusRule": {"ownerLabels": ["team"]}}, "ownerLabels"),
        ({"prometheusRule": {"clusterLabel": "k8s-cluster"}}, "clusterLabel"),
        ({"podDisruptionBudget": {"maxUnavailable": "half"}}, "maxUnavailable"),
        ({"commonLabels": {"team": "not a label value!"}}, "team"),
        ({"extraEnv": [{"value": "x"}]}, "name"),
        ({"config": {"acounts": []}}, "acounts"),
        ({"config": {"organizations": [{"name": "example", "tags": ["team", "team"]}]}}, "tags"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_key(
    engine: str, values: Values, key: str, request: pytest.FixtureRequest
) -> None:
    with pytest.raises(RenderError) as error:
        request.getfixturevalue(engine).render(values)
    assert re.search(rf"\b{key}\b", str(error.value))
    assert "specifications of the schema" in str(error.value) or "- at '" in str(error.value)


DEFAULTS: dict[str, Any] = yaml.safe_load(VALUES)
ON = {"enabled": True}
ALL_ON: dict[str, Any] = {
    "skipApiCheck": True,
    "config": {"poll": {"interval": "5m"}},
    **{key: ON for key, part in DEFAULTS.items() if isinstance(part, dict) and part.get("enabled") is False},
    "ingress": {**ON, "hosts": [{"host": "support.example.com"}]},
    "dashboards": {"configMaps": ON, "grafanaOperator": ON},
    "sharding": {"enabled": False},
    "podMonitor": {"enabled": False},  # serviceMonitor is on
}


def paths(tree: dict[str, Any], *above: str) -> Iterator[tuple[str, ...]]:
    """Yield the keys that lead to each value of the chart's own."""
    for key, part in tree.items():
        yield (*above, key)
        if isinstance(part, dict) and key not in {"podSecurityContext", "securityContext", "resources", "updateStrategy"}:
            yield from paths(part, *above, key)


@pytest.mark.parametrize("each", ["section", pytest.param("value", marks=pytest.mark.slow)])
def test_an_empty_value_is_as_none_or_is_refused_by_its_name(each: str, helm4: Helm4, chart: Path) -> None:
    """As a key is empty whose lines are all commented out."""
    valid = helm4.render(ALL_ON, chart)
    for *above, key in paths(DEFAULTS):
        if key in {"enabled", "skipApiCheck"} or (each == "section" and (above or not isinstance(DEFAULTS[key], dict))):
            continue
        section = values = json.loads(json.dumps(ALL_ON))
        for name in above:
            section = section.setdefault(name, {})
        section[key] = None
        try:
            objects = helm4.render(values, chart)
        except RenderError as error:
            told = str(error)
            assert re.search(rf"missing propert(y|ies) '{key}'|: set .*{key}$", told), key
            continue
        for item in objects:
            if item not in valid and not is_custom(item) and item["kind"] != "VerticalPodAutoscaler":
                kubernetes_validate.validate(item, kubernetes_validate.latest_version(), strict=True)
                valid.append(item)
        ports = [port["containerPort"] for port in exporter_of(objects)["ports"]]
        assert (ports, pod_of(objects)["spec"]["terminationGracePeriodSeconds"]) == ([10047], 15), key
        assert "<nil>" not in str(objects), key


def open_sections(node: dict[str, Any], path: str = "") -> Iterator[str]:
    """Yield the places of a schema where any key is taken beside its own."""
    if path and node.get("type") == "object" and node.get("additionalProperties") is not False and "properties" in node:
        yield path
    for key, part in node.get("properties", {}).items():
        yield from open_sections(part, f"{path}.{key}".lstrip("."))
    if isinstance(node.get("items"), dict):
        yield from open_sections(node["items"], f"{path}[]")


def test_every_section_is_strict_and_log_takes_what_the_exporter_takes() -> None:
    schema = json.loads(SCHEMA)
    assert set(open_sections(schema)) == {"global", "prometheusRule.additionalGroups[]"}
    log = schema["properties"]["log"]["properties"]
    assert (tuple(log["level"]["enum"]), tuple(log["format"]["enum"])) == (LEVELS, FORMATS)


def test_readme_and_schema_are_those_of_the_values_and_the_model_and_the_examples_are_valid(helm4: Helm4) -> None:
    text = (CHART / "README.md").read_text()
    assert chart_values.undocumented_values(VALUES) == []
    assert reference.replace_between(text, "values", chart_values.table(VALUES)) == text, "write it anew with: make docs"
    assert chart_values.described_schema(SCHEMA, VALUES) == SCHEMA, "write it anew with: make docs"
    examples = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert len(examples) == 6
    for example in examples:
        assert helm4.render({"skipApiCheck": True, **yaml.safe_load(example)})


NOT_REFUSED = {
    *("duplicate_key", "events_empty", "merge"),  # Helm has read the YAML, and leaves out null
    *("events_china", "events_partition", "partitions"),  # which regions there are is the exporter's to know
    *("events_http", "label_with_nul"),  # servers that are not AWS's may have no TLS; no pattern has NUL
}
"""What the exporter refuses, and the chart cannot: a rollout stops at it."""


def as_helm_has_it(file: Path) -> dict[str, Any]:
    """Return a configuration as Helm hands it on, where dates are text; {} where that cannot be."""
    try:
        aliases = yaml.AliasToken in map(type, yaml.scan(file.read_text()))
        read = {} if aliases else json.loads(json.dumps(yaml.safe_load(file.read_text()), default=str))
    except (yaml.YAMLError, UnicodeDecodeError, TypeError):
        return {}
    return read if isinstance(read, dict) else {}


WRONG = {file.name.removesuffix(".bad.yaml"): as_helm_has_it(file) for file in sorted(CONFIGS.glob("*.bad.yaml"))}


@pytest.mark.parametrize(("name", "config"), [item for item in WRONG.items() if item[1]], ids=lambda value: str(value)[:30])
def test_the_chart_refuses_a_configuration_that_would_end_the_exporter(name: str, config: Values, helm4: Helm4) -> None:
    if name in NOT_REFUSED:
        assert helm4.render({"config": config})
    else:
        with pytest.raises(RenderError, match=r"config|meet the specifications|invalid values"):
            helm4.render({"config": config})


@pytest.mark.parametrize("file", [*sorted(CONFIGS.glob("*.ok.yaml")), ROOT / "config.example.yaml"], ids=lambda file: file.name)
def test_the_chart_takes_a_configuration_that_the_exporter_takes(file: Path, helm4: Helm4) -> None:
    assert helm4.render({"config": json.loads(json.dumps(yaml.safe_load(file.read_text()) or {}, default=str))})


FIELDS: dict[str, Callable[[str], dict[str, Any]]] = {
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
OF_CONFIG = jsonschema.Draft7Validator(config_schema())


def reads(config: object) -> bool:
    try:
        parse(json.dumps(config).encode(), source="config.yaml", partition_of=lambda _: "aws")
    except ConfigError:
        return False
    return True


@pytest.mark.parametrize("field", FIELDS)
def test_in_one_value_the_schema_takes_what_the_exporter_reads(field: str) -> None:
    texts = [
        *("", "0", "1", "5m", "1h30m", "30m1h", "5 m", "-5m", "us-gov-east-1", ACCOUNT, ACCOUNT[1:]),
        *("_", "__", "__name__", "a-b", "a/b", "a:b", "/", "é", "a b"),
        *("x" * length for length in (2, 64, 65, 1000)),
        *(f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("a/B", "a b", "é", "x" * 65, "")),
    ]
    for config in map(FIELDS[field], texts):
        assert OF_CONFIG.is_valid(config) == reads(config), config
