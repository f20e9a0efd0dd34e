"""The lineage around some assets: a walk upstream and one downstream, put together."""

import asyncio
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, NamedTuple

import strawberry

from graphql_schema.catalog.enums import value
from graphql_schema.catalog.relations import Direction
from graphql_schema.execution.side_thread import run_in_parts
from graphql_schema.fields.context import Context
from graphql_schema.ports.lineage_query import (
    LONG_LINEAGE,
    Completeness,
    LineageQuery,
    LineageResult,
    ReachedEdge,
    SnapshotTime,
)
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.relation_query import LineageItemFilter
from graphql_schema.ports.row import MaskedRecord, Row


@strawberry.enum(description="The directions in which a scene follows lineage from its roots.")
class SceneDirection(Enum):
    """The directions in which a scene follows lineage."""

    UPSTREAM = value("UPSTREAM", description="Against the data flow, to the sources.")
    DOWNSTREAM = value("DOWNSTREAM", description="With the data flow, to the consumers.")
    BOTH = value(
        "BOTH",
        description="Upstream and downstream; from an asset upstream nothing is followed downstream, nor the reverse.",
    )


@strawberry.enum(description="Why edges of an asset may be missing in a scene.")
class SceneGap(Enum):
    """Why edges of an asset may be missing in a scene."""

    LIMIT = value(
        "LIMIT", description="A limit may have left out edges of the asset: `maxDepth`, or a budget of the server."
    )
    POLICY = value(
        "POLICY",
        description="An asset next to it, or its edges, are hidden; never given if the policy does not disclose that.",
    )


WALKS: Final[Mapping[SceneDirection, tuple[Direction, ...]]] = {
    SceneDirection.UPSTREAM: (Direction.IN,),
    SceneDirection.DOWNSTREAM: (Direction.OUT,),
    SceneDirection.BOTH: (Direction.IN, Direction.OUT),
}
"""Directions of edges of the walks of a scene."""


SLOT: Final = "scene"
"""Name of the slot in which a scene, or a comparison of two, is made: one of an operation at a time."""

PART_BYTES: Final = 200
"""Bytes of memory of an asset or an edge of a scene, beside its record."""


class FoundAsset(NamedTuple):
    """An asset that the walks reached: its level, negative upstream, and the names of its ``SceneGap``."""

    row: Row
    level: int
    gaps: tuple[str, ...]


class FoundEdge(NamedTuple):
    """An edge that the walks followed: the ids of its ends, its relation and its origin."""

    source: str
    target: str
    relation: str
    origin: str


@dataclass(slots=True)
class SceneLineage:
    """The assets of a scene by id, its edges with their masked records, and the completeness of each walk.

    An asset that both walks reached has the level of the smaller distance, upstream if they are equal. Assets of level
    0 are the roots, and members of their asset groups. ``unknown`` are the ids of the roots that were not found.
    """

    assets: dict[str, FoundAsset] = field(default_factory=dict)
    edges: dict[FoundEdge, MaskedRecord] = field(default_factory=dict)
    completeness: dict[Direction, Completeness] = field(default_factory=dict)
    unknown: Sequence[str] = ()

    @property
    def parts(self) -> int:
        """The number of assets and edges."""
        return len(self.assets) + len(self.edges)

    @property
    def is_long(self) -> bool:
        """Whether a calculation over all assets and edges runs in the side thread."""
        return self.parts > LONG_LINEAGE


@dataclass(frozen=True, slots=True)
class SceneQuery:
    """The lineage around ``roots``, at most ``depth`` levels in each direction, with what ``keep`` accepts.

    ``pin`` is the time at which it is read; a root that did not exist then is unknown. None is the read time of the
    operation.
    """

    roots: tuple[str, ...]
    direction: SceneDirection
    depth: int
    keep: LineageItemFilter
    pin: SnapshotTime | None = None


async def walks_around(context: Context, query: SceneQuery) -> list[LineageResult]:
    """Return the walks of a scene, by WALKS; they share the requests of their levels with each other, and with others.

    So they are made before it is the turn of the scene.
    """
    walks = (
        LineageQuery(query.roots, direction, query.depth, query.keep, query.pin, query.pin is not None)
        for direction in WALKS[query.direction]
    )
    return await asyncio.gather(*(context.reader.walk(walk) for walk in walks))


async def neighbourhood(budget: OperationBudget, query: SceneQuery, walked: Sequence[LineageResult]) -> SceneLineage:
    """Return the lineage around some assets, put together from the walks of a scene."""
    found = SceneLineage(unknown=walked[0].unknown)
    for direction, result in zip(WALKS[query.direction], walked, strict=True):
        found.completeness[direction] = result.completeness
        async for asset in budget.in_turns(_assets(result, -1 if direction is Direction.IN else 1)):
            known = found.assets.get(asset.row.urn)
            nearest = asset if known is None or abs(asset.level) < abs(known.level) else known
            gaps = {*asset.gaps, *(() if known is None else known.gaps)}
            found.assets[asset.row.urn] = nearest._replace(gaps=tuple(sorted(gaps)))
        edges = await run_in_parts(_listed(result.edges), is_long=result.is_long)
        async for joined in budget.in_turns(edges):
            edge = joined.edge.record
            found.edges[FoundEdge(edge["from"], edge["to"], edge["relation"], edge["origin"])] = joined.edge
    return found


def _listed(edges: Iterable[ReachedEdge]) -> Generator[None, None, list[ReachedEdge]]:
    """Return edges that are put in order when they are read; pauses after each."""
    found = []
    for edge in edges:
        found.append(edge)
        yield
    return found


def _assets(result: LineageResult, sign: int) -> Iterator[FoundAsset]:
    """Yield the assets that a walk reached; ``sign`` is that of their levels."""
    for node in result.nodes:
        applies = ((SceneGap.LIMIT, result.cut), (SceneGap.POLICY, result.withheld))
        yield FoundAsset(node.row, sign * node.depth, tuple(gap.name for gap, vids in applies if node.row.vid in vids))
