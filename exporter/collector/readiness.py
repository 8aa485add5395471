"""When the exporter is ready: once it has tried every account, and from then on."""

from collections.abc import Callable


class FirstRound:
    """Remembers that the first round over all accounts is over; accounts that come later do not begin another.

    Args:
        all_tried: Whether each account that is known now has been tried.
    """

    def __init__(self, all_tried: Callable[[], bool]) -> None:
        self._all_tried = all_tried
        self._over = False

    def is_over(self) -> bool:
        """Return whether there was a moment at which every account had been tried."""
        self._over = self._over or self._all_tried()
        return self._over
