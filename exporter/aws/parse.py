"""From the body of a DescribeCases answer to cases, dropping bodies, subjects and addresses on the way.

botocore's own parser would build every message body as an object of its own before anyone could drop it, and takes longer for
that than the rest of the call. This one keeps what the metrics need. Fields may be missing or of another type than documented:
what cannot be understood becomes `unknown` or None, it never raises.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from sys import intern

from exporter.cases.model import UNKNOWN, Author, Case, Communication, Reason
from exporter.errors import ReadFailure

AWS_AUTHOR = "Amazon Web Services"
_CONTROLS = (*range(9), *range(11, 32), *range(127, 160))
_DIRECTIONS_AND_LINE_ENDS = (0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))
_REPLACED = dict.fromkeys((*_CONTROLS, *_DIRECTIONS_AND_LINE_ENDS), "\N{REPLACEMENT CHARACTER}")
"""Characters that steer a terminal, end a string or make text read as another; line breaks and tabs stay."""
ACCOUNT_ID = re.compile(r"[0-9]{12}")
_LONGEST_VALUE = 256
_LONGEST_SUBJECT = 120


@dataclass(frozen=True, slots=True)
class CasesPage:
    """One page of DescribeCases.

    Attributes:
        cases: The cases of the page, resolved ones included if AWS sent any.
        next_token: The token of the page after it, or None on the last.
    """

    cases: tuple[Case, ...]
    next_token: str | None


@dataclass(frozen=True, slots=True)
class CommunicationsPage:
    """One page of DescribeCommunications: who wrote when, and the token of the page after it."""

    communications: tuple[Communication, ...]
    next_token: str | None


def cases_page(body: bytes, *, keep_subject: bool) -> CasesPage:
    """Parse the body of a DescribeCases answer.

    Args:
        body: JSON, as it came over the wire.
        keep_subject: Whether subject lines are wanted; they are cut at 120 characters.

    Raises:
        ReadFailure: `malformed`: not a JSON object with a list of objects under `cases`.
    """
    answer = _object(body, "DescribeCases")
    cases = _objects(answer.get("cases"), "DescribeCases", "cases")
    return CasesPage(
        tuple(_case(case, position, keep_subject=keep_subject) for position, case in enumerate(cases)), _token(answer)
    )


class CasesParser:
    """Parses the answers of one account, and the same answer once: between most polls nothing happens to its cases.

    Only one page is remembered: an account of so many cases that they come on several gets a new token with each.
    """

    def __init__(self, *, keep_subject: bool) -> None:
        self._keep_subject = keep_subject
        self._digest = b""
        self._page: CasesPage | None = None

    def parse(self, body: bytes) -> CasesPage:
        """Return what `cases_page` makes of a body.

        Raises:
            ReadFailure: As `cases_page`.
        """
        digest = hashlib.sha256(body).digest()
        if self._page is None or digest != self._digest:
            page = cases_page(body, keep_subject=self._keep_subject)
            if page.next_token is not None:
                return page
            self._digest, self._page = digest, page
        return self._page


def communications_page(body: bytes) -> CommunicationsPage:
    """Parse the body of a DescribeCommunications answer.

    Raises:
        ReadFailure: `malformed`: not a JSON object with a list of objects under `communications`.
    """
    answer = _object(body, "DescribeCommunications")
    items = _objects(answer.get("communications"), "DescribeCommunications", "communications")
    return CommunicationsPage(tuple(Communication(*item) for item in _written(items)), _token(answer))


def timestamp(value: object) -> float | None:
    """Return Unix seconds of a time as AWS writes it (ISO 8601; UTC when no zone is given), or None."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def text(value: object, default: str = UNKNOWN, longest: int = _LONGEST_VALUE) -> str:
    """Return a value of the API as a label value: not empty, encodable, of bounded length."""
    if not isinstance(value, str) or not value:
        return default
    if value.isascii() and value.isprintable():
        return intern(value[:longest])
    return value[:longest].encode("utf-8", "replace").decode().translate(_REPLACED)


def _case(case: Mapping[str, object], position: int, *, keep_subject: bool) -> Case:
    display_id = text(case.get("displayId"))
    # A case without any id is still a case: it must not be taken for another one.
    stand_in = f"{case.get('timeCreated')}-{position}" if display_id == UNKNOWN else display_id
    recent = case.get("recentCommunications")
    recent = recent if isinstance(recent, dict) else {}
    items = recent.get("communications")
    seen = _written(items if isinstance(items, list) else ())
    return Case(
        case_id=text(case.get("caseId"), default=stand_in),
        display_id=display_id,
        status=text(case.get("status")),
        severity_code=text(case.get("severityCode")),
        service_code=text(case.get("serviceCode")),
        category_code=text(case.get("categoryCode")),
        language=text(case.get("language")),
        created=timestamp(case.get("timeCreated")),
        latest=Communication(*max(seen)) if seen else None,
        first_aws=min((created for created, author in seen if author is Author.AWS), default=None),
        first_aws_known=_token(recent) is None,
        subject=text(case.get("subject"), "", _LONGEST_SUBJECT) if keep_subject else "",
    )


def _written(items: Iterable[object]) -> list[tuple[float, Author]]:
    """Return when each communication was written, and by whom; one without a time cannot be put in order."""
    return [
        (created, Author.AWS if item.get("submittedBy") == AWS_AUTHOR else Author.CUSTOMER)
        for item in items
        if isinstance(item, dict) and (created := timestamp(item.get("timeCreated"))) is not None
    ]


def _object(body: bytes, operation: str) -> dict[str, object]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        # Not chained: the error holds the whole body.
        raise ReadFailure(Reason.MALFORMED, f"{operation}: the answer is not JSON ({len(body)} bytes)") from None
    if not isinstance(answer, dict):
        raise ReadFailure(Reason.MALFORMED, f"{operation}: the answer is not a JSON object")
    return answer


def _objects(value: object, operation: str, name: str) -> list[dict[str, object]]:
    """Return a list of objects; were a missing one taken for empty, a broken answer would read as no open cases."""
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ReadFailure(Reason.MALFORMED, f"{operation}: {name} is not a list of objects")
    return value


def _token(answer: Mapping[str, object]) -> str | None:
    token = answer.get("nextToken")
    return token if isinstance(token, str) and token else None
