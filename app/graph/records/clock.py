"""The instant now, as the store keeps instants."""

import time


def epoch_milliseconds() -> int:
    """The time now."""
    return time.time_ns() // 1_000_000
