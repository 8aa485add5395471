"""Nothing that a case says, and no credential, leaves the exporter."""

import re
from pathlib import Path

from exporter.simulator.faults import Fault
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import Error, SilenceInBody
from exporter.simulator.server import Simulator
from tests.e2e.conftest import StartExporter
from tests.support.page import Page

A, B, C = "111111111111", "222222222222", "333333333333"
CONFIG = f"""
poll: {{interval: 10s, timeout: 3s}}
aws: {{role_name: AwsSupportExporter}}
accounts: [{{id: "{A}"}}, {{id: "{B}"}}, {{id: "{C}"}}]
metrics: {{cases: {{enabled: true}}}}
"""
PATHS = ("/metrics", "/", "/api/v1/status", "/api/v1/cases", "/api/v1/cases?status=none", "/config")


def test_case_text_addresses_and_credentials_are_nowhere(
    fleet: Fleet, simulator: Simulator, start: StartExporter, tmp_path: Path
) -> None:
    for account_id in (A, B, C):
        case = fleet.add_account(account_id=account_id).add_case(
            subject="SECRET-SUBJECT",
            body="SECRET-BODY",
            submitted_by="secret-author@example.com",
            cc_email_addresses=("secret-copy@example.com",),
        )
        case.add_communication(body="SECRET-ANSWER")
    simulator.faults.add(Fault(SilenceInBody(), account_id=B, operation="DescribeCases", times=1))
    simulator.faults.add(Fault(Error(500, "InternalFailure", "SECRET-ERROR"), account_id=C))
    flags = ("--log.level=debug", "--web.enable-lifecycle", f"--storage.path={tmp_path}/state")
    exporter = start(CONFIG, simulator.environment(), *flags)
    exporter.wait_for(lambda text: Page(text).up() == {A: 1, B: 1, C: 0})
    pages = [exporter.get(path).text for path in PATHS]
    assert f'"account_id": "{A}"' in pages[3]
    assert "InternalFailure" in pages[2]
    pages.append(exporter.get(f"/api/v1/accounts/{A}/refresh", method="POST", timeout_seconds=40).text)
    state = "".join(file.read_bytes().decode("latin-1") for file in (tmp_path / "state").iterdir())
    assert fleet.account(A).cases[0].case_id in state
    everything = "".join((*pages, state, exporter.stderr, exporter.stdout))
    keys = {simulator.environment()["AWS_SECRET_ACCESS_KEY"], *(r.access_key_id for r in simulator.log.records())} - {""}
    assert re.findall("secret-?[a-z]*", everything, re.IGNORECASE) == []
    assert [key for key in keys if key in everything] == []
