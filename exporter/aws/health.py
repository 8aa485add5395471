"""Whether a whole endpoint is down, as opposed to one account failing on it.

When an endpoint stops answering, every account fails at once, and each would hold a thread until its timeout. After failures of
a few different accounts in a row the endpoint is taken for down: requests to it fail at once, but for one at a time that probes
it. Few failures count only where they last: when hundreds of requests end each second, three that fail by chance come in a row
sooner or later.
"""

import threading
from collections.abc import Callable

from exporter.cases.model import Reason
from exporter.errors import ReadFailure

ENDPOINT_FAULTS = frozenset({Reason.UNREACHABLE, Reason.TIMEOUT, Reason.SERVER_ERROR})
"""Reasons that may be the endpoint's fault rather than the account's."""


class EndpointDown(ReadFailure):
    """A request was not sent, as its endpoint is known to be down; trying again soon is of no use."""


FAILURES_BEFORE_DOWN = 3
"""How many accounts have to fail in a row, where they do for `LASTING` seconds."""
LASTING = 1.0
MANY_FAILURES = 8
"""How many accounts that fail in a row are no chance, however soon."""
FIRST_PROBE_AFTER = 2.0
LONGEST_PROBE_INTERVAL = 10.0


class EndpointHealth:
    """Notices that an endpoint is down, and that it is back; safe to use from many threads.

    Args:
        monotonic: Seconds on a clock that never goes back.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._failing: set[str] = set()
        self._failing_since = 0.0
        self._at_fault: set[str] = set()
        self._probe_interval = FIRST_PROBE_AFTER
        self._next_probe: float | None = None

    @property
    def is_down(self) -> bool:
        """Whether requests fail without being sent, but for probes."""
        return self._next_probe is not None

    def admits(self) -> bool:
        """Return whether a request may be sent now; while the endpoint is down, one per probe interval may."""
        with self._lock:
            if self._next_probe is None:
                return True
            now = self._monotonic()
            if now < self._next_probe:
                return False
            self._next_probe = now + self._probe_interval
            return True

    def answered(self, subject: str) -> None:
        """Take note that the endpoint answered on behalf of an account or an organization, be it with a refusal."""
        with self._lock:
            # Who fails while others are answered is at fault itself: were it counted again, a few such accounts would take
            # the endpoint down for all others each time that nobody else asks meanwhile.
            self._at_fault |= self._failing
            self._at_fault.discard(subject)
            self._failing.clear()
            self._next_probe = None
            self._probe_interval = FIRST_PROBE_AFTER

    def failed(self, subject: str) -> None:
        """Take note that a request on behalf of an account or an organization got no proper answer."""
        with self._lock:
            if self._next_probe is not None:
                self._probe_interval = min(LONGEST_PROBE_INTERVAL, self._probe_interval * 2)
            if subject in self._at_fault:
                return
            now = self._monotonic()
            if not self._failing:
                self._failing_since = now
            self._failing.add(subject)
            needed = FAILURES_BEFORE_DOWN if now - self._failing_since >= LASTING else MANY_FAILURES
            if self._next_probe is None and len(self._failing) >= needed:
                self._next_probe = now + self._probe_interval
