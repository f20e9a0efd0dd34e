"""The facet `lineage`: explicit edges between datasets and jobs, in the forms of the samples of the specification."""

from typing import Any

import pytest

from app.ingest.sources.openlineage.event_names import EventNames
from app.ingest.sources.openlineage.lineage_event import MAX_DATASETS, checked_event
from app.ingest.sources.openlineage.mapping import MappedEvent, map_event
from graphql_schema.execution.side_thread import run_at_once
from graphql_schema.ports.commands import ObserveCommand

TABLE = {"namespace": "postgresql://db", "name": "orders", "type": "DATASET"}
ORDERS, OUT = "mlg://dataset/postgres/db/orders", "mlg://dataset/pg/db/out"
OWN, OTHER = "mlg://workflow/openlineage/jobs/own", "mlg://workflow/openlineage/airflow/load"
RUN, FORMER = "mlg://run/openlineage/default/r", "mlg://run/openlineage/default/r2"
JOB = {"namespace": "airflow", "name": "load", "type": "JOB"}
TARGET = {"namespace": "pg://db", "name": "out"}


def event(*, job: Any = None, dataset: Any = None, run: bool = True) -> MappedEvent:
    """Return the mapping of an event with the facet on its job or on its output."""
    about: dict[str, Any] = {"namespace": "jobs", "name": "own", "facets": {"lineage": job} if job else {}}
    outputs = [{**TARGET, "facets": {"lineage": dataset}}] if dataset else []
    given = {"eventTime": "2026-11-24T09:00:00Z", "job": about, "outputs": outputs}
    return run_at_once(
        map_event(checked_event({**given, "run": {"runId": "r"}} if run else given, 1_900_000_000_000), EventNames())
    )


def edges(found: MappedEvent) -> set[tuple[str, str, str, str]]:
    """Return the edges: field, asset, far end and origin; without the workflow and outputs of the run itself."""
    commands = [command for command in found.commands if isinstance(command, ObserveCommand)]
    named = {
        (each.field, command.urn, far, each.origin)
        for command in commands
        for each in command.edges
        for far in each.targets
    }
    return {
        each for each in named if each[:3] not in {("workflow", RUN, OWN), ("outputs", RUN, OUT), ("outputs", OWN, OUT)}
    }


def columns(found: MappedEvent) -> list[Any]:
    """Return the sources of columns that the event gives."""
    commands = [command for command in found.commands if isinstance(command, ObserveCommand)]
    return [each.value for command in commands for each in command.values if each.field == "columns"]


def entry(**members: Any) -> Any:
    """Return the facet of a job with one entry."""
    return {"entries": [members]}


@pytest.mark.parametrize(
    ("facet", "expected"),
    [
        (entry(**TARGET, type="DATASET", inputs=[TABLE]), {("derivedFrom", OUT, ORDERS, "OBSERVED")}),
        (entry(**TARGET, type="DATASET", inputs=[JOB]), {("outputs", OTHER, OUT, "OBSERVED")}),
        (
            entry(**TARGET, type="DATASET", inputs=[{**JOB, "runId": "r2"}]),
            {("outputs", FORMER, OUT, "OBSERVED"), ("workflow", FORMER, OTHER, "OBSERVED")},
        ),
        (entry(**JOB, inputs=[TABLE]), {("inputs", OTHER, ORDERS, "OBSERVED")}),
        (entry(type="JOB", inputs=[TABLE]), {("inputs", RUN, ORDERS, "OBSERVED")}),
        (entry(**JOB, inputs=[]), set()),
        (entry(type="JOB"), set()),
    ],
)
def test_entries_of_a_job_become_edges(facet: Any, expected: set[Any]) -> None:
    """A dataset derives from datasets, and jobs or their runs produce it; a job without names is that of the event."""
    found = event(job=facet)
    assert edges(found) == expected
    assert (found.ignored, "job.lineage" in found.mapped) == ((), True)


def test_the_facet_of_a_dataset_is_an_entry_of_its_own() -> None:
    """Without a run the edges are declared; columns have their sources, and each name its rule."""
    facet = {
        "inputs": [TABLE, {"type": "JOB"}],
        "fields": {"id": {"inputs": [{**TABLE, "field": "key", "transformations": [{"type": "DIRECT"}]}, JOB]}},
    }
    found = event(dataset=facet, run=False)
    assert edges(found) == {("derivedFrom", OUT, ORDERS, "DECLARED")}
    assert columns(found) == [{"id": [{"dataset": ORDERS, "column": "key", "transformation": "DIRECT"}]}]
    assert [each.facet for each in found.ignored] == ["output.lineage.fields.id.inputs.1"]
    assert [(each.role, each.rule.value) for each in found.resolved if each.urn == ORDERS] == [("lineage", "SPELLING")]
    assert edges(event(dataset=facet)) == {("derivedFrom", OUT, ORDERS, "OBSERVED")}


