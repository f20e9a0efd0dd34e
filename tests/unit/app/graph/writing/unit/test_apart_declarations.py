"""What a caller declares of an edge that others declared and that has a hidden end is kept apart from it."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from support.stores.in_memory_writer import ROOT, Memory, seeded
from support.stores.writers import NOW, asset, link, person, urn

from app.graph.records.edge_record import BY_CALLER, is_current
from app.graph.records.merged_edge import joined
from app.graph.writing.unit.apart_declarations import declarers, own_declaration, with_declaration
from graphql_schema.ports.commands import Command, UnlinkCommand
from graphql_schema.ports.outcomes import WriteOutcome
from graphql_schema.ports.record import Record

ADA = person("ada", "team ranking", roles="engineer")
OURS, THEIRS = {"team ranking": ["TECHNICAL"]}, {"team ads": ["TECHNICAL"]}
EDGES: dict[str, tuple[str, str, str, str]] = {
    "source of a dataset": ("DERIVES", "dataset shut", "dataset d", "derivedFrom"),
    "input of a run": ("INPUT_TO", "dataset shut", "run r", "inputs"),
    "output of a run": ("PRODUCES", "run r", "dataset shut", "outputs"),
    "run of a version": ("PRODUCES", "run shut", "model-version m@1", "producedBy"),
    "set of a feature": ("CONTAINS", "feature-set shut", "feature f", "featureSet"),
    "workflow of a run": ("RUN_OF", "run r", "workflow shut", "workflow"),
}
"""Edges with a hidden end: relation, ends, and the field of the visible end."""


END = UnlinkCommand("DERIVES", urn("dataset shut"), urn("dataset d"))


def twin(memory: Memory) -> Memory:
    """Return an empty store of the same policy, with the visible ends, of ada's team, and the ends hidden from ada."""
    done = {"state": "COMPLETE"}
    hidden = [
        asset(f"{kind} {name}", {"visibility": "TEAM", **(done if kind == "run" else {})}, owners=THEIRS)
        for kind in ("dataset", "run", "feature-set", "workflow")
        for name in ("shut", "other")
    ]
    own = [asset(name, owners=OURS) for name in ("dataset d", "model m", "model-version m@1", "feature f")]
    return seeded(Memory(memory.policy), *hidden, *own, asset("run r", done, owners=OURS))


def others_edge(edge: Record) -> Record:
    """Return what others declared of an edge."""
    return {name: value for name, value in {**edge, "by": declarers(edge)}.items() if name not in BY_CALLER}


def steps(kind: str, seed: int) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Yield ten random steps of ada, each with its instant: links with values, ends, and lists of the field."""
    chance = random.Random(f"{kind} {seed}")
    now = NOW + 100
    for _ in range(10):
        now += chance.randrange(1, 20)
        values = chance.choice(
            [{}, {"confidence": 0.5}, {"validTo": now + 5}, {"validTo": None}, {"validFrom": now - 3}]
        )
        yield (
            now,
            chance.choice([("link", values), ("unlink", None), ("unlink", now - 1), ("list", True), ("list", False)]),
        )


def command(kind: str, step: tuple[Any, ...]) -> Command:
    """Return a step as a command about the edge."""
    relation, source, target, field = EDGES[kind]
    what, given = step
    if what == "link":
        return link(relation, source, target, **given)
    if what == "unlink":
        return UnlinkCommand(relation, urn(source), urn(target), given)
    shut, visible = sorted((source, target), key=lambda end: not end.endswith(" shut"))
    fields: dict[str, Any] = {field: [shut] * given}
    return asset(visible, **fields)


def response(done: WriteOutcome) -> tuple[Any, ...]:
    """Return what an outcome shows."""
    errors = [(error.code, error.path, error.message) for error in done.errors]
    return done.outcome, done.revision, done.sensitivity_before, done.far_end_known, done.changed_end_known, errors


def history(memory: Memory) -> list[Any]:
    """Return the entries of ada's changes of visible assets, with which sides of an edge she may read."""
    changes = [
        each
        for each in memory.vertices.values()
        if each["kind"] == "CHANGE" and each["actor"] == "ada" and not each["subject"].endswith("shut")
    ]
    return sorted(
        (change["createdAt"], change["action"], entry["field"], _is_shown(entry, "before"), _is_shown(entry, "after"))
        for change in changes
        for entry in change["fields"]
    )


