"""The log of a server process on stderr: JSON lines, or readable lines on a terminal during development.

Lines of uvicorn, asyncio and other libraries get the same form. A line in a request has ``request_id``. If spans are
on (docs/traces.md), a line within a span has ``trace_id`` and ``span_id``.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Final, TextIO

import orjson
import structlog

from app.telemetry.repeated_lines import RepeatedEvents
from app.telemetry.spans import trace_ids

Event = MutableMapping[str, object]

_SHARED: Final[tuple[structlog.typing.Processor, ...]] = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
)


def add_trace(_logger: object, _method: str, event: Event) -> Event:
    """Add the ids of the current span to a line; a processor of structlog."""
    event.update(trace_ids())
    return event


def configure_logs(*, as_json: bool, stream: TextIO | None = None) -> None:
    """Write the log of the process to ``stream``, by default stderr; of libraries, only warnings and errors."""
    target = stream or sys.stderr
    last: structlog.typing.Processor = structlog.processors.JSONRenderer(_text)
    if not as_json:
        last = structlog.dev.ConsoleRenderer(colors=target.isatty(), timestamp_key="time")
    rendered = [structlog.processors.format_exc_info, last] if as_json else [last]
    structlog.configure(
        processors=[RepeatedEvents(), *_SHARED, add_trace, *rendered],
        logger_factory=structlog.PrintLoggerFactory(target),
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_SHARED, structlog.stdlib.add_logger_name, add_trace],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendered],
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def _text(event: object, **_: object) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
