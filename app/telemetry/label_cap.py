"""Bounds the labels that clients can make: the names of operations, and their combinations with other labels."""

from typing import Final

MAX_NAMES: Final = 500
"""Maximum number of names of operations that are labels."""

MAX_NAME_LENGTH: Final = 100
"""Maximum number of characters of such a name."""

MAX_COMBINATIONS: Final = 2_000
"""Maximum number of combinations of a name with a type and a code."""

RESERVED: Final = 200
"""Combinations that are kept for OTHER and UNNAMED, which have any type and code."""

OTHER: Final = "(other)"
UNNAMED: Final = "(unnamed)"


class LabelCap:
    """Admits names and combinations as they first occur, until there are too many; further names become OTHER."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._combinations: set[tuple[str, str, str]] = set()

    def admit(self, name: str | None, kind: str, code: str) -> str:
        """Return the label for an operation with this name, type and code: the name, OTHER, or UNNAMED without one."""
        if not name:
            return UNNAMED
        if (name, kind, code) in self._combinations:
            return name
        is_new = name not in self._names
        if is_new and (len(self._names) >= MAX_NAMES or len(name) > MAX_NAME_LENGTH):
            return OTHER
        if len(self._combinations) >= MAX_COMBINATIONS - RESERVED:
            return OTHER
        self._names.add(name)
        self._combinations.add((name, kind, code))
        return name
