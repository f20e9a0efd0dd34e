"""The search field: ranked hits for a typed text, with highlights and facet counts."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Final

import strawberry

from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.fields.connection import After, Connection, ConnectionSource, First, page_request_of
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, Resolved, SchemaField, resolved_for_all, stored_field
from graphql_schema.fields.listing_fields import AssetFilterArg
from graphql_schema.fields.refs import AssetRef
from graphql_schema.ports.conditions import MAX_FILTER_TEXT_LENGTH
from graphql_schema.ports.record import JsonObject
from graphql_schema.ports.relation_query import slice_page
from graphql_schema.ports.row import PageItem
from graphql_schema.ports.search_query import MAX_HITS
from graphql_schema.rules.facets import MAX_FACET_VALUES, Facet, facet_counts
from graphql_schema.rules.search_text import parse_search_text
from graphql_schema.search.directory import DirectoryHit, directory
from graphql_schema.search.highlight import Highlight, marked_in
from graphql_schema.search.search_conditions import directory_query, search_query
from graphql_schema.search.search_source import SearchSource
from graphql_schema.search.version_groups import VersionGroup, grouped

MANY_ROWS: Final = 50
"""Number of hits above which facets are counted in the side thread, because each may have very many tags."""

TextArg = Annotated[
    str,
    strawberry.argument(
        description=f"A name, an id or a few words, at most {MAX_FILTER_TEXT_LENGTH:,} characters. "
        "A hit has this id or contains every word; the last word may be the beginning of a longer one, in descriptions "
        "from four ASCII letters on. Except in descriptions, the first 10 words may have typing errors: one in 4 to 7 "
        "letters, two in 8 to 23. `version 3` or `v3` beside a name finds the version with this number too."
    ),
]
FacetsArg = Annotated[
    list[Facet] | None, strawberry.argument(description="The properties whose values are counted; default: none.")
]
GroupVersionsArg = Annotated[
    bool | None,
    strawberry.argument(
        description="Whether the versions that match are listed in `versions` of their asset, and not as hits of their "
        "own. The asset is then a hit, ranked as the best of itself and these versions. A version whose asset is "
        "deleted or not visible remains a hit. Facets count the same assets and versions as without it. Default: false."
    ),
]


async def _versions(root: Parent, info: Info, first: First = 5, after: After = None) -> Resolved:
    search: SearchSource = root["search"]
    page, binding = page_request_of(info, first, after, search.binding, root["asset"].urn)
    return ConnectionSource(slice_page(root["versions"], page), page, binding, lambda item: _hit(item, search))


@strawberry.type(
    description="An asset that matches the search text, or with `groupVersions` one of which a version matches."
)
class SearchHit:
    """An asset that matches the search text, or with `groupVersions` one of which a version matches."""

    asset: AssetRef = stored_field("The asset.")
    highlights: list[Highlight] = strawberry.field(
        description="The fields visible to the viewer with words that match the text: names, parts of the id, then the "
        "description.",
        resolver=marked_in("asset"),
        metadata=resolved_for_all(),
    )
    versions: "Connection[SearchHit]" = strawberry.field(
        description="With `groupVersions`, the versions of the asset that match the text and the filter, best first; "
        "else empty. The asset itself need not match.",
        resolver=_versions,
    )


@strawberry.type(description="A value of a facet.")
class FacetValue:
    """A value of a facet."""

    value: str = stored_field(
        "The value, in the form that `AssetFilter` or `directory` accepts: an enum value, an id or a text."
    )
    count: int = stored_field("Number of hits, or of entries of `directory`, on which the viewer may see the value.")


@strawberry.type(description="The counted values of one property.")
class FacetValues:
    """The counted values of one property."""

    facet: Facet = stored_field("The counted property.")
    values: list[FacetValue] = stored_field(
        f"At most {MAX_FACET_VALUES} values, the most frequent first; ties in the order of the values."
    )


async def _hits(root: Parent, info: Info) -> Resolved:
    found = await root.ranked(info.context.reader, info.context.budget, root.assets)
    groups = await _grouped(root, info, found.items)
    page = slice_page([group.asset for group in groups], replace(root.page, total=found.complete))
    versions = {group.asset.row.urn: group.versions for group in groups}
    return ConnectionSource(page, root.page, root.binding, lambda item: _hit(item, root, versions[item.row.urn]))


async def _grouped(search: SearchSource, info: Info, items: Sequence[PageItem]) -> list[VersionGroup]:
    if search.group_versions:
        return await grouped(info.context.reader, items)
    return [VersionGroup(item) for item in items]


def _hit(item: PageItem, search: SearchSource, versions: Sequence[PageItem] = ()) -> JsonObject:
    return {"asset": item.row, "versions": versions, "search": search}


async def _facets(root: Parent, info: Info) -> Resolved:
    reader, budget, entries = info.context.reader, info.context.budget, directory_query(root.text, None)
    wanted = {entries if facet is Facet.DIRECTORY else root.assets for facet in root.facets}
    found = await asyncio.gather(*(root.ranked(reader, budget, query) for query in wanted))
    rows = {query: [item.row for item in hits.items] for query, hits in zip(wanted, found, strict=True)}
    is_long = sum(map(len, rows.values())) > MANY_ROWS
    return await run_in_turn(facet_counts, is_long, root.facets, rows.get(root.assets, ()), rows.get(entries, ()))


@strawberry.type(description="The result of a search.")
class SearchResults:
    """The result of a search."""

    hits: Connection[SearchHit] = strawberry.field(
        description=f"The hits, best first; ties by id. Of more than {MAX_HITS:,} possible hits, only the "
        f"{MAX_HITS:,} most promising are ranked, and `totalCount` is null.",
        resolver=_hits,
    )
    directory: Connection[DirectoryHit] = directory
    facets: list[FacetValues] = strawberry.field(
        description="Counts over all ranked hits or entries of `directory`, not only those of the page; one entry per "
        "facet, in the order of the argument.",
        resolver=_facets,
    )


async def _search(
    info: Info,
    text: TextArg,
    filter: AssetFilterArg = None,
    facets: FacetsArg = None,
    group_versions: GroupVersionsArg = False,
    first: First = 20,
    after: After = None,
) -> Resolved:
    parsed = parse_search_text(text)
    query = search_query(parsed, filter)
    page, binding = page_request_of(info, first, after, query, *(["groups"] if group_versions else []))
    return SearchSource(parsed, query, page, binding, (*dict.fromkeys(facets or ()),), bool(group_versions))


search: SchemaField = strawberry.field(
    description="Searches names, ids and descriptions of assets, and of teams, users, domains and tags: ranked hits, "
    "with highlights and facet counts.",
    resolver=_search,
)
