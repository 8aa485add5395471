"""How each account's credentials are got and kept fresh.

Nothing here is shared between two accounts but the credentials that they are got with: the exporter's own, a profile's, or a
role's that several chains pass through.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from boto3.session import Session
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError

from exporter.aws.api import CONNECT_TIMEOUT, READ_TIMEOUT, Api
from exporter.aws.failures import ASSUME_ROLE, as_failure, is_expired
from exporter.aws.health import ENDPOINT_FAULTS
from exporter.aws.parse import ACCOUNT_ID
from exporter.aws.retry import first_answer
from exporter.aws.timing import Timing
from exporter.cases.model import Reason
from exporter.errors import ReadFailure

REFRESH_BEFORE_EXPIRY = 300.0
"""How long before they expire assumed credentials are renewed, in seconds."""
_MAY_PASS = ENDPOINT_FAULTS | {Reason.THROTTLED}


class CredentialSource(Protocol):
    """Where one identity's credentials come from."""

    def credentials(self, deadline: float, subject: str) -> Credentials:
        """Return credentials that are valid now, asking AWS for them when it must.

        Args:
            deadline: When they are of no more use, on the monotonic clock.
            subject: On whose behalf, as in `Api.request`.

        Raises:
            ReadFailure: They cannot be had.
        """

    def forget(self) -> None:
        """Drop what is kept, because AWS refused it."""


@dataclass(frozen=True, slots=True)
class RoleSettings:
    """How roles are assumed.

    Attributes:
        regions: Whose STS is asked, in the order of preference.
        session_name: Shown in the member account's CloudTrail.
        duration: How long the credentials are to last, in seconds.
    """

    regions: tuple[str, ...]
    session_name: str
    duration: float


class SessionCredentials:
    """Credentials of the exporter's own default chain or of a profile, kept fresh by botocore.

    Args:
        monotonic: The clock that deadlines are on.
        profile: The profile, or None for the default chain.
        session: A session to ask first, so that none has to be made.
    """

    def __init__(self, monotonic: Callable[[], float], profile: str | None = None, session: Session | None = None) -> None:
        self._monotonic = monotonic
        self._profile = profile
        self._name = f"the profile {profile}" if profile else "the default credential chain"
        self._session = session
        self._lock = threading.Lock()
        self._source: object | None = None

    def credentials(self, deadline: float, subject: str) -> Credentials:
        """Return the session's present credentials; botocore asks for them, within time limits of its own."""
        del subject
        try:
            # botocore lets all who need credentials wait for one another, for as long as it takes.
            with _held(self._lock, deadline - self._monotonic(), self._name):
                source = self._source = self._source or self._resolve()
                if source is None:
                    raise ReadFailure(Reason.CREDENTIALS, f"no AWS credentials found in {self._name}")
                frozen = source.get_frozen_credentials()  # type: ignore[attr-defined]  # botocore has no common base class
        except (ClientError, BotoCoreError) as error:
            failure = as_failure(error, self._name)
            reason = failure.reason if failure.reason in _MAY_PASS else Reason.CREDENTIALS
            raise ReadFailure(reason, failure.detail) from error
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token)

    def forget(self) -> None:
        """Look for credentials anew the next time."""
        self._source = None

    def _resolve(self) -> object | None:
        # A session finds its credentials once; one that AWS refused is of no more use.
        session, self._session = self._session or Session(profile_name=self._profile), None
        # botocore's own limits would hold a thread for three minutes, as with IRSA where STS does not answer.
        session._session.set_default_client_config(  # noqa: SLF001 - boto3 has no public way
            Config(connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT, retries={"total_max_attempts": 2})
        )
        return session.get_credentials()


