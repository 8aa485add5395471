import pytest

from exporter.collector.publisher import pause_after


@pytest.mark.parametrize(
    ("cost", "first_round", "pause"),
    [
        (0.0, False, 1.0),
        (0.01, False, 1.0),
        (0.1, False, 5.0),
        (10.0, False, 15.0),
        (0.1, True, 1.0),
        (0.4, True, 2.0),
    ],
)
def test_pages_take_a_small_share_of_a_core_and_more_of_it_in_the_first_round(
    cost: float, *, first_round: bool, pause: float
) -> None:
    assert pause_after(cost, first_round=first_round) == pytest.approx(pause)
