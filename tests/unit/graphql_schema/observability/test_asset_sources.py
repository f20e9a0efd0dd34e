"""The sources of an asset: by its own events and those of runs beside it, with the alarms of each source."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from threading import get_ident
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from support.estates.wide_lineage import noted_threads
from support.stores.plain_reader import PlainGraph

from graphql_schema.execution.side_thread import run_aside
from graphql_schema.fields.context import Context
from graphql_schema.observability import asset_sources
from graphql_schema.observability.asset_sources import MANY_PROCESSES, MAX_EVENTS, MAX_RUNS
from graphql_schema.operation.field_guards import governed_fields
from graphql_schema.ports.conditions import Condition
from graphql_schema.ports.lineage_query import SnapshotTime
from graphql_schema.ports.relation_query import PageRequest
from graphql_schema.ports.row import RowPage
from graphql_schema.rules.observation.source_alarms import HOUR_MS
from graphql_schema.schema import GraphSchema
from policies.errors import LimitError
from policies.principal import Principal

NOW = 1_795_600_000_000
QUERY = """query ($id: ID!) { asset(id: $id) { sources { source producer lastReceivedAt ingestion { id }
  alarms { reason ingestion { id } } } } }"""


class Now(PlainGraph):
    """A graph that is read at NOW; ``is_crowded``: too many events must be examined to find one of a source.

    ``sender`` is the caller who sends the next events.
    """

    is_crowded = False
    sender = "etl"

    @property
    def pin(self) -> SnapshotTime:
        """See GraphReader."""
        return SnapshotTime(NOW, NOW)

    async def attached_records(
        self, kind: str, where: Condition, page: PageRequest, *, newest_first: bool = True
    ) -> RowPage:
        """See GraphReader."""
        if self.is_crowded and "'source'" in repr(where):
            raise LimitError("too many", limit=1)
        return await super().attached_records(kind, where, page, newest_first=newest_first)

    def event(self, name: str, subject: str, hours: float, source: str, state: str = "WRITTEN") -> str:
        """Add an ingestion about a subject that arrived some hours ago; return its id."""
        at = NOW - int(hours * HOUR_MS)
        values = {
            "subject": subject,
            "subjects": [subject],
            "createdAt": at,
            "state": state,
            "producer": "spark",
            "actor": self.sender,
        }
        urn = self.add("INGESTION", name, **{**values, "source": source})
        self.join("INGESTED_INTO", urn, subject)
        return urn


@pytest.fixture
def graph() -> Now:
    """Return a graph without anything in it."""
    return Now()


async def sources(schema: GraphSchema, graph: Now, ada: Principal, urn: str) -> Any:
    """Return the sources of an asset."""
    context = Context(ada, lambda *_: graph, graph, graph.report, b"k" * 32, lambda: 0)
    found = await schema.execute(QUERY, variable_values={"id": urn}, context_value=context)
    assert isinstance(found, ExecutionResult)
    assert found.errors is None
    return found.data["asset"]["sources"]


def brief(found: list[dict[str, Any]]) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Return source, newest event and alarms of each entry."""
    return [
        (
            each["source"],
            each["ingestion"]["id"],
            [(alarm["reason"], alarm["ingestion"]["id"]) for alarm in each["alarms"]],
        )
        for each in found
    ]


async def test_own_events_and_those_of_runs_beside_it_count(schema: GraphSchema, graph: Now, ada: Principal) -> None:
    """A dataset has the sources of its events, of its producers and of its consumers, the newest first; no others."""
    table, other = graph.add("DATASET", "t"), graph.add("DATASET", "u")
    made, read, far = (graph.add("RUN", name, startedAt=NOW) for name in ("made", "read", "far"))
    job = graph.add("WORKFLOW", "job")
    graph.join("PRODUCES", made, table)
    graph.join("INPUT_TO", table, read)
    graph.join("INPUT_TO", table, job)
    graph.join("PRODUCES", far, other)
    own = graph.event("own", table, 3, "dbt")
    graph.event("older", made, 9, "airflow")
    newest = graph.event("newest", made, 1, "airflow")
    consumed = graph.event("consumed", read, 2, "spark")
    of_job = graph.event("of job", job, 4, "flink")
    graph.event("elsewhere", far, 0, "elsewhere")
    graph.event("later", made, -1, "of the future")
    found = await sources(schema, graph, ada, table)
    assert brief(found) == [
        ("airflow", newest, []),
        ("spark", consumed, []),
        ("dbt", own, []),
        ("flink", of_job, []),
    ]
    assert (found[0]["producer"], found[0]["lastReceivedAt"]) == ("spark", "2026-11-25T08:46:40Z")
    graph.join("RUN_OF", made, job)
    assert [each[0] for each in brief(await sources(schema, graph, ada, job))] == ["airflow", "flink"]


