"""What the values change."""

import re
from typing import Any

import pytest

from exporter import __version__
from tests.support.chart import Engine, Helm3, Helm4, RenderError, Values, exporter_of, named, pod_of

CUSTOM = [
    ("serviceMonitor", "monitoring.coreos.com/v1", "ServiceMonitor"),
    ("podMonitor", "monitoring.coreos.com/v1", "PodMonitor"),
    ("prometheusRule", "monitoring.coreos.com/v1", "PrometheusRule"),
    ("vmRule", "operator.victoriametrics.com/v1beta1", "VMRule"),
    ("httpRoute", "gateway.networking.k8s.io/v1", "HTTPRoute"),
    ("vmServiceScrape", "operator.victoriametrics.com/v1beta1", "VMServiceScrape"),
    ("verticalPodAutoscaler", "autoscaling.k8s.io/v1", "VerticalPodAutoscaler"),
]
SECTIONS = {key for key, *_ in CUSTOM} | {"dashboards", "ingress", "networkPolicy", "persistence", "podDisruptionBudget"}
DIGEST = "sha256:" + "0123456789abcdef" * 4
WEB = {"existingSecret": "own"}


@pytest.mark.parametrize(("key", "api", "kind"), CUSTOM)
def test_a_custom_resource_needs_its_api_or_the_word_that_it_will_be_there(
    engine: Engine, key: str, api: str, kind: str
) -> None:
    with pytest.raises(RenderError) as error:
        engine.render({key: {"enabled": True}})
    message = f"{key}.enabled is true, but this cluster does not have the API {api}: install "
    assert message in str(error.value)
    assert "or set skipApiCheck=true" in str(error.value)
    assert named(engine.render({key: {"enabled": True}, "skipApiCheck": True}), kind)["apiVersion"] == api


def test_dashboards_for_the_grafana_operator_need_its_api(engine: Engine) -> None:
    with pytest.raises(RenderError, match=r"dashboards\.grafanaOperator\.enabled is true, but this cluster does not have"):
        engine.render({"dashboards": {"grafanaOperator": {"enabled": True}}})


def test_a_custom_resource_is_created_where_its_api_is_there(helm3: Helm3) -> None:
    cluster = Helm3(helm3.binary, [api for _, api, _ in CUSTOM])
    one_monitor = [custom for custom in CUSTOM if custom[0] != "podMonitor"]
    objects = cluster.render({key: {"enabled": True} for key, _, _ in one_monitor})
    assert [named(objects, kind)["apiVersion"] for _, _, kind in one_monitor] == [api for _, api, _ in one_monitor]


