"""Support cases, the accounts they belong to, and one reading of an account.

All times are Unix seconds. Values are made at the border (`exporter.aws`) and never change.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from struct import Struct
from types import MappingProxyType
from typing import NamedTuple

from exporter.cases.targets import DEFAULT, Targets

RESOLVED = "resolved"
UNKNOWN = "unknown"
SEVERITY_CODES = ("low", "normal", "high", "urgent", "critical")
"""The severity codes that AWS documents, mildest first. The set is open: others pass through."""


WAITING_ON_CUSTOMER = frozenset({"pending-customer-action"})
WAITING_ON_AWS = frozenset(
    {"pending-amazon-action", "customer-action-completed", "unassigned", "opened", "reopened", "work-in-progress"}
)
"""Statuses that say whose turn it is; for others the last author does."""


class Author(StrEnum):
    AWS = "aws"
    CUSTOMER = "customer"


class Reason(StrEnum):
    """Why AWS could not be read: the closed list behind the `reason` label."""

    ACCESS_DENIED = "access_denied"
    ASSUME_ROLE_DENIED = "assume_role_denied"
    CREDENTIALS = "credentials"
    SUBSCRIPTION_REQUIRED = "subscription_required"
    THROTTLED = "throttled"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    SERVER_ERROR = "server_error"
    MALFORMED = "malformed"
    INTERNAL = "internal"
    NO_ACCOUNTS = "no_accounts"  # of an organization


@dataclass(frozen=True, slots=True)
class Account:
    """An AWS account as the metrics name it."""

    account_id: str
    name: str  # the id when there is none
    region: str  # the first of the account's regions; it does not move on fail-over
    partition: str
    organization: str = ""  # that it was discovered in
    labels: tuple[tuple[str, str], ...] = ()  # configured ones, sorted, without their `label_` prefix
    targets: Targets = DEFAULT
    organizational_unit: str = ""  # its path in names, `Root/Workloads/Prod`; empty while it is not known
    tags: tuple[tuple[str, str], ...] = ()  # of the account in its organization, as labels

    @property
    def all_labels(self) -> dict[str, str]:
        return dict(sorted({**dict(self.tags), **dict(self.labels)}.items()))


class Member(NamedTuple):  # of an organization
    account_id: str
    name: str
    units: tuple[str, ...] = ()  # ids of its units, the root's first; none where AWS does not tell them
    path: str = ""  # the names of its units; empty while they are not known
    tags: Mapping[str, str | None] = MappingProxyType({})  # None for those that it does not have


@dataclass(frozen=True, slots=True)
class Access:
    """How credentials come: a profile's, or else the exporter's own; with these a chain of roles is assumed."""

    chain: tuple[str, ...] = ()  # ARNs; the last role is the account's
    external_id: str | None = None  # what the trust policy of the last role asks for
    profile: str | None = None

    def __str__(self) -> str:
        if self.chain:
            return f"role {' > '.join(arn.partition(':role/')[2] for arn in self.chain)}"
        return "own" if self.profile is None else f"profile {self.profile}"


class Communication(NamedTuple):
    """One message on a case; its body and addresses were dropped at the border."""

    created: float
    author: Author


_PACKED = Struct("<d?")


def pack(written: Iterable[Communication]) -> bytes:
    """Return communications as a case holds them."""
    return b"".join([_PACKED.pack(created, author is Author.AWS) for created, author in written])


@dataclass(frozen=True, slots=True)
class Case:
    """A support case as DescribeCases shows it; words are AWS's, from open sets, `unknown` where AWS sent none.

    `first_aws` is when AWS first wrote on a case of the customer's, as far as is known. `first_aws_known` is False while not
    all communications have been looked at: AWS may have written before.
    """

    case_id: str
    display_id: str  # the number that the Support Center shows
    status: str
    severity_code: str
    service_code: str
    category_code: str
    language: str
    created: float | None
    latest: Communication | None = None
    first_aws: float | None = None
    first_aws_known: bool = True
    opened_by: Author = Author.CUSTOMER
    packed: bytes = b""  # communications: a fleet holds a hundred thousand
    subject: str = ""  # empty unless its own switch is on

    @property
    def is_open(self) -> bool:
        return self.status != RESOLVED

    @property
    def communications(self) -> tuple[Communication, ...]:
        """In the order of time: the latest five, others since the last reading, and before that where their turn began."""
        written = _PACKED.iter_unpack(self.packed)
        return tuple([Communication(at, Author.AWS if is_aws else Author.CUSTOMER) for at, is_aws in written])

    @property
    def last_author(self) -> Author:
        """Who wrote last; a case without communications counts its own opening as the customer's."""
        return Author.CUSTOMER if self.latest is None else self.latest.author

    @property
    def waiting_on(self) -> Author:
        """Whose turn it is: the status decides where it says, or else it is the turn of who did not write last."""
        if self.status in WAITING_ON_CUSTOMER:
            return Author.CUSTOMER
        is_aws = self.status in WAITING_ON_AWS or self.last_author is Author.CUSTOMER
        return Author.AWS if is_aws else Author.CUSTOMER

    @property
    def is_unanswered(self) -> bool:
        """Whether the customer's case is known to have no word of AWS yet."""
        return self.first_aws is None and self.first_aws_known and self.opened_by is Author.CUSTOMER

    @property
    def last_activity(self) -> float | None:
        """When the case was last written on: its latest communication, or else its opening."""
        return self.created if self.latest is None else self.latest.created


@dataclass(frozen=True, slots=True)
class Reading:
    """One successful, complete reading of an account's open cases."""

    taken_at: float  # when the reading began: nothing that AWS said is older than this
    cases: tuple[Case, ...]  # each once, ordered by case id
    resolved: tuple[Case, ...] = ()  # open in the reading before; those that AWS could tell of
