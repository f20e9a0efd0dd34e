"""The field `scene`: a picture of the lineage around some assets, of at most some hundred elements."""

from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from typing import Annotated, Final

import strawberry

from graphql_schema.catalog.relations import Direction
from graphql_schema.execution.side_thread import run_in_parts
from graphql_schema.fields.as_of import AsOf, set_read_time
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Resolved, SchemaField, stored_field
from graphql_schema.fields.refs import AssetRef
from graphql_schema.lineage.arguments import DepthArg, Filter, RootsArg, depth_of, lineage_filter, roots_of
from graphql_schema.lineage.completeness import LineageCompleteness, completeness_source
from graphql_schema.lineage.traversal import KindCount
from graphql_schema.ports.lineage_query import MAX_DEPTH
from graphql_schema.ports.record import JsonObject
from graphql_schema.scene.expansion import ExpandArg, expanded_assets, expansions
from graphql_schema.scene.grouping import GroupValues, SceneProperty, group_values
from graphql_schema.scene.neighbourhood import (
    PART_BYTES,
    SLOT,
    SceneDirection,
    SceneGap,
    SceneLineage,
    SceneQuery,
    neighbourhood,
    walks_around,
)
from graphql_schema.scene.roll_up import RollUp, SceneAsset, roll_up
from graphql_schema.scene.rolled_edges import MAX_SCENE_EDGES, SceneEdge, rolled_edges
from graphql_schema.scene.scene_groups import SceneGroup, group_sources
from policies.errors import LimitError

MAX_ELEMENTS: Final = 300
"""Maximal number of elements of a scene: assets and groups."""

DIRECTION = SceneDirection.BOTH
GROUPING = (SceneProperty.LEVEL, SceneProperty.KIND)
"""Default of `groupBy`."""

DirectionOfScene = Annotated[
    SceneDirection | None, strawberry.argument(description="The directions to follow; default: both.")
]
GroupByArg = Annotated[
    list[SceneProperty] | None,
    strawberry.argument(
        description="The properties that the assets of a group have in common; default: LEVEL and KIND. If there are "
        "too many groups, the last properties are left out; see `groupedBy`."
    ),
]
OpenLevelsArg = Annotated[
    int | None,
    strawberry.argument(
        description=f"The distance up to which levels are listed individually, 0 to {MAX_DEPTH}: the nearest first, "
        "upstream before downstream. The first level that does not fit and those after it are grouped."
    ),
]
MaxElementsArg = Annotated[
    int | None,
    strawberry.argument(description=f"The maximal number of assets and groups together, 1 to {MAX_ELEMENTS}."),
]


@strawberry.type(description="An asset that a scene lists individually.")
class SceneElement:
    """An asset that a scene lists individually."""

    asset: AssetRef = stored_field("The asset.")
    level: int = stored_field(
        "Number of edges from the nearest root, negative upstream; steps between parent and child do not count."
    )
    is_root: bool = stored_field("Whether it is one of the requested roots.")
    gaps: list[SceneGap] = stored_field(
        "Why edges of the asset may be missing in the scene, besides `edgesLeftOut`; empty without a disclosed reason."
    )


@strawberry.type(description="Number of assets of one level.")
class LevelCount:
    """Number of assets of one level."""

    level: int = stored_field("The level; negative upstream.")
    count: int = stored_field("Number of assets of this level, listed or in groups.")


@strawberry.type(
    description="The lineage around some assets as a picture: the nearest assets, groups of all others, and the edges "
    "between these. All counts are of assets that are visible to the viewer."
)
class Scene:
    """The lineage around some assets, rolled up."""

    elements: list[SceneElement] = stored_field("The assets that are listed individually, the nearest first.")
    groups: list[SceneGroup] = stored_field("Groups of the other assets, in the order of their nearest asset.")
    edges: list[SceneEdge] = stored_field(
        "The followed edges between elements, one entry for each pair and direction, those of the nearest elements "
        f"first; at most {MAX_SCENE_EDGES:,} entries."
    )
    edges_left_out: int = stored_field("Number of entries of `edges` beyond its maximum.")
    total: int = stored_field("Number of assets, listed and in groups.")
    levels: list[LevelCount] = stored_field("Number of assets of each level, ordered by level.")
    counts_by_kind: list[KindCount] = stored_field("Number of assets of each kind, ordered by kind.")
    grouped_by: list[SceneProperty] = stored_field(
        "The properties that the groups are made by: the first ones of `groupBy`, as many as `maxElements` admits."
    )
    upstream: LineageCompleteness | None = stored_field(
        "How much of the lineage upstream was found; null if it was not requested."
    )
    downstream: LineageCompleteness | None = stored_field(
        "How much of the lineage downstream was found; null if it was not requested."
    )
    unknown_roots: list[strawberry.ID] = stored_field(
        "Ids of roots that do not exist at the read time, are not visible to the viewer, or are no assets."
    )


