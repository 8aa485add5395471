"""Logs what changes about accounts, those that change alike in one line."""

from structlog.typing import FilteringBoundLogger

from exporter.cases.model import Reason
from exporter.cases.report import Finding, grouped
from exporter.cases.status import AccountState, AccountStatus
from exporter.clock import Clock

_HOUR = 3600.0
_PAUSE = 60.0
"""Seconds between two lines about accounts that change alike: a failure of all shows one by one, over an interval."""
_MOST_IDS = 5


class ChangeLog:
    """Keeps the last change of each account until it is written, which is when a page shows it."""

    def __init__(self, clock: Clock, log: FilteringBoundLogger) -> None:
        self._clock = clock
        self._log = log
        self._changes: dict[str, tuple[tuple[str, int], str, Finding]] = {}  # what, for how many hours, whose name, why
        self._logged: dict[object, float] = {}
        self._failing: set[str] = set()  # of which the log says so

    def note(self, before: AccountStatus, after: AccountStatus, max_staleness: float) -> None:
        """Take note that an account fails, or fails differently, then hourly; and that it recovers."""
        account, poll = after.account, after.last_poll
        earlier = before.last_poll.reason if before.last_poll else None
        if poll is None:
            return
        hours = _hours(after) if poll.reason == earlier else 0
        if _is_stale(after, max_staleness) and not _is_stale(before, max_staleness):
            event = "account stale, cases no longer exported"
        elif poll.reason == earlier and (after.supported is False or hours == _hours(before)):
            return
        elif poll.reason is None:
            event = "account recovered"
        elif poll.reason is Reason.SUBSCRIPTION_REQUIRED:
            event = "support plan has no API access"
        else:
            event = "polling account failed"
        failure = Finding((account.account_id,), poll.reason, poll.detail)
        self._changes[account.account_id] = ((event, hours), account.name, failure)
        if poll.reason is None and account.account_id not in self._failing:
            del self._changes[account.account_id]

    def write(self) -> None:
        now = self._clock.monotonic()
        self._logged = {kind: at for kind, at in self._logged.items() if now - at < _PAUSE}
        for event in dict.fromkeys(event for event, _, _ in self._changes.values()):
            for group in grouped([failure for same, _, failure in self._changes.values() if same == event]):
                if (event, group.kind) not in self._logged:
                    self._logged[event, group.kind] = now
                    self._write(*event, group)

    def _write(self, event: str, hours: int, group: Finding) -> None:
        ids, names = group.names, [self._changes.pop(account_id)[1] for account_id in group.names]
        (self._failing.update if group.reason else self._failing.difference_update)(ids)
        told: dict[str, object] = {"account_id": ids[0], "account_name": names[0]}
        if len(ids) > 1:
            more = ", ..." if len(ids) > _MOST_IDS else ""
            told = {"accounts": len(ids), "account_ids": ", ".join(ids[:_MOST_IDS]) + more}
        if group.reason is None or group.reason is Reason.SUBSCRIPTION_REQUIRED:
            self._log.info(event, **told)
        else:
            lasting = {"failing_for": f"{hours}h"} if hours else {}
            self._log.warning(event, **told, reason=group.reason.value, detail=group.detail, **lasting)


def _is_stale(status: AccountStatus, max_staleness: float) -> bool:
    polled_at = status.last_poll.ended_at if status.last_poll else 0.0
    return status.state(polled_at, max_staleness) is AccountState.STALE


def _hours(status: AccountStatus) -> int:
    if status.failing_since is None or status.last_poll is None:
        return 0
    return int((status.last_poll.ended_at - status.failing_since) / _HOUR)
