"""Lineage, impact and paths of random graphs answer, page by page, as networkx says they should, at any instant."""

import os
from collections.abc import AsyncIterator
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.documents.lineage_questions import differences, rounds
from support.estates.leak_catalogue import token
from support.estates.lineage_graphs import WalkGraph, walk_graphs
from support.servers.in_process import Api, no_jobs, open_api
from support.stores.janusgraph import StoreGraph
from support.stores.lineage_loader import WalkStore

GRAPHS = int(os.environ.get("GRAPHS", "200"))
AT_ONCE = 10
"""Graphs of one example: they share the transactions that load them."""

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
    phases=[Phase.generate],  # a difference names its graph; to shrink it over the store takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(graphs=st.lists(walk_graphs(), min_size=AT_ONCE, max_size=AT_ONCE), data=st.data())
async def test_walks_answer_as_networkx_does(api: Api, graphs: list[WalkGraph], data: st.DataObject) -> None:
    """Nodes, edges, counts, ways, paths and completeness are those of the definition, whoever asks, at any instant."""
    graphs = [graph.named(f"w{next(_numbers)}") for graph in graphs]
    await WalkStore(api).load(*graphs)
    for graph in graphs:
        requested = data.draw(rounds(graph))
        found = await differences(api, graph, requested)
        assert not found, "\n".join([*found, graph.text])
