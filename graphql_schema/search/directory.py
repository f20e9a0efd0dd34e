"""The directory in search results: teams, users, domains and tags that match the text."""

from dataclasses import replace
from enum import Enum
from typing import Annotated

import strawberry

from graphql_schema.catalog.enums import value
from graphql_schema.fields.connection import After, ConnectionSource, First, page_request_of
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, Resolved, SchemaField, resolved_for_all, stored_field
from graphql_schema.fields.refs import DomainRef, TagRef, TeamRef, UserRef
from graphql_schema.ports.record import JsonObject
from graphql_schema.ports.relation_query import slice_page
from graphql_schema.ports.row import PageItem
from graphql_schema.ports.search_query import MAX_HITS
from graphql_schema.search.highlight import Highlight, marked_in
from graphql_schema.search.search_conditions import directory_query
from graphql_schema.search.search_source import SearchSource


@strawberry.enum(description="Kind of an entry of the directory.")
class DirectoryKind(Enum):
    """Kind of an entry of the directory."""

    TEAM = value("TEAM", description="A team.")
    USER = value("USER", description="A person, or a program with an account of its own.")
    DOMAIN = value("DOMAIN", description="A business area.")
    TAG = value("TAG", description="A tag.")


DirectoryEntry = Annotated[
    TeamRef | UserRef | DomainRef | TagRef,
    strawberry.union("DirectoryEntry", description="An entry of the directory: a team, a user, a domain or a tag."),
]

KindsArg = Annotated[
    list[DirectoryKind] | None,
    strawberry.argument(description="The kinds of the entries; default: all four. An empty list has no entries."),
]


@strawberry.type(description="A team, user, domain or tag that matches the search text.")
class DirectoryHit:
    """A team, user, domain or tag that matches the search text."""

    entry: DirectoryEntry = stored_field("The team, user, domain or tag.")
    highlights: list[Highlight] = strawberry.field(
        description="The fields with words that match the text: names, parts of the id, then the description.",
        resolver=marked_in("entry"),
        metadata=resolved_for_all(),
    )


async def _directory(
    root: Parent, info: Info, kinds: KindsArg = None, first: First = 20, after: After = None
) -> Resolved:
    query = directory_query(root.text, None if kinds is None else [kind.name for kind in kinds])
    page, binding = page_request_of(info, first, after, query)
    found = await root.ranked(info.context.reader, info.context.budget, query)
    hits = slice_page(found.items, replace(page, total=page.total and found.complete))
    return ConnectionSource(hits, page, binding, lambda item: _hit(item, root))


def _hit(item: PageItem, search: SearchSource) -> JsonObject:
    return {"entry": item.row, "search": search}


directory: SchemaField = strawberry.field(
    description="The teams, users, domains and tags that match the text, ranked as `hits` are; `filter` does not "
    f"apply to them. Of more than {MAX_HITS:,} possible entries, only the {MAX_HITS:,} most promising are ranked, and "
    "`totalCount` is null.",
    resolver=_directory,
)
