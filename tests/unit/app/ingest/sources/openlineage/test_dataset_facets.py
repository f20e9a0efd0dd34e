"""Facets of datasets: each becomes the values, edges and checks that the table promises."""

from typing import Any

import pytest
from support.documents.lineage_events import mapped

from app.ingest.sources.openlineage.event_names import EventNames, Match
from graphql_schema.ports.commands import ObserveCommand, ReportCheckCommand

OUTPUT = "mlg://dataset/postgres/db%3A5432/daily"


def values(**facets: Any) -> dict[str, Any]:
    """Return the values of the dataset by field, and its properties by key."""
    command = mapped(dataset=facets).commands[0]
    assert isinstance(command, ObserveCommand)
    assert command.urn == OUTPUT
    properties = {each.value["key"]: each.value["value"] for each in command.values if each.field == "properties"}
    return {**{each.field: each.value for each in command.values if each.field != "properties"}, **properties}


def checks(**facets: Any) -> dict[str, tuple[str, str, Any]]:
    """Return kind, status and value of each check by its name."""
    found = [each for each in mapped(dataset=facets).commands if isinstance(each, ReportCheckCommand)]
    return {each.check: (each.check_kind, each.status, each.values["value"]) for each in found}


def test_a_schema_becomes_columns() -> None:
    """Columns are in order, nested ones have a path, a repeated or nameless one is left out."""
    fields = [
        {"name": "id", "type": "INT", "description": "Key."},
        {"name": "address", "fields": [{"name": "city", "type": "TEXT", "fields": []}]},
        {"name": "id", "type": "TEXT"},
        {"type": "INT"},
        7,
    ]
    assert values(schema={"fields": fields})["columns"] == [
        {"name": "id", "dataType": "INT", "description": "Key."},
        {"name": "address"},
        {"name": "address.city", "dataType": "TEXT"},
    ]
    assert [each.facet for each in mapped(dataset={"schema": {"fields": fields}}).ignored] == [
        "output.schema.fields.3",
        "output.schema.fields.4",
    ]


def test_names_of_nested_columns_do_not_multiply() -> None:
    """Each of 4,900 columns below nine long names would repeat them: 176 MB. The facet is left out before that."""
    made = 0

    class Named(dict[str, str]):
        """A column that counts how often its name is read."""

        def get(self, key: str, default: Any = None) -> Any:
            nonlocal made
            made += key == "name"
            return super().get(key, default)

    fields: list[Any] = [Named(name="c") for _ in range(4_900)]
    for _ in range(9):
        fields = [{"name": "n" * 4_000, "fields": fields}]
    found = mapped(dataset={"schema": {"fields": fields}})
    assert [each.reason for each in found.ignored] == [
        "the texts of the columns are longer than 40960 characters together"
    ]
    assert made < 10


def test_column_lineage_becomes_sources() -> None:
    """Sources are by column, each once, with the transformations in words; a malformed one is left out."""
    source = {"namespace": "pg://x", "name": "t", "field": "a"}
    direct = {**source, "transformations": [{"type": "DIRECT", "subtype": "IDENTITY"}]}
    joined = {**source, "transformations": [{"type": "INDIRECT", "subtype": "JOIN", "description": "ON a=b"}]}
    malformed = [{"name": "t"}, {**source, "name": 5}, {**source, "namespace": f"pg://{'n' * 1_000}"}]
    facet = {
        "fields": {"c": {"inputFields": [direct, joined, *malformed]}, "d": {"inputFields": []}},
        "dataset": [1],
    }
    found = mapped(dataset={"columnLineage": facet})
    assert values(columnLineage=facet)["columns"] == {
        "c": [
            {
                "dataset": "mlg://dataset/pg/x/t",
                "column": "a",
                "transformation": "DIRECT/IDENTITY; INDIRECT/JOIN: ON a=b",
            }
        ]
    }
    assert [each.facet for each in found.ignored] == [
        *(f"output.columnLineage.fields.c.inputFields.{number}" for number in (2, 3, 4)),
        "output.columnLineage.dataset",
    ]


def test_sources_are_made_until_they_are_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """2,400 sources with long names took a quarter of a second, and were refused when all were made."""
    made = list[str]()
    dataset = EventNames.dataset

    def counted(names: EventNames, namespace: str, name: str) -> Match:
        made.append(name)
        return dataset(names, namespace, name)

    monkeypatch.setattr(EventNames, "dataset", counted)
    sources = [{"namespace": "pg://x", "name": f"{number}{'/' * 1_000}", "field": "a"} for number in range(2_400)]
    found = mapped(dataset={"columnLineage": {"fields": {"c": {"inputFields": sources}}}})
    assert [(each.facet, each.reason) for each in found.ignored] == [
        ("output.columnLineage", "the sources of columns are longer than 16384 characters together")
    ]
    assert len(made) < 40


def test_repeated_sources_count_once() -> None:
    """A source may be repeated, however long its names are: the columns have it once."""
    source = {"namespace": "pg://x", "name": "t" * 400, "field": "a"}
    columns = values(columnLineage={"fields": {"c": {"inputFields": [source] * 200}}})["columns"]
    assert columns == {"c": [{"dataset": f"mlg://dataset/pg/x/{'t' * 400}", "column": "a"}]}


