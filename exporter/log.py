"""Log lines in logfmt or JSON on standard error, those of the libraries included."""

import logging
import sys
import threading
import traceback

import structlog
from structlog.typing import FilteringBoundLogger, Processor

LEVELS = ("debug", "info", "warn", "error")
FORMATS = ("logfmt", "json")

_OWN = "exporter"


class _StandardError(logging.Handler):
    """Writes to what standard error is at that moment: a progress bar stands in for it while it is shown, and makes way."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        try:
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()
        except Exception:  # noqa: BLE001 - as every handler of the standard library
            self.handleError(record)


def configure(level: str, log_format: str) -> FilteringBoundLogger:
    """Set up logging for the process, and return the exporter's logger.

    Args:
        level: One of `LEVELS`. Libraries never go below warnings: at debug level botocore writes whole requests and answers,
            credentials and case text among them, and the HTTP/2 libraries write the headers of clients, passwords among them.
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
    handler = _StandardError()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _without_traceback],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, final],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(threshold, logging.WARNING), force=True)
    logging.captureWarnings(capture=True)
    logging.getLogger(_OWN).setLevel(threshold)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    logger: FilteringBoundLogger = structlog.get_logger(_OWN)
    threading.excepthook = lambda ended: _tell_end(logger, ended)
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


def _tell_end(logger: FilteringBoundLogger, ended: threading.ExceptHookArgs) -> None:
    """Log that a thread ended by a bug: where, never the error's text, which could hold what must not be logged."""
    frames = traceback.extract_tb(ended.exc_traceback)
    place = f"{frames[-1].name}, line {frames[-1].lineno}" if frames else "nowhere"
    thread = ended.thread.name if ended.thread else ""
    logger.error("a thread has ended", thread=thread, error=ended.exc_type.__name__, place=place)
