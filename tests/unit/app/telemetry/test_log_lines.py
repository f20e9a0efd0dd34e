"""The log of a server: one form for all lines, with the request and the trace in which each was written."""

import json
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
import structlog
from structlog.contextvars import bound_contextvars
from support.recorded_spans import RecordedSpans

from app.telemetry.log_lines import configure_logs
from app.telemetry.spans import trace_ids


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Begin with the loggers of a new process, whatever other tests have run; restore the logs after a test."""
    before, root = structlog.get_config(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setattr(root.manager, "disable", logging.NOTSET)
    for name in ("uvicorn", "uvicorn.error", "asyncio"):
        new = {"disabled": False, "propagate": True, "level": logging.NOTSET, "handlers": [], "filters": []}
        for attribute, value in new.items():
            monkeypatch.setattr(logging.getLogger(name), attribute, value)
    yield
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)


def logged(stream: StringIO) -> list[dict[str, Any]]:
    """Return the lines as JSON; each has a time in UTC."""
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert all(line.pop("time").endswith("Z") for line in lines)
    return lines


def test_lines_of_the_product_and_of_libraries_have_one_form() -> None:
    """An event has its values as members, and a library's line its logger; what a library informs of is left out."""
    configure_logs(as_json=True, stream=(stream := StringIO()))
    structlog.get_logger("app.x").warning("store_slow", seconds=2, path=logging)
    logging.getLogger("uvicorn.error").warning("Invalid %s", "request")
    logging.getLogger("uvicorn.error").info("started")
    first, second = logged(stream)
    assert (first["event"], first["level"], first["seconds"]) == ("store_slow", "warning", 2)
    assert second == {"event": "Invalid request", "level": "warning", "logger": "uvicorn.error"}


def test_lines_in_a_request_have_its_id_and_its_trace() -> None:
    """Both kinds of lines have the ids of the current span, and lines outside of a span have none."""
    configure_logs(as_json=True, stream=(stream := StringIO()))
    with bound_contextvars(request_id="r1"), RecordedSpans().spans.span("request"):
        ids = trace_ids()
        structlog.get_logger().info("one")
        logging.getLogger("asyncio").error("two")
    structlog.get_logger().info("three")
    one, two, three = logged(stream)
    expected = {"request_id": "r1", **ids}
    assert len(ids) == 2
    assert [{name: line.get(name) for name in expected} for line in (one, two)] == [expected, expected]
    assert not three.keys() & expected.keys()


def test_an_exception_is_one_line() -> None:
    """Its traceback is a member of the line, so that a collector of logs does not tear it apart."""
    configure_logs(as_json=True, stream=(stream := StringIO()))
    for log in (structlog.get_logger(), logging.getLogger("x")):
        try:
            int("why")
        except ValueError:
            log.exception("failed")
    lines = logged(stream)
    assert [line["event"] for line in lines] == ["failed", "failed"]
    assert all(line["exception"].splitlines()[-1].startswith("ValueError: ") for line in lines)


def test_lines_for_people_are_no_json() -> None:
    """During development, a line begins with its time and has its event as text."""
    configure_logs(as_json=False, stream=(stream := StringIO()))
    structlog.get_logger().warning("store_slow", seconds=2)
    logging.getLogger("asyncio").error("two")
    first, second = stream.getvalue().splitlines()
    assert "store_slow" in first
    assert "seconds=2" in first
    assert "two" in second
