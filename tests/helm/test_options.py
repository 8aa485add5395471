"""What values change, and which do not go together; whole objects are in tests/helm/golden."""

import re
from pathlib import Path
from typing import Any

import jmespath  # type: ignore[import-untyped]  # it has no types
import pytest
import yaml

from exporter import __version__
from tests.support.chart import Helm3, Helm4, Object, RenderError, Values, copy_of_chart, exporter_of, pod_of

CUSTOM = {
    "serviceMonitor": "monitoring.coreos.com/v1",
    "podMonitor": "monitoring.coreos.com/v1",
    "prometheusRule": "monitoring.coreos.com/v1",
    "vmRule": "operator.victoriametrics.com/v1beta1",
    "httpRoute": "gateway.networking.k8s.io/v1",
    "vmServiceScrape": "operator.victoriametrics.com/v1beta1",
    "verticalPodAutoscaler": "autoscaling.k8s.io/v1",
}
ON = {"enabled": True}
SHARDED = {"sharding": ON}
TLS, AUTH = {"existingSecret": "own", "tls": True}, {"existingSecret": "own", "auth": True}
NAME = "demo-aws-support-exporter"
POD = "Deployment.spec.template.spec"
EXPORTER = f"{POD}.containers[0]"
TRUE = {"command": ["true"]}
OWN = {"httpGet": {"host": "a"}}
TEST_ARGS = "Pod.spec.containers[0].args[1:]"
SHARDS = [f"{NAME}-{ordinal}.{NAME}-pods.cloud.svc" for ordinal in range(3)]
ROUTE = {**ON, "parentRefs": [{"name": "gateway"}], "rules": [{"filters": ["own"]}]}
CONFIG = {"aws": {"role_name": "AwsSupportExporter"}, "accounts": [{"id": "111122223333"}]}
QUEUE = "https://sqs.us-east-1.amazonaws.com/999988887777/events"
CIDR = [{"ipBlock": {"cidr": "10.0.0.0/24"}}]


@pytest.mark.parametrize(
    ("values", "place", "expected"),
    [
        ({"image": {"registry": "ghcr.io"}}, f"{EXPORTER}.image", f"ghcr.io/aws-support-exporter:{__version__}"),
        ({"replicaCount": 0}, "Deployment.spec.replicas", 0),
        ({"web": {"config": TLS}}, f"{EXPORTER}.livenessProbe.httpGet.scheme", "HTTPS"),
        ({"web": {"config": AUTH}}, f"{EXPORTER}.livenessProbe.[httpGet, tcpSocket]", [None, {"port": "http"}]),
        ({"web": {"config": AUTH}}, TEST_ARGS, [f"http://{NAME}.cloud.svc:10047/metrics"]),
        ({"web": {"externalUrl": "https://a.b/c", "routePrefix": "/"}}, f"{EXPORTER}.readinessProbe.httpGet.path", "/-/ready"),
        ({"livenessProbe": {"enabled": False}}, f"{EXPORTER}.livenessProbe", None),
        ({"readinessProbe": {"exec": TRUE}}, f"{EXPORTER}.readinessProbe.[httpGet, exec]", [None, TRUE]),
        (
            {"web": {"config": TLS | AUTH}, "livenessProbe": OWN},
            f"{EXPORTER}.livenessProbe.httpGet.[scheme, host]",
            ["HTTPS", "a"],
        ),
        ({**SHARDED, "web": {"port": 80}, "service": {"port": 81}}, TEST_ARGS, [f"http://{pod}:80/metrics" for pod in SHARDS]),
        ({"sharding": {**ON, "replicas": None}}, TEST_ARGS, [f"http://{NAME}.cloud.svc:10047/metrics"]),
        ({"sharding": {**ON, "replicas": None}}, "StatefulSet.spec.replicas", None),
        (SHARDED, "Role.rules[].[apiGroups, resources, resourceNames, verbs]", [[["apps"], ["statefulsets"], [NAME], ["get"]]]),
        ({**SHARDED, "serviceAccount": {"name": "own"}}, "RoleBinding.subjects[].name", ["own"]),
        ({**SHARDED, "rbac": {"create": False}}, "[Role, RoleBinding]", [None, None]),
        ({**SHARDED, "fullnameOverride": "x" * 52}, "StatefulSet.metadata.name", "x" * 52),
        (
            {"podDisruptionBudget": {**ON, "minAvailable": 0}},
            "PodDisruptionBudget.spec.[minAvailable, maxUnavailable]",
            [0, None],
        ),
        ({"httpRoute": ROUTE}, "HTTPRoute.spec.rules[].[filters, backendRefs[0].name]", [[["own"], NAME]]),
        ({"persistence": {**ON, "existingClaim": "own"}}, f"{POD}.volumes[].persistentVolumeClaim.claimName", ["own"]),
        ({"persistence": {**ON, "existingClaim": "own"}}, "PersistentVolumeClaim", None),
        ({"persistence": ON, "podSecurityContext": {"fsGroup": 1000}}, f"{POD}.securityContext.fsGroup", 1000),
        ({"serviceAccount": {"annotations": {"a": '{{ "b\\nc: [d" }}'}}}, "ServiceAccount.metadata.annotations.a", "b\nc: [d"),
    ],
)
def test_a_value_changes(helm4: Helm4, values: Values, place: str, expected: object) -> None:
    assert find(helm4.render({"skipApiCheck": True, **values}), place) == expected


