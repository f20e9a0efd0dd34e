"""Invalid input is rejected with codes and messages, and nothing is partially written."""

from typing import Any

import pytest
from support.servers.in_process import Api

A = "mlg://dataset/test/default/a"
B = "mlg://dataset/test/default/b"
MODEL = "mlg://model/test/default/m"


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over an almost empty graph."""
    await api.load({"dataset": {"id": A}}, {"dataset": {"id": B}}, {"model": {"id": MODEL}})
    return api


async def test_unknown_id_is_null(api: Api) -> None:
    """A well-formed id without an asset is null, alone and in a list, without an error."""
    query = f'{{ node(id: "{A}x") {{ id }} asset(id: "{A}x") {{ id }} nodes(ids: ["{A}", "{A}x"]) {{ id }} }}'
    assert await api.ask("ada", query) == {"node": None, "asset": None, "nodes": [{"id": A}, None]}


@pytest.mark.parametrize(
    "urn", ["", "x", "mlg://dataset", "mlg://thing/a/b/c", "mlg://dataset/A/b/c", "mlg://dataset/a/b/c d", "urn:li:x"]
)
async def test_malformed_urn_is_rejected_with_the_expected_form(api: Api, urn: str) -> None:
    """An id that is no URN is INVALID, and the message shows the expected form."""
    body = await api.send("ada", "query ($id: ID!) { node(id: $id) { id } }", id=urn)
    (error,) = body["errors"]
    assert error["extensions"]["code"] == "INVALID"
    assert body["data"] == {"node": None}
    assert "mlg://" in error["message"] or "write" in error["message"]


MALFORMED = {
    "setStage": '{asset: "x", stage: ACTIVE}) { asset { id }',
    "setOwners": '{asset: "x", owners: []}) { asset { id }',
    "setTags": '{asset: "x", add: []}) { asset { id }',
    "deleteAsset": '{asset: "x"}) { asset { id }',
    "restoreAsset": '{asset: "x"}) { asset { id }',
    "mergeAssets": '{from: "x", into: "y"}) { asset { id }',
    "link": '{relation: DERIVES, from: "x", to: "y"}) { edge { id }',
    "unlink": '{relation: DERIVES, from: "x", to: "y"}) { edge { id }',
    "setAlias": '{model: "x", alias: "a", version: "y"}) { alias { name }',
    "removeAlias": '{model: "x", alias: "a"}) { asset { id }',
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_a_mutation_with_a_malformed_id_returns_its_errors(api: Api, name: str) -> None:
    """The payload has the error and no asset, edge or alias, also if it is selected; this was once INTERNAL."""
    data = await api.ask("root", f"mutation {{ {name}(input: {MALFORMED[name]} errors {{ code }} }} }}")
    errors = data[name].pop("errors")
    assert [error["code"] for error in errors] == ["INVALID"]
    assert [*data[name].values()] == [None]


async def test_reverting_a_change_of_a_tag_returns_no_asset(api: Api) -> None:
    """The change is reverted, and `asset` is null, because a tag is none."""
    tag = "mlg://tag/catalog/default/pii"
    for text in ("one", "two"):
        await api.load({"tag": {"name": "pii", "tagKind": "PII", "description": text}})
    found = await api.ask(
        "root", "query ($f: ChangeFilter) { changes(filter: $f) { nodes { id } } }", f={"subjects": [tag]}
    )
    revert = "mutation ($id: ID!) { revertChange(input: {change: $id}) { changed asset { id } errors { code } } }"
    done = await api.ask("root", revert, id=found["changes"]["nodes"][0]["id"])
    assert done["revertChange"] == {"changed": True, "asset": None, "errors": []}
    assert (await api.ask("root", "{ tags { nodes { description } } }"))["tags"]["nodes"] == [{"description": "one"}]


async def test_oversized_body(api: Api) -> None:
    """A request body over 4 MiB is rejected with status 413 and an error code."""
    headers = {"Authorization": f"Bearer {api.tokens['ada']}", "Content-Type": "application/json"}
    response = await api.http.post("/graphql", content=b'{"query": "' + b" " * (4 << 20) + b'"}', headers=headers)
    assert response.status_code == 413
    assert response.json()["errors"][0]["extensions"]["code"]


@pytest.mark.parametrize("token", ["", "x", "a.b.c"])
async def test_bad_token(api: Api, token: str) -> None:
    """Without a valid token the response is 401 with a challenge and a code."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    response = await api.http.post("/graphql", json={"query": "{ viewer { subject } }"}, headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def _stored(api: Api) -> Any:
    query = """{ assets(first: 100) { totalCount nodes { id revision downstream { totalCount } } } }"""
    return await api.ask("root", query)


