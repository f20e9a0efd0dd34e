"""Words: one rule splits and folds the texts that are indexed and the texts that are searched for.

A word is a run of letters and digits; all other characters separate, such as ``_ - . /`` and spaces. Words that differ
only in case or in combining marks are equal. Combining marks are accents, the points of Arabic and Hebrew, and the
vowel signs and tones of scripts such as Devanagari and Thai. A run in camel case is also found by its parts. Each
ideograph and each hiragana character is a word, because nothing separates these.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, islice, pairwise
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Final
from unicodedata import category, is_normalized, normalize

MAX_WORD_LENGTH: Final = 64
"""Number of characters of a word that count; the rest is cut off in the index and in searches."""

MAX_RUNS: Final = 20_000
"""Number of runs of a text that are looked at for the index; an English text of the maximal length has fewer."""

MAX_RUN: Final = 8 * MAX_WORD_LENGTH
"""Number of characters of a run that are folded and divided into its parts, combining marks included.

To sort marks that follow one another takes time with the square of their number, in one call that holds all threads.
"""

_CODES: Final = (*range(0x300, 0x1F000), *range(0xE0100, 0xE01F0))
"""Ranges of Unicode that contain its combining marks."""

_ALONE_CODES: Final = (
    *range(0x3040, 0x30A0),
    *range(0x3400, 0x4DC0),
    *range(0x4E00, 0xA000),
    *range(0xF900, 0xFB00),
    *range(0x20000, 0x40000),
)
"""Ranges of Unicode that contain hiragana and ideographs."""


def _ranges(codes: Iterable[int]) -> str:
    """Return characters as ranges of a regular expression, which are compared as fast as single characters."""
    runs = (
        [code for _, code in run]
        for _, run in groupby(enumerate(codes), key=lambda numbered: numbered[1] - numbered[0])
    )
    return "".join(f"{chr(run[0])}-{chr(run[-1])}" for run in runs)


_MARKS: Final = _ranges(code for code in _CODES if category(chr(code)).startswith("M"))
_ALONE: Final = _ranges(code for code in _ALONE_CODES if chr(code).isalnum())
"""Characters that are words each."""
_RUN: Final = re.compile(f"[{_ALONE}][{_MARKS}]*|(?:[^\\W_{_ALONE}]|[{_MARKS}])+")
_PLAIN: Final = re.compile("[^\\W_]+")
_CONTINUED: Final = bytes(range(0x80, 0xC0))
"""Bytes of a character in UTF-8 behind its first one."""

_CAPITALS: Final = ascii_uppercase.encode()
_ASCII_WORD: Final = (ascii_lowercase + digits).encode()
_ALONE_FIRST: Final = bytes((*range(0xE3, 0xEA), 0xEF, *range(0xF0, 0xF5)))
_LETTERS_FIRST: Final = bytes({*range(0xC0, 0x100)} - {*_ALONE_FIRST, 0xC2, 0xE2})
"""First bytes of characters that are mostly words each, such as ideographs, or mostly letters. Others separate."""


def _shape(byte: int) -> str:
    if byte in _ALONE_FIRST:
        return "1"
    if byte in _CAPITALS:
        return "C"
    return "w" if byte in _ASCII_WORD or byte in _LETTERS_FIRST else " "


_SHAPES: Final = "".join(map(_shape, range(256))).encode()
_BEGINS: Final = (b" w", b" C", b"1w", b"1C", b"1", b"wC", b"CCw")
"""How a word begins in the shape of a text, which has a sign for each letter, capital, ideograph and separator."""

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
        at = match.start()
        for start, end, folded in _folded_parts(match[0]):
            yield Word(folded, at + start, at + end)


def index_words(text: str) -> Iterator[str]:
    """Yield the different words by which a text is found, by their first places, in its first MAX_RUNS runs.

    The text is read only as far as words are taken. A run that comes again takes little time.
    """
    runs, words = set[str](), set[str]()
    for match in islice(_matches(text), MAX_RUNS):
        if match[0] in runs:
            continue
        runs.add(match[0])
        for _, _, word in _folded_parts(match[0]):
            if word not in words:
                words.add(word)
                yield word


def estimated_words(text: str) -> int:
    """Return about how many words a text has, in far less time than it takes to find them.

    What a character is, such as a letter or an ideograph, is decided by its first byte alone.
    """
    shape = b" " + text.encode(errors="replace").translate(_SHAPES, _CONTINUED)
    return sum(map(shape.count, _BEGINS))


def _runs(text: str) -> Iterator[Word]:
    """Yield the folded runs of a text."""
    for match in _matches(text):
        folded = fold(match[0])
        if folded:
            yield Word(folded, *match.span())


def _matches(text: str) -> Iterator[re.Match[str]]:
    """Yield the runs of a text."""
    return (_PLAIN if text.isascii() else _RUN).finditer(text)


def _folded_parts(run: str) -> Iterator[tuple[int, int, str]]:
    """Yield a run, and its parts if it is in camel case: begin and end in the run, and the folded word.

    Parts are in the first MAX_RUN characters. A word that is empty is left out.
    """
    folded = fold(run)
    if folded:
        yield 0, len(run), folded
    if run.islower() or len(run) == 1:
        return
    end = min(len(run), MAX_RUN)
    humps = [at for at in range(1, end) if _is_hump(run, at)]
    for start, stop in pairwise([0, *humps, end]) if humps else ():
        folded = fold(run[start:stop])
        if folded:
            yield start, stop, folded


def fold(run: str) -> str:
    """Return a run without case, combining marks and compatibility forms, cut to MAX_WORD_LENGTH."""
    if run.isascii():
        return run.lower()[:MAX_WORD_LENGTH]
    if len(run) == 1 and run.isalpha() and run == run.casefold() and is_normalized("NFKD", run):
        return run
    plain = normalize(
        "NFKD", run[:MAX_RUN]
    ).casefold()  # in this order: the plain form of a styled capital is a capital
    return "".join(filter(str.isalnum, normalize("NFKD", plain)))[:MAX_WORD_LENGTH]


def _is_hump(run: str, at: int) -> bool:
    """Return whether a part in camel case begins at an index of a run: ``orders|Daily``, ``HTTP|Server``."""
    return run[at].isupper() and (not run[at - 1].isupper() or run[at + 1 : at + 2].islower())
