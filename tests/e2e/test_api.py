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
from tests.support.page import Page
from tests.support.process import ExporterProcess

A, B = "111111111111", "222222222222"
CONFIG = f"""
poll: {{interval: 1h, max_staleness: 2h}}
aws: {{role_name: AwsSupportExporter}}
accounts: [{{id: "{A}"}}, {{id: "{B}"}}]
metrics: {{cases: {{enabled: true}}}}
"""


def asked(exporter: ExporterProcess, path: str, method: str = "GET") -> Any:  # noqa: ANN401 - each path has a form of its own
    response = exporter.get(path, method=method, timeout_seconds=40)
    assert response.status == 200
    return json.loads(response.text)


def refresh(exporter: ExporterProcess, account_id: str) -> Any:  # noqa: ANN401 - as above
    return asked(exporter, f"/api/v1/accounts/{account_id}/refresh", "POST")


def test_what_is_refreshed_is_shown_at_once_also_after_a_failure(
    fleet: Fleet, simulator: Simulator, start: StartExporter
) -> None:
    for account_id in (A, B):
        fleet.add_account(account_id=account_id).add_case(severity_code="low")
    refused = Error(400, "AccessDeniedException", "User is not authorized to perform: support:DescribeCases")
    denied = simulator.faults.add(Fault(refused, account_id=B, operation="DescribeCases"))
    exporter = start(CONFIG, simulator.environment(), "--web.enable-lifecycle")
    exporter.first_page()
    cases = asked(exporter, "/api/v1/cases")
    assert (cases["total"], cases["missing_accounts"], cases["next"]) == (1, 1, None)

    opened = fleet.account(A).add_case(severity_code="critical")
    before = simulator.log.counts()["DescribeCases"]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: refresh(exporter, A), range(4)))
    assert [(account["account_id"], account["open_cases"]) for account in answers] == [(A, 2)] * 4
    assert simulator.log.counts()["DescribeCases"] == before + 1, "all who asked share a poll"
    cases = asked(exporter, "/api/v1/cases?limit=2")["cases"]
    assert (cases[0]["account_id"], cases[0]["display_id"]) == (A, opened.display_id)
    assert Page(exporter.get().text).open_cases() == {A: 2}

    account = refresh(exporter, B)
    assert (account["state"], account["reason"]) == ("failing", "access_denied")
    assert "support:DescribeCases" in account["advice"]
    denied.remove()
    began = time.monotonic()
    account = refresh(exporter, B)
    assert (account["state"], account["open_cases"]) == ("ok", 1)
    assert time.monotonic() - began < 15, "not in the pause of 15 minutes that such a failure has"
    assert asked(exporter, "/api/v1/cases")["missing_accounts"] == 0
