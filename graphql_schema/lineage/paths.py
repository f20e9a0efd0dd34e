"""Shortest paths along lineage from one asset to another."""

from typing import Annotated

import strawberry

from graphql_schema.catalog.urn import parse_urn
from graphql_schema.fields.as_of import AsOf, set_read_time
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Resolved, SchemaField, stored_field
from graphql_schema.fields.refs import AssetRef
from graphql_schema.lineage.completeness import LineageCompleteness, completeness_source
from graphql_schema.lineage.lineage_edge import LineageEdge
from graphql_schema.ports.lineage_query import MAX_DEPTH, MAX_PATHS, PathQuery
from policies.errors import LimitError

FromArg = Annotated[
    strawberry.ID, strawberry.argument(name="from", description="Id of the asset where the data comes from.")
]
ToArg = Annotated[strawberry.ID, strawberry.argument(description="Id of the asset where the data goes.")]
MaxPathsArg = Annotated[int | None, strawberry.argument(description=f"Maximal number of paths, 1 to {MAX_PATHS}.")]
MaxLengthArg = Annotated[
    int | None, strawberry.argument(description=f"Maximal number of edges of a path, 0 to {MAX_DEPTH}.")
]


@strawberry.type(description="A path from one asset to another along the data flow; no asset is on it twice.")
class LineagePath:
    """A path from one asset to another along the data flow."""

    nodes: list[AssetRef] = stored_field(
        "Assets on the path, `from` first and `to` last; a step between parent and child of an asset group has no edge."
    )
    edges: list[LineageEdge] = stored_field(
        "Edges in the order of the path; of several from one asset to the next, that whose relation is first by name."
    )
    length: int = stored_field("Number of edges of the path.")


@strawberry.type(description="The shortest paths from one asset to another.")
class LineagePaths:
    """The shortest paths from one asset to another."""

    paths: list[LineagePath] = stored_field("Paths, the shortest first; those of equal length ordered by ids.")
    completeness: LineageCompleteness = stored_field(
        "How much was searched; `depthReached` is the length up to which the edges of every path were read."
    )
    unknown_roots: list[strawberry.ID] = stored_field(
        "Those of `from` and `to` that do not exist, are not visible to the viewer, or are no assets."
    )


async def _paths(
    info: Info,
    from_: FromArg,
    to: ToArg,
    max_paths: MaxPathsArg = 5,
    max_length: MaxLengthArg = 12,
    as_of: AsOf = None,
) -> Resolved:
    set_read_time(info, as_of)
    for end in (from_, to):
        parse_urn(end)
    path_limit = _within("maxPaths", 5 if max_paths is None else max_paths, 1, MAX_PATHS)
    length_limit = _within("maxLength", 12 if max_length is None else max_length, 0, MAX_DEPTH)
    found = await info.context.reader.paths(PathQuery(from_, to, path_limit, length_limit))
    return {
        "paths": [{"nodes": path.rows, "edges": path.edges, "length": len(path.edges)} for path in found.paths],
        "completeness": completeness_source(found.completeness),
        "unknownRoots": found.unknown,
    }


paths: SchemaField = strawberry.field(
    description="Shortest paths from one asset to another along the data flow, the shortest first. Edges of inference "
    "rules are not followed.",
    resolver=_paths,
)


def _within(name: str, given: int, least: int, maximum: int) -> int:
    """Return an argument; raise LimitError if it is outside of the bounds."""
    if not least <= given <= maximum:
        raise LimitError(f"`{name}` is {given}; give {least} to {maximum}.", limit=maximum)
    return given
