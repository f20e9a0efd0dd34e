"""Ingestions of real events are listed for 30 days, and then deleted in batches, also for readers with a warm cache."""

from itertools import pairwise
from typing import Any

import pytest
from support.servers.in_process import Api, api

from app.graph.jobs.ingestion_expiry import LIFETIME_MS, IngestionExpiry
from app.graph.records.clock import epoch_milliseconds

__all__ = ["api"]

LIST = """{ ingestions { totalCount nodes { id state source eventType actor subject { id }
  names { role asset { id } } edges { field effect target { id } } ignored { facet } } } }"""
NAMED = "query ($id: ID!) { node(id: $id) { id } }"
RUN, TABLE = "mlg://run/openlineage/default/{}", "mlg://dataset/pg/db/t"


async def post(api: Api, run_id: str, **more: Any) -> None:
    """Send an event that is accepted."""
    job = {"namespace": "jobs", "name": "nightly"}
    event = {"eventTime": "2026-11-24T09:00:00Z", "eventType": "START", "run": {"runId": run_id}, "job": job, **more}
    headers = {"Authorization": f"Bearer {api.tokens['ci-ranking']}"}
    response = await api.http.post("/api/v1/lineage", json=event, headers=headers)
    assert response.status_code == 201, response.text


async def test_an_event_leaves_one_ingestion_for_thirty_days(api: Api) -> None:
    """The newest is first, a repetition adds none, and after 30 days the records are gone, by id and in the list."""
    await post(api, "a", inputs=[{"namespace": "pg://db", "name": "t", "facets": {"schema": {}}}])
    for _ in range(2):
        await post(api, "b")
    await post(api, "c")
    found = (await api.ask("ada", LIST))["ingestions"]
    assert found["totalCount"] == 3
    assert [node["subject"]["id"] for node in found["nodes"]] == [RUN.format(each) for each in "cba"]
    *_, first = found["nodes"]
    assert {key: first[key] for key in ("state", "source", "eventType", "actor", "ignored")} == {
        "state": "WRITTEN",
        "source": "jobs",
        "eventType": "START",
        "actor": "ci-ranking",
        "ignored": [{"facet": "input.schema"}],
    }
    assert {"field": "inputs", "effect": "BEGAN", "target": {"id": TABLE}} in first["edges"]
    assert (await api.ask("ada", NAMED, id=first["id"]))["node"] == {"id": first["id"]}
    now = epoch_milliseconds()
    young = IngestionExpiry(api.client, api.coordinator.lock, clock=lambda: now + LIFETIME_MS - 3_600_000)
    assert not await young.step()
    assert (await api.ask("ada", LIST))["ingestions"] == found
    expiry = IngestionExpiry(api.client, api.coordinator.lock, clock=lambda: now + LIFETIME_MS + 1_000, batch=2)
    assert [await expiry.step(), await expiry.step()] == [True, False]
    assert (await api.ask("ada", LIST))["ingestions"] == {"totalCount": 0, "nodes": []}
    assert (await api.ask("ada", NAMED, id=first["id"]))["node"] is None
    await post(api, "a")
    assert (await api.ask("ada", LIST))["ingestions"]["totalCount"] == 1


async def test_a_step_deletes_few_large_ingestions(api: Api) -> None:
    """Each has the names of a hundred inputs: a step that reads two hundred of them would hold the lock for long."""
    inputs = [{"namespace": "pg://db", "name": f"t{number}{'x' * 100}"} for number in range(100)]
    for number in range(5):
        await post(api, f"large{number}", inputs=inputs)
    later = epoch_milliseconds() + LIFETIME_MS + 1_000
    expiry = IngestionExpiry(api.client, api.coordinator.lock, clock=lambda: later, characters=50_000)
    counts = [(await api.ask("root", "{ ingestions { totalCount } }"))["ingestions"]["totalCount"]]
    while await expiry.step():
        counts.append((await api.ask("root", "{ ingestions { totalCount } }"))["ingestions"]["totalCount"])
    counts.append((await api.ask("root", "{ ingestions { totalCount } }"))["ingestions"]["totalCount"])
    assert counts[-1] == 0
    assert len(counts) > 3
    assert all(0 <= before - after <= 3 for before, after in pairwise(counts))


