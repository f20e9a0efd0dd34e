"""Usage by day: what a record stores, which days are accepted, and the mark of the last use."""

from datetime import UTC, datetime
from typing import Any

import pytest
from support.stores.in_memory_writer import Memory, plan, seeded
from support.stores.writers import asset, person, urn

from app.graph.records.record_text import BriefRecord
from app.graph.records.vertex_id import vertex_id
from app.graph.writing.rules.attach import attached_urn
from app.graph.writing.unit.read_set import ReadCoverage, ReadSet
from app.graph.writing.unit.working_set import WorkingSet
from graphql_schema.catalog.relations import Direction
from graphql_schema.ports.commands import RecordUsageCommand
from graphql_schema.ports.record import Record

ADA = person("ada", "team ranking", roles="engineer")
NOW = int(datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()) * 1_000
DATA, TEAM, SERVICE = urn("dataset d"), urn("team ads"), urn("service s")
D = vertex_id("default", DATA)


def usage(day: str, consumer: str = TEAM, **counts: float) -> RecordUsageCommand:
    """Return the counters of one day."""
    return RecordUsageCommand(DATA, consumer, day, counts or {"reads": 5})


def midnight(day: str) -> int:
    """Return the begin of a day."""
    return int(datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp()) * 1_000


@pytest.fixture
def stored(memory: Memory) -> Memory:
    """Return a store with a dataset of the team."""
    return seeded(memory, asset("dataset d", owners={"team ranking": ["TECHNICAL"]}))


def months(memory: Memory) -> dict[tuple[str, str], Any]:
    """Return the days with their counters, by consumer and month."""
    return {
        (each["consumer"], each["month"]): {
            day: {name: value for name, value in counts.items() if not name.startswith("recorded")}
            for day, counts in each["days"].items()
        }
        for each in memory.vertices.values()
        if each["kind"] == "USAGE_MONTH"
    }


def test_days_of_a_month_are_one_record(stored: Memory) -> None:
    """A later report of a day replaces its counters; another month or consumer is another record."""
    items = [usage("2026-11-01"), usage("2026-11-02", reads=1.0, costUsd=2.0), usage("2026-10-31")]
    assert stored.outcomes(*items, usage("2026-11-01", calls=3.0), usage("2026-11-01", SERVICE), now=NOW) == [
        "CREATED",
        "CREATED",
        "CREATED",
        "UPDATED",
        "CREATED",
    ]
    assert months(stored) == {
        (TEAM, "2026-11"): {"2026-11-01": {"calls": 3.0}, "2026-11-02": {"reads": 1.0, "costUsd": 2.0}},
        (TEAM, "2026-10"): {"2026-10-31": {"reads": 5}},
        (SERVICE, "2026-11"): {"2026-11-01": {"reads": 5}},
    }


def test_the_same_counters_again_change_nothing(stored: Memory) -> None:
    """A repeated report is no write, also from another caller."""
    stored.run(usage("2026-11-01"), now=NOW)
    assert stored.outcomes(usage("2026-11-01"), who=ADA, now=NOW + 1) == ["UNCHANGED"]
    assert not stored.dirty


@pytest.mark.parametrize(
    ("day", "message"),
    [
        ("2026-11-25", "2026-11-25 has not begun in UTC"),
        ("2021-11-19", "2021-11-19 is more than five years ago"),
        ("2026-11-24", None),
        ("2021-11-20", None),
    ],
)
def test_days_within_five_years_are_accepted(stored: Memory, day: str, message: str | None) -> None:
    """Today is accepted and tomorrow is not; the oldest day is 1,830 days ago."""
    (done,) = stored.run(usage(day), now=NOW)
    assert [(error.message.startswith(str(message)), error.path) for error in done.errors] == (
        [] if message is None else [(True, ("day",))]
    )


def test_a_caller_needs_the_right_to_update_the_asset(stored: Memory) -> None:
    """Another team may not count usage, and an unknown asset is not found."""
    bo = person("bo", "team ads")
    (done,) = stored.run(usage("2026-11-01"), who=bo, now=NOW)
    assert done.outcome.name == "DENIED"
    (done,) = stored.run(RecordUsageCommand(urn("dataset none"), TEAM, "2026-11-01", {"reads": 1}), now=NOW)
    assert [(error.code.name, error.path) for error in done.errors] == [("NOT_FOUND", ("asset",))]


