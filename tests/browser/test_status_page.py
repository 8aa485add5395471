"""The status page as a person sees it: a running exporter, and a real browser."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By

from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.support.process import ExporterProcess
from tests.support.waiting import wait_until

A, B, C, D = "111111111111", "222222222222", "333333333333", "444444444444"
HOSTILE = "<script>document.title='x'</script>"
HOUR = 3600.0
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
    assert page.find_element(By.CSS_SELECTOR, ".verdict h2").text == "1 of 4 accounts cannot be read"
    assert page.title == "1 of 4 accounts cannot be read - AWS Support"
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
    link = page.find_element(By.CSS_SELECTOR, f"details[data-account='{D}'] a")
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


def test_it_renews_itself_and_keeps_what_was_chosen(page: Chrome) -> None:
    click_heading(page, "Account")
    page.find_element(By.CSS_SELECTOR, f"details[data-account='{A}'] summary").click()
    page.execute_script(
        "document.querySelector('.verdict h2').textContent = 'old'; document.dispatchEvent(new Event('visibilitychange'))"
    )
    verdict = "return document.querySelector('.verdict h2').textContent"
    wait_until(lambda: page.execute_script(verdict) != "old" or None, 10, lambda: "it was not renewed")
    assert page.execute_script(verdict) == "1 of 4 accounts cannot be read"
    assert names(page)[0] == HOSTILE
    assert page.find_element(By.CSS_SELECTOR, f"details[data-account='{A}']").get_attribute("open") is not None
    assert log_of(page, "browser") == []
