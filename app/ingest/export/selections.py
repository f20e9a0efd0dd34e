"""The GraphQL documents of the export, made from the register of kinds; they select the fields of ``AssetInput``."""

from collections.abc import Iterator
from typing import Final

from graphql_schema.catalog.relations import VERSION_OF
from graphql_schema.inputs.input_fields import EDGE, REFERS, AssetFields, CatalogFields, EdgeField
from graphql_schema.inputs.kind_entry import Export, KindEntry
from graphql_schema.inputs.values import InputField, fields_of
from graphql_schema.ports.relation_query import MAX_PAGE_SIZE

ASSETS: Final = 50
NEIGHBOURS: Final = 50
LISTED: Final = 50
"""Page sizes: assets of a page, and for each asset in that page its neighbours and the ids of each list.

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
    return f"""query Export{entry.kind.name}($after: Cursor, $first: Int = {ASSETS}) {{
  {_listing(entry)} {{
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
    return f"""query Export{entry.kind.name}($after: Cursor, $first: Int = {MAX_PAGE_SIZE}) {{
  {_listing(entry)} {{ {nodes} {_PAGE_INFO} }}
}}"""


def ids_document(entry: KindEntry) -> str:
    """Return the query for the ids of the same page as that of :func:`page_document`, each with its cursor."""
    first = ASSETS if entry.kind.asset else MAX_PAGE_SIZE
    return f"""query Export{entry.kind.name}Ids($after: Cursor, $first: Int = {first}) {{
  {_listing(entry)} {{ edges {{ cursor node {{ id }} }} {_PAGE_INFO} }}
}}"""


def _listing(entry: KindEntry) -> str:
    """Return the field that lists a kind, with its arguments, so that cursors are valid in each document."""
    if entry.kind.asset:
        return (
            f"assets(filter: {{ kinds: [{entry.kind.code}] }}, orderBy: {{ field: ID }}, first: $first, after: $after)"
        )
    return f"{entry.export.listing}(first: $first, after: $after)"


def connections(export: Export) -> tuple[str, ...]:
    """Return the names of the connections of a kind that are read as ids."""
    return (*export.links, *export.self_links, *export.members)


def connection_document(entry: KindEntry, name: str) -> str:
    """Return the query for one page of a connection of ids, of the node with the id ``$id``."""
    kind = entry.kind.name
    return f"""query Export{kind}{name[0].upper()}{name[1:]}($id: ID!, $after: Cursor) {{
  node(id: $id) {{ ... on {kind} {{ {_ids(name, MAX_PAGE_SIZE, ", after: $after")} }} }}
}}"""


def _own_fields(entry: KindEntry) -> str:
    """Return the selection of the kind's own fields, with the first page of each connection of ids."""
    return " ".join((*_values(entry), *(_ids(name, LISTED) for name in connections(entry.export))))


def _ids(name: str, first: int, after: str = "") -> str:
    return f"{name}(first: {first}{after}) {{ nodes {{ id }} {_PAGE_INFO} }}"


def _values(entry: KindEntry) -> Iterator[str]:
    """Yield the selection of each own field of the input that the type has; fields of edges by `_is_exported_id`."""
    common = {each.name for each in fields_of(AssetFields if entry.kind.asset else CatalogFields)}
    shown = {each.name for each in fields_of(entry.node)} - common
    for field in fields_of(entry.input):
        edge: EdgeField | None = field.metadata.get(EDGE)
        if field.name in shown and (edge is None or _is_exported_id(field, edge)):
            yield _selected(field)


def _is_exported_id(field: InputField, edge: EdgeField) -> bool:
    """Return whether the item of an asset names the far end of an edge in this field.

    This is a field of one id whose edge is required or no lineage edge. The id of a version names its parent already.
    """
    relation = edge.hop.relation
    return not field.many and relation is not VERSION_OF and (edge.required or not relation.lineage)


def _selected(field: InputField) -> str:
    """Return the selection of a field: an id as an object with that id, and a nested input with all its fields."""
    if EDGE in field.metadata or REFERS in field.metadata:
        return f"{field.name} {{ id }}"
    if field.nested is None:
        return field.name
    return f"{field.name} {{ {' '.join(map(_selected, fields_of(field.nested)))} }}"
