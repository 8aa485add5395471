from docs.dashboards import DIRECTORY, dashboards


def test_the_chart_holds_what_the_generator_makes() -> None:
    shipped = {path.name: path.read_text() for path in DIRECTORY.iterdir()}

    assert shipped.keys() == dashboards().keys()
    assert [name for name, text in dashboards().items() if shipped[name] != text] == [], "write them anew with: make dashboards"