def test_the_texts_of_columns_are_bounded_while_they_are_read() -> None:
    """Columns are examined until their descriptions are too long; those of a repeated column do not count."""
    read = 0

    class Read(dict[str, str]):
        """A column that counts how often its name is read."""

        def get(self, key: str, default: Any = None) -> Any:
            nonlocal read
            read += key == "name"
            return super().get(key, default)

    fields = [Read(name=f"c{number}", description="d" * 4_000) for number in range(1_000)]
    (ignored,) = mapped(dataset={"schema": {"fields": fields}}).ignored
    assert (ignored.facet, read) == ("output.schema", 11)
    assert values(schema={"fields": [fields[0]] * 1_000})["columns"] == [{"name": "c0", "description": "d" * 4_000}]


def test_descriptive_facets_become_values() -> None:
    """Description, location, format, type and version, each at its place."""
    assert values(
        documentation={"description": "Orders by day."},
        dataSource={"uri": "s3://lake/daily", "name": "lake"},
        storage={"storageLayer": "iceberg", "fileFormat": "parquet"},
        datasetType={"datasetType": "VIEW", "subType": "MATERIALIZED"},
        version={"datasetVersion": "7"},
        symlinks={"identifiers": [{"namespace": "s3://lake", "name": "d", "type": "LOCATION"}, {"name": "x"}]},
        lifecycleStateChange={"lifecycleStateChange": "ALTER"},
        custom={"_producer": "p", "b": 1, "a": [2]},
    ) == {
        "description": "Orders by day.",
        "location": "s3://lake/daily",
        "format": "parquet",
        "openlineage.dataSource": "lake",
        "openlineage.storageLayer": "iceberg",
        "openlineage.datasetType": "VIEW/MATERIALIZED",
        "openlineage.version": "7",
        "openlineage.symlinks": "mlg://dataset/s3/lake/d",
        "openlineage.lifecycle": "ALTER",
        "openlineage.custom": '{"a":[2],"b":1}',
    }


def test_a_data_source_is_stored_without_credentials() -> None:
    """Neither the location nor the property has the user, the password or a parameter."""
    given = "jdbc:postgresql://u:secret@db:5432/shop?password=secret"
    shown = "jdbc:postgresql://db:5432/shop"
    assert values(dataSource={"uri": given, "name": given}) == {"location": shown, "openlineage.dataSource": shown}


def test_a_drop_and_a_rename_are_commands_of_their_own() -> None:
    """DROP retires the dataset by a command of its own; RENAME links the earlier one."""
    *_, dropped = mapped(dataset={"lifecycleStateChange": {"lifecycleStateChange": "DROP"}}).commands
    assert isinstance(dropped, ObserveCommand)
    assert [(each.field, each.value) for each in dropped.values] == [("stage", "RETIRED")]
    previous = {"namespace": "file", "name": "old"}
    renamed = {"lifecycleStateChange": "RENAME", "previousIdentifier": previous}
    command = mapped(dataset={"lifecycleStateChange": renamed}).commands[0]
    assert isinstance(command, ObserveCommand)
    assert [[*each.targets] for each in command.edges] == [["mlg://dataset/openlineage/file/old"]]


def test_assertions_become_checks() -> None:
    """A check for each assertion and column; a failure counts, and a malformed one is left out."""
    assertions = [
        {"assertion": "not_null", "column": "id", "success": True},
        {"assertion": "not_null", "column": "id", "success": False},
        {"assertion": "row_count_equal_to", "success": True},
        {"assertion": "unique"},
    ]
    assert checks(dataQualityAssertions={"assertions": assertions}) == {
        "not_null(id)": ("SCHEMA", "FAIL", None),
        "row_count_equal_to": ("VOLUME", "PASS", None),
    }


def test_amounts_become_checks_with_a_value() -> None:
    """Rows, bytes and files, and counts of columns, also of statistics; more than a hundred results are refused."""
    metrics = {"rowCount": 10, "bytes": 20, "columnMetrics": {"id": {"nullCount": 0, "sum": 5}}}
    assert checks(dataQualityMetrics=metrics) == {
        "rows": ("VOLUME", "PASS", 10.0),
        "bytes": ("VOLUME", "PASS", 20.0),
        "nullCount(id)": ("SCHEMA", "PASS", 0.0),
    }
    assert checks(outputStatistics={"rowCount": 1, "size": 2, "fileCount": 3}) == {
        "rows written": ("VOLUME", "PASS", 1.0),
        "bytes written": ("VOLUME", "PASS", 2.0),
        "files written": ("VOLUME", "PASS", 3.0),
    }
    assert checks(inputStatistics={"rowCount": 1}) == {"rows read": ("VOLUME", "PASS", 1.0)}
    many = mapped(dataset={"dataQualityMetrics": {"columnMetrics": {f"c{i}": {"count": 1} for i in range(101)}}})
    assert [each.reason for each in many.ignored] == ["an event reports at most 100 check results of a dataset"]
    odd = mapped(dataset={"dataQualityMetrics": {"rowCount": True}})
    assert [(each.facet, each.reason) for each in odd.ignored] == [
        ("output.dataQualityMetrics", "`rowCount` is no number")
    ]
