"""The Support API: it answers for the account that the caller's credentials belong to."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from exporter.simulator.account import Account
from exporter.simulator.case import Case
from exporter.simulator.catalog import SERVICES, SEVERITY_LEVELS
from exporter.simulator.errors import ApiError
from exporter.simulator.parameters import Parameters
from exporter.simulator.tokens import seal, unseal

_LEAST_RESULTS = 10
_MOST_RESULTS = 100
_INVALID_TOKEN: Final = ("InvalidParameterValueException", "The nextToken is invalid.")


def answer(operation: str, parameters: Parameters, account: Account) -> bytes:
    """Return the JSON body of a Support operation's response.

    Raises:
        ApiError: AWS would refuse the request.
    """
    handler = _OPERATIONS.get(operation)
    if handler is None:
        raise ApiError("UnknownOperationException", "")
    if not account.supported:
        raise ApiError(
            "SubscriptionRequiredException",
            "Amazon Web Services Premium Support Subscription is required to use this service.",
        )
    if parameters.flag("dryRun", default=False):
        raise ApiError("DryRunOperationException", "Request would have succeeded, but DryRun flag is set.")
    return handler(parameters, account)


def _describe_cases(parameters: Parameters, account: Account) -> bytes:
    limit = parameters.number("maxResults", default=_LEAST_RESULTS, least=_LEAST_RESULTS, most=_MOST_RESULTS)
    include_communications = parameters.flag("includeCommunications", default=True)
    matching = _matching_cases(parameters, account)
    token = parameters.text("nextToken")
    if token is not None:
        last_ordinal = unseal(token, "cases", account.account_id)
        if last_ordinal is None:
            raise ApiError(*_INVALID_TOKEN)
        matching = [case for case in matching if case.ordinal < last_ordinal]
    page = matching[:limit]
    cases = b",".join(case.encoded(include_communications=include_communications) for case in page)
    if len(matching) <= limit:
        return b'{"cases":[%s]}' % cases
    following = seal("cases", account.account_id, page[-1].ordinal)
    return b'{"cases":[%s],"nextToken":"%s"}' % (cases, following.encode())


def _matching_cases(parameters: Parameters, account: Account) -> list[Case]:
    case_ids = parameters.texts("caseIdList")
    display_id = parameters.text("displayId")
    language = parameters.text("language")
    after, before = parameters.moment("afterTime"), parameters.moment("beforeTime")
    include_resolved = parameters.flag("includeResolvedCases", default=False)
    known_ids = {case.case_id for case in account.cases} if case_ids else set()
    missing = [case_id for case_id in case_ids if case_id not in known_ids]
    if missing or (display_id is not None and all(case.display_id != display_id for case in account.cases)):
        raise ApiError("CaseIdNotFound", f"No case with the id {missing[0] if missing else display_id} was found.")
    return [
        case
        for case in reversed(account.cases)
        if (include_resolved or case.is_open)
        and (not case_ids or case.case_id in case_ids)
        and (display_id is None or case.display_id == display_id)
        and (language is None or case.language == language)
        and (after is None or case.created_at >= after)
        and (before is None or case.created_at <= before)
    ]


def _describe_communications(parameters: Parameters, account: Account) -> bytes:
    case_id = parameters.required_text("caseId")
    limit = parameters.number("maxResults", default=_LEAST_RESULTS, least=_LEAST_RESULTS, most=_MOST_RESULTS)
    after, before = parameters.moment("afterTime"), parameters.moment("beforeTime")
    case = next((case for case in account.cases if case.case_id == case_id), None)
    if case is None:
        raise ApiError("CaseIdNotFound", f"No case with the id {case_id} was found.")
    communications = [
        each
        for each in case.communications
        if (after is None or each.created_at >= after) and (before is None or each.created_at <= before)
    ]
    end: int | None = len(communications)
    token = parameters.text("nextToken")
    if token is not None:
        end = unseal(token, "communications", case_id)
        if end is None:
            raise ApiError(*_INVALID_TOKEN)
    start = max(0, (end or 0) - limit)
    page = [each.fields(case_id) for each in reversed(communications[start:end])]
    following = {"nextToken": seal("communications", case_id, start)} if start else {}
    return _encode({"communications": page, **following})


def _describe_severity_levels(_parameters: Parameters, _account: Account) -> bytes:
    return _encode({"severityLevels": [{"code": code, "name": name} for code, name in SEVERITY_LEVELS]})


def _describe_services(parameters: Parameters, _account: Account) -> bytes:
    wanted = parameters.texts("serviceCodeList")
    return _encode(
        {
            "services": [
                {
                    "code": service.code,
                    "name": service.name,
                    "categories": [{"code": code, "name": code.replace("-", " ").title()} for code in service.categories],
                }
                for service in SERVICES
                if not wanted or service.code in wanted
            ]
        }
    )


def _encode(answer: Mapping[str, Sequence[object] | str]) -> bytes:
    return json.dumps(answer, separators=(",", ":")).encode()


_OPERATIONS: Final[Mapping[str, Callable[[Parameters, Account], bytes]]] = {
    "DescribeCases": _describe_cases,
    "DescribeCommunications": _describe_communications,
    "DescribeSeverityLevels": _describe_severity_levels,
    "DescribeServices": _describe_services,
}
