"""Events as commands, and the graph that the commands of many events fold into, in whatever order they are written."""

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.stores.in_memory_writer import Memory, present_graph
from support.stores.writers import person, shipped_policy

from app.ingest.sources.openlineage.contribution import MAX_IGNORED, IgnoredPart
from app.ingest.sources.openlineage.event_names import EventNames
from app.ingest.sources.openlineage.lineage_event import checked_event
from app.ingest.sources.openlineage.mapping import MappedEvent, map_event
from graphql_schema.execution.side_thread import run_at_once
from graphql_schema.ports.commands import ObserveCommand, RegisterCommand

DATA = Path(__file__).parents[5] / "data" / "openlineage"
NOW = 1_800_000_000_000
NAMES = EventNames()
POLICY = shipped_policy()
SENDER = person("sender", roles="automation")


def read(folder: str) -> list[Any]:
    """Return the recorded events of a folder."""
    return [json.loads(line) for line in (DATA / folder / "events.jsonl").read_text().splitlines()]


def mapped_event(event: Any) -> MappedEvent:
    """Return the mapping of an event."""
    return run_at_once(map_event(checked_event(event, NOW), NAMES))


def folded(events: Sequence[Any]) -> Any:
    """Return the graph after the events were written one by one, each with a later clock."""
    memory = Memory(POLICY)
    for number, event in enumerate(events):
        outcomes = memory.run(*mapped_event(event).commands, who=SENDER, now=NOW + number)
        assert [outcome.errors for outcome in outcomes if outcome.errors] == []
    return present_graph(memory)


@pytest.mark.parametrize("folder", ["dbt_recorded_build", "dbt_churn", "feast_churn"])
def test_recorded_events_fold_into_what_plain_scripts_expect(folder: str) -> None:
    """Counts, states, failed runs and edges are those of `expected.json`, and no facet is left out silently."""
    expected, events = json.loads((DATA / "expected.json").read_text())[folder], read(folder)
    records, edges = folded(events)
    by_kind = defaultdict(list)
    for record in records.values():
        by_kind[record["kind"]].append(record)
    assert len(by_kind["WORKFLOW"]) == expected["jobs"]
    assert len(by_kind["RUN"]) == expected["runs"]
    assert len(by_kind["DATASET"]) == expected["datasets"]
    states: dict[str, int] = defaultdict(int)
    for run in by_kind["RUN"]:
        states[run["state"]] += 1
    assert states == expected["runs_by_final_state"]
    sources = [column.get("observedFrom", ()) for each in by_kind["DATASET"] for column in each.get("columns", ())]
    assert sum(map(len, sources)) == expected["column_edges"]
    assert sum(key[0] == "CHILD_OF" for key in edges) == expected["runs_with_parent"]
    failed = {record["id"].rpartition("/")[2] for record in by_kind["RUN"] if record["state"] == "FAIL"}
    assert failed == {run_id for _, run_id in expected["failed_runs"]}
    assert [mapped_event(event).ignored for event in events if mapped_event(event).ignored] == []


@pytest.mark.parametrize("folder", ["dbt_churn", "feast_churn"])
def test_recorded_events_in_another_order_are_the_same_graph(folder: str) -> None:
    """Backwards, twice, and with every second event late, the graph is that of the recorded order."""
    events = read(folder)
    graph = folded(events)
    assert folded(events[::-1]) == graph
    assert folded([*events, *events]) == graph
    assert folded([*events[::2], *events[1::2], *events[::3]]) == graph


TEXTS = st.sampled_from(["a", "b", "c"])
TABLES = st.lists(st.sampled_from(["t1", "t2", "t3"]), max_size=3)


def _facet(**members: Any) -> Any:
    return st.fixed_dictionaries({}, optional=members)


