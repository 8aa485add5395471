"""The Security Token Service: it turns one account's credentials into another account's."""

import re
from http import HTTPStatus
from xml.sax.saxutils import escape

from exporter.simulator.account import Account, Role
from exporter.simulator.case import iso_time
from exporter.simulator.errors import ApiError
from exporter.simulator.fleet import Fleet
from exporter.simulator.keys import AccessKey
from exporter.simulator.parameters import Parameters

_ROLE_ARN = re.compile(r"arn:(?P<partition>aws[a-z-]*):iam::(?P<account_id>\d{12}):role/(?:.*/)?(?P<name>[^/]+)")
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}")
_LEAST_SECONDS = 900
_MOST_SECONDS = 43200
_MOST_CHAINED_SECONDS = 3600


def answer(operation: str, parameters: Parameters, caller: AccessKey, fleet: Fleet) -> bytes:
    """Return what stands inside `<OperationResult>` in an STS response, or raise ApiError where AWS refuses."""
    if operation == "GetCallerIdentity":
        identity = f"<Arn>{escape(caller.arn)}</Arn><UserId>{caller.user_id}</UserId><Account>{caller.account_id}</Account>"
        return identity.encode()
    if operation == "AssumeRole":
        return _assume_role(parameters, caller, fleet)
    raise ApiError("InvalidAction", f"Could not find operation {operation} for version 2011-06-15")


def _assume_role(parameters: Parameters, caller: AccessKey, fleet: Fleet) -> bytes:
    role_arn, session_name = parameters.text("RoleArn") or "", parameters.text("RoleSessionName") or ""
    match = _ROLE_ARN.fullmatch(role_arn)
    if match is None:
        raise ApiError("ValidationError", f"{role_arn} is invalid")
    if not _SESSION_NAME.fullmatch(session_name):
        raise _invalid("roleSessionName", session_name, "satisfy regular expression pattern: [\\w+=,.@-]*")
    account = fleet.find_account(match["account_id"])
    role = account.roles.get(match["name"]) if account is not None else None
    if account is None or role is None or not _is_trusted(account, role, parameters.text("ExternalId")):
        message = f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
        raise ApiError("AccessDenied", message, HTTPStatus.FORBIDDEN)
    expires_at = fleet.clock() + _session_seconds(parameters, role, caller)
    arn = f"arn:{match['partition']}:sts::{account.account_id}:assumed-role/{role.name}/{session_name}"
    key = fleet.keys.issue_session(account.account_id, arn, session_name, expires_at)
    return (
        f"<Credentials><AccessKeyId>{key.access_key_id}</AccessKeyId><SecretAccessKey>{key.secret_access_key}</SecretAccessKey>"
        f"<SessionToken>{key.session_token}</SessionToken><Expiration>{iso_time(expires_at)}</Expiration>"
        "</Credentials>"
        f"<AssumedRoleUser><AssumedRoleId>{key.user_id}</AssumedRoleId><Arn>{escape(arn)}</Arn></AssumedRoleUser>"
    ).encode()


def _is_trusted(account: Account, role: Role, external_id: str | None) -> bool:
    return account.trusts and account.state == "ACTIVE" and (role.external_id is None or role.external_id == external_id)


def _session_seconds(parameters: Parameters, role: Role, caller: AccessKey) -> int:
    given = parameters.text("DurationSeconds") or "3600"
    if not given.isdecimal() or not _LEAST_SECONDS <= int(given) <= _MOST_SECONDS:
        raise _invalid("durationSeconds", given, f"have value between {_LEAST_SECONDS} and {_MOST_SECONDS}")
    if int(given) > _MOST_CHAINED_SECONDS and caller.session_token:
        message = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
        raise ApiError("ValidationError", message)
    if int(given) > role.max_session_seconds:
        raise ApiError("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    return int(given)


def _invalid(name: str, value: str, constraint: str) -> ApiError:
    return ApiError(
        "ValidationError",
        f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: Member must {constraint}",
    )
