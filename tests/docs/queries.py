"""The queries of docs/metrics.md, by the sentence above each."""

import re

from tests.support.tools import ROOT

QUERIES = {
    title.partition(" (")[0]: query
    for title, query in re.findall(
        r"(?:^|\n)([^\n]+):\n\n```promql\n(.*?)```", (ROOT / "docs/metrics.md").read_text(), re.DOTALL
    )
}
