"""The status page as a person sees it: a running exporter, and a real browser."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from exporter.cases.model import SEVERITY_CODES, Reason
from exporter.cases.report import EventQueueStatus, Finding, OrganizationStatus
from exporter.cases.status import AccountStatus
from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.support.process import ExporterProcess
from tests.support.serving import Serving
from tests.support.site import NOW, POLICY, report_of, site
from tests.support.tools import ROOT
from tests.support.waiting import wait_until
from tests.web.conftest import CASE, status

A, B, C, D = "111111111111", "222222222222", "333333333333", "444444444444"
HOSTILE = "<script>document.title='x'</script>"
HOUR = 3600.0
VERDICT = "First response overdue: 1 critical and 1 urgent"
AXE = ROOT / "tests/helm/node_modules/axe-core/axe.min.js"
RESET: dict[str, dict[str, object]] = {"setScriptExecutionDisabled": {"value": False}, "clearDeviceMetricsOverride": {}}
CONFIG = f"""
aws: {{role_name: AwsSupportExporter}}
accounts:
- {{id: "{A}", name: payments, labels: {{team: "<b>money</b>"}}}}
- {{id: "{B}", name: "{HOSTILE}"}}
- {{id: "{C}", name: broken}}
- {{id: "{D}", name: analytics}}
metrics: {{cases: {{enabled: true}}}}
"""


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExporterProcess]:
    fleet = Fleet.empty(time.time)
    fleet.add_account(account_id="999999999999", name="management")
    for account_id, severities in {A: ("critical", "low"), B: (), C: ("low",), D: ("urgent", "high", "low")}.items():
        account = fleet.add_account(account_id=account_id)
        for hours, severity_code in enumerate(severities, start=ord(account_id[0])):
            account.add_case(severity_code=severity_code, created_at=time.time() - hours * HOUR)
    fleet.account(C).trusts = False
    path = tmp_path_factory.mktemp("status") / "config.yaml"
    path.write_text(CONFIG)
    with Simulator(fleet) as simulator, ExporterProcess([f"--config.file={path}"], simulator.environment()) as running:
        running.first_page()
        yield running


@pytest.fixture(scope="module")
def chrome(chromium: Path, chromedriver: Path) -> Iterator[Chrome]:
    """Return a browser without a window that can reach loopback and nothing else."""
    options = ChromeOptions()
    options.binary_location = str(chromium)
    for argument in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "hide-scrollbars", "window-size=1360,900"):
        options.add_argument(f"--{argument}")
    options.add_argument("--proxy-server=127.0.0.1:9")
    options.add_argument("--proxy-bypass-list=127.0.0.1")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with Chrome(options, ChromeService(str(chromedriver))) as running:
        running.set_page_load_timeout(20)
        yield running


def log_of(running: Chrome, kind: str) -> list[dict[str, str]]:
    """Return what was logged since the last time: `browser` for the console, `performance` for the network."""
    entries: list[dict[str, str]] = running.get_log(kind)  # type: ignore[no-untyped-call]  # Selenium leaves it so
    return entries


def draw(running: Chrome, scheme: str) -> None:
    """Have pages drawn in light or dark."""
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    running.execute_cdp_cmd("Emulation.setEmulatedMedia", media)


@pytest.fixture
def page(exporter: ExporterProcess, chrome: Chrome) -> Chrome:
    for command, options in RESET.items():
        chrome.execute_cdp_cmd(f"Emulation.{command}", options)
    draw(chrome, "light")
    chrome.get("about:blank")
    log_of(chrome, "performance")
    log_of(chrome, "browser")
    chrome.get(f"{exporter.url}/")
    return chrome


def names(page: Chrome) -> list[str]:
    return [cell.text for cell in page.find_elements(By.CSS_SELECTOR, "td.who b") if cell.is_displayed()]


def click_heading(page: Chrome, heading: str) -> None:
    page.find_element(By.XPATH, f"//th/button[.='{heading}']").click()


def test_it_loads_without_errors_and_asks_nobody_else(page: Chrome, exporter: ExporterProcess) -> None:
    events = [json.loads(entry["message"])["message"] for entry in log_of(page, "performance")]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert len(asked) >= len(("the page", "its style", "its script"))
    assert [url for url in asked if not url.startswith(f"{exporter.url}/")] == []
    assert log_of(page, "browser") == []


def test_the_worst_comes_first_with_what_to_do_and_a_hostile_name_is_text(page: Chrome) -> None:
    assert names(page) == ["broken", "payments", "analytics", HOSTILE]
    assert "trust policy" in page.find_element(By.CSS_SELECTOR, ".why p").text
    assert page.find_element(By.CSS_SELECTOR, ".verdict h2").text == VERDICT
    assert page.find_element(By.CSS_SELECTOR, ".verdict p").text.startswith("Polling failed for 1 of 4 accounts.")
    assert page.title == f"{VERDICT} - AWS Support"
    assert page.execute_script("return document.scripts.length") == 1


@pytest.mark.parametrize(
    ("heading", "once", "twice"),
    [
        ("Account", [HOSTILE, "analytics", "broken", "payments"], ["payments", "broken", "analytics", HOSTILE]),
        ("Open cases", ["analytics", "payments", HOSTILE, "broken"], [HOSTILE, "payments", "analytics", "broken"]),
        ("Quiet for", ["payments", "analytics"], ["analytics", "payments"]),
    ],
)
def test_a_click_sorts_and_what_is_not_known_comes_last(page: Chrome, heading: str, once: list[str], twice: list[str]) -> None:
    click_heading(page, heading)
    assert names(page)[: len(once)] == once
    click_heading(page, heading)
    assert names(page)[: len(twice)] == twice
    page.refresh()
    assert names(page)[: len(twice)] == twice, "the address remembers"


@pytest.mark.parametrize(
    ("words", "found"),
    [("pay", ["payments"]), (D, ["analytics"]), ("US-east OK team=", ["payments"]), ("assume_role", ["broken"]), ("none", [])],
)
def test_words_filter(page: Chrome, words: str, found: list[str]) -> None:
    page.find_element(By.ID, "filter").send_keys(words)
    assert names(page) == found
    assert page.find_element(By.ID, "shown").text == f"{len(found)} of 4"
    assert page.find_element(By.ID, "nothing").is_displayed() is not bool(found)


def test_the_id_of_a_case_and_a_state_filter(page: Chrome) -> None:
    link = page.find_element(By.CSS_SELECTOR, f"#cases-{D} a")
    page.find_element(By.ID, "filter").send_keys(str(link.get_attribute("textContent")))
    assert names(page) == ["analytics"]
    page.find_element(By.ID, "filter").clear()
    page.find_element(By.LINK_TEXT, "1 failing").click()
    assert names(page) == ["broken"]
    page.find_element(By.LINK_TEXT, "1 failing").click()
    assert len(names(page)) == 4


def test_it_works_without_scripts(page: Chrome) -> None:
    page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    page.refresh()
    assert names(page) == ["broken", "payments", "analytics", HOSTILE]
    assert not page.find_element(By.ID, "tools").is_displayed()


@pytest.mark.parametrize("width", [1280, 1024, 800, 360])
def test_it_fits_the_screen_and_its_figures_leave_no_gap(page: Chrome, width: int) -> None:
    size = {"width": width, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    page.refresh()
    assert len(names(page)) == 4
    assert page.execute_script("return document.documentElement.scrollWidth") == width
    tiles = [tile.rect for tile in page.find_elements(By.CLASS_NAME, "tile")]
    ends = {row: max(tile["x"] + tile["width"] for tile in tiles if tile["y"] == row) for row in {t["y"] for t in tiles}}
    right = page.find_element(By.CLASS_NAME, "tiles").rect
    assert all(abs(end - right["x"] - right["width"]) < 1 for end in ends.values())


def test_it_is_dark_where_the_reader_wants_that(page: Chrome) -> None:
    drawn = []
    for scheme in ("light", "dark"):
        draw(page, scheme)
        drawn.append(page.find_element(By.TAG_NAME, "body").value_of_css_property("background-color"))
    assert drawn == ["rgba(246, 248, 250, 1)", "rgba(14, 19, 25, 1)"]


def renew(page: Chrome) -> None:
    """Have the page renewed, as if one came back to it, and wait until it is."""
    page.execute_script(
        "document.querySelector('.verdict h2').textContent = 'old'; document.dispatchEvent(new Event('visibilitychange'))"
    )
    verdict = "return document.querySelector('.verdict h2').textContent"
    wait_until(lambda: page.execute_script(verdict) == VERDICT or None, 10, lambda: "it was not renewed")


def test_it_renews_itself_and_keeps_what_was_chosen(page: Chrome) -> None:
    click_heading(page, "Account")
    page.find_element(By.CSS_SELECTOR, f"#cases-{A} summary").click()
    renew(page)
    assert names(page)[0] == HOSTILE
    assert page.find_element(By.CSS_SELECTOR, f"#cases-{A}").get_attribute("open") is not None
    assert log_of(page, "browser") == []


def test_it_renews_itself_while_somebody_types(page: Chrome) -> None:
    box = page.find_element(By.ID, "filter")
    box.send_keys("pament", Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    renew(page)
    page.switch_to.active_element.send_keys("y")
    assert box.get_attribute("value") == "payment"
    assert names(page) == ["payments"]


def test_a_keyboard_is_enough(page: Chrome) -> None:
    def tab_to(text: str) -> None:
        for _ in range(40):
            page.switch_to.active_element.send_keys(Keys.TAB)
            if page.switch_to.active_element.text == text:
                return
        raise AssertionError(f"no way leads to {text}")

    def press(key: str) -> None:
        page.switch_to.active_element.send_keys(key)

    tab_to("1 failing")
    press(Keys.ENTER)
    assert names(page) == ["broken"]
    press(Keys.ENTER)
    tab_to("Account")
    press(Keys.ENTER)
    assert names(page) == [HOSTILE, "analytics", "broken", "payments"]
    tab_to("3 cases")
    press(Keys.SPACE)
    cases = page.find_element(By.ID, f"cases-{D}")
    assert cases.get_attribute("open") is not None
    renew(page)
    assert page.switch_to.active_element.text == "3 cases", "the focus stays"
    press(Keys.TAB)
    link = page.switch_to.active_element
    assert link.text.isdecimal()
    assert page.execute_script("return getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_it_says_when_the_exporter_does_not_respond(page: Chrome) -> None:
    said = "return getComputedStyle(document.querySelector('header'), '::after').content"
    page.execute_script(
        "window.before = fetch; fetch = () => Promise.reject(); document.dispatchEvent(new Event('visibilitychange'))"
    )
    wait_until(lambda: "does not respond" in page.execute_script(said) or None, 10, lambda: "nothing is said")
    page.execute_script("fetch = before")
    renew(page)
    assert page.execute_script(said) == "none"


def test_cases_fit_a_phone(page: Chrome) -> None:
    size = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    page.refresh()
    page.find_element(By.CSS_SELECTOR, f"#cases-{A} summary").click()
    case = page.find_elements(By.CSS_SELECTOR, f"#cases-{A} tr")[1]
    labels = ("Age", "Quiet for", "Waiting on", "Target")
    cells = case.find_elements(By.TAG_NAME, "td")[3:7]
    before = "return getComputedStyle(arguments[0], '::before').content"
    assert [page.execute_script(before, cell) for cell in cells] == [f'"{label} "' for label in labels]
    assert case.size["height"] < 7 * 20, "lines"
    assert page.execute_script("return document.documentElement.scrollWidth") == 390


def everything() -> web.Application:
    """Return a site on whose page there is all that can be."""
    refused = Reason.CREDENTIALS, "no credentials found"
    cases = tuple(replace(CASE, case_id=code, display_id=str(n), severity_code=code) for n, code in enumerate(SEVERITY_CODES))
    late = status("late", "1", cases=(*cases, replace(CASE, case_id="old", created=0.0)))
    statuses = [
        late,
        AccountStatus(replace(late.account, account_id="2", region="eu-west-1")),
        *(status(f"failing-{number}", number, *refused) for number in "34"),
        status("alone", "5", Reason.TIMEOUT, "slow"),
        status("no plan", "6", Reason.SUBSCRIPTION_REQUIRED, "no plan"),
        replace(status("stale", "7"), last_success=0.0),
    ]
    left = Finding(("acme",), detail="3 of 9 accounts left at once", advice="check")
    organizations = [OrganizationStatus("acme", 6, NOW, *refused, warnings=(left,))]
    policy = replace(POLICY, case_limit=9)
    queue = EventQueueStatus("https://queue", up=False, count=5, reason=Reason.TIMEOUT, detail="slow")
    report = replace(report_of(statuses, organizations, policy), events=queue)
    return site(statuses, policy=policy, report=lambda: report, problems=["config.yaml:1: odd"], notice="Demo")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_that_keeps_people_out(page: Chrome, width: int, scheme: str) -> None:
    if not AXE.exists():
        pytest.skip("axe is not here: run `make tools`")
    size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 600}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    draw(page, scheme)
    with Serving(everything()) as serving:
        page.get(f"http://127.0.0.1:{serving.port}/")
        page.execute_script("for (const cases of document.querySelectorAll('details')) cases.open = true")
        page.execute_script(AXE.read_text())
        found = page.execute_async_script("axe.run().then(arguments[0])")["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []
