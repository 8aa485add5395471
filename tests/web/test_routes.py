import re
import zlib
from collections.abc import Callable, Sequence

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from starlette.testclient import TestClient

from exporter.cases.changes import Changes
from exporter.cases.model import Account, Case, Reading, Reason
from exporter.cases.report import FleetReport, OrganizationStatus, fleet_report
from exporter.cases.status import AccountStatus, Poll
from exporter.collector.store import PageStore
from exporter.metrics.families import View
from exporter.metrics.instruments import Instruments
from exporter.metrics.live import LiveMetrics
from exporter.metrics.renderer import Renderer
from exporter.web.routes import Paths, Site, application, is_reserved

NOW = 1_700_000_000.0
VIEW = View(1800.0, {})
CASE = Case("case-1", "1", "opened", "low", "ec2", "other", "en", NOW - 100, subject="Secret plans")
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
        *statuses: AccountStatus,
        ailments: Sequence[str] = (),
        problems: Sequence[str] = (),
        ready: bool = True,
        published: bool = True,
        paths: Paths | None = None,
        organizations: Sequence[OrganizationStatus] = (),
        view: View = VIEW,
        on_report: Callable[[], None] = lambda: None,
    ) -> TestClient:
        store = PageStore(lambda: 0.0)
        if published:
            store.publish(Renderer(View(1800.0, {}), Instruments({})).render(statuses, [], NOW))

        def config() -> str:
            on_report()
            return "poll: {}\n"

        def report() -> FleetReport:
            on_report()
            return fleet_report(statuses, organizations, {"low": 50.0}, 1800.0, NOW)

        site = Site(
            version="1.2.3",
            paths=paths or Paths(),
            store=store,
            live=LiveMetrics().encode,
            report=report,
            about=lambda: {"version": "1.2.3"},
            config=config,
            problems=lambda: problems,
            ailments=lambda: ailments,
            ready=lambda: ready,
            now=lambda: NOW,
            view=lambda: view,
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
    headers = OPENMETRICS | {"Accept-Encoding": "gzip"}
    with serve(status("payments")).stream("GET", "/metrics", headers=headers) as response:
        packed = b"".join(response.iter_raw())
    assert response.headers["content-encoding"] == "gzip"
    assert int(response.headers["content-length"]) == len(packed)
    unpack = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    assert unpack.decompress(packed).endswith(b"# EOF\n")
    assert (unpack.eof, unpack.unused_data) == (True, b"")


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


def test_health_ends_with_a_thread_and_says_which(serve: Serve) -> None:
    assert serve(ailments=["one", "two"]).get("/-/healthy").text == "Not healthy: one; two.\n"


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
    assert text.count("&lt;script&gt;") >= 2


def test_the_status_page_shows_the_worst_first_and_what_to_do(serve: Serve) -> None:
    text = serve(status("well"), status("broken", "222222222222", Reason.ASSUME_ROLE_DENIED, "denied")).get("/").text
    assert text.index("broken") < text.index("well")
    assert "trust policy" in text


def test_the_status_page_allows_no_inline_script_and_no_other_source(serve: Serve) -> None:
    policy = serve().get("/").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "http" not in policy


def test_what_the_page_needs_is_served_under_a_name_that_changes_with_it(serve: Serve) -> None:
    client = serve(status("payments"), paths=Paths("/metrics", "/a", "/b"))
    asked = re.findall(r'(?:href|src)="/b(/assets/[^"]+)"', client.get("/a/").text)
    assert len(asked) == 3
    for path in asked:
        response = client.get(f"/a{path}")
        assert response.status_code == 200
        assert "immutable" in response.headers["cache-control"]
    assert client.get("/a/assets/status.html").status_code == 404
    assert client.get("/a/assets/..%2Froutes.py").status_code == 404


def test_the_configuration_is_shown_as_text(serve: Serve) -> None:
    response = serve().get("/config")
    assert (response.text, response.headers["content-type"]) == ("poll: {}\n", "text/plain; charset=utf-8")


def test_the_status_is_there_for_programs(serve: Serve) -> None:
    broken = status("broken", "222222222222", Reason.ASSUME_ROLE_DENIED, "denied")
    organization = OrganizationStatus("acme", 3, NOW - 5, Reason.ACCESS_DENIED, "no")
    response = serve(status("well"), broken, organizations=[organization]).get("/api/v1/status")
    told = response.json()
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert told["version"] == "1.2.3"
    assert told["fleet"]["accounts"] == {"pending": 0, "ok": 1, "failing": 1, "stale": 0, "unsupported": 0}
    assert told["fleet"]["open_cases_waiting_for"] == {"aws": 1, "customer": 0}
    assert told["fleet"]["first_response_overdue"] == 1
    assert [account["account_name"] for account in told["accounts"]] == ["broken", "well"]
    assert told["accounts"][0]["open_cases"] is None, "it was never read: that is not zero"
    assert "trust policy" in told["accounts"][0]["advice"]
    assert told["accounts"][1]["open_cases_by_severity"]["low"] == 1
    assert "cases" not in told["accounts"][1]
    assert "ListAccounts" in told["organizations"][0]["advice"]


def test_nothing_is_zero_where_no_account_could_be_read(serve: Serve) -> None:
    unread = serve(status("broken", "222222222222", Reason.ASSUME_ROLE_DENIED, "denied"))
    fleet = unread.get("/api/v1/status").json()["fleet"]
    assert {name for name, value in fleet.items() if value is None} == fleet.keys() - {"accounts"}
    page = unread.get("/").text
    assert page.count("no account has been read") == 3
    assert page.count('<p class="figure">\N{EN DASH}</p>') == 3
    assert serve(status("well")).get("/").text.count("no account has been read") == 0


def test_an_own_account_that_cannot_be_found_is_told_with_what_to_do(serve: Serve) -> None:
    own = OrganizationStatus("", 0, None, Reason.CREDENTIALS, "none found")
    page = serve(organizations=[own]).get("/").text
    assert "<title>The exporter&#x27;s own account cannot be found - AWS Support</title>" in page
    assert "give the exporter valid AWS credentials" in page
    assert "none found" in page
    assert "<h3>Organizations</h3>" not in page


def test_single_cases_are_told_where_their_series_are_on_and_subjects_where_these_are(serve: Serve) -> None:
    limited = status("payments")
    (case,) = serve(limited, view=View(1800.0, {}, 10)).get("/api/v1/status").json()["accounts"][0]["cases"]
    assert case["display_id"] == "1"
    assert case["url"] == "https://support.console.aws.amazon.com/support/home#/case/?displayId=1"
    assert "subject" not in case
    (case,) = serve(limited, view=View(1800.0, {}, 10, subjects=True)).get("/api/v1/status").json()["accounts"][0]["cases"]
    assert case["subject"] == "Secret plans"
    assert serve(limited, view=View(1800.0, {}, 0)).get("/api/v1/status").json()["accounts"][0]["cases"] == []


def test_a_document_is_made_once_for_a_page(serve: Serve) -> None:
    made: list[int] = []
    client = serve(status("payments"), on_report=lambda: made.append(1))
    for _ in range(3):
        packed = client.get("/api/v1/status", headers={"Accept-Encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.json() == client.get("/api/v1/status").json()
    assert len(made) == 1


def test_the_configuration_is_written_once_for_a_page(serve: Serve) -> None:
    made: list[int] = []
    client = serve(status("payments"), on_report=lambda: made.append(1))
    assert {client.get("/config").text for _ in range(3)} == {"poll: {}\n"}
    assert len(made) == 1, "it may take a second, and would keep scrapes waiting"


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
