"""A real browser without a window: Debian's Chromium, driven by Selenium."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium.webdriver import Chrome, ChromeOptions, ChromeService

_PAGE_SECONDS = 20


@contextmanager
def browser(chromium: Path, driver: Path, *, width: int = 1360, height: int = 900) -> Iterator[Chrome]:
    """Run a browser that can reach loopback and nothing else."""
    options = ChromeOptions()
    options.binary_location = str(chromium)
    for argument in (
        "headless=new",
        "no-sandbox",
        "disable-dev-shm-usage",
        "hide-scrollbars",
        f"window-size={width},{height}",
        "proxy-server=127.0.0.1:9",
        "proxy-bypass-list=127.0.0.1",
    ):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    running = Chrome(options, ChromeService(str(driver)))
    try:
        running.set_page_load_timeout(_PAGE_SECONDS)
        yield running
    finally:
        running.quit()


def log_of(running: Chrome, kind: str) -> list[dict[str, str]]:
    """Return what was logged since the last time: `browser` for the console, `performance` for the network."""
    entries: list[dict[str, str]] = running.get_log(kind)  # type: ignore[no-untyped-call]  # Selenium leaves it so
    return entries


def emulate(running: Chrome, *, dark: bool = False, width: int | None = None, height: int = 844) -> None:
    """Have pages drawn in light or dark, and as wide as a phone's where a width is given."""
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    running.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    if width is not None:
        size = {"width": width, "height": height, "deviceScaleFactor": 2, "mobile": True}
        running.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
