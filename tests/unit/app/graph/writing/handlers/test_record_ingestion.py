"""Records of accepted events: one for each event and sender, kept as they were when the event first arrived."""

from typing import Any

from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, person, urn

from graphql_schema.ports.commands import DeleteCommand
from graphql_schema.ports.events.event_commands import RecordIngestionCommand

ADA = person("ada", "team ranking", roles="automation")
D = urn("dataset d")


def recording(
    digest: str = "e1", *, changed: bool = True, state: str = "WRITTEN", **values: Any
) -> RecordIngestionCommand:
    """Return a command about the dataset."""
    return RecordIngestionCommand(D, digest, "jobs", state, changed, values)


def records(memory: Memory) -> list[Any]:
    """Return the ingestions."""
    return [each for each in memory.vertices.values() if each["kind"] == "INGESTION"]


def test_a_repetition_leaves_the_record_as_it_is(memory: Memory) -> None:
    """Only a repetition that changed something replaces the values; the first arrival stays."""
    seeded(memory, asset("dataset d"))
    assert memory.outcomes(recording(edges=[1]), who=ADA, now=NOW + 1) == ["CREATED"]
    assert memory.outcomes(recording(changed=False, edges=[]), who=ADA, now=NOW + 2) == ["UNCHANGED"]
    assert not memory.dirty
    assert memory.outcomes(recording(edges=[2]), who=ADA, now=NOW + 3) == ["UPDATED"]
    (record,) = records(memory)
    assert {key: record[key] for key in ("subject", "actor", "source", "state", "edges", "createdAt")} == {
        "subject": D,
        "actor": "ada",
        "source": "jobs",
        "state": "WRITTEN",
        "edges": [2],
        "createdAt": NOW + 1,
    }


def test_each_sender_and_event_has_a_record(memory: Memory) -> None:
    """Another digest, or another caller, is another record; the asset itself has no further change."""
    seeded(memory, asset("dataset d"))
    memory.run(recording("e1"), recording("e2"), who=ADA)
    memory.run(recording("e1"))
    assert sorted(each["actor"] for each in records(memory)) == ["ada", "ada", "root"]
    assert memory.record("dataset d")["revision"] == 1
    assert sum(each["kind"] == "CHANGE" for each in memory.vertices.values()) == 1


def test_only_who_may_update_the_subject_records(memory: Memory) -> None:
    """A reader and a caller to whom the asset is hidden are refused alike, and nothing is stored."""
    seeded(memory, asset("dataset d", {"visibility": "TEAM"}, owners={"team ads": ["TECHNICAL"]}))
    assert memory.outcomes(recording(), who=ADA) == ["INVALID"]
    assert memory.outcomes(recording(), who=person("bo", "team ads", roles="reader")) == ["DENIED"]
    assert records(memory) == []


def test_an_accepted_event_replaces_its_rejection(memory: Memory) -> None:
    """A rejection that is repeated, or that follows an accepted event, leaves the record as it is."""
    seeded(memory, asset("dataset d"))
    rejection = recording(state="REJECTED", changed=False, reason="CONFLICT")
    assert memory.outcomes(rejection, rejection, who=ADA) == ["CREATED", "UNCHANGED"]
    assert memory.outcomes(recording(changed=False), rejection, who=ADA) == ["UPDATED", "UNCHANGED"]
    (record,) = records(memory)
    assert (record["state"], record.get("reason")) == ("WRITTEN", None)


def test_only_a_rejection_is_recorded_of_a_deleted_subject(memory: Memory) -> None:
    """The deletion may be its reason, and its owner must learn that events still arrive."""
    seeded(memory, asset("dataset d"))
    memory.run(DeleteCommand(D))
    assert memory.outcomes(recording(), recording(state="REJECTED"), who=ADA) == ["CONFLICT", "CREATED"]
