"""The queue of thin events: one record for an object, leases, retries, dead events, limits and rights."""

from typing import Any

import pytest
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, person, urn

from graphql_schema.catalog.thin_event_rules import (
    LATEST_DUE_MS,
    LEASE_MS,
    MAX_ATTEMPTS,
    MAX_PAUSE_MS,
    MAX_PENDING,
    MAX_PER_MINUTE,
)
from graphql_schema.ports.commands import (
    DeleteCommand,
    LinkCommand,
    RegisterCommand,
)
from graphql_schema.ports.events.event_commands import (
    FinishThinEventCommand,
    QueueThinEventCommand,
    ReplayThinEventCommand,
    TakeThinEventCommand,
)

ADA = person("ada", "team ranking", roles="automation")
SOURCE = urn("workflow prod")
RUN = QueueThinEventCommand(SOURCE, "run", "r1")
OBJECT = asset("run r1", owners={"team ranking": ["TECHNICAL"]})
"""The registration of the asset that the object is."""


def source(**more: Any) -> RegisterCommand:
    """Return the registration of a source that is an MLflow registry."""
    owners = {"team ranking": ["TECHNICAL"]}
    return asset("workflow prod", {"workflowKind": "mlflow", **more}, owners=owners)


def events(memory: Memory) -> list[Any]:
    """Return the thin events."""
    return [each for each in memory.vertices.values() if each["kind"] == "THIN_EVENT"]


def event(memory: Memory) -> Any:
    """Return the only thin event."""
    (found,) = events(memory)
    return found


def pending(memory: Memory) -> int:
    """Return the number of pending events by which the source is limited."""
    (found,) = [each for each in memory.vertices.values() if each["kind"] == "THIN_EVENT_QUEUE"]
    return int(found["pending"])


def taken(memory: Memory, now: int) -> Any:
    """Queue one event, take it and return it."""
    memory.run(RUN, who=ADA, now=now)
    memory.run(TakeThinEventCommand(event(memory)["id"]), who=ADA, now=now)
    return event(memory)


def done(event: Any, attempt: int = 1, *, asset: str | None = None) -> FinishThinEventCommand:
    """Return the report of a success."""
    return FinishThinEventCommand(event["id"], attempt, outcome="CREATED", asset=asset)


def failed(event: Any, attempt: int = 1) -> FinishThinEventCommand:
    """Return the report of a failure."""
    return FinishThinEventCommand(event["id"], attempt, reason="STORE_UNAVAILABLE")


def test_an_object_has_one_event_that_is_due_once(memory: Memory) -> None:
    """Repetitions change nothing, the first taker gets the event, and a success ends it; the source does not change."""
    seeded(memory, source(), OBJECT)
    audited = [each["id"] for each in memory.vertices.values() if each["kind"] == "CHANGE"]
    assert memory.outcomes(RUN, RUN, who=ADA) == ["CREATED", "UNCHANGED"]
    take = TakeThinEventCommand(event(memory)["id"])
    assert memory.outcomes(take, take, who=ADA) == ["UPDATED", "UNCHANGED"]
    assert (event(memory)["state"], event(memory)["attempts"], event(memory)["dueAt"]) == ("PENDING", 1, NOW + LEASE_MS)
    success = done(event(memory), asset=urn("run r1"))
    assert memory.outcomes(success, success, who=ADA, now=NOW + 5) == ["UPDATED", "CONFLICT"]
    assert {name: event(memory)[name] for name in ("state", "outcome", "asset", "finishedAt", "actor", "source")} == {
        "state": "DONE",
        "outcome": "CREATED",
        "asset": urn("run r1"),
        "finishedAt": NOW + 5,
        "actor": "ada",
        "source": "prod",
    }
    assert pending(memory) == 0
    assert memory.record("workflow prod")["revision"] == 1
    assert [each["id"] for each in memory.vertices.values() if each["kind"] == "CHANGE"] == audited


def test_an_event_during_the_read_makes_the_object_due_again(memory: Memory) -> None:
    """What was read may be older than the event; after the next read it is done."""
    seeded(memory, source())
    first = taken(memory, NOW)
    assert memory.outcomes(RUN, RUN, who=ADA, now=NOW + 1) == ["UPDATED", "UNCHANGED"]
    memory.run(done(first), who=ADA, now=NOW + 2)
    assert (event(memory)["state"], event(memory)["dueAt"], pending(memory)) == ("PENDING", NOW + 2, 1)
    memory.run(TakeThinEventCommand(first["id"]), done(first, 2), who=ADA, now=NOW + 3)
    assert (event(memory)["state"], pending(memory)) == ("DONE", 0)