@pytest.mark.parametrize(
    ("values", "image"),
    [
        ({}, f"aws-support-exporter:{__version__}"),
        ({"image": {"registry": "ghcr.io", "repository": "example/exporter"}}, f"ghcr.io/example/exporter:{__version__}"),
        (
            {"image": {"registry": "ghcr.io"}, "global": {"imageRegistry": "own.example.com"}},
            f"own.example.com/aws-support-exporter:{__version__}",
        ),
        ({"image": {"tag": "1.2.3", "digest": DIGEST}}, f"aws-support-exporter@{DIGEST}"),
    ],
)
def test_the_image_is_named_by_registry_repository_and_tag_or_digest(engine: Engine, values: Values, image: str) -> None:
    objects = engine.render(values)
    assert exporter_of(objects)["image"] == image
    assert named(objects, "Pod")["spec"]["containers"][0]["image"] == image, "helm test needs no other image"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"config": {"poll": {}}, "existingConfigSecret": "own"}, "config and existingConfigSecret are mutually exclusive"),
        (
            {"existingConfigMap": "one", "existingConfigSecret": "two"},
            "existingConfigMap and existingConfigSecret are mutually exclusive",
        ),
        ({"configInSecret": True}, "configInSecret is true, but there is no config"),
        (
            {"replicaCount": 2, "sharding": {"enabled": True}},
            "replicaCount has no effect with sharding.enabled",
        ),
        (
            {"skipApiCheck": True, "podMonitor": {"enabled": True, "interval": "10s", "scrapeTimeout": "1m"}},
            "scrapeTimeout is longer than interval",
        ),
        ({"ingress": {"enabled": True}}, "ingress.enabled is true, but it has no hosts"),
        ({"service": {"loadBalancerSourceRanges": ["10.0.0.0/8"]}}, "requires service.type LoadBalancer"),
        (
            {"nameOverride": "x" * 48},
            f"the name demo-{'x' * 48} has 53 characters, of at most 52: set fullnameOverride",
        ),
        (
            {"skipApiCheck": True, "serviceMonitor": {"enabled": True}, "podMonitor": {"enabled": True}},
            "serviceMonitor and podMonitor are mutually exclusive",
        ),
        ({"configAutoReload": True}, "configAutoReload is true, but there is no configuration"),
        ({"web": {"config": {"tls": True}}}, "set web.config.existingSecret, too"),
        (
            {"serviceAccount": {"create": False, "annotations": {"a": "b"}}},
            "serviceAccount.annotations requires serviceAccount.create=true",
        ),
        (
            {"persistence": {"enabled": True}, "replicaCount": 2},
            "persistence.enabled requires replicaCount=1",
        ),
        (
            {"persistence": {"enabled": True, "existingClaim": "own"}, "sharding": {"enabled": True}},
            "persistence.existingClaim is one volume for all shards",
        ),
        (
            {
                "sharding": {"enabled": True},
                "networkPolicy": {"enabled": True, "egress": {"aws": [{"ipBlock": {"cidr": "10.0.0.0/24"}}]}},
            },
            "set networkPolicy.egress.apiServer to the peers of the Kubernetes API",
        ),
        ({"service": {"nodePort": 30047}}, "service.nodePort requires service.type NodePort"),
        (
            {
                "sharding": {"enabled": True, "replicas": 1},
                "config": {"events": {"queue_url": "https://sqs.us-east-1.amazonaws.com/999988887777/events"}},
            },
            "config.events.queue_url is one queue for all shards: add {shard} to its name",
        ),
        (
            {
                "skipApiCheck": True,
                "prometheusRule": {
                    "enabled": True,
                    "ownerLabels": ["plan", "label_team"],
                    "additionalRuleLabels": {"label_team": "cloud"},
                },
            },
            "prometheusRule.additionalRuleLabels.label_team would replace the owner of each account",
        ),
        (
            {"podDisruptionBudget": {"enabled": True, "maxUnavailable": None}},
            "set podDisruptionBudget.minAvailable or podDisruptionBudget.maxUnavailable",
        ),
    ],
)
def test_values_that_do_not_go_together_are_refused(engine: Engine, values: Values, message: str) -> None:
    with pytest.raises(RenderError, match=re.escape(message)):
        engine.render(values)


@pytest.mark.parametrize(
    ("config", "handler", "scheme"),
    [
        ({}, {"httpGet": {"path": "/-/healthy", "port": "http"}}, "http"),
        ({**WEB, "tls": True}, {"httpGet": {"path": "/-/healthy", "port": "http", "scheme": "HTTPS"}}, "https"),
        ({**WEB, "tls": True, "auth": True}, {"tcpSocket": {"port": "http"}}, "https"),
        ({**WEB, "auth": True}, {"tcpSocket": {"port": "http"}}, "http"),
    ],
)
def test_probes_and_monitors_follow_the_web_configuration(
    engine: Engine, config: Values, handler: dict[str, Any], scheme: str
) -> None:
    objects = engine.render({"web": {"config": config}, "skipApiCheck": True, "serviceMonitor": {"enabled": True}})
    probe = exporter_of(objects)["livenessProbe"]
    assert {key: probe[key] for key in probe if key in {"httpGet", "tcpSocket"}} == handler
    assert named(objects, "ServiceMonitor")["spec"]["endpoints"][0]["scheme"] == scheme
    assert named(objects, "Pod")["spec"]["containers"][0]["args"][1].startswith(f"{scheme}://")