COLUMNS = st.lists(st.sampled_from(["c1", "c2", "c3"]), unique=True, max_size=3).map(
    lambda names: {"fields": [{"name": name, "type": "INT"} for name in names]}
)
SOURCES = st.dictionaries(st.sampled_from(["c1", "c9"]), TABLES, max_size=2).map(
    lambda found: {
        "fields": {
            column: {"inputFields": [{"namespace": "pg://db", "name": table, "field": "x"} for table in tables]}
            for column, tables in found.items()
        }
    }
)
TAGS = st.lists(TEXTS, max_size=2).map(lambda names: {"tags": [{"key": name, "value": "true"} for name in names]})
REMOVED = st.just({"_deleted": True})
EXPLICIT = st.lists(
    st.sampled_from(
        [
            {"type": "DATASET", "namespace": "pg://db", "name": "t4"},
            {"type": "DATASET", "namespace": "pg://db", "name": "t1", "field": "x"},
            {"type": "JOB"},
            {"type": "JOB", "namespace": "jobs", "name": "other"},
        ]
    ),
    max_size=3,
).map(lambda found: {"inputs": found, "fields": {"c1": {"inputs": [each for each in found if "field" in each]}}})


def _removable(**facets: Any) -> Any:
    """Return facets of which some are sent to remove them."""
    return _facet(**{name: each | REMOVED for name, each in facets.items()})


DATASET_FACETS = _removable(
    lineage=EXPLICIT,
    schema=COLUMNS,
    columnLineage=SOURCES,
    documentation=TEXTS.map(lambda text: {"description": text}),
    storage=TEXTS.map(lambda text: {"storageLayer": text}),
    tags=TAGS,
    custom=TEXTS.map(lambda text: {"x": text}),
    version=TEXTS.map(lambda text: {"datasetVersion": text}),
)
RUN_FACETS = _facet(
    errorMessage=TEXTS.map(lambda text: {"message": text}),
    parent=TEXTS.map(lambda text: {"run": {"runId": text}, "job": {"namespace": "jobs", "name": text}}),
    tags=TAGS,
)
JOB_FACETS = _removable(documentation=TEXTS.map(lambda text: {"description": text}), tags=TAGS)
KINDS = st.sampled_from(["START", "RUNNING", "OTHER", "COMPLETE", "FAIL", "ABORT"])


@st.composite
def runs(draw: st.DrawFn) -> list[Any]:
    """Return the events of one run: of all types, with facets, and some with the same instant."""
    count = draw(st.integers(1, 5))
    return [
        {
            "eventTime": f"2026-11-24T09:00:0{draw(st.integers(0, 4))}Z",
            "eventType": draw(KINDS),
            "run": {"runId": "r", "facets": draw(RUN_FACETS)},
            "job": {"namespace": "jobs", "name": "j", "facets": draw(JOB_FACETS)},
            **{
                side: [{"namespace": "pg://db", "name": name, "facets": draw(DATASET_FACETS)} for name in draw(TABLES)]
                for side in ("inputs", "outputs")
            },
        }
        for _ in range(count)
    ]


@settings(max_examples=40, deadline=None)
@given(st.data(), runs())
def test_every_permutation_duplication_and_replay_gives_the_same_graph(data: st.DataObject, events: list[Any]) -> None:
    """The events of a run, permuted and repeated, or partly lost and then sent again, fold into one graph."""
    graph = folded(events)
    assert folded(data.draw(st.permutations([*events, *data.draw(st.lists(st.sampled_from(events), max_size=3))]))) == (
        graph
    )
    kept = data.draw(st.lists(st.sampled_from(events), max_size=len(events)))
    assert folded([*kept, *events]) == graph


