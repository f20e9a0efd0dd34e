"""What makes an asset a hit, how good a hit it is, and where: by what the viewer sees of it, and by nothing else.

The index only proposes. An asset whose id was typed is the best hit. In others each word must be found somewhere; the
last one, which may not be finished, also as a beginning. A name counts more than the rest of the id, and that more than
the description.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from graphql_schema.catalog import KIND_OF_CODE
from graphql_schema.row import Row
from graphql_schema.typos import apart, forgiven
from graphql_schema.wanted import MOST_WORDS, Wanted
from graphql_schema.words import Word, title, words

NAMES: Final = ("displayName", "name")
PROSE: Final = "description"

WHOLE, BEGUN = 0, 1
"""The name, or the id, is what was typed; or the name begins with it."""

IN_NAME, IN_ID, IN_PROSE, MISTYPED = 2, 4, 6, 8
"""Where a word is found, the best first; one more when it is the beginning of a word, or when it has two errors."""

SNIPPET: Final = 200
"""Characters of a long text that a highlight shows, about."""

Rank = tuple[int, int, bool, int]
"""How good a hit is, the smallest the best: the worst of its words, all of them together, whether it is a version,
which has the name of its asset, and the length of its name."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """What the index holds of a record: whole names, the words that come with discovering it, those of its prose."""

    titles: tuple[str, ...]
    words: tuple[str, ...]
    prose: str


def indexed(record: Mapping[str, Any]) -> Indexed:
    """What the index holds of a record that has a name."""
    names = dict.fromkeys(title(record[field]) for field in NAMES)
    found = (word.text for field in (*NAMES, *_id_fields(record)) for word in words(record.get(field) or ""))
    told = (word.text for word in words(record.get(PROSE) or ""))
    return Indexed((*names,), (*dict.fromkeys(found),), " ".join(dict.fromkeys(told)))


def rank(row: Row, wanted: Wanted) -> Rank | None:
    """How good a hit a row is for what was typed; None when it is none."""
    if row.urn == wanted.urn:
        return WHOLE, 0, False, 0
    places = _places(row)
    found: list[int] = []
    for at, word in enumerate(wanted.words):
        worth = _worth(word, places, forgiven(word) if at < MOST_WORDS else 0, last=word == wanted.last)
        if worth is None:
            return None
        found.append(worth)
    titles = [title(row.peek(field) or "") for field in NAMES]
    begun = any(each.startswith(wanted.title) for each in titles)
    worst = WHOLE if wanted.title in titles else BEGUN if begun else max(found)
    version = KIND_OF_CODE[row.record["kind"]].versioned
    return worst, sum(found), version, min(len(each) for each in titles)


def highlights(row: Row, wanted: Wanted) -> list[dict[str, str]]:
    """The fields in which words are found, with these between ``**``; the name first, and once if it is both."""
    found, whole = [], frozenset(wanted.words)
    for field in (*NAMES, *_id_fields(row.record), PROSE):
        text = row.peek(field) or ""
        near = wanted.first if field != PROSE else ()
        hits = [word for word in words(text)
                if word.text in whole or word.text.startswith(wanted.last) or _is_near(word.text, near)]  # fmt: skip
        if field == "name" and text == row.peek("displayName"):
            continue
        if hits and row.open(field):
            found.append({"field": field, "text": _marked(text, hits)})
    return found


def _id_fields(record: Mapping[str, Any]) -> tuple[str, ...]:
    """What the id spells out beside the name; the version of a dataset that is none is a field of its own."""
    version = ("version",) if KIND_OF_CODE[record["kind"]].versioned else ()
    return ("namespace", *version, "source")


def _places(row: Row) -> tuple[tuple[int, frozenset[str]], ...]:
    """The words of a row that the viewer sees, and what it is worth to be found there."""
    kinds = ((IN_NAME, NAMES), (IN_ID, _id_fields(row.record)), (IN_PROSE, (PROSE,)))
    return tuple((worth, frozenset[str]().union(*(_texts(row.peek(field) or "") for field in fields)))
                 for worth, fields in kinds)  # fmt: skip


@lru_cache(maxsize=16_384)
def _texts(text: str) -> frozenset[str]:
    return frozenset(word.text for word in words(text))


def _worth(word: str, places: Sequence[tuple[int, frozenset[str]]], most: int, *, last: bool) -> int | None:
    """Where a word is found best, with at most so many typing errors; None where it is not."""
    for worth, here in places:
        if word in here:
            return worth
        if last and any(each.startswith(word) for each in here):
            return worth + 1
    named = (each for worth, here in places if worth != IN_PROSE for each in here)
    fewest = min((apart(word, each, most) for each in named), default=most + 1) if most else 1
    return MISTYPED + fewest - 1 if fewest <= most else None


def _is_near(word: str, typed: Sequence[str]) -> bool:
    """Whether a word is one of those that were typed, with typing errors."""
    return any(0 < forgiven(each) >= apart(each, word, forgiven(each)) for each in typed)


def _marked(text: str, hits: list[Word]) -> str:
    """The text, or the part of a long one around its first hit, with its hits between ``**``, each letter once."""
    spans = _spans(hits)
    start, end = _window(text, spans[0][0])
    marked, at = ["\u2026" if start else ""], start
    for first, last in spans:
        if first < end:
            shown = min(last, end)
            marked += [text[at:first], "**", text[first:shown], "**"]
            at = shown
    return "".join([*marked, text[at:end], "\u2026" if end < len(text) else ""])


def _spans(hits: list[Word]) -> list[tuple[int, int]]:
    """Where the hits stand, from left to right: of those that overlap the shortest, and neighbours as one."""
    kept: list[tuple[int, int]] = []
    for start, end in sorted(((word.start, word.end) for word in hits), key=lambda span: (span[1] - span[0], span)):
        if all(end <= first or last <= start for first, last in kept):
            kept.append((start, end))
    joined: list[tuple[int, int]] = []
    for start, end in sorted(kept):
        before = joined.pop() if joined and joined[-1][1] == start else (start, end)
        joined.append((before[0], end))
    return joined


def _window(text: str, first: int) -> tuple[int, int]:
    """Where a snippet begins and ends: at spaces, if there are some."""
    if len(text) <= SNIPPET:
        return 0, len(text)
    begin = max(0, first - SNIPPET // 4)
    space = re.compile(r"\s").search(text, begin, first) if begin else None
    begin = space.end() if space else begin
    end = min(len(text), begin + SNIPPET)
    space_after = text.rfind(" ", first, end) if end < len(text) else -1
    return begin, max(end if space_after < 0 else space_after, min(len(text), first + SNIPPET // 2))
