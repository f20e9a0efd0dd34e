"""The edges of an asset with very many of them do not hold the event loop."""

import threading
from collections.abc import AsyncIterator

import pytest
from support.estates.wide_lineage import noted_threads
from support.servers.in_process import Api, observes_one_process, open_api
from support.stores.janusgraph import StoreGraph

from app.graph.reading import relation_items, tied_versions, used_assets
from app.graph.reading.lineage import health_evidence, health_walk, lineage_visibility, lineage_walk
from app.graph.reading.lineage.health_findings import EvidenceWeighing
from app.graph.reading.lineage.health_walk import HealthWalk
from app.graph.reading.lineage.lineage_visibility import LineageVisibility
from app.graph.reading.lineage.lineage_walk import WalkState
from app.graph.reading.lineage.shortest_paths import KnownGraph
from app.graph.reading.relation_items import RelationItems
from graphql_schema.execution.side_thread import run_aside
from graphql_schema.rules import version_order

HUB = "mlg://dataset/test/default/hub"
FAR = "mlg://dataset/test/default/consumer0"
INCIDENT = "mutation ($input: OpenIncidentInput!) { openIncident(input: $input) { errors { message } } }"
OF_A_HUB = {
    "walk": (
        WalkState,
        "_follow",
        f'lineage(roots: ["{HUB}"], direction: DOWNSTREAM, maxDepth: 1) {{ nodes {{ totalCount }} }}',
    ),
    "next level": (
        WalkState,
        "_arrive",
        f'lineage(roots: ["{HUB}"], direction: DOWNSTREAM, maxDepth: 1) {{ nodes {{ totalCount }} }}',
    ),
    "past walk": (
        WalkState,
        "_follow",
        f'lineage(roots: ["{HUB}"], direction: DOWNSTREAM, asOf: "2026-02-01T00:00:00Z") {{ nodes {{ totalCount }} }}',
    ),
    "past neighbours": (
        RelationItems,
        "of",
        f'asset(id: "{HUB}", asOf: "2026-02-01T00:00:00Z") {{ downstream(first: 1) {{ totalCount }} }}',
    ),
    "evidence": (EvidenceWeighing, "findings", f'asset(id: "{HUB}") {{ health {{ status }} }}'),
    "findings": (HealthWalk, "_add_asset", f'asset(id: "{HUB}") {{ health {{ status }} }}'),
    "causes": (health_walk, "nsmallest", f'asset(id: "{HUB}") {{ health {{ status }} }}'),
    "paths": (
        LineageVisibility,
        "along",
        f'paths(from: "{HUB}", to: "{FAR}", maxLength: 1) {{ paths {{ length }} }}',
    ),
    "search": (KnownGraph, "steps", f'paths(from: "{HUB}", to: "{FAR}") {{ paths {{ length }} }}'),
    "neighbours": (RelationItems, "of", f'asset(id: "{HUB}") {{ downstream(first: 1) {{ totalCount }} }}'),
    "versions": (
        version_order,
        "name_key",
        f'asset(id: "{HUB}") {{ ... on Dataset {{ versions {{ nodes {{ id }} }} }} }}',
    ),
    "last use": (
        used_assets,
        "last_use_of",
        f'assets(filter: {{unusedForDays: 9, ids: ["{HUB}"]}}) {{ nodes {{ id }} }}',
    ),
    "uses": (
        RelationItems,
        "of",
        f'assets(filter: {{unusedForDays: 9, ids: ["{HUB}"]}}) {{ nodes {{ id }} }}',
    ),
}
"""By name, a function that visits all edges of an asset, with its owner, and a query that calls it."""


@pytest.fixture(scope="module")
async def hub(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Return an API with an asset that has some consumers, and versions of one instant."""
    incidents = ({"assets": [HUB], "title": f"Late {number}", "severity": "HIGH"} for number in range(9))
    versions = (HUB.replace("dataset", "dataset-version") + f"@{number}" for number in range(9))
    begin = {"sourceCreatedAt": "2026-01-01T00:00:00Z"}
    dated = ({"datasetVersion": {"id": each, **begin}} for each in versions)
    consumers = ({"dataset": {"id": f"{FAR[:-1]}{number}", "derivedFrom": [HUB]}} for number in range(9))
    async with open_api(module_graph, tmp_path_factory.mktemp("keys")) as api:
        await api.load({"dataset": {"id": HUB, **begin}}, *dated, *consumers)
        for each in incidents:
            await api.ask("root", INCIDENT, input=each)
        yield api


@observes_one_process
@pytest.mark.parametrize("name", OF_A_HUB)
async def test_others_run_beside_the_edges_of_a_hub(hub: Api, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """One asset can have tens of thousands of edges: they are followed, listed, searched and put in order there."""
    for module, limit in (
        (lineage_walk, "LONG_LINEAGE"),
        (lineage_visibility, "LONG_LINEAGE"),
        (health_walk, "LONG_LINEAGE"),
        (health_evidence, "LONG_LINEAGE"),
        (relation_items, "MANY_EDGES"),
        (tied_versions, "MANY_VERSIONS"),
    ):
        is_other = name.startswith("past") and limit != "MANY_VERSIONS"  # the past has a limit of its own
        monkeypatch.setattr(module, limit, 10_000 if is_other else 5)
    for module in (lineage_visibility, relation_items):
        monkeypatch.setattr(module, "LONG_PAST", 5)
    monkeypatch.setattr(used_assets, "MANY_USES", -1)
    owner, function, query = OF_A_HUB[name]
    noted = noted_threads(monkeypatch, owner, function)
    await hub.ask("bo", f"{{ {query} }}")
    assert (function, await run_aside(threading.get_ident)) in noted
