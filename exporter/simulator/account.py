"""AWS accounts of the fleet: their plan, their roles, their cases."""

import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from exporter.simulator.case import CUSTOMER_AUTHOR, Case, Clock, Communication

ROLE_NAME = "AwsSupportExporter"
_LOWEST_DISPLAY_ID = 170_000_000_000_000


@dataclass(slots=True)
class Role:
    """An IAM role that principals of other accounts may assume.

    Attributes:
        max_session_seconds: The role's MaxSessionDuration.
    """

    name: str
    external_id: str | None = None
    max_session_seconds: int = 3600


@dataclass(slots=True, eq=False, kw_only=True)
class Account:
    """An AWS account. A test may set any public attribute at any time.

    Attributes:
        supported: Whether the account's support plan includes the Support API.
        trusts: Whether the account's roles can be assumed at all.
        state: The account's state in the organization, such as `ACTIVE` or `SUSPENDED`.
        unit: The id of the organizational unit that the account is in; empty below the root.
        tags: The account's tags in the organization.
        joined_at: When it joined the organization, in Unix seconds.
        contention: The share of Support calls that are throttled because other tools use up the account's quota.
        default_language: The only language of listings that name none, as in some partitions; None lists all languages.
        cases: All cases, oldest first, resolved ones included.
    """

    account_id: str
    name: str
    supported: bool = True
    trusts: bool = True
    state: str = "ACTIVE"
    unit: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    joined_at: float = 0.0
    contention: float = 0.0
    default_language: str | None = None
    rng: random.Random = field(repr=False)
    lock: AbstractContextManager[object] = field(repr=False)
    now: Clock = field(repr=False)
    tell: Callable[..., None] = field(repr=False, default=lambda *_: None)
    roles: dict[str, Role] = field(default_factory=dict)
    cases: list[Case] = field(default_factory=list, repr=False)

    def role_arn(self, name: str = ROLE_NAME) -> str:
        return f"arn:aws:iam::{self.account_id}:role/{name}"

    def add_role(self, name: str, *, external_id: str | None = None) -> Role:
        """Add a role that trusts everyone who knows its external id, if it has one."""
        role = Role(name, external_id)
        with self.lock:
            self.roles[name] = role
        return role

    def open_cases(self) -> list[Case]:
        with self.lock:
            return [case for case in self.cases if case.is_open]

    def add_case(
        self,
        *,
        created_at: float | None = None,
        body: str | None = None,
        cc_email_addresses: tuple[str, ...] = (),
        **texts: str,
    ) -> Case:
        """Open a case, now unless `created_at` (Unix seconds) says otherwise.

        The body becomes the first communication, by the customer; without it there is none. `texts` are fields of the case.
        """
        created = self.now() if created_at is None else created_at
        with self.lock:
            case = Case(
                account_id=self.account_id,
                ordinal=len(self.cases),
                case_id=f"case-{self.account_id}-muen-{datetime.fromtimestamp(created, UTC):%Y}-{self.rng.randbytes(8).hex()}",
                display_id=str(_LOWEST_DISPLAY_ID + self.rng.randrange(10**13)),
                created_at=created,
                lock=self.lock,
                now=self.now,
                tell=self.tell,
                cc_email_addresses=cc_email_addresses,
                communications=() if body is None else (Communication(CUSTOMER_AUTHOR, body, created),),
                **texts,
            )
            self.cases.append(case)
            self.tell(case, "CreateCase")
        return case
