"""An asset without an owner is taken only by who registered it, and by administrators."""

from dataclasses import replace
from typing import Any

import pytest
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, link, person, urn

from app.graph.records.edge_record import with_confirmation
from app.graph.records.vertex_id import vertex_id
from graphql_schema.ports.commands import Command, UnlinkCommand

ADA = person("ada", "team ranking", roles="engineer")
MAL = person("mal", "team ads", roles="engineer")
ADS, RANKING = {"team ads": ["TECHNICAL"]}, {"team ranking": ["TECHNICAL"]}

TAKEN: dict[str, Any] = {
    "owned": asset("run r", owners=ADS),
    "hidden": asset("run r", {"visibility": "TEAM"}),
    "sensitive": asset("run r", {"sensitivity": "RESTRICTED"}),
    "domain": asset("run r", domain=["domain ads"]),
    "linked": link("CONTAINS", "domain ads", "run r"),
}


@pytest.fixture
def memory(memory: Memory) -> Memory:
    """Return a store with a stub of a run, to which mal referred, and a domain of team ads."""
    seeded(memory, asset("domain ads", owners=ADS))
    assert memory.outcomes(link("CHILD_OF", "run mine", "run r"), who=MAL) == ["CREATED"]
    return memory


@pytest.mark.parametrize("taken", TAKEN)
def test_only_who_registered_it_takes_it(memory: Memory, taken: str) -> None:
    """Mal takes no run that ada registered, although mal referred to it first; ada and an administrator do."""
    assert memory.outcomes(asset("run r", {"state": "RUNNING"}), who=ADA, now=NOW + 1) == ["CREATED"]
    (done,) = memory.run(TAKEN[taken], who=MAL, now=NOW + 2)
    assert [error.code.name for error in done.errors] == ["DENIED"]
    if taken in {"owned", "linked"}:  # the others leave an asset that mal may not change, which is denied before
        assert "Only ada, who registered it, or an administrator" in done.errors[0].message
    assert memory.outcomes(asset("run r", {"state": "COMPLETE"}), who=MAL, now=NOW + 2) == ["UPDATED"]
    assert memory.outcomes(TAKEN[taken], now=NOW + 3) in (["UPDATED"], ["CREATED"])


def test_who_registered_it_gives_it_an_owner(memory: Memory) -> None:
    """Ada assigns the run to the own team, and a stub is taken by its registration."""
    assert memory.outcomes(asset("run r", {"state": "RUNNING"}), who=ADA, now=NOW + 1) == ["CREATED"]
    assert memory.outcomes(asset("run r", owners=RANKING), who=ADA, now=NOW + 2) == ["UPDATED"]
    assert memory.record("run r")["ownerTeam"] == urn("team ranking")
    assert memory.outcomes(asset("run mine", {"state": "RUNNING"}, owners=RANKING), who=ADA) == ["CREATED"]


def test_a_child_that_is_to_follow_its_parent_is_not_taken(memory: Memory) -> None:
    """Before the job, the version that mal registered has no owner yet; it counts as owned like its model."""
    seeded(memory, asset("model m"))
    assert memory.outcomes(asset("model-version m@1"), who=MAL, now=NOW + 1) == ["CREATED"]
    assert memory.outcomes(asset("model m", owners=RANKING), now=NOW + 2) == ["UPDATED"]
    vid = vertex_id("default", urn("model-version m@1"))
    memory.vertices[vid] = {**memory.vertices[vid], "ownerTeam": ""}
    (done,) = memory.run(asset("model-version m@1", owners=ADS), who=MAL, now=NOW + 3)
    assert [error.code.name for error in done.errors] == ["DENIED"]
    assert "gets the owner of its parent" in done.errors[0].message
    assert memory.outcomes(asset("model-version m@1", owners=ADS), now=NOW + 3) == ["UPDATED"]


ROOT = person("root", roles="admin")
GROUPS: dict[str, tuple[str, str]] = {
    "version": ("model-version m@1", "model m"),
    "snapshot": ("dataset-version d@1", "dataset d"),
    "feature": ("feature f.a", "feature-set f"),
}
"""A child and its parent, of each asset group."""


def child_of(memory: Memory, group: str, *, who: Any, **fields: Any) -> tuple[str, str]:
    """Register a child, by a caller, whose parent no caller registered; return both."""
    child, parent = GROUPS[group]
    assert memory.outcomes(asset(child, **fields), who=who, now=NOW + 1) == ["CREATED"]
    if group == "feature":
        assert memory.outcomes(link("CONTAINS", parent, child), who=who, now=NOW + 1) == ["CREATED"]
    return child, parent


