"""What a bot does: ask for the open cases, and have an account polled now."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import Error
from exporter.simulator.server import Simulator
from tests.e2e.conftest import StartExporter
from tests.support.process import ExporterProcess

A, B = "111111111111", "222222222222"
CONFIG = f"""
poll: {{interval: 1h, max_staleness: 2h}}
aws: {{role_name: AwsSupportExporter}}
accounts: [{{id: "{A}"}}, {{id: "{B}"}}]
metrics: {{cases: {{enabled: true}}}}
"""


def asked(exporter: ExporterProcess, path: str, method: str = "GET") -> tuple[int, Any]:
    response = exporter.get(path, method=method, timeout_seconds=40)
    return response.status, json.loads(response.text)


def refresh(exporter: ExporterProcess, account_id: str = A) -> tuple[int, Any]:
    return asked(exporter, f"/api/v1/accounts/{account_id}/refresh", "POST")


def test_what_is_refreshed_is_shown_at_once_to_all_who_asked_with_one_poll(
    fleet: Fleet, simulator: Simulator, start: StartExporter
) -> None:
    for account_id in (A, B):
        fleet.add_account(account_id=account_id).add_case(severity_code="low")
    exporter = start(CONFIG, simulator.environment(), "--web.enable-lifecycle")
    exporter.first_page()
    status, found = asked(exporter, "/api/v1/cases")
    assert (status, found["total"], found["next"]) == (200, 2, None)
    opened = fleet.account(A).add_case(severity_code="critical")
    before = simulator.log.counts()["DescribeCases"]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: refresh(exporter), range(4)))
    assert [(status, account["account_id"], account["open_cases"]) for status, account in answers] == [(200, A, 2)] * 4
    assert simulator.log.counts()["DescribeCases"] == before + 1
    cases = asked(exporter, "/api/v1/cases?limit=2")[1]["cases"]
    assert (cases[0]["account_id"], cases[0]["display_id"]) == (A, opened.display_id)
    assert f'aws_support_account_open_cases{{account_id="{A}"' in exporter.get().text


def test_a_refresh_says_what_is_wrong_and_that_it_is_right_again(
    fleet: Fleet, simulator: Simulator, start: StartExporter
) -> None:
    for account_id in (A, B):
        fleet.add_account(account_id=account_id).add_case()
    refused = Error(400, "AccessDeniedException", "User is not authorized to perform: support:DescribeCases")
    denied = simulator.faults.add(Fault(refused, account_id=A, operation="DescribeCases"))
    exporter = start(CONFIG, simulator.environment(), "--web.enable-lifecycle")
    exporter.first_page()
    assert asked(exporter, "/api/v1/cases")[1]["missing_accounts"] == 1
    status, account = refresh(exporter)
    assert (status, account["state"], account["reason"]) == (200, "failing", "access_denied")
    assert "support:DescribeCases" in account["advice"]
    denied.remove()
    began = time.monotonic()
    status, account = refresh(exporter)
    assert (status, account["state"], account["open_cases"]) == (200, "ok", 1)
    assert time.monotonic() - began < 15, "not in the pause of 15 minutes that such a failure has"
    assert asked(exporter, "/api/v1/cases")[1]["missing_accounts"] == 0


def test_only_accounts_of_this_shard_and_only_where_it_is_enabled(
    fleet: Fleet, simulator: Simulator, start: StartExporter
) -> None:
    for account_id in (A, B):
        fleet.add_account(account_id=account_id)
    exporter = start(CONFIG, simulator.environment(), "--web.enable-lifecycle", "--shard.total=2", "--shard.index=0")
    exporter.wait_for(lambda text: text == "Ready.\n", path="/-/ready")
    known = {account["account_id"] for account in asked(exporter, "/api/v1/status")[1]["accounts"]}
    others = {A, B, "333333333333"} - known
    assert {refresh(exporter, account_id)[0] for account_id in known} <= {200}
    told = {"error": "Not refreshed: the account is not polled here. This is shard 0 of 2."}
    assert [refresh(exporter, account_id) for account_id in others] == [(404, told)] * len(others)
    assert exporter.stop() == 0
    told = {"error": "Not refreshed: the exporter was started without --web.enable-lifecycle."}
    assert refresh(start(CONFIG, simulator.environment())) == (403, told)
