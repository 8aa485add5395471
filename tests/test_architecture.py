import ast
import re
import sys
from collections.abc import Iterator
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
IMPURE_MODULES = {
    *("asyncio", "concurrent", "multiprocessing", "queue", "sched", "subprocess", "threading", "_thread"),
    *("datetime", "time"),
    *("random", "secrets", "uuid"),
    *("glob", "io", "os", "pathlib", "shutil", "sys", "tempfile"),
    *("http", "select", "selectors", "signal", "smtplib", "socket", "socketserver", "ssl", "urllib"),
    *("importlib", "logging"),
}
OWN_DATA = "importlib.resources.files"
"""As constant as the package's code."""


def complaints(path: str, source: str) -> Iterator[str]:
    """Yield the imports that a module may not make, and the underscore names that it takes from others."""
    parts = Path(path).with_suffix("").parts
    package, part = parts[:-1], parts[1]
    for node in ast.walk(ast.parse(source, path)):
        imported, taken, place = list[str](), list[str](), f"{path}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Import):
            imported = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            origin = package[: len(package) + 1 - node.level] if node.level else ()
            taken = [alias.name for alias in node.names]
            imported = [".".join(filter(None, (*origin, node.module, name))) for name in taken]
        elif isinstance(node, ast.Attribute) and not (isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}):
            taken = [node.attr]
        for target in imported:
            if not allowed(part, target):
                yield f"{place}: {part} may not import {target.removeprefix(f'{PACKAGE}.')}"
        for name in taken:
            if re.match("_[a-z]", name) and name not in OF_NAMED_TUPLES:
                yield f"{place}: {name} is private"


def allowed(part: str, target: str) -> bool:
    top, _, inner = target.partition(".")
    if top == PACKAGE:
        if inner.partition(".")[0] not in MAY_IMPORT:
            inner = "__init__"  # a constant of the package itself
        return any(not own or f"{inner}.".startswith(f"{own}.") for own in (part, *MAY_IMPORT[part]))
    if top in sys.stdlib_module_names:
        return part not in PURE or top not in IMPURE_MODULES or target == OWN_DATA
    return part in LIBRARIES.get(top, ())


def test_modules_import_what_their_part_may_and_use_nothing_private_of_others() -> None:
    modules = {path.relative_to(ROOT).as_posix(): path.read_text() for path in sorted((ROOT / PACKAGE).rglob("*.py"))}
    assert {Path(path).with_suffix("").parts[1] for path in modules} == MAY_IMPORT.keys()
    assert [complaint for path, source in modules.items() for complaint in complaints(path, source)] == []
    assert [path for path, source in modules.items() if "SLF001" in source] == []


def test_what_is_not_allowed_is_reported_with_its_place() -> None:
    forbidden = ("import exporter.aws.api", "from ..errors import _a", "import structlog", "if 1: import time", "b._x(c)")
    allowed = ("from . import b", "import math", "self._x", "cls._x", "_x()", "row._replace(a=1)")
    found = complaints("exporter/cases/a.py", "\n".join([*forbidden, *allowed]))
    assert sorted(each.split(":")[1] for each in found) == ["1", "2", "2", "3", "4", "5"], "twice where it is private, too"