def test_a_killed_worker_loses_its_lease_and_not_the_event(memory: Memory) -> None:
    """After the lease another worker takes the event, and the report of the first one is a CONFLICT."""
    seeded(memory, source())
    first = taken(memory, NOW)
    again = TakeThinEventCommand(first["id"])
    assert memory.outcomes(again, who=ADA, now=NOW + LEASE_MS - 1) == ["UNCHANGED"]
    assert memory.outcomes(again, done(first), done(first, 2), who=ADA, now=NOW + LEASE_MS) == [
        "UPDATED",
        "CONFLICT",
        "UPDATED",
    ]


def test_a_report_that_is_repeated_does_not_end_the_attempt_of_another_worker(memory: Memory) -> None:
    """The event was sent again meanwhile, and the report of its first attempt is that of an older read."""
    seeded(memory, source())
    first = taken(memory, NOW)
    assert memory.outcomes(done(first), done(first), who=ADA, now=NOW + 1) == ["UPDATED", "CONFLICT"]
    second = taken(memory, NOW + 2)
    assert (second["id"], second["state"], second["taken"]) == (first["id"], "PENDING", True)
    assert memory.outcomes(done(first), who=ADA, now=NOW + 3) == ["CONFLICT"]
    memory.run(failed(second, second["attempts"]), who=ADA, now=NOW + 4)
    assert event(memory)["state"] == "PENDING"


def test_an_event_that_an_older_release_made_pending_has_all_attempts(memory: Memory) -> None:
    """It counts from 0 again, and keeps the number of a newer release."""
    seeded(memory, source())
    first = taken(memory, NOW)
    vid = next(vid for vid, each in memory.vertices.items() if each["id"] == first["id"])
    memory.vertices[vid] = {**first, "attempts": 0, "attemptsBefore": 12, "taken": False, "dueAt": NOW}
    memory.run(TakeThinEventCommand(first["id"]), failed(first, 1), who=ADA, now=NOW + 1)
    assert (event(memory)["state"], event(memory)["attempts"]) == ("PENDING", 1)
    assert 5_000 <= event(memory)["dueAt"] - NOW - 1 <= 10_000


def test_an_attempt_that_an_older_release_made_may_fail(memory: Memory) -> None:
    """It may have as many attempts from 0 on as a newer release had before; the next attempt follows."""
    seeded(memory, source())
    first = taken(memory, NOW)
    vid = next(vid for vid, each in memory.vertices.items() if each["id"] == first["id"])
    memory.vertices[vid] = {**first, "attempts": 3, "attemptsBefore": 3}
    assert memory.outcomes(failed(first, 3), who=ADA, now=NOW + 1) == ["UPDATED"]
    assert (event(memory)["state"], event(memory)["dueAt"] > NOW + 5_000) == ("PENDING", True)


def test_failures_are_tried_again_until_the_event_is_dead(memory: Memory) -> None:
    """Pauses grow up to their maximum; the last failure makes it dead, and a replay or an event makes it pending."""
    seeded(memory, source())
    memory.run(RUN, who=ADA)
    now, pauses = NOW, list[int]()
    for attempt in range(1, MAX_ATTEMPTS + 1):
        memory.run(TakeThinEventCommand(event(memory)["id"]), failed(event(memory), attempt), who=ADA, now=now)
        pauses.append(event(memory)["dueAt"] - now)
        now = event(memory)["dueAt"]
    assert (event(memory)["state"], event(memory)["reason"], pending(memory)) == ("DEAD", "STORE_UNAVAILABLE", 0)
    bounds = [min(10_000 * 2**number, MAX_PAUSE_MS) for number in range(MAX_ATTEMPTS - 1)]
    assert all(bound / 2 <= pause <= bound for pause, bound in zip(pauses, bounds, strict=False)), pauses
    replay = ReplayThinEventCommand(event(memory)["id"])
    assert memory.outcomes(TakeThinEventCommand(event(memory)["id"]), who=ADA, now=now) == ["UNCHANGED"]
    assert memory.outcomes(replay, replay, who=ADA, now=now) == ["UPDATED", "UNCHANGED"]
    assert (event(memory)["attempts"], event(memory)["dueAt"], pending(memory)) == (MAX_ATTEMPTS, now, 1)
    assert "finishedAt" not in event(memory)
    again = TakeThinEventCommand(event(memory)["id"])
    assert memory.outcomes(again, failed(event(memory), MAX_ATTEMPTS + 1), who=ADA, now=now) == ["UPDATED", "UPDATED"]
    assert (event(memory)["state"], 5_000 <= event(memory)["dueAt"] - now <= 10_000) == ("PENDING", True)


