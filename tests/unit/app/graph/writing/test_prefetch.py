"""What is read before a batch is planned, and what its response says."""

import asyncio
import random
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from support.stores.equal_hashes import give_equal_hashes
from support.stores.in_memory_writer import ROOT, Memory, present_graph, seeded
from support.stores.partial_reads import Call, transact
from support.stores.writers import NOW, asset, link, person, urn

from app.graph.commits.reads.read_limits import DivisibleLimits
from app.graph.commits.state_read import StateReading, StoredState
from app.graph.records.merged_record import merged
from app.graph.records.record_text import BriefRecord
from app.graph.records.vertex_id import vertex_id
from app.graph.records.vertex_record import stub
from app.graph.writing import prefetch
from app.graph.writing.prefetch import PrefetchRequest
from app.graph.writing.rules.attach import observation_urn
from app.graph.writing.unit.read_set import NotReadError, ReadSet
from graphql_schema.catalog.relations import Direction
from graphql_schema.ports.commands import (
    Command,
    DeleteCommand,
    EventCommand,
    ObserveCommand,
    RevertCommand,
    UnlinkCommand,
)
from graphql_schema.ports.events.event_commands import RecordIngestionCommand
from graphql_schema.ports.turns import loop_turns


def vid(text: str) -> int:
    """Return the vertex id of ``kind name``."""
    return vertex_id("default", urn(text))


def test_a_link_needs_its_ends_with_their_parents_and_itself() -> None:
    """The end of a link needs the same; other commands are read when planning needs them."""
    for command in (
        link("FEEDS", "dataset d", "model-version m@1"),
        UnlinkCommand("FEEDS", urn("dataset d"), urn("model-version m@1")),
    ):
        request = PrefetchRequest("default")
        request.add_command(command)
        names = ("dataset d", "model-version m@1", "model m")
        assert request.records == {urn(name): vid(name) for name in names}
        assert [*request.edges] == [("FEEDS", vid("dataset d"), vid("model-version m@1"))]
        assert request.hop_reads() == []
    request = PrefetchRequest("default")
    request.add_command(DeleteCommand(urn("dataset d")))
    assert (request.records, request.edges) == ({}, {})


def test_a_link_of_a_container_needs_the_parent_of_what_it_contains() -> None:
    """The set of a feature may own it, and only the edges of the feature name the set."""
    for command in (
        link("CONTAINS", "domain ads", "feature a"),
        UnlinkCommand("CONTAINS", urn("domain ads"), urn("feature a")),
    ):
        request = PrefetchRequest("default")
        request.add_command(command)
        hops = [(hop.direction, *hop.labels, hop.vertices) for hop in request.hop_reads()]
        assert hops == [(Direction.IN, "CONTAINS", [vid("feature a")])]
    request = PrefetchRequest("default")
    request.add_command(link("CONTAINS", "domain ads", "dataset d"))
    assert request.hop_reads() == []


TEAMS = ("team ranking", "team ads")
DOMAINS = ("domain ranking", "domain ads")
SETS = ("feature-set f", "feature-set g")
OTHERS = ("feature a", "feature b", "model m", "model-version m@1", "model-version m@2")
CALLERS = [
    ROOT,
    replace(person("bo", TEAMS[0], roles="engineer"), acts_for=frozenset({urn(DOMAINS[0])})),
    replace(person("mal", TEAMS[1], roles="engineer"), acts_for=frozenset({urn(DOMAINS[1])})),
]


def a_command(dice: random.Random, memory: Memory) -> Command:
    """Return a random change of an asset, its owners, its domain or its set, or a revert of one."""
    text = dice.choice((*SETS, *OTHERS))
    changes = [record["id"] for record in memory.vertices.values() if record["kind"] == "CHANGE"]
    kind = dice.randrange(4)
    if kind == 0 and changes:
        return RevertCommand(dice.choice(changes))
    if kind == 1:
        inside = (dice.choice(SETS), dice.choice(OTHERS[:2])) if dice.random() < 0.5 else (dice.choice(DOMAINS), text)
        if dice.random() < 0.3:
            return UnlinkCommand("CONTAINS", urn(inside[0]), urn(inside[1]))
        return link("CONTAINS", *inside)
    fields: dict[str, Any] = {}
    if dice.random() < 0.5:
        fields["owners"] = {team: ["TECHNICAL"] for team in dice.sample(TEAMS, dice.randrange(3))}
    if dice.random() < 0.3:
        fields["domain"] = dice.sample(DOMAINS, dice.randrange(2))
    if text.startswith("feature ") and dice.random() < 0.5:
        fields["featureSet"] = dice.sample(SETS, dice.randrange(2))
    return asset(text, {"description": dice.choice("abc")}, **fields)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_read_decides_as_what_is_stored(memory: Memory, seed: int) -> None:
    """Random changes, some beside the dry run of another call, are planned as if everything stored had been read."""
    dice, complete = random.Random(seed), seeded(memory, *map(asset, TEAMS))
    for team, domain in zip(TEAMS, DOMAINS, strict=True):
        seeded(complete, asset(domain, owners={team: ["TECHNICAL"]}))
    for now in range(NOW + 1, NOW + 26):
        beside = [Call(dice.choice(CALLERS), [a_command(dice, complete)], dry_run=True)] if dice.random() < 0.3 else []
        call = Call(dice.choice(CALLERS), [a_command(dice, complete)])
        part = Memory(complete.policy, dict(complete.vertices), dict(complete.edges))
        done, _ = transact(part, *beside, call, now=now)
        expected = complete.run(*call.items, who=call.who, now=now)
        assert [one.outcome for one in done[-1]] == [one.outcome for one in expected], call
        assert present_graph(part) == present_graph(complete), call


