"""Rights over edges and their effects on other assets, planned without a store."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest
from support.stores.in_memory_writer import ROOT, Memory, seeded
from support.stores.writers import NOW, asset, link, person, urn

from app.graph.records.vertex_id import vertex_id
from app.graph.records.vertex_record import with_effective_sensitivity
from graphql_schema.ports.commands import (
    Command,
    LinkCommand,
    MergeCommand,
    OpenIncidentCommand,
    RegisterCommand,
    RemoveAliasCommand,
    ResolveIncidentCommand,
    SetAliasCommand,
    UnlinkCommand,
)
from policies.principal import Principal

ADA = person("ada", "team ranking", roles="engineer")
BO = person("bo", "team ads")
ELI = person("eli", "team ranking", roles="engineer approver")
GUEST = person("guest")
OURS = {"team ranking": ["TECHNICAL"]}
THEIRS = {"team ads": ["TECHNICAL"]}
CY = person("cy", "team ads", roles="engineer")
V, W = "model-version v@1", "dataset w"


def dataset(values: dict[str, Any] | None = None, **fields: Iterable[str] | Mapping[str, list[str]]) -> RegisterCommand:
    """Return the dataset that the tables are about."""
    return asset("dataset d", values, **fields)


PERMITS: list[tuple[str, list[Command], Principal, Command, str]] = [
    ("own team", [], ADA, dataset(owners=OURS), "CREATED"),
    ("unowned, an engineer", [], ADA, dataset(), "CREATED"),
    ("unowned, no engineer", [], BO, dataset(), "DENIED"),
    ("for another team", [], ADA, dataset(owners=THEIRS), "DENIED"),
    ("update of another team's", [dataset(owners=THEIRS)], ADA, dataset({"description": "x"}), "DENIED"),
    ("even where nothing would change", [dataset(owners=THEIRS)], ADA, dataset(), "DENIED"),
    ("handing over", [dataset(owners=OURS)], ADA, dataset(owners=THEIRS), "DENIED"),
    ("taking over", [dataset(owners=THEIRS)], ADA, dataset(owners=OURS), "DENIED"),
    ("a version of another team's model", [asset("model m", owners=THEIRS)], ADA, asset("model-version m@1"), "DENIED"),
    (
        "a stub of another team's version",
        [asset("model m", owners=THEIRS), link("FEEDS", "dataset d", "model-version m@1")],
        ADA,
        asset("model-version m@1"),
        "DENIED",
    ),
    (
        "a stub of another team's feature",
        [asset("feature-set s", owners=THEIRS, features=["feature f"])],
        ADA,
        asset("feature f", owners=OURS),
        "DENIED",
    ),
    (
        "a run that makes another team's data",
        [dataset(owners=THEIRS)],
        ADA,
        asset("run r", {"state": "COMPLETE"}, owners=OURS, outputs=["dataset d"]),
        "DENIED",
    ),
    (
        "a link from a run to another team's data",
        [dataset(owners=THEIRS), asset("run r", {"state": "COMPLETE"}, owners=OURS)],
        ADA,
        link("PRODUCES", "run r", "dataset d"),
        "DENIED",
    ),
    ("a link to one's own", [asset("model m", owners=OURS)], ADA, link("FEEDS", "dataset d", "model m"), "CREATED"),
    (
        "a link to another team's",
        [asset("model m", owners=THEIRS)],
        ADA,
        link("FEEDS", "dataset d", "model m"),
        "DENIED",
    ),
    ("a link to an unowned asset, a guest", [], GUEST, link("FEEDS", "dataset d", "model m"), "DENIED"),
    ("a domain for another team's", [dataset(owners=THEIRS)], ADA, link("CONTAINS", "domain x", "dataset d"), "DENIED"),
    ("a team by an engineer", [], ADA, asset("team mine"), "DENIED"),
    ("a user by an engineer", [], ADA, asset("user ada"), "DENIED"),
    ("a membership by an engineer", [], ADA, link("MEMBER_OF", "user ada", "team ads"), "DENIED"),
    ("a team by an admin", [], ROOT, asset("team mine"), "CREATED"),
    ("a tag by an engineer", [], ADA, asset("tag gold"), "DENIED"),
    ("a tag by an admin", [], ROOT, asset("tag gold"), "CREATED"),
    ("a domain by an engineer", [], ADA, asset("domain shop"), "DENIED"),
]


@pytest.mark.parametrize(
    ("before", "who", "item", "outcome"), [row[1:] for row in PERMITS], ids=[row[0] for row in PERMITS]
)
def test_permits(
    memory: Memory, before: list[RegisterCommand | LinkCommand], who: Principal, item: Command, outcome: str
) -> None:
    """Each write requires its right on the asset before and after.

    A denial writes nothing and names the missing right.
    """
    seeded(memory, *before)
    done = memory.run(item, who=who)
    assert done[0].outcome.name == outcome
    if outcome == "DENIED":
        assert not memory.dirty
        assert done[0].errors[0].message.startswith("You may not ")


def test_a_set_owns_only_unowned_stubs(memory: Memory) -> None:
    """A set gives owner and sensitivity to an unowned stub, but not to the feature of another team."""
    seeded(
        memory, asset("feature theirs", owners=THEIRS), asset("feature-set old", owners=THEIRS, features=["feature x"])
    )
    for name in ("theirs", "x"):
        taking = asset("feature-set s", owners=OURS, features=[f"feature {name}", "feature new"])
        assert memory.outcomes(taking, who=ADA) == ["DENIED"]
        assert memory.outcomes(link("CONTAINS", "feature-set s", f"feature {name}"), who=ADA) == ["DENIED"]
    mine = asset("feature-set s", owners=OURS, features=["feature new"])
    assert memory.outcomes(mine, who=ADA) == ["CREATED"]
    assert memory.record("feature new")["ownerTeam"] == urn("team ranking")


def test_a_hidden_feature_in_a_set_stays_unconfirmed(memory: Memory) -> None:
    """A hidden feature in a list is answered like an unknown one, twice; the edge stays unconfirmed."""
    seeded(memory, asset("feature hidden", {"visibility": "TEAM"}, owners=THEIRS), asset("feature-set s", owners=OURS))
    mine = asset("feature-set s", features=["feature hidden", "feature new"])
    assert memory.outcomes(mine, who=ADA) == ["UPDATED"]
    written = {edge["i"]: edge["p"] for edge in (memory.written or {})["edges"]}
    claim = written[vertex_id("default", urn("feature hidden"))]
    assert claim["validTo"] == claim["validFrom"]
    assert memory.outcomes(mine, who=ADA) == ["UNCHANGED"]
    assert memory.record("feature hidden")["index"]["whole"] == ""
    assert memory.record("feature new")["index"]["whole"] == urn("feature-set s")
    assert memory.outcomes(link("CONTAINS", "feature-set s", "feature hidden"), who=ROOT) == ["UPDATED"]
    assert "claim" not in memory.edge("CONTAINS", "feature-set s", "feature hidden")


@pytest.mark.parametrize(("team", "outcome"), [(OURS, "CREATED"), (THEIRS, "DENIED")], ids=["its own", "another's"])
def test_an_output_of_a_run_requires_rights_on_the_run(memory: Memory, team: dict[str, Any], outcome: str) -> None:
    """An edge from a run to its output requires rights on the run, declared in a field as by a link."""
    seeded(memory, asset("run r", {"state": "COMPLETE"}, owners=team))
    version = asset("dataset-version d@1", owners=OURS, producedBy=["run r"])
    assert memory.outcomes(version, who=ADA) == [outcome]
    assert memory.outcomes(link("PRODUCES", "run r", "dataset e"), who=ADA) == [outcome]


@pytest.mark.parametrize(("team", "outcome"), [(OURS, "UPDATED"), (THEIRS, "DENIED")], ids=["its own", "another's"])
def test_declassifying_an_output_requires_approve_on_it(memory: Memory, team: dict[str, Any], outcome: str) -> None:
    """Declassifying the output of a run requires `approve` on the output. `approve` on the run is not enough."""
    run = asset("run r", {"state": "COMPLETE"}, owners=OURS, outputs=["dataset d"])
    seeded(memory, dataset(owners=team), run)
    approver = person("eve", "team ranking", roles="engineer approver")
    assert memory.outcomes(link("PRODUCES", "run r", "dataset d", declassified=True), who=approver) == [outcome]


EVE = person("eve", "team ads", roles="engineer")
SHUT = asset("dataset shut", {"visibility": "TEAM"}, owners=THEIRS)


def test_repeating_an_edge_that_became_unconfirmed_is_permitted(memory: Memory) -> None:
    """A run still ends when its output was registered since by a team that may not see the run.

    The edge is unconfirmed.
    """

    def run(state: str) -> RegisterCommand:
        values = {"state": state, "visibility": "TEAM"}
        return asset("run train", values, owners=THEIRS, outputs=["dataset out"])

    assert memory.outcomes(run("RUNNING"), who=EVE) == ["CREATED"]
    assert memory.outcomes(asset("dataset out", owners=OURS), who=ADA, now=NOW + 1) == ["CREATED"]
    assert memory.edge("PRODUCES", "run train", "dataset out")["claim"]
    assert memory.outcomes(run("RUNNING"), who=EVE, now=NOW + 2) == ["UNCHANGED"]
    assert memory.outcomes(run("COMPLETE"), who=EVE, now=NOW + 3) == ["UPDATED"]
    assert memory.edge("PRODUCES", "run train", "dataset out")["claim"]
    more = asset("run train", {"state": "COMPLETE"}, owners=THEIRS, outputs=["dataset out", "dataset d"])
    seeded(memory, dataset(owners=OURS))
    assert memory.outcomes(more, who=EVE, now=NOW + 4) == ["DENIED"]


def test_an_edge_named_by_the_new_owner_stays_confirmed(memory: Memory) -> None:
    """If the new owner names the same hidden source as others did, their edge stays as it is."""
    seeded(memory, SHUT, link("DERIVES", "dataset shut", "dataset made"), link("DERIVES", "dataset shut", "dataset d"))
    made = asset("dataset made", owners=OURS, derivedFrom=["dataset shut"])
    assert memory.outcomes(made, dataset(owners=OURS), who=ADA, now=NOW + 9) == ["CREATED", "CREATED"]
    edge = memory.edge("DERIVES", "dataset shut", "dataset made")
    assert (edge["validFrom"], "claim" in edge, edge["by"]) == (NOW, False, ["link"])
    unconfirmed = memory.edge("DERIVES", "dataset shut", "dataset d")
    assert (unconfirmed["validFrom"], unconfirmed["earlier"]) == (NOW + 9, [[NOW, NOW + 9]])


@pytest.fixture
def raised(memory: Memory) -> Memory:
    """Return a store with a version and a dataset of ads, the run of the version, and a placeholder of ada."""
    seeded(memory, asset("team ads"), asset("user eli"), asset("model v", owners=THEIRS), asset(V))
    seeded(memory, asset(W, owners=THEIRS), asset("dataset free"), asset("run r", {"state": "COMPLETE"}, outputs=[V]))
    assert memory.outcomes(link("DERIVES", "dataset old", "dataset mine"), who=ADA, now=NOW + 1) == ["CREATED"]
    assert memory.outcomes(link("DERIVES", "dataset old", W), who=CY, now=NOW + 1) == ["CREATED"]
    return memory


def raise_unconfirmed(memory: Memory, visibility: str = "ORG", names: Sequence[str] = (V, W)) -> None:
    """Raise the assets of ads as a caller without rights on them does, or also hide them by their visibility."""
    for name in names:
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


def test_an_incident_on_it_is_not_resolved(raised: Memory) -> None:
    """Ada may change the other asset of the incident; what the visibility hides still counts as absent."""
    opened = incident(raised)
    raise_unconfirmed(raised)
    assert codes(raised, ResolveIncidentCommand(opened)) == ["DENIED"]
    raise_unconfirmed(raised, "TEAM")
    assert codes(raised, ResolveIncidentCommand(opened)) == []


def test_no_approver_is_named_in_its_run(raised: Memory) -> None:
    """Who may not link the version may not name who requested it, also while the version is raised."""
    raise_unconfirmed(raised)
    assert codes(raised, link("STARTED_BY", "run r", "user eli")) == ["DENIED"]
    raise_unconfirmed(raised, "TEAM")
    assert codes(raised, link("STARTED_BY", "run r", "user eli")) == []


def test_the_placeholder_that_it_derives_from_is_not_merged(raised: Memory) -> None:
    """The edge of ads would lead to a dataset of ada for ever, also if the visibility hides the asset of ads."""
    merge = MergeCommand(urn("dataset old"), urn("dataset mine"))
    raised.run(UnlinkCommand("DERIVES", urn("dataset old"), urn("dataset mine")), who=ADA, now=NOW + 2)
    raise_unconfirmed(raised)
    assert codes(raised, merge) == ["DENIED"]
    raise_unconfirmed(raised, "TEAM")
    assert codes(raised, merge) == ["CONFLICT"]


@pytest.mark.parametrize("remove", [False, True])
def test_its_alias_is_neither_moved_nor_removed(raised: Memory, *, remove: bool) -> None:
    """A protected alias of a version that counts as absent would move without a gate."""
    mine, theirs = "model-version o@2", "model-version o@1"
    seeded(raised, asset("model o", owners=OURS), asset(theirs, owners=THEIRS), asset(mine))
    model = urn("model o")
    both = person("pat", "team ranking", "team ads", roles="approver")
    protect = SetAliasCommand(model, "champion", urn(theirs), protected=True)
    assert raised.outcomes(protect, who=both, now=NOW + 2) == ["UPDATED"]
    item = RemoveAliasCommand(model, "champion", None) if remove else SetAliasCommand(model, "champion", urn(mine))
    raise_unconfirmed(raised, names=[theirs])
    assert codes(raised, item, ELI) == ["DENIED"]
    raise_unconfirmed(raised, "TEAM", names=[theirs])
    assert codes(raised, item, ELI) == []


def test_the_edge_to_it_is_not_declassified(raised: Memory) -> None:
    """Eli approves for the run that produced it, and not for the dataset itself."""
    seeded(raised, asset("run mine", {"state": "COMPLETE"}, owners=OURS), link("PRODUCES", "run mine", W))
    declassify = link("PRODUCES", "run mine", W, declassified=True)
    assert raised.outcomes(declassify, who=ELI, now=NOW + 2) == ["DENIED"]
    raise_unconfirmed(raised)
    assert codes(raised, declassify, ELI) == ["DENIED"]
    raise_unconfirmed(raised, "TEAM")
    assert codes(raised, declassify, ELI) == []


def test_its_owner_is_not_concerned(raised: Memory) -> None:
    """An unconfirmed raise takes nothing from the owner of the version."""
    opened = incident(raised)
    raise_unconfirmed(raised)
    assert codes(raised, ResolveIncidentCommand(opened), CY) == []
