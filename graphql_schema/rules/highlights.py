"""Highlights: marks the words of a text that a search matched."""

import re
from collections.abc import Sequence
from typing import Final

from graphql_schema.ports.row import Row
from graphql_schema.rules.index_terms import NAMES, PROSE, id_fields
from graphql_schema.rules.ranking import is_version
from graphql_schema.rules.search_text import SearchText, may_begin
from graphql_schema.rules.typos import allowed_errors, edit_distance
from graphql_schema.rules.words import Word, index_tokens, index_words

_UNTITLED: Final = frozenset({"Domain", "Tag"})
"""Kinds whose type has no field `displayName`."""

SNIPPET: Final = 200
"""Approximate number of characters of a long text that a highlight shows."""


def highlights(row: Row, query: SearchText) -> list[dict[str, str]]:
    """Return the visible fields with matches and their texts, with matched words between ``**``, without a report.

    Names come first, then the parts of the id, then the description. A name equal to the display name is left out.
    """
    found, exact = [], frozenset(query.words)
    labels = _labels(row, query)
    names = NAMES[1:] if row.kind in _UNTITLED else NAMES
    for field in (*names, *id_fields(row.record), PROSE):
        text = row.visible_value(field) or ""
        near = query.first if field != PROSE else ()
        typed = exact | labels if field == "version" else exact
        begins = field != PROSE or may_begin(query.last)
        hits = [
            word
            for word in index_tokens(text)
            if word.text in typed or (begins and word.text.startswith(query.last)) or _is_near(word.text, near)
        ]
        if field == "name" and field != names[0] and text == row.visible_value("displayName"):
            continue
        if hits:
            found.append({"field": field, "text": _marked(text, hits)})
    return found


def _labels(row: Row, query: SearchText) -> frozenset[str]:
    """Return the words of the version of a row if the text names this version, else none."""
    text = query.version
    version = str(row.visible_value("version"))
    return frozenset(index_words(version)) if text and is_version(row, text) else frozenset()


def _is_near(word: str, typed: Sequence[str]) -> bool:
    """Return whether a word differs from one of the typed words by allowed typing errors only."""
    return any(0 < allowed_errors(each) >= edit_distance(each, word, allowed_errors(each)) for each in typed)


def _marked(text: str, hits: list[Word]) -> str:
    """Return a text, or the part of a long text around its first match, with the matches between ``**``."""
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
    """Return the positions of the matches from left to right, in time that is linear in their number, but for the sort.

    Of overlapping matches the shortest is kept: matches overlap only if they are a run and parts of it, and the parts
    of a run do not overlap. Adjacent matches are joined.
    """
    kept: list[tuple[int, int]] = []
    for start, end in sorted(((word.start, word.end) for word in hits), key=lambda span: (span[0], -span[1])):
        if kept and start < kept[-1][1]:
            kept.pop()
        kept.append((start, end))
    joined: list[tuple[int, int]] = []
    for start, end in kept:
        before = joined.pop() if joined and joined[-1][1] == start else (start, end)
        joined.append((before[0], end))
    return joined


def _window(text: str, first: int) -> tuple[int, int]:
    """Return begin and end of the snippet around the match that begins at ``first``, at spaces if possible."""
    if len(text) <= SNIPPET:
        return 0, len(text)
    begin = max(0, first - SNIPPET // 4)
    space = re.compile(r"\s").search(text, begin, first) if begin else None
    begin = space.end() if space else begin
    end = min(len(text), begin + SNIPPET)
    space_after = text.rfind(" ", first, end) if end < len(text) else -1
    return begin, max(end if space_after < 0 else space_after, min(len(text), first + SNIPPET // 2))
