"""Listing an organization's accounts with organizations:ListAccounts."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from botocore.credentials import Credentials

from exporter.aws.client import Client, Service
from exporter.aws.errors import malformed
from exporter.aws.parse import ACCOUNT_ID, Page, text
from exporter.aws.retry import CredentialSource, PageTokens, time_limit
from exporter.cases.model import Member

T = TypeVar("T")
Answer = Mapping[str, Any]

MOST_PAGES = 2_000  # pages of at most 20 accounts each; more than the largest organization has, empty ones included
_PATH = re.compile(r"o-[a-z0-9]+/(r-[a-z0-9]+(?:/ou-[a-z0-9-]+)*)/")


@dataclass(frozen=True, slots=True)
class OrganizationReader:
    """Lists the accounts of an organization, which is asked in one region of its partition."""

    name: str
    region: str
    client: Client
    credentials: CredentialSource
    pace: Callable[[], Awaitable[None]] | None = None  # awaited before each request

    async def pages(self, timeout: float) -> AsyncIterator[tuple[Member, ...]]:  # noqa: ASYNC109 - retries included
        """Yield the active accounts as they are listed, each once; raise ReadFailure if not all can be listed in time."""
        ends = asyncio.get_running_loop().time() + timeout
        tokens = PageTokens("ListAccounts", MOST_PAGES)
        seen: set[str] = set()
        while not tokens.done:
            page = await self.ask("ListAccounts", {"NextToken": tokens.next}, ends, _accounts)
            members = {member.account_id: member for member in page.items if member.account_id not in seen}
            seen |= members.keys()
            # A page may be empty and still not be the last: the token decides.
            tokens.advance(page.next_token)
            if members:
                yield tuple(members.values())

    async def ask(self, operation: str, parameters: Mapping[str, object], ends: float, read: Callable[[Answer], T]) -> T:
        """Return what is read from the answer to a request, which is made up to six times."""

        async def request(service: Service, credentials: Credentials) -> T:
            if self.pace is not None:
                await self.pace()
            return read(await self.client.request(service, operation, parameters, credentials, caller))

        async with time_limit(self.name, ends) as caller:
            services = self.client.services("organizations", (self.region,))
            return await self.client.retries(services, self.credentials, caller, attempts=6, rounds=6).call(request)


def listed(operation: str, answer: Answer, key: str) -> Page[Answer]:
    """Return what is listed on a page; a null in the list is an empty item."""
    if key not in answer:
        # botocore makes an empty answer of what is not JSON: an empty list, were it believed.
        raise malformed(f"{operation}: the answer has no list of {key.lower()}")
    next_token = answer.get("NextToken") or None
    if not isinstance(next_token, str | None):
        raise malformed(f"{operation}: the answer's token is not a string")
    return Page(tuple(item or {} for item in answer[key]), next_token)


def _accounts(answer: Answer) -> Page[Member]:
    page = listed("ListAccounts", answer, "Accounts")
    active = []
    for account in page.items:
        # Status is retired in favour of State, which older answers do not have.
        state = account.get("State", account.get("Status"))
        account_id = account.get("Id")
        if not isinstance(account_id, str) or not ACCOUNT_ID.fullmatch(account_id):
            raise malformed("ListAccounts: an account has no ID of 12 digits")
        if not isinstance(state, str):
            # It may be active: left out, it would look like one that has left.
            raise malformed(f"ListAccounts: account {account_id} has no state")
        if state == "ACTIVE":
            path = _PATH.match(str((account.get("Paths") or [""])[0]))
            units = tuple(path[1].split("/")[:10]) if path else ()  # AWS allows five, and the root
            active.append(Member(account_id, " ".join(text(account.get("Name"), account_id).split()), units))
    return Page(tuple(active), page.next_token)
