"""What a caller declares of an edge that others declared and that has a hidden end is kept apart from it."""

import random
from dataclasses import replace
from typing import Any

import pytest
from support.stores.edge_steps import EDGES, command, history, response, steps
from support.stores.in_memory_writer import ROOT, Memory, seeded
from support.stores.writers import NOW, asset, link, person, urn

from app.graph.records.edge_record import BY_CALLER, is_current, kept_by
from app.graph.records.merged_edge import joined
from app.graph.records.read_time import ReadTime, edge_at
from app.graph.writing.unit.apart_declarations import own_declaration, with_declaration
from graphql_schema.ports.commands import ApproveCommand, RegisterCommand, RevertCommand, UnlinkCommand
from graphql_schema.ports.record import Record

ADS = person("ads", "team ads", roles="engineer")
ADA, BEN = (person(name, "team ranking", roles="engineer") for name in ("ada", "ben"))
OURS, THEIRS = {"team ranking": ["TECHNICAL"]}, {"team ads": ["TECHNICAL"]}
OTHER_FIELDS: dict[str, tuple[str, dict[str, list[str]]]] = {
    "output of a run": ("dataset shut", {"producedBy": ["run r"]}),
    "run of a version": ("run shut", {"outputs": ["model-version m@1"]}),
    "set of a feature": ("feature-set shut", {"features": ["feature f"]}),
}
"""The hidden ends that can declare an edge of EDGES, too, with their fields."""

SHUT = ("DERIVES", "dataset shut", "dataset d")
END = UnlinkCommand("DERIVES", urn("dataset shut"), urn("dataset d"))


def twin(memory: Memory) -> Memory:
    """Return an empty store of the same policy, with the visible ends, of ada's team, and the ends hidden from ada."""
    done = {"state": "COMPLETE"}
    hidden = [
        asset(f"{kind} {name}", {"visibility": "TEAM", **(done if kind == "run" else {})}, owners=THEIRS)
        for kind in ("dataset", "run", "feature-set", "workflow")
        for name in ("shut", "other")
    ]
    hidden += [asset(name, {"visibility": "TEAM"}, owners=THEIRS) for name in ("model shut", "model-version shut@1")]
    names = ("dataset d", "model m", "model-version m@1", "feature f", "deployment s")
    own = [asset(name, owners=OURS) for name in names]
    return seeded(Memory(memory.policy), *hidden, *own, asset("run r", done, owners=OURS))


def others_edge(edge: Record) -> Record:
    """Return what others declared of an edge."""
    return {name: value for name, value in edge.items() if name not in BY_CALLER}


@pytest.mark.parametrize("kind", EDGES)
@pytest.mark.parametrize("seed", range(25))
def test_an_edge_of_others_decides_nothing_and_stays(memory: Memory, kind: str, seed: int) -> None:
    """Ten random steps where root declared the edge, and where he declared another: equal responses and histories."""
    relation, source, target, _ = EDGES[kind]
    there, absent = twin(memory), twin(memory)
    other = link(relation, source.replace("shut", "other"), target.replace("shut", "other"), confidence=0.9)
    assert absent.outcomes(other, who=ROOT) == ["CREATED"]
    assert there.outcomes(link(relation, source, target, confidence=0.9), who=ROOT) == ["CREATED"]
    before = there.edge(relation, source, target)
    for now, step in steps(kind, seed):
        dry = [response(each.run(command(kind, step), who=ADA, now=now, dry_run=True)[0]) for each in (there, absent)]
        done = [response(each.run(command(kind, step), who=ADA, now=now)[0]) for each in (there, absent)]
        assert (dry[0], done[0]) == (dry[1], done[1]), (now - NOW, step)
    assert history(there) == history(absent)
    assert others_edge(there.edge(relation, source, target)) == before


