"""Children that a transaction reads because they may inherit another owner team: all those of a parent, or none."""

from dataclasses import replace
from typing import Any

import pytest
from support.stores.counted_reads import CountedReads
from support.stores.in_memory_writer import ROOT, Memory, seeded
from support.stores.memory_store import Callers, names
from support.stores.writers import asset, person, set_owners, urn

from app.graph.records.vertex_id import vertex_id
from app.graph.writing import inheriting_children
from app.graph.writing.group_plan import GroupPlan, GroupPlanner
from app.graph.writing.unit.read_set import ReadSet
from graphql_schema.ports.commands import Command
from policies.principal import Principal

OURS = {"team ranking": ["TECHNICAL"]}
BOTH = person("bo", "team ranking", "team ads", roles="engineer")


@pytest.fixture(autouse=True)
def _limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a transaction read two children."""
    monkeypatch.setattr(inheriting_children, "MAX_CHILDREN", 2)


def vid(text: str) -> int:
    """Return the vertex id of ``kind name``."""
    return vertex_id("default", urn(text))


def model(memory: Memory, name: str, count: int, **last: Any) -> list[int]:
    """Store a model with versions, the last of which has these values; return the vertex ids of the versions."""
    texts = [f"model-version {name}@{number}" for number in range(count)]
    seeded(memory, asset(f"model {name}", owners=OURS), *map(asset, texts[:-1]), asset(texts[-1], **last))
    return [*map(vid, texts)]


async def planned(memory: Memory, *items: Command, who: Principal = ROOT) -> tuple[GroupPlan, CountedReads]:
    """Plan the items as one call; return the plan, and what it has read."""
    reads = CountedReads(memory)
    client: Any = reads
    callers = Callers(reads)
    batch = callers.batch(who, *items)
    return await GroupPlanner(client, callers.coordinator, [batch], ReadSet()).plan(), reads


def owners(plan: GroupPlan, vids: list[int]) -> list[str]:
    """Return the owner teams in the plan, "" for a vertex that it has not read."""
    records = [plan.state.vertices.get(each) for each in vids]
    return ["" if record is None else str(record["ownerTeam"]) for record in records]


@pytest.mark.parametrize("count", [1, 2])
async def test_few_children_change_with_their_parent(memory: Memory, count: int) -> None:
    """They have the new owner team in the same transaction, and nothing is left to the job."""
    children = model(memory, "m", count)
    plan, _ = await planned(memory, set_owners("model m", "team ads"))
    assert owners(plan, [vid("model m"), *children]) == [urn("team ads")] * (count + 1)
    assert plan.entries == []


@pytest.mark.parametrize("count", [3, 9])
async def test_many_children_are_left_to_the_job(memory: Memory, count: int) -> None:
    """None of them is read, the parent changes alone, and the entry has the caller."""
    children = model(memory, "m", count)
    plan, reads = await planned(memory, set_owners("model m", "team ads"))
    assert names(plan.batches[0].outcomes) == ["UPDATED"]
    assert owners(plan, [vid("model m"), *children]) == [urn("team ads"), *[""] * count]
    assert not {*children} & {*reads.records}
    assert len([key for _, key in reads.edges if key[0] == "VERSION_OF"]) <= inheriting_children.PAGE_FACTOR * 2 + count
    (entry,) = plan.entries
    assert (entry.kind, [*entry.frontier], entry.raised_by) == ("owner", [vid("model m")], ROOT)


async def test_parents_of_a_transaction_share_the_limit(memory: Memory) -> None:
    """Of three models with a version each, two change with their versions; the job changes the third version."""
    children = [each for name in "abc" for each in model(memory, name, 1)]
    plan, _ = await planned(memory, *(set_owners(f"model {name}", "team ads") for name in "abc"))
    assert sorted(owners(plan, children)) == ["", urn("team ads"), urn("team ads")]
    (entry,) = plan.entries
    left = {vid(f"model {name}"): child for name, child in zip("abc", children, strict=True)}
    assert owners(plan, [left[each] for each in entry.frontier]) == [""]


async def test_large_children_are_left_to_the_job(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store would refuse a transaction with their records."""
    monkeypatch.setattr(inheriting_children, "MAX_SIZE", 100)
    children = model(memory, "m", 2)
    plan, _ = await planned(memory, set_owners("model m", "team ads"))
    assert owners(plan, children) == [urn("team ranking")] * 2
    assert [entry.kind for entry in plan.entries] == ["owner"]


@pytest.mark.parametrize("count", [2, 3])
async def test_a_hidden_child_counts_as_a_visible_one(memory: Memory, count: int) -> None:
    """Outcome, requests and what is left to the job are those of a child that the caller may see."""
    hidden = replace(memory, vertices={}, edges={})
    model(memory, "m", count, owners={"team data": ["TECHNICAL"]})
    values = {"visibility": "TEAM"}
    texts = [f"model-version m@{number}" for number in range(count)]
    seeded(hidden, asset("model m", owners=OURS), *map(asset, texts[:-1]))
    seeded(hidden, asset(texts[-1], values, owners={"team data": ["TECHNICAL"]}))
    found = []
    for each in (memory, hidden):
        plan, reads = await planned(each, set_owners("model m", "team ads"), who=BOTH)
        found.append((names(plan.batches[0].outcomes), reads.requests, [one.kind for one in plan.entries]))
    assert found[0] == found[1]
    assert found[0][0] == ["UPDATED"]
