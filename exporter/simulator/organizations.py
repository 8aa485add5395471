"""AWS Organizations: it lists the accounts, for the management account only."""

import json

from exporter.simulator.account import Account
from exporter.simulator.errors import ApiError
from exporter.simulator.fleet import Fleet
from exporter.simulator.keys import AccessKey
from exporter.simulator.parameters import Parameters
from exporter.simulator.tokens import seal, unseal

_MOST_RESULTS = 20
_RETIRED_STATUS = {"CLOSED": "SUSPENDED", "PENDING_ACTIVATION": "ACTIVE"}
"""States that the older `Status` field has no word for."""


def answer(operation: str, parameters: Parameters, caller: AccessKey, fleet: Fleet) -> bytes:
    """Return the JSON body of an Organizations operation's response.

    Raises:
        ApiError: AWS would refuse the request.
    """
    if operation != "ListAccounts":
        raise ApiError("UnknownOperationException", "")
    if not fleet.has_organization:
        raise ApiError("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
    if caller.account_id not in {fleet.management_account.account_id, *fleet.delegated_administrators}:
        raise ApiError("AccessDeniedException", "You don't have permissions to access this resource.")
    return _list_accounts(parameters, fleet)


def _list_accounts(parameters: Parameters, fleet: Fleet) -> bytes:
    """Return one page; between two pages stands an empty one, which AWS reserves the right to send."""
    limit = parameters.number("MaxResults", default=_MOST_RESULTS, least=1, most=_MOST_RESULTS)
    accounts = fleet.accounts
    token = parameters.text("NextToken")
    start = 0
    if token is not None:
        gap = unseal(token, "gap")
        if gap is not None:
            return _encode([], fleet, seal("accounts", gap))
        position = unseal(token, "accounts")
        if position is None:
            raise ApiError("InvalidInputException", "You specified an invalid value for NextToken.")
        start = position
    end = start + limit
    following = seal("gap" if fleet.empty_pages else "accounts", end) if end < len(accounts) else None
    return _encode(accounts[start:end], fleet, following)


def _encode(accounts: list[Account], fleet: Fleet, following: str | None) -> bytes:
    page: dict[str, object] = {"Accounts": [_fields(account, fleet) for account in accounts]}
    if following is not None:
        page["NextToken"] = following
    return json.dumps(page).encode()


def _fields(account: Account, fleet: Fleet) -> dict[str, object]:
    management = fleet.management_account
    return {
        "Id": account.account_id,
        "Arn": (f"arn:aws:organizations::{management.account_id}:account/{fleet.organization_id}/{account.account_id}"),
        "Email": f"aws-{account.name}@example.com",
        "Name": account.name,
        "Status": _RETIRED_STATUS.get(account.state, account.state),
        "State": account.state,
        "JoinedMethod": "INVITED" if account is management else "CREATED",
        "JoinedTimestamp": account.joined_at,
    }
