"""The Support API: it answers for the account that the caller's credentials belong to."""

import json
from functools import lru_cache

from exporter.simulator.account import Account
from exporter.simulator.case import RESOLVED, Case
from exporter.simulator.errors import ApiError
from exporter.simulator.parameters import Parameters
from exporter.simulator.tokens import seal, unseal


def answer(operation: str, parameters: Parameters, account: Account) -> bytes:
    """Return the JSON body of a Support operation's response, or raise ApiError where AWS refuses."""
    if operation not in {"DescribeCases", "DescribeCommunications"}:
        raise ApiError("UnknownOperationException", "")
    if not account.supported:
        message = "Amazon Web Services Premium Support Subscription is required to use this service."
        raise ApiError("SubscriptionRequiredException", message)
    if parameters.flag("dryRun", default=False):
        raise ApiError("DryRunOperationException", "Request would have succeeded, but DryRun flag is set.")
    return (
        _describe_cases(parameters, account) if operation == "DescribeCases" else _describe_communications(parameters, account)
    )


def _describe_cases(parameters: Parameters, account: Account) -> bytes:
    limit = parameters.number("maxResults", default=10, least=10, most=100)
    include_communications = parameters.flag("includeCommunications", default=True)
    matching = _matching_cases(parameters, account)
    last_ordinal = _position(parameters, "cases", account.account_id)
    if last_ordinal is not None:
        matching = [case for case in matching if case.ordinal < last_ordinal]
    page = matching[:limit]
    next_token = seal("cases", account.account_id, page[-1].ordinal) if len(matching) > limit else ""
    return _page(tuple([case.encoded(include_communications=include_communications) for case in page]), next_token)


@lru_cache(1024)
def _page(cases: tuple[bytes, ...], next_token: str) -> bytes:
    """Return the body of a page; the same cases need not be copied for every request."""
    rest = f'],"nextToken":"{next_token}"}}' if next_token else "]}"
    return b'{"cases":[' + b",".join(cases) + rest.encode()


def _matching_cases(parameters: Parameters, account: Account) -> list[Case]:
    case_ids = frozenset(parameters.texts("caseIdList"))
    display_id = parameters.text("displayId")
    language = parameters.text("language") or account.default_language
    after, before = parameters.moment("afterTime"), parameters.moment("beforeTime")
    include_resolved = parameters.flag("includeResolvedCases", default=False)
    unknown = case_ids - {case.case_id for case in account.cases} if case_ids else set()
    if display_id is not None and all(case.display_id != display_id for case in account.cases):
        unknown = {display_id}
    if unknown:
        raise _case_not_found(min(unknown))
    return [
        case
        for case in reversed(account.cases)
        if (include_resolved or case.status != RESOLVED)
        and (not case_ids or case.case_id in case_ids)
        and (display_id is None or case.display_id == display_id)
        and (language is None or case.language == language)
        and (after is None or case.created_at >= after)
        and (before is None or case.created_at <= before)
    ]


def _describe_communications(parameters: Parameters, account: Account) -> bytes:
    case_id = parameters.text("caseId")
    limit = parameters.number("maxResults", default=10, least=10, most=100)
    after, before = parameters.moment("afterTime"), parameters.moment("beforeTime")
    case = next((case for case in account.cases if case.case_id == case_id), None)
    if case_id is None or case is None:
        raise _case_not_found(case_id)
    matching = [
        each
        for each in case.communications
        if (after is None or each.created_at >= after) and (before is None or each.created_at <= before)
    ]
    position = _position(parameters, "communications", case_id)
    end = len(matching) if position is None else position
    start = max(0, end - limit)
    answer: dict[str, object] = {"communications": [each.fields(case_id) for each in reversed(matching[start:end])]}
    if start:
        answer["nextToken"] = seal("communications", case_id, start)
    return json.dumps(answer, separators=(",", ":")).encode()


def _position(parameters: Parameters, *made_for: str) -> int | None:
    """Return where the page before ended, or None for the first page."""
    token = parameters.text("nextToken")
    position = None if token is None else unseal(token, *made_for)
    if token is not None and position is None:
        raise ApiError("InvalidParameterValueException", "The nextToken is invalid.")
    return position


def _case_not_found(case_id: str | None) -> ApiError:
    return ApiError("CaseIdNotFound", f"No case with the id {case_id} was found.")
