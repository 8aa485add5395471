"""What the values change."""

import re
from typing import Any

import pytest

from exporter import __version__
from tests.support.chart import Engine, Helm3, Helm4, RenderError, Values, exporter_of, named, pod_of

CUSTOM = [
    ("serviceMonitor", "monitoring.coreos.com/v1", "ServiceMonitor"),
    ("podMonitor", "monitoring.coreos.com/v1", "PodMonitor"),
    ("scrapeConfig", "monitoring.coreos.com/v1alpha1", "ScrapeConfig"),
    ("prometheusRule", "monitoring.coreos.com/v1", "PrometheusRule"),
    ("vmServiceScrape", "operator.victoriametrics.com/v1beta1", "VMServiceScrape"),
    ("verticalPodAutoscaler", "autoscaling.k8s.io/v1", "VerticalPodAutoscaler"),
]
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
    assert f"or set {key}.skipApiCheck=true" in str(error.value)
    for values in ({key: {"enabled": True, "skipApiCheck": True}}, {key: {"enabled": True}, "skipApiCheck": True}):
        assert named(engine.render(values), kind)["apiVersion"] == api


def test_dashboards_for_the_grafana_operator_need_its_api(engine: Engine) -> None:
    with pytest.raises(RenderError, match=r"dashboards\.grafanaOperator\.enabled is true, but this cluster does not have"):
        engine.render({"dashboards": {"grafanaOperator": {"enabled": True}}})


def test_a_custom_resource_is_created_where_its_api_is_there(helm3: Helm3) -> None:
    cluster = Helm3(helm3.binary, [api for _, api, _ in CUSTOM])
    one_monitor = [custom for custom in CUSTOM if custom[0] not in {"podMonitor", "scrapeConfig"}]
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
        ({"config": {"poll": {}}, "existingSecret": "own"}, "config and existingSecret are mutually exclusive"),
        ({"existingConfigMap": "one", "existingSecret": "two"}, "existingConfigMap and existingSecret are mutually exclusive"),
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
        ({"strategy": {"rollingUpdate": {"maxSurge": 1}}}, "strategy.rollingUpdate requires strategy.type=RollingUpdate"),
        (
            {"persistence": {"enabled": True}, "strategy": {"type": "RollingUpdate"}},
            "persistence.enabled requires strategy.type=Recreate",
        ),
        (
            {"persistence": {"enabled": True, "existingClaim": "own"}, "sharding": {"enabled": True}},
            "persistence.existingClaim is one volume for all shards",
        ),
        ({"service": {"nodePort": 30047}}, "service.nodePort requires service.type NodePort"),
        (
            {
                "sharding": {"enabled": True},
                "config": {"events": {"queue_url": "https://sqs.us-east-1.amazonaws.com/999988887777/events"}},
            },
            "config.events.queue_url is one queue for all shards: write {shard} into its name",
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
    objects = engine.render({"web": {"config": config}, "serviceMonitor": {"enabled": True, "skipApiCheck": True}})
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
    assert "startupProbe" in exporter_of(engine.render({"startupProbe": {"enabled": True}}))
    assert "livenessProbe" not in exporter_of(engine.render({"livenessProbe": None}))
    get = {"httpHeaders": [{"name": "Authorization", "value": "Bearer token"}]}
    values = {"web": {"config": {**WEB, "tls": True, "auth": True}}, "livenessProbe": {"httpGet": get}}
    asked = exporter_of(engine.render(values))["livenessProbe"]["httpGet"]
    assert asked == {**get, "path": "/-/healthy", "port": "http", "scheme": "HTTPS"}


def test_shards_are_scraped_at_the_port_of_their_pods(helm4: Helm4) -> None:
    scraped = {"scrapeConfig": {"enabled": True, "skipApiCheck": True}, "sharding": {"enabled": True}}
    objects = helm4.render({**scraped, "web": {"port": 9000}, "service": {"port": 80}})
    (static,) = named(objects, "ScrapeConfig")["spec"]["staticConfigs"]
    assert {target.rpartition(":")[2] for target in static["targets"]} == {"9000"}


def test_a_disruption_budget_of_nothing_is_not_none(helm4: Helm4) -> None:
    spec = named(helm4.render({"podDisruptionBudget": {"enabled": True, "minAvailable": 0}}), "PodDisruptionBudget")["spec"]
    assert (spec["minAvailable"], "maxUnavailable" in spec) == (0, False)


def test_every_object_is_in_the_namespace_asked_for(helm4: Helm4) -> None:
    values = {"namespaceOverride": "other", "networkPolicy": {"enabled": True}, "sharding": {"enabled": True}}
    assert {item["metadata"]["namespace"] for item in helm4.render(values)} == {"other"}


MONITOR = {"enabled": True, "skipApiCheck": True}


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
    notes = helm4.notes(values).partition("3. Open the status page")
    warnings = {"image.registry is empty", "nothing scrapes it yet", "additionalLabels.release"}
    assert {warning for warning in warnings if warning in notes[0] + notes[2]} == warned


def test_notes_name_what_was_installed(helm4: Helm4) -> None:
    plain = helm4.notes({})
    assert "port-forward service/demo-aws-support-exporter 10047:10047" in plain
    assert "exec deployment/demo-aws-support-exporter -- \\\n     aws-support-exporter check" in plain
    assert ("That role needs support:DescribeCases" in plain, "sts:AssumeRole" in plain) == (True, False)
    role = "arn:aws:iam::111122223333:role/Pod"
    account = {"annotations": {"eks.amazonaws.com/role-arn": role}}
    sharded = helm4.notes({"sharding": {"enabled": True}, "existingSecret": "own", "serviceAccount": account})
    for told in (f"Its own role is {role} (IRSA).", "with 3 shards.", "exec statefulset/demo-", "needs sts:AssumeRole"):
        assert told in sharded
    assert "--config.file=/etc/aws-support-exporter/config/config.yaml check" in sharded
    assert "There is no `config`" not in sharded
    assert "sqs:" not in plain + sharded
    queue = {"queue_url": "https://sqs.us-east-1.amazonaws.com/999988887777/events-{shard}"}
    received = helm4.notes({"sharding": {"enabled": True}, "config": {"events": queue}})
    assert "needs sqs:ReceiveMessage and sqs:DeleteMessage on the queue." in received
    assert "organizations:ListTagsForResource" in received


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