def test_the_commands_are_about_all_that_the_event_names() -> None:
    """Datasets and the job come before the run, checks and owners are commands of their own."""
    event = {
        "eventTime": "2026-11-24T09:00:00Z",
        "eventType": "START",
        "run": {"runId": "r", "facets": {"parent": {"run": {"runId": "p"}, "root": {"run": {"runId": "top"}}}}},
        "job": {"namespace": "jobs", "name": "j", "facets": {"sourceCodeLocation": {"url": "git://x", "version": "1"}}},
        "inputs": [{"namespace": "pg://db", "name": "t", "facets": {"version": {"datasetVersion": "7"}}}],
    }
    found = mapped_event(event)
    assert found.subject == "mlg://run/openlineage/default/r"
    assert [command.urn for command in found.commands if isinstance(command, ObserveCommand)] == [
        "mlg://dataset/pg/db/t",
        "mlg://workflow/openlineage/jobs/j",
        "mlg://run/openlineage/default/r",
        "mlg://dataset-version/pg/db/t@7",
        "mlg://run/openlineage/default/p",
    ]
    run = found.commands[2]
    assert isinstance(run, ObserveCommand)
    assert {each.field for each in run.edges} == {"workflow", "inputs", "parentRun"}
    assert {each.field: each.value for each in run.values}["codeVersion"] == "1"
    (inputs,) = [each for each in run.edges if each.field == "inputs"]
    assert [*inputs.targets] == ["mlg://dataset/pg/db/t", "mlg://dataset-version/pg/db/t@7"]


def test_job_and_dataset_events_are_mapped() -> None:
    """A job event declares inputs of the workflow; a dataset event is about the dataset alone."""
    base = {"eventTime": "2026-11-24T09:00:00Z"}
    job = mapped_event({**base, "job": {"namespace": "n", "name": "j"}, "inputs": [{"namespace": "x", "name": "t"}]})
    assert job.subject == "mlg://workflow/openlineage/n/j"
    command = job.commands[-1]
    assert isinstance(command, ObserveCommand)
    assert [(each.field, each.origin) for each in command.edges] == [("inputs", "DECLARED")]
    data = mapped_event({**base, "dataset": {"namespace": "pg://db", "name": "t"}})
    assert (data.subject, data.source, len(data.commands)) == ("mlg://dataset/pg/db/t", "pg://db", 1)


@pytest.mark.parametrize(
    ("facets", "path", "reason"),
    [
        ({"parent": {"run": {}}}, "run.parent", "`run.parent.run.runId` is absent; send the UUID of the run."),
        ({"nominalTime": {"nominalStartTime": 5}}, "run.nominalTime", "`nominalStartTime` is no text"),
        ({"huge": {"x": "y" * 3000}}, "run.huge", "3008 characters; a property holds at most 2000"),
        ({"errorMessage": {"_deleted": True}}, "run.errorMessage", "nothing is removed: what such a facet gave stays"),
    ],
)
def test_a_facet_that_cannot_be_mapped_does_not_reject_the_event(facets: Any, path: str, reason: str) -> None:
    """It is reported with its path and a reason, and everything else is mapped."""
    found = mapped_event(
        {
            "eventTime": "2026-11-24T09:00:00Z",
            "run": {"runId": "r", "facets": facets},
            "job": {"namespace": "jobs", "name": "j"},
        }
    )
    (ignored,) = found.ignored
    assert ignored.facet == path
    assert ignored.reason.startswith(reason)
    assert len(found.commands) == 2


LONG = "x" * 3000


@pytest.mark.parametrize(
    "facets",
    [
        {"dataSource": {"uri": "pg://db", "name": LONG}},
        {"storage": {"fileFormat": "parquet", "storageLayer": LONG}},
        {"tags": {"tags": [{"key": "a", "value": "b", "field": "c"}, {"key": "d", "field": LONG, "value": LONG}]}},
        {"dataQualityMetrics": {"rowCount": 1, "bytes": 2, "fileCount": "many"}},
        {"lifecycleStateChange": {"lifecycleStateChange": "DROP" + LONG, "previousIdentifier": {}}},
    ],
    ids=lambda facets: next(iter(facets)),
)
def test_an_ignored_facet_changes_nothing(facets: Any) -> None:
    """A facet with one value that cannot be mapped gives none of its other values either."""
    event = about_table(facets, 1)
    found = mapped_event(event)
    assert [each.facet for each in found.ignored] == [f"output.{next(iter(facets))}"]
    assert found.commands == mapped_event(about_table({}, 1)).commands


