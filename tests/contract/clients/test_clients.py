"""The usual npm clients on a running server: Apollo Client, urql, Relay, and types made by graphql-codegen."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.estates.owned_items import team, urn
from support.npm_packages import install, run
from support.servers.in_process import Api, open_api
from support.servers.websocket_client import serving
from support.source_tree import code_blocks
from support.stores.janusgraph import StoreGraph

from graphql_schema.schema import SDL

FOLDER = Path(__file__).parent
TOOLS = FOLDER / "node_modules"
THEN = "2024-01-15T00:00:00Z"
CLICKS, EARLY, LATE = (urn("dataset", name) for name in ("clicks", "early", "late"))
MODEL = urn("model", "ranker")
VERSIONS = [f"{urn('model-version', 'ranker')}@{number}" for number in range(1, 6)]
READ = """query Read($id: ID!, $asOf: DateTime) { asset(id: $id, asOf: $asOf) {
  id asOf displayName upstream(first: 20) { nodes { asset { id asOf } } } } }"""
PAGES = """query Pages($first: Int, $after: Cursor) {
  assets(filter: {kinds: [MODEL_VERSION]}, first: $first, after: $after) {
    edges { node { id asOf } } pageInfo { hasNextPage endCursor } } }"""


@pytest.fixture(scope="module")
async def api(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Return the API over a dataset with one source since January 2, 2024 and a second one since February."""
    async with open_api(module_graph, tmp_path_factory.mktemp("clients")) as api:
        await _load(api)
        yield api


async def _load(api: Api) -> None:
    made = {"sourceCreatedAt": "2024-01-01T00:00:00Z"}
    links = {EARLY: "2024-01-02T00:00:00Z", LATE: "2024-02-01T00:00:00Z"}
    await api.load(
        {"team": {"name": "ranking", "displayName": "Ranking"}},
        *({"dataset": {"id": each, **made}} for each in (CLICKS, EARLY, LATE)),
        *({"link": {"relation": "DERIVES", "from": each, "to": CLICKS, "validFrom": links[each]}} for each in links),
        {"model": {"id": MODEL, "displayName": "Ranker", "owners": [{"owner": team("ranking")}]}},
        *(
            {"modelVersion": {"id": each, "sourceCreatedAt": f"2024-03-0{number}T00:00:00Z"}}
            for number, each in enumerate(VERSIONS, 1)
        ),
    )


@pytest.fixture
async def given(api: Api) -> AsyncIterator[dict[str, str]]:
    """Return the environment of a client: the URL of a running server, a token, and what to read."""
    async with serving(api.app) as address:
        read = {"SDL": str(SDL), "QUERY": READ, "PAGES": PAGES, "ID": CLICKS, "MODEL": MODEL, "THEN": THEN}
        yield {"API": f"http://{address}", "TOKEN": api.tokens["ada"], **read}


@pytest.fixture(scope="module", autouse=True)
def _packages() -> None:
    """Install the locked npm packages."""
    install(FOLDER)


def sources(asset: dict[str, Any]) -> tuple[str, str | None, list[tuple[str, str | None]]]:
    """Return id and `asOf` of an asset, and those of its neighbours upstream."""
    near = [each["asset"] for each in asset["upstream"]["nodes"]]
    return asset["id"], asset["asOf"], sorted((each["id"], each["asOf"]) for each in near)


NOW = (CLICKS, None, [(EARLY, None), (LATE, None)])
PAST = (CLICKS, THEN, [(EARLY, THEN)])


@pytest.mark.parametrize("client", ["apollo.mjs", "urql.mjs"])
async def test_a_normalised_cache_keeps_past_and_present_apart(client: str, given: dict[str, str]) -> None:
    """With the keys of docs/reading.md the present is in the cache after a read of the past; without, it is not.

    Pages of a list concatenate in the cache.
    """
    found = json.loads(await run(FOLDER / client, environment=given))
    assert [sources(found[each]) for each in ("now", "then", "again")] == [NOW, PAST, NOW]
    assert found["listed"] == VERSIONS
    without = json.loads(await run(FOLDER / client, environment={**given, "KEYS": "off"}))
    assert sources(without["again"]) == PAST


async def test_relay_compiles_refetches_and_pages(given: dict[str, str]) -> None:
    """Refetchable fragments on a type and on an interface compile; a refetch and further pages arrive in the store.

    With the data id of docs/reading.md the store keeps past and present apart.
    """
    folder = FOLDER / "relay"
    (folder / "__generated__").mkdir(exist_ok=True)
    await run(TOOLS / "relay-compiler" / "cli.js", "relay.config.json", cwd=folder)
    found = json.loads(await run(folder / "relay.mjs", environment=given))
    assert [sources(found[each]) for each in ("now", "then", "again")] == [NOW, PAST, NOW]
    assert (found["listed"], found["pages"]) == (["5", "4", "3", "2", "1"], 3)
    ranking = {"id": team("ranking"), "displayName": "Ranking"}
    assert found["summary"] == {"id": MODEL, "displayName": "Ranker", "ownerTeam": ranking}


async def test_documents_become_types(given: dict[str, str]) -> None:
    """graphql-codegen types the documents of a client, tsc accepts their right use alone, and the client runs."""
    folder = FOLDER / "typescript"
    await run(TOOLS / "@graphql-codegen" / "cli" / "cjs" / "bin.js", "--config", "codegen.json", cwd=folder)
    await run(TOOLS / "typescript" / "bin" / "tsc", "--project", "tsconfig.json", cwd=folder)
    found = json.loads(await run(folder / "generated" / "js" / "typed_client.js", environment=given))
    assert found == {"name": "Ranker", "versions": ["5", "4", "3", "2", "1"], "reasons": [], "stage": "ACTIVE"}


@pytest.mark.parametrize("client", ["apollo.mjs", "urql.mjs", "relay/relay.mjs"])
def test_the_documented_keys_are_those_of_the_client(client: str) -> None:
    """Each client above contains one block of docs/reading.md, line by line."""
    used = (FOLDER / client).read_text().splitlines()
    blocks = [text.splitlines() for text in code_blocks("docs/reading.md", "js")]
    assert [block for block in blocks if set(block) <= set(used)] != []
    assert len(blocks) == 3
