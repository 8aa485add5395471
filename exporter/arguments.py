"""What the command line says, and what the values of its flags become; a wrong one is told in words."""

import re
from argparse import ArgumentTypeError
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from exporter.collector.sharding import Shard
from exporter.config.types import parse_duration
from exporter.web.routes import Paths, is_reserved
from exporter.web.server import Address

SHORTEST_INTERVAL = 1.0
_COUNT = re.compile(r"[0-9]{1,9}", re.ASCII)
_PATH = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)+")
_HOST = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says.

    Attributes:
        config_file: Where the configuration is, or None to read the account of the default credentials.
        addresses: Where to listen.
        paths: What is served where.
        demo: Whether a simulated AWS is read.
        shard: Which share of the accounts is read.
        web_config_file: Where TLS and logins are configured, or None for plain HTTP that anybody may read.
        max_requests: How many requests are answered at a time.
        lifecycle: Whether the configuration may be reloaded by a request.
        auto_reload: Seconds after which the file is looked at again, or None when it is not.
    """

    config_file: Path | None
    addresses: tuple[Address, ...]
    paths: Paths
    demo: bool
    shard: Shard
    web_config_file: Path | None
    max_requests: int
    lifecycle: bool
    auto_reload: float | None


class ExternalUrl(NamedTuple):
    """Where people reach the exporter, as through a proxy.

    Attributes:
        text: The URL without a slash at its end.
        path: Its path without a slash at its end; empty when there is none.
    """

    text: str
    path: str


def address(text: str) -> Address:
    """Return the address to listen on that a flag names."""
    try:
        return Address.parse(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def count(text: str) -> int:
    """Return the whole number, 0 or more, that a flag names."""
    if not _COUNT.fullmatch(text):
        raise ArgumentTypeError(f'"{text}" is not a whole number, 0 or more: write one such as 40')
    return int(text)


def interval(text: str) -> float:
    """Return the seconds that a flag names."""
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise ArgumentTypeError(f'"{text}" {error}') from None
    if seconds < SHORTEST_INTERVAL:
        raise ArgumentTypeError(f'"{text}" is too short: write 1s or more')
    return seconds


def telemetry_path(text: str) -> str:
    """Return the path of the metrics."""
    if not _PATH.fullmatch(text):
        raise ArgumentTypeError(f'"{text}" is not a path for the metrics: write something like /metrics')
    if is_reserved(text):
        raise ArgumentTypeError(f'"{text}" is a path of the exporter\'s own: write another, such as /metrics')
    return text


def route_prefix(text: str) -> str:
    """Return the path below which everything is, without a slash at its end; empty for the root."""
    prefix = "/" + text.strip("/") if text.strip("/") else ""
    if prefix and not _PATH.fullmatch(prefix):
        raise ArgumentTypeError(f'"{text}" is not a path to serve everything below: write something like /support')
    return prefix


def external_url(text: str) -> ExternalUrl:
    """Return where people reach the exporter."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _no_url(text) from None
    path = parts.path.rstrip("/")
    host = parts.netloc.removesuffix(f":{port}")
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(host) or parts.query or parts.fragment:
        raise _no_url(text)
    if path and not _PATH.fullmatch(path):
        raise _no_url(text)
    return ExternalUrl(f"{parts.scheme}://{parts.netloc}{path}", path)


def _no_url(text: str) -> ArgumentTypeError:
    return ArgumentTypeError(f'"{text}" is not a URL people can open: write something like https://example.com/support')
