"""The schema of the store: a change of the mixed index raises its version."""

import orjson

from app.graph.admin.schema_steps import FIRST_VERSION, STEPS, VERSION
from app.graph.admin.store_schema import store_schema

KEYS_BY_VERSION = (
    "codePaths dataPaths",
    "riskTier cost pairs lastUsedAt",
    "confirmedSensitivity",
    "titles words prose begins usedAt servedAt",
    "subject subjectKind actor action state",
    (
        "tenant urn kind source namespace name ownerTeam owners tags domain stage visibility sensitivity hydration "
        "createdAt updatedAt deletedAt"
    ),
)
"""The keys of the mixed index that each version of the schema added, newest first, written by hand."""


def test_another_key_of_the_index_needs_another_version() -> None:
    """JanusGraph ignores a key that is added to an existing index, so a step must add it to existing data."""
    (index,) = orjson.loads(store_schema().init_json)["mixedIndexes"]
    keys, expected = {key["propertyKey"] for key in index["keys"]}, {*" ".join(KEYS_BY_VERSION).split()}
    assert (VERSION, keys) == (len(KEYS_BY_VERSION), expected), (
        f"The index of version {VERSION} has the keys {keys - expected} and lacks {expected - keys}, compared with the "
        f"{len(KEYS_BY_VERSION)} versions here. A new key needs a line in NATIVE_PROPERTIES of "
        "graphql_schema/catalog/properties.py, a step in STEPS of app/graph/admin/schema_steps.py, and a line in "
        "KEYS_BY_VERSION of tests/unit/app/graph/admin/test_store_schema.py."
    )
    added = [{*step.indexed} for step in STEPS]
    assert added == [{*keys.split()} for keys in KEYS_BY_VERSION[: VERSION - FIRST_VERSION]], (
        "The steps of app/graph/admin/schema_steps.py add other keys than the lines here, newest first."
    )