@pytest.mark.parametrize("group", GROUPS)
def test_a_child_of_a_user_is_not_taken_by_the_owner_of_its_parent(memory: Memory, group: str) -> None:
    """A child of a user stays with the user; an administrator gives the parent, and so the child, to a team."""
    child, parent = child_of(memory, group, who=ROOT, owners={"user hana": ["TECHNICAL"]})
    (done,) = memory.run(asset(parent, owners=ADS), who=MAL, now=NOW + 2)
    assert [error.code.name for error in done.errors] == ["DENIED"]
    assert memory.record(child)["ownerTeam"] == urn("user hana")
    assert memory.outcomes(asset(parent, owners=RANKING), now=NOW + 3) == ["CREATED"]
    assert memory.record(child)["ownerTeam"] == urn("team ranking")


@pytest.mark.parametrize("group", GROUPS)
def test_no_stranger_puts_an_own_child_below_an_unowned_parent(memory: Memory, group: str) -> None:
    """Mal's child gets no owner below a parent that ada registered, in one step or two, until this has an owner."""
    child, parent = GROUPS[group]
    assert memory.outcomes(asset(parent), who=ADA, now=NOW + 1) == ["CREATED"]
    within: dict[str, Any] = {"featureSet": [parent]} if group == "feature" else {}
    for step in (asset(child, owners=ADS, **within), asset(child, **within), asset(child, owners=ADS)):
        (done,) = memory.run(step, who=MAL, now=NOW + 2)
        if done.errors:
            assert [error.code.name for error in done.errors] == ["DENIED"]
            assert f"its parent {urn(parent)} has none. Only ada, who registered the parent" in done.errors[0].message
        else:
            assert "owners" not in {edges.field.partition(".")[2] for edges in step.edges}
    assert memory.record(child)["ownerTeam"] == ""
    assert memory.outcomes(asset(parent, owners=RANKING), who=ADA, now=NOW + 3) == ["UPDATED"]
    assert memory.record(child)["ownerTeam"] == urn("team ranking")


@pytest.mark.parametrize("group", GROUPS)
def test_the_registrant_of_a_parent_that_hides_it_is_not_named(memory: Memory, group: str) -> None:
    """Mal may only discover the draft of ada, whose `createdBy` is hidden: the denial does not disclose it either."""
    child, parent = GROUPS[group]
    assert memory.outcomes(asset(parent), who=ADA, now=NOW + 1) == ["CREATED"]
    within: dict[str, Any] = {"featureSet": [parent]} if group == "feature" else {}
    assert memory.outcomes(asset(child, **within), who=MAL, now=NOW + 1) == ["CREATED"]
    assert memory.outcomes(asset(parent, {"stage": "DRAFT"}), now=NOW + 2) == ["UPDATED"]
    (done,) = memory.run(asset(child, owners=ADS), who=MAL, now=NOW + 3)
    assert [error.code.name for error in done.errors] == ["DENIED"]
    assert "Only the caller who registered the parent, or an administrator may change that" in done.errors[0].message
    assert "ada" not in done.errors[0].message


@pytest.mark.parametrize("owner", ["team ads", "user mal"])
def test_a_hidden_child_is_not_named(memory: Memory, owner: str) -> None:
    """The denial says that there is a child, and not which."""
    seeded(memory, asset("model-version m@1", {"sensitivity": "RESTRICTED"}), asset("user mal"))
    mal = replace(MAL, acts_for=frozenset({urn("user mal")}))
    (done,) = memory.run(asset("model m", owners={owner: ["TECHNICAL"]}), who=mal, now=NOW + 2)
    assert [error.code.name for error in done.errors] == ["DENIED"]
    assert "an asset that you may not see" in done.errors[0].message
    assert "m@1" not in done.errors[0].message


@pytest.mark.parametrize("is_stub", [True, False], ids=["stub", "registered"])
def test_a_feature_is_not_taken_over_a_set_in_two_steps(memory: Memory, *, is_stub: bool) -> None:
    """Mal puts a feature of ada into a set without an owner, and then gives the set one: the feature stays unowned."""
    assert memory.outcomes(asset("feature f.a"), who=ADA, now=NOW + 1) == ["CREATED"]
    if not is_stub:
        assert memory.outcomes(asset("feature-set s"), who=MAL, now=NOW + 1) == ["CREATED"]
    assert memory.outcomes(link("CONTAINS", "feature-set s", "feature f.a"), who=MAL, now=NOW + 2) == ["CREATED"]
    done = memory.outcomes(asset("feature-set s", owners=ADS), who=MAL, now=NOW + 3)
    assert done == ["CREATED" if is_stub else "UPDATED"]
    assert memory.record("feature f.a")["ownerTeam"] == ""


