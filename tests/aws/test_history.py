"""Reading all cases of an account that AWS keeps."""

import time
from dataclasses import replace

import pytest

from exporter.aws.readers import ReaderOptions
from exporter.cases.model import Author, Case, Communication
from exporter.errors import ReadFailure
from exporter.simulator.account import Account
from exporter.simulator.case import CUSTOMER_AUTHOR
from exporter.simulator.faults import Fault, Page
from exporter.simulator.kinds import ConnectionReset, Error, Throttled
from exporter.simulator.server import Simulator
from tests.aws.conftest import OPTIONS, REGION, reader_of, readers_of

DENIED = "AccessDeniedException"


async def history(
    account: Account, *, regions: tuple[str, ...] = (REGION,), options: ReaderOptions = OPTIONS, communications: bool = True
) -> dict[str, Case]:
    async with readers_of() as readers:
        found = await reader_of(readers, account, regions=regions, options=options).history(60.0, communications=communications)
    assert len({case.case_id for case in found}) == len(found)
    return {case.case_id: case for case in found}


def add_long_case(account: Account) -> str:
    """Add a case that AWS answered first, and which has grown by ten communications since."""
    opened = time.time() - 1000
    case = account.add_case(created_at=opened, body="help")
    case.add_communication(created_at=opened + 5)
    for number in range(10):
        case.add_communication(submitted_by=CUSTOMER_AUTHOR, created_at=opened + 10 + number)
    return case.case_id


async def test_resolved_cases_are_among_them_and_another_endpoint_is_asked_for_what_is_left(
    simulator: Simulator, account: Account
) -> None:
    for number in range(249):
        account.add_case(status="resolved" if number % 2 else "opened")
    simulator.faults.add(Fault(ConnectionReset(), operation="DescribeCases", region=REGION, page=Page.LATER))
    found = await history(account, regions=(REGION, "us-west-2"))
    assert len(found) == 250
    assert sum(not case.is_open for case in found.values()) == 124
    assert simulator.log.counts()["DescribeCases"] == 2 + 3


async def test_each_language_is_listed_a_case_counts_once_and_no_subject_is_read(account: Account) -> None:
    account.default_language = "en"
    account.add_case(language="ja").resolve()
    found = await history(account, options=replace(OPTIONS, languages=("en", "ja", "en"), keep_subject=True))
    assert [case.subject for case in found.values()] == ["", ""]


async def test_a_case_has_all_of_its_communications(account: Account) -> None:
    case_id = add_long_case(account)
    case = (await history(account))[case_id]
    assert (len(case.communications), case.first_aws_known) == (12, True)
    assert case.first_aws == case.communications[1].created
    assert case.communications[1] == Communication(case.communications[1].created, Author.AWS)


@pytest.mark.parametrize("code", ["CaseIdNotFound", "SomethingNew"])
async def test_a_case_whose_communications_are_gone_has_those_that_are_listed(
    simulator: Simulator, account: Account, code: str
) -> None:
    case_id = add_long_case(account)
    simulator.faults.add(Fault(Error(400, code), operation="DescribeCommunications"))
    case = (await history(account))[case_id]
    assert (len(case.communications), case.first_aws_known) == (5, False)


async def test_an_account_whose_communications_may_not_be_read_fails(simulator: Simulator, account: Account) -> None:
    add_long_case(account)
    simulator.faults.add(Fault(Error(400, DENIED), operation="DescribeCommunications"))
    with pytest.raises(ReadFailure, match=f"access_denied: DescribeCommunications: {DENIED}"):
        await history(account)
    assert await history(account, communications=False)


async def test_it_is_patient_with_an_account_whose_quota_others_use_up(simulator: Simulator, account: Account) -> None:
    add_long_case(account)
    for operation in ("DescribeCases", "DescribeCommunications"):
        simulator.faults.add(Fault(Throttled(), operation=operation, times=19))
    assert len(await history(account)) == 2
