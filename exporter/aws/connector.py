"""Puts together, for each account, the way its cases are read."""

import threading
from collections.abc import Callable, Sequence

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
from exporter.aws.support import SupportReader
from exporter.aws.timing import Timing
from exporter.cases.access import Access, ProfileCredentials, RoleCredentials


class Connector:
    """Makes readers that share clients, connections, and the credentials that roles are assumed with.

    Args:
        endpoints: Resolves regions.
        observer: Is told of every request.
        connections: How many connections to one endpoint are kept.
        session_name: Shown in the member accounts' CloudTrail.
        session_duration: How long assumed credentials are to last, in seconds.
        timing: The clocks.
        random: Returns a number from 0 to 1, for pauses.
        keep_subject: Whether subject lines of cases are wanted.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        observer: RequestObserver,
        connections: int,
        session_name: str,
        session_duration: float,
        *,
        timing: Timing,
        random: Callable[[], float],
        keep_subject: bool,
    ) -> None:
        self._api = Api(endpoints.session, observer, timing, connections)
        self._endpoints = endpoints
        self._session_name = session_name
        self._session_duration = session_duration
        self._timing = timing
        self._random = random
        self._keep_subject = keep_subject
        self._lock = threading.Lock()
        self._sessions: dict[str | None, SessionCredentials] = {}
        self._shared_roles: dict[tuple[str | None, tuple[str, ...], tuple[str, ...]], AssumedRole] = {}

    def reader(self, account_id: str, access: Access, regions: Sequence[str]) -> SupportReader:
        """Return what reads the cases of one account.

        Args:
            account_id: Whose cases.
            access: How its credentials come.
            regions: Its regions in the order of preference, all of one partition.
        """
        credentials = self.credentials(access, regions)
        if not isinstance(access, RoleCredentials):
            credentials = VerifiedCredentials(self._api, credentials, account_id, regions)
        return SupportReader(
            account_id,
            self._api,
            self._endpoints.support(regions),
            credentials,
            self._timing,
            self._random,
            keep_subject=self._keep_subject,
        )

    def organization_reader(self, name: str, access: Access, regions: Sequence[str]) -> OrganizationReader:
        """Return what lists the accounts of one organization.

        Args:
            name: The organization's name.
            access: How the credentials come that may list them.
            regions: Regions of its partition in the order of preference.
        """
        credentials = self.credentials(access, regions)
        return OrganizationReader(name, regions[0], self._api, credentials, self._timing, self._random)

    def credentials(self, access: Access, regions: Sequence[str]) -> CredentialSource:
        """Return where the credentials of one account or organization come from."""
        if isinstance(access, RoleCredentials):
            return self._role(access, tuple(regions))
        return self._session_credentials(access.name if isinstance(access, ProfileCredentials) else None)

    def own_account(self, regions: Sequence[str], deadline: float) -> str:
        """Return the id of the account that the exporter's own credentials belong to.

        Raises:
            ReadFailure: There are no credentials, or STS does not tell.
        """
        credentials = self._session_credentials(None).credentials(deadline)
        return caller_account(self._api, credentials, regions, deadline)

    def partition_of(self, region: str) -> str:
        """Return the partition of a region."""
        return self._endpoints.partition_of(region)

    def _session_credentials(self, profile: str | None) -> SessionCredentials:
        with self._lock:
            known = self._sessions.get(profile)
            if known is None:
                known = SessionCredentials(profile, None if profile else self._endpoints.session)
                self._sessions[profile] = known
            return known

    def _role(self, access: RoleCredentials, regions: tuple[str, ...]) -> AssumedRole:
        source: CredentialSource = self._session_credentials(access.profile)
        settings = RoleSettings(regions, self._session_name, self._session_duration)
        *passed, last = access.chain
        for count, role_arn in enumerate(passed, start=1):
            key = (access.profile, regions, tuple(passed[:count]))
            with self._lock:
                shared = self._shared_roles.get(key)
                if shared is None:
                    shared = AssumedRole(self._api, source, role_arn, None, settings, self._timing.time)
                    self._shared_roles[key] = shared
            source = shared
        return AssumedRole(self._api, source, last, access.external_id, settings, self._timing.time)
