"""The division of an outbox entry for all tags by tag, over some steps of the tag job."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from app.graph.propagation.carried_tags import CarriedTags
from app.graph.propagation.stored_ends import NextEnd
from app.graph.propagation.tags_around import TagsAround


@dataclass(slots=True)
class TagDivision:
    """What is known so far of the tags for which vertices are to be recomputed.

    Of the vertices in ``carried``, the tags are to be read, or those around them. ``by_tag`` has the vertices to
    recompute for each propagating tag that was read. No edge is read as of an instant before ``begun_at``, in epoch
    milliseconds. ``next_end`` is searched when all are read.
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
