"""The present instant in the unit of the store, and a clock that is never set."""

import time


def epoch_milliseconds() -> int:
    """Return the present instant in milliseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1_000_000


def steady_milliseconds() -> int:
    """Return milliseconds of a clock that is never set."""
    return int(time.monotonic() * 1_000)
