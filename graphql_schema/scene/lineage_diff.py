"""The field `lineageDiff`: the lineage of two instants, versions or runs side by side, and what differs."""

import asyncio
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Annotated, Final

import strawberry

from graphql_schema.catalog.enums import RelationName
from graphql_schema.catalog.relations import RUN_OF, Direction
from graphql_schema.execution.side_thread import run_in_parts
from graphql_schema.fields.as_of import read_time_of_field
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Resolved, SchemaField, stored_field
from graphql_schema.fields.refs import AssetRef
from graphql_schema.fields.scalars import Instant
from graphql_schema.lineage.arguments import DepthArg, Filter, depth_of, lineage_filter, roots_of
from graphql_schema.lineage.completeness import LineageCompleteness, completeness_source
from graphql_schema.lineage.lineage_edge import LineageEdge
from graphql_schema.ports.lineage_query import MAX_ROOTS, SnapshotTime
from graphql_schema.ports.record import JsonObject
from graphql_schema.ports.relation_query import MAX_PAGE_SIZE, ONE, related
from graphql_schema.ports.row import MaskedRecord, Row
from graphql_schema.scene.differences import Difference, LineageChange, Members, differences, members_by
from graphql_schema.scene.grouping import family_of
from graphql_schema.scene.neighbourhood import (
    PART_BYTES,
    SLOT,
    SceneDirection,
    SceneLineage,
    SceneQuery,
    neighbourhood,
    walks_around,
)
from policies.errors import InvalidError, LimitError

WORKFLOWS: Final = related(RUN_OF.out())
"""From a run to the workflow that was executed."""

DEFAULT_FIRST: Final = 100

COMPARED_BYTES: Final = 400
"""Bytes of memory of an asset or an edge of a state while it is compared, beside those of its lineage."""

EdgeKey = tuple[str, str, str]
"""Key of the asset from which data flows, name of the relation, and key of the asset to which it flows."""


@strawberry.input(description="A state to compare: some roots at an instant.")
class LineageStateInput:
    """A state to compare: some roots at an instant."""

    roots: list[strawberry.ID] | None = strawberry.field(
        description=f"Ids of the assets to begin at, 1 to {MAX_ROOTS}, such as one version or one run; "
        "default: the argument `roots` of the field.",
        default=None,
    )
    as_of: Instant | None = strawberry.field(
        description="The instant, as `asOf` of `lineage`; default: the present.", default=None
    )


@strawberry.type(description="Numbers of assets or edges that differ between two states, and of those that do not.")
class DifferenceCounts:
    """Numbers of assets or edges that differ between two states, and of those that do not."""

    added: int = stored_field("Number of assets or edges that only the state `to` has.")
    removed: int = stored_field("Number of assets or edges that only the state `from` has.")
    changed: int = stored_field("Number of assets or edges that both states have, with other versions or runs.")
    same: int = stored_field("Number of assets or edges that are equal in both states.")


@strawberry.type(
    description="An asset that differs between two states, with its versions; or a workflow with its runs."
)
class NodeDifference:
    """An asset that differs between two states, with its versions; or a workflow with its runs."""

    key: str = stored_field(
        "The id of the asset without version and without `mlg://`, such as `model/mlflow/shop/ranker`; for a run, that "
        "of its workflow if this is visible."
    )
    change: LineageChange = stored_field("How it differs.")
    before: list[AssetRef] = stored_field(
        "The asset, its versions or its runs in the lineage of the state `from`, with the values of today; ordered by "
        "id."
    )
    after: list[AssetRef] = stored_field(
        "The asset, its versions or its runs in the lineage of the state `to`, with the values of today; ordered by id."
    )


@strawberry.type(description="Edges of one relation between two assets that differ between two states.")
class EdgeDifference:
    """Edges of one relation between two assets that differ between two states."""

    from_: str = strawberry.field(name="from", description="The `key` from which the data flows.")
    to: str = stored_field("The `key` to which the data flows.")
    relation: RelationName = stored_field("The relation.")
    change: LineageChange = stored_field("How they differ.")
    before: list[LineageEdge] = stored_field("The edges of the state `from`, ordered by id.")
    after: list[LineageEdge] = stored_field("The edges of the state `to`, ordered by id.")


