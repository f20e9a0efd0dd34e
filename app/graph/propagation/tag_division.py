"""The division of work on all tags by tag, over some steps of the tag job."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Self

from app.graph.propagation.carried_tags import CarriedTags
from app.graph.propagation.stored_ends import NextEnd
from app.graph.propagation.tags_around import TagsAround

MAX_IDS: Final = 100_000
"""Number of vertices, counted for each tag, above which the work is stored in several transactions of up to 4 MB."""


@dataclass(slots=True)
class TagDivision:
    """What is known so far of the tags for which vertices are to be recomputed.

    ``carried`` reads these tags, and is false when all are read. ``by_tag`` has the vertices to recompute for each
    propagating tag that was read. No edge is read as of an instant before ``begun_at``, in epoch milliseconds.
    ``next_end`` is searched when all tags are read, if the work awaits ends of edges.
    """

    begun_at: int
    carried: CarriedTags | TagsAround
    next_end: NextEnd | None = None
    by_tag: dict[int, dict[int, None]] = field(default_factory=lambda: defaultdict(dict))

    @classmethod
    def of_carriers(cls, begun_at: int, vertices: Iterable[int], expand: Iterable[int]) -> Self:
        """Return the division of work on some vertices, and on the targets of ``expand``, for the tags of each."""
        carried = CarriedTags()
        carried.add(vertices)
        carried.targets.add(expand)
        return cls(begun_at, carried)

    @classmethod
    def around(cls, begun_at: int, assets: Iterable[int]) -> Self:
        """Return the division of work on some assets for the tags around each of them."""
        carried = TagsAround()
        carried.add(assets)
        return cls(begun_at, carried)

    def next_tags(self) -> list[int]:
        """Return the tags in ``by_tag`` whose work the next transaction stores: all, or the first ones of many."""
        found, left = list[int](), MAX_IDS
        for tag, vids in self.by_tag.items():
            left -= len(vids)
            if found and left < 0:
                break
            found.append(tag)
        return found
