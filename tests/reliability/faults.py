"""The faults of the matrices, what each must lead to, and the document that tells of it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Operation:
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


@dataclass(frozen=True, slots=True)
class FaultCase:
    """One way to fail, for some operations, and the reason of a poll that meets it: None where it does not fail.

    It passes if it is tried again soon, although its reason needs a person.
    """

    title: str
    kind: Callable[[], Kind]
    reason: Reason | None
    times: int | None = None
    passes: bool = False
    only: tuple[Operation, ...] = (*OF_AN_ACCOUNT, LIST_ACCOUNTS, *OF_A_QUEUE)


WRONG_TYPES = "wrong types in every field"
_FIELDS = (
    *("status", "severityCode", "serviceCode", "categoryCode", "language", "timeCreated"),
    *("subject", "submittedBy", "ccEmailAddresses", "recentCommunications"),
)
"""All but the ids: were those equal, the cases would be one."""
_SUPPORT = (FIRST_PAGE, LATER_PAGE, COMMUNICATIONS)
_PAGED = (*_SUPPORT, LIST_ACCOUNTS)
_TOKENS = (LATER_PAGE, COMMUNICATIONS, LIST_ACCOUNTS)
"""Only from the second page on: a token that the fault made up is asked for with it."""
_ODD_CREDENTIALS = b"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId/><SecretAccessKey><a/></SecretAccessKey><SessionToken>17</SessionToken><Expiration>soon</Expiration>
</Credentials></AssumeRoleResult></AssumeRoleResponse>"""

FAULTS = (
    FaultCase("throttled once", Throttled, None, times=1),
    FaultCase("throttled for long", Throttled, Reason.THROTTLED),
    FaultCase("500", lambda: Error(500, "InternalServerError"), Reason.SERVER_ERROR),
    FaultCase("503", lambda: Error(503, "ServiceUnavailable"), Reason.SERVER_ERROR),
    FaultCase("500 once", lambda: Error(500, "InternalServerError"), None, times=1),
    FaultCase("connection reset", ConnectionReset, Reason.UNREACHABLE),
    FaultCase("connection reset once", ConnectionReset, None, times=1),
    FaultCase("connection closed", ConnectionClosed, Reason.UNREACHABLE),
    FaultCase("hangs before the answer", Silence, Reason.TIMEOUT),
    FaultCase("hangs within the body", SilenceInBody, Reason.TIMEOUT),
    FaultCase("drips", lambda: Drip(0.01), Reason.TIMEOUT),
    FaultCase("breaks off within the body", CutOffBody, Reason.UNREACHABLE),
    FaultCase("truncated JSON", Truncated, Reason.MALFORMED, only=(*_PAGED, *OF_A_QUEUE)),
    FaultCase("truncated XML", Truncated, Reason.MALFORMED, only=(ASSUME_ROLE,)),
    FaultCase("not JSON, not XML", lambda: Body(b"certainly not"), Reason.MALFORMED),
    FaultCase("empty body", Body, Reason.MALFORMED),
    FaultCase("nulls for lists", lambda: Body(b'{"cases": null, "communications": null, "Accounts": null}'), Reason.MALFORMED),
    FaultCase(WRONG_TYPES, lambda: WrongTypes(fields=_FIELDS), None, only=(FIRST_PAGE, LATER_PAGE)),
    FaultCase(WRONG_TYPES, WrongTypes, Reason.MALFORMED, only=(COMMUNICATIONS,)),
    FaultCase(WRONG_TYPES, lambda: Body(_ODD_CREDENTIALS), Reason.MALFORMED, only=(ASSUME_ROLE,)),
    FaultCase(
        WRONG_TYPES,
        lambda: Body(b'{"Accounts": [{"Id": 17, "Name": [], "State": {}}], "NextToken": null}'),
        Reason.MALFORMED,
        only=(LIST_ACCOUNTS,),
    ),
    FaultCase(WRONG_TYPES, lambda: Body(b'{"Messages": [null, {"ReceiptHandle": 17, "Body": []}]}'), None, only=OF_A_QUEUE),
    FaultCase("huge body", lambda: HugeBody(40), Reason.MALFORMED),
    FaultCase("a web page", HtmlPage, Reason.MALFORMED),
    FaultCase("expired credentials", lambda: Error(400, "ExpiredTokenException"), Reason.CREDENTIALS),
    FaultCase(
        "expired credentials once",
        lambda: Error(400, "ExpiredTokenException"),
        None,
        times=1,
        only=(*_SUPPORT, *OF_A_QUEUE),
    ),
    FaultCase(
        "no such queue", lambda: Error(400, "com.amazonaws.sqs#QueueDoesNotExist"), Reason.ACCESS_DENIED, only=OF_A_QUEUE
    ),
    FaultCase("clock skew", lambda: Error(403, "RequestTimeTooSkewed"), Reason.CREDENTIALS, passes=True),
    FaultCase("access denied", lambda: Error(400, "AccessDeniedException"), Reason.ACCESS_DENIED),
    FaultCase(
        "no organization",
        lambda: Error(400, "AWSOrganizationsNotInUseException"),
        Reason.ACCESS_DENIED,
        only=(LIST_ACCOUNTS,),
    ),
    FaultCase("no plan", lambda: Error(400, "SubscriptionRequiredException"), Reason.SUBSCRIPTION_REQUIRED, only=_SUPPORT),
    FaultCase("a code never heard of", lambda: Error(400, "BrandNewException"), Reason.INTERNAL),
    FaultCase("pages without end", Tokens.endless, Reason.TIMEOUT, only=_TOKENS),
    FaultCase("tokens in turns", lambda: Tokens.repeating("a", "b"), Reason.MALFORMED, only=_TOKENS),
)


def expected(operation: Operation, fault: FaultCase) -> Reason | None:
    """Return what a poll fails with when an operation goes wrong."""
    if operation is COMMUNICATIONS:
        # What is looked up there is one detail of one case; it is tried again with the next poll.
        return None
    if operation in OF_A_QUEUE and fault.title == "nulls for lists":
        return None  # as where no message is there
    if operation is ASSUME_ROLE and fault.reason in {Reason.ACCESS_DENIED, Reason.INTERNAL}:
        return Reason.ASSUME_ROLE_DENIED
    return fault.reason


def combinations() -> Iterator[tuple[Operation, FaultCase]]:
    """Yield what can go wrong with one account."""
    for operation in OF_AN_ACCOUNT:
        for fault in FAULTS:
            if operation in fault.only:
                yield operation, fault


def is_told(table: str, rows: Mapping[str, str], again: str, *, rewrite: bool) -> None:
    """Fail unless the document has the rows of a table; the rest of each is a measurement, and written only with `rewrite`."""
    if rewrite:
        head = f"| operation | fault | reason | meanwhile | {again} |\n|---|---|---|---|---|\n"
        body = "".join(f"{row} {measured} |\n" for row, measured in rows.items())
        DOCUMENT.write_text(replace_between(DOCUMENT.read_text(), table, head + body))
    told = DOCUMENT.read_text()
    for row in rows:
        assert row in told, "write it anew with --rewrite-golden"


def row(title: str, fault: str, reason: Reason | None, passed: str, meanwhile: str) -> str:
    """Return what the document says of a fault, but for a measurement; `passed` where it has no reason."""
    return f"| {title} | {fault} | {f'`{reason.value}`' if reason else f'none: {passed}'} | {meanwhile} |"
