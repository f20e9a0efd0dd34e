"""Two policies side by side: for whom, on which assets, what opens and what closes."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Final

from app.policy.classes import Block, Class, blocks
from app.policy.matrix import Answers

MOST_NAMES: Final = 6
"""Names that one line of a difference spells out."""


@dataclass(frozen=True)
class Change:
    """What opens (``gains``) or closes (``loses``) for a caller on one block of classes; ``cells`` counts it."""

    verb: str
    words: tuple[str, ...]
    block: Block
    cells: int

    @property
    def shown(self) -> str:
        """The names, not more of them than people read."""
        more = len(self.words) - MOST_NAMES
        return ", ".join(self.words[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def changes(before: Answers, after: Answers) -> Iterator[Change]:
    """What differs, in blocks: words that change on the same classes stand together."""
    for verb, old, new in (("loses", after, before), ("gains", before, after)):
        where_of: dict[str, list[Class]] = {}
        for where, words in new.items():
            for word in sorted(words - old[where]):
                where_of.setdefault(word, []).append(where)
        together: dict[tuple[Class, ...], list[str]] = {}
        for word, cells in where_of.items():
            together.setdefault(tuple(cells), []).append(word)
        for cells_alike, found in together.items():
            for block in blocks(cells_alike):
                size = prod(map(len, block))
                yield Change(verb, tuple(sorted(found)), block, size * len(found))
