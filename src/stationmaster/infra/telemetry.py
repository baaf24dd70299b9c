"""Logs and metrics: one canonical line per unit of work, pretty on a terminal, JSON elsewhere."""

import logging
import logging.handlers
import sys
from pathlib import Path
from typing import Any, Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

LOG_FILE_BYTES = 50 * 1024 * 1024
LOG_FILES_KEPT = 5


def _escape_controls(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Stations send text: no line may be forged by a newline or a terminal sequence in it."""
    return {key: _clean(value) if isinstance(value, str) else value for key, value in event.items()}


def _clean(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _renderer(style: str) -> Processor:
    if style == "pretty":
        return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=28)
    return structlog.processors.JSONRenderer()


def configure_logs(
    *,
    level: str = "INFO",
    style: Literal["auto", "pretty", "json"] = "auto",
    file: Path | None = None,
    role: str = "",
) -> None:
    """Set up structlog and the standard library's logging together; ``file`` gets JSON next to the console."""
    chosen = ("pretty" if sys.stderr.isatty() else "json") if style == "auto" else style
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _escape_controls,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers[:] = [_handler(logging.StreamHandler(sys.stderr), chosen, shared)]
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        rotating = logging.handlers.RotatingFileHandler(
            file, maxBytes=LOG_FILE_BYTES, backupCount=LOG_FILES_KEPT
        )
        root.addHandler(_handler(rotating, "json", shared))
    root.setLevel(level)
    for noisy in (
        "aio_pika",
        "aiormq",
        "httpx",
        "httpcore",
        "picows",
        "engineio",
        "socketio",
        "alembic",
        "uvicorn.access",
    ):
        logger = logging.getLogger(noisy)
        logger.setLevel(max(logging.WARNING, logger.level))  # whoever wraps it may want it quieter still
    structlog.contextvars.bind_contextvars(**({"role": role} if role else {}))


def _handler(handler: logging.Handler, style: str, shared: list[Processor]) -> logging.Handler:
    tail: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if style == "json":
        tail.append(structlog.processors.format_exc_info)
    formatter: Any = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared, processors=[*tail, _renderer(style)]
    )
    handler.setFormatter(formatter)
    return handler
