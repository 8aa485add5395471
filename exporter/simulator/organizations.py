"""AWS Organizations: accounts, units and tags, for the management account and delegated administrators."""

import json

from exporter.simulator.errors import ApiError
from exporter.simulator.fleet import Fleet
from exporter.simulator.keys import AccessKey
from exporter.simulator.parameters import Parameters
from exporter.simulator.tokens import seal, unseal

_MOST_RESULTS = 20
_TAGS_OF_A_PAGE = 20
_RETIRED_STATUS = {"CLOSED": "SUSPENDED", "PENDING_ACTIVATION": "ACTIVE"}
"""States that the older `Status` field has no word for."""


def answer(operation: str, parameters: Parameters, caller: AccessKey, fleet: Fleet) -> bytes:
    """Return the JSON body of an Organizations operation's response, or raise ApiError where AWS refuses.

    Between two pages of ListAccounts stands an empty one, which AWS reserves the right to send.
    """
    if operation not in {"ListAccounts", "DescribeOrganizationalUnit", "ListTagsForResource"}:
        raise ApiError("UnknownOperationException", "")
    management_id = fleet.management_account.account_id
    if caller.account_id not in {management_id, *fleet.delegated_administrators}:
        raise ApiError("AccessDeniedException", "You don't have permissions to access this resource.")
    if operation == "DescribeOrganizationalUnit":
        unit_id = parameters.text("OrganizationalUnitId") or ""
        if unit_id not in fleet.units:
            raise ApiError("OrganizationalUnitNotFoundException", "You specified an organizational unit that doesn't exist.")
        return json.dumps({"OrganizationalUnit": {"Id": unit_id, "Name": fleet.units[unit_id][0]}}).encode()
    if operation == "ListTagsForResource":
        return _tags(parameters, fleet)
    limit = parameters.number("MaxResults", default=_MOST_RESULTS, least=1, most=_MOST_RESULTS)
    token = parameters.text("NextToken")
    start = 0 if token is None else unseal(token, "accounts")
    gap = None if token is None else unseal(token, "gap")
    if gap is not None:
        return json.dumps({"Accounts": [], "NextToken": seal("accounts", gap)}).encode()
    if start is None:
        raise ApiError("InvalidInputException", "You specified an invalid value for NextToken.")
    page: dict[str, object] = {
        "Accounts": [
            {
                "Id": account.account_id,
                "Arn": f"arn:aws:organizations::{management_id}:account/{fleet.organization_id}/{account.account_id}",
                "Email": f"aws-{account.name}@example.com",
                "Name": account.name,
                "Status": _RETIRED_STATUS.get(account.state, account.state),
                "State": account.state,
                **({"Paths": [fleet.path(account)]} if fleet.tells_paths else {}),
                "JoinedMethod": "INVITED" if account.account_id == management_id else "CREATED",
                "JoinedTimestamp": account.joined_at,
            }
            for account in fleet.accounts[start : start + limit]
        ]
    }
    if start + limit < len(fleet.accounts):
        page["NextToken"] = seal("gap" if fleet.empty_pages else "accounts", start + limit)
    return json.dumps(page).encode()


def _tags(parameters: Parameters, fleet: Fleet) -> bytes:
    account = fleet.find_account(parameters.text("ResourceId") or "")
    if account is None:
        raise ApiError("TargetNotFoundException", "You specified a target that doesn't exist.")
    token = parameters.text("NextToken")
    start = 0 if token is None else unseal(token, "tags", account.account_id) or 0
    end = start + _TAGS_OF_A_PAGE
    tags = [{"Key": key, "Value": value} for key, value in account.tags.items()]
    more = {"NextToken": seal("tags", account.account_id, end)} if end < len(tags) else {}
    return json.dumps({"Tags": tags[start:end], **more}).encode()
