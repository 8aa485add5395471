"""The command line's flags, and the types of their values."""

import argparse
import re
import socket
from argparse import ArgumentTypeError
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from ipaddress import IPv6Address
from pathlib import Path
from urllib.parse import urlsplit

from exporter import __version__, log
from exporter.collector.schedule import MOST_SHARDS, Shard
from exporter.config.types import parse_duration
from exporter.errors import ConfigError
from exporter.metrics.history import METRICS
from exporter.web.guard import Limits
from exporter.web.handlers import Paths, is_reserved

DEFAULT_ADDRESS = ":10047"
_SHORTEST_INTERVAL = 1.0
_COUNT = re.compile(r"[0-9]{1,9}", re.ASCII)
_LABEL_NAME = re.compile(r"(?!__|label_)[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_PATH = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)+")
# A host's labels have up to 63 characters: longer ones cannot be looked up at all.
_LABEL = r"[A-Za-z0-9_-]{1,63}"
_ADDRESS = re.compile(rf"(\[(?P<ipv6>[^\]]+)\]|(?=.{{1,253}}:)({_LABEL}\.)*{_LABEL}\.?)?:(?P<port>[0-9]{{1,5}})")
_LARGEST_PORT = 65535
_OF_BACKFILL = ("since", "until", "step", "label", "organization", "no_communications")
_ONLY = {"account": ("check", "backfill"), "strict": ("check",)} | dict.fromkeys(_OF_BACKFILL, ("backfill",))
"""Flags that the other commands would ignore."""
_HOST = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")


@dataclass(frozen=True, slots=True)
class Options:
    """The command line; `auto_reload` is the seconds between checks of the configuration file."""

    command: str
    config_file: Path | None
    config_check: bool
    addresses: tuple[str, ...]
    paths: Paths
    demo: bool
    shard: Shard
    statefulset: str  # whose replicas are the number of shards; empty where that is fixed
    web_config_file: Path | None
    limits: Limits
    lifecycle: bool
    auto_reload: float | None
    storage_path: Path | None
    log_level: str
    log_format: str
    json_output: bool
    strict: bool
    accounts: tuple[str, ...]  # that are checked, or backfilled; all when empty
    organizations: tuple[str, ...]  # whose accounts are backfilled; all when empty
    output: Path  # of a backfill, as all that follow
    since: float  # seconds before `until`
    until: float | None  # Unix seconds; None is now
    step: float
    labels: tuple[tuple[str, str], ...]
    communications: bool

    @property
    def ordinal(self) -> int | None:
        return self.shard.index if self.statefulset or self.shard.total > 1 else None


def parse(arguments: Sequence[str]) -> Options:
    """Return what a command line says; raises SystemExit or, where flags do not fit together, ConfigError."""
    parser = _parser()
    flags = parser.parse_args(arguments)
    if flags.demo and flags.config_file:
        raise ConfigError(["--demo and --config.file are mutually exclusive: remove one of them"])
    for name, commands in _ONLY.items():
        if flags.command not in commands and getattr(flags, name) != parser.get_default(name):
            raise ConfigError([f"--{name.replace('_', '-')}: only for {' and '.join(commands)}: remove it"])
    if (flags.command == "backfill") == (flags.output in {None, "table", "json"}):
        raise ConfigError(["--output: set table or json for check, a directory for backfill"])
    return Options(
        command=flags.command,
        config_file=flags.config_file,
        config_check=flags.config_check,
        addresses=tuple(flags.web_listen_address or [DEFAULT_ADDRESS]),
        paths=_paths(flags),
        demo=flags.demo,
        shard=_shard(flags),
        statefulset=flags.shard_statefulset,
        web_config_file=flags.web_config_file,
        limits=Limits(connections=flags.web_max_connections, requests=flags.web_max_requests),
        lifecycle=flags.web_enable_lifecycle,
        auto_reload=flags.config_auto_reload_interval if flags.config_enable_auto_reload else None,
        storage_path=flags.storage_path,
        log_level=flags.log_level,
        log_format=flags.log_format,
        json_output=flags.output == "json",
        strict=flags.strict,
        accounts=tuple(dict.fromkeys(flags.account)),
        organizations=tuple(flags.organization),
        output=Path(flags.output or "."),
        since=flags.since,
        until=flags.until,
        step=flags.step,
        labels=tuple(dict(flags.label).items()),
        communications=not flags.no_communications,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="aws-support-exporter",
        usage="%(prog)s [FLAG ...] [run | check | once | backfill]",
        description="Prometheus exporter for AWS Support cases across accounts and organizations.",
        allow_abbrev=False,
    )
    commands = "run: serve metrics (default); check: poll every account once and report problems; "
    commands += "once: poll every account once and print the metrics; backfill: write past metrics for promtool"
    choices = ("run", "check", "once", "backfill")
    parser.add_argument("command", nargs="?", choices=choices, default="run", metavar="COMMAND", help=commands)
    parser.add_argument("--demo", action="store_true", help="poll a simulated AWS instead of the real one")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}", help="show the version and exit")
    _add_config_flags(_flags(parser, "configuration"))
    _add_web_flags(_flags(parser, "web"))
    flag = _flags(parser, "storage")
    flag("--storage.path", type=Path, metavar="DIR", help="directory for the state that keeps counters across restarts")
    flag = _flags(parser, "log")
    flag("--log.level", choices=log.LEVELS, default="info", help="minimum log level (default: %(default)s)")
    flag("--log.format", choices=log.FORMATS, default="logfmt", help="log format (default: %(default)s)")
    flag = _flags(parser, "sharding", "Distribute accounts over several exporters.")
    flag("--shard.index", type=_count, metavar="N", help="shard ordinal of this exporter, from 0")
    flag("--shard.total", type=_count, default=1, metavar="N", help="total number of shards (default: 1)")
    from_hostname = "take the shard ordinal from the host name, as in a StatefulSet"
    flag("--shard.from-hostname", action="store_true", help=from_hostname)
    statefulset = "StatefulSet of this pod: sets the shard ordinal and the number of shards, followed when scaled"
    flag("--shard.statefulset", type=_resource, default="", metavar="NAME", help=statefulset)
    flag = _flags(parser, "check and backfill")
    output = "check: output format, table or json (default: table); backfill: output directory, resumed if not empty"
    flag("--output", metavar="FORMAT|DIR", help=output)
    flag("--account", action="append", default=[], metavar="ID", help="check or backfill this account only; repeatable")
    flag("--strict", action="store_true", help="check: also fail for accounts without a support plan")
    _add_backfill_flags(_flags(parser, "backfill"))
    return parser


