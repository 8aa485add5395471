"""What is at `/api/v1`, to be encoded as JSON."""

from collections.abc import Mapping
from urllib.parse import urlencode

from exporter.cases.listing import Query, page
from exporter.cases.model import Case
from exporter.cases.policy import Policy
from exporter.cases.report import AccountReport, FleetReport
from exporter.cases.turns import waiting_since
from exporter.web.status.rows import case_url

_EVENTS = ("url", "up", "last_receive", "last_event", "delay", "reason", "detail", "advice")
_ACCOUNT = ("state", "reason", "detail", "advice", "quiet_since")
_OWNER = ("region", "organization", "organizational_unit")
_CASE = ("display_id", "status", "severity_code", "service_code", "category_code", "created", "last_author", "waiting_on")
_ORGANIZATION = ("name", "accounts", "last_success", "reason", "detail", "advice")


def fleet_document(report: FleetReport, about: Mapping[str, object], policy: Policy, wanted: str = "") -> dict[str, object]:
    """Return a report, with `about` the exporter itself; of the accounts, those in which all `wanted` words occur."""
    known = report.knows_cases
    return {
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
        "accounts": [account_document(account, policy) for account in report.having(wanted)],
    }


def cases_document(report: FleetReport, query: Query, policy: Policy, links: str) -> dict[str, object]:
    """Return a page of cases, as `cases.listing` has it; `links` is what its links begin with."""
    cases, document = page(report, query)
    if (token := document["next"]) is not None:
        following = [*(each for each in query if each[0] != "page_token"), ("page_token", token)]
        document["next"] = f"{links}/api/v1/cases?{urlencode(following, errors='replace')}"
    document["missing_url"] = f"{links}/api/v1/status"
    return document | {"cases": [_owner(account) | _case(case, account, policy) for account, case in cases]}


def _owner(report: AccountReport) -> dict[str, object]:
    account = report.status.account
    named = {"account_id": account.account_id, "account_name": account.name, "plan": account.targets.plan.value}
    return named | {key: getattr(account, key) for key in _OWNER} | {"labels": account.all_labels}


def account_document(report: AccountReport, policy: Policy) -> dict[str, object]:
    known = _owner(report) | {
        **{key: getattr(report, key) for key in _ACCOUNT},
        "open_cases": None if report.cases is None else len(report.cases),
        "open_cases_by_severity": None if report.cases is None else dict(report.severities),
        "first_response_overdue": None if report.cases is None else len(report.overdue),
        "last_success": report.status.last_success,
        "next_poll": report.status.next_poll,
    }
    if policy.case_limit is not None:
        known["cases"] = [_case(case, report, policy) for case in (report.cases or ())[: policy.case_limit]]
    return known


def _case(case: Case, report: AccountReport, policy: Policy) -> dict[str, object]:
    account, due = report.status.account, report.due.get(case.case_id)
    fields = {key: getattr(case, key) for key in _CASE} | {
        "latest_communication": case.last_activity,
        "waiting_since": waiting_since(case),
        "first_response_target": None if due is None else account.targets.of(case.severity_code, case.service_code),
        "first_response_due": due,
        "first_response_overdue": case.case_id in report.overdue,
        "url": case_url(case.display_id, account.partition),
    }
    return fields | {"subject": case.subject} if policy.subjects else fields
