"""What happened to a case in the past, as far as AWS still has it."""

from collections.abc import Iterator
from typing import NamedTuple

from exporter.cases.changes import MET, MISSED, OPENED, OUTCOME
from exporter.cases.model import RESOLVED, Author, Case
from exporter.cases.targets import Targets
from exporter.cases.turns import replies

ANSWERED, REPLIED = "answered", "replied"
SHAPES = {(OPENED, 2, False), (OUTCOME, 2, False), (RESOLVED, 1, True), (ANSWERED, 1, True), (REPLIED, 2, True)}
"""Of milestones: kind, number of values, and whether there are seconds."""


class Milestone(NamedTuple):
    """Something that happened at a time (Unix seconds): its kind and what it is counted by, and how long it took."""

    at: float
    counted: tuple[str, ...]
    seconds: float | None = None


def milestones(case: Case, targets: Targets, *, communications: bool = True) -> Iterator[Milestone]:
    """Yield what happened to a case, in any order, by today's severity and targets; also a target that will be missed.

    AWS does not say when a case was resolved: it is taken to have been with its latest communication. Where not all
    communications are known (`first_aws_known`), or none are wanted, only opening and resolution are returned.
    """
    severity_code, created, first = case.severity_code, case.created, case.first_aws
    if created is None:
        return
    ended = float("inf") if case.is_open else max(created, case.last_activity or created)
    yield Milestone(created, (OPENED, severity_code, case.opened_by))
    if not case.is_open:
        yield Milestone(ended, (RESOLVED, severity_code), ended - created)
    if not (communications and case.first_aws_known):
        return
    for answer, seconds in replies(case.communications):
        if answer != (first, Author.AWS):
            yield Milestone(answer.created, (REPLIED, severity_code, answer.author), seconds)
    if first is not None:
        yield Milestone(first, (ANSWERED, severity_code), max(0.0, first - created))
    target = targets.of(severity_code, case.service_code)
    if first is not None and first - created <= target < float("inf"):
        yield Milestone(first, (OUTCOME, severity_code, MET))
    elif case.opened_by is Author.CUSTOMER and ended - created > target:
        yield Milestone(created + target, (OUTCOME, severity_code, MISSED))