def marks(memory: Memory, *items: RecordUsageCommand) -> dict[str, tuple[int, bool]]:
    """Return the marks on the dataset after a batch, with whether they are exact."""
    state = memory.state()
    plan(items, state, memory.author(ADA, NOW), dry_run=False)
    memory.vertices, memory.edges = state.vertices, state.edges
    assert {vid for vid, _ in state.marks} <= {D}
    return {name: (mark.at, mark.exact) for (_, name), mark in state.marks.items()}


def test_the_last_day_of_use_is_marked_by_kind_of_consumer(stored: Memory) -> None:
    """Teams and users mark one property, services another; the latest day of a batch counts."""
    items = [usage("2026-11-02"), usage("2026-11-01"), usage("2026-10-01", SERVICE)]
    assert marks(stored, *items) == {
        "usedAt": (midnight("2026-11-02"), False),
        "servedAt": (midnight("2026-10-01"), False),
        "lastUsedAt": (midnight("2026-11-02"), False),
    }
    assert marks(stored, usage("2026-11-03", reads=0.0)) == {}


def test_a_day_that_is_corrected_to_zero_moves_the_mark_back(stored: Memory) -> None:
    """A mark is set back to the last day with usage by its consumers, and to 0 without any."""
    marks(stored, usage("2026-10-05"), usage("2026-11-02"), usage("2026-11-03", SERVICE))
    assert marks(stored, usage("2026-11-02", reads=0.0)) == {
        "usedAt": (midnight("2026-10-05"), True),
        "lastUsedAt": (midnight("2026-11-03"), True),
    }
    assert marks(stored, usage("2026-10-05", reads=0.0)) == {
        "usedAt": (0, True),
        "lastUsedAt": (midnight("2026-11-03"), True),
    }


def brief(record: Record, missing: ReadSet) -> Record:
    """Return the record of a month as it is read at the end of an edge: without its days, which are many."""
    values = {key: value for key, value in record.items() if key != "days"}
    return BriefRecord(values, frozenset({"days"}), missing.require_complete)


@pytest.mark.parametrize("counts", [{"reads": 0.0}, {"reads": 1.0}])
def test_a_hidden_consumer_with_usage_needs_the_reads_of_an_absent_one(
    stored: Memory, counts: dict[str, float]
) -> None:
    """A dry run needs the same reads whether a hidden service used the asset that day or another day, or is absent."""
    ads = {"team ads": ["TECHNICAL"]}
    seeded(stored, *(asset(name, {"visibility": "TEAM"}, owners=ads) for name in ("service s", "service other")))
    stored.run(usage("2026-11-02", SERVICE), usage("2026-11-03", urn("service other")), now=NOW)
    stored.run(*(usage(f"2026-10-{day:02}", TEAM) for day in range(1, 13)), now=NOW)
    hidden = [needed(stored, consumer, counts) for consumer in (SERVICE, urn("service other"), urn("service absent"))]
    months = {(Direction.IN, "USAGE_OF", D)}
    assert [hops for hops, _ in hidden] == [set() if counts["reads"] else months] * 3
    assert [complete for _, complete in hidden] == [not counts["reads"]] * 3
    assert needed(stored, TEAM, counts) == (set(), False), "of a visible consumer nothing is to be concealed"


def needed(stored: Memory, consumer: str, counts: dict[str, float]) -> tuple[set[Any], bool]:
    """Return the hops that a dry run lacks, and whether it needs records with their long values then."""
    month = attached_urn("default", "usage-month", DATA, consumer, "2026-11")
    named = {DATA, TEAM, consumer, month, *(str(each["id"]) for each in stored.vertices.values())}
    item = RecordUsageCommand(DATA, consumer, "2026-11-02", counts)
    lacking: list[ReadSet] = []
    for hops in frozenset[Any](), frozenset({(Direction.IN, "USAGE_OF", D)}):
        missing = ReadSet()
        vertices = {
            vid: brief(each, missing) if len(each.get("days", ())) > 1 else each
            for vid, each in stored.vertices.items()
        }
        coverage = ReadCoverage((), frozenset(), named, hops, frozenset())
        state = WorkingSet(vertices, stored.edges, stored.receipts, coverage, missing)
        plan([item], state, stored.author(ADA, NOW), dry_run=True)
        assert not state.missing.records | {*state.missing.edges}
        lacking.append(state.missing)
    return {*lacking[0].hops}, lacking[1].complete
