"""Makes pages, encoding only what changed since the page before."""

from collections.abc import Iterable, Sequence
from types import MappingProxyType

from exporter.cases.status import AccountState, AccountStatus
from exporter.metrics import catalog, encode
from exporter.metrics.encode import TextFormat
from exporter.metrics.families import AccountLines, Sample, View, account_lines, age
from exporter.metrics.instruments import Instruments
from exporter.metrics.metric import Metric
from exporter.metrics.page import Page, Segment


class Renderer:
    """Makes pages from the statuses of all accounts; to be used by one thread.

    What an account adds is encoded once per reading; only ages, which move all the time, are encoded for every page.
    """

    def __init__(self, view: View, instruments: Instruments) -> None:
        self._view = view
        self._instruments = instruments
        self._accounts: dict[str, AccountLines] = {}
        self._families: tuple[Segment, ...] = ()
        self._headers = {
            (metric, text_format): Segment([encode.header(metric, text_format).encode()])
            for metric in catalog.CATALOG.values()
            for text_format in TextFormat
        }

    def render(self, statuses: Sequence[AccountStatus], fleet: Iterable[Sample], now: float) -> Page:
        """Return the page as of `now`.

        Args:
            statuses: The status of every account, in the order in which they are to appear.
            fleet: Samples of the fleet as a whole and of the exporter.
            now: Unix seconds.
        """
        if self._update(statuses, now):
            lines = tuple(zip(*(account.lines for account in self._accounts.values()), strict=True))
            changed = tuple(map(Segment, lines or ((),) * len(catalog.ACCOUNT_METRICS)))
            self._families = tuple(map(_same_or_new, self._families or changed, changed))
        ages = Segment([self._encode_ages(now)])
        families = [
            (metric, ages if metric is catalog.LATEST_COMMUNICATION_AGE else family)
            for metric, family in zip(catalog.ACCOUNT_METRICS, self._families, strict=True)
        ]
        families += _encode_fleet((*_states(statuses, self._view, now), *fleet))
        families += [(metric, Segment([lines])) for metric, lines in self._instruments.families()]
        segments = {
            text_format: tuple(
                segment for metric, family in families if family for segment in (self._headers[metric, text_format], family)
            )
            for text_format in TextFormat
        }
        return Page(MappingProxyType(segments))

    def _update(self, statuses: Sequence[AccountStatus], now: float) -> bool:
        """Encode the accounts that changed; return whether any did, came or went."""
        before = self._accounts
        self._accounts = {}
        changed = len(before) != len(statuses) or not self._families
        for status in statuses:
            known = before.get(status.account.account_id)
            if known is None or not known.hold(status, now):
                known = account_lines(status, self._view, now, known)
                changed = True
            self._accounts[status.account.account_id] = known
        return changed

    def _encode_ages(self, now: float) -> bytes:
        number = encode.number
        return "".join(
            [
                f"{start}{number(age(since, now))}\n"
                for account in self._accounts.values()
                for start, since in account.cases.ages
            ]
        ).encode()


def _same_or_new(before: Segment, now: Segment) -> Segment:
    """Return the segment before if it has the same bytes: it is compressed already."""
    return before if before.pieces == now.pieces else now


def _states(statuses: Iterable[AccountStatus], view: View, now: float) -> list[Sample]:
    counts = dict.fromkeys(AccountState, 0)
    for status in statuses:
        counts[status.state(now, view.max_staleness)] += 1
    return [Sample(catalog.ACCOUNTS, {"state": state.value}, count) for state, count in counts.items()]


def _encode_fleet(samples: Iterable[Sample]) -> list[tuple[Metric, Segment]]:
    lines: dict[Metric, list[str]] = {metric: [] for metric in catalog.EXPORTER_METRICS}
    for metric, labels, value in samples:
        lines[metric].append(encode.line(metric.name, labels, value))
    return [(metric, Segment([line.encode() for line in family])) for metric, family in lines.items()]
