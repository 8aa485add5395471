"""An alert makes its whole way: from a case at AWS to Alertmanager, and back when AWS answers."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.conftest import StartAlertmanager, StartPrometheus
from tests.e2e.conftest import StartExporter
from tests.support.fetch import fetch
from tests.support.tools import ROOT
from tests.support.waiting import wait_until

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
def test_an_unanswered_critical_case_fires_until_aws_answers(
    fleet: Fleet,
    simulator: Simulator,
    start: StartExporter,
    start_prometheus: StartPrometheus,
    *,
    start_alertmanager: StartAlertmanager,
    tmp_path: Path,
) -> None:
    case = fleet.add_account(account_id=ACCOUNT, name="payments").add_case(severity_code="critical")
    exporter = start(CONFIG, simulator.environment())
    alertmanager = start_alertmanager({"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]})
    rules = tmp_path / "rules.yaml"
    prometheus = start_prometheus(
        f"{exporter.url}/metrics", rule_files=[rules], alertmanager_url=alertmanager.url, flags=RESEND
    )
    prometheus.wait_for("aws_support_exporter_build_info", bool)  # before that, it is right to say that nothing is there
    rules.write_text(impatient_rules())
    prometheus.reload()

    told = set[str]()

    def firing() -> dict[str, Any]:
        """Return the alerts that Alertmanager has, by name."""
        found = {each["labels"]["alertname"]: each for each in json.loads(fetch(f"{alertmanager.url}/api/v2/alerts").text)}
        told.update(found)
        return found

    fired = wait_until(lambda: firing().get("AwsSupportFirstResponseOverdue"), 25, lambda: f"no such alert: {firing()}")
    labels = {"account_id": ACCOUNT, "account_name": "payments", "severity_code": "critical", "severity": "critical"}
    assert fired["labels"].items() >= labels.items()
    assert fired["annotations"]["summary"] == "payments: first response from AWS is overdue (critical)"
    assert f"account payments ({ACCOUNT}, us-east-1)" in fired["annotations"]["description"]
    assert fired["annotations"]["description"].endswith(f"/support/home#/case/?displayId={case.display_id}")
    assert datetime.fromisoformat(fired["startsAt"]).timestamp() >= case.created_at + TARGET_SECONDS

    case.add_communication("We are looking into it.")
    wait_until(lambda: firing() == {} or None, 25, lambda: f"still fires: {firing()}")
    assert told <= {"AwsSupportFirstResponseOverdue", "AwsSupportFirstResponseNear"}, "others have nothing to say"
