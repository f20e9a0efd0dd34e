"""The GraphQL documents of the export, made from the register of kinds; they select the fields of ``AssetInput``."""

from typing import Final

from graphql_schema.inputs.kind_entry import KindEntry
from graphql_schema.ports.relation_query import MAX_PAGE_SIZE

ASSETS: Final = 75
WITH_LISTS: Final = 30
NEIGHBOURS: Final = 50
"""Page sizes: assets of a page, the same for kinds whose items have lists of MAX_PAGE_SIZE, and neighbours of each.

The cost of a page must be within the limits of an operation. An export of 2,000 datasets and 6,000 edges on two cores
took 7 s with pages of 25 assets, 4.5 s with 100, and 3.8 s with 250 or 500. The number of neighbours made no
difference.
"""

_PAGE_INFO: Final = "pageInfo { hasNextPage endCursor }"
_PROPERTIES: Final = "properties { key value }"
_NEIGHBOUR: Final = f"edgeId from to relation origin confidence validFrom validTo runId {_PROPERTIES}"

NEIGHBOURS_DOCUMENT: Final = f"""query ExportNeighbours($id: ID!, $after: Cursor) {{
  asset(id: $id) {{ downstream(first: {MAX_PAGE_SIZE}, after: $after) {{ nodes {{ {_NEIGHBOUR} }} {_PAGE_INFO} }} }}
}}"""
"""The query for one page of the downstream neighbours of an asset with more than `NEIGHBOURS` of them."""


def page_document(entry: KindEntry) -> str:
    """Return the query for a page of a kind, as a connection under the name ``entry.export.listing``."""
    return _assets_document(entry) if entry.kind.asset else _listing_document(entry)


def _assets_document(entry: KindEntry) -> str:
    return f"""query Export{entry.kind.name}($after: Cursor) {{
  assets(filter: {{ kinds: [{entry.kind.code}] }}, orderBy: {{ field: ID }},
    first: {_page_size(entry, ASSETS)}, after: $after) {{
    nodes {{
      id hydration displayName description stage visibility sensitivity: declaredSensitivity sourceCreatedAt
      {_PROPERTIES}
      owners(includeInherited: false) {{ ownership owner {{ ... on Team {{ id }} ... on User {{ id }} }} }}
      tags {{ mode tag {{ id }} }} domain {{ id }} ownerTeam {{ id }} replacedBy {{ id }}
      downstream(first: {NEIGHBOURS}) {{ nodes {{ {_NEIGHBOUR} }} {_PAGE_INFO} }}
      ... on {entry.kind.name} {{ {_own_fields(entry)} }}
    }}
    {_PAGE_INFO}
  }}
}}"""


def _listing_document(entry: KindEntry) -> str:
    nodes = f"nodes {{ id name {_PROPERTIES} {_own_fields(entry)} }}"
    return f"""query Export{entry.kind.name}($after: Cursor) {{
  {entry.export.listing}(first: {_page_size(entry, MAX_PAGE_SIZE)}, after: $after) {{ {nodes} {_PAGE_INFO} }}
}}"""


def _page_size(entry: KindEntry, without_lists: int) -> int:
    return WITH_LISTS if _connections(entry) else without_lists


def _connections(entry: KindEntry) -> tuple[str, ...]:
    return (*entry.export.links, *entry.export.self_links, *entry.export.members)


def _own_fields(entry: KindEntry) -> str:
    """Return the selection of the kind's own fields; a connection is read in one page, as ids."""
    connections = (f"{name}(first: {MAX_PAGE_SIZE}) {{ nodes {{ id }} {_PAGE_INFO} }}" for name in _connections(entry))
    return " ".join((entry.export.fields, *connections))
