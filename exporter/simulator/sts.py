"""The Security Token Service: it turns one account's credentials into another account's."""

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final
from xml.sax.saxutils import escape

from exporter.simulator.account import Account, Role
from exporter.simulator.case import iso_time
from exporter.simulator.errors import ApiError
from exporter.simulator.fleet import Fleet
from exporter.simulator.keys import AccessKey
from exporter.simulator.parameters import Parameters

_ROLE_ARN = re.compile(r"arn:(?P<partition>aws[a-z-]*):iam::(?P<account_id>\d{12}):role/(?:.*/)?(?P<name>[^/]+)")
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}")
_DEFAULT_SECONDS = 3600
_LEAST_SECONDS = 900
_MOST_SECONDS = 43200
_MOST_CHAINED_SECONDS = 3600


def answer(operation: str, parameters: Parameters, caller: AccessKey, fleet: Fleet) -> bytes:
    """Return what stands inside `<OperationResult>` in an STS response.

    Raises:
        ApiError: AWS would refuse the request.
    """
    handler = _OPERATIONS.get(operation)
    if handler is None:
        raise ApiError("InvalidAction", f"Could not find operation {operation} for version 2011-06-15")
    return handler(parameters, caller, fleet)


def _assume_role(parameters: Parameters, caller: AccessKey, fleet: Fleet) -> bytes:
    role_arn = _required(parameters, "RoleArn")
    session_name = _required(parameters, "RoleSessionName")
    match = _ROLE_ARN.fullmatch(role_arn)
    if match is None:
        raise ApiError("ValidationError", f"{role_arn} is invalid")
    if not _SESSION_NAME.fullmatch(session_name):
        raise ApiError(
            "ValidationError",
            f"1 validation error detected: Value '{session_name}' at 'roleSessionName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [\\w+=,.@-]*",
        )
    account = fleet.find_account(match["account_id"])
    role = account.roles.get(match["name"]) if account is not None else None
    if account is None or role is None or not _is_trusted(account, role, caller, parameters.text("ExternalId")):
        raise _denied(caller, "sts:AssumeRole", role_arn)
    if "Tags.member.1.Key" in parameters.values and not role.trusts_tag_session:
        raise _denied(caller, "sts:TagSession", role_arn)
    seconds = _session_seconds(parameters, role, caller)
    arn = f"arn:{match['partition']}:sts::{account.account_id}:assumed-role/{role.name}/{session_name}"
    key = fleet.keys.issue_session(account.account_id, arn, session_name, fleet.clock() + seconds)
    return (
        "<Credentials>"
        f"<AccessKeyId>{key.access_key_id}</AccessKeyId><SecretAccessKey>{key.secret_access_key}</SecretAccessKey>"
        f"<SessionToken>{key.session_token}</SessionToken><Expiration>{iso_time(key.expires_at or 0.0)}</Expiration>"
        "</Credentials><AssumedRoleUser>"
        f"<AssumedRoleId>{key.user_id}</AssumedRoleId><Arn>{escape(arn)}</Arn>"
        "</AssumedRoleUser>"
    ).encode()


def _get_caller_identity(_parameters: Parameters, caller: AccessKey, _fleet: Fleet) -> bytes:
    return (f"<Arn>{escape(caller.arn)}</Arn><UserId>{caller.user_id}</UserId><Account>{caller.account_id}</Account>").encode()


def _is_trusted(account: Account, role: Role, caller: AccessKey, external_id: str | None) -> bool:
    return (
        account.trusts
        and account.state == "ACTIVE"
        and (role.external_id is None or role.external_id == external_id)
        and (role.trusted_accounts is None or caller.account_id in role.trusted_accounts)
    )


def _session_seconds(parameters: Parameters, role: Role, caller: AccessKey) -> int:
    given = parameters.text("DurationSeconds") or str(_DEFAULT_SECONDS)
    if not given.isdecimal() or not _LEAST_SECONDS <= int(given) <= _MOST_SECONDS:
        raise ApiError(
            "ValidationError",
            f"1 validation error detected: Value '{given}' at 'durationSeconds' failed to satisfy constraint: "
            f"Member must have value between {_LEAST_SECONDS} and {_MOST_SECONDS}",
        )
    seconds = int(given)
    if seconds > _MOST_CHAINED_SECONDS and caller.session_token:
        raise ApiError(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        )
    if seconds > role.max_session_seconds:
        raise ApiError("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    return seconds


def _required(parameters: Parameters, name: str) -> str:
    value = parameters.text(name)
    if not value:
        raise ApiError("ValidationError", f"1 validation error detected: Value at '{name}' must not be null")
    return value


def _denied(caller: AccessKey, action: str, resource: str) -> ApiError:
    return ApiError(
        "AccessDenied",
        f"User: {caller.arn} is not authorized to perform: {action} on resource: {resource}",
        HTTPStatus.FORBIDDEN,
    )


_OPERATIONS: Final[Mapping[str, Callable[[Parameters, AccessKey, Fleet], bytes]]] = {
    "AssumeRole": _assume_role,
    "GetCallerIdentity": _get_caller_identity,
}
