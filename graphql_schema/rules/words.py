"""Words as people type them: one rule cuts and folds what is indexed and what is searched for.

A word is a run of letters and digits; everything else separates, such as ``_ - . /`` and spaces. Case makes no
difference, nor do combining marks: accents, the points of Arabic and Hebrew, and the vowel signs and tones of scripts
such as Devanagari and Thai, so that words which differ in these alone are the same. A run in camel case is found by its
parts too. Ideographs, which nothing separates, are words each.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final
from unicodedata import category, normalize

MAX_WORD_LENGTH: Final = 64
"""Characters of a word that count; the rest is left away on both sides."""

_CODES: Final = (*range(0x300, 0x1F000), *range(0xE0100, 0xE01F0))
"""Where Unicode has its combining marks."""

_MARKS: Final = "".join(mark for mark in map(chr, _CODES) if category(mark).startswith("M"))
_ALONE: Final = "\u3040-\u309f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUN: Final = re.compile(f"[{_ALONE}][{_MARKS}]*|(?:[^\\W_{_ALONE}]|[{_MARKS}])+")
_PLAIN: Final = re.compile("[^\\W_]+")


@dataclass(frozen=True, slots=True)
class Word:
    """A folded word, and where in its text it stands."""

    text: str
    start: int
    end: int


def query_tokens(text: str) -> tuple[str, ...]:
    """The words of what somebody types, in order: runs as a whole, whatever their case."""
    return tuple(word.text for word in _runs(text))


@lru_cache(maxsize=16_384)
def title(text: str) -> str:
    """A name as it is compared with what is typed: its runs, folded, joined by spaces."""
    return " ".join(word.text for word in _runs(text))


def index_tokens(text: str) -> list[Word]:
    """The words that a text is found by: its runs, and the parts of those in camel case."""
    found: dict[Word, None] = {}
    for run in _runs(text):
        found[run] = None
        if not text[run.start : run.end].islower():
            found.update(dict.fromkeys(_parts(text, run.start, run.end)))
    return [*found]


def _runs(text: str) -> Iterator[Word]:
    for match in (_PLAIN if text.isascii() else _RUN).finditer(text):
        yield from _folded(text, [*match.span()])


def _parts(text: str, start: int, end: int) -> Iterator[Word]:
    yield from _folded(text, [start, *(at for at in range(start + 1, end) if _is_hump(text, at)), end])


def _folded(text: str, cuts: list[int]) -> Iterator[Word]:
    for start, end in pairwise(cuts):
        folded = fold(text[start:end])
        if folded:
            yield Word(folded, start, end)


def fold(run: str) -> str:
    """Letters and digits without case, marks and compatibility forms."""
    if run.isascii():
        return run.lower()[:MAX_WORD_LENGTH]
    return "".join(filter(str.isalnum, normalize("NFKD", run.casefold())))[:MAX_WORD_LENGTH]


def _is_hump(text: str, at: int) -> bool:
    """Whether a part in camel case begins here: ``orders|Daily``, ``HTTP|Server``."""
    return text[at].isupper() and (not text[at - 1].isupper() or text[at + 1 : at + 2].islower())
