"""Words: one rule splits and folds the texts that are indexed and the texts that are searched for.

A word is a run of letters and digits; all other characters separate, such as ``_ - . /`` and spaces. Words that differ
only in case or in combining marks are equal. Combining marks are accents, the points of Arabic and Hebrew, and the
vowel signs and tones of scripts such as Devanagari and Thai. A run in camel case is also found by its parts. Each
ideograph and each hiragana character is a word, because nothing separates these.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, pairwise
from typing import Final
from unicodedata import category, normalize

MAX_WORD_LENGTH: Final = 64
"""Number of characters of a word that count; the rest is cut off in the index and in searches."""

MAX_RUN: Final = 8 * MAX_WORD_LENGTH
"""Number of characters of a run that are folded, combining marks included.

To sort marks that follow one another takes time with the square of their number, in one call that holds all threads.
"""

_CODES: Final = (*range(0x300, 0x1F000), *range(0xE0100, 0xE01F0))
"""Ranges of Unicode that contain its combining marks."""


def _mark_ranges() -> Iterator[str]:
    """Yield the combining marks as ranges of a regular expression, which are compared as fast as single characters."""
    marks = (code for code in _CODES if category(chr(code)).startswith("M"))
    for _, run in groupby(enumerate(marks), key=lambda mark: mark[1] - mark[0]):
        codes = [code for _, code in run]
        yield f"{chr(codes[0])}-{chr(codes[-1])}"


_MARKS: Final = "".join(_mark_ranges())
_ALONE: Final = "\u3040-\u309f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Characters that are words each."""
_RUN: Final = re.compile(f"[{_ALONE}][{_MARKS}]*|(?:[^\\W_{_ALONE}]|[{_MARKS}])+")
_PLAIN: Final = re.compile("[^\\W_]+")

MAX_KEPT: Final = 256
"""Maximal number of characters of a text whose words are kept: those of a long one take many times its memory."""


@dataclass(frozen=True, slots=True)
class Word:
    """A folded word, and its begin and end in the text."""

    text: str
    start: int
    end: int


def query_tokens(text: str) -> tuple[str, ...]:
    """Return the words of a search text, in order; runs in camel case are not split."""
    return tuple(word.text for word in _runs(text))


def title(text: str) -> str:
    """Return a name as it is compared with a search text: its folded runs, joined by spaces."""
    return _kept_title(text) if len(text) <= MAX_KEPT else _kept_title.__wrapped__(text)


@lru_cache(maxsize=16_384)
def _kept_title(text: str) -> str:
    return " ".join(word.text for word in _runs(text))


def index_tokens(text: str) -> Iterator[Word]:
    """Yield the words by which a text is found: its runs, each before its parts if it is in camel case."""
    for match in _matches(text):
        yield from _with_parts(text, match)


def index_words(text: str) -> Iterator[str]:
    """Yield the different words by which a text is found, by their first places.

    The text is read only as far as words are taken. A run that comes again takes little time.
    """
    runs, words = set[str](), set[str]()
    for match in _matches(text):
        if match[0] in runs:
            continue
        runs.add(match[0])
        for word in _with_parts(text, match):
            if word.text not in words:
                words.add(word.text)
                yield word.text


def _runs(text: str) -> Iterator[Word]:
    """Yield the folded runs of a text."""
    for match in _matches(text):
        yield from _folded(text, match.span())


def _matches(text: str) -> Iterator[re.Match[str]]:
    """Yield the runs of a text."""
    return (_PLAIN if text.isascii() else _RUN).finditer(text)


def _with_parts(text: str, run: re.Match[str]) -> Iterator[Word]:
    """Yield a folded run, and its folded parts if it is in camel case."""
    start, end = run.span()
    yield from _folded(text, (start, end))
    if not run[0].islower():
        humps = [start + at for at in range(1, end - start) if _is_hump(run[0], at)]
        if humps:
            yield from _folded(text, [start, *humps, end])


def _folded(text: str, cuts: Sequence[int]) -> Iterator[Word]:
    """Yield the folded words between cuts; an empty one is left out."""
    for start, end in pairwise(cuts):
        folded = fold(text[start:end])
        if folded:
            yield Word(folded, start, end)


def fold(run: str) -> str:
    """Return a run without case, combining marks and compatibility forms, cut to MAX_WORD_LENGTH."""
    if run.isascii():
        return run.lower()[:MAX_WORD_LENGTH]
    plain = normalize(
        "NFKD", run[:MAX_RUN]
    ).casefold()  # in this order: the plain form of a styled capital is a capital
    return "".join(filter(str.isalnum, normalize("NFKD", plain)))[:MAX_WORD_LENGTH]


def _is_hump(run: str, at: int) -> bool:
    """Return whether a part in camel case begins at an index of a run: ``orders|Daily``, ``HTTP|Server``."""
    return run[at].isupper() and (not run[at - 1].isupper() or run[at + 1 : at + 2].islower())
