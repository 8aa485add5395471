from pathlib import Path

import pytest

from tests.support.chart import Helm3, Helm4, copy_of_chart, need_helm3

RULES = """\
groups:
  - name: aws-support
    interval: 1m
    rules:
      - alert: AwsSupportCaseQuiet
        expr: |
          max by (account_id) (aws_support_latest_communication_age_seconds{last_author="aws"})
            > 86400
        for: 10m
        labels: {severity: warning}
        annotations:
          summary: "{{ $labels.account_id }} has a case that waits for you"
          runbook_url: https://example.com/runbooks.md#awssupportcasequiet
      - alert: AwsSupportAccountDown
        expr: aws_support_account_up == 0
        for: 15m
        labels: {severity: critical}
        annotations: {summary: down}
      - {alert: AwsSupportAbsent, expr: absent(aws_support_accounts)}
  - name: aws-support.recording
    rules:
      - record: severity_code:aws_support_account_open_cases:sum
        expr: sum by (severity_code) (aws_support_account_open_cases)
"""
DASHBOARD = '{"title": "AWS Support", "uid": "aws-support-overview", "text": "{{ account_name }}", "panels": []}\n'
FILES = {
    "files/rules/alerts.yaml": RULES,
    "files/dashboards/overview.json": DASHBOARD,
    "files/dashboards/account.json": DASHBOARD.replace("overview", "account"),
}


@pytest.fixture(scope="session")
def helm3() -> Helm3:
    return Helm3(need_helm3())


@pytest.fixture(scope="session")
def helm4() -> Helm4:
    return Helm4()


@pytest.fixture(scope="session")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chart with rules and dashboards that hold one of each kind of thing."""
    return copy_of_chart(tmp_path_factory.mktemp("chart"), FILES)
