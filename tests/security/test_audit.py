"""The audit returns only fields, far ends and assets that its reader may see now, and every filter works on it."""

import json
import random
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph
from support.stores.writers import stored

RANKING, ADS = ("mlg://team/catalog/default/ranking", "mlg://team/catalog/default/ads")
CANARY = "canary"
UNKNOWN = "mlg://change/catalog/default/000000001-00000000000000000000000000000000"
NODE = """query ($id: ID!) { node(id: $id) { __typename ... on Change {
  subjectId actor reason fields { field before after } } } }"""
HISTORY = """query ($id: ID!) { asset(id: $id) { history(first: 50) { totalCount
  nodes { id action fields { field before after } } } } }"""
CHANGES = """query ($f: ChangeFilter, $first: Int!, $after: Cursor) {
  changes(filter: $f, first: $first, after: $after) {
  totalCount pageInfo { hasNextPage endCursor }
  nodes { id action subjectId actor at requestId fields { field before after } } } }"""
BEFORE, AFTER = "1970-01-01T00:00:00Z", "9999-01-01T00:00:00Z"


def instant(text: str) -> datetime:
    """Return the instant of a text, because texts with and without milliseconds do not sort as their instants."""
    return datetime.fromisoformat(text)


def urn(kind: str, name: str) -> str:
    """Return an id of the estate of these tests."""
    return f"mlg://{kind}/test/default/{name}"


