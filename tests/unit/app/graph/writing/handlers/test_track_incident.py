"""Incidents: who may open and resolve one, and what each leaves on its assets."""

from dataclasses import replace
from typing import Any

import pytest
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, link, person, set_owners, urn

from app.graph.writing.handlers import track_incident as module
from graphql_schema.ports.commands import DeleteCommand, OpenIncidentCommand, ReportCheckCommand, ResolveIncidentCommand
from graphql_schema.rules.gate_evaluation import counts_on
from policies.installation.reserved_names import Reservation, ReservedNames
from policies.policy import Policy

ADA, BO = person("ada", "team ranking", roles="engineer"), person("bo", "team ads", roles="engineer")
BOTH = person("cy", "team ranking", "team ads", roles="engineer")
OURS, THEIRS = {"team ranking": ["TECHNICAL"]}, {"team ads": ["TECHNICAL"]}
A, B = urn("dataset a"), urn("dataset b")


@pytest.fixture
def stored(memory: Memory) -> Memory:
    """Return a store with one dataset of each of two teams."""
    return seeded(memory, asset("dataset a", owners=OURS), asset("dataset b", owners=THEIRS))


def opened(memory: Memory, *assets: str, who: Any = ADA, now: int = NOW + 1) -> str:
    """Open an incident and return its id."""
    (done,) = memory.run(OpenIncidentCommand(assets, "late", "HIGH"), who=who, now=now)
    assert (done.outcome.name, done.errors) == ("CREATED", ())
    return str(done.created_record)


def record(memory: Memory, one: str) -> Any:
    """Return the record of an id."""
    return next(each for each in memory.vertices.values() if each["id"] == one)


def refusal(memory: Memory, command: Any, who: Any = ADA) -> tuple[str, tuple[str, ...]]:
    """Return code and path of a refusal."""
    (done,) = memory.run(command, who=who, now=NOW + 9)
    (error,) = done.errors
    return error.code.name, error.path


def test_an_incident_is_open_until_it_is_resolved(stored: Memory) -> None:
    """Both instants are recorded, the revision of the asset stays, and resolving again changes nothing."""
    one = opened(stored, A)
    values = ("title", "state", "severity", "openedAt", "subjects")
    assert [record(stored, one)[name] for name in values] == ["late", "OPEN", "HIGH", NOW + 1, [A]]
    assert stored.outcomes(ResolveIncidentCommand(one), who=ADA, now=NOW + 5) == ["UPDATED"]
    found = record(stored, one)
    assert [found[name] for name in ("state", "resolvedAt", "resolvedBy")] == ["RESOLVED", NOW + 5, "ada"]
    assert stored.outcomes(ResolveIncidentCommand(one), who=ADA, now=NOW + 6) == ["UNCHANGED"]
    assert stored.record("dataset a")["revision"] == 1


def test_the_id_discloses_no_asset_and_no_cause(policy: Policy) -> None:
    """The id is the same whatever else is concerned, so that a reader who may not see all of it guesses nothing.

    Incidents of one transaction have ids of their own.
    """
    ids = set()
    for assets, has_cause in (((A,), False), ((A, B), False), ((A,), True)):
        stored = seeded(Memory(policy), asset("dataset a", owners=OURS), asset("dataset b", owners=OURS))
        (result,) = stored.run(ReportCheckCommand(B, "fresh", "FRESHNESS", "FAIL", NOW, {}), who=ADA)
        cause = result.created_record if has_cause else None
        (done,) = stored.run(OpenIncidentCommand(assets, "late", "HIGH", cause), who=ADA, now=NOW + 1)
        ids.add(done.created_record)
    assert len(ids) == 1
    both = stored.run(*(OpenIncidentCommand((each,), "late", "HIGH") for each in (A, B)), who=ADA, now=NOW + 2)
    assert len({each.created_record for each in both}) == 2


def test_opening_needs_the_right_on_every_asset(stored: Memory) -> None:
    """One asset of another team denies the whole, and an unknown one is named by its index."""
    assert refusal(stored, OpenIncidentCommand((A, B), "late", "HIGH"))[0] == "DENIED"
    unknown = OpenIncidentCommand((A, urn("dataset none")), "late", "HIGH")
    assert refusal(stored, unknown) == ("NOT_FOUND", ("assets", "1"))
    stored.run(DeleteCommand(A), now=NOW + 1)
    assert refusal(stored, OpenIncidentCommand((A,), "late", "HIGH"))[0] == "CONFLICT"