def find(objects: list[Object], place: str) -> Any:  # noqa: ANN401 - whatever is there
    return jmespath.search(place, {item["kind"]: item for item in objects})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"config": CONFIG, "existingConfigSecret": "own"}, "config and existingConfigSecret are mutually exclusive"),
        ({"configInSecret": True}, "configInSecret is true, but there is no config"),
        ({"configAutoReload": True}, "configAutoReload is true, but there is no configuration"),
        ({**SHARDED, "replicaCount": 2}, "replicaCount has no effect with sharding.enabled"),
        (
            {**SHARDED, "config": {"events": {"queue_url": QUEUE}}},
            "queue_url is one queue for all shards: add {shard} to its name",
        ),
        ({**SHARDED, "networkPolicy": {**ON, "egress": {"aws": CIDR}}}, "set networkPolicy.egress.apiServer to the peers"),
        ({**SHARDED, "persistence": {**ON, "existingClaim": "own"}}, "existingClaim is one volume for all shards"),
        ({"persistence": ON, "replicaCount": 2}, "persistence.enabled requires replicaCount=1"),
        ({"podMonitor": {**ON, "interval": "10s", "scrapeTimeout": "1m"}}, "scrapeTimeout is longer than interval"),
        ({"serviceMonitor": ON, "podMonitor": ON}, "serviceMonitor and podMonitor are mutually exclusive"),
        ({"ingress": ON}, "ingress.enabled is true, but it has no hosts"),
        ({"service": {"loadBalancerSourceRanges": ["10.0.0.0/8"]}}, "requires service.type LoadBalancer"),
        ({"service": {"nodePort": 30047}}, "service.nodePort requires service.type NodePort"),
        ({"nameOverride": "x" * 48}, f"the name demo-{'x' * 48} has 53 characters, of at most 52: set fullnameOverride"),
        ({"web": {"config": {"tls": True}}}, "set web.config.existingSecret, too"),
        ({"serviceAccount": {"create": False, "annotations": {"a": "b"}}}, "annotations requires serviceAccount.create=true"),
        (
            {"prometheusRule": {**ON, "ownerLabels": ["label_team"], "additionalRuleLabels": {"label_team": "cloud"}}},
            "prometheusRule.additionalRuleLabels.label_team would replace the owner of each account",
        ),
        ({"podDisruptionBudget": {**ON, "maxUnavailable": None}}, "set podDisruptionBudget.minAvailable or"),
        ({"existingSecret": "own"}, "existingSecret is no longer a value: set existingConfigSecret"),
        ({"serviceMonitor": {"skipApiCheck": True}}, "serviceMonitor.skipApiCheck is no longer a value: set skipApiCheck"),
    ],
)
def test_values_that_do_not_go_together_are_refused(helm4: Helm4, values: Values, message: str) -> None:
    with pytest.raises(RenderError, match=re.escape(message)):
        helm4.render({"skipApiCheck": True, **values})


def test_a_custom_resource_needs_its_api(helm3: Helm3, helm4: Helm4) -> None:
    operator = {"dashboards": {"grafanaOperator": ON}}
    for key, api in [*CUSTOM.items(), ("dashboards.grafanaOperator", "grafana.integreatly.org/v1beta1")]:
        message = f"{key}.enabled is true, but this cluster does not have the API {api}: install "
        with pytest.raises(RenderError, match=re.escape(message)):
            helm4.render({key: ON} if key in CUSTOM else operator)
    cluster = Helm3(helm3.binary, list(CUSTOM.values()))
    objects = cluster.render({key: ON for key in CUSTOM if key != "podMonitor"})
    assert {item["apiVersion"] for item in objects} >= set(CUSTOM.values())


def test_openshift_chooses_the_group_of_the_volume(helm3: Helm3, helm4: Helm4) -> None:
    openshift, values = Helm3(helm3.binary, ["security.openshift.io/v1"]), {"persistence": ON}
    groups = [find(objects, f"{POD}.securityContext.fsGroup") for objects in (helm4.render(values), openshift.render(values))]
    assert groups == [65532, None]


