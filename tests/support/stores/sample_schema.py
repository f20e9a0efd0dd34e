"""A small store schema for tests of the store itself, with one element of every type in the catalog's schema."""

import orjson

from app.store.schema_stamp import StoreSchema

VERTEX = "org.apache.tinkerpop.gremlin.structure.Vertex"
TEXT_STRING = {"key": "mapping", "value": "org.janusgraph.core.schema.Mapping.TEXTSTRING", "parser": "enum"}


def sample_document() -> dict[str, list[dict[str, object]]]:
    """Return the document, fresh, so that a test may change it."""
    return {
        "vertexLabels": [{"label": "Model"}],
        "edgeLabels": [{"label": "FEEDS", "multiplicity": "SIMPLE"}],
        "propertyKeys": [
            {"key": "urn", "className": "java.lang.String", "cardinality": "SINGLE"},
            {"key": "name", "className": "java.lang.String", "cardinality": "SINGLE"},
        ],
        "compositeIndexes": [{"name": "byUrn", "typeClass": VERTEX, "keys": [{"propertyKey": "urn"}]}],
        "mixedIndexes": [
            {
                "name": "assets",
                "typeClass": VERTEX,
                "indexBackend": "search",
                "keys": [{"propertyKey": "name", "parameters": [TEXT_STRING]}],
            }
        ],
    }


def sample_schema(version: int = 1) -> StoreSchema:
    """Return the sample as a StoreSchema."""
    return StoreSchema(version, orjson.dumps(sample_document()))


SAMPLE_STAMP = {"version": 5, "digest": sample_schema().digest, "schema": sample_document()}
"""The stamp of the sample, of version 5, as a manifest of a backup has it."""
