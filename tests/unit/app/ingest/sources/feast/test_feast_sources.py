"""Names of the data behind sources, by the naming rules of OpenLineage, and the event about it."""

from typing import Any

import pytest

from app.ingest.sources.feast.feast_sources import SOURCE_RULES, place_of, source_event
from app.ingest.sources.openlineage.facet_table import DATASET

OWN = ("feast://shop", "s")


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ({"type": "BATCH_FILE", "fileOptions": {"uri": "s3://lake/a/b.parquet"}}, ("s3://lake", "a/b.parquet")),
        ({"type": "BATCH_FILE", "fileOptions": {"uri": "data/b.parquet"}}, ("file", "data/b.parquet")),
        ({"type": "BATCH_FILE"}, OWN),
        ({"type": "BATCH_BIGQUERY", "bigqueryOptions": {"table": "p.d.t"}}, ("bigquery", "p.d.t")),
        ({"type": "BATCH_BIGQUERY", "bigqueryOptions": {"query": "select 1"}}, OWN),
        (
            {"type": "BATCH_SNOWFLAKE", "snowflakeOptions": {"database": "D", "schema": "S", "table": "T"}},
            ("pg://w", "D.S.T"),
        ),
        ({"type": "BATCH_REDSHIFT", "redshiftOptions": {"schema": "s", "table": "t"}}, ("pg://w", "s.t")),
        ({"type": "BATCH_TRINO", "trinoOptions": {"table": "c.s.t"}}, ("pg://w", "c.s.t")),
        ({"type": "BATCH_SPARK", "sparkOptions": {"query": "select 1"}}, OWN),
        (
            {"type": "STREAM_KAFKA", "kafkaOptions": {"kafkaBootstrapServers": "a:1,b:1", "topic": "t"}},
            ("kafka://a:1", "t"),
        ),
        ({"type": "STREAM_KAFKA", "kafkaOptions": {"topic": "t"}}, OWN),
        ({"type": "PUSH_SOURCE"}, OWN),
        ({}, OWN),
    ],
)
def test_data_is_named_where_it_is(source: dict[str, Any], place: tuple[str, str]) -> None:
    """A query, a source without an address, and a source of another type are data of the project itself."""
    assert place_of({"name": "s", **source}, "shop", "pg://w") == place


def test_a_table_without_a_namespace_is_data_of_the_project() -> None:
    """The registry does not say where the warehouse is."""
    source = {"name": "s", "type": "BATCH_SNOWFLAKE", "snowflakeOptions": {"database": "D", "table": "T"}}
    assert place_of(source, "shop", None) == OWN


def test_every_type_has_one_rule() -> None:
    """The first rule of a type would hide another one."""
    assert len({rule.type for rule in SOURCE_RULES}) == len(SOURCE_RULES)


def test_an_event_has_the_values_of_the_source() -> None:
    """Description, owner, tags, and the name in Feast; the instant is that of the last change."""
    source = {
        "name": "s",
        "type": "BATCH_FILE",
        "description": "Text.",
        "owner": "ranking",
        "tags": {"layer": "marts", "gold": ""},
        "timestampField": "at",
        "meta": {"lastUpdatedTimestamp": "2026-11-27T05:00:00Z"},
    }
    event = source_event(source, ("file", "x"), with_owners=True)
    assert (event["eventTime"], event["dataset"]["name"]) == ("2026-11-27T05:00:00Z", "x")
    facets = event["dataset"]["facets"]
    assert facets == {
        "documentation": {"description": "Text."},
        "tags": {"tags": [{"key": "layer", "value": "marts"}, {"key": "gold", "value": "true"}]},
        "ownership": {"owners": [{"name": "ranking"}]},
        "feast": {"name": "s", "type": "BATCH_FILE", "timestampField": "at"},
    }
    assert set(facets) - {rule.name for rule in DATASET} == {"feast"}
    assert "ownership" not in source_event(source, ("file", "x"), with_owners=False)["dataset"]["facets"]


def test_a_source_without_values_has_its_name_alone() -> None:
    """Nothing is said of what Feast does not know."""
    event = source_event({"name": "s"}, OWN, with_owners=True)
    assert event["eventTime"] == "1970-01-01T00:00:00Z"
    assert event["dataset"]["facets"] == {"feast": {"name": "s"}}
