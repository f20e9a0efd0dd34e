"""Keeps clients from filling the log: of lines of the same kind, one passes within some seconds.

Clients choose parts of the text of a line, such as an origin or a position. So what makes lines equal is where they
come from: their format, and the place and type of an exception.
"""

import logging
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from types import TracebackType
from typing import Final

import structlog

QUIET_SECONDS: Final = 10.0
MAX_KINDS: Final = 100
"""Number of kinds of lines that are distinguished at a time; further ones are one kind together."""

MAX_VALUE: Final = 200
"""Characters of a value in a line of a library; the rest is cut."""

REPEATED_EVENTS: Final = frozenset({"access_token_refused"})
"""Events of the server's own log that a client without a token causes; those with the same reason are of one kind."""

_FURTHER: Final = object()

Clock = Callable[[], float]


@dataclass(slots=True)
class _Passed:
    """When a line of a kind passed last, and how many were left out since then."""

    at: float
    left_out: int = 0


class LineQuota:
    """Passes a line of each kind once per QUIET_SECONDS, and counts those that are left out."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._passed: dict[Hashable, _Passed] = {}

    def admit(self, kind: Hashable) -> int | None:
        """Return how many lines of a kind were left out before this one, which passes; None if it is left out, too."""
        now = self._clock()
        if kind not in self._passed and len(self._passed) >= MAX_KINDS:
            self._passed = {known: last for known, last in self._passed.items() if now - last.at < QUIET_SECONDS}
            if len(self._passed) >= MAX_KINDS:
                kind = _FURTHER
        last = self._passed.get(kind)
        if last and now - last.at < QUIET_SECONDS:
            last.left_out += 1
            return None
        self._passed[kind] = _Passed(now)
        return last.left_out if last else 0


class RepeatedLines(logging.Filter):
    """Passes a line of each kind of a logger of a library once per QUIET_SECONDS; the next one has the number left out.

    Lines are of one kind if they have the first line of their format and the place and type of the exception in common.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        super().__init__()
        self._quota = LineQuota(clock)

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a line passes, with long values cut."""
        left_out = self._quota.admit(_kind(record))
        if left_out is None:
            return False
        if isinstance(record.args, tuple):
            record.args = tuple(_cut(value) for value in record.args)
        if left_out:
            record.msg = f"{record.msg} ({left_out} such lines were left out before)"
        return True


class RepeatedEvents:
    """Does so for REPEATED_EVENTS; the number left out is in ``left_out``. A processor of structlog."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._quota = LineQuota(clock)

    def __call__(self, _logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        """Return the event; raises DropEvent if it is left out."""
        if event["event"] not in REPEATED_EVENTS:
            return event
        left_out = self._quota.admit((event["event"], event.get("reason")))
        if left_out is None:
            raise structlog.DropEvent
        if left_out:
            event["left_out"] = left_out
        return event


def _kind(record: logging.LogRecord) -> Hashable:
    """Return what the lines of one kind have in common."""
    form = str(record.msg).partition("\n")[0]
    if not record.exc_info:
        return form
    type_, _, trace = record.exc_info
    return form, type_, _place(trace)


def _place(trace: TracebackType | None) -> Hashable:
    """Return the file and line that raised an exception."""
    while trace and trace.tb_next:
        trace = trace.tb_next
    return trace and (trace.tb_frame.f_code.co_filename, trace.tb_lineno)


def _cut(value: object) -> object:
    """Return a text that is not too long, or another value as it is."""
    return f"{value[:MAX_VALUE]}…" if isinstance(value, str) and len(value) > MAX_VALUE else value
