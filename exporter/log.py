"""Log lines in logfmt or JSON on standard error, including logs of libraries."""

import logging
import os
import queue
import threading
import traceback
from contextlib import suppress

import structlog
from structlog.typing import FilteringBoundLogger, Processor

LEVELS = ("debug", "info", "warn", "error")
FORMATS = ("logfmt", "json")

_OWN = "exporter"
_QUEUED_LINES = 10_000
_FLUSH_SECONDS = 1.0


class _StandardError(logging.Handler):
    """Writes in a thread of its own: who does not read standard error must not stop the event loops.

    What does not fit into the queue is dropped, and the number is logged once lines can be written again.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lines: queue.Queue[str | threading.Event | None] = queue.Queue(_QUEUED_LINES)
        self._dropped = 0
        threading.Thread(target=self._write, name="log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
            if self._dropped:
                told = {"msg": f"{self._dropped} log lines dropped: standard error blocked", "levelname": "WARNING"}
                self._lines.put_nowait(self.format(logging.makeLogRecord(told)))
                self._dropped = 0
            self._lines.put_nowait(line)
        except queue.Full:
            self._dropped += 1
        except Exception:  # noqa: BLE001 - as every handler of the standard library
            self.handleError(record)

    def flush(self) -> None:
        written = threading.Event()
        with suppress(queue.Full):
            self._lines.put_nowait(written)
            written.wait(_FLUSH_SECONDS)

    def close(self) -> None:
        super().close()
        with suppress(queue.Full):
            self._lines.put_nowait(None)

    def _write(self) -> None:
        clear = b"\r\x1b[2K" if os.isatty(2) else b""  # of the progress that may be shown there
        while (line := self._lines.get()) is not None:
            if isinstance(line, threading.Event):
                line.set()
                continue
            rest = clear + f"{line}\n".encode(errors="backslashreplace")
            try:
                while rest:
                    rest = rest[os.write(2, rest) :]
            except OSError:
                continue  # nobody reads it


def configure(level: str, log_format: str) -> FilteringBoundLogger:
    """Set up logging for the process, and return the exporter's logger.

    Libraries never go below warnings: at debug level botocore logs requests and responses, including credentials.
    """
    threshold = logging.getLevelName({"warn": "WARNING"}.get(level, level.upper()))
    shared: list[Processor] = [structlog.stdlib.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts")]
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
    logging.getLogger("botocore.credentials").setLevel(logging.ERROR)  # it tells of each failure that is ours to tell
    logging.captureWarnings(capture=True)
    logging.getLogger(_OWN).setLevel(threshold)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    logger: FilteringBoundLogger = structlog.get_logger(_OWN)
    threading.excepthook = lambda crash: _log_crash(logger, crash)
    return logger


def _without_traceback(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Keep a library's message on one line; a traceback could show what it was working on."""
    event.pop("exc_info", None)
    event.pop("stack_info", None)
    text, record = str(event["event"]), event.get("_record")
    if record is not None:
        record.exc_info = record.exc_text = None
        if record.name == "asyncio":  # below its first line are a task and its error, as `repr` shows them
            text = text.partition("\n")[0]
    event["event"] = " ".join(text.split())
    return event


def _log_crash(logger: FilteringBoundLogger, crash: threading.ExceptHookArgs) -> None:
    """Log that a thread crashed, and where; never the error's text, which could hold what must not be logged."""
    frames = traceback.extract_tb(crash.exc_traceback)
    place = f"{frames[-1].name}, line {frames[-1].lineno}" if frames else "unknown"
    thread = crash.thread.name if crash.thread else ""
    logger.error("thread crashed", thread=thread, error=crash.exc_type.__name__, place=place)
