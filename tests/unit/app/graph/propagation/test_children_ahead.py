"""What was read ahead is kept while a call uses it; the results are proved over a store by a test of the writer."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from support.unpaused_calls import UnpausedCalls

from app.graph.propagation.children_ahead import ChildrenAhead
from app.graph.propagation.edge_lookups import EdgeLookup
from app.graph.propagation.flow_statement import PARENT_STEPS
from app.graph.propagation.sources import Sources
from app.graph.records.touched import Touched
from app.runtime.operation_memory import LITTLE, OperationMemory
from graphql_schema.ports.operation_budget import OperationBudget, UsageLimits
from graphql_schema.ports.record import Record
from policies.errors import LimitError

PARENT, CHILD, OTHER = 1, 10, 11
VISITED = 50
TO_DATASET = next(number for number, step in enumerate(PARENT_STEPS) if step.label == "VERSION_OF")
INTERNAL = {"sensitivity": "INTERNAL", "index": {"tags": []}, "description": "long"}


class Client:
    """Has the watches of the writes of a client."""

    def __init__(self) -> None:
        self.write_watches: list[object] = []


class Flows:
    """Returns one child of a parent, and keeps what is read again: memberships, and the children with their records."""

    def __init__(self) -> None:
        self.again: list[tuple[set[EdgeLookup], list[int]]] = []

    async def child_pages(self, parents: list[int]) -> AsyncIterator[tuple[Sources, int]]:
        """See :class:`app.graph.propagation.stored_flows.StoredFlows`."""
        yield Sources({parent: {CHILD} for parent in parents}, {CHILD: INTERNAL}), VISITED

    async def members(self, memberships: set[EdgeLookup], children: list[int]) -> Sources:
        """See :class:`app.graph.propagation.stored_flows.StoredFlows`."""
        self.again.append((memberships, children))
        return Sources(records={vid: {**INTERNAL, "sensitivity": "RESTRICTED"} for vid in children})


async def test_only_written_children_are_read_again() -> None:
    """Other vertices do not matter; nothing is read twice, and of a record only what is needed is kept."""
    client: Any = Client()
    flows: Any = Flows()
    ahead = ChildrenAhead()
    with ahead.in_use():
        ahead.written.begin(client)
        await ahead.read(flows, [PARENT], OperationBudget())
        ahead.written.begun(Touched(vertices=frozenset({OTHER})))
        assert await ahead.refresh(flows, 5)
        assert (flows.again, ahead.children.records[CHILD]["sensitivity"]) == ([], "INTERNAL")
        assert "description" not in ahead.children.records[CHILD]
        ahead.written.ended(Touched(vertices=frozenset({CHILD, OTHER})), certain=True)
        for _ in range(2):
            assert await ahead.refresh(flows, 5)
        assert (flows.again, ahead.children.records[CHILD]["sensitivity"]) == ([(set(), [CHILD])], "RESTRICTED")


async def test_what_others_wrote_is_compared_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """They may write 100,000 edges while a call waits for the lock: 0.1 s in one callback."""
    client: Any = Client()
    flows: Any = Flows()
    ahead, calls = ChildrenAhead(), UnpausedCalls(monkeypatch)
    calls.observe(Touched, "ends_by_label")
    with ahead.in_use():
        ahead.written.begin(client)
        await ahead.read(flows, [PARENT], OperationBudget())
        for number in range(5):
            ahead.written.begun(Touched(vertices=frozenset({OTHER + number})))
        assert await ahead.refresh(flows, 5)
    assert calls.longest == 1


class TaggedFlows(Flows):
    """Returns pages of 1,000 children with 100 tags of their own each, which take some 16 KB."""

    def __init__(self, pages: int) -> None:
        super().__init__()
        self.left = pages

    @staticmethod
    def _tags(vid: int) -> list[str]:
        return [f"tag {vid} {each:036}" for each in range(100)]

    async def child_pages(self, parents: list[int]) -> AsyncIterator[tuple[Sources, int]]:
        """See :class:`app.graph.propagation.stored_flows.StoredFlows`."""
        while self.left:
            self.left -= 1
            vids = range(1_000 * self.left, 1_000 * (self.left + 1))
            records: dict[int, Record] = {vid: {**INTERNAL, "index": {"tags": self._tags(vid)}} for vid in vids}
            yield Sources({parent: {*vids} for parent in parents}, records), len(vids)


async def test_children_with_equal_values_share_these() -> None:
    """Thousands of children without tags take little, however long their records are, and a write changes one alone."""

    class Alike(Flows):
        async def child_pages(self, parents: list[int]) -> AsyncIterator[tuple[Sources, int]]:
            vids = range(10_000)
            yield Sources({parent: {*vids} for parent in parents}, {vid: {**INTERNAL} for vid in vids}), len(vids)

    budget, ahead = OperationBudget(), ChildrenAhead()
    with ahead.in_use():
        await ahead.read(Alike(), [PARENT], budget)  # type: ignore[arg-type]
        assert ahead.of_parent(PARENT) == [ahead.children.records[1]]
        assert budget.stored < 10_000 * 300


async def test_the_memory_of_what_is_kept_counts() -> None:
    """It is charged to the caller until the operation ends; a child without tags takes little, however long it is."""
    memory = OperationMemory(1_000 * LITTLE)
    for flows, fewest, most in ((Flows(), 100, 3_000), (TaggedFlows(3), 3_000 * 15_000, 3_000 * 18_000)):
        budget, ahead = OperationBudget(memory=memory.account("ada")), ChildrenAhead()
        with ahead.in_use():
            await ahead.read(flows, [PARENT], budget)  # type: ignore[arg-type]
            assert fewest < budget.stored < most
            assert memory.charged == max(0, budget.stored - LITTLE)
        budget.close()
        assert memory.charged == 0


async def test_a_reading_ends_at_the_limit_of_memory() -> None:
    """No further page is read, and nothing is kept after the end of the call."""
    flows, ahead = TaggedFlows(10), ChildrenAhead()
    budget = OperationBudget(UsageLimits(stored=25_000_000))
    with pytest.raises(LimitError, match="stored"), ahead.in_use():
        await ahead.read(flows, [PARENT], budget)  # type: ignore[arg-type]
    assert flows.left == 8
    assert (ahead.parents, ahead.children.records) == (set(), {})


async def test_edges_that_have_ended_count() -> None:
    """The store goes through them, so they count in the budget of the operation as others do."""
    flows: Any = Flows()
    for rows in (VISITED, VISITED + 1):
        budget, ahead = OperationBudget(UsageLimits(rows=rows)), ChildrenAhead()
        if rows == VISITED:
            with pytest.raises(LimitError, match="rows"):
                await ahead.read(flows, [PARENT], budget)
        else:
            await ahead.read(flows, [PARENT], budget)
        assert budget.rows == VISITED + 1


async def test_children_of_other_parents_are_not_read() -> None:
    """Any number of versions of other datasets may be registered meanwhile, and none of them is read."""
    client: Any = Client()
    flows: Any = Flows()
    ahead = ChildrenAhead()
    with ahead.in_use():
        ahead.written.begin(client)
        await ahead.read(flows, [PARENT], OperationBudget())
        others = [("out", "VERSION_OF", vid) for vid in range(20, 30)]
        ahead.written.begun(Touched(edge_ends=frozenset([*others, ("in", "VERSION_OF", 2), ("in", "DERIVES", PARENT)])))
        assert await ahead.refresh(flows, 5)
        assert flows.again == []
        ahead.written.begun(Touched(edge_ends=frozenset([others[0], ("in", "VERSION_OF", PARENT)])))
        assert await ahead.refresh(flows, 5)
        assert flows.again == [({(TO_DATASET, 20, PARENT)}, [20])]


async def test_very_many_memberships_are_not_read_again() -> None:
    """One transaction may touch many parents and many children; then nothing is known, and all is read ahead anew."""
    client: Any = Client()
    flows: Any = Flows()
    for parents, is_known in ((4, True), (5, False)):
        ahead = ChildrenAhead()
        with ahead.in_use():
            ahead.written.begin(client)
            await ahead.read(flows, range(1, parents + 1), OperationBudget())
            ends = [
                *(("out", "VERSION_OF", vid) for vid in range(20, 25)),
                *(("in", "VERSION_OF", vid) for vid in range(9)),
            ]
            ahead.written.begun(Touched(edge_ends=frozenset(ends)))
            assert await ahead.refresh(flows, 5) == is_known
            assert ahead.parents == ({*range(1, parents + 1)} if is_known else set())


async def test_it_is_kept_until_the_last_use_ends() -> None:
    """Two calls of one operation at a time share it; after both, nothing is known, and no write is recorded."""
    client: Any = Client()
    flows: Any = Flows()
    ahead = ChildrenAhead()
    with ahead.in_use():
        with ahead.in_use():
            ahead.written.begin(client)
            ahead.written.begin(client)
            await ahead.read(flows, [PARENT], OperationBudget())
        assert (ahead.parents, client.write_watches) == ({PARENT}, [ahead.written])
    assert (ahead.parents, ahead.children.of, client.write_watches) == (set(), {}, [])


async def test_nothing_is_kept_if_the_last_use_ends_while_children_are_read_again() -> None:
    """What is written afterwards is not recorded, so a later use must not find them."""
    client: Any = Client()
    flows: Any = Flows()
    ahead = ChildrenAhead()
    use = ahead.in_use()
    use.__enter__()
    ahead.written.begin(client)
    await ahead.read(flows, [PARENT], OperationBudget())
    ahead.written.begun(Touched(vertices=frozenset({CHILD})))
    members = flows.members

    async def ending(memberships: set[EdgeLookup], children: list[int]) -> Sources:
        use.__exit__(None, None, None)
        found: Sources = await members(memberships, children)
        return found

    flows.members = ending
    assert not await ahead.refresh(flows, 5)
    assert (ahead.parents, ahead.children.records, client.write_watches) == (set(), {}, [])


async def test_what_is_written_while_another_use_reads_counts_for_its_children() -> None:
    """A page is read in the store before it is added, so a child that is written in between is not known yet."""
    client: Any = Client()
    flows: Any = Flows()
    ahead = ChildrenAhead()
    pages = flows.child_pages

    async def while_pages_are_read(parents: list[int]) -> AsyncIterator[tuple[Sources, int]]:
        async for page in pages(parents):
            ahead.written.begun(Touched(vertices=frozenset({CHILD})))
            assert not await ahead.refresh(flows, 5)
            yield page

    with ahead.in_use():
        ahead.written.begin(client)
        flows.child_pages = while_pages_are_read
        await ahead.read(flows, [PARENT], OperationBudget())
        assert await ahead.refresh(flows, 5)
        assert (flows.again, ahead.children.records[CHILD]["sensitivity"]) == ([(set(), [CHILD])], "RESTRICTED")
