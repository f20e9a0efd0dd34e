"""Two spellings of one table: events of two senders, the merge, and every use of both ids afterwards."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from support.servers.in_process import Api

OLD, NEW = "mlg://dataset/hive/warehouse/shop.orders", "mlg://dataset/postgres/db/shop.orders"
RAW, DAILY = "mlg://dataset/hive/warehouse/shop.raw", "mlg://dataset/postgres/db/shop.daily"
FIRST, SECOND = "3f5e83fa-3480-44ff-99c5-ff943904e5e8", "4a5e83fa-3480-44ff-99c5-ff943904e5e8"
RUNS = [f"mlg://run/openlineage/default/{each}" for each in (FIRST, SECOND)]
MERGE = """mutation ($input: MergeAssetsInput!) { mergeAssets(input: $input) {
  changed asset { id } errors { code message inputPath } } }"""
WALK = """query ($root: ID!, $direction: LineageDirection!) { lineage(roots: [$root], direction: $direction) {
  unknownRoots nodes { nodes { asset { id } } } edges { from relation to } } }"""
EXPLAIN = """query ($id: ID!) { explainAbsence(id: $id) {
  reason unknownIds asset { id } change { action actor reason subjectId } } }"""
AS_OF = """query ($id: ID!, $run: ID!, $asOf: DateTime) { asset(id: $id, asOf: $asOf) { id deletedAt }
  run: asset(id: $run, asOf: $asOf) { downstream { nodes { asset { id } } } } }"""
LISTED = "{ assets(filter: {kinds: [DATASET]}) { totalCount nodes { id } } }"
HISTORY = """query ($id: ID!) { changes(filter: {subjects: [$id], actions: [MERGED]}) {
  nodes { action at reason subjectId fields { field before after } } } }"""


def event(run: str, job: str, inputs: list[str], outputs: list[str]) -> dict[str, Any]:
    """Return the event of a run of a job; datasets are ``namespace name``."""

    def named(texts: list[str]) -> list[dict[str, str]]:
        return [dict(zip(("namespace", "name"), text.split(), strict=True)) for text in texts]

    return {
        "eventType": "COMPLETE",
        "eventTime": "2026-11-24T03:00:00Z",
        "run": {"runId": run},
        "job": {"namespace": "shop", "name": job},
        "inputs": named(inputs),
        "outputs": named(outputs),
    }


EVENTS = (
    event(FIRST, "load", ["hive://warehouse shop.raw"], ["hive://warehouse shop.orders"]),
    event(SECOND, "sum", ["postgres://db shop.orders"], ["postgres://db shop.daily"]),
)


async def send(api: Api, sent: dict[str, Any]) -> dict[str, Any]:
    """Send an event, and return its report."""
    headers = {"Authorization": f"Bearer {api.tokens['ci-ranking']}"}
    response = await api.http.post("/api/v1/lineage", json=sent, headers=headers)
    assert response.status_code == 201, response.text
    report: dict[str, Any] = response.json()
    return report


@pytest.fixture(scope="module")
async def merged(api: Api) -> Api:
    """Return the API after the events of both senders, and after the merge."""
    for each in EVENTS:
        await send(api, each)
    given = {"from": OLD, "into": NEW, "reason": "one table"}
    tried = (await api.ask("root", MERGE, input={**given, "dryRun": True}))["mergeAssets"]
    done = (await api.ask("root", MERGE, input=given))["mergeAssets"]
    again = (await api.ask("root", MERGE, input=given))["mergeAssets"]
    one = {"asset": {"id": NEW}, "errors": []}
    assert [tried, done, again] == [{**one, "changed": changed} for changed in (True, True, False)]
    return api


async def walked(api: Api, root: str, direction: str = "DOWNSTREAM") -> tuple[set[str], list[Any], list[str]]:
    """Return the assets and edges of a lineage, and its unknown roots."""
    found = (await api.ask("ada", WALK, root=root, direction=direction))["lineage"]
    assets = {node["asset"]["id"] for node in found["nodes"]["nodes"]}
    edges = sorted((each["from"], each["relation"], each["to"]) for each in found["edges"])
    return assets, edges, found["unknownRoots"]


async def test_both_ids_lead_to_one_dataset(merged: Api) -> None:
    """By both ids the dataset, its lineage and its paths are the same, from the first source to the last output."""
    ask = "query ($id: ID!) { asset(id: $id) { id deletedAt } node(id: $id) { id } nodes(ids: [$id]) { id } }"
    for urn in (OLD, NEW):
        one = {"id": NEW}
        expected = {"asset": {**one, "deletedAt": None}, "node": one, "nodes": [one]}
        assert await merged.ask("ada", ask, id=urn) == expected
        for direction in ("UPSTREAM", "DOWNSTREAM"):
            assert await walked(merged, urn, direction) == await walked(merged, NEW, direction)
    assets, edges, unknown = await walked(merged, RAW)
    assert assets >= {RAW, RUNS[0], NEW, RUNS[1], DAILY}
    assert OLD not in assets
    assert not unknown
    assert len(edges) == len({*edges})


async def test_later_events_of_both_senders_mean_the_remaining_dataset(merged: Api) -> None:
    """Their reports have the rule MERGED for the old name, and nothing changes."""
    for each in EVENTS:
        report = await send(merged, each)
        assert report["outcome"] == "UNCHANGED"
        assert not report["refused"]
        rules = {name["name"]: (name["id"], name["rule"]) for name in report["resolved"] if "orders" in name["name"]}
        assert rules == {"shop.orders": (NEW, "MERGED" if "hive" in str(each) else "EXACT")}
    third = event("5a5e83fa-3480-44ff-99c5-ff943904e5e8", "copy", ["hive://warehouse shop.orders"], [])
    report = await send(merged, third)
    assert [each["id"] for each in report["linked"] if each["field"] == "inputs"] == [NEW]


async def test_the_merge_is_in_both_histories_and_explained(merged: Api) -> None:
    """The histories of both have the merge with its reason, and the explanation of the old id leads to the new one."""
    explained = (await merged.ask("ada", EXPLAIN, id=OLD))["explainAbsence"]
    change = {"action": "MERGED", "actor": explained["change"]["actor"], "reason": "one table", "subjectId": OLD}
    assert explained == {"reason": "MERGED", "unknownIds": [], "asset": {"id": NEW}, "change": change}
    for urn, other, field in ((OLD, NEW, "into"), (NEW, OLD, "from")):
        (change,) = (await merged.ask("ada", HISTORY, id=urn))["changes"]["nodes"]
        assert (change["subjectId"], change["reason"]) == (urn, "one table")
        assert {"field": field, "before": None, "after": f'{{"id":"{other}"}}'} in change["fields"]


async def before_the_merge(api: Api) -> str:
    """Return the last instant before the merge."""
    (change,) = (await api.ask("root", HISTORY, id=OLD))["changes"]["nodes"]
    return (datetime.fromisoformat(change["at"]) - timedelta(milliseconds=1)).isoformat()


async def test_before_the_merge_both_were_there(merged: Api) -> None:
    """Read as of an instant before it, the old dataset is an asset of its own with its edge; no list has it now."""
    for at, urn in ((await before_the_merge(merged), OLD), (None, NEW)):
        found = await merged.ask("ada", AS_OF, id=OLD, run=RUNS[0], asOf=at)
        assert found["asset"] == {"id": urn, "deletedAt": None}
        assert [each["asset"]["id"] for each in found["run"]["downstream"]["nodes"]] == [urn]
    listed = (await merged.ask("ada", LISTED))["assets"]
    assert ({each["id"] for each in listed["nodes"]}, listed["totalCount"]) == ({RAW, NEW, DAILY}, 3)


async def written(api: Api, name: str, given: dict[str, Any]) -> None:
    """Call a mutation as root, without errors."""
    kind = f"{name[0].upper()}{name[1:]}Input"
    document = f"mutation ($input: {kind}!) {{ done: {name}(input: $input) {{ errors {{ message }} }} }}"
    assert (await api.ask("root", document, input=given))["done"]["errors"] == []


async def test_mutations_by_the_old_id(merged: Api) -> None:
    """A reference, a check, an unlink, and a deletion with its restoration are about the remaining dataset."""
    out = "mlg://dataset/postgres/db/shop.out"
    query = """query ($id: ID!) { asset(id: $id) {
      upstream { nodes { asset { id } } } checks { nodes { name } } deletedAt } }"""
    await merged.load({"dataset": {"id": out, "derivedFrom": [OLD, NEW]}})
    assert (await merged.ask("ada", query, id=out))["asset"]["upstream"]["nodes"] == [{"asset": {"id": NEW}}]
    for urn in (OLD, NEW):
        await written(
            merged, "reportCheck", {"asset": urn, "check": "fresh", "checkKind": "FRESHNESS", "status": "PASS"}
        )
    assert (await merged.ask("ada", query, id=OLD))["asset"]["checks"]["nodes"] == [{"name": "fresh"}]
    await written(merged, "unlink", {"relation": "DERIVES", "from": OLD, "to": out})
    assert (await merged.ask("ada", query, id=out))["asset"]["upstream"]["nodes"] == []
    for name, more, is_deleted in (("deleteAsset", {"despiteOthers": True}, True), ("restoreAsset", {}, False)):
        await written(merged, name, {"asset": OLD, **more})
        assert ((await merged.ask("ada", query, id=NEW))["asset"]["deletedAt"] is not None) == is_deleted


async def test_to_those_who_may_not_see_it_the_old_id_is_absent(merged: Api) -> None:
    """Once the remaining dataset is hidden, its histories, its edges and both ids are; an absent id reads the same."""
    hide = {"id": NEW, "visibility": "TEAM", "owners": [{"owner": "mlg://team/catalog/default/risk"}]}
    await merged.load({"dataset": hide})
    absent = OLD.replace("orders", "nothing")
    for urn in (OLD, absent):
        assert (await merged.ask("ada", EXPLAIN, id=urn))["explainAbsence"]["asset"] is None
        assert (await merged.ask("ada", HISTORY, id=urn))["changes"]["nodes"] == []
        assert (await walked(merged, urn))[2] == [urn]
        found = await merged.ask("ada", AS_OF, id=urn, run=RUNS[0], asOf=await before_the_merge(merged))
        assert found == {"asset": None, "run": {"downstream": {"nodes": []}}}
    everything = (
        "query ($id: ID!) { asset(id: $id) { history(first: 50) { nodes { fields { field before after } } } } }"
    )
    for run in RUNS:
        text = str(await merged.ask("ada", everything, id=run))
        assert OLD not in text
        assert NEW not in text
