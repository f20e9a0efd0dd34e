"""The expected version of a command on an alias that does not check which version it has."""

from typing import Final


class AnyVersion:
    """The value of ``expected_version`` that accepts every version, and an alias that is not set."""

    def __repr__(self) -> str:
        return "ANY"


ANY: Final = AnyVersion()
"""The expected version of a command that does not check it."""
