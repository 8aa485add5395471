"""What other charts get wrong."""

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.chart import CHART, Engine, Helm4, copy_of_chart, exporter_of, named, pod_of

CONFIG: dict[str, Any] = {"aws": {"role_name": "AwsSupportExporter"}, "accounts": [{"id": "111122223333"}]}


def test_neither_a_new_version_of_the_chart_nor_labels_of_objects_restart_the_pods(engine: Engine, tmp_path: Path) -> None:
    newer = copy_of_chart(tmp_path)
    metadata = yaml.safe_load((newer / "Chart.yaml").read_text())
    (newer / "Chart.yaml").write_text(yaml.safe_dump({**metadata, "version": "99.0.0"}))
    before = engine.render({"config": CONFIG})
    others = (engine.render({"config": CONFIG}, newer), engine.render({"config": CONFIG, "service": {"labels": {"a": "b"}}}))
    for after in others:
        assert before != after
        assert pod_of(before) == pod_of(after)


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


def test_credentials_are_no_values() -> None:
    leaves = re.findall(r"^ *(\w+):", (CHART / "values.yaml").read_text(), re.MULTILINE)
    secret = re.compile(r"passw|token|access.?key|secret.?key|credential", re.IGNORECASE)
    assert [leaf for leaf in leaves if secret.search(leaf)] == ["automountServiceAccountToken"]


def test_large_numbers_of_the_configuration_stay_whole_numbers(engine: Engine) -> None:
    objects = engine.render({"config": {**CONFIG, "metrics": {"cases": {"limit": 10_000_000}}}})
    text = named(objects, "ConfigMap")["data"]["config.yaml"]
    assert "limit: 10000000\n" in f"{text}\n"


@pytest.mark.parametrize("length", [1, 20, 40, 52])
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