def _flags(parser: argparse.ArgumentParser, title: str, description: str | None = None) -> Callable[..., object]:
    """Return what adds flags to a group: their values are named as they are, with underscores."""
    group = parser.add_argument_group(title, description)
    return lambda name, **options: group.add_argument(name, dest=re.sub("[.-]", "_", name.removeprefix("--")), **options)


def _add_config_flags(flag: Callable[..., object]) -> None:
    file = "configuration file (YAML); without it, the account of the default AWS credentials is polled"
    auto = "reload the configuration file when it changes, such as a mounted ConfigMap"
    interval = "interval between checks of the configuration file (default: 10s)"
    flag("--config.file", type=Path, metavar="FILE", help=file)
    flag("--config.check", action="store_true", help="check the configuration file and exit")
    flag("--config.enable-auto-reload", action="store_true", help=auto)
    flag("--config.auto-reload-interval", type=_interval, default=10.0, metavar="DURATION", help=interval)


def _add_web_flags(flag: Callable[..., object]) -> None:
    limits = Limits()
    address = f"address to listen on: host:port, [ipv6]:port or :port; repeatable (default: {DEFAULT_ADDRESS})"
    url = "URL under which the exporter is reachable, such as through a proxy; used for links"
    path = "path of the metrics (default: %(default)s)"
    prefix = "prefix of all paths (default: the path of --web.external-url)"
    config = "TLS and basic authentication, in the format of Prometheus's exporter-toolkit"
    lifecycle = "enable POST /-/reload and /api/v1/accounts/ID/refresh; SIGHUP always reloads"
    requests = "maximum number of concurrent requests; 0 disables the limit (default: %(default)s)"
    connections = "maximum number of open connections; idle ones are closed for new ones (default: %(default)s)"
    flag("--web.enable-lifecycle", action="store_true", help=lifecycle)
    flag("--web.listen-address", type=_address, action="append", metavar="ADDRESS", help=address)
    flag("--web.telemetry-path", type=_telemetry_path, default="/metrics", metavar="PATH", help=path)
    flag("--web.external-url", type=_external_path, metavar="URL", help=url)
    flag("--web.route-prefix", type=_route_prefix, metavar="PATH", help=prefix)
    flag("--web.config.file", type=Path, metavar="FILE", help=config)
    flag("--web.max-requests", type=_count, default=limits.requests, metavar="N", help=requests)
    flag("--web.max-connections", type=partial(_count, least=1), default=limits.connections, metavar="N", help=connections)