async def test_a_source_has_the_alarms_of_all_its_events(schema: GraphSchema, graph: Now, ada: Principal) -> None:
    """Silence counts from the last event of the source; rejected events and those without edges count for a week."""
    table, other = graph.add("DATASET", "t"), graph.add("DATASET", "u")
    silent = graph.event("silent", table, 30, "silent")
    active = graph.event("active", table, 40, "active")
    graph.event("of another asset", other, 1, "active")
    rejected = graph.event("rejected", other, 5, "active", "REJECTED")
    graph.event("rejected before", other, 50, "active", "REJECTED")
    without = graph.event("without edges", other, 100, "active", "NO_EDGES")
    old = graph.event("old", table, 20, "recovered")
    graph.event("too old", other, 8 * 24, "recovered", "REJECTED")
    assert brief(await sources(schema, graph, ada, table)) == [
        ("recovered", old, []),
        ("silent", silent, [("SILENT", silent)]),
        ("active", active, [("REJECTED", rejected), ("NO_EDGES", without)]),
    ]


async def test_only_the_newest_runs_count(schema: GraphSchema, graph: Now, ada: Principal) -> None:
    """Of many runs the latest by their start are read, and workflows beside them; of many events the newest."""
    table, job = graph.add("DATASET", "t"), graph.add("WORKFLOW", "job")
    graph.join("INPUT_TO", table, job)
    graph.event("of job", job, 0.5, "of job")
    for at in range(MAX_RUNS + 5):
        run = graph.add("RUN", f"r{at}", startedAt=NOW + at)
        graph.join("PRODUCES", run, table)
        graph.event(f"e{at}", run, 1, f"s{at:02}")
    names = {each["source"] for each in await sources(schema, graph, ada, table)}
    assert len(names) == MAX_EVENTS + 1 == MAX_RUNS + 1
    assert names == {"of job", *(f"s{at:02}" for at in range(5, MAX_RUNS + 5))}


async def test_runs_of_strangers_hide_no_source(schema: GraphSchema, graph: Now, ada: Principal) -> None:
    """What made the asset, and what its owner runs, counts before others that read it, however many and new these are.

    Of those, each owner has an equal share, and a stream of their events fills no place of the events of the first.
    """
    table = graph.add("DATASET", "t", ownerTeam="mlg://team/t/d/ours")
    made = graph.add("RUN", "made", startedAt=1)
    ours = graph.add("RUN", "ours", startedAt=1, ownerTeam="mlg://team/t/d/ours")
    other = graph.add("RUN", "other", startedAt=1, ownerTeam="mlg://team/t/d/other")
    graph.join("PRODUCES", made, table)
    for run in (ours, other):
        graph.join("INPUT_TO", table, run)
    for at, (run, source) in enumerate(((made, "airflow"), (ours, "spark"), (other, "flink"))):
        graph.event(f"of {source}", run, 9 + at, source)
    graph.sender = "mallory"
    for number in range(MAX_RUNS + 5):
        job = graph.add("WORKFLOW", f"w{number:02}", ownerTeam="mlg://team/t/d/strangers")
        graph.join("INPUT_TO", table, job)
        graph.event(f"flood {number}", job, 10.5 + number / 100, "flood")
    assert [each[0] for each in brief(await sources(schema, graph, ada, table))] == [
        "airflow",
        "spark",
        "flood",
        "flink",
    ]
    for number in range(MAX_EVENTS):
        graph.event(f"more {number}", "mlg://workflow/test/default/w00", 1, "flood")
    assert [each[0] for each in brief(await sources(schema, graph, ada, table))] == ["flood", "airflow", "spark"]


