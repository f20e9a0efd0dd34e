"""Edges of a hub, and members of sets, on Cassandra: they are written beneath the comparisons of JanusGraph."""

from pathlib import Path
from typing import Any

import httpx2
import pytest
from support.servers.distributed.cluster import Cluster
from support.servers.server_process import Serving, register

pytestmark = [pytest.mark.distributed, pytest.mark.timeout(600)]

SET = "mlg://feature-set/hub/default/s"
FEATURES = [f"mlg://feature/hub/default/f{number}" for number in range(240)]
QUERY = "query ($id: ID!) { asset(id: $id) { ... on FeatureSet { features(first: 500) { nodes { id } } } } }"
SEARCH = "query ($text: String!) { search(text: $text) { hits { nodes { asset { id } } } } }"


async def test_a_set_has_the_features_and_words_that_were_written_last(cluster: Cluster, tmp_path: Path) -> None:
    """More than a hundred edges leave the set: each list replaces the one before, and so do the words of its name."""
    serving = Serving(tmp_path, {"MLG_STORE_URL": cluster.urls[0]})
    await serving.start()
    try:
        async with httpx2.AsyncClient(headers=serving.headers(), timeout=120, trust_env=False) as http:

            async def ask(query: str, **variables: str) -> Any:
                sent = {"query": query, "variables": variables}
                return (await http.post(f"{serving.url}/graphql", json=sent)).json()["data"]

            assert await register(http, serving.url, [{"feature": {"id": each}} for each in FEATURES], None)
            lists = {"alpha beta": FEATURES[:160], "beta gamma": FEATURES[80:], "alpha": FEATURES}
            for words, features in lists.items():
                item = {"featureSet": {"id": SET, "displayName": f"hub {words}", "features": features}}
                (result,) = await register(http, serving.url, [item], None) or [{"outcome": "FAILED"}]
                assert result["outcome"] in {"CREATED", "UPDATED"}
                nodes = (await ask(QUERY, id=SET))["asset"]["features"]["nodes"]
                assert sorted(each["id"] for each in nodes) == sorted(features)
                for word in ("alpha", "beta", "gamma"):
                    hits = (await ask(SEARCH, text=f"hub {word}"))["search"]["hits"]["nodes"]
                    assert [each["asset"]["id"] for each in hits] == ([SET] if word in words else [])
    finally:
        await serving.stop()