def test_resolving_needs_the_right_on_every_asset(stored: Memory) -> None:
    """Neither team alone resolves an incident on both, unless the other asset is deleted."""
    one = opened(stored, A, B, who=BOTH)
    for who in (ADA, BO):
        assert refusal(stored, ResolveIncidentCommand(one), who)[0] == "DENIED"
    stored.run(DeleteCommand(A), now=NOW + 1)
    assert stored.outcomes(ResolveIncidentCommand(one), who=BO, now=NOW + 2) == ["UPDATED"]


def test_an_incident_on_an_unowned_asset_has_the_owners_of_its_reporter(memory: Memory) -> None:
    """They are the teams and the user of the caller, and the owners of the other assets; else nothing is recorded."""
    seeded(memory, asset("dataset a"), asset("dataset b", owners={"user dan": ["TECHNICAL"]}))
    ours, dan = urn("team ranking"), urn("user dan")
    member = replace(ADA, user=urn("user ada"), acts_for=frozenset({dan, urn("domain d")}))
    assert record(memory, opened(memory, A, who=member))["reporters"] == [ours, urn("user ada")]
    assert record(memory, opened(memory, A, B, who=member, now=NOW + 2))["reporters"] == [ours, urn("user ada"), dan]
    assert "reporters" not in record(memory, opened(memory, B, who=member, now=NOW + 3))
    assert "reporters" not in record(memory, opened(memory, A, B, who=person("root", roles="admin")))


@pytest.mark.parametrize("about", ["dataset a", "dataset-version a@1"])
def test_who_owned_a_placeholder_for_a_while_reported_as_a_stranger(memory: Memory, about: str) -> None:
    """Bo gives a placeholder an own owner, opens an incident, and gives it back; it counts for who registers it not."""
    seeded(memory, asset("dataset b", owners=THEIRS))
    steps = (link("DERIVES", about, "dataset b"), set_owners("dataset a", "team ads"))
    assert memory.outcomes(*steps, who=BO) == ["CREATED", "UPDATED"]
    one = opened(memory, urn(about), B, who=BO)
    assert memory.outcomes(set_owners("dataset a"), who=BO, now=NOW + 2) == ["UPDATED"]
    assert memory.outcomes(asset("dataset a", owners=OURS), asset(about), who=ADA, now=NOW + 3)[0] == "CREATED"
    incident, registered = record(memory, one), memory.record(about)
    assert (incident["reporters"], incident["unowned"]) == ([urn("team ads")], [urn(about)])
    assert (registered["ownerTeam"], counts_on(registered["id"], registered["ownerTeam"], incident)) == (
        urn("team ranking"),
        False,
    )


@pytest.mark.parametrize("own", [False, True], ids=["inherited owner", "own owner"])
@pytest.mark.parametrize(("parent", "child"), [("model q", "model-version q@1"), ("feature-set f", "feature a")])
def test_who_owned_the_child_of_a_placeholder_reported_as_a_stranger(
    memory: Memory, parent: str, child: str, *, own: bool
) -> None:
    """Bo registers a child below an own placeholder, opens an incident on it, and gives the placeholder back."""
    is_feature = parent.startswith("feature-set")
    seeded(memory, asset("dataset b", owners=THEIRS))
    refers = link("CONTAINS", parent, child) if is_feature else link("PRODUCES", "run r", child)
    memory.run(refers, set_owners(parent, "team ads"), who=BO)
    owned = asset(child, owners=THEIRS) if own else asset(child)
    assert memory.outcomes(owned, who=BO, now=NOW + 1) == ["CREATED"]
    one = opened(memory, urn(child), B, who=BO)
    memory.run(set_owners(child), set_owners(parent), who=BO, now=NOW + 2)
    members: dict[str, Any] = {"features": [child]} if is_feature else {}
    assert memory.outcomes(asset(parent, owners=OURS, **members), who=ADA, now=NOW + 3) == ["CREATED"]
    memory.run(asset(child, owners=OURS), who=ADA, now=NOW + 4)
    registered = memory.record(child)
    assert (registered["ownerTeam"], counts_on(registered["id"], registered["ownerTeam"], record(memory, one))) == (
        urn("team ranking"),
        False,
    )