def test_probes_can_be_left_out_and_replaced(engine: Engine) -> None:
    own = {"exec": {"command": ["true"]}}
    container = exporter_of(engine.render({"livenessProbe": {"enabled": False}, "readinessProbe": own}))
    assert "livenessProbe" not in container
    assert container["readinessProbe"]["exec"] == own["exec"]
    assert "httpGet" not in container["readinessProbe"]
    assert "livenessProbe" not in exporter_of(engine.render({"livenessProbe": None}))
    get = {"httpHeaders": [{"name": "Authorization", "value": "Bearer token"}]}
    values = {"web": {"config": {**WEB, "tls": True, "auth": True}}, "livenessProbe": {"httpGet": get}}
    asked = exporter_of(engine.render(values))["livenessProbe"]["httpGet"]
    assert asked == {**get, "path": "/-/healthy", "port": "http", "scheme": "HTTPS"}


def test_helm_test_scrapes_shards_at_the_port_of_their_pods(helm4: Helm4) -> None:
    objects = helm4.render({"sharding": {"enabled": True}, "web": {"port": 9000}, "service": {"port": 80}})
    _, *urls = named(objects, "Pod")["spec"]["containers"][0]["args"]
    pods = [f"demo-aws-support-exporter-{ordinal}.demo-aws-support-exporter-pods.cloud.svc" for ordinal in range(3)]
    assert urls == [f"http://{pod}:9000/metrics" for pod in pods]


def test_an_autoscaler_has_the_number_of_shards_to_itself(engine: Engine, helm4: Helm4) -> None:
    values = {"sharding": {"enabled": True, "replicas": None}}
    objects = engine.render(values)
    assert "replicas" not in named(objects, "StatefulSet")["spec"]
    _, url = named(objects, "Pod")["spec"]["containers"][0]["args"]
    assert url == "http://demo-aws-support-exporter.cloud.svc:10047/metrics"
    notes = helm4.notes(values)
    assert "installed in the namespace cloud." in notes
    assert "scale statefulset/demo-aws-support-exporter --replicas=N" in notes
    sets_back = "`helm upgrade` sets it to sharding.replicas again, unless that is null."
    assert (sets_back in notes, sets_back in helm4.notes({"sharding": {"enabled": True}})) == (False, True)


def test_pods_may_read_their_own_statefulset_and_nothing_else(helm4: Helm4) -> None:
    values = {"sharding": {"enabled": True}, "serviceAccount": {"name": "own"}}
    objects = helm4.render(values)
    name = named(objects, "StatefulSet")["metadata"]["name"]
    rule = {"apiGroups": ["apps"], "resources": ["statefulsets"], "resourceNames": [name], "verbs": ["get"]}
    assert named(objects, "Role")["rules"] == [rule]
    assert named(objects, "RoleBinding")["subjects"] == [{"kind": "ServiceAccount", "name": "own", "namespace": "cloud"}]
    assert pod_of(objects)["spec"]["serviceAccountName"] == "own"
    assert f"--shard.statefulset={name}" in exporter_of(objects)["args"]
    for without in ({**values, "rbac": {"create": False}}, {**values, "rbac": None}, {}):
        assert not {"Role", "RoleBinding"} & {item["kind"] for item in helm4.render(without)}


def test_a_disruption_budget_of_nothing_is_not_none(helm4: Helm4) -> None:
    spec = named(helm4.render({"podDisruptionBudget": {"enabled": True, "minAvailable": 0}}), "PodDisruptionBudget")["spec"]
    assert (spec["minAvailable"], "maxUnavailable" in spec) == (0, False)