def _add_backfill_flags(flag: Callable[..., object]) -> None:
    label = "label to add to all series, such as job=aws-support-exporter; repeatable"
    until = "end time, such as 2026-01-31T12:00:00Z; set the time of the first scrape (default: now)"
    without = "omit what needs all communications: first responses, replies, communications"
    flag("--since", type=_interval, default=365 * 86400.0, metavar="DURATION", help="time range before --until (default: 365d)")
    flag("--until", type=_moment, metavar="TIME", help=until)
    flag("--step", type=_interval, default=3600.0, metavar="DURATION", help="interval between samples (default: 1h)")
    flag("--label", type=_label, action="append", default=[], metavar="NAME=VALUE", help=label)
    flag("--organization", action="append", default=[], metavar="NAME", help="accounts of this organization only; repeatable")
    flag("--no-communications", action="store_true", help=without)


def _address(text: str) -> str:
    found = _ADDRESS.fullmatch(text)
    with suppress(ValueError):  # what is in brackets is no IPv6 address
        if found and int(found["port"]) <= _LARGEST_PORT:
            IPv6Address(found["ipv6"] or "::")
            return text
    raise ArgumentTypeError(f'"{text}" is not an address to listen on: write host:port, [ipv6]:port or :port')


def _resource(text: str) -> str:
    if not re.fullmatch(r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?)?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a name of a Kubernetes resource")
    return text


def _count(text: str, least: int = 0) -> int:
    if not _COUNT.fullmatch(text) or int(text) < least:
        raise ArgumentTypeError(f'"{text}" is not an integer of {least} or more: write one such as 40')
    return int(text)


def _interval(text: str) -> float:
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise ArgumentTypeError(f'"{text}" {error}') from None
    if seconds < _SHORTEST_INTERVAL:
        raise ArgumentTypeError(f'"{text}" is too short: write 1s or more')
    return seconds


def _moment(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f'"{text}" is not a time: write it like 2026-01-31T12:00:00Z') from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _label(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if not _LABEL_NAME.fullmatch(name) or not value:
        raise ArgumentTypeError(f'"{text}" is not a label: write it like job=aws-support-exporter')
    if name == "le" or any(name in metric.labels for metric in METRICS):
        raise ArgumentTypeError(f'"{text}" is already a label of the metrics: choose another name')
    return name, value


def _telemetry_path(text: str) -> str:
    if not _PATH.fullmatch(text):
        raise ArgumentTypeError(f'"{text}" is not a path: write one such as /metrics')
    if is_reserved(text):
        raise ArgumentTypeError(f'"{text}" is a reserved path: choose another, such as /metrics')
    return text


def _route_prefix(text: str) -> str:
    prefix = "/" + text.strip("/") if text.strip("/") else ""
    if prefix and not _PATH.fullmatch(prefix):
        raise ArgumentTypeError(f'"{text}" is not a path prefix: write one such as /support')
    return prefix


def _external_path(text: str) -> str:
    """Return the path of a URL, without a slash at its end."""
    wrong = ArgumentTypeError(f'"{text}" is not a URL with http or https: write one such as https://example.com/support')
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise wrong from None
    path = parts.path.rstrip("/")
    host = parts.netloc.removesuffix(f":{port}")
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(host) or parts.query or parts.fragment:
        raise wrong
    if path and not _PATH.fullmatch(path):
        raise wrong
    return path


def _paths(flags: argparse.Namespace) -> Paths:
    prefix, external = flags.web_route_prefix, flags.web_external_url
    served = (external or "") if prefix is None else prefix
    return Paths(flags.web_telemetry_path, served, served if external is None else external)


def _shard(flags: argparse.Namespace) -> Shard:
    total, index, given = flags.shard_total, flags.shard_index, f"--shard.index={flags.shard_index}"
    if flags.shard_statefulset and total != 1:
        raise ConfigError(["--shard.total and --shard.statefulset are mutually exclusive"])
    if flags.shard_from_hostname or flags.shard_statefulset:
        flag = "--shard.statefulset" if flags.shard_statefulset else "--shard.from-hostname"
        if index is not None:
            raise ConfigError([f"--shard.index and {flag} are mutually exclusive"])
        if flags.config_check:  # may be on another host than the exporter
            return Shard(0, total)
        name = socket.gethostname()
        ordinal = re.search(r"-([0-9]{1,9})$", name)
        if ordinal is None:
            raise ConfigError([f"{flag}: the host name {name} does not end in -NUMBER"])
        index, given = int(ordinal[1]), f"{flag}: the host name {name}"
    if not 1 <= total <= MOST_SHARDS:
        raise ConfigError([f"--shard.total={total}: there are 1 to {MOST_SHARDS} shards"])
    if total > 1 and index is None:
        raise ConfigError([f"--shard.total={total}: say which one this is with --shard.index or --shard.from-hostname"])
    if index is not None and index >= total and not flags.shard_statefulset:
        raise ConfigError([f"{given}: not between 0 and {total - 1}, as --shard.total={total}"])
    return Shard(index or 0, total)
