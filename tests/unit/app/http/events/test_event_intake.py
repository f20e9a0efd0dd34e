"""Events taken in: each has a result, and the asset that it is about decides whether it is accepted."""

import threading
from collections.abc import Sequence
from typing import Any, cast

import pytest
from support.documents.lineage_events import LATER
from support.stores.in_memory_writer import Memory
from support.stores.writers import person, shipped_policy

from app.graph.writing.unit.rejections import over_limit
from app.http.events import event_intake
from app.http.events.event_intake import FEW_IGNORED, MAX_IGNORED_TOGETHER, EventIntake, report_of
from app.http.events.merged_names import with_remaining
from app.ingest.sources.openlineage.event_names import EventNames
from app.ingest.sources.openlineage.mapping import MappedEvent
from graphql_schema.execution.side_thread import run_aside
from graphql_schema.fields.context import Context
from graphql_schema.inputs.submit import ScopeError
from graphql_schema.ports.commands import Command
from graphql_schema.ports.outcomes import Outcome, WriteOutcome, outcome_of_event
from graphql_schema.ports.policy_report import PolicyReport
from policies.principal import Principal, PrincipalKind

POLICY = shipped_policy()
SENDER = person("sender", roles="automation")
INTAKE = EventIntake(EventNames(), lambda: LATER)


class MemoryWriter:
    """Writes for one caller into a store in memory."""

    def __init__(self, memory: Memory, who: Principal) -> None:
        self._memory = memory
        self._who = who
        self.calls = 0

    async def write(self, items: Sequence[Command], *, dry_run: bool, atomic: bool) -> list[WriteOutcome]:
        """Write the items as one batch."""
        assert not atomic
        self.calls += 1
        return self._memory.run(*items, who=self._who, dry_run=dry_run)


def context(
    memory: Memory, who: Principal = SENDER, writer: MemoryWriter | None = None, secret: bytes = b""
) -> Context:
    """Return the context of an operation over a store in memory, of a server with a secret."""
    reader: Any = None
    written = writer or MemoryWriter(memory, who)
    return Context(who, lambda *_: reader, written, PolicyReport("1"), secret, lambda: LATER)


def event(run_id: str, **more: Any) -> dict[str, Any]:
    """Return a run event."""
    job = {"namespace": "jobs", "name": "nightly"}
    return {"eventTime": "2026-11-24T09:00:00Z", "run": {"runId": run_id}, "job": job, **more}


async def test_each_event_has_a_result() -> None:
    """A malformed event between two others is refused, and each report is about its own run."""
    memory = Memory(POLICY)
    found = await INTAKE.take(context(memory), [event("a"), {}, event("b")])
    assert [None if each.error is None else each.error.code.value for each in found] == [None, "INVALID", None]
    assert [report_of(found[index])["subject"].rpartition("/")[2] for index in (0, 2)] == ["a", "b"]
    assert [found[index].outcome for index in (0, 2)] == [Outcome.CREATED] * 2
    (again,) = await INTAKE.take(context(memory), [event("a")])
    assert (again.outcome, report_of(again)["linked"]) == (Outcome.UNCHANGED, [])
    (more,) = await INTAKE.take(context(memory), [event("a", inputs=[{"namespace": "n", "name": "t"}])])
    assert more.outcome is Outcome.UPDATED


async def test_the_results_of_long_events_are_made_in_the_side_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """If each names a merged dataset, the commands of all are made anew: 24,000 of them took 0.1 s in one callback."""
    memory, threads = Memory(POLICY), list[bool]()

    def noted(mapped: MappedEvent, own: Sequence[WriteOutcome]) -> MappedEvent:
        threads.append(threading.current_thread() is threading.main_thread())
        return with_remaining(mapped, own)

    events = [event("a"), event("b")]
    monkeypatch.setattr(event_intake, "with_remaining", noted)
    for are_long in (False, True):
        await INTAKE.take(context(memory), events, are_long=are_long)
        assert threads[-2:] == [not are_long] * 2


async def test_ignored_parts_of_a_batch_are_reported_within_a_bound() -> None:
    """Each part of two bytes has a path of hundreds of characters in the report; each event reports some of its own."""
    fields = {"schema": {"fields": [0] * 900}}
    inputs = [{"namespace": "s3://lake", "name": "d", "facets": fields}]
    found = await INTAKE.take(context(Memory(POLICY)), [event(f"r{number}", inputs=inputs) for number in range(9)])
    reported = [report_of(each)["ignored"] for each in found]
    cut = MAX_IGNORED_TOGETHER - 5 * 900
    assert [len(each) for each in reported] == [900] * 5 + [cut + 1] + [FEW_IGNORED + 1] * 3
    assert [each[-1]["reason"] for each in reported[5:]] == [
        f"{900 - count} further parts" for count in (cut, *[FEW_IGNORED] * 3)
    ]
    assert reported[-1][0]["facet"] == "input.schema.fields.0"


