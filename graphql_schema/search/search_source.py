"""The state of one search: the source of the fields of its results."""

from dataclasses import dataclass, field

from graphql_schema.fields.cursors import CursorCodec
from graphql_schema.ports.protocols import GraphReader
from graphql_schema.ports.relation_query import PageRequest
from graphql_schema.ports.row import PageItem
from graphql_schema.ports.search_query import SearchQuery
from graphql_schema.rules.facets import Facet
from graphql_schema.rules.ranking import rank
from graphql_schema.rules.search_text import SearchText


@dataclass(frozen=True, slots=True)
class RankedHits:
    """The hits of one query, best first; ``complete`` is false if not all possible hits were ranked."""

    items: tuple[PageItem, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class SearchSource:
    """A search: its parsed text, the query for assets, and the requested page, cursors and facets of its hits.

    ``group_versions``: whether versions are shown under their assets.

    The fields of the result read only what they need, at the same time, so that their reads share a request.
    """

    text: SearchText
    assets: SearchQuery
    page: PageRequest
    binding: CursorCodec
    facets: tuple[Facet, ...]
    group_versions: bool = False
    _ranked: dict[SearchQuery, RankedHits] = field(default_factory=dict)

    async def ranked(self, reader: GraphReader, query: SearchQuery) -> RankedHits:
        """Return the hits of a query, ranked once for all fields; the position of a hit is its rank and its id."""
        found = await reader.search(query)
        if query not in self._ranked:
            ranks = ((row, rank(row, self.text)) for row in found.rows)
            items = (PageItem(row, (*order, row.urn)) for row, order in ranks if order is not None)
            self._ranked[query] = RankedHits((*sorted(items, key=lambda item: item.position),), found.complete)
        return self._ranked[query]