def test_an_event_that_kills_its_workers_is_dead(memory: Memory) -> None:
    """Attempts without any report count, too."""
    seeded(memory, source())
    memory.run(RUN, who=ADA)
    for attempt in range(MAX_ATTEMPTS + 1):
        assert event(memory)["state"] == "PENDING"
        memory.run(TakeThinEventCommand(event(memory)["id"]), who=ADA, now=NOW + attempt * LEASE_MS)
    assert (event(memory)["state"], event(memory)["reason"], pending(memory)) == ("DEAD", "TIMEOUT", 0)


def at_the_last_attempt(memory: Memory) -> Any:
    """Return an event whose last attempt was begun at NOW, and during which another event about it has arrived."""
    seeded(memory, source())
    for attempt in range(MAX_ATTEMPTS):
        taken(memory, NOW + (attempt + 1 - MAX_ATTEMPTS) * LEASE_MS)
    assert (event(memory)["attempts"], event(memory)["taken"]) == (MAX_ATTEMPTS, True)
    assert memory.outcomes(RUN, who=ADA, now=NOW + 1) == ["UPDATED"]
    return event(memory)


def test_an_event_during_the_last_attempt_outlives_its_failure(memory: Memory) -> None:
    """What failed may be older than the event, which was accepted: the object has all attempts again."""
    of = at_the_last_attempt(memory)
    memory.run(failed(of, MAX_ATTEMPTS), who=ADA, now=NOW + 2)
    found = {name: event(memory)[name] for name in ("state", "attempts", "dueAt", "reason", "taken", "again")}
    assert found == {
        "state": "PENDING",
        "attempts": MAX_ATTEMPTS,
        "dueAt": NOW + 2,
        "reason": "STORE_UNAVAILABLE",
        "taken": False,
        "again": False,
    }
    assert pending(memory) == 1
    memory.run(TakeThinEventCommand(of["id"]), done(of, MAX_ATTEMPTS + 1), who=ADA, now=NOW + 3)
    assert (event(memory)["state"], pending(memory)) == ("DONE", 0)


def test_an_event_during_the_last_attempt_outlives_its_worker(memory: Memory) -> None:
    """After the lease of a worker that was killed, the event is taken as for the first time, and can end again."""
    of = at_the_last_attempt(memory)
    take = TakeThinEventCommand(of["id"])
    assert memory.outcomes(take, who=ADA, now=NOW + LEASE_MS) == ["UPDATED"]
    found = {name: event(memory)[name] for name in ("state", "attempts", "again")}
    assert found == {"state": "PENDING", "attempts": MAX_ATTEMPTS + 1, "again": False}
    assert pending(memory) == 1
    for attempt in range(2, MAX_ATTEMPTS + 2):
        memory.run(take, who=ADA, now=NOW + attempt * LEASE_MS)
    assert (event(memory)["state"], event(memory)["reason"], pending(memory)) == ("DEAD", "TIMEOUT", 0)


