"""JanusGraph's schema, generated from the catalog: labels, keys, one mixed index and the indexes of by-time relations.

The form is that of JanusGraph's JSON schema initialisation. Adding labels, keys or relations keeps the version; a key
more in the mixed index needs a new version, because JanusGraph ignores it silently on an existing index
(docs/design/janusgraph.md, section 2).
"""

from typing import Any

import orjson

from app.graph.records.inferred_edge import LABEL
from app.store.schema_stamp import StoreSchema
from graphql_schema.catalog.kinds import ALL_KINDS
from graphql_schema.catalog.properties import NATIVE_EDGE_PROPERTIES, NATIVE_PROPERTIES, NativeProperty
from graphql_schema.catalog.relations import RELATIONS

VERSION = 3
"""Raised with every change of the mixed index."""

INDEX = "nodes"
"""The mixed index over all vertices."""

NOTES = (
    NativeProperty("note", index=False),
    NativeProperty("covered", index=False),
    NativeProperty("frontier", index=False, many=True),
)
"""What :mod:`app.graph.commits.outbox` keeps on vertices and edges of its own."""

_VERTEX = "org.apache.tinkerpop.gremlin.structure.Vertex"


def store_schema() -> StoreSchema:
    """The whole schema of the store."""
    return StoreSchema(VERSION, orjson.dumps(_document(), option=orjson.OPT_INDENT_2))


def _document() -> dict[str, Any]:
    keys = {stored.name: stored for stored in (*NATIVE_PROPERTIES, *NATIVE_EDGE_PROPERTIES, *NOTES)}
    return {
        "vertexLabels": [{"label": name} for name in (*ALL_KINDS, "Pending", "Receipt", "Shelf")],
        "edgeLabels": [
            {"label": name, "multiplicity": "SIMPLE"}
            for name in (*RELATIONS, *LABEL.values(), "PENDING", "RECEIPT", "SHELF")
        ],
        "propertyKeys": [_key(stored) for stored in keys.values()],
        "compositeIndexes": [],
        "vertexCentricEdgeIndexes": [
            {
                "name": f"{relation.name}_by_time",
                "indexedEdgeLabel": relation.name,
                "direction": "IN",
                "propertyKeys": ["at"],
                "order": "desc",
            }
            for relation in RELATIONS.values()
            if relation.by_time
        ],
        "mixedIndexes": [
            {
                "name": INDEX,
                "typeClass": _VERTEX,
                "indexBackend": "search",
                "keys": [_indexed(stored) for stored in NATIVE_PROPERTIES if stored.index],
            }
        ],
    }


def _key(stored: NativeProperty) -> dict[str, str]:
    cardinality = "SET" if stored.many else "SINGLE"
    return {"key": stored.name, "className": f"java.lang.{stored.java}", "cardinality": cardinality}


def _indexed(stored: NativeProperty) -> dict[str, Any]:
    if stored.java != "String":
        return {"propertyKey": stored.name}
    how = "TEXT" if stored.text else "STRING"
    mapping = {"key": "mapping", "value": f"org.janusgraph.core.schema.Mapping.{how}", "parser": "enum"}
    return {"propertyKey": stored.name, "parameters": [mapping]}
