"""The faults of the matrices, what each must lead to, and the document that tells of it."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import pytest

from docs.reference import replace_between
from exporter.cases.model import Reason
from exporter.simulator.corruptions import Body, HtmlPage, HugeBody, Tokens, Truncated, WrongTypes
from exporter.simulator.faults import Kind, Page
from exporter.simulator.kinds import (
    ConnectionClosed,
    ConnectionReset,
    CutOffBody,
    Drip,
    Error,
    Silence,
    SilenceInBody,
    Throttled,
)
from tests.support.tools import ROOT

DOCUMENT = ROOT / "docs/reliability.md"
NEEDS_A_PERSON = frozenset({Reason.ACCESS_DENIED, Reason.ASSUME_ROLE_DENIED, Reason.CREDENTIALS, Reason.SUBSCRIPTION_REQUIRED})
"""After these an account is tried rarely, or at once after a reload."""


class Operation(NamedTuple):
    """An operation of AWS, or a page of one, that goes wrong."""

    title: str
    name: str
    page: Page | None = None


ASSUME_ROLE = Operation("AssumeRole", "AssumeRole")
FIRST_PAGE = Operation("DescribeCases, page 1", "DescribeCases", Page.FIRST)
LATER_PAGE = Operation("DescribeCases, page n", "DescribeCases", Page.LATER)
COMMUNICATIONS = Operation("DescribeCommunications", "DescribeCommunications")
LIST_ACCOUNTS = Operation("ListAccounts", "ListAccounts")
OF_AN_ACCOUNT = (ASSUME_ROLE, FIRST_PAGE, LATER_PAGE, COMMUNICATIONS)
OF_A_QUEUE = (Operation("ReceiveMessage", "ReceiveMessage"), Operation("DeleteMessageBatch", "DeleteMessageBatch"))
_SUPPORT = (FIRST_PAGE, LATER_PAGE, COMMUNICATIONS)
_TOKENS = (LATER_PAGE, COMMUNICATIONS, LIST_ACCOUNTS)
"""Only from the second page on: a token that the fault made up is asked for with it."""


class FaultCase(NamedTuple):
    """One way to fail, for some operations, and the reason of a poll that meets it: None where it does not fail."""

    title: str
    kind: Callable[[], Kind]
    reason: Reason | None
    times: int | None = None
    only: tuple[Operation, ...] = (*OF_AN_ACCOUNT, LIST_ACCOUNTS, *OF_A_QUEUE)


WRONG_TYPES = "wrong types in every field"
CLOCK_SKEW = "clock skew"
"""It passes: what it causes is tried again soon, although the reason is one that needs a person."""
_FIELDS = (
    *("status", "severityCode", "serviceCode", "categoryCode", "language", "timeCreated"),
    *("subject", "submittedBy", "ccEmailAddresses", "recentCommunications"),
)
"""All but the ids: were those equal, the cases would be one."""
_ODD_CREDENTIALS = b"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId/><SecretAccessKey><a/></SecretAccessKey><SessionToken>17</SessionToken><Expiration>soon</Expiration>
</Credentials></AssumeRoleResult></AssumeRoleResponse>"""
_ODD_ACCOUNTS = b'{"Accounts": [{"Id": 17, "Name": [], "State": {}}], "NextToken": null}'
_ODD_MESSAGES = b'{"Messages": [null, {"ReceiptHandle": 17, "Body": []}]}'
_NULLS = b'{"cases": null, "communications": null, "Accounts": null}'


def error(status: int, code: str) -> Callable[[], Kind]:
    return lambda: Error(status, code)


def body(content: bytes) -> Callable[[], Kind]:
    return lambda: Body(content)


