import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from exporter.simulator import kinds
from exporter.simulator.account import Account
from exporter.simulator.faults import Fault, Kind, Page
from exporter.simulator.fleet import Fleet
from exporter.simulator.kinds import Error, Latency, Throttled
from exporter.simulator.server import Simulator
from tests.simulator.conftest import ACCOUNT_ID, Connect, Serve, ask, code_of

SILENT_AFTER = 0.3


@pytest.fixture(autouse=True)
def _cases(account: Account) -> None:
    for _ in range(12):
        account.add_case(body="x" * 100)


def received(simulator: Simulator, timeout: float = 10.0) -> tuple[bytes, str]:
    """Return what one request brings, and how it ends: `closed`, `reset` or `silent`."""
    data = b""
    with ask(simulator, timeout=timeout) as client:
        try:
            while chunk := client.recv(65536):
                data += chunk
                client.settimeout(SILENT_AFTER)
        except (ConnectionResetError, ssl.SSLEOFError):
            return data, "reset"
        except TimeoutError:
            return data, "silent"
    return data, "closed"


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize(
    ("kind", "share", "ending", "status"),
    [
        (None, 1, "silent", 200),
        (kinds.ConnectionReset(), 0, "reset", 0),
        (kinds.ConnectionClosed(), 0, "closed", 0),
        (kinds.Silence(), 0, "silent", 0),
        (kinds.SilenceInBody(), 0.5, "silent", 200),
        (kinds.CutOffBody(), 0.5, "closed", 200),
        (kinds.ResetInBody(), 0.5, "reset", 200),
        (kinds.Drip(0.0), 1, "closed", 200),
    ],
)
def test_answer_arrives_whole_in_part_or_not_at_all(
    serve: Serve, certificate: tuple[Path, Path], kind: Kind | None, share: float, ending: str, status: int, *, secure: bool
) -> None:
    simulator = serve(verify_signatures=False, tls=certificate if secure else None)
    if kind is not None:
        simulator.faults.add(Fault(kind))
    data, seen = received(simulator, **({"timeout": SILENT_AFTER} if isinstance(kind, kinds.Silence) else {}))
    head, _, body = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ") is bool(share)
    claimed = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or b"0")
    assert (len(body), seen) == (int(claimed * share), ending)
    assert [record.status for record in simulator.log.records()] == [status]


@pytest.mark.parametrize("latency_seconds", [0.0, 60.0], ids=["fault", "always"])
def test_request_that_the_client_gives_up_is_logged(serve: Serve, latency_seconds: float) -> None:
    simulator = serve(latency_seconds=latency_seconds, verify_signatures=False)
    simulator.faults.add(Fault(Latency(60.0)))
    assert received(simulator, SILENT_AFTER) == (b"", "silent")
    simulator.stop()
    assert [(record.operation, record.status) for record in simulator.log.records()] == [("DescribeCases", 0)]


def test_fault_added_last_strikes_what_it_is_for(
    fleet: Fleet, account: Account, simulator: Simulator, connect: Connect
) -> None:
    other = fleet.add_account()
    here, there = connect("support"), connect("support", region="eu-west-1")
    stranger, base = connect("support", fleet.add_access_key(other)), connect("sts")
    token = here.describe_cases()["nextToken"]
    calls: dict[str, Callable[[], object]] = {
        "first page": here.describe_cases,
        "later page": lambda: here.describe_cases(nextToken=token),
        "other operation": lambda: here.describe_communications(caseId=account.cases[0].case_id),
        "other region": there.describe_cases,
        "other account": stranger.describe_cases,
        "role of the other": lambda: base.assume_role(RoleArn=other.role_arn(), RoleSessionName="me"),
    }

    def struck(**conditions: object) -> set[str]:
        handle = simulator.faults.add(Fault(Throttled(), **conditions))  # type: ignore[arg-type]  # a condition each
        names = set(calls)
        for name, call in calls.items():
            with suppress(ClientError):
                call()
                names.remove(name)
        assert handle.hits == len(names)
        handle.remove()
        return names

    assert struck() == set(calls)
    assert struck(operation="DescribeCommunications") == {"other operation"}
    assert struck(region="eu-west-1") == {"other region"}
    assert struck(account_id=other.account_id) == {"other account", "role of the other"}
    assert struck(page=Page.LATER) == {"later page"}
    first_page = {"page": Page.FIRST, "operation": "DescribeCases", "region": "us-east-1", "account_id": ACCOUNT_ID}
    assert struck(**first_page) == {"first page"}
    assert struck(times=2) == {"first page", "later page"}
    assert struck(probability=0.0) == set()
    simulator.faults.add(Fault(Throttled()))
    simulator.faults.add(Fault(Error(503, "ServiceUnavailable"), times=1))
    assert [code_of(here.describe_cases) for _ in range(2)] == ["ServiceUnavailable", "ThrottlingException"]
    simulator.faults.add(Fault(Error(403, "AccessDeniedException", "no <way>")))
    assert code_of(base.get_caller_identity) == "AccessDenied", "as the query protocol calls it"
    simulator.faults.clear()
    here.describe_cases()
