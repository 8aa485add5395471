"""Makes pages, encoding only what changed since the page before."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from exporter.cases.policy import Policy
from exporter.cases.status import AccountState, AccountStatus
from exporter.metrics import catalog, exposition
from exporter.metrics.catalog import Metric
from exporter.metrics.exposition import Family, Page, encode_page
from exporter.metrics.families import NAMES, AccountLines, Sample, account_lines


class Renderer:
    """Makes pages from the statuses of all accounts; to be used by one thread at a time."""

    def __init__(self, instrumentation: Callable[[], Iterable[Family]]) -> None:
        self._instrumentation = instrumentation
        self._policy: Policy | None = None
        self._accounts: dict[str, AccountLines] = {}

    def render(self, statuses: Sequence[AccountStatus], policy: Policy, fleet: Iterable[Sample], now: float) -> Page:
        """Return the page as of `now`; accounts are in the order of the page, and `fleet` has all that is not theirs."""
        before = self._accounts if policy is self._policy else {}
        self._policy = policy
        self._accounts = {}
        for status in statuses:
            known = before.get(status.account.account_id)
            if known is None or not known.is_current(status, now):
                known = account_lines(status, policy, now, known)
            self._accounts[status.account.account_id] = known
        names = [account.names for account in self._accounts.values()]
        by_metric = zip(*(account.families for account in self._accounts.values()), strict=True)
        families: dict[Metric, Iterable[bytes]] = {
            metric: map(_named, lines, names) for metric, lines in zip(catalog.ACCOUNT_METRICS, by_metric, strict=False)
        }
        families[catalog.LATEST_COMMUNICATION_AGE] = map(_named, self._ages(now), names)
        families |= _encode_fleet((*_states(statuses, policy, now), *fleet))
        ours = (Family(metric.family, metric.kind, metric.help, lines) for metric, lines in families.items())
        return encode_page((*ours, *self._instrumentation()))

    def _ages(self, now: float) -> Iterator[bytes]:
        moment = round(1000 * now)
        for account in self._accounts.values():
            ages = [f"{start}{max(0, moment - since) / 1000}\n" for start, since in account.cases.ages]
            yield "".join(ages).encode()


def _named(lines: bytes, names: bytes) -> bytes:
    return lines.replace(NAMES.encode(), names)


def _states(statuses: Iterable[AccountStatus], policy: Policy, now: float) -> list[Sample]:
    counts = dict.fromkeys(AccountState, 0)
    for status in statuses:
        counts[status.state(now, policy.max_staleness)] += 1
    return [Sample(catalog.ACCOUNTS, {"state": state.value}, count) for state, count in counts.items()]


def _encode_fleet(samples: Iterable[Sample]) -> dict[Metric, tuple[bytes, ...]]:
    lines: dict[Metric, tuple[bytes, ...]] = dict.fromkeys(catalog.EXPORTER_METRICS, ())
    for metric, labels, value in samples:
        lines[metric] = (*lines[metric], exposition.line(metric.name, labels, value).encode())
    return lines
