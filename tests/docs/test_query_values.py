"""Each query of docs/metrics.md finds what its sentence says, and nothing else: asked of Prometheus's own engine."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support.tools import ROOT, find_tool

QUERIES = {
    title.partition(" (")[0]: query
    for title, query in re.findall(
        r"(?:^|\n)([^\n]+):\n\n```promql\n(.*?)```", (ROOT / "docs/metrics.md").read_text(), re.DOTALL
    )
}
WORLDS = yaml.safe_load((Path(__file__).parent / "queries.yaml").read_text())


@pytest.mark.parametrize("name", ["promtool", pytest.param("newer/promtool", marks=pytest.mark.slow)])
def test_every_query_finds_what_its_sentence_says(name: str, tmp_path: Path) -> None:
    promtool = find_tool(name)
    if promtool is None:
        pytest.skip(f"{name} is not here: get it with `make tools`")
    tests = [
        {
            "interval": "1h",
            "input_series": WORLDS[title]["input_series"],
            "promql_expr_test": [
                {"expr": f"round({query})", "eval_time": "720h", "exp_samples": WORLDS[title]["exp_samples"]},
            ],
        }
        for title, query in QUERIES.items()
    ]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"tests": tests}))
    ended = subprocess.run([promtool, "test", "rules", file], capture_output=True, text=True, timeout=50, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert QUERIES.keys() == WORLDS.keys()
