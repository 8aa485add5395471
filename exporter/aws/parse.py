"""From the body of a DescribeCases answer to cases.

Message bodies, addresses and (unless they are wanted) subjects never become Python objects. Fields may be missing or of another
type than documented: what cannot be understood becomes `unknown` or None, it never raises.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Annotated, Any, Generic, TypeVar

import msgspec

from exporter.aws.errors import malformed
from exporter.cases.model import UNKNOWN, Author, Case, Communication, pack
from exporter.cases.turns import first_by_aws, opened_by

T = TypeVar("T")
C = TypeVar("C")

AWS_AUTHOR = "Amazon Web Services"
_CONTROLS = (*range(9), *range(11, 32), *range(127, 160))
_DIRECTIONS_AND_LINE_ENDS = (0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))
_REPLACED = dict.fromkeys((*_CONTROLS, *_DIRECTIONS_AND_LINE_ENDS), "\N{REPLACEMENT CHARACTER}")
"""Characters that steer a terminal, end a string or make text read as another; line breaks and tabs stay."""
ACCOUNT_ID = re.compile(r"[0-9]{12}")
_LONGEST_VALUE = 256
_OF_A_PAGE = msgspec.Meta(max_length=1000)  # ten times what is asked for
_LONGEST_SUBJECT = 120
_Odd = bool | int | float | str | None
"""What may be where an object or a list belongs, and is treated as none; Any is what should be text."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a listing, and the token of the page after it or None."""

    items: tuple[T, ...]
    next_token: str | None


class _Communication(msgspec.Struct, rename="camel"):
    submitted_by: Any = None
    time_created: Any = None


class _RecentCommunications(msgspec.Struct, rename="camel"):
    communications: list[_Communication | list[Any] | _Odd] | dict[str, Any] | _Odd = None
    next_token: Any = None


class _Case(msgspec.Struct, rename="camel"):
    case_id: Any = None
    display_id: Any = None
    status: Any = None
    severity_code: Any = None
    service_code: Any = None
    category_code: Any = None
    language: Any = None
    time_created: Any = None
    recent_communications: _RecentCommunications | list[Any] | _Odd = None


class _CaseWithSubject(_Case):
    subject: Any = None


# Were a missing list treated as an empty one, a broken answer would read as no open cases.
class _Cases(msgspec.Struct, Generic[C], rename="camel"):
    cases: Annotated[list[C], _OF_A_PAGE]
    next_token: Any = None


class _Communications(msgspec.Struct, rename="camel"):
    communications: Annotated[list[_Communication], _OF_A_PAGE]
    next_token: Any = None


_CASES = msgspec.json.Decoder(_Cases[_Case])
_CASES_WITH_SUBJECTS = msgspec.json.Decoder(_Cases[_CaseWithSubject])
_COMMUNICATIONS = msgspec.json.Decoder(_Communications)


def cases_page(body: bytes, *, keep_subject: bool) -> Page[Case]:
    """Parse the body of a DescribeCases answer, resolved cases included, or raise `malformed`."""
    answer = _decode(_CASES_WITH_SUBJECTS, body, "DescribeCases") if keep_subject else _decode(_CASES, body, "DescribeCases")
    return Page(tuple(_case(case, position) for position, case in enumerate(answer.cases)), _token(answer.next_token))


def cases_parser(*, keep_subject: bool) -> Callable[[bytes], Page[Case]]:
    """Return `cases_page` for one account, which parses the same answer once: between most polls nothing happens to its cases.

    Only a page that is the entire answer is remembered: what comes on several gets a new token with each.
    """
    remembered: tuple[bytes, Page[Case]] | None = None

    def parse(body: bytes) -> Page[Case]:
        nonlocal remembered
        digest = sha256(body).digest()
        if remembered and remembered[0] == digest:
            return remembered[1]
        page = cases_page(body, keep_subject=keep_subject)
        if page.next_token is None:
            remembered = (digest, page)
        return page

    return parse


def communications_page(body: bytes) -> Page[Communication]:
    """Parse the body of a DescribeCommunications answer, or raise `malformed`."""
    answer = _decode(_COMMUNICATIONS, body, "DescribeCommunications")
    written = tuple(_written(answer.communications))
    if len(written) < len(answer.communications):
        raise malformed("DescribeCommunications: a communication has no time")
    return Page(written, _token(answer.next_token))


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
        return value[:longest]
    return value[:longest].encode("utf-8", "replace").decode().translate(_REPLACED)


def _code(value: object) -> str:
    return _shared(value[:_LONGEST_VALUE]) if isinstance(value, str) else UNKNOWN


_shared = lru_cache(maxsize=4096)(text)


def _decode(decoder: msgspec.json.Decoder[T], body: bytes, operation: str) -> T:
    # What is raised is not chained: it could hold the entire body.
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        if "length" in str(error):
            raise malformed(f"{operation}: {error}") from None
    try:
        # It may be what msgspec refuses and json reads: lone surrogates, numbers out of range.
        return msgspec.convert(json.loads(body), decoder.type)
    except msgspec.ValidationError as error:
        raise malformed(f"{operation}: {error}") from None
    except (ValueError, RecursionError):
        raise malformed(f"{operation}: the answer is not JSON ({len(body)} bytes)") from None


def _token(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _case(case: _Case, position: int) -> Case:
    display_id = text(case.display_id)
    # A case without any id is still a case: it must not be mistaken for another one.
    stand_in = f"{text(case.time_created)}-{position}" if display_id == UNKNOWN else display_id
    recent = case.recent_communications
    if not isinstance(recent, _RecentCommunications):
        recent = _RecentCommunications()
    items = recent.communications
    written = _written(items) if isinstance(items, list) else []
    seen = tuple(sorted(written))
    # Where nothing is said of them, or of when they were written, AWS may have answered.
    is_whole = isinstance(items, list) and len(items) == len(written) and _token(recent.next_token) is None
    opener = opened_by(seen) if is_whole else Author.CUSTOMER
    return Case(
        case_id=text(case.case_id, default=stand_in),
        display_id=display_id,
        status=_code(case.status),
        severity_code=_code(case.severity_code),
        service_code=_code(case.service_code),
        category_code=_code(case.category_code),
        language=_code(case.language),
        created=timestamp(case.time_created),
        latest=seen[-1] if seen else None,
        first_aws=None if opener is Author.AWS else first_by_aws(seen),
        first_aws_known=is_whole,
        opened_by=opener,
        packed=pack(seen),
        subject=text(case.subject, "", _LONGEST_SUBJECT) if isinstance(case, _CaseWithSubject) else "",
    )


def _written(items: Iterable[object]) -> list[Communication]:
    """Return when each communication was written, and by whom; one without a time cannot be put in order."""
    return [
        Communication(created, Author.AWS if item.submitted_by == AWS_AUTHOR else Author.CUSTOMER)
        for item in items
        if isinstance(item, _Communication) and (created := timestamp(item.time_created)) is not None
    ]
