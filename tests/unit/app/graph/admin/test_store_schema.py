"""The schema of the store: a change of the mixed index raises its version."""

import orjson

from app.graph.admin.store_schema import VERSION, store_schema

VERSION_OF_KEYS = 3
KEYS = (
    "tenant urn kind source namespace name titles words prose ownerTeam owners tags domain stage visibility "
    "sensitivity hydration createdAt updatedAt begins deletedAt usedAt servedAt "
    "subject subjectKind actor action state"
)
"""The keys of the mixed index in that version of the schema, written by hand."""


def test_another_key_of_the_index_needs_another_version() -> None:
    """JanusGraph ignores a key that is added to an existing index, so such data must be refused at the start."""
    (index,) = orjson.loads(store_schema().init_json)["mixedIndexes"]
    keys, expected = {key["propertyKey"] for key in index["keys"]}, {*KEYS.split()}
    assert (VERSION, keys) == (VERSION_OF_KEYS, expected), (
        f"The index of version {VERSION} has the keys {keys - expected} and lacks {expected - keys}, compared with "
        f"version {VERSION_OF_KEYS} here. Add keys to NATIVE_PROPERTIES in graphql_schema/catalog/properties.py, "
        "raise VERSION in app/graph/admin/store_schema.py, and change VERSION_OF_KEYS and KEYS here."
    )
