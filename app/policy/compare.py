"""Compares two policies: which access a caller gains and loses, on which classes of assets."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from app.policy.asset_classes import AssetClass, Block, blocks
from app.policy.matrix import Decisions
from policies.governed import Governed, kind_code
from policies.vocabulary import Label, Labels, field_action

MAX_NAMES: Final = 6
"""Maximum number of words that one line of a difference lists."""

FieldGroups = Mapping[str, Mapping[str, frozenset[str]]]
"""By kind code and phrase, such as ``internal fields``: the coordinates that the phrase abbreviates."""


@dataclass(frozen=True)
class PolicyChange:
    """Access that a caller gains or loses on one block of classes; ``verb`` is ``gains`` or ``loses``.

    ``words`` are actions, coordinates of fields, and phrases such as ``internal fields``.
    """

    verb: str
    words: tuple[str, ...]
    block: Block

    @property
    def shown(self) -> str:
        """The words, separated by commas; words beyond :data:`MAX_NAMES` are counted."""
        more = len(self.words) - MAX_NAMES
        return ", ".join(self.words[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")


def field_groups(labels: Labels, governed: Governed) -> FieldGroups:
    """Return two groups for each kind, its public and its internal fields, each with those of all edge types.

    Restricted and secret fields are in no group, so that each is a word of its own.
    """
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


def changes(before: Decisions, after: Decisions, groups: FieldGroups) -> Iterator[PolicyChange]:
    """Yield the differences, in blocks; words that change on the same classes are listed together, actions first."""
    for verb, old, new in (("loses", after, before), ("gains", before, after)):
        classes_of: dict[str, list[AssetClass]] = {}
        for asset_class, words in new.items():
            for word in _folded(words - old[asset_class], groups.get(asset_class[-1], {})):
                classes_of.setdefault(word, []).append(asset_class)
        words_of: dict[tuple[AssetClass, ...], list[str]] = {}
        for word, members in classes_of.items():
            words_of.setdefault(tuple(members), []).append(word)
        for changed, found in words_of.items():
            named = tuple(sorted(found, key=lambda word: ("." in word, " " in word, word)))
            yield from (PolicyChange(verb, named, block) for block in blocks(changed))


def _folded(words: frozenset[str], groups: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Return the words, with the phrase of a group in place of its members if all of them are present."""
    for phrase, members in groups.items():
        if members and members <= words:
            words = words - members | {phrase}
    return words
