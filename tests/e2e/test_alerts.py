"""An alert makes its whole way: from a case at AWS to whoever is called, and back when AWS answers."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.conftest import StartAlertmanager, StartPrometheus
from tests.e2e.conftest import StartExporter
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


class Receiver(BaseHTTPRequestHandler):
    """A webhook that keeps the alerts it receives."""

    server: "Webhook"

    def do_POST(self) -> None:
        self.server.told += json.loads(self.rfile.read(int(self.headers["content-length"])))["alerts"]
        self.send_response(200)
        self.end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Keep the terminal free of requests."""


class Webhook(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.told: list[dict[str, Any]] = []

    def wait_for(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the first alert that is wanted, once it has come."""
        return wait_until(lambda: next(filter(wanted, self.told), None), 25, lambda: f"no such alert has come: {self.told}")


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.slow
def test_an_unanswered_critical_case_calls_somebody_until_aws_answers(
    fleet: Fleet,
    simulator: Simulator,
    start: StartExporter,
    start_prometheus: StartPrometheus,
    *,
    start_alertmanager: StartAlertmanager,
    webhook: Webhook,
    tmp_path: Path,
) -> None:
    case = fleet.add_account(account_id=ACCOUNT, name="payments").add_case(severity_code="critical")
    exporter = start(CONFIG, simulator.environment())
    rules = tmp_path / "rules.yaml"
    config = {
        "route": {"receiver": "test", "group_wait": "0s", "group_interval": "1s"},
        "receivers": [{"name": "test", "webhook_configs": [{"url": f"http://127.0.0.1:{webhook.server_port}/"}]}],
    }
    alertmanager = start_alertmanager(config)
    prometheus = start_prometheus(
        f"{exporter.url}/metrics", rule_files=[rules], alertmanager_url=alertmanager.url, flags=RESEND
    )
    prometheus.wait_for("aws_support_exporter_build_info", bool)  # before that, it is right to say that nothing is there
    rules.write_text(impatient_rules())
    prometheus.reload()

    fired = webhook.wait_for(lambda alert: alert["labels"]["alertname"] == "AwsSupportFirstResponseOverdue")
    assert fired["status"] == "firing"
    labels = {"account_id": ACCOUNT, "account_name": "payments", "severity_code": "critical", "severity": "critical"}
    assert fired["labels"].items() >= labels.items()
    assert fired["annotations"]["summary"] == "payments: first response from AWS is overdue (critical)"
    assert f"account payments ({ACCOUNT}, us-east-1)" in fired["annotations"]["description"]
    assert fired["annotations"]["description"].endswith(f"/support/home#/case/?displayId={case.display_id}")
    assert datetime.fromisoformat(fired["startsAt"]).timestamp() >= case.created_at + TARGET_SECONDS

    case.add_communication("We are looking into it.")
    resolved = webhook.wait_for(lambda alert: alert["labels"] == fired["labels"] and alert["status"] == "resolved")
    assert resolved["startsAt"] == fired["startsAt"]
    others = {alert["labels"]["alertname"] for alert in webhook.told} - {fired["labels"]["alertname"]}
    assert others <= {"AwsSupportFirstResponseNear"}, "others have nothing to say"