def _is_shown(entry: dict[str, Any], side: str) -> bool:
    is_mine = side == "after" or (entry["was"] or {}).get("recordedBy") == "ada"
    return entry[side] is not None and is_mine


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


def test_an_edge_lasts_while_someone_declares_it(memory: Memory) -> None:
    """Root's field declares it no longer, but ada's link does; it ends when she ends that, as an edge of root."""
    store, now, ends = twin(memory), NOW + 10, ("DERIVES", "dataset shut", "dataset d")
    assert store.outcomes(asset("dataset d", derivedFrom=["dataset shut"]), who=ROOT, now=now) == ["UPDATED"]
    assert store.outcomes(link(*ends), who=ADA, now=now + 1) == ["CREATED"]
    assert store.outcomes(asset("dataset d", derivedFrom=[]), who=ROOT, now=now + 2) == ["UPDATED"]
    assert is_current(store.edge(*ends), now + 2)
    assert store.outcomes(END, who=ADA, now=now + 3) == ["UPDATED"]
    assert (store.edge(*ends)["validTo"], store.edge(*ends)["recordedBy"]) == (now + 3, "root")


def test_a_declaration_that_would_be_unconfirmed_keeps_no_edge(memory: Memory) -> None:
    """Ada may not link the hidden output of her run, so the edge ends although she declared it, too."""
    store, ends = twin(memory), ("PRODUCES", "run r", "dataset shut")
    assert store.outcomes(link(*ends), who=ROOT, now=NOW + 10) == ["CREATED"]
    assert store.outcomes(link(*ends), who=ADA, now=NOW + 11) == ["CREATED"]
    edge = store.edge(*ends)
    assert (edge["by"], edge["apart"]["ada"]["claim"], "claim" in edge) == (["link"], True, False)


def test_a_link_begins_an_edge_anew_that_others_ended(memory: Memory) -> None:
    """Root ends the edge for all; ada's next link is the edge, which she ends then."""
    store, ends = twin(memory), ("DERIVES", "dataset shut", "dataset d")
    assert store.outcomes(link(*ends), who=ROOT, now=NOW + 10) == ["CREATED"]
    assert store.outcomes(link(*ends), who=ADA, now=NOW + 11) == ["CREATED"]
    assert store.outcomes(END, who=ROOT, now=NOW + 12) == ["UPDATED"]
    assert store.outcomes(link(*ends), who=ADA, now=NOW + 13) == ["UPDATED"]
    edge = store.edge(*ends)
    assert (is_current(edge, NOW + 13), edge["recordedBy"], "apart" in edge) == (True, "ada", False)
    assert store.outcomes(END, who=ADA, now=NOW + 14) == ["UPDATED"]
    assert store.edge(*ends)["validTo"] == NOW + 14


def test_declarations_of_merged_edges_are_kept_by_caller() -> None:
    """Joined edges have those of both; of one caller, that of the edge which stays."""
    one = {"relation": "DERIVES", "by": ["link"], "validFrom": 5, "recordedBy": "root", "origin": "DECLARED"}
    first = with_declaration(with_declaration(one, "ada", {**one, "confidence": 0.1}, 9), "bo", one, 9)
    second = with_declaration(one, "ada", {**one, "confidence": 0.2}, 9)
    both = joined(second, first, 9)
    assert (own_declaration(both, "ada") or {})["confidence"] == 0.2
    assert own_declaration(both, "bo") == one
    assert (declarers(both), both["by"]) == (["link"], ["apart:ada", "apart:bo", "link"])
