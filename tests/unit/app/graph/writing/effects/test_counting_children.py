"""The children that count at the edges of their parents: read once, and no request discloses a hidden edge."""

from dataclasses import replace
from typing import Any

import pytest
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, link, person, urn

from app.graph.commits.reads.read_limits import ELEMENTS_A_SECOND
from app.graph.commits.turns.long_writers import LARGE_SECONDS
from app.graph.propagation.sources import Sources
from app.graph.records.vertex_id import vertex_id
from app.graph.writing.effects import counting_children
from app.graph.writing.effects.counting_children import CountingChildren, ManyChildrenError, expected_parents
from graphql_schema.catalog.relations import INPUT_TO
from graphql_schema.ports.commands import Command, DeclaredEdges, EventCommand, ObserveCommand

ROOT = person("root", roles="admin")
ADA = person("ada", "team ranking", roles="engineer")
ITEM = asset("model-version m@1", trainedOn=["dataset a", "dataset b"], usedFeatures=["feature f"])


def vid(text: str) -> int:
    """Return the vertex id of ``kind name``."""
    return vertex_id("default", urn(text))


class Flows:
    """Returns one child of each parent, and counts the requests."""

    now = NOW

    def __init__(self) -> None:
        self.requests: list[list[int]] = []

    async def few_children(self, parents: list[int], limit: int, _max_size: int) -> Sources | None:
        """See :class:`app.graph.propagation.stored_flows.StoredFlows`."""
        self.requests.append(parents)
        if 2 * len(parents) > limit:
            return None
        records: dict[int, Any] = {-vid: {"sensitivity": "INTERNAL"} for vid in parents}
        return Sources({vid: {-vid} for vid in parents}, records)


async def test_each_parent_is_read_once() -> None:
    """A later batch reads the parents that no earlier one has read, and results do not share their sets."""
    flows: Any = Flows()
    children = CountingChildren(flows)
    await children.of([1, 2])
    first = await children.of([2, 3])
    first.of[2].add(77)
    assert (await children.of([2])).of == {2: {-2}}
    assert (set(first.records), flows.requests) == ({-2, -3}, [[1, 2], [3]])


async def test_a_transaction_reads_few_children_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parents and children of all batches count together; further parents are named, to be read ahead."""
    monkeypatch.setattr(counting_children, "MAX_CHILDREN", 6)
    flows: Any = Flows()
    children = CountingChildren(flows)
    await children.of([1, 2])
    await children.of([2, 3])
    with pytest.raises(ManyChildrenError) as raised:
        await children.of([3, 4])
    assert (raised.value.parents, raised.value.now) == ([4], NOW)


def test_few_children_are_read_under_the_lock() -> None:
    """What is charged to no caller, edges and records, takes the store less than the items for which a caller waits."""
    assert 2 * counting_children.MAX_CHILDREN / ELEMENTS_A_SECOND < LARGE_SECONDS


def parents(memory: Memory, *commands: Command, subject: str = "ada") -> set[int]:
    """Return the expected parents of commands of a caller."""
    author = replace(memory.author(ADA, NOW + 1), subject=subject)
    return expected_parents(commands, memory.state(), author)


def test_parents_are_the_sources_of_carrying_edges(memory: Memory) -> None:
    """Data sets and models have children, features have none; owners and the model of a version carry nothing."""
    seeded(memory, *map(asset, ("dataset a", "dataset b", "feature f", "domain shop")))
    assert parents(memory, ITEM) == {vid("dataset a"), vid("dataset b")}
    assert parents(memory, link("DERIVES", "dataset a", "dataset b")) == {vid("dataset a")}
    reading = DeclaredEdges(INPUT_TO.into(), "OpenLineage.inputs", {urn("dataset a"): {}}, adds=True)
    observed = ObserveCommand(urn("run r"), "r", edges=(reading,))
    event = EventCommand(urn("run r"), "e", (observed,), lambda _: None)
    assert parents(memory, observed) == parents(memory, event) == {vid("dataset a")}
    assert parents(memory, link("CONTAINS", "domain shop", "dataset a")) == set()
    assert parents(memory, asset("dataset a", owners={"team ads": ["TECHNICAL"]})) == set()


def test_only_edges_that_the_caller_recorded_are_known(memory: Memory) -> None:
    """An edge that another caller recorded may be hidden, so it is treated like an absent one."""
    seeded(memory, ITEM)
    assert parents(memory, ITEM, subject="root") == set()
    assert parents(memory, ITEM) == {vid("dataset a"), vid("dataset b")}


@pytest.mark.parametrize("count", [1, 2])
def test_hidden_and_absent_parents_are_left_out(memory: Memory, count: int) -> None:
    """What is read does not distinguish a hidden parent from an absent one; an edge from it will be unconfirmed."""
    hidden = asset("dataset b", {"visibility": "TEAM"}, owners={"team ads": ["TECHNICAL"]})
    seeded(memory, *[asset("dataset a"), hidden][:count])
    assert parents(memory, ITEM) == {vid("dataset a")}
