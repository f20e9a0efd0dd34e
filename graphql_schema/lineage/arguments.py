"""Arguments of lineage fields: roots, direction, depth and filter."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Annotated

import strawberry

from graphql_schema.catalog.enums import AssetKind, EdgeOrigin, LifecycleStage, RelationName, value
from graphql_schema.catalog.relations import Direction
from graphql_schema.catalog.urn import parse_urn
from graphql_schema.ports.lineage_query import MAX_DEPTH, MAX_ROOTS
from graphql_schema.ports.relation_query import EVERYTHING, LineageItemFilter
from policies.errors import InvalidError, LimitError


@strawberry.enum(description="Direction of a walk along lineage.")
class LineageDirection(Enum):
    """Direction of a walk along lineage."""

    UPSTREAM = value("UPSTREAM", description="Against the data flow, to the sources.")
    DOWNSTREAM = value("DOWNSTREAM", description="With the data flow, to the consumers.")


RootsArg = Annotated[
    list[strawberry.ID],
    strawberry.argument(description=f"Ids of the assets to begin at, 1 to {MAX_ROOTS}; there is one merged result."),
]


DirectionArg = Annotated[LineageDirection, strawberry.argument(description="Direction of the walk.")]


DepthArg = Annotated[int | None, strawberry.argument(description=f"Number of levels to walk, 0 to {MAX_DEPTH}.")]


DIRECTIONS: Mapping[LineageDirection, Direction] = {
    LineageDirection.UPSTREAM: Direction.IN,
    LineageDirection.DOWNSTREAM: Direction.OUT,
}
"""Direction of edges for each direction of a walk; edges point downstream."""


@strawberry.input(
    description="Filter of lineage. A walk continues through assets that `kinds` and `stages` leave out, but follows "
    "no edge that the other fields reject."
)
class LineageFilter:
    """Filter of lineage."""

    kinds: list[AssetKind] | None = strawberry.field(
        description="Shows only assets, roots included, of these kinds; all if empty or absent.", default=None
    )
    relations: list[RelationName] | None = strawberry.field(
        description="Follows only edges of these relations; all if empty or absent.", default=None
    )
    origins: list[EdgeOrigin] | None = strawberry.field(
        description="Follows only edges of these origins; all if empty or absent. Only `upstream` and "
        "`downstream` follow edges of inference rules without INFERRED in the list.",
        default=None,
    )
    min_confidence: float | None = strawberry.field(
        description="Follows only edges of at least this confidence, 0 to 1; an edge without visible confidence "
        "counts as certain.",
        default=None,
    )
    stages: list[LifecycleStage] | None = strawberry.field(
        description="Shows only assets, roots included, in these stages; all if empty or absent.", default=None
    )

    def keep(self) -> LineageItemFilter:
        """Return the filter that the reader applies; raise InvalidError if ``minConfidence`` is not within 0 and 1."""
        if self.min_confidence is not None and not 0 <= self.min_confidence <= 1:
            raise InvalidError(f"`minConfidence` is {self.min_confidence:g}; give 0 to 1.")
        return LineageItemFilter(
            kinds=tuple(sorted({kind.name for kind in self.kinds or ()})),
            stages=tuple(sorted({stage.name for stage in self.stages or ()})),
            relations=tuple(sorted({relation.name for relation in self.relations or ()})),
            origins=tuple(sorted({origin.name for origin in self.origins or ()})),
            min_confidence=self.min_confidence,
        )


Filter = Annotated[
    LineageFilter | None,
    strawberry.argument(
        description="Filter of lineage. If absent, everything counts, but edges of inference rules only in `upstream` "
        "and `downstream`."
    ),
]


def lineage_filter(where: LineageFilter | None) -> LineageItemFilter:
    """Return the filter that a walk applies; :data:`EVERYTHING` if ``where`` is None.

    Raises InvalidError for an invalid ``minConfidence``.
    """
    return EVERYTHING if where is None else where.keep()


def depth_of(max_depth: int | None, default: int) -> int:
    """Return the depth of a walk in levels, ``default`` if None is given; raise LimitError if it is out of range."""
    depth = default if max_depth is None else max_depth
    if not 0 <= depth <= MAX_DEPTH:
        raise LimitError(f"`maxDepth` is {depth}; give 0 to {MAX_DEPTH}.", limit=MAX_DEPTH)
    return depth


def roots_of(roots: Sequence[str]) -> tuple[str, ...]:
    """Return the roots, each once.

    Raises InvalidError if there are none or one is no URN, and LimitError if there are too many.
    """
    if not roots:
        raise InvalidError("`roots` is empty; give the id of at least one asset.")
    if len(roots) > MAX_ROOTS:
        raise LimitError(f"`roots` has {len(roots)} entries; give at most {MAX_ROOTS}.", limit=MAX_ROOTS)
    for root in roots:
        parse_urn(root)
    return tuple(dict.fromkeys(roots))
