"""Typing errors: how many a word may have, the distance of two words, and the pattern that finds similar words.

The fuzzy query of the index examines only the fifty nearest words, those of hidden assets included. So hidden assets
could displace visible ones. A regular expression has no such bound. It matches a few words too many, which
:func:`edit_distance` removes.
"""

from collections.abc import Collection
from functools import lru_cache
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
"""Maximal number of names whose errors are counted: those with the fewest different letters, some 15 µs each."""


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
    """Return the number of typing errors between two words, a swap counting as one; ``max_errors + 1`` if more.

    Each letter of ``right`` is one column in the table of distances of the beginnings of both words. The integers have
    one bit for each row, a letter of ``left`` (Hyyrö, A Bit-Vector Algorithm for Computing Levenshtein and Damerau Edit
    Distances, 2003). So a word of 23 letters takes some 15 microseconds.
    """
    if abs(len(left) - len(right)) > max_errors:
        return max_errors + 1
    if not left:
        return len(right)
    places, column, last = _places(left), (1 << len(left)) - 1, 1 << (len(left) - 1)
    distance, higher, lower, equal, before = len(left), column, 0, 0, 0
    for letter in right:
        found = places.get(letter, 0)
        swapped = ((~equal & found) << 1) & before
        equal = (((found & higher) + higher) ^ higher) | found | lower | swapped  # to the place before, diagonally
        increases, decreases = lower | ~(equal | higher), equal & higher  # from the column before
        distance += bool(increases & last) - bool(decreases & last)
        increases = increases << 1 | 1
        higher, lower = (decreases << 1 | ~(equal | increases)) & column, increases & equal & column
        before = found
    return min(distance, max_errors + 1)


@lru_cache(maxsize=1_024)
def _places(word: str) -> dict[str, int]:
    """Return the places of each letter of a word, as the bits of an integer; a word is compared with many others."""
    places: dict[str, int] = {}
    for at, letter in enumerate(word):
        places[letter] = places.get(letter, 0) | 1 << at
    return places


def near_names(text: str, names: Collection[str]) -> tuple[str, ...]:
    """Return at most MAX_NEAR_NAMES names that are similar to a text, the nearest first; case does not count.

    Similar names have errors in at most 40 percent of their letters, and at most MAX_DIFFERENCE letters between a
    common begin and a common end. The time of a comparison grows with their number. Of many names, the
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