@pytest.mark.parametrize(
    ("facet", "path", "reason"),
    [
        (entry(**JOB, inputs=[JOB]), ".entries.0.inputs.0", "no relation joins a job to a job whose data it reads"),
        (entry(**TARGET), ".entries.0", "`type` is neither DATASET nor JOB"),
        (entry(type="DATASET", inputs=[TABLE]), ".entries.0", "`namespace` or `name` is absent"),
        (entry(**TARGET, type="DATASET", inputs=[TARGET]), ".entries.0.inputs.0", "`type` is neither DATASET nor JOB"),
        (entry(**TARGET, type="DATASET", inputs=5), ".entries.0", "`inputs` is no list"),
        ({"entries": 5}, "", "`entries` is no list"),
        (
            {"entries": [{}] * (MAX_DATASETS + 1)},
            "",
            f"`entries` has {MAX_DATASETS + 1} elements; an event may give at most {MAX_DATASETS}",
        ),
    ],
)
def test_a_part_without_meaning_is_reported(facet: Any, path: str, reason: str) -> None:
    """It has its path and a reason, and makes no edge."""
    found = event(job=facet)
    assert [(each.facet, each.reason) for each in found.ignored] == [(f"job.lineage{path}", reason)]
    assert edges(found) == set()


def test_a_dataset_event_has_no_own_job() -> None:
    """A job without names is reported there, and a named one is joined."""
    given = {"eventTime": "2026-11-24T09:00:00Z", "dataset": {**TARGET, "facets": {"lineage": {"inputs": [JOB]}}}}
    assert edges(run_at_once(map_event(checked_event(given, 1_900_000_000_000), EventNames()))) == {
        ("outputs", OTHER, OUT, "DECLARED")
    }
    given["dataset"]["facets"]["lineage"]["inputs"] = [{"type": "JOB"}]  # type: ignore[index]
    (ignored,) = run_at_once(map_event(checked_event(given, 1_900_000_000_000), EventNames())).ignored
    assert ignored.facet == "dataset.lineage.inputs.0"
    assert ignored.reason == "`namespace` and `name` are absent, and the event is about no job"


def test_an_entry_has_the_full_name_of_its_dataset() -> None:
    """An id cuts a long name, the asset keeps it; a table that a symlink names has the name in its id."""
    name = "t" * 1_000
    entries = entry(namespace="pg://db", name=name, type="DATASET", inputs=[TABLE])
    commands = [command for command in event(job=entries).commands if isinstance(command, ObserveCommand)]
    assert name in {command.name for command in commands}
    assert not any(name in command.urn for command in commands)
    table = {"identifiers": [{"namespace": "hive://h", "name": "db.t", "type": "TABLE"}]}
    given = {
        "eventTime": "2026-11-24T09:00:00Z",
        "job": {"namespace": "jobs", "name": "own", "facets": {"lineage": entry(**TARGET, type="DATASET")}},
        "outputs": [{**TARGET, "facets": {"symlinks": table}}],
    }
    found = run_at_once(map_event(checked_event(given, 1_900_000_000_000), EventNames()))
    assert [command.name for command in found.commands if isinstance(command, ObserveCommand)] == ["db.t", "own"]


UNFIT_NAME = {"namespace": f"pg://{'n' * 1_000}", "name": "t"}


@pytest.mark.parametrize(
    "source",
    [
        {"type": 5},
        {"type": "DATASET"},
        {"type": "DATASET", **UNFIT_NAME},
        {"type": "JOB", **UNFIT_NAME},
        {**JOB, "runId": "r" * 300},
        {**JOB, "runId": 5},
        {**TABLE, "type": "TABLE"},
        "table",
    ],
)
def test_a_malformed_part_counts_by_itself(source: Any) -> None:
    """The other sources and entries have their edges, and the columns theirs, wherever the malformed part is."""
    sources = {"inputs": [source, TABLE, source]}
    edge = ("derivedFrom", OUT, ORDERS, "OBSERVED")
    found = event(dataset={**sources, "fields": {"id": {"inputs": [{**TABLE, "field": "key"}]}}})
    assert (edges(found), columns(found)) == ({edge}, [{"id": [{"dataset": ORDERS, "column": "key"}]}])
    assert [each.facet for each in found.ignored] == [f"output.lineage.inputs.{at}" for at in (0, 2)]
    found = event(job={"entries": [source, {**TARGET, "type": "DATASET", **sources}, {**JOB, **sources}]})
    assert edges(found) == {edge, ("inputs", OTHER, ORDERS, "OBSERVED")}
    ignored = {each.facet.removeprefix("job.lineage.entries.") for each in found.ignored}
    assert {"1.inputs.0", "1.inputs.2", "2.inputs.0", "2.inputs.2"} <= ignored
    assert {command.urn for command in found.commands if isinstance(command, ObserveCommand)} == {RUN, OWN, OUT, OTHER}