async def test_the_id_of_a_record_discloses_no_name_in_its_event() -> None:
    """The id depends on a secret of the server, so that a reader of the record guesses no hidden input by it.

    A repetition finds the same record. The record of a malformed event has such an id as well.
    """
    given = [event("a", inputs=[{"namespace": "n", "name": "hidden"}]), event("a", inputs=[{"namespace": "n"}])]
    found = []
    for secret in (b"one", b"one", b"other"):
        memory = Memory(POLICY)
        await INTAKE.take(context(memory, secret=secret), [event("a"), *given, *given])
        found.append({each["id"] for each in memory.vertices.values() if each["kind"] == "INGESTION"})
    assert [len(each) for each in found] == [3] * 3
    assert found[0] == found[1]
    assert not found[0] & found[2]


@pytest.mark.parametrize("are_long", [False, True])
async def test_long_events_are_mapped_in_the_side_thread(*, are_long: bool) -> None:
    """The event loop serves others meanwhile; short events are mapped at once."""
    threads: set[int] = set()

    def clock() -> int:
        threads.add(threading.get_ident())
        return LATER

    intake = EventIntake(EventNames(), clock)
    found = await intake.take(context(Memory(POLICY)), [event("a"), event("b")], are_long=are_long)
    assert [each.error for each in found] == [None, None]
    expected = await run_aside(threading.get_ident) if are_long else threading.get_ident()
    assert threads == {expected}


async def test_events_and_their_records_are_one_write() -> None:
    """The records need no transaction of their own, and are stored if the events are; rejections come last."""
    memory = Memory(POLICY)
    writer = MemoryWriter(memory, SENDER)
    found = await INTAKE.take(
        context(memory, writer=writer), [event("b", inputs=1), event("a"), event("b"), event("a")]
    )
    assert [each.error is None for each in found] == [False, True, True, True]
    assert writer.calls == 1
    records = [each for each in memory.vertices.values() if each["kind"] == "INGESTION"]
    assert sorted((each["subject"].rpartition("/")[2], each["state"]) for each in records) == [
        ("a", "WRITTEN"),
        ("b", "REJECTED"),
        ("b", "WRITTEN"),
    ]


async def test_the_asset_of_the_event_decides() -> None:
    """An event whose run may not be written is denied; one whose owner is unknown is accepted, with a refusal."""
    memory = Memory(POLICY)
    (denied,) = await INTAKE.take(context(memory, person("bo", roles="reader")), [event("a")])
    assert denied.error is not None
    assert denied.error.code.value == "DENIED"
    owners = {"owners": [{"name": "team:crm"}]}
    job = {"namespace": "jobs", "name": "nightly", "facets": {"ownership": owners}}
    (accepted,) = await INTAKE.take(context(memory), [event("b", job=job)])
    assert accepted.error is None
    (refusal,) = report_of(accepted)["refused"]
    assert (refusal["id"], refusal["code"]) == ("mlg://workflow/openlineage/jobs/nightly", "DENIED")


async def test_a_limit_of_the_asset_rejects_the_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """An event whose asset depends on too much is rejected by the code of the limit, which senders may wait for."""
    memory = Memory(POLICY)
    refused = over_limit("too many").outcome
    monkeypatch.setattr(memory, "run", lambda event, **_: [outcome_of_event("", (refused,) * len(event.commands))])
    (found,) = await INTAKE.take(context(memory), [event("a")])
    assert found.error is not None
    assert (found.error.code.value, found.error.message) == ("LIMIT_EXCEEDED", "too many")


async def test_a_token_that_only_reads_is_refused() -> None:
    """Without the scope to write, nothing is mapped or written."""
    reader = Principal("x", PrincipalKind.PERSON, "default", scopes=frozenset({"graph:read"}))
    memory = Memory(POLICY)
    with pytest.raises(ScopeError):
        await INTAKE.take(context(memory, reader), [event("a")])
    assert cast("dict[int, Any]", memory.vertices) == {}


async def test_a_rejected_event_is_recorded_with_its_run() -> None:
    """Only the sender who may update the run leaves a record; an event about an unknown run leaves none."""
    memory = Memory(POLICY)
    await INTAKE.take(context(memory), [event("a")])
    malformed = [event("a", inputs=1), event("unknown", inputs=1), {"eventTime": "soon"}]
    await INTAKE.take(context(memory, person("bo", roles="reader")), malformed)
    found = await INTAKE.take(context(memory), malformed)
    assert all(each.error is not None for each in found)
    records = [each for each in memory.vertices.values() if each["kind"] == "INGESTION"]
    assert sorted((each["subject"].rpartition("/")[2], each["state"], each.get("reason")) for each in records) == [
        ("a", "REJECTED", "INVALID: inputs"),
        ("a", "WRITTEN", None),
    ]
