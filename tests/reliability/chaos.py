"""Whatever can happen to a fleet, its AWS and the exporter's configuration, at random, from a seed."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from exporter.simulator.account import Account
from exporter.simulator.corruptions import Body, HtmlPage, Tokens, Truncated, WrongTypes
from exporter.simulator.faults import Fault, FaultHandle, Kind, Page
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import ConnectionClosed, ConnectionReset, CutOffBody, Error, Silence, SilenceInBody, Throttled
from exporter.simulator.server import Simulator
from tests.reliability.watch import Truth

REGIONS = ("us-east-1", "us-west-2")
SEVERITIES = ("low", "normal", "high", "urgent", "critical")
_HARMLESS = ("language", "timeCreated", "subject", "submittedBy", "ccEmailAddresses", "recentCommunications")
"""Fields that may be wrong without making another case of a case."""
KINDS: tuple[Callable[[], Kind], ...] = (
    Throttled,
    lambda: Error(500, "InternalServerError"),
    lambda: Error(503, "ServiceUnavailable"),
    lambda: Error(400, "ExpiredTokenException"),
    lambda: Error(403, "RequestTimeTooSkewed"),
    lambda: Error(400, "AccessDeniedException"),
    lambda: Error(400, "BrandNewException"),
    lambda: Error(400, "SubscriptionRequiredException"),
    ConnectionReset,
    ConnectionClosed,
    CutOffBody,
    Truncated,
    Body,
    HtmlPage,
    lambda: Body(b'{"cases": null, "communications": null, "Accounts": null}'),
    lambda: WrongTypes(fields=_HARMLESS),
    lambda: Tokens.repeating("a", "b"),
)
HANGS: tuple[type[Silence | SilenceInBody], ...] = (Silence, SilenceInBody)
OPERATIONS = ("AssumeRole", "DescribeCases", "DescribeCases", "DescribeCases", "DescribeCommunications", "ListAccounts")
MINUTE = 60.0
SHORT = "150ms"
"""A timeout for which a test can wait."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A configuration that may be in force, times in minutes; `listed` are accounts that it names itself."""

    listed: tuple[str, ...]
    interval: int = 10
    max_staleness: int = 30
    timeout: str = "30s"
    regions: int = 1
    cases: bool = False
    named: bool = False

    def text(self, loose: list[str]) -> str:
        """Return it as a file; `loose` are the accounts that the organization is not to bring."""
        name = ", name: 'of {0}'" if self.named else ""
        entries = "".join(f"\n- {{id: '{account_id}'{name.format(account_id)}}}" for account_id in self.listed)
        return (
            f"poll: {{interval: {self.interval}m, max_staleness: {self.max_staleness}m, timeout: {self.timeout}}}\n"
            f"aws: {{role_name: AwsSupportExporter, session_duration: 30m, regions: [{', '.join(REGIONS[: self.regions])}]}}\n"
            f"metrics: {{cases: {{enabled: {str(self.cases).lower()}}}}}\n"
            f"organizations: [{{name: acme, refresh_interval: {self.interval}m, exclude: {{accounts: {loose}}}}}]\n"
            f"accounts: {entries or '[]'}\n"
        )


class Chaos:
    """Lets things happen; the first `loose` of the accounts are read only where a configuration names them."""

    def __init__(self, simulator: Simulator, truth: Truth, accounts: int, loose: int, rng: random.Random) -> None:
        self._simulator = simulator
        self._fleet: Fleet = simulator.fleet
        self._truth = truth
        self._rng = rng
        self._faults: list[tuple[float, FaultHandle]] = []
        self.struck: set[str] = set()
        self.members = [self._account() for _ in range(accounts)]
        self.loose = [account.account_id for account in self.members[:loose]]
        self.plan = Plan(tuple(self.loose))

    def _account(self) -> Account:
        account = self._fleet.add_account()
        for _ in range(self._rng.choice((0, 0, 1, 1, 2, 5))):
            account.add_case(body="help", severity_code=self._rng.choice(SEVERITIES))
        self._truth.note([account.account_id])
        return account

    def live(self) -> None:
        """Open, answer, resolve and reopen some cases; let an account join or leave now and then."""
        rng = self._rng
        for account in rng.sample(self.members, 12):
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
            self._truth.note([account.account_id])
        if rng.random() < 0.1:
            self.members.append(self._account())
        elif rng.random() < 0.1:
            rng.choice(self.members[len(self.loose) :]).state = rng.choice(("SUSPENDED", "ACTIVE"))

    def break_something(self) -> None:
        """Add faults, and take away those whose time is over."""
        rng, now = self._rng, self._fleet.clock()
        for until, handle in self._faults:
            if handle.hits:
                self.struck.add(f"{handle.fault.operation} {handle.fault.kind}")
            if until <= now:
                handle.remove()
        self._faults = [(until, handle) for until, handle in self._faults if until > now]
        for _ in range(rng.randrange(4)):
            account = rng.choice(self.members)
            operation = rng.choice(OPERATIONS)
            whose = None if operation == "ListAccounts" else account.account_id
            self._add(rng.choice(KINDS)(), operation, whose, rng.choice((None, None, 1, 2)), 20 * MINUTE)
        if self.plan.timeout == SHORT and rng.random() < 0.5:
            self._add(rng.choice(HANGS)(), "DescribeCases", rng.choice(self.members).account_id, 4, 5 * MINUTE)
        if rng.random() < 0.04:
            region = rng.choice((None, REGIONS[0]))
            kind = rng.choice((ConnectionReset(), Error(503, "ServiceUnavailable"), Throttled()))
            self._add(kind, rng.choice(OPERATIONS), None, None, 10 * MINUTE, region)
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
        self.plan = Plan(
            tuple(sorted(rng.sample(self.loose, rng.randrange(len(self.loose) // 2, len(self.loose) + 1)))),
            interval=rng.choice((8, 10, 15)),
            max_staleness=rng.choice((20, 30)),
            timeout="30s" if last or rng.random() < 0.6 else SHORT,
            regions=rng.choice((1, 2)),
            cases=rng.random() < 0.5,
            named=rng.random() < 0.5,
        )
        if self.plan.timeout != SHORT:
            for _, handle in self._faults:
                if isinstance(handle.fault.kind, HANGS):
                    handle.remove()
        return self.plan.text(self.loose)

    def expected(self) -> set[str]:
        """Return the accounts that are to be read."""
        found = {account.account_id for account in self.members if account.state == "ACTIVE"} - set(self.loose)
        return found | set(self.plan.listed) | {self._fleet.management_account.account_id}

    def _add(
        self, kind: Kind, operation: str, account_id: str | None, times: int | None, longest: float, region: str | None = None
    ) -> None:
        page = self._rng.choice((None, None, Page.FIRST, Page.LATER)) if operation == "DescribeCases" else None
        share = self._rng.choice((0.5, 1.0))
        fault = Fault(kind, operation, account_id, region, page, probability=share, times=times)
        until = self._fleet.clock() + self._rng.uniform(MINUTE, longest)
        self._faults.append((until, self._simulator.faults.add(fault)))
