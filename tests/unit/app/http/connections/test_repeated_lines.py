"""Lines of the log that clients can repeat."""

import logging

from app.http.connections.repeated_lines import QUIET_SECONDS, RepeatedLines


def line(text: str, error: Exception | None = None) -> logging.LogRecord:
    """Return a line of the log."""
    exc_info = (type(error), error, None) if error else None
    return logging.LogRecord("uvicorn.error", logging.WARNING, "", 0, text, (), exc_info)


def test_a_line_is_logged_once_in_a_while() -> None:
    """Repetitions are left out until some seconds have passed; another text or another exception is a new line."""
    now = 0.0
    lines = RepeatedLines(lambda: now)
    assert [lines.filter(line("invalid")) for _ in range(3)] == [True, False, False]
    assert lines.filter(line("defect", ValueError("a")))
    assert lines.filter(line("defect", ValueError("b")))
    assert not lines.filter(line("defect", ValueError("a")))
    now = QUIET_SECONDS
    assert lines.filter(line("invalid"))


def test_many_different_lines_need_no_memory() -> None:
    """The filter stores a bounded number of lines."""
    lines = RepeatedLines(lambda: 0.0)
    assert all(lines.filter(line(str(n))) for n in range(3_000))
    assert len(lines._passed) <= 1_000  # noqa: SLF001 - memory has no other sign
