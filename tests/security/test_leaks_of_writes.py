"""The leak catalogue (docs/policy.md), second part: what writes, transport, logs and side channels could disclose."""

import json
import re
from typing import Any

import httpx2
import orjson
import pytest
from structlog.testing import capture_logs
from support.documents.id_arguments import references
from support.estates import leak_catalogue as leaks
from support.estates.leak_catalogue import DRAFT, HIDDEN, HIDDEN_IDS, OPEN, VERSION, token
from support.estates.one_of_each_kind import ALSO, MINE, item_key, load_each_kind
from support.estates.visible_and_hidden import id_of
from support.servers.in_process import REGISTER, Api

from graphql_schema.catalog.kinds import ASSETS
from graphql_schema.catalog.relations import RELATIONS, VERSION_OF, Direction


def _words(kind: str) -> str:
    return "".join(f" {each}" if each.isupper() else each for each in kind).lower().strip()


@pytest.fixture(scope="module")
async def api(leaky: Api) -> Api:
    """Let zoe, an engineer of ads, own one asset of each kind, and hide another of each kind from her."""
    await load_each_kind(leaky)
    return leaky


async def _outcome(api: Api, item: dict[str, Any], stated: str, who: str = "zoe") -> str:
    """Return the response to a dry run of one item, without the id that it named."""
    payload = await api.register(who, item, dryRun=True)
    return json.dumps(payload).replace(stated, "<id>")


@pytest.mark.parametrize("owned", [True, False], ids=["owned", "unowned"])
async def test_a_reference_to_what_is_hidden(api: Api, owned: bool) -> None:  # noqa: FBT001 - a case
    """Each field that names another asset returns for a hidden one the response for an unknown one."""
    every = references()
    assert len(every) > 50
    differing = []
    for each in every:
        responses = []
        for end in (leaks.HIDDEN_NAME, "nothing"):
            far = id_of(each.far, end)
            values = {**ALSO.get(each.kind, {}), **(MINE if owned else {})}
            responses.append(await _outcome(api, each.item(id_of(each.kind, "brand-new"), far, **values), far))
        if responses[0] != responses[1]:
            differing.append((each, *responses))
    assert "\n".join(map(str, differing)) == ""


LINKS = sorted(
    (name, source, target)
    for name, relation in RELATIONS.items()
    for source, target in relation.ends
    if {source, target} <= {*ASSETS} and relation is not VERSION_OF
    if relation.lineage or source == target
)


async def test_a_link_to_what_is_hidden(api: Api) -> None:
    """A link between an own asset and a hidden one returns the response for an unknown end, in both directions."""
    differing = []
    for name, source, target in LINKS:
        changed_target = RELATIONS[name].owning_end is Direction.OUT
        responses = []
        for end in (leaks.HIDDEN_NAME, "nothing"):
            far = id_of(source if changed_target else target, end)
            ends = (far, id_of(target, "mine")) if changed_target else (id_of(source, "mine"), far)
            responses.append(await _outcome(api, {"link": {"relation": name, "from": ends[0], "to": ends[1]}}, far))
        if responses[0] != responses[1]:
            differing.append((name, source, target, *responses))
    assert "\n".join(map(str, differing)) == ""


async def test_a_link_that_would_change_what_is_hidden(api: Api) -> None:
    """A link that would change its hidden end returns the response for an unknown end."""
    responses = []
    for far in (HIDDEN, id_of("Dataset", "never-used")):
        link = {"relation": "DERIVES", "from": id_of("Dataset", "mine"), "to": far}
        responses.append((await api.register("zoe", {"link": link}, dryRun=True))["results"])
    assert responses[0] == responses[1]
    assert responses[0][0]["outcome"] == "CREATED"


# A taken name discloses that an asset exists, and nothing else about it (ADR 0006).
DENIED = "You may not {} the {} {}: The caller may not read the asset, so may not change it."


@pytest.mark.parametrize("kind", ASSETS)
async def test_a_name_that_is_taken(api: Api, kind: str) -> None:
    """Registering a hidden id is denied and discloses no owner, name, revision or expected value."""
    item = {"id": id_of(kind, leaks.HIDDEN_NAME), **ALSO.get(kind, {}), **MINE}
    for more in ({}, {"expectedRevision": 7}, {"expectedRevision": 1}, {"displayName": "x"}):
        (result,) = (await api.register("zoe", {item_key(kind): {**item, **more}}))["results"]
        (error,) = result["errors"]
        assert (result["outcome"], result["revision"], error["currentRevision"]) == ("DENIED", None, None)
        assert error["message"] == DENIED.format("update", _words(kind), item["id"])


