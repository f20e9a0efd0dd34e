"""What makes an asset a hit, how good a hit it is, and where: by what the viewer sees of it, and by nothing else.

The index only proposes. An asset whose id was typed is the best hit. In others each word must be found somewhere; the
last one, which may not be finished, also as a beginning. A name counts more than the rest of the id, and that more than
the description.
"""

from collections.abc import Sequence
from functools import lru_cache

from graphql_schema.catalog.kinds import KIND_OF_CODE
from graphql_schema.ports.row import Row
from graphql_schema.rules.index_terms import NAMES, PROSE, _id_fields
from graphql_schema.rules.search_text import MAX_QUERY_WORDS, SearchText
from graphql_schema.rules.typos import allowed_errors, edit_distance
from graphql_schema.rules.words import index_tokens, title

WHOLE, BEGUN = 0, 1
"""The name, or the id, is what was typed; or the name begins with it."""


IN_NAME, IN_ID, IN_PROSE, MISTYPED = 2, 4, 6, 8
"""Where a word is found, the best first; one more when it is the beginning of a word, or when it has two errors."""


Rank = tuple[int, int, bool, int]
"""How good a hit is, the smallest the best: the worst of its words, all of them together, whether it is a version,
which has the name of its asset, and the length of its name."""


def rank(row: Row, wanted: SearchText) -> Rank | None:
    """How good a hit a row is for what was typed; None when it is none."""
    if row.urn == wanted.urn:
        return WHOLE, 0, False, 0
    places = _places(row)
    found: list[int] = []
    for at, word in enumerate(wanted.words):
        worth = _worth(word, places, allowed_errors(word) if at < MAX_QUERY_WORDS else 0, last=word == wanted.last)
        if worth is None:
            return None
        found.append(worth)
    titles = [title(row.visible_value(field) or "") for field in NAMES]
    begun = any(each.startswith(wanted.title) for each in titles)
    worst = WHOLE if wanted.title in titles else BEGUN if begun else max(found)
    version = KIND_OF_CODE[row.record["kind"]].versioned
    return worst, sum(found), version, min(len(each) for each in titles)


def _places(row: Row) -> tuple[tuple[int, frozenset[str]], ...]:
    """The words of a row that the viewer sees, and what it is worth to be found there."""
    kinds = ((IN_NAME, NAMES), (IN_ID, _id_fields(row.record)), (IN_PROSE, (PROSE,)))
    return tuple((worth, frozenset[str]().union(*(_texts(row.visible_value(field) or "") for field in fields)))
                 for worth, fields in kinds)  # fmt: skip


@lru_cache(maxsize=16_384)
def _texts(text: str) -> frozenset[str]:
    return frozenset(word.text for word in index_tokens(text))


def _worth(word: str, places: Sequence[tuple[int, frozenset[str]]], most: int, *, last: bool) -> int | None:
    """Where a word is found best, with at most so many typing errors; None where it is not."""
    for worth, here in places:
        if word in here:
            return worth
        if last and any(each.startswith(word) for each in here):
            return worth + 1
    named = (each for worth, here in places if worth != IN_PROSE for each in here)
    fewest = min((edit_distance(word, each, most) for each in named), default=most + 1) if most else 1
    return MISTYPED + fewest - 1 if fewest <= most else None
