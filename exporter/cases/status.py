"""What is known of one account: its last successful reading, how its last poll went, and the state that follows."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

from exporter.cases.changes import Changes, FirstResponse, Tally
from exporter.cases.model import Account, Reading, Reason


class AccountState(StrEnum):
    """How an account is doing; each account is in exactly one state.

    PENDING: not polled yet. OK: its last poll succeeded. FAILING: its last poll failed; the cases of its last reading are
    still shown. STALE: its last reading is too old to be shown. UNSUPPORTED: its plan has no Support API.
    """

    PENDING = "pending"
    OK = "ok"
    FAILING = "failing"
    STALE = "stale"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Poll:
    """How one poll ended; times are Unix seconds, the duration seconds."""

    ended_at: float
    duration: float
    reason: Reason | None = None
    detail: str = ""
    passes: bool = False  # whether it failed for what is likely to pass without a person, although its reason usually needs one

    @property
    def succeeded(self) -> bool:
        return self.reason is None


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """Everything known of one account at one moment; replaced by each poll. Times are Unix seconds."""

    account: Account
    reading: Reading | None = None  # the last successful one
    last_success: float | None = None  # when that poll ended
    last_poll: Poll | None = None
    supported: bool | None = None  # whether its support plan includes the Support API; None until known
    failing_since: float | None = None  # when the first of the polls that failed in a row ended
    errors: Mapping[Reason, int] = field(default_factory=lambda: MappingProxyType({}))  # failed polls
    tally: Tally = field(default_factory=Tally)
    watched: Mapping[str, FirstResponse] = field(default_factory=lambda: MappingProxyType({}))
    next_poll: float | None = None

    def state(self, now: float, max_staleness: float) -> AccountState:
        if self.supported is False:
            return AccountState.UNSUPPORTED
        if self.last_poll is None:
            return AccountState.PENDING
        if self.last_success is not None and now - self.last_success > max_staleness:
            return AccountState.STALE
        return AccountState.OK if self.last_poll.succeeded else AccountState.FAILING

    def shown_reading(self, now: float, max_staleness: float) -> Reading | None:
        """Return the reading whose cases may be shown at `now`: fresh enough, and of an account with a plan."""
        is_fresh = self.last_success is not None and now - self.last_success <= max_staleness
        return self.reading if is_fresh and self.supported else None

    def after_success(self, reading: Reading, poll: Poll, changes: Changes) -> "AccountStatus":
        return replace(
            self,
            reading=reading,
            last_success=poll.ended_at,
            last_poll=poll,
            failing_since=None,
            supported=True,
            tally=self.tally.plus(changes),
            watched=changes.watched,
        )

    def after_failure(self, reason: Reason, poll: Poll) -> "AccountStatus":
        """Return the status after a poll that failed; the last reading stays."""
        errors = {**self.errors, reason: self.errors.get(reason, 0) + 1}
        return replace(
            self,
            last_poll=poll,
            failing_since=poll.ended_at if self.failing_since is None else self.failing_since,
            supported=False if reason is Reason.SUBSCRIPTION_REQUIRED else self.supported,
            errors=MappingProxyType(errors),
        )
