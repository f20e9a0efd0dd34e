"""The record of an event: names with rules, effects on assets and edges, and the state that they add up to."""

from typing import Any

import orjson
import pytest
from support.documents.lineage_events import LATER

from app.graph.records.record_text import text_of, weight_of
from app.http.events.event_result import EventResult, about
from app.http.events.ingestion_record import MAX_ENTRIES, MAX_LIST_BYTES, digest_of, ingestion_of, rejection_of
from app.ingest.sources.openlineage.event_names import EventNames
from app.ingest.sources.openlineage.event_subject import EventSubject, subject_of
from app.ingest.sources.openlineage.lineage_event import MAX_NAME_LENGTH, EventError, checked_event
from app.ingest.sources.openlineage.mapping import map_event
from graphql_schema.execution.side_thread import run_at_once
from graphql_schema.ports.operation_budget import UsageLimits
from graphql_schema.ports.outcomes import MutationErrorCode, ObservedChanges, Outcome, WriteOutcome, refused
from graphql_schema.ports.relation_query import MAX_PAGE_SIZE
from policies.errors import Code, CodedError, InvalidError

RUN = "mlg://run/openlineage/default/r"
TABLE = "mlg://dataset/pg/db/t"
EVENT = {
    "eventTime": "2026-11-24T09:00:00Z",
    "eventType": "COMPLETE",
    "producer": "https://example.com",
    "run": {"runId": "r"},
    "job": {"namespace": "jobs", "name": "j"},
    "inputs": [{"namespace": "pg://db", "name": "t", "facets": {"schema": {"fields": 1}}}],
}
UNCHANGED = WriteOutcome(Outcome.UNCHANGED, observed=ObservedChanges())


def recorded(dataset: WriteOutcome, run: WriteOutcome, **more: Any) -> Any:
    """Return the command about an event, with the outcomes for its dataset and its run."""
    event = {**EVENT, **more}
    return ingestion_of(
        EventResult(run_at_once(map_event(checked_event(event, LATER), EventNames())), (dataset, UNCHANGED, run)),
        digest_of(event, b""),
    )


def test_the_record_has_the_effects() -> None:
    """Each name has its rule, each asset that changed its fields, each edge its effect, each facet its reason."""
    dataset = WriteOutcome(Outcome.UPDATED, observed=ObservedChanges(("format",), ("description",), ("columns",)))
    run = WriteOutcome(Outcome.CREATED, observed=ObservedChanges(linked=(("inputs", TABLE),), ended=(("tags", "x"),)))
    command = recorded(dataset, run)
    assert (command.subject, command.source, command.state, command.changed) == (RUN, "jobs", "WRITTEN", True)
    job = "mlg://workflow/openlineage/jobs/j"
    assert command.values == {
        "eventAt": 1_795_510_800_000,
        "eventType": "COMPLETE",
        "producer": "https://example.com",
        "names": [
            {"role": "input", "namespace": "pg://db", "name": "t", "rule": "EXACT", "asset": TABLE},
            {"role": "job", "namespace": "jobs", "name": "j", "rule": "EXACT", "asset": job},
        ],
        "assets": [
            {
                "asset": TABLE,
                "outcome": "UPDATED",
                "changed": ["format"],
                "kept": ["description"],
                "outdated": ["columns"],
            },
            {"asset": RUN, "outcome": "CREATED", "changed": [], "kept": [], "outdated": []},
        ],
        "edges": [
            {"field": "inputs", "effect": "BEGAN", "source": RUN, "target": TABLE},
            {"field": "tags", "effect": "ENDED", "source": RUN, "target": "x"},
        ],
        "ignored": [{"facet": "input.schema", "reason": "`fields` is no list", "asset": TABLE}],
    }


@pytest.mark.parametrize(
    ("dataset", "refusals", "state"),
    [
        (UNCHANGED, (), "WRITTEN"),
        (refused(Outcome.DENIED, MutationErrorCode.DENIED, "no"), (), "PARTIAL"),
        (UNCHANGED, (("parentRun", "p", "no"),), "PARTIAL"),
        (UNCHANGED, (("inputs", TABLE, "no"),), "NO_EDGES"),
    ],
)
def test_the_state_shows_missing_lineage(dataset: WriteOutcome, refusals: Any, state: str) -> None:
    """NO_EDGES if every input and output was refused, PARTIAL if anything was."""
    run = WriteOutcome(Outcome.UNCHANGED, observed=ObservedChanges(refused=refusals))
    command = recorded(dataset, run)
    assert (command.state, command.changed) == (state, False)
    assert [each["outcome"] for each in command.values["assets"]] == (["DENIED"] if dataset.errors else [])