def test_a_malformed_entry_is_reported_once() -> None:
    """However many sources it has; the entry after it counts."""
    given = [{**JOB, "runId": "r" * 300, "inputs": [TABLE, TABLE]}, {**UNFIT_NAME, "type": "DATASET"}]
    found = event(job={"entries": [*given, {**JOB, "inputs": [TABLE]}]})
    assert edges(found) == {("inputs", OTHER, ORDERS, "OBSERVED")}
    assert [each.facet for each in found.ignored] == ["job.lineage.entries.0", "job.lineage.entries.1"]


@pytest.mark.parametrize("fields", [5, {"id": {"inputs": 5}}, {"id": {"inputs": [{**UNFIT_NAME, "field": "key"}]}}])
def test_malformed_columns_leave_the_edges(fields: Any) -> None:
    """They are reported by themselves."""
    found = event(dataset={"inputs": [TABLE], "fields": fields})
    assert edges(found) == {("derivedFrom", OUT, ORDERS, "OBSERVED")}
    (ignored,) = found.ignored
    assert ignored.facet.startswith("output.lineage.fields")
    assert "output.lineage" in found.mapped


def many(*counts: int) -> MappedEvent:
    """Return the mapping of a run event with one output for each count: the number of datasets that it derives from."""
    outputs = [
        {
            **TARGET,
            "name": f"out{number}",
            "facets": {"lineage": {"inputs": [{**TABLE, "name": f"{number}.{each}"} for each in range(count)]}},
        }
        for number, count in enumerate(counts)
    ]
    given = {"eventTime": "2026-11-24T09:00:00Z", "job": {"namespace": "jobs", "name": "own"}, "outputs": outputs}
    return run_at_once(map_event(checked_event({**given, "run": {"runId": "r"}}, 1_900_000_000_000), EventNames()))


def test_the_facets_of_an_event_share_one_limit() -> None:
    """A facet that exceeds it gives no edge and is reported once; a smaller one after it counts."""
    found = many(MAX_DATASETS - 10, 11, MAX_DATASETS, 10, 1)
    derived = [edge for edge in edges(found) if edge[0] == "derivedFrom"]
    assert {far.rpartition("/")[2].partition(".")[0] for _, _, far, _ in derived} == {"0", "3"}
    assert len(derived) == MAX_DATASETS
    reason = f"an event may give at most {MAX_DATASETS} edges by facets `lineage`"
    assert [(each.facet, each.reason) for each in found.ignored] == [("output.lineage", reason)] * 3
    entries = [{**TARGET, "name": str(number), "type": "DATASET", "inputs": [JOB] * 400} for number in range(3)]
    found = event(job={"entries": entries})
    assert [(each.facet, each.reason) for each in found.ignored] == [("job.lineage.entries.2", reason)]
    assert len(edges(found)) == 2


def test_an_ignored_column_is_reported_about_its_dataset() -> None:
    """The paths of ignored columns name columns, so those of an entry are not about the job that has the facet."""
    fields = {"secret": {"inputs": [{"namespace": "a", "name": "b"}]}, "other": 5}
    found = event(job=entry(**TARGET, type="DATASET", inputs=[{"type": "x"}], fields=fields))
    below = "job.lineage.entries.0"
    assert {(each.facet, each.urn) for each in found.ignored} == {
        (f"{below}.inputs.0", OWN),
        (f"{below}.fields.secret.inputs.0", OUT),
        (f"{below}.fields.other", OUT),
    }


def test_columns_that_are_too_large_are_reported_about_their_dataset() -> None:
    """The size of all sources of columns in an entry is reported about the dataset."""
    column = {"inputs": [{**TABLE, "field": "f" * 3_000}]}
    found = event(job=entry(**TARGET, type="DATASET", fields={str(number): column for number in range(6)}))
    assert [(each.facet, each.urn) for each in found.ignored] == [("job.lineage.entries.0.fields", OUT)]
