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
    Object,
    RenderError,
    Values,
    copy_of_chart,
    exporter_of,
    named,
    pod_of,
)

CONFIG: dict[str, Any] = {"aws": {"role_name": "AwsSupportExporter"}, "accounts": [{"id": "111122223333"}]}
SHARDED: dict[str, Any] = {"sharding": {"enabled": True}, "config": CONFIG}
CLUSTER_DNS_PORT, AWS_PORT, METADATA_PORT = 53, 443, 80


def policy(engine: Engine, values: Values) -> Object:
    spec: Object = named(engine.render({"networkPolicy": {"enabled": True}, **values}), "NetworkPolicy")["spec"]
    return spec


def allowed(spec: Object) -> set[tuple[str, int, str]]:
    """Return what may be reached: where, port and protocol."""
    return {
        (peer.get("ipBlock", {}).get("cidr", "?") if peer else "everywhere", port["port"], port["protocol"])
        for rule in spec["egress"]
        for port in rule["ports"]
        for peer in rule.get("to", [{}])
    }


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


@pytest.mark.parametrize("port", [8080, 10047])
def test_the_network_policy_names_the_containers_port_not_the_services(engine: Engine, port: int) -> None:
    values = {"web": {"port": port}, "service": {"port": 80}, "networkPolicy": {"enabled": True}}
    objects = engine.render(values)
    (rule,) = named(objects, "NetworkPolicy")["spec"]["ingress"]
    assert rule["ports"] == [{"port": port, "protocol": "TCP"}]
    assert exporter_of(objects)["ports"] == [{"name": "http", "containerPort": port, "protocol": "TCP"}]
    assert f"--web.listen-address=:{port}" in exporter_of(objects)["args"]


def test_the_network_policy_lets_the_exporter_reach_dns_aws_and_pod_identity_and_nothing_else(engine: Engine) -> None:
    spec = policy(engine, {})
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert allowed(spec) == {
        ("everywhere", CLUSTER_DNS_PORT, "UDP"),
        ("everywhere", CLUSTER_DNS_PORT, "TCP"),
        ("everywhere", AWS_PORT, "TCP"),
        ("169.254.170.23/32", METADATA_PORT, "TCP"),
        ("fd00:ec2::23/128", METADATA_PORT, "TCP"),
    }


def test_instance_metadata_is_reached_only_where_wanted(engine: Engine) -> None:
    with_metadata = policy(engine, {"networkPolicy": {"enabled": True, "egress": {"instanceMetadata": True}}})
    assert allowed(with_metadata) - allowed(policy(engine, {})) == {
        ("169.254.169.254/32", METADATA_PORT, "TCP"),
        ("fd00:ec2::254/128", METADATA_PORT, "TCP"),
    }


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


@pytest.mark.parametrize("values", [{}, {"existingSecret": "own"}, {"existingConfigMap": "own"}])
def test_a_configuration_that_is_not_there_is_neither_made_nor_mounted(engine: Engine, values: Values) -> None:
    objects = engine.render(values)
    spec = pod_of(objects)["spec"]
    assert not [item for item in objects if item["kind"] in {"ConfigMap", "Secret"}]
    assert len(spec.get("volumes", [])) == len(spec["containers"][0].get("volumeMounts", [])) == len(values)
    assert any("--config.file" in argument for argument in spec["containers"][0]["args"]) == bool(values)


def test_credentials_are_no_values() -> None:
    leaves = re.findall(r"^ *(\w+):", (CHART / "values.yaml").read_text(), re.MULTILINE)
    secret = re.compile(r"passw|token|access.?key|secret.?key|credential", re.IGNORECASE)
    assert [leaf for leaf in leaves if secret.search(leaf)] == ["automountServiceAccountToken"]


