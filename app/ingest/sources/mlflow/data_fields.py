"""How the fields of a data set are mapped: each digest of its content is a version of the dataset of its name."""

from collections.abc import Mapping

import orjson

from app.ingest.sources.mlflow.asset_draft import AssetDraft
from app.ingest.sources.mlflow.registry_names import RegistryNames, location_of, place_of
from app.ingest.sources.mlflow.registry_records import DatasetUse
from graphql_schema.ports.record import JsonObject, Record


def dataset_name(record: DatasetUse, draft: AssetDraft, names: RegistryNames) -> None:
    """Set the id of the version and that of its dataset; keep name and digest as the property `mlflow.id`."""
    draft.set(id=names.dataset_version(record.name, record.digest), dataset=names.dataset(record.name))
    draft.keep("id", f"{record.name}@{record.digest}")


def dataset_digest(record: DatasetUse, draft: AssetDraft, _names: RegistryNames) -> None:
    """Set the digest of the content."""
    draft.set(contentDigest=record.digest)


def dataset_source(record: DatasetUse, draft: AssetDraft, _names: RegistryNames) -> None:
    """Set the location, and `derivedFrom` to the dataset at that place if it is in an object store."""
    place = place_of(record.source)
    draft.set(location=location_of(record.source), derivedFrom=[place] if place else None)


def dataset_source_type(record: DatasetUse, draft: AssetDraft, _names: RegistryNames) -> None:
    """Keep the type of the source."""
    draft.keep("sourceType", record.source_type)


def dataset_schema(record: DatasetUse, draft: AssetDraft, names: RegistryNames) -> None:
    """Add an item of the dataset with its columns; keep a schema without columns as a property."""
    columns = columns_of(record.schema)
    if columns:
        draft.parts.append({"dataset": {"id": names.dataset(record.name), "columns": columns}})
    else:
        draft.keep("schema", record.schema)


def dataset_profile(record: DatasetUse, draft: AssetDraft, _names: RegistryNames) -> None:
    """Set the number of rows, if the profile has it."""
    rows = _object(record.profile).get("num_rows")
    draft.set(rowCount=rows if isinstance(rows, int) and not isinstance(rows, bool) else None)


def columns_of(schema: str) -> list[JsonObject]:
    """Return the columns in a schema of MLflow, each name once; none for tensors and other schemas."""
    specs = _object(schema).get("mlflow_colspec")
    found: dict[str, JsonObject] = {}
    for each in specs if isinstance(specs, list) else []:
        name = each.get("name") if isinstance(each, Mapping) else None
        if isinstance(name, str) and name:
            kind, required = each.get("type"), each.get("required")
            found[name] = {
                "name": name,
                **({"dataType": kind if isinstance(kind, str) else orjson.dumps(kind).decode()} if kind else {}),
                **({"nullable": not required} if isinstance(required, bool) else {}),
            }
    return list(found.values())


def _object(text: str) -> Record:
    """Return the JSON object in a text, an empty one for any other text."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
