"""Data sets: columns, rows and places, from the texts that MLflow keeps."""

from typing import Any

import orjson
import pytest

from app.ingest.sources.mlflow.data_fields import columns_of
from app.ingest.sources.mlflow.mapping import RegistryMapping
from app.ingest.sources.mlflow.registry_records import DatasetUse


def items(**fields: str) -> list[Any]:
    """Return the items of a data set with some fields."""
    return RegistryMapping(owner="mlg://team/catalog/default/a").dataset_items(DatasetUse("d", "1", **fields))


def test_a_data_set_becomes_a_dataset_with_a_version() -> None:
    """Columns are those of the dataset, digest, place and rows those of the version; the dataset has the owner."""
    schema = '{"mlflow_colspec": [{"name": "id", "type": "long", "required": true}]}'
    source = '{"uri": "s3://lake/d"}'
    dataset, version = items(
        schema=schema, source=source, source_type="s3", profile='{"num_rows": 7, "num_elements": 9}'
    )
    assert dataset["dataset"] == {
        "id": "mlg://dataset/mlflow/default/d",
        "columns": [{"name": "id", "dataType": "long", "nullable": False}],
        "owners": [{"owner": "mlg://team/catalog/default/a"}],
    }
    assert version["datasetVersion"] == {
        "id": "mlg://dataset-version/mlflow/default/d@1",
        "dataset": "mlg://dataset/mlflow/default/d",
        "contentDigest": "1",
        "location": "s3://lake/d",
        "derivedFrom": ["mlg://dataset/s3/lake/d"],
        "rowCount": 7,
        "properties": [{"key": "mlflow.id", "value": "d@1"}, {"key": "mlflow.sourceType", "value": "s3"}],
    }


@pytest.mark.parametrize("profile", ["", "[]", '{"num_rows": true}', '{"num_rows": "7"}', "{"])
def test_a_profile_without_a_number_has_no_rows(profile: str) -> None:
    """Only a whole number is a number of rows."""
    assert "rowCount" not in items(profile=profile)[-1]["datasetVersion"]


def test_the_schema_of_tensors_is_a_property() -> None:
    """A schema without columns is kept as text, and gives the dataset none."""
    dataset, version = items(schema='{"mlflow_tensorspec": {}}')
    assert "columns" not in dataset["dataset"]
    assert {"key": "mlflow.schema", "value": '{"mlflow_tensorspec": {}}'} in version["datasetVersion"]["properties"]


def test_columns_are_distinct_and_named() -> None:
    """A column twice counts once, one without a name is left out, and a nested type is kept as JSON."""
    specs: list[Any] = [{"name": "a", "type": {"type": "array"}}, {"name": "a", "type": "string"}, {"type": "long"}, 3]
    assert columns_of(orjson.dumps({"mlflow_colspec": specs}).decode()) == [{"name": "a", "dataType": "string"}]
    assert columns_of('{"mlflow_colspec": [{"name": "n", "type": {"type": "array"}}]}') == [
        {"name": "n", "dataType": '{"type":"array"}'}
    ]
    assert columns_of('{"mlflow_colspec": 1}') == []