@pytest.mark.parametrize("is_hidden", [False, True])
async def test_the_owner_of_a_hidden_dataset_brings_nothing_close(
    schema: GraphSchema, graph: Now, ada: Principal, *, is_hidden: bool
) -> None:
    """The runs of the user who owns the dataset of a version count before others only for who sees the dataset."""
    hana = "mlg://user/test/default/hana"
    table = graph.add("DATASET", "t", ownerTeam=hana)
    version = graph.add("DATASET_VERSION", "t", version="1", ownerTeam=hana)
    ours = graph.add("RUN", "ours", startedAt=1, ownerTeam=hana, index={"owners": [[hana, ["TECHNICAL"]]]})
    graph.join("INPUT_TO", version, ours)
    graph.event("of ours", ours, 9, "spark")
    for number in range(MAX_RUNS):
        run = graph.add("RUN", f"r{number:02}", startedAt=2 + number, ownerTeam=f"mlg://team/t/d/team{number}")
        graph.join("INPUT_TO", version, run)
        graph.event(f"flood {number}", run, 1, "flood")
    if not is_hidden:
        graph.join("VERSION_OF", version, table)
    found = [each["source"] for each in await sources(schema, graph, ada, version)]
    assert found == (["flood"] if is_hidden else ["flood", "spark"])


async def test_many_runs_are_put_in_order_in_the_side_thread(
    schema: GraphSchema, graph: Now, ada: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others run beside the sources of an asset that thousands of runs of strangers read; a few are done at once."""
    noted = noted_threads(monkeypatch, asset_sources, "_is_close", "_age")
    side, table = await run_aside(get_ident), graph.add("DATASET", "t", ownerTeam="mlg://team/t/d/ours")
    numbers = range(MANY_PROCESSES)
    for begins, thread in ((numbers, get_ident()), (range(MANY_PROCESSES, MANY_PROCESSES + 1), side)):
        for at in begins:
            run = graph.add("RUN", f"r{at}", startedAt=NOW + at, ownerTeam=f"mlg://team/t/d/team{at % 3}")
            graph.join("INPUT_TO", table, run)
            graph.event(f"e{at}", run, 1, f"s{at}")
        noted.clear()
        names = {each["source"] for each in await sources(schema, graph, ada, table)}
        assert names == {f"s{at}" for at in range(begins[-1] + 1 - MAX_RUNS, begins[-1] + 1)}
        assert noted == {("_is_close", thread), ("_age", thread)}


@pytest.mark.parametrize("reads", [False, True])
async def test_no_stranger_decides_on_alarms(schema: GraphSchema, graph: Now, ada: Principal, *, reads: bool) -> None:
    """An event of another caller under the same source neither breaks the silence nor raises an alarm.

    It does not help that the caller sent it about an own run that reads the asset.
    """
    table, own = graph.add("DATASET", "t"), graph.add("RUN", "own")
    silent = graph.event("silent", table, 30, "airflow")
    if reads:
        graph.join("INPUT_TO", table, own)
    graph.sender = "mallory"
    forged = graph.event("forged", own, 1, "airflow", "REJECTED")
    found = await sources(schema, graph, ada, table)
    assert brief(found) == [("airflow", forged if reads else silent, [("SILENT", silent)])]


async def test_without_events_there_are_no_sources(schema: GraphSchema, graph: Now, ada: Principal) -> None:
    """An asset that clients registered has none, of each kind: also one that no run can be beside."""
    for kind in ("DATASET", "REPORT", "RUN", "WORKFLOW", "SERVICE"):
        assert await sources(schema, graph, ada, graph.add(kind, "a")) == []


async def test_alarms_of_a_crowded_source_are_unknown(schema: GraphSchema, graph: Now, ada: Principal) -> None:
    """If most events of a source are hidden, the alarms are null, and everything else is shown."""
    table = graph.add("DATASET", "t")
    graph.event("own", table, 1, "dbt")
    graph.is_crowded = True
    assert [(each["source"], each["alarms"]) for each in await sources(schema, graph, ada, table)] == [("dbt", None)]


def test_sources_are_as_hidden_as_history_and_lineage(schema: GraphSchema) -> None:
    """They disclose events, which `history` shows, and the runs beside the asset."""
    derived = governed_fields(schema.core).derived
    assert set(derived["Dataset.sources"]) == {f"Dataset.{name}" for name in ("history", "upstream", "downstream")}
