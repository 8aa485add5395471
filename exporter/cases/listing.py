"""Open cases of the fleet, the most urgent first: those that a query asks for, a page at a time."""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter
from typing import Any

from exporter.cases.model import WAITING_ON_AWS, WAITING_ON_CUSTOMER, Author, Case
from exporter.cases.report import AccountReport, FleetReport, urgency
from exporter.cases.status import AccountState

_OF_ACCOUNT = {"account": "account_id", "organization": "organization"}
_OF_CASE = {"severity": "severity_code", "service": "service_code", "status": "status", "waiting_on": "waiting_on"}
_EITHER = ("true", "false")
_ONCE = {"filter": "", "limit": "100", "page_token": ""}  # and what stands where they are not given
_PARAMETERS = (*_OF_ACCOUNT, *_OF_CASE, "overdue", *_ONCE)
_LIMITS = [str(number) for number in range(1, 1001)]

Query = Sequence[tuple[str, str]]  # parameters; of one that is there several times, one value has to fit


def problem(report: FleetReport, query: Query) -> str:
    """Return what a query may have in place of what it has; empty when nothing is wrong with it."""
    statuses = WAITING_ON_AWS | WAITING_ON_CUSTOMER | {case.status for each in report.accounts for case in each.cases or ()}
    allowed = {"waiting_on": [*Author], "overdue": _EITHER, "limit": _LIMITS, "severity": [*report.severities]}
    allowed |= {"status": sorted(statuses), "organization": [each.name for each in report.organizations]}
    for name, value in query:
        if name not in _PARAMETERS:
            return f"unknown parameter {name!r}: write {', '.join(_PARAMETERS)}"
        if name in _ONCE and [each for each, _ in query].count(name) > 1:
            return f"{name}: write it once"
        if value not in (there := allowed.get(name, [value])):
            return f"{name}: write {', '.join(there) if there is not _LIMITS else '1 to 1000'}"
    return ""


def page(report: FleetReport, query: Query) -> tuple[list[tuple[AccountReport, Case]], dict[str, Any]]:
    """Return a page of the cases that fit a query without problems, numbers, and in which place the next page begins."""
    wanted = {"overdue": {*_EITHER}} | {name: {value for key, value in query if key == name} for name in dict(query)}
    once = _ONCE | dict(query)
    accounts = [each for each in report.having(once["filter"]) if _fits(each.status.account, _OF_ACCOUNT, wanted)]
    found = [
        (f"{urgency(case)} {account.status.account.account_id}", account, case)
        for account in accounts
        for case in account.cases or ()
        if _fits(case, _OF_CASE, wanted) and str(case.case_id in account.overdue).lower() in wanted["overdue"]
    ]
    found.sort(key=itemgetter(0))
    begin = bisect_right(found, once["page_token"], key=itemgetter(0))
    end = begin + int(once["limit"])
    unknown = {*wanted.get("account", ())} - {each.status.account.account_id for each in report.accounts}
    silent = [each for each in accounts if each.cases is None and each.state is not AccountState.UNSUPPORTED]
    unlisted = [each.name for each in report.organizations if each.last_success is None]
    return [each[1:] for each in found[begin:end]], {
        "total": len(found),
        "missing_accounts": len(unknown) + len(silent),
        "missing_organizations": sum(name in wanted.get("organization", unlisted) for name in unlisted),
        "next": found[end - 1][0] if end < len(found) else None,
    }


def _fits(one: object, fields: Mapping[str, str], wanted: Mapping[str, Collection[str]]) -> bool:
    return all(getattr(one, field) in wanted[name] for name, field in fields.items() if name in wanted)
