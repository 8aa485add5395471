"""A fleet of which every case is known; panels.yaml has what each panel shows of it after two days."""

from collections.abc import Callable
from functools import partial

from exporter.simulator.account import Account
from exporter.simulator.case import CUSTOMER_AUTHOR, Case
from exporter.simulator.fleet import Fleet

HOUR, DAY = 3600.0, 86400.0
PAYMENTS, SEARCH, CONTENDED, REFUSED, NO_PLAN = (str(digit) * 12 for digit in range(1, 6))
OUR_TURN = "pending-customer-action"
OWNERS = {"payments": ("shop", "Root/Workloads/Shop"), "search": ("shop", "Root/Workloads"), "contended": ("", "Root/Labs")}
"""The team and the organizational unit of accounts."""
EKS, RDS, EC2 = "service-eks", "service-rds", "service-ec2"

Event = tuple[float, Callable[[], object]]


class Script:
    """Lets things happen in a fleet at their times, in Unix seconds; an event may add later ones."""

    def __init__(self, events: list[Event]) -> None:
        self._events = events

    def advance(self, now: float) -> None:
        while due := [event for event in self._events if event[0] <= now]:
            first = min(due, key=lambda event: event[0])
            self._events.remove(first)
            first[1]()


def filed(
    account: Account, severity_code: str, service_code: str, created_at: float | None = None, status: str = "opened"
) -> Case:
    """Return a new case with the customer's first message: one without would be AWS's own."""
    case = account.add_case(severity_code=severity_code, service_code=service_code, created_at=created_at, status=status)
    case.add_communication(submitted_by=CUSTOMER_AUTHOR, created_at=case.created_at)
    return case


def answer(case: Case) -> None:
    case.add_communication()
    case.status = OUR_TURN


def reopen(case: Case) -> None:
    case.add_communication(submitted_by=CUSTOMER_AUTHOR)
    case.reopen()


def known(clock: Callable[[], float]) -> Fleet:
    """Return the fleet two days before the end; the comments say what is open then, and for how long it has been quiet."""
    fleet, end = Fleet.empty(clock), clock() + 2 * DAY
    payments = fleet.add_account(PAYMENTS, "payments")
    search = fleet.add_account(SEARCH, "search")
    contended = fleet.add_account(CONTENDED, "contended")
    refused = fleet.add_account(REFUSED, "refused")
    fleet.add_account(NO_PLAN, "no-plan", supported=False)
    # payments: high, waiting on us, quiet for 9 days; normal, waiting on AWS, unanswered for 3 days and overdue.
    old = filed(payments, "high", EKS, created_at=end - 10 * DAY, status=OUR_TURN)
    old.add_communication(created_at=end - 9 * DAY)
    filed(payments, "normal", RDS, created_at=end - 3 * DAY)
    # contended: low, waiting on AWS for 62 hours, though AWS wrote last, an interim update; quiet for 60 hours.
    waiting = filed(contended, "low", EC2, created_at=end - 5 * DAY, status="pending-amazon-action")
    waiting.add_communication(created_at=end - 4 * DAY)
    waiting.add_communication(submitted_by=CUSTOMER_AUTHOR, created_at=end - 62 * HOUR)
    waiting.add_communication(created_at=end - 60 * HOUR)
    filed(refused, "critical", EC2, created_at=end - 5 * DAY)
    reopened = filed(search, "low", EKS, created_at=end - 20 * DAY, status="resolved")
    reopened.add_communication(created_at=end - 19 * DAY)

    def late() -> None:  # payments: critical, answered after an hour where 15 minutes are the target; quiet for 11 hours
        case = filed(payments, "critical", RDS)
        events.append((end - 11 * HOUR, partial(answer, case)))

    def resolved() -> None:  # search: low, answered after 10 of 24 hours; we reply 12 later, AWS in one; resolved after 24
        case = filed(search, "low", EKS)
        events.append((end - 20 * HOUR, partial(answer, case)))
        events.append((end - 8 * HOUR, partial(case.add_communication, submitted_by=CUSTOMER_AUTHOR)))
        events.append((end - 7 * HOUR, partial(answer, case)))
        events.append((end - 6 * HOUR, case.resolve))

    def quick() -> None:  # search: low, answered after half an hour, each side replies within half an hour, resolved after two
        case = filed(search, "low", EKS)
        events.append((end - 39.5 * HOUR, partial(answer, case)))
        events.append((end - 39 * HOUR, partial(case.add_communication, submitted_by=CUSTOMER_AUTHOR)))
        events.append((end - 38.5 * HOUR, partial(answer, case)))
        events.append((end - 38 * HOUR, case.resolve))

    def contend() -> None:
        contended.contention = 1.0

    def refuse() -> None:
        refused.trusts = False

    queue = fleet.send_events()
    events: list[Event] = [
        (end - 40 * HOUR, quick),
        (end - 40 * HOUR, quick),
        (end - 30 * HOUR, resolved),
        (end - 12 * HOUR, late),
        (end - 8 * HOUR, refuse),
        (end - 6 * HOUR, partial(queue.send, "none of AWS's")),
        (end - 5 * HOUR, partial(reopen, reopened)),  # search: low, waiting on AWS since
        (end - 2 * HOUR, lambda: filed(search, "urgent", EC2)),  # unanswered, due after an hour
        (end - HOUR / 2, contend),
        (end - HOUR / 2, lambda: filed(payments, "urgent", EKS)),  # unanswered, half of its target
    ]
    fleet.life = Script(events)
    return fleet