FAULTS = (
    FaultCase("throttled once", Throttled, None, times=1),
    FaultCase("throttled for long", Throttled, Reason.THROTTLED),
    FaultCase("500", error(500, "InternalServerError"), Reason.SERVER_ERROR),
    FaultCase("503", error(503, "ServiceUnavailable"), Reason.SERVER_ERROR),
    FaultCase("500 once", error(500, "InternalServerError"), None, times=1),
    FaultCase("connection reset", ConnectionReset, Reason.UNREACHABLE),
    FaultCase("connection reset once", ConnectionReset, None, times=1),
    FaultCase("connection closed", ConnectionClosed, Reason.UNREACHABLE),
    FaultCase("hangs before the answer", Silence, Reason.TIMEOUT),
    FaultCase("hangs within the body", SilenceInBody, Reason.TIMEOUT),
    FaultCase("drips", lambda: Drip(0.01), Reason.TIMEOUT),
    FaultCase("breaks off within the body", CutOffBody, Reason.UNREACHABLE),
    FaultCase("truncated JSON", Truncated, Reason.MALFORMED, only=(*_SUPPORT, LIST_ACCOUNTS, *OF_A_QUEUE)),
    FaultCase("truncated XML", Truncated, Reason.MALFORMED, only=(ASSUME_ROLE,)),
    FaultCase("not JSON, not XML", body(b"certainly not"), Reason.MALFORMED),
    FaultCase("empty body", Body, Reason.MALFORMED),
    FaultCase("nulls for lists", body(_NULLS), Reason.MALFORMED),
    FaultCase(WRONG_TYPES, lambda: WrongTypes(fields=_FIELDS), None, only=(FIRST_PAGE, LATER_PAGE)),
    FaultCase(WRONG_TYPES, WrongTypes, Reason.MALFORMED, only=(COMMUNICATIONS,)),
    FaultCase(WRONG_TYPES, body(_ODD_CREDENTIALS), Reason.MALFORMED, only=(ASSUME_ROLE,)),
    FaultCase(WRONG_TYPES, body(_ODD_ACCOUNTS), Reason.MALFORMED, only=(LIST_ACCOUNTS,)),
    FaultCase(WRONG_TYPES, body(_ODD_MESSAGES), None, only=OF_A_QUEUE),
    FaultCase("huge body", lambda: HugeBody(40), Reason.MALFORMED),
    FaultCase("a web page", HtmlPage, Reason.MALFORMED),
    FaultCase("expired credentials", error(400, "ExpiredTokenException"), Reason.CREDENTIALS),
    FaultCase("expired credentials once", error(400, "ExpiredTokenException"), None, times=1, only=(*_SUPPORT, *OF_A_QUEUE)),
    FaultCase("no such queue", error(400, "com.amazonaws.sqs#QueueDoesNotExist"), Reason.ACCESS_DENIED, only=OF_A_QUEUE),
    FaultCase(CLOCK_SKEW, error(403, "RequestTimeTooSkewed"), Reason.CREDENTIALS),
    FaultCase("access denied", error(400, "AccessDeniedException"), Reason.ACCESS_DENIED),
    FaultCase("no organization", error(400, "AWSOrganizationsNotInUseException"), Reason.ACCESS_DENIED, only=(LIST_ACCOUNTS,)),
    FaultCase("no plan", error(400, "SubscriptionRequiredException"), Reason.SUBSCRIPTION_REQUIRED, only=_SUPPORT),
    FaultCase("a code never heard of", error(400, "BrandNewException"), Reason.INTERNAL),
    FaultCase("pages without end", Tokens.endless, Reason.TIMEOUT, only=_TOKENS),
    FaultCase("tokens in turns", lambda: Tokens.repeating("a", "b"), Reason.MALFORMED, only=_TOKENS),
)


def combinations(*operations: Operation) -> Iterator[tuple[Operation, FaultCase, Reason | None]]:
    """Yield what can go wrong with some operations, and what a poll fails with then."""
    for operation in operations:
        for fault in FAULTS:
            reason = fault.reason
            if operation is COMMUNICATIONS or (operation in OF_A_QUEUE and fault.title == "nulls for lists"):
                reason = (
                    None  # there it is one detail of a case, which is tried again with the next poll; here it is no message
                )
            elif operation is ASSUME_ROLE and reason in {Reason.ACCESS_DENIED, Reason.INTERNAL}:
                reason = Reason.ASSUME_ROLE_DENIED
            if operation in fault.only:
                yield operation, fault, reason


def is_told(table: str, rows: Mapping[str, str], again: str, request: pytest.FixtureRequest) -> None:
    """Fail unless the document has the rows of a table; the rest of each is a measurement, written with --rewrite-golden."""
    if request.config.getoption("--rewrite-golden"):
        head = f"| operation | fault | reason | meanwhile | {again} |\n|---|---|---|---|---|\n"
        body = "".join(f"{row} {measured} |\n" for row, measured in rows.items())
        DOCUMENT.write_text(replace_between(DOCUMENT.read_text(), table, head + body))
    told = DOCUMENT.read_text()
    assert [row for row in rows if row not in told] == [], "write it anew with --rewrite-golden"


def row(title: str, fault: str, reason: Reason | None, passed: str, meanwhile: str) -> str:
    """Return what the document says of a fault, but for a measurement; `passed` where it has no reason."""
    return f"| {title} | {fault} | {f'`{reason.value}`' if reason else f'none: {passed}'} | {meanwhile} |"
