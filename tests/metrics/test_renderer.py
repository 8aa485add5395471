"""What did not change since the page before is not encoded again."""

from dataclasses import replace
from typing import NamedTuple

import pytest

from exporter.cases.changes import Changes
from exporter.cases.model import Account, Reading
from exporter.cases.policy import Policy
from exporter.cases.status import AccountStatus, Poll
from exporter.metrics import renderer
from exporter.metrics.families import AccountLines, account_lines
from exporter.metrics.instrumentation import Instrumentation
from exporter.metrics.renderer import Renderer
from tests.support.cases import NOW, case
from tests.support.page import plain

STALENESS = 1800.0
POLICY = Policy(STALENESS, {})


class Encoded(NamedTuple):
    """An account that was encoded, and whether the lines of its cases were kept."""

    account_id: str
    cases_kept: bool


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[Encoded]:
    """Return a list to which each account is added when it is encoded."""
    found: list[Encoded] = []

    def note(status: AccountStatus, policy: Policy, now: float, before: AccountLines | None = None) -> AccountLines:
        lines = account_lines(status, policy, now, before)
        found.append(Encoded(status.account.account_id, before is not None and lines.cases is before.cases))
        return lines

    monkeypatch.setattr(renderer, "account_lines", note)
    return found


def read(account_id: str) -> AccountStatus:
    status = AccountStatus(Account(account_id, account_id, "us-east-1", "aws"))
    return status.after_success(Reading(NOW, (case(),)), Poll(NOW, 0.5), Changes())


def test_an_account_is_encoded_again_only_when_it_was_read_or_time_changes_what_it_shows(encoded: list[Encoded]) -> None:
    one, other = read("1"), read("2")
    pages = Renderer(Instrumentation(()).encode)

    pages.render([one, other], POLICY, [], NOW)
    assert encoded == [Encoded("1", cases_kept=False), Encoded("2", cases_kept=False)]

    encoded.clear()
    for after in (0, 15, STALENESS):
        pages.render([one, other], POLICY, [], NOW + after)
    assert encoded == []

    pages.render([replace(one, last_poll=Poll(NOW + STALENESS, 0.7)), other], POLICY, [], NOW + STALENESS)
    assert encoded == [Encoded("1", cases_kept=True)]

    encoded.clear()
    pages.render([one, other], POLICY, [], NOW + STALENESS + 1)
    assert encoded == [Encoded("1", cases_kept=False), Encoded("2", cases_kept=False)], "their cases are too old to be shown"


def test_accounts_that_go_leave_the_page_and_no_other_is_encoded_again(encoded: list[Encoded]) -> None:
    one, other = read("1"), read("2")
    pages = Renderer(Instrumentation(()).encode)
    pages.render([one, other], POLICY, [], NOW)
    encoded.clear()
    left = [plain(pages.render(some, POLICY, [], NOW)) for some in ([one, other], [other], [])]
    assert [[f'account_id="{number}"' in page for number in (1, 2)] for page in left] == [
        [True, True],
        [False, True],
        [False, False],
    ]
    assert encoded == []


def test_another_policy_is_shown_at_once(encoded: list[Encoded]) -> None:
    one = read("1")
    pages = Renderer(Instrumentation(()).encode)
    pages.render([one], POLICY, [], NOW)
    page = plain(pages.render([one], replace(POLICY, case_limit=1), [], NOW))
    assert "aws_support_case_info{" in page
    assert encoded[1:] == [Encoded("1", cases_kept=False)]
