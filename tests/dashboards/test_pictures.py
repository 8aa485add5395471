"""The documents show each dashboard, and say where it is."""

import re

import pytest

from docs.dashboards import DIRECTORY, dashboards
from tests.support.tools import ROOT

MOST_BYTES = 300 * 1024
PICTURES = {f"dashboard-{name.removeprefix('aws-support-').removesuffix('.json')}.png" for name in dashboards()}


@pytest.mark.parametrize(("document", "place"), [("README.md", "docs/images"), ("docs/dashboards.md", "images")])
def test_a_document_shows_a_picture_of_each_dashboard(document: str, place: str) -> None:
    shown = re.findall(rf"!\[[^\]]+\]\({place}/(dashboard-[^)]+)\)", (ROOT / document).read_text())

    assert sorted(shown) == sorted(PICTURES)


@pytest.mark.parametrize("picture", sorted(PICTURES))
def test_a_picture_is_small_enough_to_load_with_the_page(picture: str) -> None:
    content = (ROOT / "docs/images" / picture).read_bytes()

    assert content.startswith(b"\x89PNG")
    assert len(content) < MOST_BYTES


def test_the_document_leads_to_each_file() -> None:
    text = (ROOT / "docs/dashboards.md").read_text()

    assert [name for name in dashboards() if f"(../{(DIRECTORY / name).relative_to(ROOT)})" not in text] == []
