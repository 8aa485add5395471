"""Listing an organization's accounts with organizations:ListAccounts."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from exporter.aws.api import Api
from exporter.aws.credentials import CredentialSource
from exporter.aws.health import ENDPOINT_FAULTS
from exporter.aws.parse import ACCOUNT_ID, text
from exporter.aws.retry import RetryPolicy, with_retries
from exporter.aws.timing import Timing
from exporter.cases.model import Reason
from exporter.errors import ReadFailure

ACTIVE = "ACTIVE"
MOST_PAGES = 2_000
"""Pages of at most 20 accounts each; more than the largest organization has, empty ones included."""

_POLICY = RetryPolicy(ENDPOINT_FAULTS | {Reason.THROTTLED, Reason.MALFORMED}, attempts=6)


@dataclass(frozen=True, slots=True)
class Member:
    """An account of an organization."""

    account_id: str
    name: str


class OrganizationReader:
    """Lists the accounts of an organization.

    Args:
        name: The organization's name in the configuration.
        region: The region of its partition that Organizations is asked in.
        api: Makes the requests.
        credentials: Of the management account, or of a delegated administrator.
        timing: The clocks.
        random: Returns a number from 0 to 1, for pauses.
    """

    def __init__(
        self,
        name: str,
        region: str,
        api: Api,
        credentials: CredentialSource,
        timing: Timing,
        random: Callable[[], float],
    ) -> None:
        self._name = name
        self._region = region
        self._api = api
        self._credentials = credentials
        self._timing = timing
        self._random = random

    def active_members(self, deadline: float) -> tuple[Member, ...]:
        """Return the accounts that are active, each once, in the order of their ids.

        Args:
            deadline: When to give up, on the monotonic clock.

        Raises:
            ReadFailure: They could not be listed completely.
        """
        members: dict[str, Member] = {}
        seen: set[str] = set()
        token: str | None = None
        for _ in range(MOST_PAGES):
            page = with_retries(partial(self._page, token, deadline), _POLICY, self._timing, self._random, deadline)
            members.update((member.account_id, member) for member in _active(page["Accounts"]))
            # A page may be empty and still not be the last: only the token tells.
            token = page.get("NextToken") or None
            if not isinstance(token, str | None):
                raise ReadFailure(Reason.MALFORMED, "ListAccounts: the answer's token is no text")
            if token is None:
                return tuple(members[account_id] for account_id in sorted(members))
            if token in seen:
                break
            seen.add(token)
        raise ReadFailure(Reason.MALFORMED, "ListAccounts: its pages do not end")

    def _page(self, token: str | None, deadline: float) -> Mapping[str, Any]:
        credentials = self._credentials.credentials(deadline, self._name)
        page: Mapping[str, Any] = self._api.request(
            self._api.client("organizations", self._region),
            "ListAccounts",
            {} if token is None else {"NextToken": token},
            credentials=credentials,
            subject=self._name,
            deadline=deadline,
        )
        if "Accounts" not in page:
            # botocore makes an empty answer of what is not JSON: an organization without accounts, were it believed.
            raise ReadFailure(Reason.MALFORMED, "ListAccounts: the answer has no list of accounts")
        return page


def _active(accounts: Iterable[Mapping[str, object] | None]) -> Iterable[Member]:
    for listed in accounts:
        account = listed or {}
        # Status is retired in favour of State, which older answers do not have.
        state = account.get("State", account.get("Status"))
        account_id = account.get("Id")
        if not isinstance(account_id, str) or not ACCOUNT_ID.fullmatch(account_id):
            raise ReadFailure(Reason.MALFORMED, "ListAccounts: an account has no id of 12 digits")
        if not isinstance(state, str):
            # It may be active: left out, it would be taken for one that has gone.
            raise ReadFailure(Reason.MALFORMED, f"ListAccounts: account {account_id} has no state")
        if state == ACTIVE:
            yield Member(account_id, text(account.get("Name"), default=account_id))
