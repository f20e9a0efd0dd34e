"""Arguments of lineage fields: roots, depth, direction and filter."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Annotated

import strawberry

from graphql_schema.catalog.enums import AssetKind, EdgeOrigin, LifecycleStage, RelationName, value
from graphql_schema.catalog.relations import Direction
from graphql_schema.catalog.urn import parse_urn
from graphql_schema.ports.lineage_query import DEEPEST, MAX_ROOTS
from graphql_schema.ports.relation_query import EVERYTHING, LineageItemFilter
from policies.errors import InvalidError, LimitError


@strawberry.enum(description="Which way lineage is walked.")
class LineageDirection(Enum):
    """Directions of a walk."""

    UPSTREAM = value("UPSTREAM", description="To where data comes from.")
    DOWNSTREAM = value("DOWNSTREAM", description="To where data goes.")


RootsArg = Annotated[
    list[strawberry.ID],
    strawberry.argument(description=f"Ids of where to begin, 1 to {MAX_ROOTS}: one merged answer."),
]


DirectionArg = Annotated[LineageDirection, strawberry.argument(description="Which way to walk.")]


DepthArg = Annotated[int | None, strawberry.argument(description=f"How many levels to walk, at most {DEEPEST}.")]


DIRECTIONS: Mapping[LineageDirection, Direction] = {
    LineageDirection.UPSTREAM: Direction.IN,
    LineageDirection.DOWNSTREAM: Direction.OUT,
}


@strawberry.input(description="Which lineage counts. Kinds and stages hide neighbours; the rest stops the walk.")
class LineageFilter:
    """Which lineage counts."""

    kinds: list[AssetKind] | None = strawberry.field(description="Of one of these kinds.", default=None)
    relations: list[RelationName] | None = strawberry.field(description="Over one of these relations.", default=None)
    origins: list[EdgeOrigin] | None = strawberry.field(description="Of one of these origins.", default=None)
    min_confidence: float | None = strawberry.field(
        description="At least so sure, from 0 to 1; what has no confidence is certain.", default=None
    )
    stages: list[LifecycleStage] | None = strawberry.field(description="In one of these stages.", default=None)

    def keep(self) -> LineageItemFilter:
        """The filter as the reader judges it; raises InvalidError on a confidence that none can have."""
        if self.min_confidence is not None and not 0 <= self.min_confidence <= 1:
            raise InvalidError(f"`minConfidence` is {self.min_confidence:g}; give 0 to 1.")
        return LineageItemFilter(
            kinds=tuple(sorted(kind.name for kind in self.kinds or ())),
            stages=tuple(sorted(stage.name for stage in self.stages or ())),
            relations=tuple(sorted(relation.name for relation in self.relations or ())),
            origins=tuple(sorted(origin.name for origin in self.origins or ())),
            min_confidence=self.min_confidence,
        )


Filter = Annotated[LineageFilter | None, strawberry.argument(description="Which lineage counts; all when absent.")]


def lineage_filter(where: LineageFilter | None) -> LineageItemFilter:
    """The filter as walks judge it."""
    return EVERYTHING if where is None else where.keep()


def depth_of(max_depth: int | None, default: int) -> int:
    """How deep to walk; raises LimitError on what is too deep."""
    depth = default if max_depth is None else max_depth
    if not 0 <= depth <= DEEPEST:
        raise LimitError(f"`maxDepth` is {depth}; walk 0 to {DEEPEST} levels.", limit=DEEPEST)
    return depth


def roots_of(roots: Sequence[str]) -> tuple[str, ...]:
    """The roots, each once; raises InvalidError or LimitError when they are none, too many, or no ids."""
    if not roots:
        raise InvalidError("`roots` is empty; name at least one asset to begin at.")
    if len(roots) > MAX_ROOTS:
        raise LimitError(f"`roots` has {len(roots)} entries; begin at {MAX_ROOTS} at most.", limit=MAX_ROOTS)
    for root in roots:
        parse_urn(root)
    return tuple(dict.fromkeys(roots))
