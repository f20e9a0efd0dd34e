"""The table of facets: how the mappers of long facets pause."""

from inspect import isgeneratorfunction
from typing import Any, Final

import pytest
from support.documents.lineage_events import LATER

from app.ingest.sources.openlineage.event_names import EventNames
from app.ingest.sources.openlineage.facet_table import DATASET, JOB, RUN
from app.ingest.sources.openlineage.lineage_event import checked_event
from app.ingest.sources.openlineage.mapping import map_event

Json = dict[str, Any]

COUNT: Final = 60
"""Number of elements of each long facet."""

SOURCE: Final = {"type": "DATASET", "namespace": "s3://lake", "name": "raw", "field": "a"}

LONG: Final[dict[tuple[str, str], Any]] = {
    ("dataset", "schema"): {"fields": [{"name": "c"}] * COUNT},
    ("dataset", "columnLineage"): {"fields": {"c": {"inputFields": [SOURCE] * COUNT}}},
    ("dataset", "lineage"): {"inputs": [SOURCE] * COUNT},
    ("dataset", "symlinks"): {"identifiers": [{"namespace": "hive://h", "name": "t"}] * COUNT},
    ("dataset", "ownership"): {"owners": [{"name": "crm"}] * COUNT},
    ("dataset", "tags"): {"tags": [{"key": "pii"}] * COUNT},
    ("dataset", "dataQualityAssertions"): {"assertions": [{"assertion": "a", "success": True}] * COUNT},
    ("dataset", "dataQualityMetrics"): {"columnMetrics": {f"c{number}": {} for number in range(COUNT)}},
    ("job", "lineage"): {"entries": [{**SOURCE, "inputs": [SOURCE]}] * COUNT},
    ("job", "ownership"): {"owners": [{"name": "crm"}] * COUNT},
    ("job", "tags"): {"tags": [{"key": "pii"}] * COUNT},
    ("run", "environmentVariables"): {"environmentVariables": [{"name": "A", "value": "1"}] * COUNT},
    ("run", "tags"): {"tags": [{"key": "pii"}] * COUNT},
}
"""A long facet of each kind, by the member of the event that has it, and its name."""

OTHERS: Final[list[tuple[str, str, Any]]] = [
    ("dataset", "columnLineage", {"fields": {f"c{number}": {"inputFields": []} for number in range(COUNT)}}),
    ("dataset", "columnLineage", {"fields": {"c": {"inputFields": [{**SOURCE, "transformations": [{}] * COUNT}]}}}),
    ("dataset", "lineage", {"fields": {"c": {"inputs": [SOURCE] * COUNT}}}),
    ("dataset", "schema", {"fields": [{}] * COUNT}),
    ("dataset", "tags", {"tags": [{"key": "pii", "field": "email"}] * COUNT}),
    ("job", "lineage", {"entries": [{**SOURCE, "inputs": [SOURCE] * COUNT}]}),
    ("job", "lineage", {"entries": [{**SOURCE, "type": "JOB", "inputs": [SOURCE] * COUNT}]}),
]
"""Other shapes of the same facets."""


def parts(member: str, facets: Json) -> int:
    """Return the number of parts in which an event is mapped whose member has these facets."""
    job = {"namespace": "jobs", "name": "nightly"}
    run = {"runId": "11111111-1111-4111-8111-111111111111"}
    output = {"namespace": "pg://db", "name": "daily"}
    members: dict[str, Json] = {"run": run, "job": job, "dataset": output}
    members[member]["facets"] = facets
    event = {"eventTime": "2026-11-24T09:00:00Z", "run": run, "job": job, "outputs": [output]}
    return sum(1 for _ in map_event(checked_event(event, LATER), EventNames()))


@pytest.mark.parametrize(
    ("member", "name", "facet"), [*((member, name, facet) for (member, name), facet in LONG.items()), *OTHERS]
)
def test_a_long_facet_is_mapped_in_parts(member: str, name: str, facet: Json) -> None:
    """A facet of 10,000 elements took a quarter of a second in one part, for which all others waited."""
    assert parts(member, {name: facet}) >= parts(member, {}) + COUNT


def test_each_long_facet_is_tried() -> None:
    """The facets above are those whose mappers pause, and those that the mapping itself maps, without `parent`."""
    tables = (("dataset", DATASET), ("job", JOB), ("run", RUN))
    paused = {
        (member, rule.name)
        for member, rules in tables
        for rule in rules
        if rule.mapper is None or isgeneratorfunction(rule.mapper)
    }
    assert paused - {("run", "parent")} == {*LONG}


def test_many_inputs_and_outputs_are_joined_in_parts() -> None:
    """The versions of 2,000 inputs and outputs took 20 ms in one part; each has parts of its own."""
    inputs = [
        {"namespace": "s3://lake", "name": f"d{number}", "facets": {"version": {"datasetVersion": "1"}}}
        for number in range(COUNT)
    ]
    event = {"eventTime": "2026-11-24T09:00:00Z", "job": {"namespace": "jobs", "name": "nightly"}}
    taken = [
        sum(1 for _ in map_event(checked_event({**event, "inputs": given}, LATER), EventNames()))
        for given in ([], inputs)
    ]
    assert taken[1] - taken[0] >= 5 * COUNT  # two of the dataset and its facet, one of the edge, two of the commands
