"""The parts in which a recomputation is stored: each again until it is stored, and small ones for large records."""

from typing import Any

import networkx as nx
from support.oracles.ranked_flows import Flows

from app.graph.jobs.known_sources import ReadBudget
from app.graph.jobs.sensitivity_recompute import Recomputation
from app.graph.records.touched import Touched
from policies.sensitivity import SENSITIVITIES

TOP = len(SENSITIVITIES) - 1


async def test_a_part_that_was_not_stored_is_the_next_one_again() -> None:
    """If another process wrote first, nothing is decided again, and each of the five vertices is lowered once."""
    row = nx.path_graph(range(1, 6), create_using=nx.DiGraph)
    flows: Any = Flows(row, dict.fromkeys(row, TOP), dict.fromkeys(row, 0))
    recomputation, parts = Recomputation(size=2), list[list[int]]()
    recomputation.begin_batch([5])
    for step in range(6):
        await recomputation.begin_step()
        flows.edges_read = []
        assert await recomputation.decide(flows, ReadBudget())
        assert step == 0 or flows.edges_read == []
        parts.append([*recomputation.next_part()])
        if step % 2:
            flows.ranks |= dict.fromkeys(parts[-1], 0)
            recomputation.stored(recomputation.next_part(), ())
        recomputation.known.record(Touched(frozenset(parts[-1])))
    assert parts == [[1, 2], [1, 2], [3, 4], [3, 4], [5], [5]]
    assert recomputation.is_stored


async def test_parts_stay_small_if_the_batch_is_decided_again() -> None:
    """A writer raises one of five large records between all steps; each step but the first one stores a record."""
    row = nx.path_graph(range(1, 6), create_using=nx.DiGraph)
    flows: Any = Flows(row, dict.fromkeys(row, TOP), dict.fromkeys(row, 0))
    recomputation, parts = Recomputation(size=5), list[list[int]]()
    recomputation.begin_batch([5])
    for step in range(4):
        flows.declared[5] = step % 2
        recomputation.known.record(Touched(frozenset({5})))
        await recomputation.begin_step()
        while not await recomputation.decide(flows, ReadBudget()):
            pass
        parts.append([*recomputation.next_part()])
        if len(parts[-1]) > 1:
            recomputation.divide(1)
            continue
        flows.ranks |= recomputation.next_part()
        recomputation.known.record(Touched(frozenset(parts[-1])))
        recomputation.stored(recomputation.next_part(), ())
    assert parts == [[1, 2, 3, 4, 5], [1], [2], [3]]