REFUSED: dict[str, tuple[list[dict[str, Any]], list[str]]] = {
    "a link between kinds that the catalog does not allow": (
        [{"link": {"relation": "DEPLOYED_AS", "from": A, "to": MODEL}}],
        ["INVALID"],
    ),
    "a duplicate within one call": (
        [{"dataset": {"id": A, "description": "first"}}, {"dataset": {"id": A, "description": "second"}}],
        ["UPDATED", "INVALID"],
    ),
    "an id of another kind": ([{"dataset": {"id": MODEL}}], ["INVALID"]),
    "a reference to a kind that does not fit": (
        [{"report": {"id": "mlg://report/t/d/r", "inputs": [MODEL]}}],
        ["INVALID"],
    ),
    "a freshness SLA in months": ([{"feature": {"id": "mlg://feature/t/d/f", "freshnessSla": "P1M"}}], ["INVALID"]),
    "a freshness SLA over the largest duration": (
        [{"feature": {"id": "mlg://feature/t/d/f", "freshnessSla": f"P{'9' * 400}W"}}],
        ["INVALID"],
    ),
    "a run without a state": ([{"run": {"id": "mlg://run/t/d/r1"}}], ["INVALID"]),
    "a wrong expected revision": ([{"dataset": {"id": B, "expectedRevision": 7, "format": "csv"}}], ["CONFLICT"]),
    "an id that contradicts the name": ([{"dataset": {"id": A, "name": "b"}}], ["INVALID"]),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_rejected_items_write_nothing(api: Api, what: str) -> None:
    """Each rejected item has an outcome, a code and a message, and the stored graph is unchanged."""
    items, outcomes = REFUSED[what]
    before = await _stored(api)
    payload = await api.register("root", *items, dryRun=True)
    assert [result["outcome"] for result in payload["results"]] == outcomes
    refused = [result for result in payload["results"] if result["errors"]]
    assert len(refused) == payload["failed"] == 1
    (error,) = refused[0]["errors"]
    assert error["code"] in {"INVALID", "CONFLICT"}
    assert error["message"]
    assert await _stored(api) == before
    refused_items = [item for item, outcome in zip(items, outcomes, strict=True) if outcome != "UPDATED"]
    if len(items) == 1:
        await api.register("root", *refused_items)
        assert await _stored(api) == before


async def test_good_items_beside_bad_ones_are_written(api: Api) -> None:
    """An invalid item does not prevent valid items of the same call from being written."""
    good = "mlg://dataset/test/default/good"
    payload = await api.register(
        "root", {"dataset": {"id": good}}, {"link": {"relation": "DEPLOYED_AS", "from": A, "to": MODEL}}
    )
    assert [result["outcome"] for result in payload["results"]] == ["CREATED", "INVALID"]
    assert (await api.ask("ada", f'{{ node(id: "{good}") {{ id }} }}')) == {"node": {"id": good}}


async def test_atomic_call_is_all_or_nothing(api: Api) -> None:
    """With `atomic: true` one invalid item prevents all others from being written."""
    urn = "mlg://dataset/test/default/atomic"
    bad = {"link": {"relation": "DEPLOYED_AS", "from": A, "to": MODEL}}
    payload = await api.register("root", {"dataset": {"id": urn}}, bad, atomic=True)
    assert payload["created"] == 0
    assert (await api.ask("ada", f'{{ node(id: "{urn}") {{ id }} }}')) == {"node": None}


async def test_limits_are_named(api: Api) -> None:
    """More ids, rows or items than a request may have is LIMIT_EXCEEDED."""
    ids = [f"{A}{number}" for number in range(501)]
    many = await api.send("ada", "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids)
    page = await api.send("ada", "{ assets(first: 501) { nodes { id } } }")
    bulk = await api.send(
        "root",
        "mutation ($input: RegisterAssetsInput!) { registerAssets(input: $input) { created } }",
        input={"items": [{"dataset": {"id": f"{A}{number}"}} for number in range(1001)]},
    )
    for body in (many, page, bulk):
        assert body["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"


BULK = "mutation ($input: RegisterAssetsInput!) { registerAssets(input: $input) { created } }"
LITERAL = "mutation {{ registerAssets(input: {{items: [{}]}}) {{ created }} }}"

ONE_MISTAKE: dict[str, tuple[str, dict[str, Any], str]] = {
    "an unknown enum value": (
        '{dataset: {id: "x", stage: ACTVE}}',
        {"dataset": {"id": "x", "stage": "ACTVE"}},
        "dataset.stage",
    ),
    "no member": ("{}", {}, ""),
    "two members": ('{dataset: {id: "x"}, model: {id: "x"}}', {"dataset": {"id": "x"}, "model": {"id": "x"}}, ""),
    "a number for a text": (
        '{dataset: {id: "x", description: 3}}',
        {"dataset": {"id": "x", "description": 3}},
        "dataset.description",
    ),
    "a missing field": (
        '{link: {from: "x", relation: DERIVES}}',
        {"link": {"from": "x", "relation": "DERIVES"}},
        "link.to",
    ),
    "a null in a list": (
        '{dataset: {id: "x", tags: [null]}}',
        {"dataset": {"id": "x", "tags": [None]}},
        "dataset.tags[0]",
    ),
    "an instant without a zone": (
        '{run: {id: "x", startedAt: "now"}}',
        {"run": {"id": "x", "startedAt": "now"}},
        "run.startedAt",
    ),
}


@pytest.mark.parametrize("what", ONE_MISTAKE)
async def test_one_mistake_has_one_error(api: Api, what: str) -> None:
    """A mistake has the same code, message and path as a literal and as a variable, and the text names no Python."""
    literal, value, path = ONE_MISTAKE[what]
    before = [f'{{dataset: {{id: "{A}"}}}}'] * 3
    (written,) = (await api.send("root", LITERAL.format(", ".join([*before, literal]))))["errors"]
    (sent,) = (await api.send("root", BULK, input={"items": [{"dataset": {"id": A}}] * 3 + [value]}))["errors"]
    assert written["message"] == sent["message"]
    assert written["message"].startswith(f"`input.items[3]{path and '.'}{path}` ")
    assert written["extensions"]["code"] == sent["extensions"]["code"] == "INVALID"
    assert written["extensions"]["inputPath"] == sent["extensions"]["inputPath"]
    assert not any(word in sent["message"] for word in ("None", "dict", "<class", "OneOf Input Object", "key."))


async def test_the_faulty_item_of_many_is_named(api: Api) -> None:
    """Of a thousand items the message names the faulty one, its field and the value that was probably meant."""
    items = [{"dataset": {"id": f"{A}{number}"}} for number in range(1000)]
    items[637] = {"dataset": {"id": A, "stage": "ACTVE"}}
    (error,) = (await api.send("root", BULK, input={"items": items}))["errors"]
    assert error["message"] == (
        "`input.items[637].dataset.stage` is `ACTVE`; use a value of the enum `LifecycleStage`. Did you mean `ACTIVE`?"
    )


async def test_a_long_id_is_answered_with_its_length_and_the_limit(api: Api) -> None:
    """An id over the limit is INVALID with both numbers, when it is read and when it is registered."""
    urn = "mlg://dataset/test/default/" + "x" * 500
    (read,) = (await api.send("ada", "query ($id: ID!) { node(id: $id) { id } }", id=urn))["errors"]
    payload = await api.register("root", {"dataset": {"id": urn}})
    (error,) = payload["results"][0]["errors"]
    assert (error["code"], error["inputPath"][-1]) == ("INVALID", "id")
    for message in (read["message"], error["message"]):
        assert "has 527 characters; the limit is 512" in message