OPEN, SHUT, VERSION = urn("dataset", "open"), urn("dataset", "veiled"), urn("model-version", "m@1")
OURS = {"owners": [{"owner": RANKING}]}


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Run the API over an open dataset, a hidden one that feeds it, and a version with secrets; all are changed."""
    await api.load({"team": {"name": "ranking"}}, {"team": {"name": "ads"}})
    secret = {"params": [{"key": "k", "value": f"{CANARY}-1"}], "artifactUri": f"s3://{CANARY}"}
    steps: list[tuple[str, dict[str, Any]]] = [
        ("ada", {"dataset": {"id": OPEN, "description": "one", **OURS}}),
        ("ada", {"dataset": {"id": SHUT, "description": f"{CANARY} one", "visibility": "TEAM", **OURS}}),
        ("ada", {"modelVersion": {"id": VERSION, **secret, **OURS}}),
        ("root", {"dataset": {"id": OPEN, "description": "two"}}),
        ("ada", {"dataset": {"id": SHUT, "description": f"{CANARY} two"}}),
        ("root", {"modelVersion": {"id": VERSION, "params": [{"key": "k", "value": f"{CANARY}-2"}]}}),
        ("ada", {"link": {"relation": "DERIVES", "from": SHUT, "to": OPEN}}),
        ("ada", {"modelVersion": {"id": VERSION, "trainedOn": [OPEN, SHUT]}}),
        ("ada", {"dataset": {"id": urn("dataset", "other"), "owners": [{"owner": RANKING}]}}),
    ]
    for who, item in steps:
        payload = await api.register(who, item)
        assert payload["failed"] == 0, payload
    return api


async def all_changes(api: Api, who: str, where: Any = None, first: int = 500) -> list[dict[str, Any]]:
    """Return every change visible to a caller, page by page, and assert that the total equals their number."""
    found: list[dict[str, Any]] = []
    after, more = None, True
    while more:
        page = (await api.ask(who, CHANGES, f=where, first=first, after=after))["changes"]
        found += page["nodes"]
        total, more, after = page["totalCount"], page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]
    assert total == len(found)
    return found


async def test_a_hidden_field_is_left_out(api: Api) -> None:
    """The name of a changed field is hidden with its old and new value.

    Only callers who may see the field read any of them.
    """
    for who, count, texts in (("ada", 2, (f"{CANARY}-1", f"{CANARY}-2")), ("bo", 0, ())):
        history = (await api.ask(who, HISTORY, id=VERSION))["asset"]["history"]["nodes"]
        fields = [field for change in history for field in change["fields"] if field["field"] == "params"]
        assert len(fields) == count
        assert all(text in str(fields) for text in texts)


async def test_nothing_hidden_shows_anywhere(api: Api) -> None:
    """The audit shows a reader of another team no canary value, no hidden id and no action on a hidden asset."""
    names = {OPEN, VERSION, SHUT}
    for who, sees in (("ada", True), ("bo", False)):
        texts = [str((await api.ask(who, HISTORY, id=name))["asset"]) for name in sorted(names - {SHUT})]
        texts.append(str(await all_changes(api, who)))
        for text in texts:
            assert sees or (CANARY not in text and SHUT not in text)
        assert any(SHUT in text for text in texts) is sees


async def test_an_edge_to_a_hidden_asset_is_not_in_the_audit(api: Api) -> None:
    """A change about one hidden end is absent; a change about several ends lists the visible ones."""
    observed = {who: (await api.ask(who, HISTORY, id=OPEN))["asset"]["history"] for who in ("ada", "bo")}
    assert [change["action"] for change in observed["ada"]["nodes"]] == ["LINKED", "UPDATED", "REGISTERED"]
    assert [change["action"] for change in observed["bo"]["nodes"]] == ["UPDATED", "REGISTERED"]
    assert (observed["ada"]["totalCount"], observed["bo"]["totalCount"]) == (3, 2)
    for who, known in (("ada", [OPEN, SHUT]), ("bo", [OPEN])):
        newest = (await api.ask(who, HISTORY, id=VERSION))["asset"]["history"]["nodes"][0]
        assert len(newest["fields"]) == len(known)
        assert all(any(each in field["after"] for field in newest["fields"]) for each in known)


LINK = "mutation ($input: LinkInput!) { link(input: $input) { edge { id } errors { code message } } }"
LOOKS_LIKE = ["mlg://x", urn("dataset", "absent"), SHUT]


@pytest.mark.parametrize("text", LOOKS_LIKE)
async def test_a_text_that_looks_like_an_id_neither_breaks_nor_hides_a_change(api: Api, text: str) -> None:
    """Whatever a caller writes into a property, all readers of the edge have its change, and those beside it."""
    other = urn("dataset", "other")
    given = {"relation": "DERIVES", "from": OPEN, "to": other}
    linked = (await api.ask("ada", LINK, input={**given, "properties": [{"key": "k", "value": text}]}))["link"]
    assert linked["edge"] is not None, linked
    for who in ("ada", "bo", "root"):
        for list_of_changes in (
            (await api.ask(who, CHANGES, f=None, first=50))["changes"],
            (await api.ask(who, HISTORY, id=other))["asset"]["history"],
        ):
            newest = list_of_changes["nodes"][0]
            (field,) = newest["fields"]
            assert (newest["action"], newest.get("subjectId", other)) == ("LINKED", other)
            assert json.loads(field["after"])["properties"] == [{"key": "k", "value": text}]
            assert any(change["fields"] for change in list_of_changes["nodes"][1:])


async def test_a_hidden_change_is_answered_like_an_unknown_one(api: Api, module_graph: StoreGraph) -> None:
    """A hidden change, by id or by subject, is answered like an absent one, after as many store requests."""
    there = await stored(module_graph)
    hidden = [change["id"] for change in there.history(SHUT)]
    hidden += [change["id"] for change in there.history(OPEN) if change["action"] == "LINKED"]
    shown = [change["id"] for change in there.history(OPEN) if change["action"] != "LINKED"]
    assert (len(hidden), len(shown)) == (3, 2)
    unknown = await api.count("bo", NODE, id=UNKNOWN)
    for each in hidden:
        assert (await api.send("bo", NODE, id=each)) == (await api.send("bo", NODE, id=UNKNOWN))
        assert (await api.ask("ada", NODE, id=each))["node"] is not None
        assert await api.count("bo", NODE, id=each) == unknown
    for each in shown:
        assert (await api.ask("bo", NODE, id=each))["node"]["subjectId"] == OPEN
    listed = await api.ask("bo", CHANGES, f={"subjects": [SHUT]}, first=5)
    assert listed == await api.ask("bo", CHANGES, f={"subjects": [urn("dataset", "nothing-here")]}, first=5)


async def test_a_list_of_changes_takes_as_many_requests_as_an_empty_one(api: Api) -> None:
    """Hidden changes, and changes about a hidden far end, take no request that a list without changes lacks."""
    nothing, other = urn("dataset", "nothing-here"), urn("dataset", "other")
    hidden = [{"subjects": [SHUT]}, {"subjects": [OPEN], "actions": ["LINKED"]}]
    assert [await all_changes(api, "bo", each) for each in hidden] == [[], []]
    requests = [await api.count("bo", CHANGES, f=each, first=5) for each in ({"subjects": [nothing]}, *hidden)]
    assert requests == requests[:1] * 3
    assert await api.count("bo", HISTORY, id=OPEN) == await api.count("bo", HISTORY, id=other)


async def test_every_filter_selects_by_its_condition(api: Api) -> None:
    """Random filters return the changes that the same conditions select from all changes, in the same order."""
    every = {who: await all_changes(api, who) for who in ("root", "ada", "bo")}
    assert every["root"] == sorted(
        every["root"], key=lambda change: (instant(change["at"]), change["id"]), reverse=True
    )
    assert len(every["bo"]) < len(every["ada"]) <= len(every["root"])
    times = sorted({change["at"] for change in every["root"]}, key=instant)
    chance = random.Random(7)
    for _ in range(60):
        who = chance.choice(list(every))
        where = {key: value for key, value in some_filter(chance, times).items() if chance.random() < 0.4}
        expected = [change for change in every[who] if holds(where, change)]
        assert await all_changes(api, who, where, chance.choice([1, 2, 3, 500])) == expected, where


def some_filter(chance: random.Random, times: list[str]) -> dict[str, Any]:
    """Return one value for each condition."""
    return {
        "subjects": chance.sample([OPEN, SHUT, VERSION, RANKING, urn("dataset", "nothing-here")], 2),
        "kinds": chance.sample(["DATASET", "MODEL_VERSION", "MODEL"], chance.randint(1, 2)),
        "actors": [chance.choice(["ada", "root", "nobody"])],
        "actions": chance.sample(["REGISTERED", "UPDATED", "LINKED"], chance.randint(1, 2)),
        "since": chance.choice(times),
        "until": chance.choice(times),
    }


def holds(where: dict[str, Any], change: dict[str, Any]) -> bool:
    """Return whether a change meets every condition."""
    kind = change["subjectId"].split("/")[2].replace("-", "_").upper()
    details = {"subjects": change["subjectId"], "kinds": kind, "actors": change["actor"], "actions": change["action"]}
    since, until = instant(where.get("since", BEFORE)), instant(where.get("until", AFTER))
    in_time = since <= instant(change["at"]) < until
    return in_time and all(details[key] in where[key] for key in details.keys() & where.keys())


async def test_a_change_names_its_request(graph: StoreGraph, tmp_path: Path) -> None:
    """The request id in the response header is that of exactly the changes made by the request."""
    async with open_api(graph, tmp_path) as api:
        ids = []
        for text in ("one", "two"):
            query = (
                f'mutation ($d: String) {{ registerDataset(input: {{id: "{OPEN}", description: $d}}) {{ changed }} }}'
            )
            response = await api.http.post(
                "/graphql",
                json={"query": query, "variables": {"d": text}},
                headers={"Authorization": f"Bearer {api.tokens['root']}"},
            )
            ids.append(response.headers["x-request-id"])
        assert [change["requestId"] for change in await all_changes(api, "root")] == ids[::-1]
        assert len(set(ids)) == 2