@pytest.mark.parametrize(
    ("numbers", "refused_until"),
    [({"pending": MAX_PENDING}, None), ({"arrived": MAX_PER_MINUTE}, (NOW // 60_000 + 1) * 60_000)],
    ids=["pending", "in a minute"],
)
def test_a_source_has_a_limit(memory: Memory, numbers: dict[str, int], refused_until: int | None) -> None:
    """A new event beyond it is refused and not stored; a known one is not; a limit of a minute ends with it."""
    seeded(memory, source())
    memory.run(RUN, who=ADA)
    ((vid, queue),) = [each for each in memory.vertices.items() if each[1]["kind"] == "THIN_EVENT_QUEUE"]
    memory.vertices[vid] = {**queue, **numbers}
    other = QueueThinEventCommand(SOURCE, "run", "r2")
    (refused,) = memory.run(other, who=ADA)
    assert [each.code.name for each in refused.errors] == ["LIMIT_EXCEEDED"]
    assert len(events(memory)) == 1
    assert memory.outcomes(RUN, who=ADA) == ["UNCHANGED"]
    if refused_until is not None:
        assert memory.outcomes(other, who=ADA, now=refused_until - 1) == ["CONFLICT"]
        assert memory.outcomes(other, who=ADA, now=refused_until) == ["CREATED"]


def test_a_source_has_types(memory: Memory) -> None:
    """An unknown type is refused with the known ones, and so is a workflow that is no source, or only a stub."""
    seeded(memory, source())
    (refused,) = memory.run(QueueThinEventCommand(SOURCE, "table", "t"), who=ADA)
    assert [(each.code.name, each.path) for each in refused.errors] == [("INVALID", ("type",))]
    assert "model_version" in refused.errors[0].message
    other = urn("workflow other")
    seeded(memory, asset("workflow other", owners={"team ranking": ["TECHNICAL"]}))
    seeded(memory, LinkCommand("TRIGGERS", other, urn("workflow stub"), {"origin": "DECLARED"}))
    for subject in (other, urn("workflow stub")):
        assert memory.outcomes(QueueThinEventCommand(subject, "run", "r1"), who=ADA) == ["INVALID"]
    assert events(memory) == []


def test_hidden_and_absent_sources_and_events_are_refused_alike(memory: Memory) -> None:
    """To a caller of another team, every command about a hidden source has the error of an absent one.

    So have those about the events of a source that the caller may read and not update.
    """
    seeded(memory, source(visibility="TEAM"))
    memory.run(RUN, who=ADA)
    bo = person("bo", "team ads", roles="automation")
    hidden, absent = event(memory)["id"], event(memory)["id"][:-1] + "_"

    def errors(subject: str, of: str) -> list[Any]:
        given = (
            QueueThinEventCommand(subject, "run", "r1"),
            TakeThinEventCommand(of),
            FinishThinEventCommand(of, 1, reason="NOT_FOUND"),
            ReplayThinEventCommand(of),
        )
        return [
            [(each.code, each.message.replace(subject, "S").replace(of, "E"), each.path) for each in result.errors]
            for result in memory.run(*given, who=bo)
        ]

    assert errors(SOURCE, hidden) == errors(urn("workflow absent"), absent)
    memory.run(source(visibility="ORG"), who=ADA)
    assert errors(SOURCE, hidden)[1:] == errors(SOURCE, absent)[1:]


def test_an_object_is_an_asset_that_the_worker_may_have_written(memory: Memory) -> None:
    """A hidden asset is refused like an absent one; so are one of others and one that was only referenced."""
    ads = {"team ads": ["TECHNICAL"]}
    seeded(
        memory, source(), asset("model theirs", owners=ads), asset("model hidden", {"visibility": "TEAM"}, owners=ads)
    )
    seeded(memory, LinkCommand("TRIGGERS", SOURCE, urn("workflow stub"), {"origin": "DECLARED"}))
    of = taken(memory, NOW)

    def refused(text: str) -> tuple[str, str, tuple[str, ...]]:
        (result,) = memory.run(done(of, asset=urn(text)), who=ADA)
        (error,) = result.errors
        return error.code.name, error.message.replace(urn(text), "ID"), error.path

    assert refused("model hidden") == refused("model absent")
    found = {text: refused(text)[::2] for text in ("model absent", "model theirs", "workflow stub")}
    assert found == {
        "model absent": ("NOT_FOUND", ("asset",)),
        "model theirs": ("DENIED", ("asset",)),
        "workflow stub": ("INVALID", ("asset",)),
    }
    assert event(memory)["state"] == "PENDING"


def test_only_who_may_update_the_source_moves_its_events(memory: Memory) -> None:
    """A reader of the source is refused every command and sees no event; a deleted source takes no events."""
    seeded(memory, source())
    of = taken(memory, NOW)
    reader = person("vera", "team ads", roles="viewer")
    given = (RUN, TakeThinEventCommand(of["id"]), done(of), ReplayThinEventCommand(of["id"]))
    found = [result.errors[0].code.name for result in memory.run(*given, who=reader)]
    assert found == ["DENIED", "NOT_FOUND", "NOT_FOUND", "NOT_FOUND"]
    memory.run(DeleteCommand(SOURCE))
    assert memory.outcomes(RUN, who=ADA) == ["CONFLICT"]


@pytest.mark.parametrize(("ahead", "outcome"), [(0, "UNCHANGED"), (1, "UPDATED")])
def test_an_event_of_a_clock_that_was_ahead_is_due(memory: Memory, ahead: int, outcome: str) -> None:
    """It is due from later on than any pause lasts: nothing else would let a worker take it, whatever arrives."""
    seeded(memory, source())
    memory.run(RUN, who=ADA, now=NOW + LATEST_DUE_MS + ahead)
    assert memory.outcomes(TakeThinEventCommand(event(memory)["id"]), who=ADA, now=NOW) == [outcome]
    if ahead:
        assert (event(memory)["attempts"], event(memory)["dueAt"]) == (1, NOW + LEASE_MS)