@pytest.mark.parametrize("part", [{"root": {"run": {"runId": 7}}}, {"job": {"namespace": "n" * 600, "name": "j"}}])
def test_an_ignored_parent_changes_nothing(part: Any) -> None:
    """Neither the parent run nor its job is joined if another part of the facet is malformed."""
    event = about_table({}, 1)
    event["run"]["facets"] = {"parent": {"run": {"runId": "p"}, **part}}
    found = mapped_event(event)
    assert [each.facet for each in found.ignored] == ["run.parent"]
    assert found.commands == mapped_event(about_table({}, 1)).commands


def about_table(facets: Any, second: int, **of_job: Any) -> Any:
    """Return an event of a run that writes a table with facets; ``of_job`` are those of the job."""
    return {
        "eventTime": f"2026-11-24T09:00:0{second}Z",
        "run": {"runId": "r"},
        "job": {"namespace": "jobs", "name": "j", "facets": of_job},
        "outputs": [{"namespace": "pg://db", "name": "t", "facets": facets}],
    }


GIVEN = {
    "documentation": {"description": "Orders."},
    "storage": {"storageLayer": "iceberg", "fileFormat": "parquet"},
    "custom": {"x": 1},
    "schema": {"fields": [{"name": "c", "type": "INT"}]},
    "version": {"datasetVersion": "7"},
    "columnLineage": {"fields": {"c": {"inputFields": [{"namespace": "pg://db", "name": "s", "field": "x"}]}}},
    "tags": {"tags": [{"key": "pii"}]},
    "lineage": {"fields": {"c": {"inputs": [{"namespace": "pg://db", "name": "s", "field": "y"}]}}},
}


def test_a_removed_facet_leaves_nothing() -> None:
    """Whatever comes first, the latest event counts; what gives nothing removable is reported as ignored."""
    removed = {name: {"_deleted": True} for name in [*GIVEN, "dataQualityMetrics"]}
    events = [about_table(GIVEN, 1), about_table(removed, 2)]
    records, _ = folded([*events, events[0]])
    (table,) = [each for each in records.values() if each["id"] == "mlg://dataset/pg/db/t"]
    gone = ("description", "format", "properties", "columns", "tags")
    assert [table.get(name) or None for name in gone] == [None] * len(gone)
    found = mapped_event(events[1])
    assert {*found.mapped} == {f"output.{name}" for name in GIVEN}
    assert [each.facet for each in found.ignored] == ["output.dataQualityMetrics"]
    again = about_table(GIVEN, 3)
    assert folded([*events, again])[0] == folded([again, *events])[0]
    (table,) = [each for each in folded([*events, again])[0].values() if each["id"] == "mlg://dataset/pg/db/t"]
    assert table["columns"][0]["observedFrom"] == [
        {"dataset": "mlg://dataset/pg/db/s", "column": "x"},
        {"dataset": "mlg://dataset/pg/db/s", "column": "y"},
    ]


def test_a_removal_keeps_what_a_client_registered() -> None:
    """A description that a person wrote remains, and so does the lineage of a job."""
    memory = Memory(POLICY)
    urn = "mlg://dataset/pg/db/t"
    memory.run(*mapped_event(about_table(GIVEN, 1)).commands, who=SENDER)
    memory.run(RegisterCommand(urn, {"name": "t", "description": "By hand."}))
    removal = {"documentation": {"_deleted": True}, "storage": {"_deleted": True}}
    found = memory.run(*mapped_event(about_table(removal, 2, lineage={"_deleted": True})).commands, who=SENDER)
    assert [outcome.observed.kept for outcome in found if outcome.observed] == [("description",), (), ()]
    (table,) = [each for each in memory.vertices.values() if each["id"] == urn]
    assert (table["description"], table.get("format")) == ("By hand.", None)


def test_a_name_that_is_too_long_to_be_found_by_is_left_out() -> None:
    """A dataset that a symlink names has no property with its own id if that is too long; the event is accepted."""
    table = {"namespace": "hive://metastore", "name": "db.daily", "type": "TABLE"}
    dataset = {"namespace": "s3://lake", "name": "n" * 600, "facets": {"symlinks": {"identifiers": [table]}}}
    found = mapped_event({"eventTime": "2026-11-24T09:00:00Z", "dataset": dataset})
    assert found.subject == "mlg://dataset/hive/metastore/db.daily"
    (ignored,) = found.ignored
    assert (ignored.facet, ignored.urn) == ("dataset.symlinks", found.subject)
    assert ignored.reason.startswith("the key of a property with ")


