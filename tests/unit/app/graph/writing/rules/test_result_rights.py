"""Rights on the result of a write, planned without a store."""

from dataclasses import replace
from typing import Any

import pytest
from support.stores.in_memory_writer import ROOT, Memory, seeded
from support.stores.writers import NOW, asset, link, person, urn

from app.graph.records.edge_record import EdgeKey
from app.graph.records.vertex_id import vertex_id
from app.graph.writing.unit.lookup import Lookup
from app.graph.writing.unit.visibility import CallerVisibility
from graphql_schema.catalog.relations import Direction
from graphql_schema.ports.commands import ApproveCommand, Command, SetAliasCommand
from graphql_schema.ports.record import Record
from policies.installation.gates import NO_GATES, Gate, Gates, Needs

ADA = person("ada", "team ranking", roles="engineer")
MO = replace(person("mo", "team ranking", roles="engineer approver"), user=urn("user mo"))
EVE = person("eve", "team ranking", roles="engineer approver")
OURS, THEIRS = {"team ranking": ["TECHNICAL"]}, {"team ads": ["TECHNICAL"]}
GATES = Gates((Gate("g", Needs(("ethics",)), domains=frozenset({urn("domain health")})),))


@pytest.fixture
def memory(memory: Memory) -> Memory:
    """Return a store with a gate for a domain, and a model of HIGH risk in this domain."""
    memory.gates = GATES
    return seeded(memory, asset("model m", {"riskTier": "HIGH"}, owners=OURS, domain=["domain health"]))


def test_a_weaker_gate_needs_the_right_to_approve(memory: Memory) -> None:
    """An engineer neither leaves the domain of a gate nor lowers the risk; an engineer who may approve does both."""
    leaving, lowering = asset("model m", domain=["domain ads"]), asset("model m", {"riskTier": "LOW"})
    for item in (leaving, lowering):
        assert memory.outcomes(item, who=ADA) == ["DENIED"]
        assert memory.outcomes(item, who=MO) == ["UPDATED"]


def test_a_stricter_gate_needs_no_other_right_than_the_change(memory: Memory) -> None:
    """An engineer may move a model into the domain of a gate, and change values that select no gate."""
    seeded(memory, asset("model other", owners=OURS))
    into = asset("model other", {"riskTier": "LOW"}, domain=["domain health"])
    assert memory.outcomes(into, asset("model m", {"task": "ranking"}), who=ADA) == ["UPDATED", "UPDATED"]


@pytest.mark.parametrize("made", ["model", "version", "request"])
def test_no_maker_weakens_a_gate(memory: Memory, made: str) -> None:
    """Who registered the model, or made or requested a version of it, does not lower the risk, but another may."""
    mine, version = asset("model n", {"riskTier": "HIGH"}, owners=OURS), asset("model-version n@1")
    assert memory.outcomes(mine, who=MO if made == "model" else ROOT) == ["CREATED"]
    assert memory.outcomes(version, who=MO if made == "version" else ROOT) == ["CREATED"]
    if made == "request":
        run = asset("run r", {"state": "COMPLETE"}, outputs=["model-version n@1"])
        seeded(memory, run, link("STARTED_BY", "run r", "user mo"))
    lowering = asset("model n", {"riskTier": "LOW"})
    assert memory.outcomes(lowering, who=MO, now=NOW + 1) == ["DENIED"]
    assert memory.outcomes(lowering, who=EVE, now=NOW + 1) == ["UPDATED"]


def champion(*, protected: bool) -> SetAliasCommand:
    """Return the promotion of a version to an alias."""
    return SetAliasCommand(urn("model m"), "champion", urn("model-version m@0"), protected=protected)


