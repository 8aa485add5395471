"""Many threads wait on the network, one computes.

The interpreter runs one thread at a time anyway. Threads that build, sign and parse requests all at once take turns every few
milliseconds, and starve whoever serves HTTP; with a gate they take turns once a request.
"""

import threading
from types import TracebackType


class ComputeGate:
    """A lock that a thread holds while it computes and lets go while it waits on the network.

    It is held inside the `with` statement, except between `waits` and `computes`. A call that fails on the network never
    gets to `computes`; leaving the `with` statement releases the gate only if this thread holds it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._local = threading.local()

    def __enter__(self) -> None:
        self.computes()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.waits()

    def waits(self) -> None:
        """Let another thread compute; does nothing in a thread that does not hold the gate."""
        if getattr(self._local, "held", False):
            self._local.held = False
            self._lock.release()

    def computes(self) -> None:
        """Wait until this thread may compute; does nothing in a thread that holds the gate."""
        if not getattr(self._local, "held", False):
            self._lock.acquire()
            self._local.held = True
