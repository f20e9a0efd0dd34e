"""The present instant in the unit of the store."""

import time


def epoch_milliseconds() -> int:
    """Return the present instant in milliseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1_000_000