async def test_a_denial_names_what_the_caller_may_see(api: Api) -> None:
    """A version of a visible model names its owner and the field of the parent; one of a hidden model names none."""
    found = []
    for model in (leaks.MODEL, leaks.OTHER_MODEL):
        version = {"id": f"{model.replace('/model/', '/model-version/')}@77", **MINE}
        (result,) = (await api.register("zoe", {"modelVersion": version}, dryRun=True))["results"]
        (error,) = result["errors"]
        found.append((error["code"], error["inputPath"], leaks.RANKING in error["message"]))
    assert found == [("DENIED", ["modelVersion", "model"], True), ("DENIED", ["modelVersion", "model"], False)]


ECHO = """mutation ($input: RegisterAssetsInput!) { registerAssets(input: $input) { results { outcome asset { id
  ... on Evaluation { modelVersion { id } baseline { id } } ... on Dataset { description } } } } }"""


async def test_mutation_echo(api: Api) -> None:
    """The payload of a mutation holds only what the caller may read.

    It has nothing of a denied item, and only visible ends.
    """
    hidden = id_of("ModelVersion", leaks.HIDDEN_NAME)
    evaluated = {"id": id_of("Evaluation", "echo"), "modelVersion": hidden, "baseline": leaks.HIDDEN_BASE, **MINE}
    items = [{"dataset": {"id": HIDDEN}}, {"dataset": {"id": DRAFT, "description": "x"}}, {"evaluation": evaluated}]
    results = (await api.ask("zoe", ECHO, input={"items": items}))["registerAssets"]["results"]
    assert [result["outcome"] for result in results] == ["DENIED", "DENIED", "CREATED"]
    echoed = {"id": evaluated["id"], "modelVersion": None, "baseline": None}
    assert [result["asset"] for result in results] == [None, None, echoed]


async def test_stale_masks(api: Api) -> None:
    """A changed team or role applies as soon as the caller sends a new token, for reads and writes."""
    query = f'{{ node(id: "{HIDDEN}") {{ id }} asset(id: "{VERSION}") {{ ... on ModelVersion {{ artifactUri }} }} }}'
    observed = []
    for groups, roles in ((["ads"], ""), (["ranking"], "engineer"), (["ads"], "admin"), (["ads"], ""), ([], "")):
        api.tokens["moving"] = token(api, "moving", *groups, roles=roles)
        data = await api.ask("moving", query)
        observed.append((data["node"] is not None, data["asset"]["artifactUri"] is not None))
    assert observed == [(False, False), (True, True), (True, True), (False, False), (False, False)]


async def _raw(api: Api, who: str, body: Any, **headers: str) -> httpx2.Response:
    sent = {"Authorization": f"Bearer {api.tokens[who]}", "Content-Type": "application/json", **headers}
    return await api.http.post("/graphql", content=orjson.dumps(body), headers=sent)


@pytest.mark.parametrize(
    "query", ["{ assets { totalCount } }", "{ nonsense }", "", "{ assets(first: 501) { totalCount } }"]
)
async def test_caching_headers(api: Api, query: str) -> None:
    """Response headers forbid caches to store a response or an error, or to share it with another caller."""
    headers = {"Authorization": f"Bearer {api.tokens['bo']}"}
    get = await api.http.get("/graphql", params={"query": query}, headers=headers)
    for response in (await _raw(api, "bo", {"query": query}), get):
        assert response.headers["Cache-Control"] == "private, no-store"
        assert "Authorization" in response.headers["Vary"]
        assert not {"ETag", "Last-Modified", "Expires", "Age"} & set(response.headers)


async def test_get_and_post(api: Api) -> None:
    """GET and POST return the same response, hidden rows included."""
    query = f'{{ node(id: "{HIDDEN}") {{ id }} asset(id: "{DRAFT}") {{ description }} assets {{ totalCount }} }}'
    for who in ("bo", "ada", "guest"):
        headers = {"Authorization": f"Bearer {api.tokens[who]}"}
        get = await api.http.get("/graphql", params={"query": query}, headers=headers)
        assert get.content == (await _raw(api, who, {"query": query})).content


async def test_batches(api: Api) -> None:
    """Batched operations are refused, and of several operations in a document only the named one runs."""
    query = {"query": "{ assets { totalCount } }"}
    assert (await _raw(api, "bo", [query, query])).status_code == 400
    secret = f'asset(id: "{VERSION}") {{ ... on ModelVersion {{ artifactUri }} }}'
    both = f"query One {{ viewer {{ subject }} }} query Two {{ {secret} }}"
    assert (await _raw(api, "ada", {"query": both, "operationName": "One"})).json() == {
        "data": {"viewer": {"subject": "ada"}}
    }
    assert (await _raw(api, "ada", {"query": both})).json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


