"""Log lines in logfmt or JSON on standard error, those of the libraries included."""

import logging
import sys

import structlog
from structlog.typing import FilteringBoundLogger, Processor

LEVELS = ("debug", "info", "warn", "error")
FORMATS = ("logfmt", "json")

_LIBRARIES = ("asyncio", "boto3", "botocore", "hypercorn", "urllib3")


def configure(level: str, log_format: str) -> FilteringBoundLogger:
    """Set up logging for the process, and return the exporter's logger.

    Args:
        level: One of `LEVELS`. Libraries never go below warnings: at debug level botocore writes whole requests and answers,
            credentials and case text among them.
        log_format: One of `FORMATS`.
    """
    threshold = logging.getLevelName({"warn": "WARNING"}.get(level, level.upper()))
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
    ]
    final: Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.processors.LogfmtRenderer(key_order=["ts", "level", "event"], bool_as_flag=False)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _without_traceback],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, final],
        )
    )
    logging.basicConfig(handlers=[handler], level=threshold, force=True)
    for library in _LIBRARIES:
        logging.getLogger(library).setLevel(max(threshold, logging.WARNING))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    logger: FilteringBoundLogger = structlog.get_logger("exporter")
    return logger


def _without_traceback(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Keep a library's message on one line; a traceback could show what it was working on."""
    event.pop("exc_info", None)
    event.pop("stack_info", None)
    record = event.get("_record")
    if record is not None:
        record.exc_info = record.exc_text = None
    event["event"] = " ".join(str(event["event"]).split())
    return event
