import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.aws.parse import cases_page, cases_parser, communications_page, text, timestamp
from exporter.cases.model import Author, Case, Reason
from exporter.errors import ReadFailure

AWS = "Amazon Web Services"
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("caseId", "displayId", "status", "severityCode", "serviceCode", "categoryCode", "language", "timeCreated", "subject")


def parse_one(case: dict[str, Any], *, keep_subject: bool = False) -> Case:
    (parsed,) = cases_page(json.dumps({"cases": [case]}).encode(), keep_subject=keep_subject).items
    return parsed


def communication(by: str, at: str) -> dict[str, str]:
    return {"submittedBy": by, "timeCreated": at, "body": "text"}


def with_communications(*communications: dict[str, str], **more: str) -> dict[str, Any]:
    return {"recentCommunications": {"communications": list(communications), **more}}


@pytest.mark.parametrize("reverse", [False, True])
def test_the_greatest_time_is_the_latest_in_whatever_order(reverse: bool) -> None:  # noqa: FBT001 - a column
    seen = [communication(AWS, "2026-01-02T00:00:00Z"), communication("me", "2026-01-01T00:00:00Z")]
    parsed = parse_one(with_communications(*(reversed(seen) if reverse else seen)))
    assert parsed.last_author is Author.AWS


@pytest.mark.parametrize("name", ["amazon web services", "Amazon Web Services ", "Amazon Web Services, Inc.", ""])
def test_aws_signs_with_exactly_one_name(name: str) -> None:
    assert parse_one(with_communications(communication(name, "2026-01-02T00:00:00Z"))).last_author is Author.CUSTOMER


def test_older_communications_that_did_not_come_leave_the_first_response_open() -> None:
    late = communication("me", "2026-01-02T00:00:00Z")
    assert not parse_one(with_communications(late, nextToken="more")).first_aws_known
    assert parse_one(with_communications(late)).first_aws_known


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("1970-01-01T00:00:01.500Z", 1.5),
        ("1970-01-01T00:00:01", 1.0),
        ("1970-01-01T01:00:00+01:00", 0.0),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_times_are_utc_unless_they_say_otherwise(written: str | None, expected: float | None) -> None:
    assert timestamp(written) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("opened", "opened"), ("", "unknown"), (None, "unknown"), (5, "unknown"), (["x"], "unknown"), ("x" * 300, "x" * 256)],
)
def test_a_label_value_is_never_empty_nor_without_bound(value: object, expected: str) -> None:
    assert text(value) == expected


def test_what_utf_8_or_the_text_format_cannot_carry_is_replaced() -> None:
    assert text("a\ud800b\0c") == "a?b\N{REPLACEMENT CHARACTER}c"


def test_what_would_steer_a_terminal_or_turn_text_around_is_replaced_and_line_breaks_stay() -> None:
    assert text("a\x1b[2Jb\nc\td\u2066e\u202ef") == "a\ufffd[2Jb\nc\td\ufffde\ufffdf"


def test_subjects_are_dropped_unless_they_are_wanted_and_then_cut() -> None:
    assert parse_one({"subject": "secret"}).subject == ""
    assert parse_one({"subject": "x" * 500}, keep_subject=True).subject == "x" * 120


def test_cases_without_ids_are_told_apart() -> None:
    page = cases_page(b'{"cases": [{}, {}]}', keep_subject=False)
    assert len({case.case_id for case in page.items}) == 2


def test_a_lone_surrogate_in_one_field_leaves_all_others_as_they_are() -> None:
    written = with_communications(communication(AWS, "2026-01-02T00:00:00Z"), communication("me", "2026-01-01T00:00:00Z"))
    case = {"caseId": "case-1", "displayId": "17", "status": "opened", "severityCode": "high", **written}
    assert parse_one({**case, "body": "\ud800"}) == parse_one(case)
    assert parse_one({**case, "serviceCode": "\ud800"}) == replace(parse_one(case), service_code="?")


