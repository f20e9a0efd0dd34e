"""The responses to events: reports of what was left out, errors with a code, and the rights of the caller."""

import gzip
from typing import Any

import orjson
from support.estates.owned_items import urn
from support.servers.in_process import Api


def event(run_id: str, kind: str = "COMPLETE", **more: Any) -> dict[str, Any]:
    """Return a run event of the job `nightly`."""
    job = {"namespace": "scheduler", "name": "nightly"}
    return {"eventType": kind, "eventTime": "2026-11-24T03:00:00Z", "run": {"runId": run_id}, "job": job, **more}


async def post(api: Api, body: Any, who: str = "ci-ranking", path: str = "", **headers: str) -> Any:
    """Return the response to a body with events."""
    given = {"Authorization": f"Bearer {api.tokens[who]}", "Content-Type": "application/json", **headers}
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return await api.http.post(f"/api/v1/lineage{path}", content=content, headers=given)


def code(response: Any) -> tuple[int, str]:
    """Return status and code of an error."""
    return response.status_code, response.json()["errors"][0]["extensions"]["code"]


async def test_an_accepted_event_is_reported(api: Api) -> None:
    """201 has the ids with their rules, the new edges, and each facet left out; a repetition has no new edge."""
    tables = [{"namespace": "postgresql://db", "name": "orders", "facets": {"schema": {"fields": 1}}}]
    first = await post(api, event("reported", inputs=tables))
    assert first.status_code == 201
    run, job = "mlg://run/openlineage/default/reported", "mlg://workflow/openlineage/scheduler/nightly"
    orders = "mlg://dataset/postgres/db/orders"
    given = {"role": "input", "namespace": "postgresql://db", "name": "orders"}
    assert first.json() == {
        "subject": run,
        "outcome": "CREATED",
        "resolved": [
            {**given, "id": orders, "rule": "SPELLING"},
            {"role": "job", "namespace": "scheduler", "name": "nightly", "id": job, "rule": "EXACT"},
        ],
        "linked": [{"field": "workflow", "id": job}, {"field": "inputs", "id": orders}],
        "ignored": [{"facet": "input.schema", "reason": "`fields` is no list"}],
        "refused": [],
    }
    again = await post(
        api, gzip.compress(orjson.dumps(event("reported", inputs=tables))), **{"Content-Encoding": "gzip"}
    )
    assert (again.status_code, again.json()["linked"], again.json()["outcome"]) == (201, [], "UNCHANGED")


async def test_what_belongs_to_others_is_refused_and_the_rest_is_written(api: Api) -> None:
    """A dataset of another team keeps its values and gets no edge from a sender without rights; the run is stored."""
    theirs, tag = urn("dataset", "theirs"), {"tags": [{"key": "pii", "value": "true"}]}
    team = "mlg://team/catalog/default/ads"
    await api.load({"team": {"name": "ads"}}, {"dataset": {"id": theirs, "owners": [{"owner": team}]}})
    namespace, name = theirs.removeprefix("mlg://dataset/").split("/", 1)
    output = {"namespace": f"{namespace}://{name.split('/')[0]}", "name": "theirs", "facets": {"tags": tag}}
    response = await post(api, event("foreign", outputs=[output]))
    assert response.status_code == 201
    refused = response.json()["refused"]
    assert {each.get("code") for each in refused} == {"DENIED", None}
    assert {each["id"] for each in refused} == {theirs}
    read = "query ($id: ID!) { asset(id: $id) { ... on Run { state outputs { nodes { id } } } } }"
    found = await api.ask("ada", read, id="mlg://run/openlineage/default/foreign")
    assert found == {"asset": {"state": "COMPLETE", "outputs": {"nodes": []}}}


async def test_a_batch_reports_each_event(api: Api) -> None:
    """201 if all events are accepted, 207 with the index of each rejected one, and an error status if none is."""
    both = await post(api, [event("b1"), event("b2", "START")], path="/batch")
    assert both.status_code == 201
    assert both.json()["summary"] == {"received": 2, "successful": 2, "failed": 0}
    mixed = await post(api, [event("b3"), {"eventTime": "soon"}], path="/batch")
    assert mixed.status_code == 207
    (failed,) = mixed.json()["failed_events"]
    assert (failed["index"], failed["retriable"]) == (1, False)
    assert failed["reason"] == "`eventTime` is 'soon'; write an instant such as 2026-11-24T09:30:00Z."
    assert [each["index"] for each in mixed.json()["events"]] == [0]
    none = await post(api, [{}], path="/batch")
    assert (none.status_code, none.json()["status"]) == (400, "failure")
    empty = await post(api, [], path="/batch")
    assert (empty.status_code, empty.json()["status"]) == (201, "success")


async def test_errors_have_a_code(api: Api) -> None:
    """No token, a token without the scope or the right, a malformed body, another method: each has its status."""
    assert code(await post(api, event("x"), Authorization="")) == (401, "UNAUTHENTICATED")
    assert code(await post(api, event("x"), who="bo")) == (403, "FORBIDDEN")
    assert code(await post(api, event("x"), who="eli")) == (403, "DENIED")
    assert code(await post(api, b"{")) == (400, "BAD_REQUEST")
    assert code(await post(api, {"eventTime": "soon"})) == (400, "INVALID")
    headers = {"Authorization": f"Bearer {api.tokens['ada']}"}
    assert code(await api.http.get("/api/v1/lineage", headers=headers)) == (405, "BAD_REQUEST")


async def test_the_event_of_a_deleted_run_is_a_conflict(api: Api) -> None:
    """An event does not restore what was deleted; the sender gets 409 with the id, and a record shows it."""
    run = "mlg://run/openlineage/default/gone"
    assert (await post(api, event("gone", "START"))).status_code == 201
    deletion = "mutation ($id: ID!) { deleteAsset(input: {asset: $id}) { changed errors { message } } }"
    assert (await api.ask("root", deletion, id=run))["deleteAsset"] == {"changed": True, "errors": []}
    assert code(await post(api, event("gone"))) == (409, "CONFLICT")
    read = "query ($id: ID!) { ingestions(filter: {subjects: [$id]}, first: 1) { nodes { state reason eventType } } }"
    (rejected,) = (await api.ask("ada", read, id=run))["ingestions"]["nodes"]
    assert rejected == {"state": "REJECTED", "reason": "CONFLICT", "eventType": "COMPLETE"}


async def test_owners_and_tags_are_in_the_record_of_their_event(api: Api) -> None:
    """The edges that they make are listed with their far ends, which are no assets."""
    await api.load({"team": {"name": "crm"}})
    facets = {"ownership": {"owners": [{"name": "crm"}]}, "tags": {"tags": [{"key": "gold", "value": "true"}]}}
    job = {"namespace": "scheduler", "name": "owned", "facets": facets}
    assert (await post(api, event("owned", job=job), who="root")).status_code == 201
    read = """query ($ids: [ID!]!) { ingestions(filter: {subjects: $ids}) { nodes { edges { target { id } } } } }"""
    found = await api.ask("root", read, ids=["mlg://run/openlineage/default/owned"])
    (node,) = found["ingestions"]["nodes"]
    ends = {each["target"]["id"] for each in node["edges"]}
    assert ends >= {"mlg://team/catalog/default/crm", "mlg://tag/catalog/default/gold"}
