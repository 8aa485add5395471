"""Each query of docs/metrics.md finds what its sentence says, and nothing else: asked of Prometheus's own engine."""

import re
from pathlib import Path

import yaml

from tests.support.prometheus import Promtool
from tests.support.tools import ROOT

QUERIES = {
    title.partition(" (")[0]: query
    for title, query in re.findall(
        r"(?:^|\n)([^\n]+):\n\n```promql\n(.*?)```", (ROOT / "docs/metrics.md").read_text(), re.DOTALL
    )
}
WORLDS = yaml.safe_load((Path(__file__).parent / "queries.yaml").read_text())


def test_every_query_finds_what_its_sentence_says(promtool: Promtool, tmp_path: Path) -> None:
    tests = []
    for title, query in QUERIES.items():
        end = "720h" if re.search(r"\[|time\(", query) else "1h"  # what asks for no past is answered faster without
        test = {"expr": f"round({query})", "eval_time": end, "exp_samples": WORLDS[title]["exp_samples"]}
        tests.append({"interval": "1h", "input_series": WORLDS[title]["input_series"], "promql_expr_test": [test]})
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"tests": tests}))
    assert promtool.complaints("test", "rules", file) == ""
    assert QUERIES.keys() == WORLDS.keys()
