"""Reading an account's cases with support:DescribeCases."""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from operator import is_not

from botocore.credentials import Credentials

from exporter.aws.client import Client, Parser, Service
from exporter.aws.correspondence import Correspondence, whole
from exporter.aws.parse import Page, cases_page, communications_page
from exporter.aws.retry import Caller, CredentialSource, PageTokens, Retries, time_limit
from exporter.cases.aggregate import missing_cases, open_cases, with_missing
from exporter.cases.model import Case, Communication, Reading, Reason
from exporter.errors import ReadFailure

PAGE_SIZE = 100
MOST_PAGES = 100  # pages that are read of one account: 10,000 open cases. More than that is not an answer but a loop
_MOST_PAGES_EVER = 10 * MOST_PAGES
_PATIENCE = 20  # attempts where nobody waits for the answer, and others may use up the account's quota
_Asked = tuple[str | None, bool]  # which language, and whether resolved cases, too
_ALL = {"includeCommunications": True, "maxResults": PAGE_SIZE}
_CALLS = 5
_WINDOW = 1.1
"""Seconds in which AWS's quota allows an account so many Support calls: somewhat more than one, as requests may bunch up."""


class Memory:
    """What outlives a reader when the way an account is read changes."""

    def __init__(self) -> None:
        self.calls: deque[float] = deque(maxlen=_CALLS)
        self.correspondence = Correspondence()
        self.open: tuple[Case, ...] = ()
        self.missed: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Listing:
    """The cases that one endpoint has listed so far: a token means nothing to another."""

    service: Service
    taken_at: float
    tokens: PageTokens
    cases: tuple[Case, ...] = ()


@dataclass(eq=False)
class SupportReader:
    """Reads the open cases of one account, through the first of its endpoints that answers."""

    account_id: str
    client: Client
    services: Sequence[Service]
    credentials: CredentialSource
    memory: Memory
    parsers: Mapping[str | None, Parser]  # by language; without one AWS lists cases of all languages, where it can
    _listed: list[tuple[Case, ...]] = field(default_factory=list)
    _open: tuple[Case, ...] = ()

    async def read(self, timeout: float) -> Reading:  # noqa: ASYNC109 - retries included
        ends = asyncio.get_running_loop().time() + timeout
        async with time_limit(self.account_id, ends) as caller:
            retries = self.client.retries(self.services, self.credentials, caller, attempts=4, rounds=3)
            listings = [await self._list(retries, (language, False)) for language in self.parsers]
        listed = [listing.cases for listing in listings]
        if len(listed) != len(self._listed) or any(map(is_not, listed, self._listed)):
            self._listed, self._open = listed, open_cases(chain.from_iterable(listed))
        memory = self.memory
        missing = missing_cases(memory.open, self._open)
        found = await self._find(retries, ends, missing) if missing else {}
        cases, resolved, memory.missed = with_missing(self._open, missing, found, memory.missed)
        lookup = partial(self._communications, retries, ends)
        completed = await memory.correspondence.complete((*cases, *resolved) if resolved else cases, lookup)
        memory.open = completed[: len(cases)]
        return Reading(listings[0].taken_at, memory.open, completed[len(cases) :])

    def resume(self, reading: Reading) -> None:
        self.memory.open, self.memory.correspondence = reading.cases, Correspondence((*reading.cases, *reading.resolved))

    async def history(self, timeout: float, *, communications: bool) -> list[Case]:  # noqa: ASYNC109 - as above
        """Return all cases that AWS keeps, resolved ones included, with all their communications if those are wanted."""
        ends = asyncio.get_running_loop().time() + timeout
        async with time_limit(self.account_id, ends) as caller:
            retries = self.client.retries(self.services, self.credentials, caller, attempts=_PATIENCE, rounds=_PATIENCE)
            listings = [await self._list(retries, (language, True)) for language in self.parsers]
            found = {case.case_id: case for listing in listings for case in listing.cases}.values()
            lookup = partial(self._whole, retries, ends)
            return [case if case.first_aws_known or not communications else await lookup(case) for case in found]

    async def _whole(self, retries: Retries[Service], ends: float, case: Case) -> Case:
        try:
            written = await retries.call(lambda *_: self._communications(retries, ends, case.case_id))
        except ReadFailure as failure:
            if failure.reason in {Reason.MALFORMED, Reason.INTERNAL}:
                return case  # AWS may keep cases for longer than their communications
            raise
        return whole(case, (*written, *case.communications))

    async def _list(self, retries: Retries[Service], asked: _Asked) -> _Listing:
        listing: _Listing | None = None
        while listing is None or not listing.tokens.done:
            listing = await retries.call(partial(self._next_page, listing, retries.caller, asked))
        return listing

    async def _find(self, retries: Retries[Service], ends: float, missing: Iterable[Case]) -> dict[str, Case]:
        """Return cases as AWS has them now, resolved ones included; those that it does not tell of are left out."""
        case_ids, parse = [case.case_id for case in missing], next(iter(self.parsers.values()))
        found: dict[str, Case] = {}
        with suppress(ReadFailure):
            async with time_limit(self.account_id, ends) as caller:
                for at in range(0, len(case_ids), PAGE_SIZE):
                    parameters = {**_ALL, "caseIdList": case_ids[at : at + PAGE_SIZE], "includeResolvedCases": True}
                    await self._quota()
                    page: Page[Case] = await self.client.request(
                        retries.endpoint, "DescribeCases", parameters, retries.credentials, caller, parse
                    )
                    found |= {case.case_id: case for case in page.items if case.case_id in case_ids}
        return found

    async def _next_page(
        self, listing: _Listing | None, caller: Caller, asked: _Asked, service: Service, credentials: Credentials
    ) -> _Listing:
        language, resolved = asked
        if listing is None or listing.service is not service:
            tokens = PageTokens("DescribeCases", _MOST_PAGES_EVER if resolved else MOST_PAGES)
            listing = _Listing(service, self.client.clock.time(), tokens)
        parameters = {**_ALL, "language": language, "nextToken": listing.tokens.next, "includeResolvedCases": resolved or None}
        await self._quota()
        parse = partial(cases_page, keep_subject=False) if resolved else self.parsers[language]
        page: Page[Case] = await self.client.request(service, "DescribeCases", parameters, credentials, caller, parse)
        listing.tokens.advance(page.next_token)
        listing.cases = (*listing.cases, *page.items) if listing.cases else page.items
        return listing

    async def _communications(self, retries: Retries[Service], ends: float, case_id: str) -> list[Communication]:
        """Return all communications of a case from where the case was listed; there are no retries."""
        tokens = PageTokens("DescribeCommunications", MOST_PAGES)
        found: list[Communication] = []
        async with time_limit(self.account_id, ends) as caller:
            while not tokens.done:
                parameters = {"caseId": case_id, "maxResults": PAGE_SIZE, "nextToken": tokens.next}
                await self._quota()
                page: Page[Communication] = await self.client.request(
                    retries.endpoint, "DescribeCommunications", parameters, retries.credentials, caller, communications_page
                )
                tokens.advance(page.next_token)
                found += page.items
        return found

    async def _quota(self) -> None:
        calls, clock = self.memory.calls, self.client.clock
        if len(calls) == _CALLS and (pause := calls[0] + _WINDOW - clock.monotonic()) > 0:
            await clock.sleep(pause)
        calls.append(clock.monotonic())
