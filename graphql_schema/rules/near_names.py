"""Near names: those of a list that resemble a mistyped one."""

from collections.abc import Collection
from typing import Final

from graphql.pyutils import suggestion_list

MAX_NEAR_NAMES: Final = 3
"""Maximal number of near names of one text."""


def near_names(text: str, names: Collection[str]) -> tuple[str, ...]:
    """Return at most MAX_NEAR_NAMES names that differ from a text in less than half of it, the nearest first."""
    return tuple(suggestion_list(text, sorted(names))[:MAX_NEAR_NAMES])


def with_names(message: str, names: Collection[str]) -> str:
    """Return a message followed by near names; unchanged without any."""
    return f"{message} Similar: {', '.join(names)}." if names else message