def test_a_feature_keeps_its_set_or_gets_none(memory: Memory) -> None:
    """Mal, who ends its edge from the set of ada, does not move the feature into an own set; ada can, later."""
    first = (asset("feature f.a"), asset("feature-set t"), link("CONTAINS", "feature-set t", "feature f.a"))
    assert memory.outcomes(*first, who=ADA, now=NOW + 1) == ["CREATED"] * 3
    other = (asset("feature-set s"), link("CONTAINS", "feature-set s", "feature f.a"))
    assert memory.outcomes(*other, who=MAL, now=NOW + 2) == ["CREATED"] * 2
    assert memory.record("feature f.a")["index"]["whole"] == urn("feature-set t")
    ended = UnlinkCommand("CONTAINS", urn("feature-set t"), urn("feature f.a"))
    assert memory.outcomes(ended, who=MAL, now=NOW + 3) == ["UPDATED"]
    assert memory.record("feature f.a")["index"]["whole"] == ""
    assert memory.outcomes(other[1], who=ADA, now=NOW + 4) == ["UPDATED"]
    assert memory.record("feature f.a")["index"]["whole"] == urn("feature-set s")


def test_an_owner_takes_a_feature_out_of_an_own_set(memory: Memory) -> None:
    """A set without an owner, in which ada named the feature before, neither gets it back nor keeps mal from this."""
    assert memory.outcomes(asset("feature-set s", features=["feature f"]), who=ADA, now=NOW + 1) == ["CREATED"]
    ours = asset("feature-set t", features=["feature f"], owners=ADS)
    assert memory.outcomes(ours, asset("feature f", owners=ADS), who=MAL, now=NOW + 2) == ["CREATED"] * 2
    assert memory.record("feature f")["index"]["whole"] == urn("feature-set t")
    assert memory.outcomes(asset("feature-set t", features=[]), who=MAL, now=NOW + 3) == ["UPDATED"]
    assert memory.record("feature f")["index"]["whole"] == ""


SET = asset("feature-set s", owners=ADS)
INTO_SET: dict[str, Command] = {
    "link": link("CONTAINS", "feature-set s", "feature f"),
    "features": asset("feature-set s", owners=ADS, features=["feature f"]),
    "featureSet": asset("feature f", featureSet=["feature-set s"]),
}
"""Each command that puts a feature into a set."""


@pytest.mark.parametrize("name", INTO_SET)
def test_no_stranger_puts_an_unowned_feature_into_a_set(memory: Memory, name: str) -> None:
    """Mal's edge is unconfirmed, so the set's incidents and sensitivity reach no feature of ada, nor of its owner."""
    assert memory.outcomes(asset("feature f"), who=ADA, now=NOW + 1) == ["CREATED"]
    assert memory.outcomes(SET, who=MAL, now=NOW + 2) == ["CREATED"]
    assert memory.outcomes(INTO_SET[name], who=MAL, now=NOW + 3) in (["CREATED"], ["UPDATED"])
    assert memory.outcomes(INTO_SET[name], who=MAL, now=NOW + 4) == ["UNCHANGED"]
    assert memory.edge("CONTAINS", "feature-set s", "feature f")["claim"]
    assert memory.outcomes(asset("feature f", owners=RANKING), who=ADA, now=NOW + 5) == ["UPDATED"]
    assert memory.outcomes(SET, INTO_SET[name], who=MAL, now=NOW + 6)[1] in {"UNCHANGED", "DENIED"}
    assert memory.edge("CONTAINS", "feature-set s", "feature f")["claim"]
    assert memory.record("feature f")["index"]["whole"] == ""


def test_who_registered_a_feature_confirms_its_set(memory: Memory) -> None:
    """Ada, who may give the feature its owner, confirms what mal put into a set that both may change."""
    assert memory.outcomes(asset("feature f"), asset("feature-set s"), who=ADA, now=NOW + 1) == ["CREATED"] * 2
    assert memory.outcomes(INTO_SET["link"], who=MAL, now=NOW + 2) == ["CREATED"]
    assert memory.outcomes(INTO_SET["link"], who=ADA, now=NOW + 3) == ["UPDATED"]
    assert "claim" not in memory.edge("CONTAINS", "feature-set s", "feature f")
    assert memory.record("feature f")["index"]["whole"] == urn("feature-set s")


