"""What promtool says of the page of a running exporter."""

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from exporter.metrics.catalog import CATALOG
from exporter.simulator.fleet import Fleet
from exporter.simulator.server import Simulator
from tests.e2e.conftest import StartExporter
from tests.support.catalogue import complaints
from tests.support.prometheus import Promtool
from tests.support.promql import OF_THE_PROCESS

CONFIG = """
aws: {role_name: AwsSupportExporter}
organizations: [{name: acme}]
metrics: {cases: {enabled: true, subject: true}}
"""


def test_promtool_finds_nothing_to_complain_of_on_a_page_with_every_metric(
    fleet: Fleet, simulator: Simulator, start: StartExporter, promtool: Promtool, tmp_path: Path
) -> None:
    for number in range(12):
        account = fleet.add_account(trusts=number % 2 == 0)
        account.add_case()
        account.add_case().add_communication()
    queue = fleet.send_events()
    queue.name += "-0"
    events = f"events: {{queue_url: '{queue.url.removesuffix('-0')}-{{shard}}'}}\n"
    flags = ("--shard.index=0", "--shard.total=2", f"--storage.path={tmp_path}/state")
    exporter = start(f"{CONFIG}\n{events}", simulator.environment(), *flags)
    page = exporter.wait_for(lambda text: set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)) >= CATALOG.keys())
    assert promtool.check_metrics(page) == ""
    exported = set(re.findall(r"^# TYPE ((?:process|python)_\S+)", page, re.MULTILINE))
    assert exported == OF_THE_PROCESS.keys(), "what queries may name"
    assert complaints(list(text_string_to_metric_families(page))) == []
