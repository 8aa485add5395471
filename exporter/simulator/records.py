"""What the simulator was asked, so that a test can assert on what really went over the wire."""

import threading
from collections import Counter, deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request and what became of it.

    Attributes:
        time: When it arrived, by the fleet's clock, in Unix seconds.
        operation: AWS's name of the operation.
        account_id: The account of the access key; empty when the key is unknown.
        access_key_id: The key that signed, empty when the request was not signed.
        region: The region that it was signed for.
        service: The service that it was meant for.
        is_first_page: Whether it carried no paging token.
        status: The HTTP status sent, or 0 when the connection was hung, closed or reset without one, by either side.
    """

    time: float
    operation: str
    account_id: str
    access_key_id: str
    region: str
    service: str
    is_first_page: bool
    status: int


class RequestLog:
    """The latest requests, and how many there were of each operation. Safe to use from any thread."""

    def __init__(self, size: int) -> None:
        self._lock = threading.Lock()
        self._records: deque[RequestRecord] = deque(maxlen=size)
        self._by_operation: Counter[str] = Counter()

    def add(self, record: RequestRecord) -> None:
        """Keep a record."""
        with self._lock:
            self._records.append(record)
            self._by_operation[record.operation] += 1

    def records(self, operation: str | None = None) -> list[RequestRecord]:
        """Return the latest records, oldest first, of one operation or of all."""
        with self._lock:
            return [record for record in self._records if operation in {None, record.operation}]

    def counts(self) -> dict[str, int]:
        """Return how many requests there were by operation, also those no longer kept."""
        with self._lock:
            return dict(self._by_operation)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._records.clear()
            self._by_operation.clear()
