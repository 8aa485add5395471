"""A fleet of which every case is known; panels.yaml has what each panel shows of it after two days."""

from collections.abc import Callable

from exporter.simulator.fleet import Fleet

HOUR, DAY = 3600.0, 86400.0
PAYMENTS, SEARCH, CONTENDED, REFUSED, NO_PLAN = (str(digit) * 12 for digit in range(1, 6))
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


def known(clock: Callable[[], float]) -> Fleet:
    """Return the fleet two days before the end; the comments say what is open then, and for how long it has been quiet."""
    fleet, end = Fleet.empty(clock), clock() + 2 * DAY
    payments = fleet.add_account(PAYMENTS, "payments")
    search = fleet.add_account(SEARCH, "search")
    contended = fleet.add_account(CONTENDED, "contended")
    refused = fleet.add_account(REFUSED, "refused")
    fleet.add_account(NO_PLAN, "no-plan", supported=False)
    # payments: high, waiting on us, quiet for 9 days; normal, waiting on AWS, unanswered for 3 days and overdue.
    old = payments.add_case(severity_code="high", service_code=EKS, created_at=end - 10 * DAY)
    old.add_communication(created_at=end - 9 * DAY)
    payments.add_case(severity_code="normal", service_code=RDS, created_at=end - 3 * DAY)
    # contended: low, waiting on AWS, answered; quiet for 60 hours.
    waiting = contended.add_case(severity_code="low", service_code=EC2, created_at=end - 5 * DAY)
    waiting.add_communication(created_at=end - 4 * DAY)
    waiting.add_communication(submitted_by="someone@example.com", created_at=end - 60 * HOUR)
    refused.add_case(severity_code="critical", created_at=end - 5 * DAY)
    reopened = search.add_case(severity_code="low", service_code=EKS, created_at=end - 20 * DAY, status="resolved")
    reopened.add_communication(created_at=end - 19 * DAY)

    def late() -> None:  # payments: critical, answered after an hour where 15 minutes are the target; quiet for 11 hours
        case = payments.add_case(severity_code="critical", service_code=RDS)
        events.append((end - 11 * HOUR, case.add_communication))

    def resolved() -> None:  # search: low, answered after 10 of 24 hours, resolved after 24
        case = search.add_case(severity_code="low", service_code=EKS)
        events.append((end - 20 * HOUR, case.add_communication))
        events.append((end - 6 * HOUR, case.resolve))

    def quick() -> None:  # search: low, answered after half an hour, resolved after one
        case = search.add_case(severity_code="low", service_code=EKS)
        events.append((end - 39.5 * HOUR, case.add_communication))
        events.append((end - 39 * HOUR, case.resolve))

    def contend() -> None:
        contended.contention = 1.0

    def refuse() -> None:
        refused.trusts = False

    events: list[Event] = [
        (end - 40 * HOUR, quick),
        (end - 40 * HOUR, quick),
        (end - 30 * HOUR, resolved),
        (end - 12 * HOUR, late),
        (end - 8 * HOUR, refuse),
        (end - 5 * HOUR, reopened.reopen),  # search: low, waiting on us, quiet for 19 days
        (end - 2 * HOUR, lambda: search.add_case(severity_code="urgent", service_code=EC2)),  # unanswered, due after an hour
        (end - HOUR / 2, contend),
        (end - HOUR / 2, lambda: payments.add_case(severity_code="urgent", service_code=EKS)),  # unanswered, half of its target
    ]
    fleet.life = Script(events)
    return fleet
