"""Why is it not here? From an event to the explanation of what is missing, for callers with and without rights."""

from typing import Any

import pytest
from support.estates.leak_catalogue import token
from support.servers.in_process import Api

EXPLAIN = """query ($id: ID, $from: ID, $to: ID) { explainAbsence(id: $id, from: $from, to: $to) {
  reason unknownIds asset { id } edge { relation validTo } change { action actor } ingestion { state }
  spellings { of rule asset { id } } } }"""
NONE: dict[str, Any] = {
    "unknownIds": [],
    "asset": None,
    "edge": None,
    "change": None,
    "ingestion": None,
    "spellings": [],
}
RUN = "mlg://run/openlineage/default/3f5e83fa-3480-44ff-99c5-ff943904e5e8"
ORDERS, DAILY, ITEMS, SECRET = (
    "mlg://dataset/postgres/db/shop.orders",
    "mlg://dataset/postgres/db/shop.daily",
    "mlg://dataset/hive/m/w.items",
    "mlg://dataset/mysql/x/vault",
)
TABLE = {"identifiers": [{"namespace": "hive://m", "name": "w.items", "type": "TABLE"}]}
EVENT: dict[str, Any] = {
    "eventType": "COMPLETE",
    "eventTime": "2026-11-24T03:00:00Z",
    "run": {"runId": RUN.rpartition("/")[2]},
    "job": {"namespace": "shop", "name": "daily"},
    "inputs": [
        {"namespace": "postgres://db", "name": "shop.orders"},
        {"namespace": "file", "name": "/wh/items", "facets": {"symlinks": TABLE}},
        {"namespace": "mysql://x", "name": "vault"},
    ],
    "outputs": [{"namespace": "postgres://db", "name": "shop.daily"}, {"namespace": "mysql://x", "name": "vault"}],
}


async def explained(api: Api, who: str, *ends: str) -> dict[str, Any]:
    """Return the explanation of an id, or of the edge between two, without what was not found."""
    given = {"id": ends[0]} if len(ends) == 1 else {"from": ends[0], "to": ends[1]}
    found: dict[str, Any] = (await api.ask(who, EXPLAIN, **given))["explainAbsence"]
    return {name: value for name, value in found.items() if value != NONE.get(name)}


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API with a dataset of another team, and an event that names it as input and as output."""
    team = {"owner": "mlg://team/catalog/default/risk"}
    await api.load({"dataset": {"id": SECRET, "visibility": "TEAM", "owners": [team]}})
    api.tokens["zoe"] = token(api, "zoe", "risk", roles="engineer")
    headers = {"Authorization": f"Bearer {api.tokens['ci-ranking']}"}
    response = await api.http.post("/api/v1/lineage", json=EVENT, headers=headers)
    assert response.status_code == 201
    return api


async def test_what_is_there_under_another_spelling(api: Api) -> None:
    """A scheme that senders write for another, a path with a symlink, and a name in another case lead to the asset."""
    plain = "mlg://dataset/postgresql/db/shop.orders"
    path, name = "mlg://dataset/openlineage/file/%2Fwh%2Fitems", "mlg://dataset/mysql/x/Shop-Orders"
    for urn, rule, asset in ((plain, "SPELLING", ORDERS), (path, "SYMLINK", ITEMS), (name, "NAME", ORDERS)):
        spelling = {"of": urn, "rule": rule, "asset": {"id": asset}}
        expected = {"reason": "OTHER_SPELLING", "unknownIds": [urn], "spellings": [spelling]}
        assert await explained(api, "ada", urn) == expected
    assert await explained(api, "ada", ORDERS) == {"reason": "PRESENT", "asset": {"id": ORDERS}}


async def test_edges_that_are_missing(api: Api) -> None:
    """Present, never observed in the other direction, and, for the owner of an output, not confirmed."""
    edge = {"relation": "INPUT_TO", "validTo": None}
    assert await explained(api, "ada", ORDERS, RUN) == {"reason": "PRESENT", "edge": edge}
    assert await explained(api, "ada", RUN, ORDERS) == {"reason": "NEVER_OBSERVED"}
    unconfirmed = {"relation": "PRODUCES", "validTo": None}
    assert await explained(api, "root", RUN, SECRET) == {"reason": "UNCONFIRMED", "edge": unconfirmed}


@pytest.mark.parametrize("ends", [(SECRET,), (RUN, SECRET), (SECRET, RUN), (SECRET, SECRET)])
async def test_hidden_is_explained_as_unknown(api: Api, ends: tuple[str, ...]) -> None:
    """A hidden id gets the explanation of an absent one, alone and at each end of stored and of unconfirmed edges."""
    absent = [end.replace("vault", "other") for end in ends]
    hidden = await explained(api, "bo", *ends)
    assert hidden == {"reason": "UNKNOWN_OR_HIDDEN", "unknownIds": [SECRET]}
    assert await explained(api, "bo", *absent) == {**hidden, "unknownIds": [SECRET.replace("vault", "other")]}


async def test_a_hidden_asset_is_no_spelling(api: Api) -> None:
    """Another spelling of a hidden asset leads its team there, and no other caller."""
    other = "mlg://dataset/mysql/x/Vault"
    assert (await explained(api, "zoe", other))["spellings"] == [{"of": other, "rule": "NAME", "asset": {"id": SECRET}}]
    assert await explained(api, "bo", other) == {"reason": "UNKNOWN_OR_HIDDEN", "unknownIds": [other]}


async def test_what_ended(api: Api) -> None:
    """The end of an edge and the deletion of an asset have the change, with its actor."""
    mutation = (
        "mutation ($from: ID!, $to: ID!) { unlink(input: {relation: INPUT_TO, from: $from, to: $to}) { changed } }"
    )
    await api.ask("ada", mutation, **{"from": ITEMS, "to": RUN})
    found = await explained(api, "ada", ITEMS, RUN)
    assert found["edge"]["validTo"] is not None
    assert (found["reason"], found["change"]) == ("ENDED", {"action": "UNLINKED", "actor": "ada"})
    await api.ask("root", "mutation ($id: ID!) { deleteAsset(input: {asset: $id}) { changed } }", id=DAILY)
    gone = {"reason": "ENDED", "asset": {"id": DAILY}, "change": {"action": "DELETED", "actor": "root"}}
    assert await explained(api, "ada", DAILY) == gone
    assert await explained(api, "ada", RUN, DAILY) == gone
