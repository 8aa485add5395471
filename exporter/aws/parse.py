"""From the body of a DescribeCases answer to cases.

Message bodies, addresses and (unless they are wanted) subjects never become Python objects. Fields may be missing or of another
type than documented: what cannot be understood becomes `unknown` or None, it never raises.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from sys import intern
from typing import Generic, TypeVar

import msgspec

from exporter.aws.errors import malformed
from exporter.cases.model import UNKNOWN, Author, Case, Communication

T = TypeVar("T")
C = TypeVar("C")

AWS_AUTHOR = "Amazon Web Services"
_CONTROLS = (*range(9), *range(11, 32), *range(127, 160))
_DIRECTIONS_AND_LINE_ENDS = (0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))
_REPLACED = dict.fromkeys((*_CONTROLS, *_DIRECTIONS_AND_LINE_ENDS), "\N{REPLACEMENT CHARACTER}")
"""Characters that steer a terminal, end a string or make text read as another; line breaks and tabs stay."""
ACCOUNT_ID = re.compile(r"[0-9]{12}")
_LONGEST_VALUE = 256
_LONGEST_SUBJECT = 120


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a listing, and the token of the page after it or None."""

    items: tuple[T, ...]
    next_token: str | None


class _Communication(msgspec.Struct, rename="camel"):
    submitted_by: str | None = None
    time_created: str | None = None


class _Communications(msgspec.Struct, rename="camel"):
    communications: list[_Communication] | None = None
    next_token: str | None = None


class _Case(msgspec.Struct, rename="camel"):
    case_id: str | None = None
    display_id: str | None = None
    status: str | None = None
    severity_code: str | None = None
    service_code: str | None = None
    category_code: str | None = None
    language: str | None = None
    time_created: str | None = None
    recent_communications: _Communications | None = None


class _CaseWithSubject(_Case):
    subject: str | None = None


class _Cases(msgspec.Struct, Generic[C], rename="camel"):
    cases: list[C]
    next_token: str | None = None


_decode_cases = msgspec.json.Decoder(_Cases[_Case]).decode
_decode_cases_with_subjects = msgspec.json.Decoder(_Cases[_CaseWithSubject]).decode
_decode_communications = msgspec.json.Decoder(_Communications).decode


def cases_page(body: bytes, *, keep_subject: bool) -> Page[Case]:
    """Parse the body of a DescribeCases answer, resolved cases included; subjects are cut at 120 characters.

    Raises:
        RequestFailure: `malformed`: not a JSON object with a list of objects under `cases`.
    """
    answer: _Cases[_Case] | _Cases[_CaseWithSubject]
    try:
        answer = _decode_cases_with_subjects(body) if keep_subject else _decode_cases(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        answer = msgspec.convert(_tolerant(body, "DescribeCases", "cases"), _Cases[_CaseWithSubject])
    cases = tuple(_case(case, position, keep_subject=keep_subject) for position, case in enumerate(answer.cases))
    return Page(cases, answer.next_token or None)


class CasesParser:
    """Parses the answers of one account, and the same answer once: between most polls nothing happens to its cases.

    Only a page that is the whole answer is remembered: what comes on several gets a new token with each.
    """

    def __init__(self, *, keep_subject: bool) -> None:
        self._keep_subject = keep_subject
        self._digest = b""
        self._page: Page[Case] | None = None

    def parse(self, body: bytes) -> Page[Case]:
        """Return what `cases_page` makes of a body."""
        digest = sha256(body).digest()
        if self._page is None or digest != self._digest:
            page = cases_page(body, keep_subject=self._keep_subject)
            if page.next_token is not None:
                return page
            self._digest, self._page = digest, page
        return self._page


def communications_page(body: bytes) -> Page[Communication]:
    """Parse the body of a DescribeCommunications answer.

    Raises:
        RequestFailure: `malformed`: not a JSON object with a list of objects under `communications`.
    """
    try:
        answer = _decode_communications(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        answer = msgspec.convert(_tolerant(body, "DescribeCommunications", "communications"), _Communications)
    if answer.communications is None:
        raise malformed("DescribeCommunications: communications is not a list of objects")
    return Page(tuple(Communication(*item) for item in _written(answer.communications)), answer.next_token or None)


def timestamp(value: str | None) -> float | None:
    """Return Unix seconds of a time as AWS writes it (ISO 8601; UTC when no zone is given), or None."""
    if value is None:
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


def _case(case: _Case, position: int, *, keep_subject: bool) -> Case:
    display_id = text(case.display_id)
    # A case without any id is still a case: it must not be taken for another one.
    stand_in = f"{case.time_created}-{position}" if display_id == UNKNOWN else display_id
    recent = case.recent_communications or _Communications()
    seen = _written(recent.communications or ())
    return Case(
        case_id=text(case.case_id, default=stand_in),
        display_id=display_id,
        status=text(case.status),
        severity_code=text(case.severity_code),
        service_code=text(case.service_code),
        category_code=text(case.category_code),
        language=text(case.language),
        created=timestamp(case.time_created),
        latest=Communication(*max(seen)) if seen else None,
        first_aws=min((created for created, author in seen if author is Author.AWS), default=None),
        first_aws_known=not recent.next_token,
        subject=text(case.subject, "", _LONGEST_SUBJECT) if keep_subject and isinstance(case, _CaseWithSubject) else "",
    )


def _written(items: Iterable[_Communication]) -> list[tuple[float, Author]]:
    """Return when each communication was written, and by whom; one without a time cannot be put in order."""
    return [
        (created, Author.AWS if item.submitted_by == AWS_AUTHOR else Author.CUSTOMER)
        for item in items
        if (created := timestamp(item.time_created)) is not None
    ]


def _tolerant(body: bytes, operation: str, name: str) -> dict[str, object]:
    """Read an answer that msgspec refuses, for fields of other types or lone surrogates, and leave those fields out."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        # Not chained: the error holds the whole body.
        raise malformed(f"{operation}: the answer is not JSON ({len(body)} bytes)") from None
    if not isinstance(answer, dict):
        raise malformed(f"{operation}: the answer is not a JSON object")
    items = answer.get(name)
    # Were a missing list taken for an empty one, a broken answer would read as no open cases.
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise malformed(f"{operation}: {name} is not a list of objects")
    return _of_known_types(answer)


def _of_known_types(fields: Mapping[str, object]) -> dict[str, object]:
    known: dict[str, object] = {}
    for name, value in fields.items():
        match value:
            case list() if name in {"cases", "communications"}:
                known[name] = [_of_known_types(item) for item in value if isinstance(item, dict)]
            case dict() if name == "recentCommunications":
                known[name] = _of_known_types(value)
            case str() if name not in {"cases", "communications", "recentCommunications"}:
                known[name] = value
    return known