@pytest.mark.parametrize("code", [MutationErrorCode.DENIED, MutationErrorCode.NOT_FOUND, MutationErrorCode.CONFLICT])
def test_edges_of_a_refused_asset_are_refused(code: MutationErrorCode) -> None:
    """They follow the others; the lineage of the run itself is not missing, so the state is PARTIAL."""
    named = {"namespace": "pg://db", "name": "t", "type": "DATASET"}
    entries = [
        {**named, "name": "o", "inputs": [named]},
        {"type": "JOB", "namespace": "jobs", "name": "k", "inputs": [named]},
    ]
    job = {"namespace": "jobs", "name": "j", "facets": {"lineage": {"entries": entries}}}
    event = {**EVENT, "job": job}
    mapped = run_at_once(map_event(checked_event(event, LATER), EventNames()))
    run = WriteOutcome(Outcome.UPDATED, observed=ObservedChanges(linked=(("inputs", TABLE),)))
    no = refused(Outcome.DENIED, code, "no")
    output, other = "mlg://dataset/pg/db/o", "mlg://workflow/openlineage/jobs/k"
    by_urn = {RUN: run, output: no, other: no}
    outcomes = tuple(by_urn.get(str(about(command)), UNCHANGED) for command in mapped.commands)
    command = ingestion_of(EventResult(mapped, outcomes), digest_of(event, b""))
    assert (command.state, command.values["edges"]) == (
        "PARTIAL",
        [
            {"field": "inputs", "effect": "BEGAN", "source": RUN, "target": TABLE},
            {"field": "derivedFrom", "effect": "REFUSED", "source": output, "target": TABLE},
            {"field": "inputs", "effect": "REFUSED", "source": other, "target": TABLE},
        ],
    )


def test_the_digest_is_that_of_the_event() -> None:
    """The order of members does not count, every value does."""
    first = recorded(UNCHANGED, UNCHANGED)
    assert first.digest == recorded(UNCHANGED, UNCHANGED, eventType="COMPLETE").digest
    assert first.digest != recorded(UNCHANGED, UNCHANGED, eventType="FAIL").digest


@pytest.mark.usefixtures("by_chance")
@pytest.mark.parametrize("name", ["in", "i" * 400], ids=["short", "long"])
def test_no_list_of_a_record_has_a_number_that_readers_know(name: str) -> None:
    """Who sees a part of its entries would count the others, which name hidden assets, if all lists had as many."""
    many = ObservedChanges(linked=tuple(("inputs", f"{name}{number}") for number in range(MAX_ENTRIES + 1)))
    records = [recorded(UNCHANGED, WriteOutcome(Outcome.UPDATED, observed=many)) for _ in range(60)]
    lengths = {len(record.values["edges"]) for record in records}
    sizes = [len(orjson.dumps(record.values["edges"])) for record in records]
    assert len(lengths) > 5
    assert max(lengths) <= MAX_ENTRIES
    assert max(sizes) < MAX_LIST_BYTES + MAX_ENTRIES + 2
    assert min(lengths) > MAX_ENTRIES * 0.7 or min(sizes) > MAX_LIST_BYTES * 0.7


def test_a_page_of_records_stays_within_the_limit_of_an_operation() -> None:
    """Long names and facets make a list shorter, so that no sender keeps others from listing what became of events."""
    long = [{"namespace": f"pg://{'x' * 400}", "name": f"{number}{'y' * 1_000}"} for number in range(MAX_ENTRIES)]
    facets = {f"{number}{'z' * 1_000}": {"_deleted": True} for number in range(MAX_ENTRIES)}
    event = {**EVENT, "inputs": long, "run": {"runId": "r", "facets": facets}}
    mapped = run_at_once(map_event(checked_event(event, LATER), EventNames()))
    outcomes = tuple(
        WriteOutcome(
            Outcome.CREATED,
            observed=ObservedChanges(linked=tuple(("inputs", each.urn) for each in mapped.resolved), kept=("a" * 100,)),
        )
        for _ in mapped.commands
    )
    rejection = rejection_of(EventResult(mapped, outcomes, CodedError("no", Code.CONFLICT)), digest_of(event, b""))
    for command in (ingestion_of(EventResult(mapped, outcomes), digest_of(event, b"")), rejection):
        assert command is not None
        for name in ("names", "assets", "edges", "ignored"):
            entries = command.values[name]
            assert 1 < len(entries) < MAX_ENTRIES, name
            assert len(orjson.dumps(entries)) < MAX_LIST_BYTES + len(entries) + 2
        assert len(command.source) <= MAX_NAME_LENGTH
        assert weight_of(text_of(command.values)) * MAX_PAGE_SIZE < UsageLimits().stored


