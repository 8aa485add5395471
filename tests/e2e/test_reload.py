"""Reloading the configuration of a running exporter: by request, by signal, and when the file changes."""

import json
import os
import signal
from pathlib import Path

import pytest

from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.e2e.conftest import StartExporter
from tests.support.page import Page
from tests.support.process import ExporterProcess
from tests.support.tools import ROOT

A, B = "111111111111", "222222222222"
GOOD = f'poll: {{interval: 5m}}\naws: {{role_name: AwsSupportExporter}}\naccounts: [{{id: "{A}"}}]\n'
BETTER = GOOD.replace(f'{{id: "{A}"}}', f'{{id: "{A}"}}, {{id: "{B}"}}')
SUCCESSFUL = "aws_support_exporter_config_last_reload_successful"
SUCCESS_TIME = "aws_support_exporter_config_last_reload_success_timestamp_seconds"


@pytest.fixture(autouse=True)
def _accounts(fleet: Fleet) -> None:
    for account_id in (A, B):
        fleet.add_account(account_id=account_id).add_case()


def reload(running: ExporterProcess, method: str = "POST") -> tuple[int, str]:
    response = running.get("/-/reload", method=method)
    return response.status, response.text


def page_of(running: ExporterProcess) -> Page:
    return Page(running.get().text)


def test_no_bad_file_changes_anything_and_a_good_one_is_on_the_page_when_the_reload_is_answered(
    simulator: Simulator, start: StartExporter, tmp_path: Path
) -> None:
    running, config = start(GOOD, simulator.environment(), "--web.enable-lifecycle"), tmp_path / "config.yaml"
    running.wait_for(lambda text: Page(text).open_cases().keys() == {A})
    before, asked = page_of(running), simulator.log.counts()
    for name in ("unknown_keys", "open_bracket", "not_utf8"):
        bad = ROOT / f"tests/config/{name}.bad.yaml"
        config.write_bytes(bad.read_bytes())
        problems = bad.with_suffix(".txt").read_text().replace("config.yaml:", f"{config}:")
        assert reload(running) == (500, f"Not reloaded:\n{problems}"), name
        page = page_of(running)
        assert (page.values(SUCCESSFUL), page.values(SUCCESS_TIME)) == ([0], before.values(SUCCESS_TIME))
        assert {name for name, *_ in page.samples} == {name for name, *_ in before.samples}
        assert page.open_cases() == before.open_cases()
    config.unlink()
    assert reload(running)[0] == 500
    assert json.loads(running.get("/api/v1/status").text)["config"]["reloaded_at"] == before.total(SUCCESS_TIME)
    assert simulator.log.counts() == asked, "nobody was asked for anything meanwhile"
    config.write_text(BETTER)
    assert reload(running, "PUT") == (200, "Reloaded.\n")
    page = page_of(running)
    assert page.label_values("aws_support_account_info", "account_id") == {A, B}
    assert page.values(SUCCESSFUL) == [1]
    assert page.total(SUCCESS_TIME) > before.total(SUCCESS_TIME)

    config.write_text("pole: {}")
    os.kill(running.pid, signal.SIGHUP)
    running.wait_for_log(lambda line: "reloading configuration failed" in line and "pole: unknown key" in line)
    running.wait_for(lambda text: f"{SUCCESSFUL} 0.0" in text)
    config.write_text(GOOD.replace("aws: {", "aws: {regions: [us-east-1, eu-central-1], "))
    os.kill(running.pid, signal.SIGHUP)
    running.wait_for_log(lambda line: "regions share a Support endpoint" in line)
    running.wait_for(lambda text: f"{SUCCESSFUL} 1.0" in text and Page(text).open_cases().keys() == {A})


def mount(directory: Path, number: int, content: str) -> None:
    """Put a file where Kubernetes puts a ConfigMap's: behind a symbolic link that is swapped."""
    version = directory / f"..version-{number}"
    version.mkdir(parents=True)
    (version / "config.yaml").write_text(content)
    (directory / "..new").symlink_to(version.name)
    (directory / "..new").rename(directory / "..data")


def test_a_changed_config_map_is_noticed_at_the_interval_of_the_flag(
    simulator: Simulator, start: StartExporter, tmp_path: Path
) -> None:
    mount(tmp_path, 0, GOOD)
    path = tmp_path / "config.yaml"
    path.symlink_to("..data/config.yaml")
    auto = ("--config.enable-auto-reload", "--config.auto-reload-interval=1s")
    running = start(None, simulator.environment(), f"--config.file={path}", *auto)
    running.wait_for(lambda text: Page(text).open_cases().keys() == {A})
    mount(tmp_path, 1, BETTER)
    running.wait_for(lambda text: Page(text).open_cases().keys() == {A, B})
    # Right after it was looked at: at the default interval it would take 10 s more.
    mount(tmp_path, 2, "pool: {}")
    page = Page(running.wait_for(lambda text: f"{SUCCESSFUL} 0.0" in text, 5))
    assert page.open_cases().keys() == {A, B}
    running.wait_for_log(lambda line: "reloading configuration failed" in line)
    mount(tmp_path, 3, GOOD)
    running.wait_for(lambda text: f"{SUCCESSFUL} 1.0" in text and Page(text).open_cases().keys() == {A}, 5)
    told = "Not reloaded: the exporter was started without --web.enable-lifecycle.\n"
    assert reload(running) == (403, told)