@pytest.mark.parametrize("field", [field for field in FIELDS if field != "subject"])
def test_a_field_of_another_type_leaves_all_others_as_they_are(field: str) -> None:
    case = dict.fromkeys(FIELDS, "2026-01-02T00:00:00Z")
    odd, missing = parse_one({**case, field: 17}), parse_one({name: value for name, value in case.items() if name != field})
    assert odd == missing


def test_communications_of_other_types_are_left_out() -> None:
    odd = {
        "recentCommunications": {"communications": [17, None, communication(AWS, "2026-01-02T00:00:00Z"), {"timeCreated": 5}]}
    }
    read = parse_one(odd)
    assert read.communications == parse_one(with_communications(communication(AWS, "2026-01-02T00:00:00Z"))).communications
    assert not read.first_aws_known


@pytest.mark.parametrize("body", [b"{}", b'{"communications": null}', b'{"communications": [5]}', b'{"communications": "x"}'])
def test_what_is_no_list_of_communications_is_malformed(body: bytes) -> None:
    with pytest.raises(ReadFailure) as failure:
        communications_page(body)
    assert failure.value.reason is Reason.MALFORMED


BROKEN = [b"", b"{", b"[]", b"null", b"{}", b'{"cases": null}', b'{"cases": {}}', b'{"cases": [5]}', b"<html>", b"[" * 100_000]


@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
def test_what_is_no_list_of_cases_is_malformed_and_never_empty(body: bytes) -> None:
    with pytest.raises(ReadFailure) as failure:
        cases_page(body, keep_subject=False)
    assert failure.value.reason is Reason.MALFORMED


def test_a_failure_holds_nothing_of_the_answer() -> None:
    with pytest.raises(ReadFailure) as failure:
        cases_page(b'{"cases": "SECRET', keep_subject=False)
    assert "SECRET" not in str(failure.value)
    assert failure.value.__cause__ is None


@given(st.dictionaries(st.sampled_from([*FIELDS, "recentCommunications"]), values))
def test_a_case_of_odd_types_is_still_a_case(case: dict[str, Any]) -> None:
    parsed = parse_one(case, keep_subject=True)
    assert all((parsed.case_id, parsed.status, parsed.severity_code, parsed.service_code))
    str(parsed).encode()


@given(st.binary() | values.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_a_page_or_malformed(body: bytes) -> None:
    reasons = {failure.reason for failure in (outcome(body, cases), outcome(body, communications_page)) if failure}
    assert reasons <= {Reason.MALFORMED}


def cases(body: bytes) -> object:
    return cases_page(body, keep_subject=True)


def outcome(body: bytes, parse: Callable[[bytes], object]) -> ReadFailure | None:
    try:
        parse(body)
    except ReadFailure as failure:
        return failure
    return None


def answer(*case_ids: str, **more: object) -> bytes:
    return json.dumps({"cases": [{"caseId": case_id} for case_id in case_ids], **more}).encode()


def test_the_same_answer_is_parsed_once() -> None:
    parse = cases_parser(keep_subject=False)

    first, again, changed = parse(answer("a")), parse(answer("a")), parse(answer("a", "b"))

    assert again is first
    assert changed == cases_page(answer("a", "b"), keep_subject=False)


def test_of_an_answer_on_several_pages_none_is_taken_for_another() -> None:
    parse = cases_parser(keep_subject=False)

    pages = [parse(body) for body in (answer("a", nextToken="t"), answer("b"), answer("a", nextToken="u"), answer("b"))]

    assert [(page.items[0].case_id, page.next_token) for page in pages] == [("a", "t"), ("b", None), ("a", "u"), ("b", None)]


def test_an_answer_that_is_malformed_is_so_each_time() -> None:
    parse = cases_parser(keep_subject=False)
    parse(answer("a"))

    for _ in range(2):
        with pytest.raises(ReadFailure):
            parse(b"{}")


@pytest.mark.parametrize("cases", [1000, 1001])
def test_a_page_of_far_more_cases_than_were_asked_for_is_no_answer(cases: int) -> None:
    body = json.dumps({"cases": [{}] * cases}).encode()
    if cases > 1000:
        with pytest.raises(ReadFailure, match="malformed"):
            cases_page(body, keep_subject=False)
    else:
        assert len(cases_page(body, keep_subject=False).items) == cases