@pytest.mark.parametrize("member", ["run", "job", "dataset"])
@pytest.mark.parametrize("length", [400, MAX_NAME_LENGTH, MAX_NAME_LENGTH + 1, 3_000_000])
def test_the_record_of_a_malformed_event_is_short(member: str, length: int) -> None:
    """However long its names and other texts are; the store holds the source of each record in an index."""
    named = {"namespace": "n" * length, "name": "j" * length}
    about = {"run": {"run": {"runId": "r"}, "job": named}, "job": {"job": named}, "dataset": {"dataset": named}}[member]
    event = {**about, "eventTime": "x" * length, "eventType": "x" * length, "producer": "p" * length}
    with pytest.raises(EventError) as malformed:
        checked_event(event, LATER)
    subject = subject_of(event, EventNames())
    command = rejection_of(EventResult(error=malformed.value, about=subject), digest_of(event, b""), event)
    assert (command is None) == (subject is None)
    assert (command is None) == (length > MAX_NAME_LENGTH or (length > 400 and member != "run"))
    if command is not None:
        assert command.source == "n" * length
        assert len(command.subject) + len(orjson.dumps(command.values)) < 4 * MAX_NAME_LENGTH


def rejected(error: CodedError, *, about: EventSubject | None = None, **more: Any) -> Any:
    """Return the command about a rejected event: a malformed one, or one that is mapped if ``about`` is None."""
    event = {**EVENT, **more}
    if about is not None:
        return rejection_of(EventResult(error=error, about=about), digest_of(event, b""), event)
    names = run_at_once(map_event(checked_event(event, LATER), EventNames()))
    return rejection_of(
        EventResult(names, (UNCHANGED, UNCHANGED, refused(Outcome.CONFLICT, MutationErrorCode.CONFLICT, "no")), error),
        digest_of(event, b""),
    )


def test_a_rejected_event_has_its_reason() -> None:
    """The code, and no message; inputs and outputs of the event are refused edges."""
    command = rejected(CodedError("secret", Code.CONFLICT))
    assert (command.subject, command.source, command.state, command.changed) == (RUN, "jobs", "REJECTED", False)
    assert command.values["reason"] == "CONFLICT"
    assert command.values["edges"] == [{"field": "inputs", "effect": "REFUSED", "source": RUN, "target": TABLE}]
    assert [each["role"] for each in command.values["names"]] == ["input", "job"]
    assert [(each["asset"], each["outcome"]) for each in command.values["assets"]] == [(RUN, "CONFLICT")]
    assert "secret" not in str(command)


def test_a_malformed_event_has_what_can_be_read() -> None:
    """The member that is malformed is named, and no value of it."""
    about = EventSubject(RUN, "jobs")
    error = EventError("`inputs` is 'secret'; send a list.", "inputs")
    assert rejected(error, about=about, eventTime="soon", eventType=5, producer=None).values == {
        "eventAt": None,
        "eventType": "OTHER",
        "producer": None,
        "names": [],
        "assets": [],
        "edges": [],
        "ignored": [],
        "reason": "INVALID: inputs",
    }
    readable = rejected(error, about=about)
    assert readable.digest == recorded(UNCHANGED, UNCHANGED).digest
    given = {"eventAt": 1_795_510_800_000, "eventType": "COMPLETE", "producer": "https://example.com"}
    assert {name: readable.values[name] for name in given} == given


def test_an_instant_that_no_calendar_shows_is_not_recorded() -> None:
    """The day is in 9999, and its offset makes it the next year in UTC: no list could show a record with it."""
    given = {**EVENT, "eventTime": "9999-12-31T23:59:59-23:59"}
    with pytest.raises(EventError, match="write an instant") as refused_event:
        checked_event(given, LATER)
    record = rejected(refused_event.value, about=EventSubject(RUN, "jobs"), eventTime=given["eventTime"])
    assert (record.values["eventAt"], record.values["reason"]) == (None, "INVALID: eventTime")


@pytest.mark.parametrize("error", [CodedError("no", Code.DENIED), CodedError("no", Code.NOT_FOUND)])
def test_a_sender_without_rights_leaves_no_record(error: CodedError) -> None:
    """Nor does an event that names no asset, or an accepted one."""
    assert rejected(error) is None
    assert rejection_of(EventResult(error=InvalidError("no")), "e", EVENT) is None
    assert rejection_of(EventResult(error=InvalidError("no"), about=EventSubject(RUN, "jobs")), "e", []) is None
    assert rejection_of(EventResult(), "e", EVENT) is None
