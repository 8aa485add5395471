"""Reading an account's open cases with support:DescribeCases."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from botocore.credentials import Credentials

from exporter.aws.client import Client, Parser, Service
from exporter.aws.credentials import CredentialSource
from exporter.aws.first_response import FirstResponses
from exporter.aws.parse import CasesParser, Page, communications_page
from exporter.aws.retry import Caller, PageTokens, RetryPolicy, time_limit
from exporter.cases.aggregate import open_cases
from exporter.cases.model import Case, Communication, Reading

PAGE_SIZE = 100
MOST_PAGES = 100
"""Pages that are read of one account: 10,000 open cases. What goes on beyond that is not an answer but a loop."""
_POLICY = RetryPolicy(attempts=4, rounds=3)
_CALLS = 5
_WINDOW = 1.1
"""Seconds in which AWS's quota allows an account so many Support calls: somewhat more than one, as requests may bunch up."""


class Memory:
    """What outlives a reader when an account comes to be read in another way."""

    def __init__(self) -> None:
        self.calls: deque[float] = deque(maxlen=_CALLS)
        self.first_responses = FirstResponses()


@dataclass(slots=True)
class _Listing:
    """The cases that one endpoint has listed so far: a token means nothing to another."""

    service: Service
    credentials: Credentials
    taken_at: float
    tokens: PageTokens = field(default_factory=partial(PageTokens, "DescribeCases", MOST_PAGES))
    cases: list[Case] = field(default_factory=list)


class SupportReader:
    """Reads the open cases of one account, through the first of its endpoints that answers."""

    def __init__(
        self,
        account_id: str,
        client: Client,
        services: Sequence[Service],
        credentials: CredentialSource,
        memory: Memory,
        *,
        keep_subject: bool,
    ) -> None:
        self._account_id = account_id
        self._client = client
        self._services = services
        self._credentials = credentials
        self._memory = memory
        self._parse = CasesParser(keep_subject=keep_subject).parse

    async def read(self, timeout: float) -> Reading:  # noqa: ASYNC109 - retries included
        """Read all open cases of the account, within a time that includes retries.

        Raises:
            ReadFailure: The account could not be read completely.
        """
        ends = asyncio.get_running_loop().time() + timeout
        async with time_limit(self._account_id, ends) as caller:
            listing = await self._list(caller)
        lookup = partial(self._communications, listing.service, listing.credentials, ends)
        cases = await self._memory.first_responses.complete(open_cases(listing.cases), lookup)
        return Reading(listing.taken_at, cases)

    async def _list(self, caller: Caller) -> _Listing:
        listing: _Listing | None = None
        credentials = Credentials("", "")

        async def ask(service: Service) -> tuple[_Listing, str | None]:
            nonlocal listing, credentials
            credentials = await self._credentials.get(caller)
            if listing is None or listing.service is not service:
                listing = _Listing(service, credentials, self._client.clock.time())
            parameters = _parameters({"includeCommunications": True}, listing.tokens.next)
            page: Page[Case] = await self._request(service, "DescribeCases", parameters, credentials, caller, self._parse)
            listing.credentials = credentials
            listing.cases += page.items
            return listing, page.next_token

        def forget() -> None:
            self._credentials.forget(credentials)

        retries = self._client.retries(self._services, _POLICY, caller, forget)
        while True:
            listed, token = await retries.call(ask)
            listed.tokens.advance(token)
            if token is None:
                return listed

    async def _communications(
        self, service: Service, credentials: Credentials, ends: float, case_id: str
    ) -> list[Communication]:
        tokens = PageTokens("DescribeCommunications", MOST_PAGES)
        found: list[Communication] = []
        async with time_limit(self._account_id, ends) as caller:
            while not tokens.done:
                parameters = _parameters({"caseId": case_id}, tokens.next)
                page: Page[Communication] = await self._request(
                    service, "DescribeCommunications", parameters, credentials, caller, communications_page
                )
                found += page.items
                tokens.advance(page.next_token)
        return found

    async def _request(
        self,
        service: Service,
        operation: str,
        parameters: Mapping[str, object],
        credentials: Credentials,
        caller: Caller,
        parse: Parser,
    ) -> Any:  # noqa: ANN401 - what the parser returns
        calls = self._memory.calls
        if len(calls) == _CALLS and (pause := calls[0] + _WINDOW - self._client.clock.monotonic()) > 0:
            await self._client.clock.sleep(pause)
        calls.append(self._client.clock.monotonic())
        return await self._client.request(service, operation, parameters, credentials, caller, parse)


def _parameters(parameters: dict[str, object], token: str | None) -> dict[str, object]:
    paged = {**parameters, "maxResults": PAGE_SIZE}
    return paged if token is None else {**paged, "nextToken": token}