def _within(name: str, given: int | None, default: int, minimum: int, maximum: int) -> int:
    """Return the value of the argument ``name``, ``default`` for None; raise LimitError if it is out of range."""
    number = default if given is None else given
    if not minimum <= number <= maximum:
        raise LimitError(f"`{name}` is {number}; give {minimum} to {maximum}.", limit=maximum)
    return number


async def _scene(
    info: Info,
    roots: RootsArg,
    direction: DirectionOfScene = DIRECTION,
    max_depth: DepthArg = 5,
    filter: Filter = None,
    group_by: GroupByArg = None,
    open_levels: OpenLevelsArg = 1,
    expand: ExpandArg = None,
    max_elements: MaxElementsArg = MAX_ELEMENTS,
    as_of: AsOf = None,
) -> Resolved:
    set_read_time(info, as_of)
    query = SceneQuery(roots_of(roots), direction or DIRECTION, depth_of(max_depth, 5), lineage_filter(filter))
    properties = tuple(dict.fromkeys(GROUPING if group_by is None else group_by))
    nearest = _within("openLevels", open_levels, 1, 0, MAX_DEPTH)
    limit = _within("maxElements", max_elements, MAX_ELEMENTS, 1, MAX_ELEMENTS)
    wanted = expansions(expand)
    used = {*properties, *(each for entry in wanted for each, _ in entry.values)}
    context, walked = info.context, await walks_around(info.context, query)
    async with context.budget.slot(SLOT, 1) as hold:
        found = await neighbourhood(context.budget, query, walked)
        hold(2 * PART_BYTES * found.parts)  # also while they are rolled up
        rows = [asset.row for asset in found.assets.values()]
        values = await group_values(context.reader, context.budget, rows, used)
        assets = [
            SceneAsset(asset.row, asset.level, values.of(asset.row, asset.level), asset.gaps, urn in query.roots)
            async for urn, asset in context.budget.in_turns(found.assets.items())
        ]
        expanded = await run_in_parts(expanded_assets(assets, wanted, found), is_long=found.is_long)
        rolled = await run_in_parts(roll_up(assets, expanded, nearest, properties, limit), is_long=found.is_long)
        source = await run_in_parts(_source(found, assets, rolled, values), is_long=found.is_long)
    context.budget.free([found, rolled, values])
    return source


def _source(
    found: SceneLineage, assets: Sequence[SceneAsset], rolled: RollUp, values: GroupValues
) -> Generator[None, None, JsonObject]:
    """Return the source of a :class:`Scene`."""
    element_of = {asset.row.urn: asset.row.urn for asset in rolled.listed}
    element_of |= {asset.row.urn: key for key, members in rolled.groups.items() for asset in members}
    nearest = sorted([*rolled.listed, *(each[0] for each in rolled.groups.values())], key=lambda asset: asset.place)
    edges = yield from rolled_edges(found.edges, element_of, [element_of[asset.row.urn] for asset in nearest])
    completeness = {direction: completeness_source(each) for direction, each in found.completeness.items()}
    return {
        "elements": [
            {"asset": each.row, "level": each.level, "isRoot": each.is_root, "gaps": each.gaps}
            for each in rolled.listed
        ],
        "groups": group_sources(rolled, values, edges.within),
        "edges": edges.edges,
        "edgesLeftOut": edges.left_out,
        "total": len(assets),
        "levels": _counted("level", (asset.level for asset in assets)),
        "countsByKind": _counted("kind", (asset.row.record["kind"] for asset in assets)),
        "groupedBy": [each.name for each in rolled.properties],
        "upstream": completeness.get(Direction.IN),
        "downstream": completeness.get(Direction.OUT),
        "unknownRoots": found.unknown,
    }


def _counted(name: str, values: Iterable[int | str]) -> list[JsonObject]:
    """Return how often each value occurs, in the order of the values; ``name`` is the key of the value."""
    counts = Counter[int | str](values)
    return [{name: each, "count": counts[each]} for each in sorted(counts)]


scene: SchemaField = strawberry.field(
    description="The lineage around the roots as a picture of at most some hundred elements: the nearest assets are "
    "listed, and all others rolled up to groups with counts. One merged result for all roots.",
    resolver=_scene,
)
