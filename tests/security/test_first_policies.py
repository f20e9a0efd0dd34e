"""The first policies through the full application: assets and fields that one caller sees and another does not."""

from typing import Any

import pytest
from support.servers.in_process import Api

TEAM = "mlg://team/catalog/default/ranking"
OPEN = "mlg://dataset/test/default/open"
HIDDEN = "mlg://dataset/test/default/hidden-canary-5d1c"
UNKNOWN = "mlg://dataset/test/default/nothing-here"
MODEL = "mlg://model/test/default/ranker"
VERSION = "mlg://model-version/test/default/ranker@1"
SECRET = "s3://canary-9b72/weights"  # noqa: S105 - a canary


def _items() -> list[dict[str, Any]]:
    owner = [{"owner": TEAM}]
    return [
        {"team": {"name": "ranking", "displayName": "Ranking"}},
        {"dataset": {"id": OPEN, "owners": owner}},
        {"dataset": {"id": HIDDEN, "owners": owner, "visibility": "TEAM"}},
        {"model": {"id": MODEL, "owners": owner}},
        {
            "modelVersion": {
                "id": VERSION,
                "artifactUri": SECRET,
                "params": [{"key": "lr", "value": "canary-77aa"}],
                "framework": "torch",
                "trainedOn": [OPEN, HIDDEN],
            }
        },
    ]


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over an open and a hidden dataset that a model was trained on."""
    await api.load(*_items())
    return api


QUERIES = {
    "list": "{ assets(filter: {kinds: [DATASET]}) { totalCount nodes { id } } }",
    "by id": f'{{ asset(id: "{HIDDEN}") {{ id }} node(id: "{HIDDEN}") {{ id }} nodes(ids: ["{HIDDEN}"]) {{ id }} }}',
    "nested": f'{{ asset(id: "{VERSION}") {{ ... on ModelVersion {{ trainedOn {{ totalCount nodes {{ id }} }} }} }} }}',
    "neighbours": f'{{ asset(id: "{MODEL}") {{ upstream {{ totalCount nodes {{ relation asset {{ id }} }} }} }} }}',
    "team": f'{{ team(id: "{TEAM}") {{ assets {{ totalCount nodes {{ id }} }} }} }}',
    "filter": f'{{ assets(filter: {{ids: ["{HIDDEN}"]}}) {{ totalCount nodes {{ id }} }} }}',
    "prefix": '{ assets(filter: {name: {prefix: "hidden"}}) { totalCount nodes { id } pageInfo { endCursor } } }',
}


@pytest.mark.parametrize("where", QUERIES)
async def test_hidden_row_is_nowhere(api: Api, where: str) -> None:
    """A TEAM dataset is visible to its team, the auditor and the admin, and to no other caller by any query."""
    for who in ("ada", "ci-ranking", "cy", "root"):
        assert HIDDEN in str(await api.ask(who, QUERIES[where]))
    assert HIDDEN not in str(await api.ask("bo", QUERIES[where]))


async def test_counts_leave_hidden_rows_out(api: Api) -> None:
    """Totals of lists, relations and neighbours count only rows visible to the caller."""
    for who, datasets in (("ada", 2), ("bo", 1)):
        listed = await api.ask(who, QUERIES["list"])
        nested = await api.ask(who, QUERIES["nested"])
        around = await api.ask(who, QUERIES["neighbours"])
        assert listed["assets"]["totalCount"] == datasets
        assert nested["asset"]["trainedOn"]["totalCount"] == datasets
        assert around["asset"]["upstream"]["totalCount"] == datasets


async def test_hidden_answers_like_unknown(api: Api) -> None:
    """A hidden id and an absent one return the same bytes after the same number of store requests."""
    query = "query ($id: ID!) { node(id: $id) { id } asset(id: $id) { id displayName owners { ownership } } }"
    hidden = await api.send("bo", query, id=HIDDEN)
    unknown = await api.send("bo", query, id=UNKNOWN)
    assert hidden == unknown == {"data": {"node": None, "asset": None}}
    assert await api.count("bo", query, id=HIDDEN) == await api.count("bo", query, id=UNKNOWN)


FIELDS = f'{{ asset(id: "{VERSION}") {{ id ... on ModelVersion {{ framework artifactUri params {{ key value }} }} }} }}'


async def test_restricted_fields_are_masked(api: Api) -> None:
    """The owning team reads restricted fields.

    Others get null for them, with the denied fields and reasons reported.
    """
    observed = await api.ask("ada", FIELDS)
    assert observed["asset"]["artifactUri"] == SECRET
    body = await api.send("bo", FIELDS)
    assert body["data"]["asset"] == {"id": VERSION, "framework": "torch", "artifactUri": None, "params": None}
    assert "errors" not in body
    hidden = body["extensions"]["authorization"]["hidden"]
    assert [(entry["coordinate"], entry["count"]) for entry in hidden] == [
        ("ModelVersion.artifactUri", 1),
        ("ModelVersion.params", 1),
    ]


async def test_viewer_access_names_what_is_hidden(api: Api) -> None:
    """`viewerAccess` names the hidden fields, so that a client can disable them without a request."""
    query = f'{{ asset(id: "{VERSION}") {{ viewerAccess {{ grade hiddenFields }} }} }}'
    assert (await api.ask("bo", query))["asset"]["viewerAccess"] == {
        "grade": "READ",
        "hiddenFields": ["artifactUri", "params"],
    }
    assert (await api.ask("ada", query))["asset"]["viewerAccess"]["hiddenFields"] == []


async def test_no_canary_is_returned_to_other_teams(api: Api) -> None:
    """No response to bo, including payloads of mutations and errors, carries a value that is hidden from bo."""
    queries = [*QUERIES.values(), FIELDS, f'{{ asset(id: "{VERSION}") {{ property(key: "lr") }} }}']
    responses = [
        (
            await api.http.post("/graphql", json={"query": q}, headers={"Authorization": f"Bearer {api.tokens['bo']}"})
        ).text
        for q in queries
    ]
    for canary in ("canary-9b72", "canary-77aa"):
        assert all(canary not in response for response in responses)


async def test_writes_need_scope_and_rights(api: Api) -> None:
    """Without the scope a call is refused. With it, an item owned by another team is DENIED and nothing is written."""
    refused = await api.send("bo", "mutation { registerAssets(input: {items: []}) { created } }")
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    foreign = "mlg://dataset/test/default/of-ads"
    await api.load(
        {"team": {"name": "ads"}}, {"dataset": {"id": foreign, "owners": [{"owner": "mlg://team/catalog/default/ads"}]}}
    )
    payload = await api.register("ci-ranking", {"dataset": {"id": foreign, "description": "mine now"}})
    assert [result["outcome"] for result in payload["results"]] == ["DENIED"]
    stored = await api.ask("root", f'{{ asset(id: "{foreign}") {{ description revision }} }}')
    assert stored["asset"] == {"description": None, "revision": 1}
