"""What the documents say of the metrics is what the catalogue says."""

import pytest

from exporter.metrics import reference
from tests.support.tools import ROOT


@pytest.mark.parametrize(
    ("document", "name", "content"),
    [("docs/metrics.md", "metrics", reference.tables()), ("README.md", "overview", reference.overview())],
)
def test_a_document_shows_the_catalogue_as_it_is(document: str, name: str, content: str) -> None:
    text = (ROOT / document).read_text()
    assert reference.replace_between(text, name, content) == text, "write it anew with: make docs"


def test_a_document_without_marks_is_told() -> None:
    with pytest.raises(ValueError, match="there are no marks for metrics"):
        reference.replace_between("nothing here", "metrics", "")