def test_external_ids_can_be_kept_in_a_secret(engine: Engine) -> None:
    config = {**CONFIG, "aws": {"role_name": "AwsSupportExporter", "external_id": "not-for-everybody"}}
    objects = engine.render({"config": config, "configInSecret": True})
    holders = [item["kind"] for item in objects if "not-for-everybody" in str(item)]
    assert holders == ["Secret"]
    assert pod_of(objects)["spec"]["volumes"][0]["secret"]["secretName"] == named(objects, "Secret")["metadata"]["name"]


def test_large_numbers_of_the_configuration_stay_whole_numbers(engine: Engine) -> None:
    objects = engine.render({"config": {**CONFIG, "metrics": {"cases": {"limit": 10_000_000}}}})
    text = named(objects, "ConfigMap")["data"]["config.yaml"]
    assert "limit: 10000000\n" in f"{text}\n"


@pytest.mark.parametrize("length", [1, 20, 40, 53])
def test_names_of_a_statefulset_leave_room_for_what_kubernetes_adds(helm4: Helm4, length: int) -> None:
    objects = helm4.render({**SHARDED, "fullnameOverride": "x" * length})
    name = named(objects, "StatefulSet")["metadata"]["name"]
    assert len(f"{name}-0123456789") <= 63, "the label controller-revision-hash"
    assert all(len(item["metadata"]["name"]) <= 63 for item in objects)


def test_a_sharded_exporter_is_scraped_once_by_each_monitor(engine: Engine) -> None:
    objects = engine.render({**SHARDED, "serviceMonitor": {"enabled": True, "skipApiCheck": True}})
    selector = named(objects, "ServiceMonitor")["spec"]["selector"]["matchLabels"].items()
    services = [item for item in objects if item["kind"] == "Service"]
    stateful_set = named(objects, "StatefulSet")
    assert stateful_set["spec"]["serviceName"] in {item["metadata"]["name"] for item in services}
    selected = [item["metadata"]["name"] for item in services if selector <= item["metadata"]["labels"].items()]
    assert len(services) == 2
    assert selected == [stateful_set["metadata"]["name"]]


def test_a_monitor_finds_its_job_by_the_name_of_a_label_that_is_there(engine: Engine) -> None:
    objects = engine.render({"serviceMonitor": {"enabled": True, "skipApiCheck": True}})
    label = named(objects, "ServiceMonitor")["spec"]["jobLabel"]
    assert label == "app.kubernetes.io/name"
    assert named(objects, "Service")["metadata"]["labels"][label] == "aws-support-exporter"
    objects = engine.render({"podMonitor": {"enabled": True, "skipApiCheck": True}})
    assert pod_of(objects)["metadata"]["labels"][named(objects, "PodMonitor")["spec"]["jobLabel"]] == "aws-support-exporter"


def test_several_monitors_would_scrape_twice_and_are_refused(engine: Engine) -> None:
    both = {"skipApiCheck": True, "serviceMonitor": {"enabled": True}, "podMonitor": {"enabled": True}}
    with pytest.raises(RenderError, match="serviceMonitor and podMonitor are mutually exclusive"):
        engine.render(both)


def test_a_pod_disruption_budget_does_not_keep_the_only_pod_on_its_node(engine: Engine) -> None:
    budget = named(engine.render({"podDisruptionBudget": {"enabled": True}}), "PodDisruptionBudget")["spec"]
    assert budget["maxUnavailable"] == 1
    assert "minAvailable" not in budget


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


def test_spread_constraints_without_a_selector_select_these_pods(engine: Engine) -> None:
    constraint = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}
    own = {**constraint, "labelSelector": {"matchLabels": {"a": "b"}}}
    objects = engine.render({**SHARDED, "topologySpreadConstraints": [constraint, own]})
    first, second = pod_of(objects)["spec"]["topologySpreadConstraints"]
    assert first == {**constraint, "labelSelector": named(objects, "StatefulSet")["spec"]["selector"]}
    assert second == {**own, "labelSelector": {"matchLabels": {"a": "b"}}}
