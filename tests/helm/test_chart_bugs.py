"""What other charts get wrong."""

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.chart import (
    CHART,
    Engine,
    Helm4,
    copy_of_chart,
    exporter_of,
    named,
    pod_of,
)

CONFIG: dict[str, Any] = {"aws": {"role_name": "AwsSupportExporter"}, "accounts": [{"id": "111122223333"}]}


def with_version(directory: Path, version: str) -> Path:
    chart = copy_of_chart(directory)
    metadata = yaml.safe_load((chart / "Chart.yaml").read_text())
    (chart / "Chart.yaml").write_text(yaml.safe_dump({**metadata, "version": version}))
    return chart


def test_a_new_version_of_the_chart_alone_does_not_restart_the_pods(engine: Engine, tmp_path: Path) -> None:
    old, new = (engine.render({"config": CONFIG}, with_version(tmp_path / version, version)) for version in ("1.0.0", "1.1.0"))
    assert old != new
    assert pod_of(old) == pod_of(new)


def test_labels_of_objects_do_not_restart_the_pods(engine: Engine) -> None:
    assert pod_of(engine.render({"annotations": {"a": "b"}})) == pod_of(engine.render({"service": {"labels": {"a": "b"}}}))


def test_a_changed_configuration_restarts_the_pods(engine: Engine) -> None:
    changed = copy.deepcopy(CONFIG)
    changed["accounts"][0]["name"] = "payments"
    before, after = (pod_of(engine.render({"config": config})) for config in (CONFIG, changed))
    assert before["metadata"].pop("annotations").keys() == {"checksum/config"}
    assert after["metadata"].pop("annotations").keys() == {"checksum/config"}
    assert before == after
    assert pod_of(engine.render({"config": CONFIG})) != pod_of(engine.render({"config": changed}))


def test_pods_that_reload_by_themselves_are_not_restarted(engine: Engine) -> None:
    values = {"config": CONFIG, "configAutoReload": True}
    assert pod_of(engine.render(values)) == pod_of(engine.render({**values, "config": {**CONFIG, "poll": {"interval": "10m"}}}))
    assert "--config.enable-auto-reload" in exporter_of(engine.render(values))["args"]


def test_the_pod_of_helm_test_may_scrape_but_is_no_exporter_to_service_or_policy(engine: Engine) -> None:
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    objects = engine.render({"networkPolicy": {"enabled": True, "ingress": {"from": [peer]}}})
    test_labels = named(objects, "Pod")["metadata"]["labels"].items()
    selectors = [
        named(objects, "Service")["spec"]["selector"],
        named(objects, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        named(objects, "Deployment")["spec"]["selector"]["matchLabels"],
    ]
    assert not any(selector.items() <= test_labels for selector in selectors)
    assert all(selector.items() <= pod_of(objects)["metadata"]["labels"].items() for selector in selectors)
    (rule,) = named(objects, "NetworkPolicy")["spec"]["ingress"]
    assert rule["from"][0] == peer
    assert rule["from"][1]["podSelector"]["matchLabels"].items() <= test_labels


def test_credentials_are_no_values() -> None:
    leaves = re.findall(r"^ *(\w+):", (CHART / "values.yaml").read_text(), re.MULTILINE)
    secret = re.compile(r"passw|token|access.?key|secret.?key|credential", re.IGNORECASE)
    assert [leaf for leaf in leaves if secret.search(leaf)] == ["automountServiceAccountToken"]


def test_large_numbers_of_the_configuration_stay_whole_numbers(engine: Engine) -> None:
    objects = engine.render({"config": {**CONFIG, "metrics": {"cases": {"limit": 10_000_000}}}})
    text = named(objects, "ConfigMap")["data"]["config.yaml"]
    assert "limit: 10000000\n" in f"{text}\n"


@pytest.mark.parametrize("length", [1, 20, 40, 53])
def test_names_of_a_statefulset_leave_room_for_what_kubernetes_adds(helm4: Helm4, length: int) -> None:
    objects = helm4.render({"sharding": {"enabled": True}, "config": CONFIG, "fullnameOverride": "x" * length})
    name = named(objects, "StatefulSet")["metadata"]["name"]
    assert len(f"{name}-0123456789") <= 63, "the label controller-revision-hash"
    assert all(len(item["metadata"]["name"]) <= 63 for item in objects)


def test_pods_meet_the_restricted_pod_security_standard(engine: Engine) -> None:
    objects = engine.render({"config": CONFIG, "web": {"config": {"existingSecret": "own"}}})
    for spec in (pod_of(objects)["spec"], named(objects, "Pod")["spec"]):
        assert spec["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert {kind for volume in spec.get("volumes", []) for kind in volume} <= {"name", "configMap", "secret"}
        for container in spec["containers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["privileged"] is False
            assert context["readOnlyRootFilesystem"] is True
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert not any("hostPort" in port for port in container.get("ports", []))
