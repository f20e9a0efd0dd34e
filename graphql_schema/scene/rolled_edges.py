"""The edges of a scene: those between the same two elements are rolled up to one, with their number."""

from collections import Counter, defaultdict
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import strawberry

from graphql_schema.catalog.enums import EdgeOrigin, RelationName
from graphql_schema.fields.field import stored_field
from graphql_schema.ports.record import JsonObject, Position
from graphql_schema.ports.turns.sorted_parts import sorted_in_parts
from graphql_schema.scene.neighbourhood import FoundEdge

MAX_SCENE_EDGES: Final = 1_000
"""Maximal number of entries of `edges` of a scene; those between the nearest elements are kept."""


@strawberry.type(description="The edges from one element of a scene to another.")
class SceneEdge:
    """The edges from one element of a scene to another."""

    from_: str = strawberry.field(
        name="from", description="The element from which the data flows: the id of an asset, or the `key` of a group."
    )
    to: str = stored_field("The element to which the data flows: the id of an asset, or the `key` of a group.")
    count: int = stored_field("Number of edges; between two assets there is one for each relation.")
    relations: list[RelationName] = stored_field("The relations of these edges, ordered by name.")
    origins: list[EdgeOrigin] = stored_field("The origins of these edges, ordered by name.")


@dataclass(slots=True)
class RolledEdges:
    """The ``edges`` as sources of :class:`SceneEdge`, how many of these were ``left_out``, and the edges in groups.

    ``within`` has the number of edges between the assets of each group, by the key of the group.
    """

    edges: list[JsonObject] = field(default_factory=list)
    left_out: int = 0
    within: Counter[str] = field(default_factory=Counter)


def rolled_edges(
    edges: Iterable[FoundEdge], element_of: Mapping[str, str], order: Sequence[str]
) -> Generator[None, None, RolledEdges]:
    """Return the edges between the elements of a scene, those with the nearest ends first; pauses after each edge.

    ``element_of`` maps the id of each asset to its element: its id if it is listed, else the key of its group.
    ``order`` are all elements, the nearest first.
    """
    rank = {element: number for number, element in enumerate(order)}
    between = defaultdict[tuple[str, str], list[FoundEdge]](list)
    found = RolledEdges()
    for edge in edges:
        ends = element_of[edge.source], element_of[edge.target]
        if ends[0] == ends[1] and ends[0] not in {edge.source, edge.target}:
            found.within[ends[0]] += 1
        else:
            between[ends].append(edge)
        yield

    def place(ends: tuple[str, str]) -> Position:
        return max(rank[ends[0]], rank[ends[1]]), rank[ends[0]], rank[ends[1]]

    near = yield from sorted_in_parts([*between], place)
    found.left_out = max(len(near) - MAX_SCENE_EDGES, 0)
    found.edges = [
        {
            "from": ends[0],
            "to": ends[1],
            "count": len(between[ends]),
            "relations": sorted({edge.relation for edge in between[ends]}),
            "origins": sorted({edge.origin for edge in between[ends]}),
        }
        for ends in near[:MAX_SCENE_EDGES]
    ]
    return found