@strawberry.type(description="A compared state: how much of its lineage was found.")
class LineageState:
    """A compared state: how much of its lineage was found."""

    total: int = stored_field("Number of assets, each version and run included.")
    upstream: LineageCompleteness | None = stored_field(
        "How much of the lineage upstream was found; null if it was not requested."
    )
    downstream: LineageCompleteness | None = stored_field(
        "How much of the lineage downstream was found; null if it was not requested."
    )
    unknown_roots: list[strawberry.ID] = stored_field(
        "Ids of roots that did not exist at the instant, are not visible to the viewer, or are no assets."
    )


@strawberry.type(
    description="What differs between two states. Assets are compared by identity, edges by their ends and relation; "
    "both by the versions and runs that the lineage has of them. Other values are not compared."
)
class LineageDiff:
    """What differs between two states."""

    nodes: list[NodeDifference] = stored_field("Assets that differ, ordered by key; at most `first`.")
    edges: list[EdgeDifference] = stored_field("Edges that differ, ordered by keys; at most `first`.")
    node_counts: DifferenceCounts = stored_field("Numbers of assets by `key`, those beyond `first` included.")
    edge_counts: DifferenceCounts = stored_field(
        "Numbers of edges by keys and relation, those beyond `first` included."
    )
    from_: LineageState = strawberry.field(name="from", description="The state `from`.")
    to: LineageState = stored_field("The state `to`.")


@dataclass(frozen=True, slots=True)
class ComparedState:
    """The lineage of a state, its members by key, and its edges by id."""

    lineage: SceneLineage
    nodes: Members[str]
    edges: Members[EdgeKey]
    edge_of: Mapping[str, MaskedRecord]

    def source(self) -> JsonObject:
        """Return the source of a :class:`LineageState`."""
        found = {direction: completeness_source(each) for direction, each in self.lineage.completeness.items()}
        return {
            "total": len(self.lineage.assets),
            "upstream": found.get(Direction.IN),
            "downstream": found.get(Direction.OUT),
            "unknownRoots": self.lineage.unknown,
        }


def _compared(lineage: SceneLineage, keys: Mapping[str, str]) -> Generator[None, None, ComparedState]:
    """Return a state by ``keys``, which maps the id of each asset to its key."""
    nodes = yield from members_by((keys[urn], urn) for urn in lineage.assets)
    edges = yield from members_by(
        ((keys[each.source], each.relation, keys[each.target]), edge.record["id"])
        for each, edge in lineage.edges.items()
    )
    edge_of = {}
    for edge in lineage.edges.values():
        edge_of[edge.record["id"]] = edge
        yield
    return ComparedState(lineage, nodes, edges, edge_of)


async def _workflows(info: Info, walked: Sequence[SceneLineage]) -> dict[str, str]:
    """Return the id of the visible workflow of each run that has one, by the id of the run."""
    in_turns, found = info.context.budget.in_turns, dict[str, Row]()
    for lineage in walked:
        found |= {urn: each.row async for urn, each in in_turns(lineage.assets.items()) if each.row.kind == "Run"}
    runs = [row async for row in in_turns(found.values()) if row.reads("workflow")]
    pages = await info.context.reader.related_to_all(runs, WORKFLOWS, ONE) if runs else []
    pairs = in_turns(zip(runs, pages, strict=True))
    return {run.urn: page.items[0].row.urn async for run, page in pairs if page.items}


def _source(
    walked: Sequence[SceneLineage], workflows: Mapping[str, str], limit: int
) -> Generator[None, None, tuple[JsonObject, list[ComparedState]]]:
    """Return the source of a :class:`LineageDiff` of two states, and what it was made of.

    It has at most ``limit`` assets, and as many edges. A version has the key of its asset, and a run that of its
    visible workflow.
    """
    keys = {}
    for urn in chain(*(lineage.assets for lineage in walked)):
        keys[urn] = family_of(workflows.get(urn, urn))
        yield
    before = yield from _compared(walked[0], keys)
    after = yield from _compared(walked[1], keys)
    nodes = yield from differences(before.nodes, after.nodes, limit)
    edges = yield from differences(before.edges, after.edges, limit)
    source = {
        "nodes": [_node(before, after, each) for each in nodes.first],
        "edges": [_edge(before, after, each) for each in edges.first],
        "nodeCounts": nodes.counts,
        "edgeCounts": edges.counts,
        "from": before.source(),
        "to": after.source(),
    }
    return source, [before, after]