async def test_thin_events_are_deleted_unless_they_are_pending(api: Api) -> None:
    """After 30 days one that is done is gone; one that waits, and one that is to be tried again, are there."""
    source = {"id": "mlg://workflow/ingest/default/prod", "workflowKind": "mlflow"}
    await api.load({"workflow": source})
    headers = {"Authorization": f"Bearer {api.tokens['root']}"}
    events = [{"source": "prod", "type": "run", "id": each} for each in ("waits", "read", "failed")]
    response = await api.http.post("/ingest/events", json=events, headers=headers)
    ids = [each["id"] for each in response.json()["events"]]
    take = "mutation ($ids: [ID!]!) { takeThinEvents(input: {events: $ids}) { errors { code } } }"
    assert (await api.ask("root", take, ids=ids[1:]))["takeThinEvents"] == {"errors": []}
    finish = "mutation ($input: FinishThinEventInput!) { finishThinEvent(input: $input) { changed } }"
    await api.ask("root", finish, input={"event": ids[1], "attempt": 1, "outcome": "CREATED"})
    await api.ask("root", finish, input={"event": ids[2], "attempt": 1, "reason": "NOT_FOUND"})
    later = epoch_milliseconds() + LIFETIME_MS + 1_000
    expiry = IngestionExpiry(api.client, api.coordinator.lock, clock=lambda: later)
    assert not await expiry.step()
    listed = (await api.ask("root", "{ thinEvents { totalCount nodes { id state } } }"))["thinEvents"]
    assert listed["totalCount"] == 2
    assert {each["id"]: each["state"] for each in listed["nodes"]} == {ids[0]: "PENDING", ids[2]: "PENDING"}
    found = (await api.ask("root", "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids))["nodes"]
    assert [each and each["id"] for each in found] == [ids[0], None, ids[2]]


async def test_entries_need_the_right_to_read_their_asset(api: Api) -> None:
    """A reader who may discover a draft, and not read it, sees neither its name nor its edge; its team sees both."""
    team, table = "mlg://team/catalog/default/ranking", "mlg://dataset/pg/db/draft"
    draft = {"dataset": {"id": table, "owners": [{"owner": team}], "stage": "DRAFT"}}
    await api.load({"team": {"name": "ranking"}}, draft)
    await post(api, "open", inputs=[{"namespace": "pg://db", "name": "draft"}])
    query = """query ($id: ID!) { asset(id: "mlg://dataset/pg/db/draft") { id }
      ingestions(filter: {subjects: [$id]}) { nodes { names { asset { id } } assets { asset { id } }
        edges { target { id } } } } }"""
    for who, is_shown in (("ada", True), ("bo", False)):
        found = await api.ask(who, query, id=RUN.format("open"))
        (node,) = found["ingestions"]["nodes"]
        assert found["asset"] == {"id": table}
        assert (table in str(node["names"]), table in str(node["edges"])) == (is_shown, is_shown)
        assert is_shown or table not in str(node)


@pytest.mark.parametrize("who", ["bo", "cy"])
async def test_readers_list_what_they_may_read(api: Api, who: str) -> None:
    """Readers of other teams see the ingestions of assets that are open to them, and none of a hidden run."""
    run = RUN.format(f"secret-{who}")
    await post(api, f"secret-{who}")
    team = "mlg://team/catalog/default/ranking"
    await api.load(
        {"team": {"name": "ranking"}}, {"run": {"id": run, "owners": [{"owner": team}], "visibility": "TEAM"}}
    )
    query = "query ($id: ID!) { ingestions(filter: {subjects: [$id]}) { totalCount } }"
    assert (await api.ask(who, query, id=run))["ingestions"] == {"totalCount": 0 if who == "bo" else 1}
