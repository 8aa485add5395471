import gzip
from collections.abc import Callable, Sequence

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from starlette.testclient import TestClient

from exporter.cases.changes import Changes
from exporter.cases.model import Account, Case, Reading, Reason
from exporter.cases.status import AccountStatus, Poll
from exporter.collector.store import PageStore
from exporter.metrics.families import View
from exporter.metrics.instruments import Instruments
from exporter.metrics.live import LiveMetrics
from exporter.metrics.renderer import Renderer
from exporter.web.routes import Paths, Site, application, is_reserved

NOW = 1_700_000_000.0
CASE = Case("case-1", "1", "opened", "low", "ec2", "other", "en", NOW - 100)
OPENMETRICS = {"Accept": "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3"}


def status(name: str, account_id: str = "111111111111", reason: Reason | None = None, detail: str = "") -> AccountStatus:
    before = AccountStatus(Account(account_id, name, "us-east-1", "aws"))
    if reason is not None:
        return before.after_failure(reason, Poll(NOW, 0.1, reason, detail))
    return before.after_success(Reading(NOW, (CASE,)), Poll(NOW, 0.1), Changes())


Serve = Callable[..., TestClient]


@pytest.fixture
def serve() -> Serve:
    async def reload() -> Sequence[str]:
        return ()

    def build(
        *statuses: AccountStatus, healthy: bool = True, ready: bool = True, published: bool = True, paths: Paths | None = None
    ) -> TestClient:
        store = PageStore(lambda: 0.0)
        if published:
            store.publish(Renderer(View(1800.0, {}), Instruments({})).render(statuses, [], NOW))
        site = Site(
            version="1.2.3",
            paths=paths or Paths(),
            store=store,
            live=LiveMetrics().encode,
            statuses=lambda: statuses,
            healthy=lambda: healthy,
            ready=lambda: ready,
            now=lambda: NOW,
            view=lambda: View(1800.0, {}),
            reload=reload,
        )
        return TestClient(application(site), headers={"Accept-Encoding": "identity"})

    return build


def test_metrics_are_the_prometheus_text_format_by_default(serve: Serve) -> None:
    response = serve(status("payments")).get("/metrics")
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    names = {sample.name for family in parse_text(response.text) for sample in family.samples}
    assert {"aws_support_open_cases", "process_cpu_seconds_total", "python_info"} <= names


def test_metrics_are_openmetrics_for_who_prefers_it(serve: Serve) -> None:
    response = serve(status("payments")).get("/metrics", headers=OPENMETRICS)
    assert response.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert response.text.endswith("# EOF\n")
    families = list(parse_openmetrics(response.text))  # type: ignore[no-untyped-call]  # prometheus_client leaves it so
    assert len(families) > 10


def test_a_gzip_body_is_one_member_with_the_right_length(serve: Serve) -> None:
    response = serve(status("payments")).get("/metrics", headers=OPENMETRICS | {"Accept-Encoding": "gzip"})
    assert response.headers["content-encoding"] == "gzip"
    raw = b"".join(response.iter_raw()) if not response.is_stream_consumed else b""
    assert response.text.endswith("# EOF\n")
    assert raw == b"" or gzip.decompress(raw).endswith(b"# EOF\n")


def test_a_head_request_gets_the_headers_alone(serve: Serve) -> None:
    client = serve(status("payments"))
    response = client.head("/metrics")
    assert response.status_code == 200
    assert response.content == b""
    assert int(response.headers["content-length"]) > 1000


def test_before_the_first_page_there_is_a_503(serve: Serve) -> None:
    assert serve(published=False).get("/metrics").status_code == 503


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/", 200),
        ("GET", "/-/healthy", 200),
        ("GET", "/-/ready", 200),
        ("GET", "/nothing", 404),
        ("GET", "/metrics/", 404),
        ("POST", "/metrics", 405),
        ("DELETE", "/", 405),
    ],
)
def test_routes(serve: Serve, method: str, path: str, expected: int) -> None:
    client = serve(status("payments"))
    client.follow_redirects = False
    assert client.request(method, path).status_code == expected


def test_a_wrong_method_is_told_which_are_right(serve: Serve) -> None:
    assert set(serve().post("/metrics").headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_health_ends_with_a_thread(serve: Serve) -> None:
    assert serve(healthy=False).get("/-/healthy").status_code == 503


def test_readiness_waits_for_the_first_round(serve: Serve) -> None:
    assert serve(ready=False).get("/-/ready").status_code == 503


ODD = ["", ";;;", "text/plain;q=oops", "*/*", "\xff\xfe", "application/openmetrics-text;version=9.9", "," * 500]


@pytest.mark.parametrize("accept", ODD)
def test_an_odd_accept_header_gets_the_text_format(serve: Serve, accept: str) -> None:
    response = serve(status("payments")).get("/metrics", headers={b"Accept": accept.encode("latin-1")})
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain")


def test_the_status_page_escapes_what_aws_tells(serve: Serve) -> None:
    hostile = "<script>alert(1)</script>"
    text = serve(status(hostile), status("b", "222222222222", Reason.ACCESS_DENIED, hostile)).get("/").text
    assert hostile not in text
    assert text.count("&lt;script&gt;") == 2


def test_the_status_page_shows_the_worst_first_and_what_to_do(serve: Serve) -> None:
    text = serve(status("well"), status("broken", "222222222222", Reason.ASSUME_ROLE_DENIED, "denied")).get("/").text
    assert text.index("broken") < text.index("well")
    assert "trust policy" in text


def test_the_status_page_allows_no_script_and_no_other_source(serve: Serve) -> None:
    policy = serve().get("/").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "script" not in policy


def test_everything_is_below_the_prefix_and_links_lead_through_the_proxy(serve: Serve) -> None:
    client = serve(status("payments"), paths=Paths("/support", "/exporter", "/team/exporter"))
    assert client.get("/exporter/support").status_code == 200
    assert client.get("/exporter/-/healthy").status_code == 200
    assert client.get("/support").status_code == 404
    assert 'href="/team/exporter/support"' in client.get("/exporter/").text
    client.follow_redirects = False
    for path in ("/", "/exporter"):
        assert client.get(path, headers={"Host": "evil.example"}).headers["location"] == "/team/exporter/"


@pytest.mark.parametrize("path", ["/", "/-/healthy", "/config", "/api/v1/status", "/assets/x"])
def test_paths_of_its_own_are_reserved(path: str) -> None:
    assert is_reserved(path)


@pytest.mark.parametrize("path", ["/metrics", "/configuration", "/apis", "/a/config"])
def test_other_paths_are_free(path: str) -> None:
    assert not is_reserved(path)
