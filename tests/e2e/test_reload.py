"""Reloading the configuration of a running exporter: by request, by signal, and when the file changes."""

import json
import os
import signal
import time
from collections.abc import Iterator
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
BAD_FILES = sorted((ROOT / "tests/config").glob("*.bad.yaml"))
SUCCESSFUL = "aws_support_exporter_config_last_reload_successful"
SUCCESS_TIME = "aws_support_exporter_config_last_reload_success_timestamp_seconds"


@pytest.fixture(scope="module")
def aws() -> Iterator[Simulator]:
    fleet = Fleet.empty(time.time)
    for account_id in (A, B):
        fleet.add_account(account_id=account_id).add_case()
    with Simulator(fleet) as running:
        yield running


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reload") / "config.yaml"


@pytest.fixture(scope="module")
def process(aws: Simulator, config: Path) -> Iterator[ExporterProcess]:
    config.write_text(GOOD)
    with ExporterProcess([f"--config.file={config}", "--web.enable-lifecycle"], aws.environment()) as running:
        yield running


@pytest.fixture
def running(process: ExporterProcess, config: Path) -> ExporterProcess:
    """Return an exporter that runs on the good configuration, whatever the test before it did."""
    config.write_text(GOOD)
    assert reload(process)[0] == 200
    process.wait_for(lambda text: Page(text).open_cases().keys() == {A})
    return process


def reload(running: ExporterProcess) -> tuple[int, str]:
    response = running.get("/-/reload", method="POST")
    return response.status, response.text


def page_of(running: ExporterProcess) -> Page:
    return Page(running.get().text)


def test_no_bad_file_changes_anything(running: ExporterProcess, config: Path, aws: Simulator) -> None:
    before = page_of(running)
    names = {name for name, *_ in before.samples}
    asked = aws.log.counts()
    assert len(BAD_FILES) > 30
    for bad in BAD_FILES:
        config.write_bytes(bad.read_bytes())
        status, text = reload(running)
        told = bad.with_suffix(".txt").read_text().replace("config.yaml:", f"{config}:").splitlines()
        assert (status, text.splitlines()[0]) == (500, "Not reloaded:"), bad.name
        assert text.splitlines()[1].split(": ")[0] == told[0].split(": ")[0], bad.name
        page = page_of(running)
        assert page.values(SUCCESSFUL) == [0], bad.name
        assert page.values(SUCCESS_TIME) == before.values(SUCCESS_TIME)
        assert {name for name, *_ in page.samples} == names
        assert page.open_cases() == before.open_cases()
    config.unlink()
    assert reload(running)[0] == 500
    assert json.loads(running.get("/api/v1/status").text)["config"]["reloaded_at"] == before.total(SUCCESS_TIME)
    assert aws.log.counts() == asked, "nobody was asked for anything meanwhile"
    config.write_text(GOOD)
    assert reload(running) == (200, "Reloaded.\n")
    assert page_of(running).values(SUCCESSFUL) == [1]
    assert page_of(running).total(SUCCESS_TIME) > before.total(SUCCESS_TIME)


def test_a_reload_is_on_the_page_when_it_is_answered(running: ExporterProcess, config: Path) -> None:
    config.write_text(BETTER.replace("aws: {", "aws: {regions: [us-east-1, eu-central-1], "))
    assert running.get("/-/reload", method="PUT").status == 200
    running.wait_for_log(lambda line: "regions share a Support endpoint" in line)
    assert page_of(running).label_values("aws_support_account_info", "account_id") == {A, B}
    assert Page(running.wait_for(lambda text: Page(text).open_cases().keys() == {A, B})).total(SUCCESSFUL) == 1


def test_sighup_reloads_and_says_what_is_wrong(running: ExporterProcess, config: Path) -> None:
    config.write_text("pole: {}")
    os.kill(running.pid, signal.SIGHUP)
    running.wait_for_log(lambda line: "reloading configuration failed" in line and "pole: unknown key" in line)
    running.wait_for(lambda text: f"{SUCCESSFUL} 0.0" in text)
    config.write_text(BETTER)
    os.kill(running.pid, signal.SIGHUP)
    running.wait_for(lambda text: Page(text).open_cases().keys() == {A, B})


def mount(directory: Path, number: int, content: str) -> Path:
    """Put a file where Kubernetes puts a ConfigMap's: behind a symbolic link that is swapped."""
    version = directory / f"..version-{number}"
    version.mkdir(parents=True)
    (version / "config.yaml").write_text(content)
    (directory / "..new").symlink_to(version.name)
    (directory / "..new").rename(directory / "..data")
    if number == 0:
        (directory / "config.yaml").symlink_to("..data/config.yaml")
    return directory / "config.yaml"


def test_a_changed_config_map_is_noticed_at_the_interval_of_the_flag(
    aws: Simulator, start: StartExporter, tmp_path: Path
) -> None:
    path = mount(tmp_path / "mounted", 0, GOOD)
    auto = ("--config.enable-auto-reload", "--config.auto-reload-interval=1s")
    running = start(None, aws.environment(), f"--config.file={path}", *auto)
    running.wait_for(lambda text: Page(text).open_cases().keys() == {A})
    mount(tmp_path / "mounted", 1, BETTER)
    running.wait_for(lambda text: Page(text).open_cases().keys() == {A, B})
    # Right after it was looked at: at the default interval it would take 10 s more.
    mount(tmp_path / "mounted", 2, "pool: {}")
    page = Page(running.wait_for(lambda text: f"{SUCCESSFUL} 0.0" in text, 5))
    assert page.open_cases().keys() == {A, B}
    running.wait_for_log(lambda line: "reloading configuration failed" in line)
    mount(tmp_path / "mounted", 3, GOOD)
    running.wait_for(lambda text: f"{SUCCESSFUL} 1.0" in text and Page(text).open_cases().keys() == {A}, 5)


def test_a_request_reloads_only_where_that_is_enabled(aws: Simulator, start: StartExporter) -> None:
    told = "Not reloaded: the exporter was started without --web.enable-lifecycle.\n"
    assert reload(start(None, aws.environment())) == (403, told)
