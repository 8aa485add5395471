"""The status as JSON, at `/api/v1/status`."""

import json
from collections.abc import Mapping

from exporter.cases.model import Case
from exporter.cases.policy import Policy
from exporter.cases.report import AccountReport, FleetReport
from exporter.cases.turns import waiting_since
from exporter.web.status.rows import case_url, words

_EVENTS = ("url", "up", "last_receive", "last_event", "delay", "reason", "detail", "advice")
_ORGANIZATION = ("name", "accounts", "last_success", "reason", "detail", "advice")


def as_json(report: FleetReport, about: Mapping[str, object], policy: Policy, wanted: str = "") -> bytes:
    """Return a report as JSON, with `about` the exporter itself; of the accounts, those in which all `wanted` words occur."""
    known = report.knows_cases
    parts = set(wanted.lower().split())
    shown = [account for account in report.accounts for text in [words(account)] if all(part in text for part in parts)]
    document = {
        **about,
        "fleet": {
            "accounts": {state.value: count for state, count in report.states.items()},
            "open_cases": sum(report.severities.values()) if known else None,
            "open_cases_by_severity": dict(report.severities) if known else None,
            "open_cases_waiting_on": {author.value: count for author, count in report.turns.items()} if known else None,
            "first_response_overdue": report.overdue if known else None,
        },
        "organizations": [
            {key: getattr(each, key) for key in _ORGANIZATION} | {"warnings": [warning.detail for warning in each.warnings]}
            for each in report.organizations
        ],
        **({"events": {key: getattr(report.events, key) for key in _EVENTS}} if report.events.url else {}),
        "accounts": [_account(account, policy) for account in shown],
    }
    return json.dumps(document, ensure_ascii=False).encode(errors="replace") + b"\n"


def _account(report: AccountReport, policy: Policy) -> dict[str, object]:
    status, account = report.status, report.status.account
    known: dict[str, object] = {
        "account_id": account.account_id,
        "account_name": account.name,
        "region": account.region,
        "organization": account.organization,
        "plan": account.targets.plan.value,
        "organizational_unit": account.organizational_unit,
        "labels": account.all_labels,
        "state": report.state.value,
        "reason": report.reason,
        "detail": report.detail,
        "advice": report.advice,
        "open_cases": None if report.cases is None else len(report.cases),
        "open_cases_by_severity": None if report.cases is None else dict(report.severities),
        "first_response_overdue": None if report.cases is None else len(report.overdue),
        "quiet_since": report.quiet_since,
        "last_success": status.last_success,
        "next_poll": status.next_poll,
    }
    if policy.case_limit is not None:
        known["cases"] = [_case(case, report, policy) for case in (report.cases or ())[: policy.case_limit]]
    return known


def _case(case: Case, report: AccountReport, policy: Policy) -> dict[str, object]:
    fields: dict[str, object] = {
        "display_id": case.display_id,
        "status": case.status,
        "severity_code": case.severity_code,
        "service_code": case.service_code,
        "created": case.created,
        "latest_communication": case.last_activity,
        "waiting_since": waiting_since(case),
        "waiting_on": case.waiting_on.value,
        "first_response_overdue": case.case_id in report.overdue,
        "url": case_url(case.display_id, report.status.account.partition),
    }
    return fields | {"subject": case.subject} if policy.subjects else fields
