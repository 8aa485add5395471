import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.tools import ROOT

PACKAGE = "exporter"
EVERYTHING = ("",)

# Who may import whom. A name stands for a part with all of its modules, or for one module: "collector.store".
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "__init__": (),
    "__main__": ("cli",),
    "arguments": ("collector.sharding", "config.durations", "web.routes", "web.server"),
    "cli": ("__init__", "app", "arguments", "config", "log", "errors", "collector.sharding", "web.routes", "web.server"),
    "app": EVERYTHING,
    "demo": ("simulator",),
    "targets": ("aws", "cases", "collector", "config"),
    "aws": ("cases", "errors"),
    "cases": (),
    "collector": ("cases", "metrics", "errors"),
    "config": ("cases", "errors", "web.settings"),
    "engine": ("aws", "cases", "collector", "config", "metrics", "targets"),
    "errors": ("cases",),
    "log": (),
    "memory": (),
    "metrics": ("cases",),
    "reload": ("config", "errors", "metrics"),
    "reloads": ("reload", "web.routes"),
    "simulator": (),
    "terminal": ("cases", "collector.discoverer"),
    "web": ("cases", "collector.store", "errors", "metrics"),
}

_TERMINAL = ("__main__", "app", "cli", "demo", "terminal")
_LOGGING = tuple(sorted(MAY_IMPORT.keys() - {"cases", "metrics", "simulator"}))

# Which parts may import a library that is not Python's own. One that is not listed may be imported by none.
LIBRARIES: dict[str, tuple[str, ...]] = {
    "bcrypt": ("web",),
    "boto3": ("aws",),
    "botocore": ("aws",),
    "h11": ("web",),  # this and h2 are what Hypercorn is made of
    "h2": ("web",),
    "hypercorn": ("web",),
    "prometheus_client": ("metrics",),
    "pydantic": ("config",),
    "pydantic_core": ("config",),
    "rich": _TERMINAL,
    "starlette": ("web",),
    "structlog": _LOGGING,
    "urllib3": ("aws",),
    "yaml": ("config",),
}

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


def violations(path: str, source: str) -> list[str]:
    """List the imports that a module may not make.

    Args:
        path: The module's file, relative to the repository.
        source: Its text.

    Returns:
        One line for each, in the order of the file.
    """
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


def _allowed(part: str, target: str) -> bool:
    top, _, inner = target.partition(".")
    if top == PACKAGE:
        if inner.partition(".")[0] not in MAY_IMPORT:
            inner = "__init__"  # a constant of the package itself
        return any(_within(inner, permitted) for permitted in (part, *MAY_IMPORT[part]))
    if top in sys.stdlib_module_names:
        return part not in PURE or top not in IMPURE_MODULES
    return part in LIBRARIES.get(top, ())


def _within(module: str, permitted: str) -> bool:
    return not permitted or f"{module}.".startswith(f"{permitted}.")


def _modules() -> list[Path]:
    return sorted((ROOT / PACKAGE).rglob("*.py"))


def test_modules_import_only_what_their_part_may() -> None:
    found = [
        violation
        for path in _modules()
        for violation in violations(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
    ]

    assert found == []


def test_every_row_of_the_table_is_about_a_part_that_exists() -> None:
    parts = {path.relative_to(ROOT / PACKAGE).with_suffix("").parts[0] for path in _modules()}

    assert parts == MAY_IMPORT.keys()


@pytest.mark.parametrize(
    ("path", "source", "complaint"),
    [
        ("exporter/cases/model.py", "import exporter.aws.api", "1: cases may not import aws.api"),
        ("exporter/cases/model.py", "from exporter import errors", "1: cases may not import errors"),
        ("exporter/cases/model.py", "from ..errors import Failure", "1: cases may not import errors.Failure"),
        ("exporter/cases/model.py", "def f():\n    import time", "2: cases may not import time"),
        ("exporter/cases/model.py", "import urllib.request", "1: cases may not import urllib.request"),
        ("exporter/cases/model.py", "import structlog", "1: cases may not import structlog"),
        ("exporter/metrics/page.py", "from threading import Lock", "1: metrics may not import threading.Lock"),
        ("exporter/aws/api.py", "from exporter.metrics import catalog", "1: aws may not import metrics.catalog"),
        ("exporter/collector/poller.py", "from exporter.aws import api", "1: collector may not import aws.api"),
        ("exporter/collector/poller.py", "import boto3", "1: collector may not import boto3"),
        ("exporter/web/routes.py", "import exporter.collector.roster", "1: web may not import collector.roster"),
        ("exporter/web/routes.py", "from exporter.collector import poller", "1: web may not import collector.poller"),
        ("exporter/web/routes.py", "import exporter.collector.storeroom", "1: web may not import collector.storeroom"),
        ("exporter/simulator/life.py", "from exporter.cases import model", "1: simulator may not import cases.model"),
        ("exporter/config/parse.py", "from exporter import __version__", "1: config may not import __version__"),
        ("exporter/app.py", "import requests", "1: app may not import requests"),
        ("exporter/extra.py", "", "1: extra has no row in the table of who may import whom"),
    ],
)
def test_a_forbidden_import_is_reported_with_its_place(path: str, source: str, complaint: str) -> None:
    assert violations(path, source) == [f"{path}:{complaint}"]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("exporter/cases/aggregate.py", "from exporter.cases.model import Case\nfrom . import model\nimport math"),
        ("exporter/web/routes.py", "from exporter.collector.store import PageStore\nfrom exporter.collector import store"),
        ("exporter/aws/api.py", "import time\nimport boto3\nfrom botocore.config import Config"),
        ("exporter/app.py", "from exporter import __version__, web\nimport exporter.aws.api"),
        ("exporter/__main__.py", "from exporter.cli import entry_point"),
    ],
)
def test_a_permitted_import_is_not_reported(path: str, source: str) -> None:
    assert violations(path, source) == []
