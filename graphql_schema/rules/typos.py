"""Typing errors: how many a word may have, the distance of two words, and the pattern that finds similar words.

The fuzzy query of the index examines only the fifty nearest words, those of hidden assets included. So hidden assets
could displace visible ones. A regular expression has no such bound. It matches a few words too many, which
:func:`edit_distance` removes.
"""

from collections.abc import Collection
from heapq import nsmallest
from itertools import islice
from typing import Final

ONE, TWO = 4, 8
"""Least number of letters of a word that may have one typing error, and of one that may have two."""

MAX_FUZZY_LENGTH: Final = 23
"""Maximal number of letters of a word with typing errors.

For longer ones the pattern would be too long for an index.
"""

MAX_DIFFERENCE: Final = 24
"""Maximal number of letters in which two similar names differ, from the first different one to the last."""

MAX_NEAR_NAMES: Final = 3
"""Maximal number of near names of one text."""

MAX_NAMES: Final = 2_000
"""Maximal number of names among which near ones are found; each takes some microseconds."""

MAX_COMPARED: Final = 100
"""Maximal number of names whose errors are counted: those with the fewest different letters, 0.1 ms each."""


def allowed_errors(word: str) -> int:
    """Return how many typing errors a word may have: 0, 1 or 2.

    It is 0 for a word that is short, very long, or contains a digit, since another number is another thing.
    """
    if len(word) < ONE or len(word) > MAX_FUZZY_LENGTH or not word.isalpha():
        return 0
    return 1 if len(word) < TWO else 2


def fuzzy_pattern(word: str, errors: int) -> str:
    """Return a regular expression for words with at most ``errors`` typing errors; it also matches some with more.

    Two errors are one in each half, or any number in one half. A swap across the middle with a second error is not
    matched. The index builds an automaton from the pattern, which takes some milliseconds. A pattern that lists every
    pair of places for two errors took 0.5 s for a word of nine letters. The pattern has at most 1,000 characters, the
    maximum of Elasticsearch.
    """
    if errors == 1:
        return _with_one(word)
    half = len(word) // 2
    left, right = word[:half], word[half:]
    each = f"({_with_one(left)})({_with_one(right)})"
    return f"{each}|{left}{_any(right)}|{_any(left)}{right}"


def _with_one(word: str) -> str:
    """Return a pattern for a word unchanged, or with one letter omitted, replaced or added, or two swapped."""
    replaced = [f"{word[:at]}.?{word[at + 1 :]}" for at in range(len(word))]
    swapped = [f"{word[:at]}{word[at + 1]}{word[at]}{word[at + 2 :]}" for at in range(len(word) - 1)]
    added = [f"{word[:at]}.{word[at:]}" for at in range(len(word) + 1)]
    return "|".join([*replaced, *swapped, *added])


def _any(word: str) -> str:
    """Return a pattern for any text whose length differs from that of the word by at most two."""
    return f".{{{len(word) - 2},{len(word) + 2}}}"


def edit_distance(left: str, right: str, max_errors: int) -> int:
    """Return the number of typing errors between two words, a swap counting as one; ``max_errors + 1`` if more."""
    if abs(len(left) - len(right)) > max_errors:
        return max_errors + 1
    before: list[int] = []
    row: list[int] = [*range(len(right) + 1)]
    for i, a in enumerate(left, start=1):
        above, row = row, [i]
        for j, b in enumerate(right, start=1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and b == left[i - 2]:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > max_errors and min(above) > max_errors:
            return max_errors + 1
        before = above
    return row[-1] if row[-1] <= max_errors else max_errors + 1


def near_names(text: str, names: Collection[str]) -> tuple[str, ...]:
    """Return at most MAX_NEAR_NAMES names that are similar to a text, the nearest first; case does not count.

    Similar names have errors in at most 40 percent of their letters, and at most MAX_DIFFERENCE letters between a
    common begin and a common end. The time of a comparison grows with the square of these letters. Of many names, the
    first MAX_NAMES are examined, and MAX_COMPARED of these are compared.
    """
    max_errors = int(len(text) * 0.4) + 1
    parts = ((*_different_parts(text.lower(), name.lower()), name) for name in islice(names, MAX_NAMES))
    short = ((max(len(left), len(right)), name, left, right) for left, right, name in parts)
    compared = nsmallest(MAX_COMPARED, (each for each in short if each[0] <= MAX_DIFFERENCE))
    near = sorted((edit_distance(left, right, max_errors), name) for _, name, left, right in compared)
    return tuple(name for errors, name in near if errors <= max_errors)[:MAX_NEAR_NAMES]


def _different_parts(left: str, right: str) -> tuple[str, str]:
    """Return two words without their common begin and their common end."""
    begin = _common_letters(left, right)
    left, right = left[begin:], right[begin:]
    end = _common_letters(left[::-1], right[::-1])
    return left[: len(left) - end], right[: len(right) - end]


def _common_letters(left: str, right: str) -> int:
    """Return the number of equal letters at the begin of two words."""
    return next((at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))


def with_names(message: str, names: Collection[str]) -> str:
    """Return a message followed by near names; unchanged without any."""
    return f"{message} Similar: {', '.join(names)}." if names else message