@pytest.mark.parametrize(
    "item",
    [
        asset("model m", {"riskTier": "LOW"}),
        champion(protected=False),
        ApproveCommand(urn("deployment s"), "g", "APPROVED"),
    ],
    ids=["risk", "alias", "deployment"],
)
@pytest.mark.parametrize("is_named", [True, False])
def test_one_edge_is_examined_for_each_run(
    memory: Memory, monkeypatch: pytest.MonkeyPatch, item: Command, *, is_named: bool
) -> None:
    """Many versions may have the same runs, with thousands of users each: to go through all would take seconds."""
    memory.gates = NO_GATES
    versions, users = ([f"{kind}{number}" for number in range(6)] for kind in ("model-version m@", "user u"))
    seeded(memory, *map(asset, versions), asset("deployment s", owners=OURS, modelVersion=versions))
    for name, starters in (("run a", users), ("run b", [*users, "user mo"] if is_named else users)):
        seeded(memory, asset(name, {"state": "COMPLETE"}, outputs=versions, startedBy=starters))
    assert memory.outcomes(champion(protected=True), who=EVE) == ["UPDATED"]
    examined: list[EdgeKey] = []
    edge, edges_at = Lookup.edge, Lookup.edges_at

    def one(self: Lookup, key: EdgeKey) -> Record | None:
        examined.append(key)
        return edge(self, key)

    def several(self: Lookup, relation: str, direction: Direction, vid: int) -> list[EdgeKey]:
        examined.extend(found := edges_at(self, relation, direction, vid))
        return found

    monkeypatch.setattr(Lookup, "edge", one)
    monkeypatch.setattr(Lookup, "edges_at", several)
    done = memory.outcomes(item, who=MO, now=NOW + 1)
    assert (done == ["DENIED"]) == is_named
    of_runs = sorted(key for key in examined if key[0] == "STARTED_BY")
    mo = vertex_id("default", urn("user mo"))
    both = sorted(("STARTED_BY", vertex_id("default", urn(run)), mo) for run in ("run a", "run b"))
    assert of_runs == both or (is_named and of_runs == [("STARTED_BY", vertex_id("default", urn("run b")), mo)])


@pytest.mark.parametrize("made", [0, 1])
def test_the_denial_names_the_first_of_the_own_versions(memory: Memory, made: int) -> None:
    """Mo made one version and requested the other one: the message names the first of these, whichever that is."""
    versions = sorted(("model-version m@0", "model-version m@1"), key=lambda each: vertex_id("default", urn(each)))
    assert memory.outcomes(asset(versions[made]), who=MO) == ["CREATED"]
    seeded(memory, asset(versions[1 - made]), asset("run r", {"state": "COMPLETE"}, outputs=[versions[1 - made]]))
    seeded(memory, link("STARTED_BY", "run r", "user mo"))
    (done,) = memory.run(asset("model m", {"riskTier": "LOW"}), who=MO, now=NOW + 1)
    (error,) = done.errors
    assert f"you made or requested {urn(versions[0])};" in error.message


def test_the_maker_of_a_model_is_who_registered_it(memory: Memory) -> None:
    """Eve only names a model that mo registers: mo does not lower its risk, and eve does."""
    assert memory.outcomes(link("FEEDS", "dataset d", "model n"), who=EVE) == ["CREATED"]
    assert memory.outcomes(asset("model n", {"riskTier": "HIGH"}, owners=OURS), who=MO) == ["CREATED"]
    assert memory.record("model n")["createdBy"] == "eve"
    lowering = asset("model n", {"riskTier": "LOW"})
    assert memory.outcomes(lowering, who=MO, now=NOW + 1) == ["DENIED"]
    assert memory.outcomes(lowering, who=EVE, now=NOW + 1) == ["UPDATED"]


def test_no_promoter_makes_a_version_after_weakening_the_gate(memory: Memory) -> None:
    """Mo lowers the risk, registers a version and may not promote it to a protected alias; eve may."""
    assert memory.outcomes(asset("model m", {"riskTier": "LOW"}), who=MO, now=NOW + 1) == ["UPDATED"]
    assert memory.outcomes(asset("model-version m@1"), who=MO, now=NOW + 2) == ["CREATED"]
    promote = SetAliasCommand(urn("model m"), "champion", urn("model-version m@1"), protected=True)
    assert memory.outcomes(asset("model m", domain=["domain ads"]), who=EVE, now=NOW + 2) == ["UPDATED"]
    assert memory.outcomes(promote, who=MO, now=NOW + 3) == ["DENIED"]
    assert memory.outcomes(promote, who=EVE, now=NOW + 3) == ["UPDATED"]


def test_the_domain_of_a_stub_binds_no_registration(memory: Memory) -> None:
    """Any caller may put a stub into a domain, so its first registration decides anew."""
    seeded(memory, asset("model-version stub@1"))
    memory.vertices = {
        vid: {**record, "index": {**record["index"], "domain": urn("domain health")}}
        if record["id"] == urn("model stub")
        else record
        for vid, record in memory.vertices.items()
    }
    assert memory.outcomes(asset("model stub", owners=OURS, domain=["domain ads"]), who=ADA) == ["CREATED"]


