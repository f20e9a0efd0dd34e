"""Events of OpenLineage over HTTP, read back by GraphQL: the whole path from a sender to the graph."""

from typing import Any

import orjson
from support.servers.in_process import Api

RUN = "mlg://run/openlineage/default/ea041791-68bc-4ae1-bd89-4c8106a157e4"
READ_RUN = """query ($id: ID!) { asset(id: $id) { hydration ... on Run { state startedAt endedAt error
  workflow { id displayName } parentRun { id } inputs { nodes { id } } outputs { nodes { id } }
  properties { key value } } } }"""


def event(kind: str, at: str, **more: Any) -> dict[str, Any]:
    """Return a run event of the job `nightly`."""
    return {
        "eventType": kind,
        "eventTime": f"2026-11-24T{at}Z",
        "run": {"runId": "EA041791-68bc-4ae1-bd89-4c8106a157e4", "facets": more.pop("run_facets", {})},
        "job": {"namespace": "scheduler", "name": "nightly"},
        **more,
    }


def table(name: str, **facets: Any) -> dict[str, Any]:
    """Return a dataset of the warehouse."""
    return {"namespace": "postgres://db:5432", "name": name, "facets": facets}


async def post(api: Api, body: Any, who: str = "ci-ranking", path: str = "", **headers: str) -> Any:
    """Return the response to events."""
    given = {"Authorization": f"Bearer {api.tokens[who]}", "Content-Type": "application/json", **headers}
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return await api.http.post(f"/api/v1/lineage{path}", content=content, headers=given)


async def test_a_run_is_read_back_by_graphql(api: Api) -> None:
    """START and COMPLETE, the later one first, make one run with both inputs, its output, state and instants."""
    end = await post(api, event("COMPLETE", "03:10:00.5", inputs=[table("shop.orders")], outputs=[table("shop.daily")]))
    begin = await post(api, event("START", "03:00:00", inputs=[table("shop.customers")]))
    assert [end.status_code, begin.status_code] == [201, 201]
    assert end.json()["subject"] == RUN
    found = (await api.ask("ada", READ_RUN, id=RUN))["asset"]
    dataset = "mlg://dataset/postgres/db%3A5432/shop."
    assert found == {
        "hydration": "FULL",
        "state": "COMPLETE",
        "startedAt": "2026-11-24T03:00:00Z",
        "endedAt": "2026-11-24T03:10:00.500Z",
        "error": None,
        "workflow": {"id": "mlg://workflow/openlineage/scheduler/nightly", "displayName": "nightly"},
        "parentRun": None,
        "inputs": {"nodes": [{"id": f"{dataset}customers"}, {"id": f"{dataset}orders"}]},
        "outputs": {"nodes": [{"id": f"{dataset}daily"}]},
        "properties": None,
    }
