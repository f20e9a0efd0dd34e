"""Lines of the log that clients can repeat."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
import structlog

from app.telemetry.repeated_lines import MAX_KINDS, QUIET_SECONDS, LineQuota, RepeatedEvents, RepeatedLines


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        """Return the seconds."""
        return self.now


def line(text: str, *values: object, error: Exception | None = None) -> logging.LogRecord:
    """Return a line of the log of a library."""
    exc_info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("uvicorn.error", logging.WARNING, "", 0, text, values, exc_info)


def test_a_line_passes_once_in_a_while_with_the_number_left_out() -> None:
    """Repetitions are left out until some seconds have passed, and the next line has their number."""
    clock = Clock()
    lines = RepeatedLines(clock)
    assert [lines.filter(line("invalid")) for _ in range(3)] == [True, False, False]
    assert lines.filter(line("other"))
    clock.now = QUIET_SECONDS
    again = line("invalid")
    assert lines.filter(again)
    assert again.getMessage() == "invalid (2 such lines were left out before)"
    clock.now = 2 * QUIET_SECONDS
    again = line("invalid")
    assert lines.filter(again)
    assert again.getMessage() == "invalid"


def test_what_a_client_chooses_makes_no_other_line() -> None:
    """Lines with other values, with another text of an exception or with other details below are of one kind."""
    lines = RepeatedLines(Clock())

    def decoded(text: bytes) -> logging.LogRecord:
        try:
            text.decode()
        except UnicodeDecodeError as error:
            return line("undecodable", error=error)
        raise AssertionError

    assert [lines.filter(line("from %r", f"https://{n}")) for n in range(3)] == [True, False, False]
    assert [lines.filter(decoded(b"x" * n + b"\xff")) for n in range(3)] == [True, False, False]
    assert [lines.filter(line(f"lost\ntransport: {n}")) for n in range(3)] == [True, False, False]


def test_another_exception_or_another_place_is_another_line() -> None:
    """Two defects under one text are both in the log."""
    lines = RepeatedLines(Clock())

    def failed(call: Callable[[], object]) -> logging.LogRecord:
        try:
            call()
        except (KeyError, ValueError) as error:
            return line("defect", error=error)
        raise AssertionError

    def first(text: str) -> object:
        return int(text) if text else {"a": 1}[text]

    def second(text: str) -> object:
        return int(text)

    records = [failed(lambda: first("a")), failed(lambda: first("")), failed(lambda: second("a"))]
    assert [lines.filter(record) for record in records] == [True, True, True]
    assert not lines.filter(failed(lambda: first("b")))


def test_long_values_are_cut() -> None:
    """A header of kilobytes is not in the log as a whole; numbers and short values are."""
    record = line("from %r to %r, %d", "https://" + "a" * 8_000, "host", 7)
    assert RepeatedLines(Clock()).filter(record)
    assert len(record.getMessage()) < 300
    assert record.getMessage().endswith("…' to 'host', 7")


def test_many_kinds_take_neither_memory_nor_lines() -> None:
    """The number of kinds in some seconds is bounded, and later ones pass again."""
    clock = Clock()
    quota = LineQuota(clock)
    assert [quota.admit(n) for n in range(3_000)].count(0) == MAX_KINDS + 1
    assert len(quota._passed) <= MAX_KINDS + 1  # noqa: SLF001 - memory has no other sign
    clock.now = QUIET_SECONDS
    assert quota.admit("new") == 0
    assert len(quota._passed) == 1  # noqa: SLF001 - as above


def test_refusals_of_tokens_are_logged_by_reason_with_their_number() -> None:
    """Of refused tokens, each reason is logged at once, and then with the number of those in between."""
    clock = Clock()
    events = RepeatedEvents(clock)

    def passed(event: str, reason: str) -> dict[str, Any] | None:
        try:
            return dict(events(None, "info", {"event": event, "reason": reason}))
        except structlog.DropEvent:
            return None

    refused = {"event": "access_token_refused", "reason": "expired"}
    assert [passed(**refused) for _ in range(3)] == [refused, None, None]
    assert passed("access_token_refused", "foreign")
    clock.now = QUIET_SECONDS
    assert passed(**refused) == {**refused, "left_out": 2}


@pytest.mark.parametrize("event", ["request_failed", "store_down"])
def test_other_events_are_all_logged(event: str) -> None:
    """What no client without a token causes is never left out."""
    events = RepeatedEvents(Clock())
    given = {"event": event, "reason": "same"}
    assert [events(None, "error", dict(given)) for _ in range(3)] == [given] * 3