@pytest.mark.parametrize("section", sorted(SECTIONS | {"sharding", "tests"}))
def test_a_section_without_values_is_off(helm4: Helm4, section: str) -> None:
    others = {"skipApiCheck": True, "config": {"accounts": [{"id": "111122223333"}]}}
    off: Values = {} if section == "dashboards" else {section: {"enabled": False}}
    assert helm4.render({**others, section: None}) == helm4.render({**others, **off})
    assert helm4.notes({**others, section: None})


def test_a_chart_that_is_off_installs_nothing(engine: Engine, helm4: Helm4) -> None:
    values: Values = {key: {"enabled": True} for key, _, _ in CUSTOM} | {"dashboards": {"configMaps": {"enabled": True}}}
    on = {"config": {"poll": {}}, "extraManifests": ["kind: X"], **values}
    assert engine.render({**on, "enabled": False}) == []
    assert engine.render({**on, "enabled": False, "sharding": {"enabled": True}}) == []
    assert helm4.notes({"enabled": False}) == "Nothing is installed: `enabled` is false.\n"


def test_annotations_of_the_service_account_are_templates_each_by_itself(engine: Engine) -> None:
    annotations = {
        "eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/{{ .Release.Name }}",
        "example.com/lines": '{{ "one\\nadded: [two" }}',
        "example.com/plain": "a: b",
    }
    objects = engine.render({"serviceAccount": {"annotations": annotations}})
    assert named(objects, "ServiceAccount")["metadata"]["annotations"] == {
        "eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/demo",
        "example.com/lines": "one\nadded: [two",
        "example.com/plain": "a: b",
    }


