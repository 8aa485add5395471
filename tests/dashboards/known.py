"""A fleet of which every case is known, and what each panel shows of it at the end of two days."""

import platform
from collections.abc import Callable, Mapping, Sequence

from exporter import __version__
from exporter.simulator.fleet import Fleet

HOUR, DAY = 3600.0, 86400.0
PAYMENTS, SEARCH, CONTENDED, REFUSED, NO_PLAN = (str(digit) * 12 for digit in range(1, 6))
EKS, RDS, EC2 = "service-eks", "amazon-relational-database-service", "amazon-elastic-compute-cloud-linux"

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

    def contend() -> None:
        contended.contention = 1.0

    def refuse() -> None:
        refused.trusts = False

    events: list[Event] = [
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


Shown = Mapping[str, float | tuple[float, float]]
"""What a query finds: series by legend or labels, and the value of each, or what it lies above and at most at."""

_TARGETS = {"critical": 900, "urgent": 3600, "high": 14400, "normal": 43200, "low": 86400}
_LATE: Sequence[Shown] = ({"critical": 1}, {"urgent": 0}, {"high": 0}, {"normal": 0}, {"low": 0})
_SOME = (0, 0.1)
_SERVICES = {EKS: 3, RDS: 2, EC2: 2}
_ACCOUNTS = {"payments": 4, "search": 2, "contended": 1}
_BY_SEVERITY: Sequence[Shown] = ({"critical": 1}, {"urgent": 2}, {"high": 1}, {"normal": 1}, {"low": 2})
_CONSOLE = "instance-issue support.console.aws.amazon.com"

OVERVIEW: Mapping[str, Sequence[Shown]] = {
    "Open cases": ({"": 7},),
    "Critical + urgent": ({"": 3},),
    "Unanswered": ({"": 3},),
    "Overdue": ({"": 2},),
    "Waiting on us": ({"": 3},),
    "Waiting on AWS": ({"": 4},),
    "Quiet longest": ({"": 19 * DAY},),
    "Accounts failing": ({"": 2},),
    "Open cases by severity": _BY_SEVERITY,
    "Waiting on": ({"us": 3}, {"AWS": 4}),
    "Open now": _BY_SEVERITY,
    "Cases quiet longest": (
        {
            f"search aws {EKS} low": 19 * DAY,
            f"payments aws {EKS} high": 9 * DAY,
            f"payments customer {RDS} normal": 3 * DAY,
            f"contended customer {EC2} low": 60 * HOUR,
            f"payments aws {RDS} critical": 11 * HOUR,
            f"search customer {EC2} urgent": 2 * HOUR,
            f"payments customer {EKS} urgent": HOUR / 2,
        },
        {
            f"search aws {EKS} low": 1,
            f"payments aws {EKS} high": 1,
            f"payments customer {RDS} normal": 1,
            f"contended customer {EC2} low": 1,
            f"payments aws {RDS} critical": 1,
            f"search customer {EC2} urgent": 1,
            f"payments customer {EKS} urgent": 1,
        },
    ),
    "Unanswered, closest to their target": (
        {"payments normal": 6, "search urgent": 2, "payments urgent": 0.5},
        {"payments normal": 3 * DAY, "search urgent": 2 * HOUR, "payments urgent": HOUR / 2},
    ),
    "First response against target": (
        {"critical": (900, HOUR), "low": (4 * HOUR, 12 * HOUR)},
        {"critical": (900, HOUR), "low": (4 * HOUR, 12 * HOUR)},
        _TARGETS,
        {"critical": (1, 4), "low": (1 / 6, 1 / 2)},
        {"critical": 1, "urgent": 1, "high": 0, "normal": 0, "low": 0},
    ),
    "Time to resolution": (
        {"critical": 0, "urgent": 0, "high": 0, "normal": 0, "low": 1},
        {"low": (4 * HOUR, DAY)},
        {"low": (12 * HOUR, DAY)},
    ),
    "p90 of first responses against target": ({"critical": (1, 4), "low": (1 / 6, 1 / 2)},),
    "Late first responses per day": ({"critical": 1}, {"urgent": 1}, {"high": 0}, {"normal": 0}, {"low": 0}),
    "Opened and resolved per day": ({"opened": 3}, {"reopened": 1}, {"resolved": 1}),
    "Accounts with the most open cases": (_ACCOUNTS,),
    "Services with the most open cases": (_SERVICES,),
    "Open cases of these accounts": (_ACCOUNTS,),
    "Open cases of these services": (_SERVICES,),
}
ACCOUNT: Mapping[str, Sequence[Shown]] = {
    "About the account": ({"payments demo aws us-east-1": 1},),
    "Open cases": ({"": 4},),
    "Unanswered": ({"": 2},),
    "Overdue": ({"": 1},),
    "Waiting on us": ({"": 2},),
    "Waiting on AWS": ({"": 2},),
    "Oldest case": ({"": 10 * DAY},),
    "Quiet longest": ({"": 9 * DAY},),
    "Last poll": ({"": 1},),
    "Open cases by severity": ({"critical": 1}, {"urgent": 1}, {"high": 1}, {"normal": 1}, {"low": 0}),
    "Waiting on": ({"us": 2}, {"AWS": 2}),
    "Services": ({EKS: 2, RDS: 2},),
    "Groups of cases": (
        {
            f"aws {EKS} high opened": 9 * DAY,
            f"customer {RDS} normal opened": 3 * DAY,
            f"aws {RDS} critical opened": 11 * HOUR,
            f"customer {EKS} urgent opened": HOUR / 2,
        },
        {
            f"aws {EKS} high opened": 1,
            f"customer {RDS} normal opened": 1,
            f"aws {RDS} critical opened": 1,
            f"customer {EKS} urgent opened": 1,
        },
    ),
    "Cases": (
        {
            f"{_CONSOLE} aws {EKS} high opened": 9 * DAY,
            f"{_CONSOLE} customer {RDS} normal opened": 3 * DAY,
            f"{_CONSOLE} aws {RDS} critical opened": 11 * HOUR,
            f"{_CONSOLE} customer {EKS} urgent opened": HOUR / 2,
        },
        {
            f"{_CONSOLE} aws {EKS} high opened": 10 * DAY,
            f"{_CONSOLE} customer {RDS} normal opened": 3 * DAY,
            f"{_CONSOLE} aws {RDS} critical opened": 12 * HOUR,
            f"{_CONSOLE} customer {EKS} urgent opened": HOUR / 2,
        },
    ),
    "Opened and resolved per day": ({"opened": 2}, {"reopened": 0}, {"resolved": 0}),
    "Late first responses per day": _LATE,
    "Failed polls per hour": ({"none": 0},),
}
HEALTH: Mapping[str, Sequence[Shown]] = {
    "Exporters up": ({"": 1},),
    "Accounts ok": ({"ok": 2},),
    "Failing": ({"failing": 1},),
    "Stale": ({"stale": 1},),
    "Without a plan": ({"unsupported": 1},),
    "Oldest poll": ({"": (7 * HOUR, 9 * HOUR)},),
    "Throttled": ({"": (0.1, 0.9)},),
    "Organizations": ({"": 1},),
    "Accounts by state": ({"ok": 2, "failing": 1, "stale": 1, "unsupported": 1, "pending": 0},),
    "Failed polls per hour, by reason": ({"throttled": (0, 4), "assume_role_denied": (0, 4)},),
    "Accounts with the most failures": (
        {"refused assume_role_denied": (4, 40), "contended throttled": (0.5, 4)},
        {"refused assume_role_denied": 1, "contended throttled": 1},
    ),
    "Accounts with the oldest poll": (
        {"refused": (7 * HOUR, 9 * HOUR), "contended": HOUR, "payments": 0, "search": 0},
        {"refused": 0, "contended": 0, "payments": 1, "search": 1},
    ),
    "Requests by operation": ({"AssumeRole": _SOME, "DescribeCases": _SOME},),
    "Failed requests by reason": ({"assume_role_denied": _SOME, "subscription_required": _SOME, "throttled": _SOME},),
    "Request duration": ({"p50": (0.05, 0.3)}, {"p90": (0.1, 1)}, {"p99": (0.1, 1)}),
    "Poll duration": ({"p50": (0.05, 5)}, {"p90": (0.1, 10)}, {"slowest": (0.1, 10)}),
    "Render time": ({"known:1": (0, 1)},),
    "Memory": ({"known:1": (1e7, 1e9)},),
    "Exporters": (
        {f"{platform.python_version()} {__version__}": 1},
        {"": 2 * DAY},
        {"": 5},
        {"": 1},
        {"": 0},
        {},
    ),
    "CPU": ({"known:1": (-1, 1)},),
    "Open files": ({"known:1": (0, 1)},),
}
PANELS = {"aws-support-overview": OVERVIEW, "aws-support-account": ACCOUNT, "aws-support-exporter-health": HEALTH}
OF_EACH_EXPORTER = {"Render time", "Memory", "Exporters", "CPU", "Open files"}
"""Panels with a line or a row for each exporter."""
