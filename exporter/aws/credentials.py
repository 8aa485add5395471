"""How each account's credentials are got and kept fresh.

Nothing here is shared between two accounts but the credentials that they are got with: the exporter's own, a profile's, or a
role's that several chains pass through.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.credentials import Credentials, RefreshableCredentials

from exporter.aws.client import Client, in_thread
from exporter.aws.endpoints import Endpoints
from exporter.aws.errors import ASSUME_ROLE, RequestFailure, malformed, unresolved
from exporter.aws.parse import ACCOUNT_ID, timestamp
from exporter.aws.retry import Caller, CredentialSource
from exporter.cases.model import Reason

REFRESH_BEFORE_EXPIRY = 300.0
"""How long before they expire assumed credentials are renewed, in seconds."""


class SessionCredentials:
    """Credentials of the exporter's own default chain or of a profile, kept fresh by botocore."""

    def __init__(self, endpoints: Endpoints, profile: str | None = None) -> None:
        self._endpoints = endpoints
        self._profile = profile
        self._name = f"the profile {profile}" if profile else "the default credential chain"
        self._found: Any = None
        self._access_key = ""

    async def get(self, caller: Caller) -> Credentials:
        """Return the present credentials; botocore looks for them, or renews them, in a thread."""
        caller.waiting_for = self._name
        try:
            found, frozen = await in_thread(self._resolve)
        except Exception as error:  # noqa: BLE001 - whatever a broken token file or process makes botocore raise
            raise unresolved(self._name, error) from None
        if frozen is None:
            raise RequestFailure(Reason.CREDENTIALS, f"no AWS credentials found in {self._name}")
        self._found, self._access_key = found, frozen.access_key
        return Credentials(*frozen[:3])

    def at_hand(self) -> Credentials | None:
        """Return credentials that need no refresh."""
        found = self._found
        is_fresh = found and not (isinstance(found, RefreshableCredentials) and found.refresh_needed())
        return Credentials(*found.get_frozen_credentials()[:3]) if is_fresh else None

    def forget(self, refused: Credentials) -> None:
        """Look for credentials anew the next time: a session finds its own once."""
        if refused.access_key == self._access_key:
            self._found = None

    def _resolve(self) -> tuple[Any, Any]:
        found: Any = self._found or self._endpoints.new_session(self._profile).get_credentials()
        return found, found.get_frozen_credentials() if found else None


@dataclass(slots=True)
class Shared:
    """Credentials that several accounts need: who asks first asks for all, and nobody waits longer than its own time limit.

    What was asked goes on when all who waited for it have given up: the answer is of use to the next.
    """

    source: "SessionCredentials | AssumedRole"
    _asking: tuple[asyncio.Task[Credentials], Caller] | None = None

    async def get(self, caller: Caller) -> Credentials:
        """Return what the source says."""
        if (found := self.source.at_hand()) is not None:
            return found
        if self._asking is None:
            first = Caller(caller.subject)
            task = asyncio.create_task(self.source.get(first))
            task.add_done_callback(self._answered)
            self._asking = (task, first)
        task, first = self._asking
        try:
            await asyncio.wait({task})
        finally:
            caller.waiting_for, caller.failure = first.waiting_for, first.failure or caller.failure
        return task.result()

    def forget(self, refused: Credentials) -> None:
        """Have the source forget."""
        self.source.forget(refused)

    def _answered(self, task: asyncio.Task[Credentials]) -> None:
        self._asking = None
        if not task.cancelled():
            task.exception()  # so that asyncio does not complain where nobody waits any more


@dataclass(frozen=True, slots=True)
class Sts:
    """STS in the first of some regions in which it answers; what it issues is good in all of them."""

    client: Client
    regions: Sequence[str]

    async def ask(
        self, operation: str, parameters: dict[str, object], source: CredentialSource, caller: Caller
    ) -> tuple[dict[str, Any], Credentials]:
        """Make one request, with new credentials if the first have expired; return the answer and what it was given for."""
        client = self.client
        retries = client.retries(client.services("sts", self.regions), source, caller)
        answer = await retries.call(lambda service, used: client.request(service, operation, parameters, used, caller))
        return answer, retries.credentials

    async def caller_account(self, source: CredentialSource, caller: Caller) -> tuple[str, Credentials]:
        """Return the account that credentials belong to, and these; needs no permission."""
        answer, used = await self.ask("GetCallerIdentity", {}, source, caller)
        account_id = answer.get("Account")
        if not isinstance(account_id, str) or not ACCOUNT_ID.fullmatch(account_id):
            raise malformed("GetCallerIdentity: the answer has no account id of 12 digits")
        return account_id, used


@dataclass(slots=True)
class AssumedRole:
    """Credentials of a role, assumed with others' once, and again shortly before they expire."""

    sts: Sts
    source: CredentialSource
    parameters: dict[str, object]
    _credentials: Credentials | None = None
    _renew_at: float = 0.0

    async def get(self, caller: Caller) -> Credentials:
        """Return the role's credentials."""
        if (found := self.at_hand()) is not None:
            return found
        answer, _ = await self.sts.ask(ASSUME_ROLE, self.parameters, self.source, caller)
        try:
            issued = answer["Credentials"]
            assumed = Credentials(issued["AccessKeyId"], issued["SecretAccessKey"], issued["SessionToken"])
            expiry = timestamp(issued["Expiration"])
        except KeyError as error:
            raise malformed(f"AssumeRole: the answer has no {error.args[0]}") from None
        if expiry is None:
            raise malformed("AssumeRole: the answer's Expiration is no time")
        self._credentials = assumed
        self._renew_at = expiry - min(REFRESH_BEFORE_EXPIRY, (expiry - self.sts.client.clock.time()) / 2)
        return assumed

    def at_hand(self) -> Credentials | None:
        """Return credentials that need not be renewed yet."""
        return self._credentials if self.sts.client.clock.time() < self._renew_at else None

    def forget(self, refused: Credentials) -> None:
        """Assume the role anew the next time."""
        if self._credentials is refused:
            self._credentials = None


@dataclass(slots=True)
class VerifiedCredentials:
    """Credentials that belong to the account they are used for; asked again when the access key changes.

    Cases read with another account's credentials would be counted under the wrong name.
    """

    sts: Sts
    source: CredentialSource
    account_id: str
    _verified: str | None = None

    async def get(self, caller: Caller) -> Credentials:
        """Return the credentials if they are the account's."""
        credentials = await self.source.get(caller)
        if credentials.access_key != self._verified:
            actual, credentials = await self.sts.caller_account(self.source, caller)
            if actual != self.account_id:
                detail = f"the credentials belong to account {actual}, not to {self.account_id}"
                raise RequestFailure(Reason.CREDENTIALS, detail)
            self._verified = credentials.access_key
        return credentials

    def forget(self, refused: Credentials) -> None:
        """Get credentials anew the next time, and check them again."""
        self._verified = None
        self.source.forget(refused)