@pytest.mark.parametrize("reserved", [True, False])
def test_the_lasting_owner_of_a_placeholder_reports_as_its_owner(memory: Memory, *, reserved: bool) -> None:
    """It is the team of a reserved name, or the owner of a registered parent, and an incident has no reporters."""
    entry = Reservation(urn("team ranking"), frozenset({"Dataset"}), ("test",))
    memory.reserved_names = ReservedNames((entry,) if reserved else ())
    known = () if reserved else (asset("dataset a", owners=OURS),)
    seeded(memory, *known, asset("run r", inputs=["dataset a", "dataset-version a@1"]))
    for at, about in enumerate((A, urn("dataset-version a@1")) if reserved else (urn("dataset-version a@1"),)):
        assert "reporters" not in record(memory, opened(memory, about, now=NOW + at))


def test_who_takes_a_placeholder_resolves_no_incident_of_others(memory: Memory) -> None:
    """Ada opens one on an own dataset and a placeholder. Bo, who registers the latter, may not resolve it."""
    seeded(memory, asset("dataset a", owners=OURS))
    memory.run(link("DERIVES", "dataset a", "dataset b"))
    one = opened(memory, A, B)
    seeded(memory, asset("dataset b", owners=THEIRS))
    assert refusal(memory, ResolveIncidentCommand(one), BO)[0] == "DENIED"


def test_a_check_lists_the_last_of_many_open_incidents(stored: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Incidents that others opened with one result leave out no later one, which the next failure finds."""
    monkeypatch.setattr(module, "MAX_TRACKED", 2)
    failure = ReportCheckCommand(A, "fresh", "FRESHNESS", "FAIL", NOW, {})
    (done,) = stored.run(failure, who=ADA)
    for number in range(1, 5):
        stored.run(OpenIncidentCommand((A,), "late", "HIGH", done.created_record), who=ADA, now=NOW + number)
    (check,) = [each for each in stored.vertices.values() if each["kind"] == "CHECK"]
    newest = [each["id"] for each in stored.vertices.values() if each["kind"] == "INCIDENT"][-2:]
    assert check["openIncidents"] == newest


def test_a_cause_must_be_visible(stored: Memory) -> None:
    """An unknown cause is not found at its field."""
    gone = urn("check-result x")
    command = OpenIncidentCommand((A,), "late", "HIGH", gone)
    assert refusal(stored, command) == ("NOT_FOUND", ("cause",))


def test_every_asset_has_the_incident_in_its_audit(stored: Memory) -> None:
    """Opening and resolving are changes of both assets."""
    one = opened(stored, A, B, who=BOTH)
    stored.run(ResolveIncidentCommand(one, "fixed"), who=BOTH, now=NOW + 2)
    for urn_ in (A, B):
        changes = [each for each in stored.vertices.values() if each.get("subject") == urn_]
        shown = [(each["fields"][0]["before"], each["fields"][0]["after"], each.get("reason")) for each in changes[-2:]]
        assert shown == [(None, one, None), (one, None, "fixed")]


def test_two_equal_incidents_are_two(stored: Memory) -> None:
    """Another instant makes another incident."""
    assert opened(stored, A, now=NOW + 1) != opened(stored, A, now=NOW + 2)


def test_a_check_tracks_the_open_incidents_that_it_caused(stored: Memory) -> None:
    """A failing check opens one incident and keeps it until it is resolved; then the next failure opens another."""

    def failed(at: int) -> str:
        command = ReportCheckCommand(A, "fresh", "FRESHNESS", "FAIL", at, {}, open_incident=True)
        (done,) = stored.run(command, who=ADA, now=at)
        return str(record(stored, str(done.created_record))["incident"])

    first = failed(NOW + 1)
    assert failed(NOW + 2) == first
    (check,) = [each for each in stored.vertices.values() if each["kind"] == "CHECK"]
    assert check["openIncidents"] == [first]
    stored.run(ResolveIncidentCommand(first), who=ADA, now=NOW + 3)
    assert record(stored, check["id"])["openIncidents"] == []
    assert failed(NOW + 4) != first
