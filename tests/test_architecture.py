import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.support.tools import ROOT

PACKAGE = "exporter"
EVERYTHING = ("",)

# Who may import whom. A name stands for a part with all of its modules, or for one module: "collector.schedule".
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "__init__": (),
    "__main__": ("cli",),
    "app": EVERYTHING,
    "aws": ("__init__", "cases", "clock", "errors"),
    "backfill": ("aws.support", "cases", "clock", "collector", "errors", "metrics", "options", "targets"),
    "cases": (),
    "check": ("cases",),
    "cli": ("__init__", "app", "errors", "log", "options"),
    "clock": (),
    "collector": ("cases", "clock", "errors", "metrics"),
    "config": ("cases", "errors", "web.settings"),
    "demo": ("simulator",),
    "errors": ("cases",),
    "log": (),
    "loop_thread": (),
    "memory": (),
    "metrics": ("cases",),
    "options": ("__init__", "collector.schedule", "config.types", "errors", "log", "metrics", "web"),
    "reload": ("config", "errors", "metrics"),
    "simulator": (),
    "state": ("cases", "clock", "errors", "metrics"),
    "statefulset": ("clock", "collector.schedule", "errors"),
    "targets": ("aws", "cases", "collector", "config"),
    "web": ("cases", "errors", "metrics"),
}

# Which parts may import a library that is not Python's own. One that is not listed may be imported by none.
LIBRARIES: dict[str, tuple[str, ...]] = {
    "aiohttp": ("aws", "simulator", "statefulset", "web"),
    "bcrypt": ("web",),
    "boto3": ("aws",),
    "botocore": ("aws",),
    "msgspec": ("aws", "backfill", "state", "statefulset"),
    "prometheus_client": ("metrics",),
    "pydantic": ("config",),
    "pydantic_core": ("config",),
    "structlog": ("app", "aws", "backfill", "collector", "log", "reload", "state", "statefulset", "web"),
    "yaml": ("config",),
    "yarl": ("aws",),
}

OF_NAMED_TUPLES = ("_asdict", "_fields", "_make", "_replace")
"""Underscore names that are documented."""

PURE = ("cases", "metrics")
IMPURE_MODULES = frozenset(
    (
        *("asyncio", "concurrent", "multiprocessing", "queue", "sched", "subprocess", "threading", "_thread"),
        *("datetime", "time"),
        *("random", "secrets", "uuid"),
        *("glob", "io", "os", "pathlib", "shutil", "sys", "tempfile"),
        *("http", "select", "selectors", "signal", "smtplib", "socket", "socketserver", "ssl", "urllib"),
        *("importlib", "logging"),
    )
)


OWN_DATA = "importlib.resources.files"
"""As constant as the package's code."""


def violations(path: str, source: str) -> list[str]:
    """List the imports that a module may not make."""
    parts = Path(path).with_suffix("").parts
    part = parts[1]
    if part not in MAY_IMPORT:
        return [f"{path}:1: {part} has no row in the table of who may import whom"]
    return [
        f"{path}:{line}: {part} may not import {target.removeprefix(f'{PACKAGE}.')}"
        for line, target in _imports(ast.parse(source, path), parts[:-1])
        if not _allowed(part, target)
    ]


def _imports(tree: ast.Module, package: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = ".".join(package[: len(package) + 1 - node.level]) if node.level else ""
            module = ".".join(filter(None, (origin, node.module)))
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def foreign_privates(path: str, source: str) -> list[str]:
    """List the underscore names that a module takes from others: libraries change those without a word."""
    found = []
    for node in ast.walk(ast.parse(source, path)):
        if isinstance(node, ast.Attribute) and not (isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}):
            found.append((node.lineno, node.attr))
        elif isinstance(node, ast.ImportFrom):
            found += [(node.lineno, alias.name) for alias in node.names]
    return [
        f"{path}:{line}: {name}" for line, name in sorted(found) if re.match("_[a-z]", name) and name not in OF_NAMED_TUPLES
    ]


def _allowed(part: str, target: str) -> bool:
    top, _, inner = target.partition(".")
    if top == PACKAGE:
        if inner.partition(".")[0] not in MAY_IMPORT:
            inner = "__init__"  # a constant of the package itself
        return any(_within(inner, permitted) for permitted in (part, *MAY_IMPORT[part]))
    if top in sys.stdlib_module_names:
        return part not in PURE or top not in IMPURE_MODULES or target == OWN_DATA
    return part in LIBRARIES.get(top, ())


def _within(module: str, permitted: str) -> bool:
    return not permitted or f"{module}.".startswith(f"{permitted}.")


def _modules() -> list[Path]:
    return sorted((ROOT / PACKAGE).rglob("*.py"))


def _over_all(check: Callable[[str, str], list[str]]) -> list[str]:
    return [complaint for path in _modules() for complaint in check(path.relative_to(ROOT).as_posix(), path.read_text())]


def test_modules_import_only_what_their_part_may() -> None:
    assert _over_all(violations) == []


def test_nothing_private_of_others_is_used() -> None:
    assert _over_all(foreign_privates) == []
    assert [path for path in _modules() if "SLF001" in path.read_text()] == []


def test_every_row_of_the_table_is_about_a_part_that_exists() -> None:
    parts = {path.relative_to(ROOT / PACKAGE).with_suffix("").parts[0] for path in _modules()}

    assert parts == MAY_IMPORT.keys()


def test_what_is_private_of_others_is_reported_with_its_place() -> None:
    source = (
        "from a import _x, y\nself._client._endpoint\nself._client.meta\ncls._made\n_mine()\nrow._replace(a=1)\nssl._create()"
    )
    assert foreign_privates("a.py", source) == ["a.py:1: _x", "a.py:2: _endpoint", "a.py:7: _create"]


def test_a_forbidden_import_is_reported_with_its_place() -> None:
    source = ["import exporter.aws.api", "from ..errors import A", "import structlog", "if 1: import time"]
    assert sorted(violations("exporter/cases/model.py", "\n".join([*source, "from . import b", "import math"]))) == [
        f"exporter/cases/model.py:{line}: cases may not import {target}"
        for line, target in enumerate(("aws.api", "errors.A", "structlog", "time"), 1)
    ]
    source = ["import exporter.collector.schedule", "from exporter import __version__", "import exporter.collector.schedules"]
    assert violations("exporter/options.py", "\n".join(source)) == [
        "exporter/options.py:3: options may not import collector.schedules"
    ]
