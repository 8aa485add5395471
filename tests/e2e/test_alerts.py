"""An alert makes its whole way: from a case at AWS to whoever is called, and back when AWS answers."""

from datetime import datetime
from pathlib import Path

import pytest
import yaml

from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.conftest import StartPrometheus
from tests.e2e.conftest import StartExporter
from tests.support.alertmanager import AlertmanagerServer, Receiver
from tests.support.tools import ROOT, find_tool

SHIPPED = ROOT / "helm/aws-support-exporter/files/rules/alerts.yaml"
ACCOUNT, TARGET_SECONDS = "111122223333", 6
RESEND = ["--rules.alert.resend-delay=5s"]
"""A reload makes Prometheus forget its Alertmanagers for up to 5 s; what it says meanwhile is lost until it is said again."""
CONFIG = f"""
poll: {{interval: 10s}}
aws: {{role_name: AwsSupportExporter}}
accounts: [{{id: "{ACCOUNT}", name: payments}}]
metrics:
  first_response_targets: {{critical: {TARGET_SECONDS}s}}
  cases: {{enabled: true}}
"""


def impatient_rules() -> str:
    """Return the shipped alerts, with nothing changed but that they wait for nothing."""
    rules = yaml.safe_load(SHIPPED.read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            rule["for"] = rule["keep_firing_for"] = "0s"
    return yaml.safe_dump(rules)


@pytest.mark.slow
def test_an_unanswered_critical_case_calls_somebody_until_aws_answers(
    fleet: Fleet,
    simulator: Simulator,
    start: StartExporter,
    start_prometheus: StartPrometheus,
    tmp_path: Path,
) -> None:
    binary = find_tool("alertmanager")
    if binary is None:
        pytest.skip("alertmanager is not here: run `make tools`")
    case = fleet.add_account(account_id=ACCOUNT, name="payments").add_case(severity_code="critical")
    exporter = start(CONFIG, simulator.environment())
    rules = tmp_path / "rules.yaml"
    with Receiver() as receiver, AlertmanagerServer(binary, receiver.url, tmp_path) as alertmanager:
        prometheus = start_prometheus(
            f"{exporter.url}/metrics", rule_files=[rules], alertmanager_url=alertmanager.url, flags=RESEND
        )
        prometheus.wait_for("aws_support_exporter_build_info", bool)  # before that, it is right to say that nothing is there
        rules.write_text(impatient_rules())
        prometheus.reload()

        fired = receiver.wait_for(lambda alert: alert.labels["alertname"] == "AwsSupportFirstResponseOverdue", 25)
        assert fired.status == "firing"
        labels = {"account_id": ACCOUNT, "account_name": "payments", "severity_code": "critical", "severity": "critical"}
        assert fired.labels.items() >= labels.items()
        assert fired.annotations["summary"] == "payments: first response from AWS is overdue (critical)"
        assert f"account payments ({ACCOUNT}, us-east-1)" in fired.annotations["description"]
        assert fired.annotations["description"].endswith(f"/support/home#/case/?displayId={case.display_id}")
        assert datetime.fromisoformat(fired.started_at).timestamp() >= case.created_at + TARGET_SECONDS

        case.add_communication("We are looking into it.")
        resolved = receiver.wait_for(lambda alert: alert.labels == fired.labels and alert.status == "resolved", 25)
        assert resolved.started_at == fired.started_at
        others = {alert.labels["alertname"] for alert in receiver.told()} - {fired.labels["alertname"]}
        assert others <= {"AwsSupportFirstResponseNear"}, "others have nothing to say"
