import re
import subprocess
import tomllib
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.tools import ROOT

# In pieces, so that this file does not name what it forbids.
FORBIDDEN = re.compile(
    r"py_pi\.org|python_hosted\.org|npm_js\.org|yarn_pkg\.com|crates_\.io|ruby_gems\.org|go_lang\.org|debian_\.org|"
    r"/ho_me/\w|/Us_ers/\w|[A-Z]:\\+Us_ers\\|/ro_ot/\.pyenv|/wo_rk/(?:main|shared|\.)|/opt/(?:py_pi|wheels)".replace("_", "")
)

PERMISSIVE = re.compile(r"MIT|BSD|Apache|PSF|Python Software Foundation")
COPYLEFT = re.compile(r"GPL|MPL|EPL|SSPL|General Public|Mozilla|Eclipse", re.IGNORECASE)

IMPORT_NAMES = {"prometheus-client": "prometheus_client", "pyyaml": "yaml"}
"""What a distribution is imported as, where it is not its own name."""

_PIN = re.compile(r"^(?P<requirement>(?P<name>[\w.-]+)==(?P<version>[^\s;]+)[^\\\n]*)(?P<rest>.*(?:\n +.*)*)", re.MULTILINE)


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SHIPPED = PROJECT["project"]["dependencies"]
DIRECT = {canonicalize_name(Requirement(text).name) for text in SHIPPED}
GROUPS = PROJECT["dependency-groups"]
LOCKED = {
    "requirements.txt": SHIPPED,
    "requirements-dev.txt": [*SHIPPED, *GROUPS["quick"], *GROUPS["dev"][1:]],
    "requirements-quick.txt": [*SHIPPED, *GROUPS["quick"]],
    "requirements-build.txt": [*GROUPS["build"], *PROJECT["build-system"]["requires"]],
    "requirements-audit.txt": GROUPS["audit"],
    "requirements-fuzz.txt": GROUPS["fuzz"],
    "requirements-mutation.txt": GROUPS["mutation"],
    "requirements-awscli.txt": GROUPS["awscli"],
}
"""What each lock has to hold."""


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """What git tracks or would track, by path."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    return {path: (ROOT / path).read_bytes().decode(errors="replace") for path in paths}


def offences(texts: dict[str, str]) -> list[str]:
    """List the lines that name a package registry or a path of a developer's machine, as `file:line: what`."""
    return [
        f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]}"
        for path, text in texts.items()
        for match in FORBIDDEN.finditer(text)
    ]


def pins(name: str) -> dict[str, tuple[str, str]]:
    """Return version and hashes that a lock holds, by distribution; of several versions, that for the present Python."""
    found = sorted(_PIN.finditer((ROOT / name).read_text()), key=lambda pin: _applies(Requirement(pin["requirement"])))
    return {canonicalize_name(pin["name"]): (pin["version"], pin["rest"]) for pin in found}


def _applies(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


def licence(name: str) -> str:
    """Return what an installed distribution says its licence is."""
    told = metadata.metadata(name)
    classifiers = [text for text in told.get_all("Classifier", []) if text.startswith("License ::")]
    return "; ".join(told.get_all("License-Expression", []) or classifiers or told.get_all("License", []))


def section(document: str, heading: str) -> str:
    """Return what stands under a heading, up to the next one of its rank or above."""
    return re.split(r"^##? ", (ROOT / document).read_text().partition(f"\n{heading}\n")[2], flags=re.MULTILINE)[0]


def test_no_file_names_a_registry_or_a_developers_path(texts: dict[str, str]) -> None:
    assert offences(texts) == []


def test_a_registry_or_a_developers_path_is_reported_with_its_place() -> None:
    needles = ("npm" + "js.org", "/ho" + "me/jane", "/Us" + "ers/jane")
    assert [found.rpartition(": ")[0] for found in offences({"a.md": "\n".join(needles)})] == ["a.md:1", "a.md:2", "a.md:3"]


def test_locks_satisfy_every_declared_dependency_and_development_runs_on_what_is_shipped() -> None:
    assert {path.name for path in ROOT.glob("requirements*.txt")} == LOCKED.keys()
    for lock, declared in LOCKED.items():
        locked = pins(lock)
        for requirement in filter(_applies, map(Requirement, declared)):
            version = locked.get(canonicalize_name(requirement.name), ("0", ""))[0]
            assert requirement.specifier.contains(version), f"{lock}: {requirement}"
    assert pins("requirements.txt").items() <= pins("requirements-dev.txt").items()


def test_locks_are_installed_as_they_are_and_never_resolved_anew(texts: dict[str, str]) -> None:
    # Older versions of pip take a pin of `coverage` for none of `coverage[toml]`, and stop at the next release of it.
    lines = [f"{path}: {line}" for path, text in texts.items() if not path.startswith("tests/") for line in text.splitlines()]
    assert [line for line in lines if re.search(r"--require-hashes\b", line) and "--no-deps" not in line] == []


def test_every_runtime_dependency_is_used(texts: dict[str, str]) -> None:
    code = "\n".join(text for path, text in texts.items() if path.startswith("exporter/"))
    imported = set(re.findall(r"^ *(?:import|from) (\w+)", code, re.MULTILINE))
    assert {IMPORT_NAMES.get(name, name) for name in DIRECT} - imported == set()


def test_contributors_are_told_exactly_the_runtime_dependencies() -> None:
    table = section("CONTRIBUTING.md", "## Dependencies")
    rows = re.findall(r"^\| *`([^`]+)` *\|[^|\n]*\S[^|\n]*\|([^|\n]*\S[^|\n]*)\| *$", table, re.MULTILINE)
    assert sorted(canonicalize_name(name) for name, _ in rows) == sorted(DIRECT)
    for name, told in rows:
        assert set(PERMISSIVE.findall(told)) == set(PERMISSIVE.findall(licence(name))), f"{name}: {licence(name)}"


def test_the_threat_model_lists_exactly_what_is_shipped() -> None:
    text = section("docs/security.md", "## Dependencies")
    rows = {name: set(needed.split(", ")) for name, needed in re.findall(r"^\| ([a-z0-9-]+) \| (.+) \|$", text, re.MULTILINE)}
    alone = rows.pop("alone")
    assert rows.keys() | alone == DIRECT
    assert DIRECT.union(*rows.values()) == pins("requirements.txt").keys()
    assert f"with what these need, there are {len(pins('requirements.txt'))}." in text


def test_what_is_shipped_may_be_part_of_any_product() -> None:
    told = {name: licence(name) for name in pins("requirements.txt")}
    assert {name: text for name, text in told.items() if COPYLEFT.search(text) or not PERMISSIVE.search(text)} == {}


@pytest.mark.parametrize(
    ("given", "listens"), [("--log.level=debug", "localhost:10047"), ("--web.listen-address=:10048", ":10048")]
)
def test_a_demo_is_reached_from_this_machine_only_unless_it_is_told_otherwise(given: str, listens: str) -> None:
    command = ["make", "--dry-run", "--directory", str(ROOT), "demo", f"ARGS={given}"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"--web\.listen-address=(\S+)", told) == [listens]
