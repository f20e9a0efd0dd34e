"""The JanusGraph schema, generated from the catalog: labels, property keys and indexes.

There is one mixed index over vertices, and one vertex-centric index for each relation that is paged by time. The
document has the form of JanusGraph's JSON schema initialisation.

Within one VERSION, the schema may gain labels, property keys, composite indexes, and relations that are not paged by
time. The schema stamp (:mod:`app.store.schema_stamp`) refuses every other change. A new key in the mixed index needs a
step to a new VERSION (:mod:`app.graph.admin.schema_steps`). JanusGraph silently ignores a key that is added to an
existing mixed index (docs/design/janusgraph.md).
"""

import orjson

from app.graph.admin.schema_steps import SchemaPath
from app.graph.records.inferred_edge import LABEL
from app.graph.records.native.mixed_index import BACKEND, INDEX
from app.store.schema_stamp import StoreSchema
from graphql_schema.catalog.kinds import ALL_KINDS
from graphql_schema.catalog.properties import NATIVE_EDGE_PROPERTIES, NATIVE_PROPERTIES, NativeProperty
from graphql_schema.catalog.relations import RELATIONS
from graphql_schema.ports.record import JsonObject

OUTBOX_PROPERTIES = (
    NativeProperty("note", index=False),
    NativeProperty("covered", index=False),
    NativeProperty("frontier", index=False, many=True),
)
"""Property keys of the vertices that store outbox entries (:mod:`app.graph.commits.outbox`)."""

SEQUENCE = "sequence"
"""Property key of the number of the last transaction (:mod:`app.graph.commits.write_log`).

JanusGraph locks it, so that of two transactions in two JVMs with one number only one is committed.
"""

_VERTEX = "org.apache.tinkerpop.gremlin.structure.Vertex"


def store_schema() -> StoreSchema:
    """Return the schema of the store and its version; the store adds the elements of its self-check."""
    path = SchemaPath()
    document = orjson.dumps(_document(), option=orjson.OPT_INDENT_2)
    return StoreSchema(path.version, document, path.upgrades, path.at_start)


def _document() -> JsonObject:
    """Return the schema as the JSON object that JanusGraph reads."""
    keys = {stored.name: stored for stored in (*NATIVE_PROPERTIES, *NATIVE_EDGE_PROPERTIES, *OUTBOX_PROPERTIES)}
    return {
        "vertexLabels": [{"label": name} for name in (*ALL_KINDS, "Pending", "Receipt", "Shelf", "Logged", "Webhook")],
        "edgeLabels": [
            {"label": name, "multiplicity": "SIMPLE"}
            for name in (*RELATIONS, *LABEL.values(), "PENDING", "RECEIPT", "SHELF", "WEBHOOK")
        ],
        "propertyKeys": [
            *(_key(stored) for stored in keys.values()),
            {**_key(NativeProperty(SEQUENCE, java="Long", index=False)), "consistency": "LOCK"},
        ],
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
                "indexBackend": BACKEND,
                "keys": [_indexed(stored) for stored in NATIVE_PROPERTIES if stored.index],
            }
        ],
    }


def _key(stored: NativeProperty) -> dict[str, str]:
    """Return the definition of a property key."""
    cardinality = "SET" if stored.many else "SINGLE"
    return {"key": stored.name, "className": f"java.lang.{stored.java}", "cardinality": cardinality}


def _indexed(stored: NativeProperty) -> JsonObject:
    """Return the entry of a property in the mixed index; a text is indexed by its words, another string as one term."""
    if stored.java != "String":
        return {"propertyKey": stored.name}
    mode = "TEXT" if stored.text else "STRING"
    mapping = {"key": "mapping", "value": f"org.janusgraph.core.schema.Mapping.{mode}", "parser": "enum"}
    return {"propertyKey": stored.name, "parameters": [mapping]}