class AssumedRole:
    """Credentials of a role, assumed once and again shortly before they expire.

    Args:
        api: Makes the requests.
        source: What the role is assumed with.
        role_arn: The role.
        external_id: What the role's trust policy asks for, or None.
        settings: Region, session name and duration.
        timing: The clocks; AWS tells expiry in Unix seconds.
    """

    def __init__(
        self,
        api: Api,
        source: CredentialSource,
        role_arn: str,
        external_id: str | None,
        settings: RoleSettings,
        timing: Timing,
    ) -> None:
        self._api = api
        self._source = source
        self._settings = settings
        self._timing = timing
        self._parameters: dict[str, object] = {
            "RoleArn": role_arn,
            "RoleSessionName": settings.session_name,
            "DurationSeconds": int(settings.duration),
        }
        if external_id is not None:
            self._parameters["ExternalId"] = external_id
        self._lock = threading.Lock()
        self._credentials: Credentials | None = None
        self._renew_at = 0.0

    def credentials(self, deadline: float, subject: str) -> Credentials:
        """Return the role's credentials; only one thread at a time asks for new ones."""
        # A role that chains pass through may be asked for by an account with more time left.
        with _held(self._lock, deadline - self._timing.monotonic(), ASSUME_ROLE):
            if self._credentials is None or self._timing.time() >= self._renew_at:
                self._credentials, self._renew_at = self._assume(deadline, subject)
            return self._credentials

    def forget(self) -> None:
        """Assume the role anew the next time."""
        with self._lock:
            self._credentials = None

    def _assume(self, deadline: float, subject: str) -> tuple[Credentials, float]:
        source = self._source.credentials(deadline, subject)
        try:
            answer = self._ask(source, deadline, subject)
        except ReadFailure as failure:
            if not is_expired(failure.__cause__):
                raise
            # A role on the way here was revoked before its time; others that pass through it may have renewed it already.
            if self._source.credentials(deadline, subject).access_key == source.access_key:
                self._source.forget()
            answer = self._ask(self._source.credentials(deadline, subject), deadline, subject)
        try:
            issued = answer["Credentials"]
            expires: datetime = issued["Expiration"]
            credentials = Credentials(issued["AccessKeyId"], issued["SecretAccessKey"], issued["SessionToken"])
            expiry = expires.timestamp()
        except KeyError as error:
            raise ReadFailure(Reason.MALFORMED, f"AssumeRole: the answer has no {error.args[0]}") from None
        return credentials, expiry - min(REFRESH_BEFORE_EXPIRY, (expiry - self._timing.time()) / 2)

    def _ask(self, source: Credentials, deadline: float, subject: str) -> Any:  # noqa: ANN401 - as `Api.request`
        return _ask_sts(
            self._api,
            self._settings.regions,
            ASSUME_ROLE,
            self._parameters,
            source,
            subject=subject,
            deadline=deadline,
        )


class VerifiedCredentials:
    """Credentials of which is checked once that they belong to the account they are used for.

    Cases read with another account's credentials would be counted under the wrong name.
    """

    def __init__(self, api: Api, source: CredentialSource, account_id: str, regions: Sequence[str]) -> None:
        self._api = api
        self._source = source
        self._account_id = account_id
        self._regions = regions
        self._verified: str | None = None

    def credentials(self, deadline: float, subject: str) -> Credentials:
        """Return the credentials, if they are the account's.

        Raises:
            ReadFailure: `credentials`: they are another account's, or cannot be had.
        """
        credentials = self._source.credentials(deadline, subject)
        if credentials.access_key != self._verified:
            actual = caller_account(self._api, credentials, self._regions, deadline, subject)
            if actual != self._account_id:
                raise ReadFailure(Reason.CREDENTIALS, f"the credentials belong to account {actual}, not to {self._account_id}")
            self._verified = credentials.access_key
        return credentials

    def forget(self) -> None:
        """Get credentials anew the next time, and check them again."""
        self._verified = None
        self._source.forget()


@contextmanager
def _held(lock: threading.Lock, seconds: float, name: str) -> Iterator[None]:
    """Hold a lock, and wait for it no longer than so many seconds.

    Raises:
        ReadFailure: `timeout`: somebody else still holds it.
    """
    if not lock.acquire(timeout=max(0.0, seconds)):
        raise ReadFailure(Reason.TIMEOUT, f"{name}: another account is still waiting for the same credentials")
    try:
        yield
    finally:
        lock.release()


def caller_account(api: Api, credentials: Credentials, regions: Sequence[str], deadline: float, subject: str) -> str:
    """Return the id of the account that credentials belong to; needs no permission.

    Raises:
        ReadFailure: STS does not tell.
    """
    answer = _ask_sts(api, regions, "GetCallerIdentity", {}, credentials, subject=subject, deadline=deadline)
    account_id = answer.get("Account")
    if not isinstance(account_id, str) or not ACCOUNT_ID.fullmatch(account_id):
        raise ReadFailure(Reason.MALFORMED, "GetCallerIdentity: the answer has no account id of 12 digits")
    return account_id


def _ask_sts(
    api: Api,
    regions: Sequence[str],
    operation: str,
    parameters: dict[str, object],
    credentials: Credentials,
    *,
    subject: str,
    deadline: float,
) -> Any:  # noqa: ANN401 - as `Api.request`
    """Ask STS in the first of the regions in which it answers; what it issues is good in all of them."""

    def ask(region: str) -> Any:  # noqa: ANN401 - as above
        client = api.client("sts", region)
        return api.request(client, operation, parameters, credentials=credentials, subject=subject, deadline=deadline)

    return first_answer(ask, regions)