@pytest.mark.parametrize("kind", OTHER_FIELDS)
@pytest.mark.parametrize("by_list", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_what_an_owner_declares_stays_whatever_the_recorder_does(
    memory: Memory, kind: str, seed: int, *, by_list: bool
) -> None:
    """Ada records an edge, and ads registers its other end, hidden from her, with the edge and without.

    After ten random steps of ada the edge is as ads declared it. Her responses and history are equal in both stores.
    """
    relation, source, target, _ = EDGES[kind]
    shut, fields = OTHER_FIELDS[kind]
    values = {"visibility": "TEAM", **({"state": "COMPLETE"} if shut.startswith("run") else {})}
    there, absent = Memory(memory.policy), Memory(memory.policy)
    for store, declared in ((there, fields), (absent, {})):
        own = [asset(name, owners=OURS) for name in ("model m", "model-version m@1", "feature f")]
        seeded(store, *own, asset("run r", {"state": "COMPLETE"}, owners=OURS))
        store.run(command(kind, ("list", True) if by_list else ("link", {})), who=ADA, now=NOW + 1)
        assert store.outcomes(asset(shut, values, owners=THEIRS, **declared), who=ADS, now=NOW + 2) == ["CREATED"]
        assert store.edge(relation, source, target)["recordedBy"] == "ada"
    (theirs,) = {*there.edge(relation, source, target)["by"]} - {*absent.edge(relation, source, target)["by"]}
    for now, step in steps(kind, seed):
        dry = [response(each.run(command(kind, step), who=ADA, now=now, dry_run=True)[0]) for each in (there, absent)]
        done = [response(each.run(command(kind, step), who=ADA, now=now)[0]) for each in (there, absent)]
        assert (dry[0], done[0]) == (dry[1], done[1]), (now - NOW, step)
        edge = there.edge(relation, source, target)
        assert theirs in edge["by"], (now - NOW, step)
        assert is_current(edge, now + 100), (now - NOW, step)
    assert history(there) == history(absent)


@pytest.mark.parametrize("kind", EDGES)
@pytest.mark.parametrize("seed", range(25))
def test_no_edge_lasts_without_a_declarer_or_ends_with_one(memory: Memory, kind: str, seed: int) -> None:
    """Twenty random steps of root, ada and ben: a current edge has a declarer, a caller who keeps it, or an end."""
    relation, source, target, _ = EDGES[kind]
    store, chance = twin(memory), random.Random(seed)
    store.run(link(relation, source, target))
    for now, step in [*steps(kind, seed), *steps(kind, seed + 1_000)]:
        store.run(command(kind, step), who=chance.choice((ROOT, ADA, BEN)), now=now + 300 * chance.randrange(2))
        edge = store.edge(relation, source, target)
        assert bool(edge["by"] or kept_by(edge)) or "validTo" in edge
        assert edge["recordedBy"] not in edge.get("apart", {})


def test_an_edge_lasts_while_someone_declares_it(memory: Memory) -> None:
    """Root's field declares it no longer, but ada's link does; it ends when she ends that, as an edge of root."""
    store, now = twin(memory), NOW + 10
    assert store.outcomes(listed(), who=ROOT, now=now) == ["UPDATED"]
    assert store.outcomes(link(*SHUT), who=ADA, now=now + 1) == ["CREATED"]
    assert store.outcomes(unlisted(), who=ROOT, now=now + 2) == ["UPDATED"]
    assert is_current(store.edge(*SHUT), now + 2)
    assert store.outcomes(END, who=ADA, now=now + 3) == ["UPDATED"]
    assert (store.edge(*SHUT)["validTo"], store.edge(*SHUT)["recordedBy"]) == (now + 3, "root")


def test_a_list_replaces_that_of_a_caller_who_does_not_see_the_end(memory: Memory) -> None:
    """A field has one value, so that who owns the asset removes what another caller listed."""
    store = twin(memory)
    for who in (ROOT, ADA):
        assert store.outcomes(listed(), who=who, now=NOW + 10) == ["UPDATED"]
    assert store.outcomes(unlisted(), who=ROOT, now=NOW + 12) == ["UPDATED"]
    assert store.edge(*SHUT)["validTo"] == NOW + 12


def test_a_caller_leaves_the_edge_to_another_one_who_keeps_it(memory: Memory) -> None:
    """Neither sees the other end; the edge of the first is that of the second when the first declares it no longer."""
    store = twin(memory)
    for who, at in ((ADA, 10), (BEN, 20)):
        assert store.outcomes(link(*SHUT, confidence=at / 100), who=who, now=NOW + at) == ["CREATED"]
    assert store.outcomes(END, who=ADA, now=NOW + 30) == ["UPDATED"]
    edge = store.edge(*SHUT)
    assert (is_current(edge, NOW + 30), edge["recordedBy"], edge["confidence"]) == (True, "ben", 0.2)
    assert edge["earlier"] == [[NOW + 10, NOW + 30]]
    assert [refused.code.name for refused in store.run(END, who=ADA, now=NOW + 31)[0].errors] == ["NOT_FOUND"]
    assert store.outcomes(END, who=BEN, now=NOW + 40) == ["UPDATED"]
    assert store.edge(*SHUT)["validTo"] == NOW + 40


def test_an_end_that_the_edge_has_is_not_changed(memory: Memory) -> None:
    """Root ended it for a later instant; ada's link and its end leave that."""
    store, later = twin(memory), NOW + 1_000
    assert store.outcomes(link(*SHUT), who=ROOT) == ["CREATED"]
    assert store.outcomes(replace(END, valid_to=later), who=ROOT, now=NOW + 1) == ["UPDATED"]
    assert store.outcomes(link(*SHUT), who=ADA, now=NOW + 2) == ["CREATED"]
    assert store.outcomes(END, who=ADA, now=NOW + 3) == ["UPDATED"]
    assert store.edge(*SHUT)["validTo"] == later


@pytest.mark.parametrize("after", [0, 1], ids=["before root", "after root"])
def test_a_caller_who_sees_both_ends_later_declares_the_edge_with_the_others(memory: Memory, after: int) -> None:
    """What she declared apart is part of it then, and a list ends it as any other edge."""
    store = twin(memory)
    for who in (ROOT, ADA):
        assert store.outcomes(listed(), who=who, now=NOW + 10) == ["UPDATED"]
    store.run(asset("dataset shut", {"visibility": "ORG"}), now=NOW + 11)
    who = (ADA, ROOT)[after]
    assert store.outcomes(unlisted(), who=who, now=NOW + 12) == ["UPDATED"]
    edge = store.edge(*SHUT)
    assert (edge["by"], edge["validTo"]) == ([], NOW + 12)


def test_a_link_begins_an_edge_anew_that_others_ended(memory: Memory) -> None:
    """Root ends the edge for all; ada's next link is the edge. The past stays as it was recorded."""
    store = twin(memory)
    assert store.outcomes(link(*SHUT), who=ROOT, now=NOW + 10) == ["CREATED"]
    assert store.outcomes(link(*SHUT), who=ADA, now=NOW + 20) == ["CREATED"]
    assert store.outcomes(END, who=ROOT, now=NOW + 30) == ["UPDATED"]
    assert store.outcomes(link(*SHUT), who=ADA, now=NOW + 40) == ["UPDATED"]
    edge = store.edge(*SHUT)
    assert (is_current(edge, NOW + 40), edge["recordedBy"], "apart" in edge) == (True, "ada", False)
    for valid, recorded, there in ((25, 26, True), (35, 36, False), (35, 41, True), (5, 41, False)):
        instant = ReadTime(NOW + valid, NOW + recorded, past=True)
        assert (edge_at(edge, instant) is not None) == there, (valid, recorded)
    assert store.outcomes(END, who=ADA, now=NOW + 50) == ["UPDATED"]
    assert store.edge(*SHUT)["validTo"] == NOW + 50


def test_a_revert_leaves_declarations_apart_as_they_are(memory: Memory) -> None:
    """Root reverts her change without effect on his edge, and a revert of his own keeps what she declared."""
    store = twin(memory)
    store.run(listed(), now=NOW + 10)
    store.run(link(*SHUT, confidence=0.5), now=NOW + 11)
    of_root = newest(store)
    store.run(link(*SHUT), who=ADA, now=NOW + 12)
    (done,) = store.run(RevertCommand(newest(store)), now=NOW + 13)
    assert [error.code.name for error in done.errors] == ["INVALID"]
    assert store.outcomes(RevertCommand(of_root), now=NOW + 14) == ["UPDATED"]
    store.run(unlisted(), now=NOW + 15)
    assert is_current(store.edge(*SHUT), NOW + 15)
    assert store.outcomes(END, who=ADA, now=NOW + 16) == ["UPDATED"]
    assert not is_current(store.edge(*SHUT), NOW + 16)


def test_a_declaration_that_would_be_unconfirmed_keeps_no_edge(memory: Memory) -> None:
    """Ada may not link the hidden output of her run, so the edge ends although she declared it, too."""
    store, ends = twin(memory), ("PRODUCES", "run r", "dataset shut")
    assert store.outcomes(link(*ends), who=ROOT, now=NOW + 10) == ["CREATED"]
    assert store.outcomes(link(*ends), who=ADA, now=NOW + 11) == ["CREATED"]
    edge = store.edge(*ends)
    assert (edge["apart"]["ada"]["claim"], "claim" in edge, kept_by(edge)) == (True, False, [])


def test_an_approved_deployment_keeps_its_approval(memory: Memory) -> None:
    """A second link of a hidden version to a deployment moves nothing, whether root declared it or not."""
    for declared in (True, False):
        store, ends = twin(memory), ("DEPLOYED_AS", "model-version shut@1", "deployment s")
        eve = person("eve", "team ranking", roles="approver")
        if declared:
            store.run(link(*ends))
        assert store.outcomes(link(*ends), who=ADA, now=NOW + 1) == ["CREATED"]
        given = ApproveCommand(urn("deployment s"), "release", "APPROVED")
        assert store.outcomes(given, who=eve, now=NOW + 2) == ["CREATED"]
        (done,) = store.run(link(*ends, confidence=0.5), who=ADA, now=NOW + 3)
        assert (done.outcome.name, done.voided_approvals) == ("UPDATED", ())


def test_declarations_of_merged_edges_are_kept_by_caller() -> None:
    """Joined edges have those of both; of one caller, that of the edge which stays, unless only the other declares."""
    one = {"relation": "DERIVES", "by": ["link"], "validFrom": 5, "recordedBy": "root", "origin": "DECLARED"}
    first = with_declaration(with_declaration(one, "ada", {**one, "confidence": 0.1}, 9), "bo", one, 9)
    second = with_declaration(one, "ada", {**one, "confidence": 0.2}, 9)
    assert (own_declaration(joined(second, first, 9), "ada") or {})["confidence"] == 0.2
    assert kept_by(joined(second, first, 9)) == ["ada", "bo"]
    over = with_declaration(one, "ada", {**one, "by": [], "validTo": 8}, 9)
    assert (own_declaration(joined(over, first, 9), "ada") or {})["confidence"] == 0.1
    left = {**with_declaration(one, "ada", one, 9), "by": []}
    dated = {**with_declaration(one, "ada", {**one, "validTo": 99}, 9), "by": [], "validTo": 99}
    assert (kept_by(joined(dated, left, 9)), kept_by(joined(left, dated, 9))) == (["ada"], ["ada"])
    assert joined({**one, "by": []}, dated, 9)["validTo"] == 9


def listed() -> RegisterCommand:
    """Return the registration of the dataset with the hidden source."""
    return asset("dataset d", derivedFrom=["dataset shut"])


def unlisted() -> RegisterCommand:
    """Return its registration without sources."""
    return asset("dataset d", derivedFrom=[])


def newest(memory: Memory) -> str:
    """Return the id of the last change of the dataset."""
    changes: list[Any] = [record for record in memory.vertices.values() if record.get("subject") == urn("dataset d")]
    return str(max(changes, key=lambda change: change["createdAt"])["id"])


def test_an_unconfirmed_declaration_changes_no_value_of_the_past(memory: Memory) -> None:
    """Ada links an ended edge to an output that is hidden from her; a read of the past has the values of then."""
    store, ends = twin(memory), ("PRODUCES", "run r", "dataset shut")
    store.run(link(*ends, confidence=0.9), now=NOW + 10)
    store.run(UnlinkCommand("PRODUCES", urn("run r"), urn("dataset shut")), now=NOW + 20)
    before = store.edge(*ends)
    for outcome in ("CREATED", "UNCHANGED"):
        assert store.outcomes(link(*ends, confidence=0.1), who=ADA, now=NOW + 30) == [outcome]
        assert others_edge(store.edge(*ends)) == before
    assert store.outcomes(asset("run r", outputs=["dataset shut"]), who=ADA, now=NOW + 31) == ["UPDATED"]
    assert others_edge(store.edge(*ends)) == before


def test_a_registration_takes_the_effect_of_what_is_apart_as_well(memory: Memory) -> None:
    """Zed registers the stub that root and ada linked from a hidden source; ada keeps no edge to zed's dataset."""
    store, ends = twin(memory), ("DERIVES", "dataset shut", "dataset s")
    zed = person("zed", "team growth", roles="engineer")
    store.run(link(*ends), now=NOW + 10)
    assert store.outcomes(link(*ends), who=ADA, now=NOW + 11) == ["CREATED"]
    made = asset("dataset s", owners={"team growth": ["TECHNICAL"]})
    assert store.outcomes(made, who=zed, now=NOW + 12) == ["CREATED"]
    assert (store.edge(*ends)["claim"], kept_by(store.edge(*ends))) == (True, [])
    end = UnlinkCommand("DERIVES", urn("dataset shut"), urn("dataset s"))
    assert store.outcomes(link(*ends), who=zed, now=NOW + 13) == ["CREATED"]
    assert store.outcomes(end, who=zed, now=NOW + 14) == ["UPDATED"]
    assert not is_current(store.edge(*ends), NOW + 14)


def test_a_revert_leaves_the_edge_to_who_keeps_it(memory: Memory) -> None:
    """Root reverts his list: ada's link keeps the edge. A state that only she kept ends when she does no longer."""
    store = twin(memory)
    store.run(listed(), now=NOW + 10)
    of_root = newest(store)
    store.run(link(*SHUT), who=ADA, now=NOW + 11)
    assert store.outcomes(RevertCommand(of_root), now=NOW + 12) == ["UPDATED"]
    assert (is_current(store.edge(*SHUT), NOW + 12), kept_by(store.edge(*SHUT))) == (True, ["ada"])
    store.run(listed(), now=NOW + 13)
    of_root = newest(store)
    assert store.outcomes(END, who=ADA, now=NOW + 14) == ["UPDATED"]
    assert store.outcomes(RevertCommand(of_root), now=NOW + 15) == ["UPDATED"]
    assert not is_current(store.edge(*SHUT), NOW + 15)


def test_a_scheduled_end_of_the_last_who_keeps_an_edge_is_its_end(memory: Memory) -> None:
    """Ada's end is in the future, so the edge lasts until then, whether she keeps it for root or recorded it."""
    for who in (ROOT, ADA):
        store = twin(memory)
        store.run(listed() if who is ROOT else link(*SHUT), who=who, now=NOW + 10)
        store.run(link(*SHUT), who=ADA if who is ROOT else BEN, now=NOW + 11)
        if who is ROOT:
            store.run(unlisted(), now=NOW + 12)
        assert store.outcomes(replace(END, valid_to=NOW + 500), who=ADA, now=NOW + 13) == ["UPDATED"]
        edge = store.edge(*SHUT)
        assert (edge if who is ROOT else edge["apart"]["ada"])["validTo"] == NOW + 500


def test_an_edge_that_is_left_to_another_caller_stays_reported(memory: Memory) -> None:
    """Neither ada nor ben may link the hidden workflow, so causes of health do not propagate over their edge."""
    store, ends = twin(memory), ("TRIGGERS", "workflow mine", "workflow shut")
    seeded(store, asset("workflow mine", owners=OURS))
    end = UnlinkCommand("TRIGGERS", urn("workflow mine"), urn("workflow shut"))
    for who, at in ((BEN, 10), (ADA, 11)):
        assert store.outcomes(link(*ends), who=who, now=NOW + at) == ["CREATED"]
    assert store.edge(*ends)["reported"]
    assert store.outcomes(end, who=BEN, now=NOW + 12) == ["UPDATED"]
    assert (store.edge(*ends)["recordedBy"], store.edge(*ends)["reported"]) == ("ada", True)


def test_an_end_before_the_begin_is_no_scheduled_end(memory: Memory) -> None:
    """Ada's link would begin later; without it no caller keeps the edge, which ends now."""
    store = twin(memory)
    store.run(listed(), now=NOW + 10)
    store.run(link(*SHUT, validFrom=NOW + 1_000_000), who=ADA, now=NOW + 11)
    store.run(unlisted(), now=NOW + 12)
    assert store.outcomes(END, who=ADA, now=NOW + 13) == ["UPDATED"]
    assert store.edge(*SHUT)["validTo"] == NOW + 13


@pytest.mark.parametrize("beside", [True, False])
def test_an_end_from_before_is_not_that_of_a_list(memory: Memory, *, beside: bool) -> None:
    """Ada's list ends what her unlink had dated; nothing is left to end, whether ben keeps the edge or not."""
    store = twin(memory)
    store.run(listed(), who=ADA, now=NOW + 10)
    store.run(replace(END, valid_to=NOW + 1_000), who=ADA, now=NOW + 11)
    store.run(listed(), who=ADA, now=NOW + 12)
    if beside:
        store.run(link(*SHUT), who=BEN, now=NOW + 13)
    store.run(unlisted(), who=ADA, now=NOW + 14)
    (done,) = store.run(END, who=ADA, now=NOW + 15)
    assert [error.code.name for error in done.errors] == ["NOT_FOUND"]


def test_an_edge_that_only_a_reported_declaration_keeps_is_reported(memory: Memory) -> None:
    """Ada may not link the service, so causes of health do not propagate over what only she declares."""
    store, ends = twin(memory), ("SERVED_BY", "deployment s", "service shut")
    seeded(store, asset("service shut", {"visibility": "TEAM"}, owners=THEIRS))
    store.run(link(*ends), now=NOW + 10)
    assert "reported" not in store.edge(*ends)
    assert store.outcomes(link(*ends), who=ADA, now=NOW + 11) == ["CREATED"]
    store.run(RevertCommand(_linked(store, "deployment s")), now=NOW + 12)
    edge = store.edge(*ends)
    assert (edge["by"], is_current(edge, NOW + 12), edge["reported"]) == ([], True, True)


def _linked(memory: Memory, text: str) -> str:
    """Return the id of root's link of an asset."""
    changes = [each for each in memory.vertices.values() if each.get("action") == "LINKED" and each["actor"] == "root"]
    return next(str(each["id"]) for each in changes if each["subject"] == urn(text))
