"""Lineage, impact, paths, scenes and differences of random graphs, compared with networkx, at any read time."""

import os
from collections.abc import AsyncIterator
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.documents.lineage_questions import differences, rounds
from support.documents.scene_questions import diff_differences, scene_differences, scenes, states
from support.estates.leak_catalogue import token
from support.estates.lineage_graphs import WalkGraph, walk_graphs
from support.servers.in_process import Api, no_jobs, open_api
from support.stores.janusgraph import StoreGraph
from support.stores.lineage_loader import WalkStore

GRAPHS = int(os.environ.get("GRAPHS", "200"))
AT_ONCE = 10
"""Number of graphs per example; these are loaded in shared transactions."""

_numbers = count()


@pytest.fixture(scope="module")
async def api(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Return the API over a store that all graphs share, each in a namespace of its own.

    No test reads what the jobs write, and they delay the loading.
    """
    async with open_api(module_graph, tmp_path_factory.mktemp("keys"), no_jobs) as opened:
        opened.tokens["guest"] = token(opened, "guest")
        yield opened


@pytest.mark.timeout(0)
@settings(
    max_examples=-(-GRAPHS // AT_ONCE),
    deadline=None,
    phases=[Phase.generate],  # shrinking over the store takes minutes, and a failure prints its graph
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(graphs=st.lists(walk_graphs(), min_size=AT_ONCE, max_size=AT_ONCE), data=st.data())
async def test_lineage_queries_equal_networkx(api: Api, graphs: list[WalkGraph], data: st.DataObject) -> None:
    """Nodes, edges, counts, paths, groups and completeness equal the definition by networkx, for each persona."""
    graphs = [graph.named(f"w{next(_numbers)}") for graph in graphs]
    await WalkStore(api).load(*graphs)
    for graph in graphs:
        requested = data.draw(rounds(graph))
        found = await differences(api, graph, requested)
        found += await scene_differences(api, graph, requested, [data.draw(scenes(graph))])
        found += await diff_differences(api, graph, requested.who, data.draw(states(graph)))
        assert not found, "\n".join([*found, graph.text])
