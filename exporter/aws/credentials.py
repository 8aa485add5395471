"""How each account's credentials are got and kept fresh.

Nothing here is shared between two accounts but the credentials that they are got with: the exporter's own, a profile's, or a
role's that several chains pass through.
"""

import asyncio
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.credentials import Credentials, RefreshableCredentials
from botocore.exceptions import NoCredentialsError, RefreshWithMFAUnsupportedError

from exporter.aws.chain import settings, unresolved
from exporter.aws.client import Client, in_thread
from exporter.aws.endpoints import Endpoints
from exporter.aws.errors import ASSUME_ROLE, Remedy, RequestFailure, malformed
from exporter.aws.parse import ACCOUNT_ID, timestamp
from exporter.aws.retry import Caller, CredentialSource
from exporter.cases.model import Reason
from exporter.clock import Clock

REFRESH_BEFORE_EXPIRY = 300.0  # how long before they expire assumed credentials are renewed, in seconds
_LOOKUP_PAUSE = 10.0  # how long credentials that were just found are not looked up again, even if AWS refuses them
_A_YEAR = 365 * 86_400


class SessionCredentials:
    """Credentials of the exporter's own default chain or of a profile, kept fresh by botocore.

    STS is asked for them in `region`, unless the profile names one.
    """

    def __init__(self, endpoints: Endpoints, clock: Clock, region: str, profile: str | None = None) -> None:
        self._endpoints = endpoints
        self._clock = clock
        self._region = region
        self._profile = profile
        self._name = f"the profile {profile}" if profile else "the default credential chain"
        self._found: Any = None
        self._found_at = 0.0
        self._given: dict[str, str] = {}
        self._access_key = ""

    async def get(self, caller: Caller) -> Credentials:
        """Return the present credentials; botocore looks for them, or renews them, in a thread."""
        caller.waits_for(self._name)
        frozen = await in_thread(self._resolve)
        self._access_key = frozen.access_key
        return Credentials(*frozen[:3])

    def at_hand(self) -> Credentials | None:
        found = self._found
        is_fresh = found and not (isinstance(found, RefreshableCredentials) and found.refresh_needed())
        return Credentials(*found.get_frozen_credentials()[:3]) if is_fresh else None

    def forget(self, refused: Credentials, _: Caller) -> bool:
        """Look up credentials again the next time: a session finds its own once."""
        if self._found and refused.access_key == self._access_key:
            if self._clock.monotonic() < self._found_at + _LOOKUP_PAUSE:
                return False
            self._found = None
        return True

    def origin(self) -> tuple[str, datetime | None]:
        """Return how botocore came by the credentials, and when they expire if they do."""
        found, left = self._found, _A_YEAR
        if isinstance(found, RefreshableCredentials):
            left = bisect(range(_A_YEAR), 0, key=lambda seconds: found.refresh_needed(refresh_in=seconds))
        return found.method if found else "", None if left == _A_YEAR else datetime.now(UTC) + timedelta(seconds=left)

    def _resolve(self) -> Any:  # noqa: ANN401 - of botocore's own type
        try:
            found = self._found or self._look_up()
            frozen = found.get_frozen_credentials()
        except Exception as error:  # noqa: BLE001 - whatever a broken token file or process makes botocore raise
            raise unresolved(self._name, error, self._given) from None
        self._found = found
        return frozen

    def _look_up(self) -> Any:  # noqa: ANN401 - of botocore's own type
        session = self._endpoints.new_session(self._profile, self._region)
        self._found_at, self._given = self._clock.monotonic(), settings(session)
        if "mfa_serial" in self._given and (self._profile or "AWS_ACCESS_KEY_ID" not in self._given):
            raise RefreshWithMFAUnsupportedError  # before botocore asks at the terminal
        if (found := session.get_credentials()) is None:
            raise NoCredentialsError
        return found


@dataclass(slots=True)
class Shared:
    """Credentials that several accounts need: who asks first asks for all, and nobody waits longer than its own time limit.

    What was asked goes on when all who waited for it have given up: the answer is of use to the next. From the first who gave
    up until then nobody waits: accounts that need other credentials would have to wait for them to.
    """

    source: "SessionCredentials | AssumedRole"
    _asking: tuple[asyncio.Task[Credentials], Caller] | None = None
    _is_late: bool = False

    async def get(self, caller: Caller) -> Credentials:
        if (found := self.source.at_hand()) is not None:
            return found
        if self._asking is None:
            first = Caller(caller.subject)
            task = asyncio.create_task(self.source.get(first))
            task.add_done_callback(self._answered)
            self._asking, self._is_late = (task, first), False
        task, first = self._asking
        if self._is_late:
            raise first.late()
        caller.waits_for(first)
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            self._is_late |= caller.timeout is not None and caller.timeout.expired()
            raise
        return task.result()

    def forget(self, refused: Credentials, caller: Caller) -> bool:
        return self.source.forget(refused, caller)

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
            raise malformed("GetCallerIdentity: the answer has no account ID of 12 digits")
        return account_id, used


@dataclass(slots=True)
class AssumedRole:
    """Credentials of a role, assumed with others' once, and again shortly before they expire."""

    sts: Sts
    source: CredentialSource
    parameters: dict[str, object]
    _credentials: Credentials | None = None
    _issued_at: float = 0.0
    _renew_at: float = 0.0

    async def get(self, caller: Caller) -> Credentials:
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
            raise malformed("AssumeRole: the answer's Expiration is not a time")
        self._credentials, self._issued_at = assumed, asyncio.get_running_loop().time()
        self._renew_at = expiry - min(REFRESH_BEFORE_EXPIRY, (expiry - self.sts.client.clock.time()) / 2)
        return assumed

    def at_hand(self) -> Credentials | None:
        return self._credentials if self.sts.client.clock.time() < self._renew_at else None

    def forget(self, refused: Credentials, caller: Caller) -> bool:
        if self._credentials is refused:
            if self._issued_at > caller.began:
                return False
            self._credentials = None
        return True


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
        credentials = await self.source.get(caller)
        if credentials.access_key != self._verified:
            actual, credentials = await self.sts.caller_account(self.source, caller)
            if actual != self.account_id:
                remedy = Remedy.NEW_CREDENTIALS if self.source.forget(credentials, caller) else Remedy.NONE
                detail = f"the credentials belong to account {actual}, not to {self.account_id}"
                raise RequestFailure(Reason.CREDENTIALS, detail, remedy)
            self._verified = credentials.access_key
        return credentials

    def forget(self, refused: Credentials, caller: Caller) -> bool:
        self._verified = None
        return self.source.forget(refused, caller)
