"""From a configuration file to a configuration, or to everything that is wrong with it."""

import stat
from pathlib import Path

from exporter.config.checks import check
from exporter.config.compose import read_document
from exporter.config.problems import Report, holds_secret, line_of_problem
from exporter.config.resolved import Settings, resolve
from exporter.config.schema import Config
from exporter.config.syntax import unprintable
from exporter.config.validate import Form, validated
from exporter.config.values import PartitionOf
from exporter.errors import ConfigError

LARGEST_BYTES = 10 * 1024 * 1024

_FORM = Form(
    Config,
    is_secret=holds_secret,
    advice_on_credentials="credentials do not belong in this file: remove it, and leave them to AWS's default chain "
    "(environment, profile, or the role of the machine or pod)",
    harmless_keys=("use_own_credentials",),
)


def load(path: Path, *, partition_of: PartitionOf) -> Settings:
    """Read a configuration file.

    Args:
        path: Where it is.
        partition_of: Returns the partition of a region, or raises ValueError for one that does not exist.

    Raises:
        ConfigError: It cannot be read or used; holds every problem as `file:line: path: what is wrong, what to write instead`.
    """
    return parse(read(path), source=str(path), partition_of=partition_of)


def parse(content: bytes, *, source: str, partition_of: PartitionOf) -> Settings:
    """Read a configuration.

    Args:
        content: YAML in UTF-8.
        source: What messages call it.
        partition_of: Returns the partition of a region, or raises ValueError for one that does not exist.

    Raises:
        ConfigError: It cannot be used; holds every problem, in the order of the file.
    """
    report = Report(source)
    document = read_document(decoded(content, source), report)
    config = validated(document, _FORM, {"partition_of": partition_of}, report)
    check(config, document, partition_of, report)
    report.raise_if_any()
    return resolve(config, partition_of)


def read(path: Path, what: str = "configuration") -> bytes:
    """Return what is in a file, or the beginning of it when it is too long to be a configuration.

    Args:
        path: Where it is.
        what: What messages call it.

    Raises:
        ConfigError: It cannot be read; a pipe or a device, which may never end, is not tried.
    """
    try:
        if str(path) == ".":
            reason = "no name is given"
        elif not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
            reason = "it is a pipe, a socket or a device: name a file"
        else:
            with path.open("rb") as file:
                return file.read(LARGEST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
    raise ConfigError([line_of_problem(str(path), None, f"the {what} cannot be read: {reason}")])


def decoded(content: bytes, source: str) -> str:
    """Return a file's text.

    Raises:
        ConfigError: It is too long, or no text.
    """
    if len(content) > LARGEST_BYTES:
        size = LARGEST_BYTES // 1024 // 1024
        raise ConfigError([line_of_problem(source, None, f"the file is larger than {size} MiB: is it the right one?")])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        what = f"not UTF-8 text (byte 0x{content[error.start]:02x}): save the file as UTF-8"
        raise ConfigError([line_of_problem(source, line, what)]) from None
    found = unprintable(text)
    if found is not None:
        raise ConfigError([line_of_problem(source, *found)])
    return text
