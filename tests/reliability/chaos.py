"""Whatever can happen to a fleet, its AWS and the exporter's configuration, at random, from a seed."""

import random
from collections.abc import Callable
from itertools import cycle

from exporter.simulator.account import Account
from exporter.simulator.corruptions import Tokens, WrongTypes
from exporter.simulator.faults import Fault, FaultHandle, Kind, Page
from exporter.simulator.kinds import ConnectionReset, Silence, SilenceInBody, Throttled
from exporter.simulator.server import Simulator
from tests.reliability.faults import FAULTS, FIRST_PAGE, WRONG_TYPES, error
from tests.reliability.watch import Truth

REGIONS = ("us-east-1", "us-west-2")
SEVERITIES = ("low", "normal", "high", "urgent", "critical")
_HARMLESS = ("language", "timeCreated", "subject", "submittedBy", "ccEmailAddresses", "recentCommunications")
"""Fields that may be wrong without making another case of a case."""
Make = Callable[[], Kind]
_ELSEWHERE = {"hangs before the answer", "hangs within the body", "drips", "huge body", "pages without end", WRONG_TYPES}
"""Faults that need another timeout, or make another case of a case."""
KINDS: tuple[Make, ...] = (
    *(fault.kind for fault in FAULTS if FIRST_PAGE in fault.only and not fault.times and fault.title not in _ELSEWHERE),
    lambda: WrongTypes(fields=_HARMLESS),
    lambda: Tokens.repeating("a", "b"),
)
HANGS: tuple[Make, ...] = (Silence, SilenceInBody)
OPERATIONS = ("AssumeRole", "DescribeCases", "DescribeCases", "DescribeCases", "DescribeCommunications", "ListAccounts")
MINUTE = 60.0
SHORT = "150ms"
"""A timeout for which a test can wait."""


class Chaos:
    """Lets things happen; the first `loose` of the accounts are read only where a configuration names them."""

    def __init__(self, simulator: Simulator, truth: Truth, accounts: int, loose: int, rng: random.Random) -> None:
        self._simulator, self._fleet = simulator, simulator.fleet
        self._truth = truth
        self._rng = rng
        self._kinds = cycle(rng.sample(KINDS, len(KINDS)))
        self._faults: list[tuple[float, Make, FaultHandle]] = []
        self.struck: set[Make] = set()
        self.members = [self._account() for _ in range(accounts)]
        self._loose = [account.account_id for account in self.members[:loose]]
        self.config = self.replan(last=True)

    def _account(self) -> Account:
        account = self._fleet.add_account()
        for _ in range(self._rng.choice((0, 0, 1, 1, 2, 5))):
            account.add_case(body="help", severity_code=self._rng.choice(SEVERITIES))
        self._truth.note(account.account_id)
        return account

    def live(self) -> None:
        """Open, answer, resolve and reopen some cases; let an account join or leave now and then."""
        rng = self._rng
        for account in rng.sample(self.members, len(self.members) // 20):
            each = rng.choice(account.cases) if account.cases else None
            if each is None or rng.random() < 0.4:
                account.add_case(body="help", severity_code=rng.choice(SEVERITIES))
            elif not each.is_open:
                each.reopen()
            elif rng.random() < 0.5:
                each.resolve()
            else:
                for _ in range(rng.choice((1, 1, 7))):
                    each.add_communication(submitted_by=rng.choice(("Amazon Web Services", "Customer")))
            self._truth.note(account.account_id)
        if rng.random() < 0.1:
            self.members.append(self._account())
        elif rng.random() < 0.1:
            rng.choice(self.members[len(self._loose) :]).state = rng.choice(("SUSPENDED", "ACTIVE"))

    def break_something(self) -> None:
        """Add faults, and take away those whose time is over."""
        rng, now = self._rng, self._fleet.clock()
        for until, make, handle in self._faults:
            if handle.hits:
                self.struck.add(make)
            if until <= now:
                handle.remove()
        self._faults = [fault for fault in self._faults if fault[0] > now]
        for _ in range(rng.randrange(4)):
            operation = rng.choice(OPERATIONS)
            whose = None if operation == "ListAccounts" else rng.choice(self.members).account_id
            self._add(next(self._kinds), operation, whose, rng.choice((None, None, 1, 2)), 20 * MINUTE)
        if self._timeout == SHORT and rng.random() < 0.5:
            self._add(rng.choice(HANGS), "DescribeCases", rng.choice(self.members).account_id, 4, 5 * MINUTE)
        if rng.random() < 0.04:
            make = rng.choice((ConnectionReset, Throttled, error(503, "ServiceUnavailable")))
            self._add(make, rng.choice(OPERATIONS), None, None, 10 * MINUTE, rng.choice((None, REGIONS[0])))
        if rng.random() < 0.1:
            account = rng.choice(self.members)
            account.trusts, account.supported = rng.choice(((False, True), (True, False), (True, True)))

    def mend_everything(self) -> None:
        """Let nothing be wrong any more."""
        self._simulator.faults.clear()
        for account in self.members:
            account.trusts = account.supported = True

    def replan(self, *, last: bool = False) -> str:
        """Return another configuration; the last one leaves time for every answer."""
        rng = self._rng
        self._listed = rng.sample(self._loose, rng.randrange(len(self._loose) // 2, len(self._loose) + 1))
        self.interval, self.max_staleness = rng.choice((8, 10, 15)), rng.choice((20, 30))  # minutes
        self._timeout = "30s" if last or rng.random() < 0.6 else SHORT
        if self._timeout != SHORT:
            for _, make, handle in self._faults:
                if make in HANGS:
                    handle.remove()
        regions = ", ".join(REGIONS[: rng.choice((1, 2))])
        name = f"of {rng.randrange(2)}"
        entries = "".join(f"\n- {{id: '{account_id}', name: {name}}}" for account_id in self._listed)
        self.config = (
            f"poll: {{interval: {self.interval}m, max_staleness: {self.max_staleness}m, timeout: {self._timeout}}}\n"
            f"aws: {{role_name: AwsSupportExporter, session_duration: 30m, regions: [{regions}]}}\n"
            "metrics: {cases: {enabled: true}}\n"
            f"organizations: [{{name: acme, refresh_interval: {self.interval}m, exclude: {{accounts: {self._loose}}}}}]\n"
            f"accounts: {entries}\n"
        )
        return self.config

    def expected(self) -> set[str]:
        """Return the accounts that are to be read."""
        found = {account.account_id for account in self.members if account.state == "ACTIVE"} - set(self._loose)
        return found | set(self._listed) | {self._fleet.management_account.account_id}

    def _add(
        self, make: Make, operation: str, account_id: str | None, times: int | None, longest: float, region: str | None = None
    ) -> None:
        page = self._rng.choice((None, None, Page.FIRST, Page.LATER)) if operation == "DescribeCases" else None
        share = self._rng.choice((0.5, 1.0))
        fault = Fault(make(), operation, account_id, region, page, probability=share, times=times)
        until = self._fleet.clock() + self._rng.uniform(MINUTE, longest)
        self._faults.append((until, make, self._simulator.faults.add(fault)))