def test_a_registration_needs_the_edges_that_its_fields_replace() -> None:
    """A list that replaces needs all edges of the hop, and a list that adds only its own."""
    request = PrefetchRequest("default")
    request.add_command(asset("dataset d", derivedFrom=["dataset a"]))
    request.add_command(asset("run r", inputs=["dataset b"]))
    hops = {(hop.direction, *hop.labels): hop.vertices for hop in request.hop_reads()}
    assert hops == {(Direction.IN, "DERIVES"): [vid("dataset d")], (Direction.OUT, "RUN_OF"): [vid("run r")]}
    assert [*request.edges] == [("INPUT_TO", vid("dataset b"), vid("run r"))]
    assert {urn("dataset a"), urn("dataset b")} <= request.records.keys()


def test_only_what_an_item_is_about_is_read_with_long_values() -> None:
    """What its fields refer to is read without, and the sources of its columns not at all; both ends of a link with."""
    request = PrefetchRequest("default")
    columns = [{"name": "c", "derivedFrom": [{"dataset": urn("dataset col"), "column": "x"}]}]
    request.add_command(asset("dataset d", {"columns": columns}, derivedFrom=["dataset a", "dataset-version v@1"]))
    request.add_command(link("FEEDS", "dataset e", "model-version m@1"))
    assert request.complete == {vid(name) for name in ("dataset d", "dataset e", "model-version m@1", "model m")}
    others = ("dataset a", "dataset-version v@1", "dataset v")
    assert {*request.records.values()} - request.complete == {vid(name) for name in others}


async def test_long_values_are_read_once_a_plan_needs_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan reads without them, and requests all of them if one is needed; the next one has them.

    What was read without them is freed in turns: it may be 100,000 edges.
    """
    briefs, freed = [], list[object]()
    monkeypatch.setattr(prefetch, "RELEASE", SimpleNamespace(free=freed.extend))

    async def read(reading: StateReading, *_: object) -> Any:
        brief = reading.brief
        briefs.append(brief and {*brief.complete})
        value = {"id": urn("dataset a"), "tenant": "default", "description": "x"}
        left_out = frozenset({"description"})
        return StoredState(
            {vid("dataset a"): BriefRecord(value, left_out, brief.require) if brief else value}, [[]], []
        )

    monkeypatch.setattr(StateReading, "state", read)
    client: Any = None
    items, missing = [asset("dataset d", derivedFrom=["dataset a"])], ReadSet(ends={urn("dataset b")})
    reads = prefetch.TransactionReads(client, "default", DivisibleLimits(), NOW)
    state = await prefetch.prefetch(reads, items, ["receipt\0a\0k"], missing)
    with pytest.raises(NotReadError):
        _ = state.vertices[vid("dataset a")]["description"]
    assert state.missing == ReadSet(complete=True)
    missing.add(state.missing)
    state = await prefetch.prefetch(reads, items, [], missing)
    assert state.vertices[vid("dataset a")]["description"] == "x"
    assert briefs == [{vid("dataset d"), vertex_id("default", "receipt\0a\0k")}, None]
    assert [type(each) for each in freed] == [StateReading]


async def test_others_run_while_many_items_are_added(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is added in a turn of its own."""
    monkeypatch.setattr(loop_turns, "TURN_SECONDS", -1.0)  # each turn is over when it has begun
    ticks, added = [0], list[str]()

    async def read(*_: object, **_more: object) -> StoredState:
        return StoredState({}, [], [])

    async def tick() -> None:
        while True:
            ticks[0] += 1
            await asyncio.sleep(0)

    monkeypatch.setattr(StateReading, "state", read)
    monkeypatch.setattr(PrefetchRequest, "_add_registration", lambda _, command: added.append(command.urn))
    other = asyncio.create_task(tick())
    items = [asset(f"dataset d{number}") for number in range(9)]
    client: Any = None
    await prefetch.prefetch(prefetch.TransactionReads(client, "default", DivisibleLimits(), NOW), items, [], ReadSet())
    other.cancel()
    assert added == [urn(f"dataset d{number}") for number in range(9)]
    assert ticks[0] >= 9 - 1


