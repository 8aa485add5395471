import pytest

from exporter.cases.advice import advice
from exporter.cases.model import Reason


@pytest.mark.parametrize("reason", Reason)
def test_there_is_one_line_of_advice_for_every_reason(reason: Reason) -> None:
    assert advice(reason, "")
    assert "\n" not in advice(reason, "")


def test_the_trap_of_pod_identity_is_told_by_name() -> None:
    assert "sts:TagSession" in advice(Reason.ASSUME_ROLE_DENIED, "not authorized to perform: sts:TagSession on resource")
