"""Values of an asset are checked as they are stored together, also if several calls give them."""

from typing import Any

import pytest
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, person, urn

from app.graph.records.vertex_id import vertex_id
from app.graph.writing.rules.stored_values import MAX_RECORD
from app.graph.writing.unit.visibility import CallerVisibility
from graphql_schema.ports.commands import DeleteCommand, ObserveCommand, ObservedValue, RevertCommand

ADA = person("ada", "team ranking", roles="engineer")
OURS = {"team ranking": ["TECHNICAL"]}
RUN = {"state": "COMPLETE"}


def stored(memory: Memory, **values: Any) -> Memory:
    """Return a store with a run that has these values."""
    return seeded(memory, asset("run r", RUN | values, owners=OURS))


@pytest.mark.parametrize(
    ("kind", "before", "given", "message"),
    [
        ("run", {"startedAt": 20}, {"endedAt": 10}, "`endedAt` is before `startedAt`"),
        ("run", {"endedAt": 10}, {"startedAt": 20}, "`endedAt` is before `startedAt`"),
        ("experiment", {"startedAt": 20}, {"endedAt": 10}, "`endedAt` is before `startedAt`"),
        ("deployment", {"deployedAt": 20}, {"retiredAt": 10}, "`retiredAt` is before `deployedAt`"),
    ],
)
def test_an_end_before_the_stored_begin_is_refused(
    memory: Memory, kind: str, before: dict[str, Any], given: dict[str, Any], message: str
) -> None:
    """The error is at the given field and nothing is written; equal instants are accepted."""
    ((there, at),), ((field, _),) = before.items(), given.items()
    seeded(memory, asset(f"{kind} a", {**RUN, **before}, owners=OURS))
    (done,) = memory.run(asset(f"{kind} a", given), who=ADA, now=NOW + 1)
    (error,) = done.errors
    assert (error.code.name, error.path, memory.dirty) == ("INVALID", (field,), False)
    assert error.message == f"{message}; correct one of them. The stored values count as well."
    assert memory.outcomes(asset(f"{kind} a", {field: at}), who=ADA, now=NOW + 2) == ["UPDATED"]
    assert memory.record(f"{kind} a")[there] == at


def test_a_revert_restores_no_end_before_a_begin(memory: Memory) -> None:
    """A begin that was corrected to an earlier instant is not restored once the run ended before the former one."""
    stored(memory, startedAt=20)
    memory.run(asset("run r", {"startedAt": 5}), who=ADA, now=NOW + 1)
    changes: list[Any] = [each for each in memory.vertices.values() if each.get("subject") == urn("run r")]
    change = max(changes, key=lambda each: each["createdAt"])["id"]
    memory.run(asset("run r", {"endedAt": 10}), who=ADA, now=NOW + 2)
    (done,) = memory.run(RevertCommand(change), who=ADA, now=NOW + 3)
    assert [(error.code.name, error.path) for error in done.errors] == [("INVALID", ("change",))]
    assert memory.record("run r")["startedAt"] == 5


def test_values_in_the_wrong_order_bind_no_other_change(memory: Memory) -> None:
    """A run that was stored so may change otherwise and be corrected; another wrong instant is refused."""
    stored(memory, startedAt=20)
    vid = vertex_id("default", urn("run r"))
    memory.vertices[vid] = {**memory.vertices[vid], "endedAt": 10}
    assert memory.outcomes(asset("run r", {"description": "x"}), who=ADA, now=NOW + 1) == ["UPDATED"]
    assert memory.outcomes(asset("run r", {"endedAt": 10}), who=ADA, now=NOW + 1) == ["UNCHANGED"]
    assert memory.outcomes(asset("run r", {"endedAt": 11}), who=ADA, now=NOW + 1) == ["INVALID"]
    assert memory.outcomes(asset("run r", {"endedAt": 21}), who=ADA, now=NOW + 2) == ["UPDATED"]


def test_an_event_is_not_refused(memory: Memory) -> None:
    """Clocks of senders differ, and an event has more to say than when it was."""
    stored(memory, startedAt=20)
    event = ObserveCommand(urn("run r"), "r", (ObservedValue("endedAt", 10, (10,)),))
    assert memory.outcomes(event, who=ADA, now=NOW + 1) == ["UPDATED"]
    assert memory.record("run r")["endedAt"] == 10


def test_a_hidden_instant_decides_nothing(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal would disclose that a begin is stored, and where it lies."""
    stored(memory, startedAt=20)
    monkeypatch.setattr(CallerVisibility, "unknown_fields", lambda _self, _record: frozenset({"startedAt"}))
    assert memory.outcomes(asset("run r", {"endedAt": 10}), who=ADA, now=NOW + 1) == ["UPDATED"]
    assert memory.outcomes(asset("run r", {"startedAt": 12}), who=ADA, now=NOW + 2) == ["INVALID"]


def test_the_values_of_several_items_are_bounded_together(memory: Memory) -> None:
    """A record that is too large is refused, whichever command makes it; a stored one may shrink, or be deleted."""
    half = "x" * (MAX_RECORD // 2)
    seeded(memory, asset("run r", {**RUN, "description": half}, owners=OURS))
    for command in (asset("run r", {**RUN, "error": half}), observed("error", half)):
        (done,) = memory.run(command, who=ADA, now=NOW + 1)
        (error,) = done.errors
        assert (error.code.name, memory.dirty) == ("INVALID", False)
        assert f"would take more than {MAX_RECORD} bytes together" in error.message
    assert memory.outcomes(asset("run s", {**RUN, "error": half, "codeRef": half}), who=ADA, now=NOW + 1) == ["INVALID"]
    large = {**memory.record("run r"), "error": half, "codeRef": half}
    memory.vertices[vertex_id("default", urn("run r"))] = large
    assert memory.outcomes(asset("run r", {**RUN, "codeRef": "x"}), who=ADA, now=NOW + 1) == ["UPDATED"]
    memory.vertices[vertex_id("default", urn("run r"))] = large
    assert memory.outcomes(DeleteCommand(urn("run r")), who=ADA, now=NOW + 1) == ["UPDATED"]


def test_the_size_of_a_hidden_value_decides_nothing(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal would disclose how long it is; a value that the caller gives counts, also in a hidden field."""
    half = "x" * (MAX_RECORD // 2)
    stored(memory, error=half)
    assert memory.outcomes(asset("run r", {"description": half}), who=ADA, now=NOW + 1) == ["INVALID"]
    monkeypatch.setattr(CallerVisibility, "unknown_fields", lambda _self, _record: frozenset({"error"}))
    assert memory.outcomes(asset("run r", {"description": half}), who=ADA, now=NOW + 1) == ["UPDATED"]
    assert memory.outcomes(asset("run r", {"error": half + "y"}), who=ADA, now=NOW + 2) == ["INVALID"]


def test_many_small_changes_do_not_pass_the_limit(memory: Memory) -> None:
    """Each of them adds some hundred bytes to a text."""
    seeded(memory, asset("run r", {**RUN, "description": "x" * (MAX_RECORD - 1_000)}, owners=OURS))
    items = [asset("run r", {**RUN, "codeRef": "y" * 400 * step}) for step in range(1, 6)]
    assert memory.outcomes(*items, who=ADA, now=NOW + 1) == ["UPDATED"] * 2 + ["INVALID"] * 3


def observed(field: str, value: str) -> ObserveCommand:
    """Return a command by which an event gives a value of the run."""
    return ObserveCommand(urn("run r"), "r", (ObservedValue(field, value, (1,), ""),), ())
