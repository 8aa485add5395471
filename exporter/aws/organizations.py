"""Listing an organization's accounts with organizations:ListAccounts."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from botocore.credentials import Credentials

from exporter.aws.client import Client, Service
from exporter.aws.errors import malformed
from exporter.aws.parse import ACCOUNT_ID, Page, text
from exporter.aws.retry import Caller, CredentialSource, PageTokens, time_limit

MOST_PAGES = 2_000
"""Pages of at most 20 accounts each; more than the largest organization has, empty ones included."""


class Member(NamedTuple):
    account_id: str
    name: str


@dataclass(frozen=True, slots=True)
class OrganizationReader:
    """Lists the accounts of an organization, which is asked in one region of its partition."""

    name: str
    region: str
    client: Client
    credentials: CredentialSource

    async def pages(self, timeout: float) -> AsyncIterator[tuple[Member, ...]]:  # noqa: ASYNC109 - retries included
        """Yield the active accounts as they are listed, each once; raise ReadFailure if not all can be listed in time."""
        ends = asyncio.get_running_loop().time() + timeout
        tokens = PageTokens("ListAccounts", MOST_PAGES)
        listed: set[str] = set()
        while not tokens.done:
            async with time_limit(self.name, ends) as caller:
                services = self.client.services("organizations", (self.region,))
                retries = self.client.retries(services, self.credentials, caller, attempts=6, rounds=6)
                page = await retries.call(partial(self._page, tokens.next, caller))
            members = {member.account_id: member for member in page.items if member.account_id not in listed}
            listed |= members.keys()
            # A page may be empty and still not be the last: only the token tells.
            tokens.advance(page.next_token)
            if members:
                yield tuple(members.values())

    async def _page(self, token: str | None, caller: Caller, service: Service, credentials: Credentials) -> Page[Member]:
        answer = await self.client.request(service, "ListAccounts", {"NextToken": token}, credentials, caller)
        if "Accounts" not in answer:
            # botocore makes an empty answer of what is not JSON: an organization without accounts, were it believed.
            raise malformed("ListAccounts: the answer has no list of accounts")
        next_token = answer.get("NextToken") or None
        if not isinstance(next_token, str | None):
            raise malformed("ListAccounts: the answer's token is no text")
        return Page(tuple(_active(answer["Accounts"])), next_token)


def _active(accounts: Iterable[Mapping[str, object] | None]) -> Iterable[Member]:
    for listed in accounts:
        account = listed or {}
        # Status is retired in favour of State, which older answers do not have.
        state = account.get("State", account.get("Status"))
        account_id = account.get("Id")
        if not isinstance(account_id, str) or not ACCOUNT_ID.fullmatch(account_id):
            raise malformed("ListAccounts: an account has no id of 12 digits")
        if not isinstance(state, str):
            # It may be active: left out, it would be taken for one that has gone.
            raise malformed(f"ListAccounts: account {account_id} has no state")
        if state == "ACTIVE":
            yield Member(account_id, " ".join(text(account.get("Name"), default=account_id).split()))