@pytest.mark.parametrize(
    ("before", "after", "ada", "mo"),
    [
        ("HIGH", "LOW", "DENIED", "UPDATED"),
        ("LOW", None, "DENIED", "UPDATED"),
        ("LOW", "HIGH", "UPDATED", "UPDATED"),
        (None, "LOW", "UPDATED", "UPDATED"),
    ],
)
def test_a_lower_risk_needs_an_approver(
    memory: Memory, before: str | None, after: str | None, ada: str, mo: str
) -> None:
    """A lower risk tier may open gates, also where no gate names it; a higher one closes them."""
    for who, outcome in ((ADA, ada), (MO, mo)):
        name = f"model {who.subject}"
        seeded(memory, asset(name, {"riskTier": before}, owners=OURS))
        assert memory.outcomes(asset(name, {"riskTier": after}), who=who, now=NOW + 1) == [outcome]


@pytest.mark.parametrize(
    ("values", "fields"),
    [({}, {"owners": THEIRS}), ({"visibility": "TEAM"}, {"owners": THEIRS})],
)
def test_an_asset_is_not_given_away(memory: Memory, values: Any, fields: Any) -> None:
    """The owner team could not take it back; with a second team of the caller's it may be shared."""
    seeded(memory, asset("dataset d", owners=OURS))
    assert memory.outcomes(asset("dataset d", values, **fields), who=ADA, now=NOW + 1) == ["DENIED"]
    assert memory.outcomes(asset("dataset d", owners=OURS | THEIRS), who=ADA, now=NOW + 1) == ["UPDATED"]


def test_only_an_administrator_makes_a_tag_propagate(memory: Memory) -> None:
    """A propagating tag changes assets of every team, also when it ceases to propagate.

    An engineer may not change a tag at all.
    """
    seeded(memory, asset("tag gold", {"tagKind": "FREE"}))
    switched = asset("tag gold", {"propagates": True})
    assert memory.outcomes(switched, who=ADA, now=NOW + 1) == ["DENIED"]
    assert memory.outcomes(asset("tag gold", {"propagates": False}), who=ADA, now=NOW + 1) == ["DENIED"]
    assert memory.outcomes(switched, now=NOW + 1) == ["UPDATED"]
    assert memory.outcomes(asset("tag gold", {"propagates": False}), who=ADA, now=NOW + 2) == ["DENIED"]


@pytest.mark.parametrize("is_used", [True, False])
def test_a_new_tag_that_propagates_needs_the_right_to_administer(memory: Memory, *, is_used: bool) -> None:
    """The token of an administrator without its scope registers tags, and no propagating one, also one in use."""
    if is_used:
        seeded(memory, asset("dataset d", tags=["tag gold"]))
    token = replace(person("root", roles="admin"), scopes=ADA.scopes)
    gold = asset("tag gold", {"tagKind": "PII", "propagates": True})
    assert memory.outcomes(gold, who=token, now=NOW + 1) == ["DENIED"]
    assert memory.outcomes(asset("tag gold", {"tagKind": "PII"}), who=token, now=NOW + 1) == ["CREATED"]
    assert memory.outcomes(gold, who=token, now=NOW + 2) == ["DENIED"]
    assert memory.outcomes(gold, now=NOW + 2) == ["UPDATED"]


def test_the_user_of_a_run_is_checked_once_for_each_registered_output(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run may have thousands of outputs, and all writers wait: unregistered ones need no decision of the policy."""
    outputs = [f"dataset {name}{number}" for name in "ab" for number in range(10)]
    seeded(memory, *(asset(output, owners=OURS) for output in outputs[:10]), asset("run r", outputs=outputs))
    examined: list[str] = []
    is_visible = CallerVisibility.is_visible

    def noted(self: CallerVisibility, record: Record) -> bool:
        examined.append(record["id"])
        return is_visible(self, record)

    monkeypatch.setattr(CallerVisibility, "is_visible", noted)
    assert memory.outcomes(link("STARTED_BY", "run r", "user ada"), who=ADA) == ["CREATED"]
    assert sorted(each for each in examined if "dataset" in each) == sorted(map(urn, outputs[:10]))
