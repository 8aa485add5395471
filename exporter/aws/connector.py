"""Puts together, for each account, the way its cases are read."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from weakref import WeakValueDictionary

from exporter.aws.api import Api, RequestObserver
from exporter.aws.credentials import (
    AssumedRole,
    CredentialSource,
    RoleSettings,
    SessionCredentials,
    VerifiedCredentials,
    caller_account,
)
from exporter.aws.endpoints import Endpoints
from exporter.aws.organizations import OrganizationReader
from exporter.aws.support import Memory, SupportReader
from exporter.aws.timing import Timing
from exporter.cases.access import Access, ProfileCredentials, RoleCredentials

_OWN_ACCOUNT = "own account"


@dataclass(frozen=True, slots=True)
class Manner:
    """How accounts are read.

    Attributes:
        session_name: Shown in the member accounts' CloudTrail.
        session_duration: How long assumed credentials are to last, in seconds.
        keep_subject: Whether subject lines of cases are wanted.
    """

    session_name: str
    session_duration: float
    keep_subject: bool = False


class Connector:
    """Makes readers that share clients, connections, and the credentials that roles are assumed with.

    A reader is kept for as long as somebody holds it: who asks for one of the same account, read in the same way, gets the
    same one with its credentials. What is known of an account is kept for its next reader even if that reads it otherwise.

    Args:
        endpoints: Resolves regions.
        observer: Is told of every request.
        connections: How many connections to one endpoint are kept.
        timing: The clocks.
        random: Returns a number from 0 to 1, for pauses.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        observer: RequestObserver,
        connections: int,
        *,
        timing: Timing,
        random: Callable[[], float],
    ) -> None:
        self._api = Api(endpoints.session, observer, timing, connections)
        self._endpoints = endpoints
        self._timing = timing
        self._random = random
        self._lock = threading.Lock()
        self._sessions: dict[str | None, SessionCredentials] = {}
        self._shared_roles: dict[tuple[RoleSettings, str | None, tuple[str, ...]], AssumedRole] = {}
        self._readers: WeakValueDictionary[tuple[Manner, str, Access, tuple[str, ...]], SupportReader] = WeakValueDictionary()
        self._memories: WeakValueDictionary[str, Memory] = WeakValueDictionary()

    def reader(self, account_id: str, access: Access, regions: Sequence[str], manner: Manner) -> SupportReader:
        """Return what reads the cases of one account.

        Args:
            account_id: Whose cases.
            access: How its credentials come.
            regions: Its regions in the order of preference, all of one partition.
            manner: How it is read.
        """
        key = (manner, account_id, access, tuple(regions))
        with self._lock:
            known = self._readers.get(key)
            memory = self._memories.setdefault(account_id, Memory(self._timing))
        if known is not None:
            return known
        credentials = self.credentials(access, regions, manner)
        if not isinstance(access, RoleCredentials):
            credentials = VerifiedCredentials(self._api, credentials, account_id, regions)
        reader = SupportReader(
            account_id,
            self._api,
            self._endpoints.support(regions),
            credentials,
            self._timing,
            self._random,
            memory=memory,
            keep_subject=manner.keep_subject,
        )
        with self._lock:
            self._readers[key] = reader
        return reader

    def organization_reader(self, name: str, access: Access, regions: Sequence[str], manner: Manner) -> OrganizationReader:
        """Return what lists the accounts of one organization.

        Args:
            name: The organization's name.
            access: How the credentials come that may list them.
            regions: Regions of its partition in the order of preference.
            manner: How roles on the way are assumed.
        """
        credentials = self.credentials(access, regions, manner)
        return OrganizationReader(name, regions[0], self._api, credentials, self._timing, self._random)

    def credentials(self, access: Access, regions: Sequence[str], manner: Manner) -> CredentialSource:
        """Return where the credentials of one account or organization come from."""
        if isinstance(access, RoleCredentials):
            return self._role(access, RoleSettings(tuple(regions), manner.session_name, manner.session_duration))
        return self._session_credentials(access.name if isinstance(access, ProfileCredentials) else None)

    def own_account(self, regions: Sequence[str], deadline: float) -> str:
        """Return the id of the account that the exporter's own credentials belong to.

        Raises:
            ReadFailure: There are no credentials, or STS does not tell.
        """
        credentials = self._session_credentials(None).credentials(deadline, _OWN_ACCOUNT)
        return caller_account(self._api, credentials, regions, deadline, _OWN_ACCOUNT)

    def partition_of(self, region: str) -> str:
        """Return the partition of a region."""
        return self._endpoints.partition_of(region)

    def _session_credentials(self, profile: str | None) -> SessionCredentials:
        with self._lock:
            known = self._sessions.get(profile)
            if known is None:
                known = SessionCredentials(self._timing.monotonic, profile, None if profile else self._endpoints.session)
                self._sessions[profile] = known
            return known

    def _role(self, access: RoleCredentials, settings: RoleSettings) -> AssumedRole:
        source: CredentialSource = self._session_credentials(access.profile)
        *passed, last = access.chain
        for count, role_arn in enumerate(passed, start=1):
            key = (settings, access.profile, tuple(passed[:count]))
            with self._lock:
                shared = self._shared_roles.get(key)
                if shared is None:
                    shared = AssumedRole(self._api, source, role_arn, None, settings, self._timing)
                    self._shared_roles[key] = shared
            source = shared
        return AssumedRole(self._api, source, last, access.external_id, settings, self._timing)
