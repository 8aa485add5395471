"""What is served where, with which headers."""

import re
import zlib
from collections.abc import Sequence
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from exporter.cases.report import AccountReport
from exporter.errors import StartupError
from exporter.web.handlers import Paths
from exporter.web.server import listen
from tests.support.site import report_of
from tests.web.conftest import Golden, Serve, status

GZIP = {"Accept-Encoding": "gzip"}
OPENMETRICS = {"Accept": "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3"}
DOCUMENTS = ("/", "/config", "/api/v1/status", "/api/v1/cases")
PATHS = (*DOCUMENTS, "/metrics", "/-/healthy", "/-/ready", "/assets/icon.svg", "/nothing")
RELOAD, REFRESH = "POST /-/reload", "POST /api/v1/accounts/1/refresh"


async def refuse() -> Sequence[str]:
    return "config.yaml:1: one", "config.yaml:2: two"


async def stumble() -> Sequence[str]:
    raise RuntimeError("nobody thought of this")


SITUATIONS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "all is well": (
        {},
        (
            *(f"GET {path}" for path in (*PATHS, "/metrics/", "/-/reload", "/api/v1/nothing", "/api/v1/accounts/1/refresh")),
            *("POST /metrics", "POST /api/v1/cases", "POST /api/v1/accounts//refresh", "POST /api/v1/accounts/%0A/refresh"),
            *(RELOAD, "PUT /-/reload", REFRESH),
        ),
    ),
    "not ready, and stuck": ({"ready": False, "health_problems": ["one", "two"]}, ("GET /-/healthy", "GET /-/ready")),
    "one of several shards": ({"shard": lambda: "This is shard 0 of 3."}, (REFRESH,)),
    "without --web.enable-lifecycle": ({"lifecycle": False}, (RELOAD, REFRESH)),
    "with a bad configuration": ({"reload": refuse}, (RELOAD,)),
    "with a bug": ({"reload": stumble}, (RELOAD,)),
}


def test_requests_get_these_answers(serve: Serve, golden: Golden) -> None:
    told = []
    for situation, (options, requests) in SITUATIONS.items():
        client = serve(**options)
        for method, path in map(str.split, requests):
            plain, packed = client.get(path, method=method), client.get(path, GZIP, method=method)
            headers = [f"{name}: {value}" for name, value in plain.headers.items() if name not in {"Date", "Content-Length"}]
            compressed = "" if "content-encoding" not in packed.headers else ", or compressed"
            assert packed.text == plain.text
            assert set(headers) <= {f"{name}: {value}" for name, value in packed.headers.items()}
            body = plain.text.rstrip() if len(plain.text) < 120 else "..."
            head = f"{method} {path} ({situation})", f"{plain.status}{compressed}", *sorted(headers)
            told.append("\n".join((*head, "", body)))
    golden("answers.txt", "\n\n\n".join(told) + "\n")


def test_metrics_are_openmetrics_for_who_prefers_it_in_one_gzip_member(serve: Serve) -> None:
    response = serve(status("payments")).get("/metrics", OPENMETRICS | {"Accept-Encoding": "gzip"})
    assert response.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    unpack = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    text = unpack.decompress(response.body).decode()
    assert (unpack.eof, unpack.unused_data) == (True, b"")
    assert text.endswith("# EOF\n")
    assert len(list(parse_openmetrics(text))) > 10  # type: ignore[no-untyped-call]  # prometheus_client leaves it so


def test_a_head_request_gets_the_headers_of_get_and_no_body_and_none_names_the_server(serve: Serve) -> None:
    client = serve(*(status(f"account {number}", f"{number:012}") for number in range(100)))
    assert len(client.get("/metrics").body) > 65536, "sent in slices"
    for path in PATHS:
        got, head = client.get(path), client.get(path, method="HEAD")
        assert (head.status, head.body) == (got.status, b"")
        assert head.headers["content-length"] == str(len(got.body))
        assert {name for name, _ in head.headers.items()} == {name for name, _ in got.headers.items()}
        assert got.headers["server"] is None


@pytest.mark.parametrize("path", ["/-/reload", "/api/v1/accounts/1/refresh"])
def test_another_sites_page_cannot_change_anything(serve: Serve, path: str) -> None:
    async def refresh(_: str) -> tuple[AccountReport, bool]:
        return report_of([status("payments")]).accounts[0], True

    client = serve(refresh=refresh)
    for headers, expected in (
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Origin": "http://exporter.example", "Host": "exporter.example"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ):
        assert client.get(path, headers, method="POST").status == expected, headers


def test_what_the_page_needs_is_served_under_a_name_that_changes_with_it(serve: Serve) -> None:
    client = serve(paths=Paths("/metrics", "/a", "/b"))
    asked = re.findall(r'(?:href|src)="/b(/assets/[^"]+\?[0-9a-f]{12})"', client.get("/a/").text)
    assert len(asked) == 3
    for path in asked:
        response = client.get(f"/a{path}")
        assert response.status == 200
        assert "immutable" in response.headers["cache-control"]
    assert client.get("/a/assets/status.html").status == 404
    assert client.get("/a/assets/..%2Fpage.py").status == 404


def test_everything_is_below_the_prefix_and_links_lead_through_the_proxy(serve: Serve) -> None:
    client = serve(paths=Paths("/support", "/exporter", "/team/exporter"))
    for path, expected in (("/exporter/support", 200), ("/exporter/-/healthy", 200), ("/support", 404)):
        assert client.get(path).status == expected
    assert 'href="/team/exporter/support"' in client.get("/exporter/").text
    for path in ("/", "/exporter"):
        response = client.get(path, {"Host": "evil.example"})
        assert (response.status, response.headers["location"]) == (307, "/team/exporter/")


def test_a_host_that_nobody_knows_is_told_plainly() -> None:
    with pytest.raises(StartupError, match=r"^cannot listen on nobody\.invalid:0: .*(not known|in name resolution|No address)"):
        listen("nobody.invalid:0")
