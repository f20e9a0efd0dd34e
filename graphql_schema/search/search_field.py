"""Text search for people: ranked hits, why each is one, and what they have in common."""

from dataclasses import replace
from typing import Annotated, Any

import strawberry

from graphql_schema.fields.connection import After, Connection, ConnectionSource, First, page_request_of
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import stored_field
from graphql_schema.fields.listing_fields import AssetFilterArg
from graphql_schema.fields.refs import AssetRef
from graphql_schema.ports.conditions import MAX_FILTER_TEXT_LENGTH
from graphql_schema.ports.relation_query import slice_page
from graphql_schema.ports.row import PageItem
from graphql_schema.ports.search_query import MAX_HITS
from graphql_schema.rules.facets import MAX_FACET_VALUES, Facet, facet_counts
from graphql_schema.rules.highlights import highlights
from graphql_schema.rules.ranking import rank
from graphql_schema.rules.search_text import SearchText, parse_search_text
from graphql_schema.search.search_conditions import search_for

TextArg = Annotated[
    str,
    strawberry.argument(
        description=f"What people type, a name, an id or a few words: up to {MAX_FILTER_TEXT_LENGTH:,} characters. "
        "Each word must be found; the last one may be the beginning of a word."
    ),
]
FacetsArg = Annotated[list[Facet] | None, strawberry.argument(description="What to count over the hits.")]


@strawberry.type(description="Where a hit has what was typed.")
class Highlight:
    """Where a hit has what was typed."""

    field: str = stored_field("The field of the asset.")
    text: str = stored_field("Its text, of a long one a part, with the words that were found between `**`.")


@strawberry.type(description="An asset that was found.")
class SearchHit:
    """An asset that was found."""

    asset: AssetRef = stored_field("The asset.")
    highlights: list[Highlight] = stored_field("Where it has what was typed, in fields that the viewer sees.")


@strawberry.type(description="A value of a facet.")
class FacetValue:
    """A value of a facet."""

    value: str = stored_field("The value, as a filter takes it.")
    count: int = stored_field("How many hits have it.")


@strawberry.type(description="How many hits have each value of something.")
class FacetValues:
    """How many hits have each value of something."""

    facet: Facet = stored_field("What is counted.")
    values: list[FacetValue] = stored_field(f"The {MAX_FACET_VALUES} most frequent values, then by value.")


@strawberry.type(description="What a search found.")
class SearchResults:
    """What a search found."""

    hits: Connection[SearchHit] = stored_field(
        f"The hits, the best first, then by id; with more than {MAX_HITS:,} the best of them, and no total."
    )
    facets: list[FacetValues] = stored_field(
        "Counts over all hits, not only those of the page, in the order asked for."
    )


async def _search(
    info: Info,
    text: TextArg,
    filter: AssetFilterArg = None,
    facets: FacetsArg = None,
    first: First = 20,
    after: After = None,
) -> Any:
    sought = parse_search_text(text)
    search = search_for(sought, filter)
    page, binding = page_request_of(info, first, after, search)
    found = await info.context.reader.search(search)
    hits = sorted(
        (PageItem(row, (*order, row.urn)) for row in found.rows if (order := rank(row, sought)) is not None),
        key=lambda item: item.position,
    )
    shown = slice_page(hits, replace(page, total=found.complete))
    return {
        "hits": ConnectionSource(shown, page, binding, lambda item: _hit(item, sought)),
        "facets": facet_counts(facets or (), [item.row for item in hits]),
    }


def _hit(item: PageItem, sought: SearchText) -> dict[str, Any]:
    return {"asset": item.row, "highlights": highlights(item.row, sought)}


search: Any = strawberry.field(
    description="Ranked text search with facets: the entry point for people.", resolver=_search
)
