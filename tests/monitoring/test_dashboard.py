"""The dashboard in a real Prometheus that scrapes a real server: every query has a result."""

import asyncio
import json
import os
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
from monitoring.prometheus_tools import prometheus_tools
from support.servers.server_process import Serving, free_port
from support.source_tree import ROOT, read
from support.waiting import until

pytestmark = pytest.mark.monitoring
DASHBOARD: dict[str, Any] = json.loads(read("deploy/grafana/dashboard.json"))
TARGETS = [(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]
WITHOUT_RESULT = (
    *(
        "mlg_leader",
        "mlg_write_log",
        "mlg_store_server",
        "mlg_index",
        "mlg_hidden_values",
        "mlg_refused_actions",
        "mlg_truncated_answers",
        "mlg_webhook",
        "mlg_thin_events",
    ),
    'mlg_store_requests_total{job="$job", instance=~"$instance", code!="OK"}',
)
"""Parts of queries for what an embedded store does not have, what is off, and what appears with its first event."""

REGISTER = """mutation { registerAssets(input: {items: [{team: {name: "ranking"}}]}) { failed } }"""
QUERIES = (REGISTER, "query Page { assets { nodes { id } } }", "{ nothing }")


@asynccontextmanager
async def scraping(folder: Path, port: int) -> AsyncIterator[httpx2.AsyncClient]:
    """Run Prometheus with the rules of the product over one metrics port; yield a client of its API."""
    own = free_port()
    job = {"job_name": "mlgraph", "scrape_interval": "1s", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
    rules = str(ROOT / "deploy" / "prometheus" / "alerts.yaml")
    config = {"global": {"evaluation_interval": "1s"}, "rule_files": [rules], "scrape_configs": [job]}
    (folder / "prometheus.yml").write_text(json.dumps(config))
    process = await asyncio.create_subprocess_exec(
        *(prometheus_tools().prometheus, f"--config.file={folder / 'prometheus.yml'}"),
        *(f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address=127.0.0.1:{own}"),
        stdout=DEVNULL,
        stderr=DEVNULL,
        env=os.environ,
    )
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{own}", trust_env=False) as http:
            yield http
    finally:
        process.terminate()
        await process.wait()


async def result_of(http: httpx2.AsyncClient, query: str) -> list[Any]:
    """Return the result of a query at this moment."""
    try:
        response = await http.get("/api/v1/query", params={"query": query})
    except httpx2.TransportError:
        return []
    if response.status_code == httpx2.codes.SERVICE_UNAVAILABLE:  # while Prometheus starts
        return []
    body = response.json()
    assert body["status"] == "success", body
    found: list[Any] = body["data"]["result"]
    return found


def chosen(query: str) -> str:
    """Return a query of the dashboard with the values that its variables have for one process."""
    values = {"$job": "mlgraph", "$instance": ".*", "$__rate_interval": "1m"}
    for name, value in values.items():
        query = query.replace(name, value)
    return query


async def test_every_query_of_the_dashboard_has_a_result(tmp_path: Path) -> None:
    """After some operations, each query returns series, the alert rules are loaded, and none of them fires."""
    port = free_port()
    server = Serving(tmp_path / "served", {"MLG_METRICS_PORT": str(port)})
    await server.start()
    try:
        async with scraping(tmp_path, port) as prometheus, httpx2.AsyncClient(trust_env=False) as http:
            await until(lambda: _has(prometheus, 'count_over_time(up{job="mlgraph"}[1m]) > 2'))
            headers = server.headers()

            async def has_written() -> bool:
                for query in QUERIES:
                    await http.post(f"{server.url}/graphql", json={"query": query}, headers=headers)
                await http.post(f"{server.url}/graphql", json={"query": "{ viewer { subject } }"})
                return await _has(prometheus, "sum(rate(mlg_write_transactions_total[1m])) > 0")

            await until(has_written)
            with suppress(TimeoutError):
                await until(lambda: _no_panel_is_empty(prometheus))
            empty = await empty_panels(prometheus)
            firing = await result_of(prometheus, 'ALERTS{alertstate="firing"}')
            rules = (await prometheus.get("/api/v1/rules")).json()["data"]["groups"]
    finally:
        await server.stop()
    assert empty == []
    assert firing == []
    assert {rule["health"] for group in rules for rule in group["rules"]} <= {"ok", "unknown"}
    assert sum(len(group["rules"]) for group in rules) > 20


async def empty_panels(http: httpx2.AsyncClient) -> list[tuple[str, str]]:
    """Return the queries without a result that should have one, each with the title of its panel."""
    expected = [each for each in TARGETS if not any(part in each[1] for part in WITHOUT_RESULT)]
    return [(title, query) for title, query in expected if not await result_of(http, chosen(query))]


async def _no_panel_is_empty(http: httpx2.AsyncClient) -> bool:
    return not await empty_panels(http)


async def _has(http: httpx2.AsyncClient, query: str) -> bool:
    return bool(await result_of(http, query))
