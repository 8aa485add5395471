"""Whatever bytes come over a connection: no 500, nothing in the log, and the next scrape is answered."""

from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.seeds import REQUESTS
from tests.fuzz.server import server

Give = Callable[[bytes], list[int]]
METHODS, TARGETS, VERSIONS, NAMES, VALUES, PARAMETERS, ASKED = (
    st.sampled_from(line.split("|"))
    for line in """\
GET|HEAD|POST|PUT|OPTIONS|TRACE|CONNECT|PRI|get|head|BREW
/|/metrics|/config|/api/v1/status|/api/v1/cases?limit=1|/api/v1/accounts/1/refresh|/assets/x|/-/healthy|/-/reload|*|//|/%|a:1
HTTP/1.1|HTTP/1.1|HTTP/1.0|HTTP/2.0|HTTP/9
Host|Content-Length|Transfer-Encoding|Connection|Upgrade|Expect|Accept|Accept-Encoding|Authorization|Range|Sec-Fetch-Site
|a|0|1|-1|99999999999999999999|chunked|chunked, chunked|gzip;q=1e9|*/*;q=,|close|Upgrade|h2c|100-continue|Basic !!!|bytes=0-
account|organization|severity|service|status|waiting_on|overdue|filter|limit|page_token|a[]
|low|opened|aws|true|10|000000000001|0 1699999981.000000 case-19 000000000001|service-1""".splitlines()
)
BREAKS = st.sampled_from(("\r\n",) * 20 + ("\n", "\r", "\r\n ", "\0\r\n"))
ODD = st.text(max_size=8)


@st.composite
def head(draw: st.DrawFn) -> str:
    """Return the head of a request, most of which is as it should be."""

    def odd(usual: st.SearchStrategy[str]) -> str:
        return draw(st.one_of(usual, usual, ODD))

    lines = [f"{odd(METHODS)} {odd(TARGETS)} {odd(VERSIONS)}"]
    lines += ["Host: a"] * draw(st.sampled_from((1, 1, 1, 0, 2)))
    lines += [f"{odd(NAMES)}: {odd(VALUES)}" for _ in range(draw(st.integers(0, 4)))]
    return "".join(line + draw(BREAKS) for line in [*lines, ""])


@pytest.fixture(scope="module")
def give() -> Iterator[Give]:
    with server() as sending:
        yield sending


@given(heads=st.lists(head(), min_size=1, max_size=3), body=st.binary(max_size=40))
def test_whatever_is_asked_is_answered_in_words(give: Give, heads: list[str], body: bytes) -> None:
    give("".join(heads).encode("utf-8", "surrogatepass") + body)


@given(query=st.lists(st.tuples(PARAMETERS | ODD, ASKED | ODD | st.binary(max_size=9)), max_size=5))
def test_whatever_is_asked_of_cases_is_answered(give: Give, query: list[tuple[str, str | bytes]]) -> None:
    text = "&".join(f"{quote(name, errors='replace')}={quote(value)}" for name, value in query)
    assert give(f"GET /api/v1/cases?{text} HTTP/1.1\r\nHost: a\r\n\r\n".encode())[0] in {200, 400}


@given(data=st.binary(max_size=200))
def test_whatever_bytes_come_are_survived(give: Give, data: bytes) -> None:
    give(data)


@pytest.mark.parametrize("data", REQUESTS, ids=range(len(REQUESTS)))
def test_what_fuzzing_starts_from_is_answered(give: Give, data: bytes) -> None:
    assert give(data)
