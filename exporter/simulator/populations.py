"""What a fleet is filled with: a uniform one for benchmarks, living ones for the demo and long runs."""

from typing import TYPE_CHECKING, Final

from exporter.simulator.case import AWS_AUTHOR, CUSTOMER_AUTHOR
from exporter.simulator.catalog import SERVICES, SEVERITY_LEVELS
from exporter.simulator.life import CaseLife
from exporter.simulator.prose import ACCOUNT_NAMES

if TYPE_CHECKING:
    from exporter.simulator.fleet import Fleet

_DAY: Final = 86400.0
_HISTORY_SECONDS: Final = 35 * _DAY
_OPEN_STATUSES: Final = (
    "opened",
    "unassigned",
    "work-in-progress",
    "pending-customer-action",
    "customer-action-completed",
    "pending-amazon-action",
    "reopened",
)
_DEMO_OPEN_CASES: Final = (2.0, 7.0, 5.0, 6.0, 3.0, 1.5, 2.0, 4.0, 1.0)
_DEMO_CONTENTION: Final = 0.7
_DEMO_LATE_SHARE: Final = 0.25
_DEMO_NEGLECTED: Final = ("critical", "high", "normal")
_LATE_SHARE: Final = 0.08
_SENTENCE: Final = "The quick brown fox jumps over the lazy dog and looks back once more. "


def add_accounts(fleet: "Fleet", count: int) -> None:
    """Add accounts with plausible names, the management account first."""
    for number in range(count):
        round_number, position = divmod(number - 1, len(ACCOUNT_NAMES))
        name = ACCOUNT_NAMES[position] + (f"-{round_number + 1}" if round_number else "")
        fleet.add_account(name=name if number else "management")


def fill_uniformly(fleet: "Fleet", *, cases: int, communications: int, body_chars: int) -> None:
    """Give every account the same number of open cases of the same size, without a life of their own."""
    now = fleet.clock()
    body = (_SENTENCE * (body_chars // len(_SENTENCE) + 1))[:body_chars]
    for account in fleet.accounts:
        for number in range(cases):
            service = SERVICES[number % len(SERVICES)]
            created_at = now - (cases - number) * _DAY / 2
            case = account.add_case(
                status=_OPEN_STATUSES[number % len(_OPEN_STATUSES)],
                severity_code=SEVERITY_LEVELS[number % len(SEVERITY_LEVELS)][0],
                service_code=service.code,
                category_code=service.categories[0],
                created_at=created_at,
            )
            for index in range(communications):
                author = AWS_AUTHOR if index % 2 else CUSTOMER_AUTHOR
                case.add_communication(body, submitted_by=author, created_at=created_at + index * 3600.0)


def bring_to_life(fleet: "Fleet", open_cases: dict[str, float], *, pace: float, late_share: float = _LATE_SHARE) -> CaseLife:
    """Let the fleet live: weeks of history now, and from now on at the given pace.

    Args:
        fleet: What comes to life.
        open_cases: How many cases the accounts have open at a time, by account id.
        pace: How many times as often things happen from now on.
        late_share: The share of cases whose first answer comes after its target.

    Returns:
        The fleet's life.
    """
    now = fleet.clock()
    life = CaseLife(fleet.rng, start_at=now - _HISTORY_SECONDS, late_share=late_share)
    for account_id, number in open_cases.items():
        life.inhabit(fleet.account(account_id), number)
    life.advance(now)
    life.hasten(pace)
    fleet.life = life
    return life


def fill_demo(fleet: "Fleet", *, pace: float) -> None:
    """Fill the fleet with a dozen accounts that show everything that an operator may meet."""
    add_accounts(fleet, len(_DEMO_OPEN_CASES))
    open_cases = dict(zip((account.account_id for account in fleet.accounts), _DEMO_OPEN_CASES, strict=True))
    fleet.add_account(name="sandbox", supported=False)
    open_cases[fleet.add_account(name="acquired-subsidiary", trusts=False).account_id] = 2.0
    busy = fleet.add_account(name="observability")
    busy.contention = _DEMO_CONTENTION
    open_cases[busy.account_id] = 3.0
    fleet.add_account(name="retired-shop", state="SUSPENDED")
    life = bring_to_life(fleet, open_cases, pace=pace, late_share=_DEMO_LATE_SHARE)
    for account, severity_code in zip(fleet.accounts[1:], _DEMO_NEGLECTED, strict=False):
        life.neglect(account.account_id, severity_code)
