"""Puts together, for each account, what reads its cases."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from weakref import WeakValueDictionary

from structlog.typing import FilteringBoundLogger as Logger

from exporter.aws.client import Client, Observer
from exporter.aws.credentials import AssumedRole, SessionCredentials, Shared, Sts, VerifiedCredentials
from exporter.aws.endpoints import Endpoints
from exporter.aws.events import EventQueue
from exporter.aws.organizations import OrganizationReader
from exporter.aws.parse import cases_parser
from exporter.aws.retry import CredentialSource, time_limit
from exporter.aws.support import Memory, SupportReader
from exporter.cases.model import Access
from exporter.clock import Clock

Regions = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReaderOptions:
    """How accounts are read; `session_name` is shown in the member accounts' CloudTrail, `session_duration` is in seconds."""

    session_name: str
    session_duration: float
    languages: tuple[str, ...] = ()
    keep_subject: bool = False


class Readers:
    """Makes readers that share connections, and the credentials that roles are assumed with.

    A reader is kept for as long as it is referenced: who asks for one of the same account, read in the same way, gets the
    same one with its credentials. What is known of an account is kept for its next reader even if that reads it otherwise.
    """

    def __init__(
        self, endpoints: Endpoints, observer: Observer, *, clock: Clock, random: Callable[[], float], log: Logger
    ) -> None:
        self._client = Client(endpoints, observer, clock, random)
        self._log = log
        self._shared: dict[tuple[object, ...], Shared] = {}
        self._readers: WeakValueDictionary[tuple[ReaderOptions, str, Access, Regions], SupportReader] = WeakValueDictionary()
        self._memories: WeakValueDictionary[str, Memory] = WeakValueDictionary()
        self.queue: EventQueue | None = None  # of events

    def reader(self, account_id: str, access: Access, regions: Sequence[str], options: ReaderOptions) -> SupportReader:
        """Return what reads the cases of one account; its regions are of one partition, in the order of preference."""
        key = (options, account_id, access, tuple(regions))
        reader = self._readers.get(key)
        if reader is None:
            credentials = self._credentials(access, tuple(regions), options)
            if not access.chain:
                credentials = VerifiedCredentials(Sts(self._client, regions), credentials, account_id)
            reader = self._readers[key] = SupportReader(
                account_id,
                self._client,
                self._client.services("support", regions),
                credentials,
                self._memories.setdefault(account_id, Memory()),
                {language: cases_parser(keep_subject=options.keep_subject) for language in options.languages or (None,)},
            )
        return reader

    def organization_reader(
        self, name: str, access: Access, regions: Sequence[str], options: ReaderOptions
    ) -> OrganizationReader:
        credentials = self._credentials(access, tuple(regions), options)
        return OrganizationReader(name, regions[0], self._client, credentials)

    def event_queue(self, url: str, region: str, access: Access, options: ReaderOptions) -> EventQueue:
        credentials = self._credentials(access, (region,), options)
        self.queue = EventQueue(url, self._client, self._client.services("sqs", (region,))[0], credentials)
        return self.queue

    async def own_account(self, regions: Sequence[str], timeout: float) -> str:  # noqa: ASYNC109 - retries included
        """Return the id of the account that the exporter's own credentials belong to, or raise ReadFailure."""
        async with time_limit("own account", asyncio.get_running_loop().time() + timeout) as caller:
            account_id, _ = await Sts(self._client, regions).caller_account(self.session_credentials(None, regions[0]), caller)
            return account_id

    def partition_of(self, region: str) -> str:
        return self._client.endpoints.partition_of(region)

    async def close(self) -> None:
        await self._client.close()

    def _credentials(self, access: Access, regions: Regions, options: ReaderOptions) -> CredentialSource:
        source: CredentialSource = self.session_credentials(access.profile, regions[0])
        if not access.chain:
            return source
        sts = Sts(self._client, regions)
        parameters = {"RoleSessionName": options.session_name, "DurationSeconds": int(options.session_duration)}
        *passed, last = access.chain
        for count, role_arn in enumerate(passed, start=1):
            key = (options, regions, access.profile, tuple(passed[:count]))
            role = AssumedRole(sts, source, {"RoleArn": role_arn, **parameters})
            source = self._shared.setdefault(key, Shared(role))
        return AssumedRole(sts, source, {"RoleArn": last, **parameters, "ExternalId": access.external_id})

    def session_credentials(self, profile: str | None, region: str) -> Shared:
        """Return the credentials of a profile, or the exporter's own; one without a region uses this one."""
        credentials = SessionCredentials(self._client.endpoints, self._client.clock, region, profile)
        return self._shared.setdefault((profile, self.partition_of(region)), Shared(credentials))