def test_receipts_and_collisions_are_no_records() -> None:
    """A record under another vertex id than its own is not part of the state."""
    request = PrefetchRequest("default", records={urn("dataset d"): vid("dataset d"), urn("dataset x"): 7})
    key = "receipt\0ada\0k"
    receipt = {"id": key, "tenant": "default", "at": 1}
    state = request.working_set(
        [],
        StoredState(
            {
                vid("dataset d"): stub("default", urn("dataset d"), "ada", NOW),
                7: stub("default", urn("dataset y"), "ada", NOW),
                vertex_id("default", key): receipt,
            },
            [],
            [],
        ),
    )
    assert [*state.vertices] == [vid("dataset d")]
    assert state.receipts == {vertex_id("default", key): receipt}
    assert 7 in state.coverage.taken
    assert all(urn(name) in state.coverage.records for name in ("dataset d", "dataset x"))


def test_the_same_urn_of_another_tenant_is_a_collision(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the hashes of one URN in two tenants are equal, neither tenant gets the record of the other."""
    monkeypatch.setattr(prefetch, "vertex_id", lambda _tenant, _urn: 7)
    request = PrefetchRequest("default")
    at = request.add_record(urn("dataset d"))
    for tenant, taken in (("default", False), ("other", True)):
        state = request.working_set([], StoredState({at: stub(tenant, urn("dataset d"), "ada", NOW)}, [], []))
        assert (at in state.vertices, at in state.coverage.taken) == (not taken, taken)


def test_a_record_keeps_its_name_if_another_one_is_requested(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request for another name with the same hash takes no record from those who name the real one.

    If the real one was not named, it is read again as it is for those who name it: with its parent.
    """
    version, other = urn("model-version m@1"), urn("dataset other")
    give_equal_hashes(monkeypatch, version, other)
    record = stub("default", version, "ada", NOW)
    for names, missing in (((version, other), set()), ((other, version), set()), ((other,), {version})):
        request = PrefetchRequest("default")
        at = {request.add_record(name) for name in names}.pop()
        state = request.working_set([], StoredState({at: record}, [], []))
        assert state.vertices == {at: record}
        assert at not in state.coverage.taken
        assert state.missing == ReadSet(records=missing)


def test_edges_are_keyed_from_source_to_target() -> None:
    """A hop against the edges has its ends swapped, and an absent single edge is known to be absent."""
    request = PrefetchRequest("default")
    request.hops[Direction.IN, "DERIVES"][2] = None
    request.edges["FEEDS", 2, 3] = None
    edge = {"relation": "DERIVES", "validFrom": 0}
    reads = request.hop_reads()
    state = request.working_set(reads, StoredState({}, [[(2, 1, edge)]], [None]))
    assert state.edges == {("DERIVES", 1, 2): edge}
    assert ("FEEDS", 2, 3) in state.coverage.edges
    assert (Direction.IN, "DERIVES", 2) in state.coverage.hops


def test_an_event_needs_its_evidence_and_its_record(memory: Memory) -> None:
    """The records that its plan looks up, so that it is planned once; of other commands none is known before."""
    item = EventCommand(urn("dataset d"), "e1", (ObserveCommand(urn("dataset d"), "d"),), lambda _: None)
    ran = RecordIngestionCommand(urn("dataset d"), "e1", "jobs", "WRITTEN", changed=True, values={})
    memory.run(*item.commands, ran)
    found = [*prefetch.attached_records_of(item, memory.author())]
    stored = {each["id"] for each in memory.vertices.values() if each["kind"] != "CHANGE"}
    assert {*found} == stored
    assert [*prefetch.attached_records_of(ran, memory.author())] == found[1:]
    assert [*prefetch.attached_records_of(asset("dataset d"), memory.author())] == []
    columns = asset("dataset d", {"columns": [{"name": "a"}]})
    assert [*prefetch.attached_records_of(columns, memory.author())] == [
        observation_urn(memory.author().tenant, urn("dataset d"))
    ]


def test_what_names_a_merged_vertex_is_read_where_it_leads() -> None:
    """Edges and hops that name it are those of the other one, as the store has read them."""
    request = PrefetchRequest("default")
    request.add_command(link("DERIVES", "dataset old", "dataset d"))
    request.add_command(asset("dataset old", derivedFrom=["dataset a"]))
    old, new, far = vid("dataset old"), vid("dataset new"), vid("dataset d")
    plain = {name: stub("default", urn(name), "ada", NOW) for name in ("dataset old", "dataset new", "dataset d")}
    records = {old: merged(plain["dataset old"], new, urn("dataset new"), NOW), new: plain["dataset new"]}
    edge = {"relation": "DERIVES", "validFrom": 1}
    state = StoredState(records | {far: plain["dataset d"]}, [[]], [edge])
    batch = request.working_set(request.hop_reads(), state)
    assert batch.edge(("DERIVES", new, far)) == edge
    assert batch.merged == {urn("dataset old"): old}
    assert batch.led_to(old) == batch.led_to(new) == new
    batch.require_hop(Direction.IN, "DERIVES", new)
    batch.require_edge(("DERIVES", new, far))
