"""The status page as a person sees it: a running exporter, and a real browser."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.support.process import ExporterProcess
from tests.support.serving import Serving
from tests.support.tools import ROOT
from tests.support.waiting import wait_until
from tests.web.conftest import HOSTILE, everything

A, B, C, D = "111111111111", "222222222222", "333333333333", "444444444444"
WORST_FIRST = ["broken", "payments", "analytics", HOSTILE]
VERDICT = "First response overdue: 1 critical and 1 urgent"
AXE = ROOT / "tests/helm/node_modules/axe-core/axe.min.js"
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
            account.add_case(severity_code=severity_code, created_at=time.time() - hours * 3600)
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


def draw(running: Chrome, width: int, scheme: str = "light") -> None:
    """Have pages drawn on a screen of a width, in light or dark."""
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    running.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 600}
    running.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


@pytest.fixture
def page(exporter: ExporterProcess, chrome: Chrome) -> Chrome:
    chrome.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    draw(chrome, 1360)
    chrome.get("about:blank")
    for kind in ("performance", "browser"):
        log_of(chrome, kind)
    chrome.get(f"{exporter.url}/")
    return chrome


def names(page: Chrome) -> list[str]:
    return [cell.text for cell in page.find_elements(By.CSS_SELECTOR, "td.who b") if cell.is_displayed()]


def renew(page: Chrome) -> None:
    """Have the page renewed, as if one came back to it, and wait until it is."""
    page.execute_script(
        "document.querySelector('.verdict h2').textContent = 'old'; document.dispatchEvent(new Event('visibilitychange'))"
    )
    verdict = "return document.querySelector('.verdict h2').textContent"
    wait_until(lambda: page.execute_script(verdict) == VERDICT or None, 10, lambda: "it was not renewed")


def test_it_loads_without_errors_and_asks_nobody_else_and_a_hostile_name_is_text(
    page: Chrome, exporter: ExporterProcess
) -> None:
    events = [json.loads(entry["message"])["message"] for entry in log_of(page, "performance")]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert len(asked) >= len(("the page", "its style", "its script"))
    assert [url for url in asked if not url.startswith(f"{exporter.url}/")] == []
    assert log_of(page, "browser") == []
    assert names(page) == WORST_FIRST
    assert page.title == f"{VERDICT} - AWS Support"
    assert page.execute_script("return document.scripts.length") == 1


def test_a_click_sorts_and_what_is_not_known_comes_last(page: Chrome) -> None:
    for heading, once, twice in (
        ("Account", [HOSTILE, "analytics", "broken", "payments"], ["payments", "broken", "analytics", HOSTILE]),
        ("Open cases", ["analytics", "payments", HOSTILE, "broken"], [HOSTILE, "payments", "analytics", "broken"]),
        ("Quiet for", ["payments", "analytics"], ["analytics", "payments"]),
    ):
        for expected in (once, twice):
            page.find_element(By.XPATH, f"//th/button[.='{heading}']").click()
            assert names(page)[: len(expected)] == expected
    page.refresh()
    assert names(page)[:2] == ["analytics", "payments"], "the address remembers"


def test_words_filter_and_so_does_a_click_on_a_state(page: Chrome) -> None:
    link = page.find_element(By.CSS_SELECTOR, f"#cases-{D} a")
    box = page.find_element(By.ID, "filter")
    for words, found in (
        ("pay", ["payments"]),
        (D, ["analytics"]),
        ("US-east OK team=", ["payments"]),
        ("assume_role", ["broken"]),
        (str(link.get_attribute("textContent")), ["analytics"]),
        ("none", []),
    ):
        box.clear()
        box.send_keys(words)
        assert names(page) == found
        assert page.find_element(By.ID, "shown").text == f"{len(found)} of 4"
        assert page.find_element(By.ID, "nothing").is_displayed() is not bool(found)
    page.find_element(By.LINK_TEXT, "1 failing").click()
    assert names(page) == ["broken"]
    page.find_element(By.LINK_TEXT, "1 failing").click()
    assert names(page) == WORST_FIRST


def test_it_works_without_scripts(page: Chrome) -> None:
    page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    page.refresh()
    assert names(page) == WORST_FIRST
    assert not page.find_element(By.ID, "tools").is_displayed()


def test_it_fits_the_screen_and_its_figures_leave_no_gap(page: Chrome) -> None:
    for width in (1280, 1024, 800, 390, 360):
        draw(page, width)
        page.refresh()
        page.find_element(By.CSS_SELECTOR, f"#cases-{A} summary").click()
        assert page.execute_script("return document.documentElement.scrollWidth") == width
        tiles = [tile.rect for tile in page.find_elements(By.CLASS_NAME, "tile")]
        ends = {row: max(tile["x"] + tile["width"] for tile in tiles if tile["y"] == row) for row in {t["y"] for t in tiles}}
        right = page.find_element(By.CLASS_NAME, "tiles").rect
        assert all(abs(end - right["x"] - right["width"]) < 1 for end in ends.values())
    case = page.find_elements(By.CSS_SELECTOR, f"#cases-{A} tr")[1]
    before = "return getComputedStyle(arguments[0], '::before').content"
    labels = [page.execute_script(before, cell) for cell in case.find_elements(By.TAG_NAME, "td")[3:7]]
    assert labels == ['"Age "', '"Quiet for "', '"Waiting on "', '"Target "']
    assert case.size["height"] < 7 * 20, "lines"


def test_it_renews_itself_while_somebody_types_and_keeps_what_was_chosen(page: Chrome) -> None:
    page.find_element(By.XPATH, "//th/button[.='Account']").click()
    page.find_element(By.CSS_SELECTOR, f"#cases-{A} summary").click()
    renew(page)
    assert names(page)[0] == HOSTILE
    assert page.find_element(By.CSS_SELECTOR, f"#cases-{A}").get_attribute("open") is not None
    box = page.find_element(By.ID, "filter")
    box.send_keys("pament", Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    renew(page)
    page.switch_to.active_element.send_keys("y")
    assert box.get_attribute("value") == "payment"
    assert names(page) == ["payments"]
    assert log_of(page, "browser") == []


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
    assert page.find_element(By.ID, f"cases-{D}").get_attribute("open") is not None
    renew(page)
    assert page.switch_to.active_element.text == "3 cases", "the focus stays"
    press(Keys.TAB)
    assert page.switch_to.active_element.text.isdecimal(), "the link of a case"
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


@pytest.mark.parametrize(("width", "scheme", "background"), [(1280, "light", "246, 248, 250"), (390, "dark", "14, 19, 25")])
def test_axe_finds_nothing_that_keeps_people_out_in_light_and_dark(
    page: Chrome, width: int, scheme: str, background: str
) -> None:
    if not AXE.exists():
        pytest.skip("axe is not here: run `make tools`")
    draw(page, width, scheme)
    with Serving(everything()) as serving:
        page.get(f"http://127.0.0.1:{serving.port}/")
        page.execute_script("for (const cases of document.querySelectorAll('details')) cases.open = true")
        page.execute_script(AXE.read_text())
        found = page.execute_async_script("axe.run().then(arguments[0])")["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []
    body = page.find_element(By.TAG_NAME, "body")
    assert body.value_of_css_property("background-color") == f"rgba({background}, 1)"