def test_a_rollout_ends_the_old_pod_once_the_new_one_is_ready_unless_told_otherwise(engine: Engine) -> None:
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    assert named(engine.render({}), "Deployment")["spec"]["strategy"] == rolling
    assert exporter_of(engine.render({}))["readinessProbe"]["httpGet"]["path"] == "/-/ready"
    recreated = engine.render({"strategy": {"type": "Recreate"}})
    assert named(recreated, "Deployment")["spec"]["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_deployment_has_as_many_pods_as_asked_for(helm4: Helm4, count: int) -> None:
    assert named(helm4.render({"replicaCount": count}), "Deployment")["spec"]["replicas"] == count


def test_a_route_keeps_its_filters_and_goes_to_the_service(helm4: Helm4) -> None:
    filters = [{"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["x-debug"]}}]
    route = {"enabled": True, "parentRefs": [{"name": "gateway"}], "rules": [{"filters": filters}]}
    (rule,) = named(helm4.render({"skipApiCheck": True, "httpRoute": route}), "HTTPRoute")["spec"]["rules"]
    assert rule == {"filters": filters, "backendRefs": [{"name": "demo-aws-support-exporter", "port": 10047}]}


def test_every_object_is_in_the_namespace_asked_for(helm4: Helm4) -> None:
    values = {"namespaceOverride": "other", "networkPolicy": {"enabled": True}, "sharding": {"enabled": True}}
    assert {item["metadata"]["namespace"] for item in helm4.render(values)} == {"other"}


MONITOR = {"enabled": True}


@pytest.mark.parametrize(
    ("values", "warned"),
    [
        ({}, {"image.registry is empty", "nothing scrapes it yet"}),
        ({"serviceMonitor": MONITOR, "image": {"registry": "ghcr.io/example"}}, {"additionalLabels.release"}),
        ({"serviceMonitor": {**MONITOR, "additionalLabels": {"release": "monitoring"}}}, {"image.registry is empty"}),
        ({"prometheusRule": MONITOR}, {"image.registry is empty", "nothing scrapes it yet", "additionalLabels.release"}),
        ({"image": {"repository": "ghcr.io/example/aws-support-exporter"}}, {"nothing scrapes it yet"}),
        ({"global": {"imageRegistry": "registry.example.com"}}, {"nothing scrapes it yet"}),
    ],
)
def test_notes_warn_where_nothing_scrapes_it_and_where_no_registry_has_the_image(
    helm4: Helm4, values: Values, warned: set[str]
) -> None:
    notes = helm4.notes({"skipApiCheck": True, **values}).partition("3. Open the status page")
    warnings = {"image.registry is empty", "nothing scrapes it yet", "additionalLabels.release"}
    assert {warning for warning in warnings if warning in notes[0] + notes[2]} == warned


def test_notes_name_what_was_installed(helm4: Helm4) -> None:
    plain = helm4.notes({})
    assert "port-forward service/demo-aws-support-exporter 10047:10047" in plain
    assert "exec deployment/demo-aws-support-exporter -- \\\n     aws-support-exporter check" in plain
    assert ("That role needs support:DescribeCases" in plain, "sts:AssumeRole" in plain) == (True, False)
    role = "arn:aws:iam::111122223333:role/Pod"
    account = {"annotations": {"eks.amazonaws.com/role-arn": role}}
    sharded = helm4.notes({"sharding": {"enabled": True}, "existingConfigSecret": "own", "serviceAccount": account})
    for told in (f"Its own role is {role} (IRSA).", "with 3 shards.", "exec statefulset/demo-", "needs sts:AssumeRole"):
        assert told in sharded
    assert "--config.file=/etc/aws-support-exporter/config/config.yaml check" in sharded
    assert "There is no `config`" not in sharded
    assert "sqs:" not in plain + sharded
    queue = {"queue_url": "https://sqs.us-east-1.amazonaws.com/999988887777/events-{shard}"}
    received = helm4.notes({"sharding": {"enabled": True}, "config": {"events": queue}})
    assert "needs sqs:ReceiveMessage and sqs:DeleteMessage on the queue." in received
    assert "organizations:ListTagsForResource" in received
    url = "https://support.example.com"
    published = {"web": {"externalUrl": url}, "ingress": {"enabled": True, "hosts": [{"host": "support.example.com"}]}}
    assert f"3. Open the status page\n   {url}\n" in helm4.notes(published)


@pytest.mark.parametrize(
    ("values", "claim", "created"),
    [({}, "demo-aws-support-exporter", ["demo-aws-support-exporter"]), ({"existingClaim": "own"}, "own", [])],
)
def test_the_state_is_on_a_claim(helm4: Helm4, values: Values, claim: str, created: list[str]) -> None:
    objects = helm4.render({"persistence": {"enabled": True, **values}})
    assert [each["metadata"]["name"] for each in objects if each["kind"] == "PersistentVolumeClaim"] == created
    assert pod_of(objects)["spec"]["volumes"] == [{"name": "state", "persistentVolumeClaim": {"claimName": claim}}]
    (mount,) = exporter_of(objects)["volumeMounts"]
    assert f"--storage.path={mount['mountPath']}" in exporter_of(objects)["args"]


@pytest.mark.parametrize(
    ("given", "group"), [({}, 65532), ({"fsGroup": 1000}, 1000), ({"runAsUser": 1000, "fsGroup": 2000}, 2000)]
)
def test_the_volume_is_the_groups_of_the_image_or_of_the_values(helm4: Helm4, given: Values, group: int) -> None:
    context = pod_of(helm4.render({"persistence": {"enabled": True}, "podSecurityContext": given}))["spec"]["securityContext"]
    assert context["fsGroup"] == group
    assert "fsGroup" not in pod_of(helm4.render({}))["spec"]["securityContext"]


def test_openshift_chooses_the_group_of_the_volume(helm3: Helm3) -> None:
    openshift = Helm3(helm3.binary, ["security.openshift.io/v1"])
    assert "fsGroup" not in pod_of(openshift.render({"persistence": {"enabled": True}}))["spec"]["securityContext"]
