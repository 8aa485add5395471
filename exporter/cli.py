"""The command line."""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from exporter import __version__, app, log
from exporter.collector.sharding import Shard
from exporter.errors import ConfigError, StartupError
from exporter.web.server import Address

USAGE_ERROR = 2
STARTUP_ERROR = 1

DEFAULT_ADDRESS = ":10047"


def main(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: The command line without the command's own name.

    Returns:
        The exit code: 0 when all went well, 1 when it could not start, 2 when the arguments or the configuration are wrong.
    """
    # As process 1 of a container a signal without a handler is ignored.
    signal.signal(signal.SIGTERM, _terminate)
    options = _parser().parse_args(arguments)
    try:
        if options.config_check:
            app.load_settings(options.config_file)
            sys.stdout.write("The configuration is valid.\n")
            return 0
        return app.run(
            app.Options(
                config_file=options.config_file,
                address=options.web_listen_address,
                telemetry_path=options.web_telemetry_path,
                demo=options.demo,
                shard=Shard(0, 1),
            ),
            log.configure(options.log_level, options.log_format),
        )
    except ConfigError as error:
        sys.stderr.writelines(f"{problem}\n" for problem in error.problems)
        return USAGE_ERROR
    except StartupError as error:
        sys.stderr.write(f"{error}\n")
        return STARTUP_ERROR


def entry_point() -> None:
    """Run the installed command."""
    sys.exit(main(sys.argv[1:]))


def _terminate(*_: object) -> None:
    sys.exit(0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="aws-support-exporter",
        description="Prometheus exporter for AWS Support cases across accounts and organizations.",
        allow_abbrev=False,
    )
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
        "--web.listen-address",
        dest="web_listen_address",
        type=_address,
        default=DEFAULT_ADDRESS,
        metavar="ADDRESS",
        help="host:port, [ipv6]:port or :port to listen on (default: %(default)s)",
    )
    parser.add_argument(
        "--web.telemetry-path",
        dest="web_telemetry_path",
        type=_path,
        default="/metrics",
        metavar="PATH",
        help="where the metrics are (default: %(default)s)",
    )
    parser.add_argument(
        "--log.level", dest="log_level", choices=log.LEVELS, default="info", help="least level (default: %(default)s)"
    )
    parser.add_argument(
        "--log.format", dest="log_format", choices=log.FORMATS, default="logfmt", help="form (default: %(default)s)"
    )
    parser.add_argument("--demo", action="store_true", help="read a simulated AWS with a living fleet of accounts")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    return parser


def _address(text: str) -> Address:
    try:
        return Address.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _path(text: str) -> str:
    reserved = {"/", "/-/healthy", "/-/ready"}
    if not text.startswith("/") or text in reserved or any(char in text for char in "?#{} "):
        raise argparse.ArgumentTypeError(f'"{text}" is not a path for the metrics: write something like /metrics')
    return text
