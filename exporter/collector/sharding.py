"""Which of several exporters reads which account."""

import hashlib
from dataclasses import dataclass

MOST_SHARDS = 1000
"""Each account is weighed once for each of them."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `total` exporters that share a fleet, counted from 0.

    By rendezvous hashing each account goes to the shard whose hash together with it is greatest: going from n to n+1 shards
    moves only the accounts that the new one wins, about 1/(n+1) of them.
    """

    index: int
    total: int

    def owns(self, account_id: str) -> bool:
        """Return whether this shard reads an account."""
        return self.index == max(range(self.total), key=lambda index: _weight(index, account_id))


def _weight(index: int, account_id: str) -> bytes:
    return hashlib.blake2b(f"{index}/{account_id}".encode(), digest_size=8).digest()