async def test_introspection(api: Api) -> None:
    """The schema is the same for every caller, so it discloses no data."""
    query = "{ __schema { types { name fields { name description } enumValues { name } inputFields { name } } } }"
    responses = {(await _raw(api, who, {"query": query})).content for who in ("bo", "root", "guest", "zoe")}
    assert len(responses) == 1
    assert leaks.CANARY not in str(responses)


async def test_suggestions(api: Api) -> None:
    """Guessing discloses names of the schema at most: no stored id, name, tag or version is ever suggested."""
    near = [
        f'{{ node(id: "{HIDDEN[:-1]}") {{ id }} }}',
        '{ team(name: "rankin") { id } }',
        '{ assets(filter: {name: {eq: "veiled-se"}}) { totalCount } }',
        f'{{ asset(id: "{VERSION}") {{ ... on ModelVersion {{ artifactUrl }} }} }}',
        "{ assets(filter: {stages: [DRAF]}) { totalCount } }",
    ]
    for query in near:
        text = (await _raw(api, "bo", {"query": query})).text
        assert leaks.CANARY not in text
        suggested = text.partition("Did you mean")[2].split("?")[0]
        assert not suggested or {"artifactUri", "DRAFT"} & set(re.split(r"[`'\"\\]", suggested))


async def test_logs(api: Api) -> None:
    """Neither process log nor access log holds a value after reads, denials and errors."""
    path = api.process.settings.data_dir / "access.jsonl"
    path.unlink(missing_ok=True)
    secrets = f"""{{ nodes(ids: ["{VERSION}", "{leaks.RUN}", "{HIDDEN}", "{DRAFT}"]) {{
        ... on ModelVersion {{ artifactUri params {{ value }} }} ... on Run {{ error params {{ value }} }}
        ... on Dataset {{ description }} }} }}"""
    with capture_logs() as log:
        for who in ("ada", "bo", "cy", "zoe"):
            await api.send(who, secrets)
            await api.send(who, "{ assets(after: 3) { nonsense } }")
        taken = {"dataset": {"id": HIDDEN, "description": leaks.CANARY}}
        await api.send("zoe", REGISTER, input={"items": [taken]})
    written = path.read_text()
    assert {json.loads(line)["event"] for line in written.splitlines()} == {"read", "denied", "hidden", "refused"}
    assert leaks.CANARY not in written
    assert leaks.CANARY not in str(log)
    assert (
        await api.http.get("/metrics", headers={"Authorization": f"Bearer {api.tokens['root']}"})
    ).status_code == 404


async def _exported(api: Api, who: str) -> str:
    return "\n".join(orjson.dumps(item).decode() for item in await api.export(who=who))


async def test_export(api: Api) -> None:
    """An export holds only what its caller sees."""
    everything, observed = await _exported(api, "root"), await _exported(api, "bo")
    assert leaks.CANARY in everything
    assert OPEN in observed
    assert leaks.CANARY not in observed
    assert leaks.HIDDEN_NAME not in observed


LACKING = {
    "search": '{ search(text: "a") { totalCount } }',
    "highlight": '{ assets(filter: {text: "a"}) { nodes { highlight } } }',
    "facets": "{ assets { facets { field } } }",
    "aggregates": "{ assets { aggregate { count } } }",
    "explain": '{ explain(id: "x") { policies } }',
    "defer": "{ ... @defer { viewer { subject } } }",
    "stream": "{ assets { nodes @stream { id } } }",
    "point in time": '{ assets(asOf: "2026-01-01T00:00:00Z") { totalCount } }',
    "paths of any length": '{ asset(id: "x") { impact { totalCount } } }',
}
"""Changes and idempotency keys are there: tests/security/test_audit.py and tests/journeys/test_idempotency.py."""


@pytest.mark.parametrize("feature", LACKING)
async def test_what_is_not_there_yet(api: Api, feature: str) -> None:
    """The features that the catalogue lists as missing do not exist yet; adding one fails this test."""
    response = await api.send("ada", LACKING[feature])
    assert {error["extensions"]["code"] for error in response["errors"]} <= {"BAD_REQUEST", "INVALID"}
    assert "data" not in response


async def test_hidden_assets_are_unchanged(api: Api) -> None:
    """After all these attempts the hidden assets are unchanged."""
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Asset { revision } } }"
    nodes = (await api.ask("root", query, ids=[*HIDDEN_IDS]))["nodes"]
    assert [node["revision"] for node in nodes] == [1] * len(HIDDEN_IDS)