BO = person("bo", "team ranking", roles="engineer")


@pytest.mark.parametrize(
    "ended",
    [UnlinkCommand("CONTAINS", urn("feature-set t"), urn("feature f")), asset("feature-set t", features=[])],
    ids=["unlink", "list"],
)
def test_a_feature_does_not_return_to_a_set_of_others(memory: Memory, ended: Command) -> None:
    """Bo takes a feature out of the set of ranking: it has no owner then, also if an older release let mal link it."""
    assert memory.outcomes(asset("feature f"), who=ADA, now=NOW + 1) == ["CREATED"]
    assert memory.outcomes(SET, INTO_SET["link"], who=MAL, now=NOW + 2) == ["CREATED"] * 2
    memory.edges = {key: with_confirmation(edge, unconfirmed=False) for key, edge in memory.edges.items()}
    ours = asset("feature-set t", owners=RANKING, features=["feature f"])
    assert memory.outcomes(ours, who=ADA, now=NOW + 3) == ["CREATED"]
    assert memory.record("feature f")["ownerTeam"] == urn("team ranking")
    assert memory.outcomes(ended, who=BO, now=NOW + 4) == ["UPDATED"]
    assert (memory.record("feature f")["index"]["whole"], memory.record("feature f")["ownerTeam"]) == ("", "")


@pytest.mark.parametrize("member", ["bo", "both"])
def test_an_asset_returns_to_a_former_domain_by_who_may_change_what_it_owns(memory: Memory, member: str) -> None:
    """Mal links a placeholder into a domain of ads. It does not fall to ads when bo ends the domain of ranking."""
    seeded(memory, asset("domain ranking", owners=RANKING))
    ours, theirs = urn("domain ranking"), urn("domain ads")
    bo = replace(BO, acts_for=frozenset({ours} if member == "bo" else {ours, theirs}))
    mal = replace(MAL, acts_for=frozenset({theirs}))
    used = asset("dataset y", owners=RANKING, derivedFrom=["dataset x"])
    assert memory.outcomes(used, who=BO, now=NOW + 1) == ["CREATED"]
    assert memory.outcomes(link("CONTAINS", "domain ads", "dataset x"), who=mal, now=NOW + 2) == ["CREATED"]
    assert memory.outcomes(asset("dataset x", domain=["domain ranking"]), who=bo, now=NOW + 3) == ["CREATED"]
    assert memory.record("dataset x")["ownerTeam"] == ours
    ended = UnlinkCommand("CONTAINS", ours, urn("dataset x"))
    assert memory.outcomes(ended, who=bo, now=NOW + 4) == ["UPDATED"]
    assert memory.record("dataset x")["ownerTeam"] == ("" if member == "bo" else theirs)


def test_a_version_does_not_fall_to_the_domain_of_a_stranger(memory: Memory) -> None:
    """Ada, who takes the owners of a model away, learns which version a domain of others would own, and unlinks it."""
    used = asset("run r", {"state": "COMPLETE"}, owners=RANKING, outputs=["model-version m@1"])
    assert memory.outcomes(used, who=ADA, now=NOW + 1) == ["CREATED"]
    mal = replace(MAL, acts_for=frozenset({urn("domain ads")}))
    assert memory.outcomes(link("CONTAINS", "domain ads", "model-version m@1"), who=mal, now=NOW + 2) == ["CREATED"]
    ours = (asset("model m", owners=RANKING), asset("model-version m@1"))
    assert memory.outcomes(*ours, who=ADA, now=NOW + 3) == ["CREATED"] * 2
    (done,) = memory.run(asset("model m", owners={}), who=ADA, now=NOW + 4)
    assert [error.code.name for error in done.errors] == ["DENIED"]
    assert f"{urn('model-version m@1')} would belong to one whose assets you may not change" in done.errors[0].message
    ended = UnlinkCommand("CONTAINS", urn("domain ads"), urn("model-version m@1"))
    assert memory.outcomes(ended, asset("model m", owners={}), who=ADA, now=NOW + 5) == ["UPDATED"] * 2
    assert memory.record("model-version m@1")["ownerTeam"] == ""
