"""Two policies side by side: for whom, on which assets, what opens and what closes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from app.policy.asset_classes import AssetClass, Block, blocks
from app.policy.matrix import Answers
from policies.governed import Governed, kind_code
from policies.vocabulary import Label, Labels, field_action

MAX_NAMES: Final = 6
"""Names that one line of a difference spells out."""

Wholes = Mapping[str, Mapping[str, frozenset[str]]]
"""For each kind of assets, under the words that stand for them, coordinates that mostly change together."""


@dataclass(frozen=True)
class PolicyChange:
    """What opens (``gains``) or closes (``loses``) for a caller on one block of classes."""

    verb: str
    words: tuple[str, ...]
    block: Block

    @property
    def shown(self) -> str:
        """The names, not more of them than people read."""
        more = len(self.words) - MAX_NAMES
        return ", ".join(self.words[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")


def wholes(labels: Labels, governed: Governed) -> Wholes:
    """All public fields of a kind and its edges, and all internal ones; what is held closer always stands by name."""
    return {
        kind_code(kind): {
            f"{label} fields": frozenset(
                field_action(name, field)
                for name in (kind, *governed.edges)
                for field, held in labels[name].items()
                if held is label
            )
            for label in Label
            if not label.logged
        }
        for kind in governed.assets
    }


def changes(before: Answers, after: Answers, together: Wholes) -> Iterator[PolicyChange]:
    """What differs, in blocks: words that change on the same classes stand together, actions before fields."""
    for verb, old, new in (("loses", after, before), ("gains", before, after)):
        where_of: dict[str, list[AssetClass]] = {}
        for where, words in new.items():
            for word in _folded(words - old[where], together.get(where[-1], {})):
                where_of.setdefault(word, []).append(where)
        alike: dict[tuple[AssetClass, ...], list[str]] = {}
        for word, cells in where_of.items():
            alike.setdefault(tuple(cells), []).append(word)
        for places, found in alike.items():
            named = tuple(sorted(found, key=lambda word: ("." in word, " " in word, word)))
            yield from (PolicyChange(verb, named, block) for block in blocks(places))


def _folded(words: frozenset[str], together: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The words, with one in place of all that it stands for."""
    for name, members in together.items():
        if members and members <= words:
            words = words - members | {name}
    return words
