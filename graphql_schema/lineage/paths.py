"""Why are two assets connected: the shortest ways along lineage from one to the other."""

from typing import Annotated, Any

import strawberry

from graphql_schema.catalog.urn import parse_urn
from graphql_schema.fields.as_of import AsOf, set_read_time
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import stored_field
from graphql_schema.fields.refs import AssetRef
from graphql_schema.lineage.completeness import LineageCompleteness, completeness_source
from graphql_schema.lineage.lineage_edge import LineageEdge
from graphql_schema.ports.lineage_query import DEEPEST, MAX_PATHS, PathQuery
from policies.errors import LimitError

FromArg = Annotated[strawberry.ID, strawberry.argument(name="from", description="The id of where data comes from.")]
ToArg = Annotated[strawberry.ID, strawberry.argument(description="The id of where data goes.")]
MostArg = Annotated[int | None, strawberry.argument(description=f"How many paths, at most {MAX_PATHS}.")]
LongestArg = Annotated[int | None, strawberry.argument(description=f"How many edges a path may have, up to {DEEPEST}.")]


@strawberry.type(description="A way from one asset to another, along the data flow; no asset is on it twice.")
class LineagePath:
    """A way from one asset to another."""

    nodes: list[AssetRef] = stored_field("The assets, from end to end; between a whole and its part there is no edge.")
    edges: list[LineageEdge] = stored_field("The edges, in the order of the way.")
    length: int = stored_field("How many edges there are.")


@strawberry.type(description="The shortest ways from one asset to another.")
class LineagePaths:
    """The shortest ways from one asset to another."""

    paths: list[LineagePath] = stored_field("The shortest first; of equal length by ids.")
    completeness: LineageCompleteness = stored_field(
        "How much was looked at: `depthReached` is the length up to which every path is known."
    )
    unknown_roots: list[strawberry.ID] = stored_field(
        "Ends that are unknown, or hidden from the viewer, which look alike; or that are no assets."
    )


async def _paths(
    info: Info,
    from_: FromArg,
    to: ToArg,
    max_paths: MostArg = 5,
    max_length: LongestArg = 12,
    as_of: AsOf = None,
) -> Any:
    set_read_time(info, as_of)
    for end in (from_, to):
        parse_urn(end)
    most = _within("maxPaths", 5 if max_paths is None else max_paths, 1, MAX_PATHS)
    longest = _within("maxLength", 12 if max_length is None else max_length, 0, DEEPEST)
    found = await info.context.reader.paths(PathQuery(from_, to, most, longest))
    return {
        "paths": [{"nodes": path.rows, "edges": path.edges, "length": len(path.edges)} for path in found.paths],
        "completeness": completeness_source(found.completeness),
        "unknownRoots": found.unknown,
    }


paths: Any = strawberry.field(
    description="Why are these connected? The shortest ways along the data flow, the shortest first.", resolver=_paths
)


def _within(name: str, given: int, least: int, most: int) -> int:
    if not least <= given <= most:
        raise LimitError(f"`{name}` is {given}; ask for {least} to {most}.", limit=most)
    return given