@pytest.mark.parametrize("member", ["namespace", "name"])
def test_a_long_name_in_a_facet_is_ignored(member: str) -> None:
    """A symlink, a source, also of a column, and a parent are reported, and make no asset.

    They have a name of more than 1,024 characters.
    """
    long = {"namespace": "hive://h", "name": "t", member: "hive://" + "n" * 1_018}
    facets: dict[str, Any] = {
        "symlinks": {"identifiers": [long]},
        "lineage": {"inputs": [{**long, "type": "DATASET"}]},
        "columnLineage": {"fields": {"c": {"inputFields": [{**long, "field": "a"}]}}},
    }
    found = mapped_event(
        {
            "eventTime": "2026-11-24T09:00:00Z",
            "run": {"runId": "r", "facets": {"parent": {"run": {"runId": "p"}, "job": long}}},
            "job": {"namespace": "jobs", "name": "j"},
            "outputs": [{"namespace": "pg://db", "name": "t", "facets": facets}],
        }
    )
    reason = "`namespace` or `name` has more than 1024 characters"
    assert {(each.facet, each.reason) for each in found.ignored} == {
        ("output.symlinks.identifiers.0", reason),
        ("output.lineage.inputs.0", reason),
        ("output.columnLineage.fields.c.inputFields.0", reason),
        ("run.parent", reason),
    }
    assert {command.urn for command in found.commands if isinstance(command, ObserveCommand)} == {
        "mlg://run/openlineage/default/r",
        "mlg://workflow/openlineage/jobs/j",
        "mlg://dataset/pg/db/t",
    }


def test_many_symlinks_are_ignored() -> None:
    """Of a dataset with more than 100 symlinks none counts, and the report says how many there are."""
    symlink = {"namespace": "hive://h", "name": "t", "type": "TABLE"}
    dataset = {"namespace": "pg://db", "name": "t", "facets": {"symlinks": {"identifiers": [symlink] * 101}}}
    found = mapped_event({"eventTime": "2026-11-24T09:00:00Z", "dataset": dataset})
    assert found.subject == "mlg://dataset/pg/db/t"
    assert [(each.facet, each.reason) for each in found.ignored] == [
        ("dataset.symlinks", "101 symlinks; an event may give a dataset at most 100")
    ]


def test_an_event_is_mapped_in_parts() -> None:
    """An event may have 100,000 elements in its facets: 0.2 s, for which others wait, if it is one part."""
    facets = {"columnLineage": {"fields": {"c": {"inputFields": [0]}}}, "schema": {"fields": [{"name": "c"}]}}
    inputs = [{"namespace": "s3://lake", "name": f"d{n}", "facets": facets} for n in range(7)]
    event = {"eventTime": "2026-11-24T09:00:00Z", "job": {"namespace": "jobs", "name": "nightly"}, "inputs": inputs}
    assert len([*map_event(checked_event(event, NOW), NAMES)]) >= 2 * len(inputs)


def test_the_report_of_ignored_parts_is_bounded() -> None:
    """Of more than MAX_IGNORED parts the first ones are reported, and how many there are besides."""
    numbers = {"fields": [1] * 900}
    inputs = [{"namespace": "s3://lake", "name": f"d{n}", "facets": {"schema": numbers}} for n in range(2)]
    event = {"eventTime": "2026-11-24T09:00:00Z", "job": {"namespace": "jobs", "name": "nightly"}, "inputs": inputs}
    found = mapped_event(event)
    assert len(found.ignored) == MAX_IGNORED + 1
    assert found.ignored[-2].facet == "input.schema.fields.99"
    assert found.ignored[-1] == IgnoredPart("", "800 further parts", found.subject)
    assert len(mapped_event({**event, "inputs": inputs[:1]}).ignored) == 900
