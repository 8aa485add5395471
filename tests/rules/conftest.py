import pytest

from tests.support.tools import find_tool


@pytest.fixture(params=["promtool", "newer/promtool"])
def promtool(request: pytest.FixtureRequest) -> str:
    found = find_tool(request.param)
    if found is None:
        pytest.skip(f"{request.param} is not here: get it with `make tools`")
    return str(found)
