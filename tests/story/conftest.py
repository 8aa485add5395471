from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest

from exporter.simulator.account import Account
from exporter.simulator.case import AWS_AUTHOR, Case
from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.resilience.conftest import StartRig, clock, fleet, rig, simulator
from tests.support.page import Page

__all__ = ["clock", "fleet", "rig", "simulator"]

A = "111122223333"
HOUR = 3600.0


@dataclass(slots=True)
class Story:
    """What happens in an account over hours, and the page after each step."""

    simulator: Simulator
    account: Account
    start: StartRig
    pages: dict[str, Page] = field(default_factory=dict)

    @property
    def case(self) -> Case:
        """The account's only case."""
        return self.account.cases[0]

    def aws(self, status: str = "") -> None:
        """Let AWS write, and set the status."""
        self.case.add_communication(submitted_by=AWS_AUTHOR)
        self.case.status = status or self.case.status

    def customer(self, status: str = "") -> None:
        """Let the customer write, and set the status."""
        self.case.add_communication(submitted_by="Customer")
        self.case.status = status or self.case.status

    def tell(self, steps: "Steps", rest: str = "") -> dict[str, Page]:
        """Return the page after each step: something happens, hours pass, and the account is read; None starts anew."""
        running = self.start(A, rest=rest, poll="interval: 10s, max_staleness: 30d")
        self.pages["before"] = running.round()
        for title, (hours, happens) in steps.items():
            if happens is None:
                running = self.start(A, rest=rest, poll="interval: 10s, max_staleness: 30d")
            else:
                happens(self)
            self.pages[title] = running.after(hours * HOUR)
        return self.pages


Steps = Mapping[str, tuple[float, Callable[[Story], object] | None]]


@pytest.fixture
def story(simulator: Simulator, fleet: Fleet, rig: StartRig) -> Story:
    return Story(simulator, fleet.add_account(account_id=A), rig)
