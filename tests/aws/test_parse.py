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
FIELDS = ("caseId", "displayId", "status", "severityCode", "serviceCode", "categoryCode", "language", "timeCreated")


def parse_one(case: dict[str, Any], *, keep_subject: bool = False) -> Case:
    (parsed,) = cases_page(json.dumps({"cases": [case]}).encode(), keep_subject=keep_subject).items
    return parsed


def written(by: str, at: str) -> dict[str, str]:
    return {"submittedBy": by, "timeCreated": at, "body": "text"}


def case_with(*communications: object, **more: str) -> dict[str, Any]:
    return {"recentCommunications": {"communications": list(communications), **more}}


def malformed(parse: Callable[[], object]) -> None:
    with pytest.raises(ReadFailure) as failure:
        parse()
    assert failure.value.reason is Reason.MALFORMED
    assert "SECRET" not in str(failure.value)
    assert failure.value.__cause__ is None


LATE, EARLY = written(AWS, "2026-01-02T00:00:00Z"), written("me", "2026-01-01T00:00:00Z")


def test_the_greatest_time_is_the_latest_in_whatever_order() -> None:
    for communications in ((LATE, EARLY), (EARLY, LATE)):
        assert parse_one(case_with(*communications)).last_author is Author.AWS


@pytest.mark.parametrize("name", ["amazon web services", "Amazon Web Services ", "Amazon Web Services, Inc.", ""])
def test_aws_signs_with_exactly_one_name(name: str) -> None:
    assert parse_one(case_with(written(name, "2026-01-02T00:00:00Z"))).last_author is Author.CUSTOMER


def test_older_communications_that_did_not_come_leave_the_first_response_open() -> None:
    assert not parse_one(case_with(EARLY, nextToken="more")).first_aws_known
    assert parse_one(case_with(EARLY)).first_aws_known


def test_times_are_utc_unless_they_say_otherwise() -> None:
    epoch = "1970-01-01T00:00:01", "1970-01-01T00:00:01.000Z", "1970-01-01T01:00:01+01:00"
    assert [timestamp(said) for said in (*epoch, "yesterday", None)] == [1.0, 1.0, 1.0, None, None]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("opened", "opened"),
        ("", "unknown"),
        (5, "unknown"),
        ("x" * 300, "x" * 256),
        ("a\ud800b\0c", "a?b\N{REPLACEMENT CHARACTER}c"),
        ("a\x1b[2Jb\nc\td\u2066e\u202ef", "a\ufffd[2Jb\nc\td\ufffde\ufffdf"),
    ],
    ids=["", "empty", "number", "long", "no UTF-8", "steers a terminal or turns text around; line breaks stay"],
)
def test_a_label_value_is_never_empty_nor_without_bound_nor_harmful(value: object, expected: str) -> None:
    assert text(value) == expected


def test_subjects_are_dropped_unless_they_are_wanted_and_then_cut() -> None:
    assert parse_one({"subject": "secret"}).subject == ""
    assert parse_one({"subject": "x" * 500}, keep_subject=True).subject == "x" * 120


def test_cases_without_ids_are_told_apart() -> None:
    page = cases_page(b'{"cases": [{}, {}]}', keep_subject=False)
    assert len({case.case_id for case in page.items}) == 2


def test_a_lone_surrogate_in_one_field_leaves_all_others_as_they_are() -> None:
    case = {"caseId": "case-1", "displayId": "17", "status": "opened", "severityCode": "high", **case_with(LATE, EARLY)}
    assert parse_one({**case, "body": "\ud800"}) == parse_one(case)
    assert parse_one({**case, "serviceCode": "\ud800"}) == replace(parse_one(case), service_code="?")


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_of_another_type_leaves_all_others_as_they_are(field: str) -> None:
    case = dict.fromkeys(FIELDS, "2026-01-02T00:00:00Z")
    odd, missing = parse_one({**case, field: 17}), parse_one({name: value for name, value in case.items() if name != field})
    assert odd == missing


@pytest.mark.parametrize(
    "body", [b"{}", b'{"communications": null}', b'{"communications": [5]}', b'{"communications": "SECRET']
)
def test_what_is_no_list_of_communications_is_malformed(body: bytes) -> None:
    malformed(lambda: communications_page(body))


BROKEN = [b"", b'{"cases": "SECRET', b"[]", b"null", b"{}", b'{"cases": null}', b'{"cases": [5]}', b"<html>", b"[" * 100_000]


@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
def test_what_is_no_list_of_cases_is_malformed_and_never_empty(body: bytes) -> None:
    parse = cases_parser(keep_subject=False)
    parse(answer("a"))
    for _ in range(2):
        malformed(lambda: parse(body))


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
values = scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.text(max_size=5), scalars, max_size=2)


@given(st.dictionaries(st.sampled_from([*FIELDS, "subject", "recentCommunications"]), values))
def test_a_case_of_odd_types_is_still_a_case(case: dict[str, Any]) -> None:
    parsed = parse_one(case, keep_subject=True)
    assert all((parsed.case_id, parsed.status, parsed.severity_code, parsed.service_code))
    str(parsed).encode()


def answer(*case_ids: str, **more: object) -> bytes:
    return json.dumps({"cases": [{"caseId": case_id} for case_id in case_ids], **more}).encode()


def test_of_an_answer_on_several_pages_none_is_taken_for_another() -> None:
    parse = cases_parser(keep_subject=False)
    pages = [parse(body) for body in (answer("a", nextToken="t"), answer("b"), answer("a", nextToken="u"), answer("b"))]
    assert [(page.items[0].case_id, page.next_token) for page in pages] == [("a", "t"), ("b", None), ("a", "u"), ("b", None)]


def test_a_page_of_far_more_cases_than_were_asked_for_is_no_answer() -> None:
    assert len(cases_page(answer(*["a"] * 1000), keep_subject=False).items) == 1000
    malformed(lambda: cases_page(answer(*["a"] * 1001), keep_subject=False))