def test_only_a_changed_configuration_restarts_the_pods(helm4: Helm4, tmp_path: Path) -> None:
    newer = copy_of_chart(tmp_path)
    metadata = yaml.safe_load((newer / "Chart.yaml").read_text())
    (newer / "Chart.yaml").write_text(yaml.safe_dump({**metadata, "version": "99.0.0"}))
    values = {"config": CONFIG}
    before = helm4.render(values)
    for after in (helm4.render(values, newer), helm4.render({**values, "service": {"labels": {"a": "b"}}})):
        assert before != after
        assert pod_of(before) == pod_of(after)
    changed = {"config": {**CONFIG, "poll": {"interval": "10m"}}}
    assert pod_of(before) != pod_of(helm4.render(changed))
    reloading = [helm4.render({**each, "configAutoReload": True}) for each in (values, changed)]
    assert pod_of(reloading[0]) == pod_of(reloading[1])
    assert "--config.enable-auto-reload" in exporter_of(reloading[0])["args"]


def test_a_chart_that_is_off_installs_nothing(helm4: Helm4) -> None:
    values: Values = dict.fromkeys(CUSTOM, ON) | {"config": CONFIG, "extraManifests": ["kind: X"], "enabled": False}
    assert helm4.render({**values, "dashboards": {"configMaps": ON}}) == helm4.render({**values, **SHARDED}) == []
    assert helm4.notes({"enabled": False}) == "Nothing is installed: `enabled` is false.\n"


def test_every_object_is_in_the_namespace_asked_for(helm4: Helm4) -> None:
    values = {"namespaceOverride": "other", "networkPolicy": ON, **SHARDED}
    assert {item["metadata"]["namespace"] for item in helm4.render(values)} == {"other"}


NO_REGISTRY, NOT_SCRAPED, NO_RELEASE = "image.registry is empty", "nothing scrapes it yet", "additionalLabels.release"
NO_RULES = "some panels of the dashboards read recording rules"
SCALE, SETS_BACK = f"scale statefulset/{NAME} --replicas=N", "`helm upgrade` sets it to sharding.replicas again"
ASSUME, RECEIVE = "needs sts:AssumeRole", "needs sqs:ReceiveMessage and sqs:DeleteMessage on the queue."
ROLE = "arn:aws:iam::111122223333:role/Pod"
URL = "https://support.example.com"


@pytest.mark.parametrize(
    ("values", "said", "left_out"),
    [
        ({}, (NO_REGISTRY, NOT_SCRAPED, "That role needs support:DescribeCases"), (NO_RELEASE, ASSUME, RECEIVE, SCALE)),
        (
            {},
            (f"port-forward service/{NAME} 10047:10047", f"exec deployment/{NAME} -- \\\n     aws-support-exporter check"),
            (),
        ),
        ({"serviceMonitor": ON, "image": {"registry": "ghcr.io"}}, (NO_RELEASE,), (NO_REGISTRY, NOT_SCRAPED)),
        ({"serviceMonitor": {**ON, "additionalLabels": {"release": "own"}}}, (), (NO_RELEASE, NOT_SCRAPED)),
        ({"prometheusRule": ON, "image": {"repository": "ghcr.io/x/y"}}, (NOT_SCRAPED, NO_RELEASE), (NO_REGISTRY,)),
        ({"dashboards": {"configMaps": ON}}, (NO_RULES,), ()),
        ({"dashboards": {"configMaps": ON}, "vmRule": ON}, (), (NO_RULES,)),
        ({"dashboards": None}, (), (NO_RULES,)),
        ({"global": {"imageRegistry": "registry.example.com"}}, (NOT_SCRAPED,), (NO_REGISTRY,)),
        ({"serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": ROLE}}}, (f"Its own role is {ROLE} (IRSA).",), ()),
        ({"existingConfigSecret": "own"}, (ASSUME, "config/config.yaml check"), ("No `config` is set", RECEIVE)),
        ({"config": {"events": {"queue_url": QUEUE}}}, (RECEIVE, "organizations:ListTagsForResource"), ()),
        (SHARDED, ("in the namespace cloud with 3 shards.", f"exec statefulset/{NAME}", SCALE, SETS_BACK), ()),
        ({"sharding": {**ON, "replicas": None}}, ("in the namespace cloud.", SCALE), (SETS_BACK,)),
        ({"web": {"externalUrl": URL}, "ingress": {**ON, "hosts": [{"host": "x"}]}}, (f"status page\n   {URL}\n",), ()),
    ],
)
def test_notes(helm4: Helm4, values: Values, said: tuple[str, ...], left_out: tuple[str, ...]) -> None:
    notes = helm4.notes({"skipApiCheck": True, **values})
    assert {text: text in notes for text in (*said, *left_out)} == dict.fromkeys(said, True) | dict.fromkeys(left_out, False)