def _node(before: ComparedState, after: ComparedState, found: Difference[str]) -> JsonObject:
    """Return the source of a :class:`NodeDifference`."""
    return {
        "key": found.key,
        "change": found.change.name,
        "before": [before.lineage.assets[urn].row for urn in found.before],
        "after": [after.lineage.assets[urn].row for urn in found.after],
    }


def _edge(before: ComparedState, after: ComparedState, found: Difference[EdgeKey]) -> JsonObject:
    """Return the source of an :class:`EdgeDifference`."""
    start, relation, end = found.key
    return {
        "from": start,
        "to": end,
        "relation": relation,
        "change": found.change.name,
        "before": [before.edge_of[each] for each in found.before],
        "after": [after.edge_of[each] for each in found.after],
    }


Roots = Annotated[
    list[strawberry.ID] | None,
    strawberry.argument(
        description=f"Ids of the assets to begin at in both states, 1 to {MAX_ROOTS}; needed unless both states have "
        "`roots`."
    ),
]
FromArg = Annotated[LineageStateInput, strawberry.argument(name="from", description="The state to compare from.")]
ToArg = Annotated[LineageStateInput, strawberry.argument(description="The state to compare to.")]
DirectionOfDiff = Annotated[
    SceneDirection | None, strawberry.argument(description="The directions to follow; default: upstream.")
]
FirstArg = Annotated[
    int | None,
    strawberry.argument(description=f"The maximum number of assets, and of edges, to list, 0 to {MAX_PAGE_SIZE}."),
]


def _queries(
    info: Info, roots: Sequence[str] | None, states: Sequence[LineageStateInput], like: "partial[SceneQuery]"
) -> list[SceneQuery]:
    """Return the query of each state, made by ``like``.

    Raises InvalidError or LimitError for invalid roots or instants.
    """
    found = []
    for state in states:
        given = state.roots if state.roots is not None else roots
        if given is None:
            raise InvalidError("A state has no roots; give `roots`, or `roots` of both `from` and `to`.")
        instant = read_time_of_field(info.context, state.as_of)
        pin = None if instant is None else SnapshotTime(instant, info.context.reader.pin.recorded)
        found.append(like(roots=roots_of(given), pin=pin))
    return found


async def _lineage_diff(
    info: Info,
    from_: FromArg,
    to: ToArg,
    roots: Roots = None,
    direction: DirectionOfDiff = SceneDirection.UPSTREAM,
    max_depth: DepthArg = 5,
    filter: Filter = None,
    first: FirstArg = DEFAULT_FIRST,
) -> Resolved:
    limit = DEFAULT_FIRST if first is None else first
    if not 0 <= limit <= MAX_PAGE_SIZE:
        raise LimitError(f"`first` is {limit}; give 0 to {MAX_PAGE_SIZE}.", limit=MAX_PAGE_SIZE)
    like = partial(
        SceneQuery,
        direction=direction or SceneDirection.UPSTREAM,
        depth=depth_of(max_depth, 5),
        keep=lineage_filter(filter),
    )
    queries = _queries(info, roots, (from_, to), like)
    budget = info.context.budget
    walks = await asyncio.gather(*(walks_around(info.context, query) for query in queries))
    async with budget.slot(SLOT, 1) as hold:
        walked = [await neighbourhood(budget, *each) for each in zip(queries, walks, strict=True)]
        hold((PART_BYTES + COMPARED_BYTES) * sum(lineage.parts for lineage in walked))
        workflows = await _workflows(info, walked)
        is_long = any(lineage.is_long for lineage in walked)
        source, compared = await run_in_parts(_source(walked, workflows, limit), is_long=is_long)
    info.context.budget.free([*walked, *compared])
    return source


lineage_diff: SchemaField = strawberry.field(
    description="What differs between the lineage of two states: two instants of the same roots, or two versions, "
    "runs or other roots side by side. Both states are read by the policy of today.",
    resolver=_lineage_diff,
)
