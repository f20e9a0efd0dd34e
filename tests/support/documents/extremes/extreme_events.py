"""Events of OpenLineage and thin events with one extreme value: each member, each facet, and each member of a facet."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from support.documents.extremes.extreme_values import EDGES, INSTANTS, LENGTHS, NUMBERS, Extreme, texts

RUN_ID: Final = "11111111-1111-4111-8111-111111111111"
_DATASET: Final = {"namespace": "postgres://db:5432", "name": "daily"}
_COLUMN: Final = {**_DATASET, "field": "id", "transformations": [{"type": "DIRECT", "subtype": "IDENTITY"}]}

DATASET_FACETS: Final[dict[str, Any]] = {
    "schema": {"fields": [{"name": "id", "type": "int", "description": "x", "fields": [{"name": "deep"}]}]},
    "columnLineage": {"fields": {"id": {"inputFields": [_COLUMN]}}, "dataset": [_COLUMN]},
    "documentation": {"description": "x"},
    "dataSource": {"name": "db", "uri": "postgres://user:secret@db:5432/x?password=y"},
    "storage": {"storageLayer": "delta", "fileFormat": "parquet"},
    "datasetType": {"datasetType": "VIEW", "subType": "x"},
    "version": {"datasetVersion": "1"},
    "ownership": {"owners": [{"name": "team:ranking", "type": "OWNER"}]},
    "tags": {"tags": [{"key": "pii", "value": "true", "source": "x", "field": "id"}]},
    "lifecycleStateChange": {"lifecycleStateChange": "RENAME", "previousIdentifier": _DATASET | {"name": "old"}},
    "symlinks": {"identifiers": [{**_DATASET, "name": "other", "type": "TABLE"}]},
    "dataQualityAssertions": {"assertions": [{"assertion": "not_null", "success": True, "column": "id"}]},
    "dataQualityMetrics": {"rowCount": 1, "bytes": 1, "columnMetrics": {"id": {"nullCount": 0}}},
    "lineage": {"inputs": [{**_DATASET, "name": "source", "type": "DATASET"}], "fields": {"id": {"inputs": [_COLUMN]}}},
    "unknown": {"_producer": "x", "member": "x"},
}
RUN_FACETS: Final[dict[str, Any]] = {
    "nominalTime": {"nominalStartTime": "2026-11-24T09:00:00Z", "nominalEndTime": "2026-11-24T10:00:00Z"},
    "errorMessage": {"message": "x", "programmingLanguage": "python", "stackTrace": "x"},
    "processing_engine": {"name": "spark", "version": "3.5", "openlineageAdapterVersion": "1.0"},
    "externalQuery": {"externalQueryId": "1", "source": "bigquery"},
    "environmentVariables": {"environmentVariables": [{"name": "A", "value": "b"}]},
    "extractionError": {"failedTasks": 1, "totalTasks": 2, "errors": [{"errorMessage": "x"}]},
    "parent": {
        "run": {"runId": "22222222-2222-4222-8222-222222222222"},
        "job": {"namespace": "jobs", "name": "parent"},
        "root": {"run": {"runId": "33333333-3333-4333-8333-333333333333"}, "job": {"namespace": "jobs", "name": "r"}},
    },
    "tags": {"tags": [{"key": "a", "value": "b"}]},
    "unknown": {"member": "x"},
}
JOB_FACETS: Final[dict[str, Any]] = {
    "documentation": {"description": "x"},
    "jobType": {"integration": "SPARK", "jobType": "TASK", "processingType": "BATCH"},
    "sourceCodeLocation": {"type": "git", "url": "https://example.com/x", "path": "a.py", "version": "1", "tag": "x"},
    "sourceCode": {"language": "python", "sourceCode": "x"},
    "sql": {"query": "select 1", "dialect": "x"},
    "ownership": {"owners": [{"name": "team:ranking"}]},
    "tags": {"tags": [{"key": "a", "value": "b"}]},
    "lineage": {"entries": [{"type": "JOB", "inputs": [{**_DATASET, "type": "DATASET"}]}]},
    "unknown": {"member": "x"},
}
THIN: Final = {"source": "mlflow-prod", "type": "model_version", "id": "fraud/7"}

Steps = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class ExtremeEvent:
    """An event whose member at a place is extreme, and the path that it is posted to."""

    path: str
    place: str
    value: str
    event: Any


def plain_event() -> dict[str, Any]:
    """Return a valid event with every member and every facet that is mapped."""
    dataset = {**_DATASET, "facets": deepcopy(DATASET_FACETS)}
    return {
        "eventTime": "2026-11-24T09:00:00Z",
        "eventType": "COMPLETE",
        "producer": "https://example.com",
        "schemaURL": "https://example.com",
        "run": {"runId": RUN_ID, "facets": deepcopy(RUN_FACETS)},
        "job": {"namespace": "jobs", "name": "nightly", "facets": deepcopy(JOB_FACETS)},
        "inputs": [{**_DATASET, "name": "input", "inputFacets": {"dataQualityMetrics": {"rowCount": 1}}}],
        "outputs": [dataset],
    }


def extreme_events(lengths: tuple[int, ...] = LENGTHS) -> Iterator[ExtremeEvent]:
    """Yield an event for each member and each extreme value of it."""
    plain = plain_event()
    for steps, given in _members(plain):
        name = ".".join(map(str, steps))
        for extreme in _values(given, lengths):
            yield ExtremeEvent("/api/v1/lineage", name, extreme.name, _with(plain, steps, extreme.value))
    for name in THIN:
        for extreme in texts(lengths):
            yield ExtremeEvent("/ingest/events", name, extreme.name, {**THIN, name: extreme.value})


def _members(value: Any, steps: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    """Yield each value inside a JSON value with the steps to it."""
    if steps:
        yield steps, value
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _members(each, (*steps, key))


def _values(given: Any, lengths: tuple[int, ...]) -> Iterator[Extreme]:
    """Yield values in the place of a given one: of its own type, and of others."""
    of_other_types: dict[str, Any] = {"null": None, "true": True, "an empty list": [], "an empty object": {}}
    yield from (Extreme(name, value) for name, value in of_other_types.items())
    if isinstance(given, str):
        yield from texts(lengths)
        yield Extreme("a text of 3 MB", "\x7f" * 1_500_000)
        yield from (Extreme(name, text) for name, text in INSTANTS.items())
    elif isinstance(given, list):
        for number in (9_000, 30_000):
            yield Extreme(f"{number} numbers", [1] * number)
        yield Extreme("900 equal", given * 900)
        yield Extreme("900 different", [_renamed(given[0], number) for number in range(900)])
        yield Extreme("2500 different", [_renamed(given[0], number) for number in range(2_500)])
    elif isinstance(given, dict):
        first = next(iter(given.values()), 1)
        for number in (400, 9_000, 30_000):
            yield Extreme(f"{number} members", {f"n{each}": 1 for each in range(number)})
        yield Extreme("400 equal members", {f"n{each}": first for each in range(400)})
        yield Extreme("long names", {f"{each}{'n' * 5_000}": first for each in range(100)})
        nested: Any = 1
        for level in range(55):
            nested = {f"n{level}": nested}
        yield Extreme("55 levels", nested)
    else:
        yield from (Extreme(name, value) for name, value in NUMBERS.items())
        yield Extreme("a text", EDGES["NaN"])


def _renamed(value: Any, number: int) -> Any:
    """Return a JSON value whose texts differ by a number."""
    if isinstance(value, dict):
        return {key: _renamed(each, number) for key, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each, number) for each in value]
    return f"{value}{number}" if isinstance(value, str) and value not in {"DATASET", "JOB", "TABLE"} else value


def _with(value: Any, steps: Steps, given: Any) -> Any:
    """Return a copy of a JSON value with another value at the end of the steps."""
    if not steps:
        return given
    step, *rest = steps
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[step] = _with(value[step], tuple(rest), given)
    return copy
