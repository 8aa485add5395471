"""The command line."""

import argparse
import io
import os
import re
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from exporter import __version__, app, arguments, log
from exporter.collector.sharding import MOST_SHARDS, Shard
from exporter.errors import ConfigError, StartupError
from exporter.web.routes import Paths
from exporter.web.server import Address

USAGE_ERROR = 2
STARTUP_ERROR = 1
_ENDED_BY_SIGNAL = 128

DEFAULT_ADDRESS = ":10047"
DEFAULT_MAX_REQUESTS = 40


def main(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: The command line without the command's own name.

    Returns:
        The exit code: 0 when all went well, 1 when it could not start, 2 when the arguments or the configuration are wrong,
        and 128 plus the signal's number when a signal ended it before it was done.
    """
    # As process 1 of a container a signal without a handler is ignored.
    signal.signal(signal.SIGTERM, _terminate)
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal cannot show must not end the command.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _run(_parser().parse_args(arguments))
        sys.stdout.flush()
    except ConfigError as error:
        sys.stderr.writelines(f"{problem}\n" for problem in error.problems)
        return USAGE_ERROR
    except StartupError as error:
        sys.stderr.write(f"{error}\n")
        return STARTUP_ERROR
    except KeyboardInterrupt:
        return _ENDED_BY_SIGNAL + signal.SIGINT
    except OSError as error:
        # Of a write to standard output; all else is told as an error of its own. What is left of it goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return _ENDED_BY_SIGNAL + signal.SIGPIPE
        sys.stderr.write(f"cannot write to standard output: {error.strerror}\n")
        return STARTUP_ERROR
    return code


def _run(options: argparse.Namespace) -> int:
    if options.demo and options.config_file:
        raise ConfigError(["--demo and --config.file: give one of them, as the demo has a configuration of its own"])
    if options.config_check:
        if not options.shard_from_hostname:  # who checks may be on another host than who runs
            _shard(options)
        app.check_config(options.config_file, options.web_config_file, log.configure("error", options.log_format))
        none = "" if options.config_file else " There is no --config.file: it is that of the defaults."
        sys.stdout.write(f"The configuration is valid.{none}\n")
        return 0
    shared = arguments.Options(
        config_file=options.config_file,
        addresses=tuple(options.web_listen_address or [Address.parse(DEFAULT_ADDRESS)]),
        paths=_paths(options),
        demo=options.demo,
        shard=_shard(options),
        web_config_file=options.web_config_file,
        max_requests=options.web_max_requests,
        lifecycle=options.web_enable_lifecycle,
        auto_reload=options.config_auto_reload_interval if options.config_enable_auto_reload else None,
    )
    # A check says itself what is wrong; log lines between its rows would only hide it.
    level = "error" if options.command == "check" else options.log_level
    logger = log.configure(level, options.log_format)
    if options.command == "check":
        return app.check(shared, logger, as_json=options.output == "json", strict=options.strict)
    if options.command == "once":
        return app.once(shared, logger)
    # Whoever asks for a reload before there is anything to reload must not end the process.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return app.run(shared, logger)


def entry_point() -> None:
    """Run the installed command."""
    sys.exit(main(sys.argv[1:]))


def _terminate(*_: object) -> None:
    sys.exit(_ENDED_BY_SIGNAL + signal.SIGTERM)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="aws-support-exporter",
        usage="%(prog)s [FLAG ...] [run | check | once]",
        description="Prometheus exporter for AWS Support cases across accounts and organizations.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "command",
        nargs="?",
        choices=("run", "check", "once"),
        default="run",
        metavar="COMMAND",
        help="run: serve metrics (default); check: read every account once and tell what is wrong; "
        "once: read every account once and print the page",
    )
    parser.add_argument("--demo", action="store_true", help="read a simulated AWS with a living fleet of accounts")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}", help="show the version and exit")
    _add_config_flags(parser.add_argument_group("configuration"))
    _add_web_flags(parser.add_argument_group("web"))
    logs = parser.add_argument_group("log")
    logs.add_argument(
        "--log.level", dest="log_level", choices=log.LEVELS, default="info", help="least level shown (default: %(default)s)"
    )
    logs.add_argument(
        "--log.format", dest="log_format", choices=log.FORMATS, default="logfmt", help="form of lines (default: %(default)s)"
    )
    _add_shard_flags(parser.add_argument_group("sharding", "Several exporters share the accounts: each reads its part."))
    checks = parser.add_argument_group("check")
    checks.add_argument("--output", choices=("table", "json"), default="table", help="form of check (default: %(default)s)")
    checks.add_argument("--strict", action="store_true", help="let check fail for accounts without a plan, too")
    return parser


def _add_config_flags(parser: argparse._ArgumentGroup) -> None:
    parser.add_argument(
        "--config.file",
        dest="config_file",
        type=Path,
        metavar="FILE",
        help="configuration in YAML; without it, the account of the default AWS credentials is read",
    )
    parser.add_argument(
        "--config.check", dest="config_check", action="store_true", help="check the configuration file and exit"
    )
    parser.add_argument(
        "--config.enable-auto-reload",
        dest="config_enable_auto_reload",
        action="store_true",
        help="reload the configuration file when what is in it changes, as in a mounted ConfigMap",
    )
    parser.add_argument(
        "--config.auto-reload-interval",
        dest="config_auto_reload_interval",
        type=arguments.interval,
        default=10.0,
        metavar="DURATION",
        help="how often to look at it (default: 10s)",
    )


def _add_web_flags(parser: argparse._ArgumentGroup) -> None:
    parser.add_argument(
        "--web.enable-lifecycle",
        dest="web_enable_lifecycle",
        action="store_true",
        help="let POST /-/reload reload the configuration file, as SIGHUP always does",
    )
    parser.add_argument(
        "--web.listen-address",
        dest="web_listen_address",
        type=arguments.address,
        action="append",
        metavar="ADDRESS",
        help=f"host:port, [ipv6]:port or :port to listen on; may be given several times (default: {DEFAULT_ADDRESS})",
    )
    parser.add_argument(
        "--web.telemetry-path",
        dest="web_telemetry_path",
        type=arguments.telemetry_path,
        default="/metrics",
        metavar="PATH",
        help="where the metrics are (default: %(default)s)",
    )
    parser.add_argument(
        "--web.external-url",
        dest="web_external_url",
        type=arguments.external_url,
        default=arguments.ExternalUrl("", ""),
        metavar="URL",
        help="where people reach the exporter, as through a proxy: what links lead to",
    )
    parser.add_argument(
        "--web.route-prefix",
        dest="web_route_prefix",
        type=arguments.route_prefix,
        metavar="PATH",
        help="path below which everything is served (default: that of --web.external-url)",
    )
    parser.add_argument(
        "--web.config.file",
        dest="web_config_file",
        type=Path,
        metavar="FILE",
        help="TLS and basic authentication, in the format of Prometheus's exporter-toolkit",
    )
    parser.add_argument(
        "--web.max-requests",
        dest="web_max_requests",
        type=arguments.count,
        default=DEFAULT_MAX_REQUESTS,
        metavar="N",
        help="how many requests are answered at a time; 0 for any number (default: %(default)s)",
    )


def _add_shard_flags(parser: argparse._ArgumentGroup) -> None:
    parser.add_argument(
        "--shard.index", dest="shard_index", type=arguments.count, metavar="N", help="which shard this is, from 0"
    )
    parser.add_argument(
        "--shard.total",
        dest="shard_total",
        type=arguments.count,
        default=1,
        metavar="N",
        help="how many shards there are (default: 1)",
    )
    parser.add_argument(
        "--shard.from-hostname",
        dest="shard_from_hostname",
        action="store_true",
        help="take the shard's index from the end of the host name, as a StatefulSet numbers its pods",
    )


def _paths(options: argparse.Namespace) -> Paths:
    prefix, external = options.web_route_prefix, options.web_external_url
    served = external.path if prefix is None else prefix
    return Paths(options.web_telemetry_path, served, external.path if external.text else served)


def _shard(options: argparse.Namespace) -> Shard:
    """Return which share of the accounts is read.

    Raises:
        ConfigError: The arguments do not fit together.
    """
    total, index, said_by = options.shard_total, options.shard_index, f"--shard.index={options.shard_index}"
    if options.shard_from_hostname:
        if index is not None:
            raise ConfigError(["--shard.index and --shard.from-hostname: give one of them"])
        name = socket.gethostname()
        ordinal = re.search(r"-([0-9]{1,9})$", name)
        if ordinal is None:
            raise ConfigError([f"--shard.from-hostname: the host name {name} does not end in -NUMBER"])
        index, said_by = int(ordinal[1]), f"--shard.from-hostname: the host name {name}"
    if not 1 <= total <= MOST_SHARDS:
        raise ConfigError([f"--shard.total={total}: there are 1 to {MOST_SHARDS} shards"])
    if total > 1 and index is None:
        raise ConfigError([f"--shard.total={total}: say which one this is with --shard.index or --shard.from-hostname"])
    if index is not None and index >= total:
        raise ConfigError([f"{said_by}: of --shard.total={total} the last one is {total - 1}, as they count from 0"])
    return Shard(index or 0, total)
