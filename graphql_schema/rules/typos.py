"""Typing errors: how many are forgiven in a word, how far two words are apart, and what to ask an index for.

A fuzzy query of the index looks at the fifty nearest words only, those of hidden assets among them, so that what is
hidden could push out what is shown. A regular expression has no such bound. It lets a few words too many through,
and :func:`edit_distance` decides.
"""

from typing import Final

ONE, TWO = 4, 8
"""Letters from which on a word may have one typing error, and two."""

MAX_FUZZY_LENGTH: Final = 23
"""Letters of the longest word with typing errors: of longer ones the expression would be too long for an index."""


def allowed_errors(word: str) -> int:
    """How many typing errors a word may have; one with a digit none, since another number is another thing."""
    if len(word) < ONE or len(word) > MAX_FUZZY_LENGTH or not word.isalpha():
        return 0
    return 1 if len(word) < TWO else 2


def fuzzy_pattern(word: str, errors: int) -> str:
    """A regular expression for the words with at most so many typing errors, and for some with more.

    Two errors are one in each half, or any in one of the halves; a second one beside letters that are swapped across
    the middle is not looked for. The index builds an automaton of it: one of all pairs
    of places took 0.5 s for nine letters, this takes some milliseconds. At most 1,000 characters, which is what
    Elasticsearch takes.
    """
    if errors == 1:
        return _with_one(word)
    half = len(word) // 2
    left, right = word[:half], word[half:]
    each = f"({_with_one(left)})({_with_one(right)})"
    return f"{each}|{left}{_any(right)}|{_any(left)}{right}"


def _with_one(word: str) -> str:
    """One letter left out or replaced, two swapped, or one too many."""
    replaced = [f"{word[:at]}.?{word[at + 1 :]}" for at in range(len(word))]
    swapped = [f"{word[:at]}{word[at + 1]}{word[at]}{word[at + 2 :]}" for at in range(len(word) - 1)]
    added = [f"{word[:at]}.{word[at:]}" for at in range(len(word) + 1)]
    return "|".join([*replaced, *swapped, *added])


def _any(word: str) -> str:
    """Anything about as long."""
    return f".{{{len(word) - 2},{len(word) + 2}}}"


def edit_distance(left: str, right: str, most: int) -> int:
    """The typing errors between two words, swapped neighbours counted as one; ``most + 1`` when there are more."""
    if abs(len(left) - len(right)) > most:
        return most + 1
    before: list[int] = []
    row: list[int] = [*range(len(right) + 1)]
    for i, a in enumerate(left, start=1):
        above, row = row, [i]
        for j, b in enumerate(right, start=1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and b == left[i - 2]:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most and min(above) > most:
            return most + 1
        before = above
    return row[-1] if row[-1] <= most else most + 1
