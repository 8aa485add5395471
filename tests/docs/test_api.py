"""The commands of docs/api.md, as they stand there but for the port, against the demo that it starts with."""

import json
import re
import subprocess

import pytest

from tests.docs.test_documents import commands, parts
from tests.support.process import ExporterProcess
from tests.support.tools import ROOT, need_tool

DOCUMENT = ROOT / "docs/api.md"
ANSWERS = {"/api/v1/cases": "total", "/api/v1/status": "fleet", "/refresh": "next_poll"}


def run(demo: ExporterProcess, script: str) -> str:
    for tool in {"curl", "jq"} & {*script.split()}:
        need_tool(tool)
    text = script.replace("http://localhost:10047", demo.url)
    ended = subprocess.run(["/bin/sh", "-euc", text], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, ""), script
    return ended.stdout


@pytest.mark.parametrize("command", [line for line in commands(DOCUMENT) if line.startswith("curl")])
def test_each_request_is_answered(demo: ExporterProcess, command: str) -> None:
    found = json.loads(run(demo, command))
    (field,) = [name for path, name in ANSWERS.items() if path in command]
    assert field in found


def test_the_script_lists_all_pages(demo: ExporterProcess) -> None:
    (script,) = parts(DOCUMENT, "sh")
    rows = [line.split("\t") for line in run(demo, script.replace("limit=1000", "limit=7")).splitlines()]
    assert len({row[-1] for row in rows}) > 7, "a case that is written on meanwhile may come twice"
    assert {len(row) for row in rows} == {4}


def test_the_example_has_the_fields_of_an_answer_and_the_table_the_parameters(demo: ExporterProcess) -> None:
    (example,) = map(json.loads, parts(DOCUMENT, "json"))
    found = json.loads(demo.get("/api/v1/cases?limit=1&severity=critical").text)
    assert list(example) == list(found)
    assert list(example["cases"][0]) == list(found["cases"][0])

    told = json.loads(demo.get("/api/v1/cases?x").text)["error"].partition(": write ")[2].split(", ")
    table = DOCUMENT.read_text().partition("| parameter |")[2].partition("\n\n")[0]
    named = re.findall(r"`(\w+)`", "".join(re.findall(r"^\|([^|]*)\|", table, re.MULTILINE)))
    assert sorted([*named, "limit", "page_token"]) == sorted(told)
