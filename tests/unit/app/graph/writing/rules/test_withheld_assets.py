"""An asset that only an unconfirmed raise hides from a caller keeps the caller from what needs a right on it."""

from typing import Any

import pytest
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, link, person, urn

from app.graph.records.vertex_id import vertex_id
from app.graph.records.vertex_record import with_effective_sensitivity
from graphql_schema.ports.commands import (
    Command,
    MergeCommand,
    OpenIncidentCommand,
    ResolveIncidentCommand,
    UnlinkCommand,
)

ADA, CY = person("ada", "team ranking", roles="engineer"), person("cy", "team ads", roles="engineer")
THEIRS = {"team ads": ["TECHNICAL"]}
V, W = "model-version v@1", "dataset w"


@pytest.fixture
def stored(memory: Memory) -> Memory:
    """Return a store with a version and a dataset of ads, the run of the version, and a placeholder of ada."""
    seeded(memory, asset("team ads"), asset("user eli"), asset("model v", owners=THEIRS), asset(V))
    seeded(memory, asset(W, owners=THEIRS), asset("dataset free"), asset("run r", {"state": "COMPLETE"}, outputs=[V]))
    assert memory.outcomes(link("DERIVES", "dataset old", "dataset mine"), who=ADA, now=NOW + 1) == ["CREATED"]
    assert memory.outcomes(link("DERIVES", "dataset old", W), who=CY, now=NOW + 1) == ["CREATED"]
    return memory


def raise_unconfirmed(memory: Memory, visibility: str = "ORG") -> None:
    """Raise the assets of ads as a caller without rights on them does, or also hide them by their visibility."""
    for name in (V, W):
        raised = with_effective_sensitivity(memory.record(name), "RESTRICTED", confirmed=False)
        memory.vertices[vertex_id("default", urn(name))] = {**raised, "visibility": visibility}


def codes(memory: Memory, command: Command, who: Any = ADA) -> list[str]:
    """Return the codes of the errors of a command."""
    (done,) = memory.run(command, who=who, now=NOW + 9)
    assert not any(urn(name) in error.message for error in done.errors for name in (V, W))
    return [error.code.name for error in done.errors]


def incident(memory: Memory) -> str:
    """Return an incident of root on the version and the unowned dataset."""
    (done,) = memory.run(OpenIncidentCommand((urn(V), urn("dataset free")), "late", "HIGH"), now=NOW + 2)
    return str(done.created_record)


def test_an_incident_on_it_is_not_resolved(stored: Memory) -> None:
    """Ada may change the other asset of the incident; what the visibility hides still counts as absent."""
    opened = incident(stored)
    raise_unconfirmed(stored)
    assert codes(stored, ResolveIncidentCommand(opened)) == ["DENIED"]
    raise_unconfirmed(stored, "TEAM")
    assert codes(stored, ResolveIncidentCommand(opened)) == []


def test_no_approver_is_named_in_its_run(stored: Memory) -> None:
    """Who may not link the version may not name who requested it, also while the version is raised."""
    raise_unconfirmed(stored)
    assert codes(stored, link("STARTED_BY", "run r", "user eli")) == ["DENIED"]
    raise_unconfirmed(stored, "TEAM")
    assert codes(stored, link("STARTED_BY", "run r", "user eli")) == []


def test_the_placeholder_that_it_derives_from_is_not_merged(stored: Memory) -> None:
    """The edge of ads would lead to a dataset of ada for ever."""
    merge = MergeCommand(urn("dataset old"), urn("dataset mine"))
    stored.run(UnlinkCommand("DERIVES", urn("dataset old"), urn("dataset mine")), who=ADA, now=NOW + 2)
    raise_unconfirmed(stored)
    assert codes(stored, merge) == ["DENIED"]
    raise_unconfirmed(stored, "TEAM")
    assert codes(stored, merge) == []


def test_its_owner_is_not_concerned(stored: Memory) -> None:
    """An unconfirmed raise takes nothing from the owner of the version."""
    opened = incident(stored)
    raise_unconfirmed(stored)
    assert codes(stored, ResolveIncidentCommand(opened), CY) == []
