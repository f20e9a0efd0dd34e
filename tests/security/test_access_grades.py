"""The three access grades through the full application: hidden, discoverable, readable, and the edges between them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from support.servers.in_process import Api

TEAM = "mlg://team/catalog/default/ranking"
OWNED = [{"owner": TEAM}]
OPEN = "mlg://dataset/test/default/open"
DRAFT = "mlg://dataset/test/default/draft"
MODEL = "mlg://model/test/default/ranker"
VERSION = "mlg://model-version/test/default/ranker@1"
CLOSED_RUN = "mlg://run/test/default/draft-run"
BEHIND = "mlg://dataset/test/default/behind"
ITEMS: list[dict[str, Any]] = [
    {"team": {"name": "ranking", "displayName": "Ranking"}},
    {"dataset": {"id": OPEN, "owners": OWNED, "description": "all may read this"}},
    {"dataset": {"id": DRAFT, "owners": OWNED, "stage": "DRAFT", "description": "canary-6f2e", "derivedFrom": [OPEN]}},
    {"dataset": {"id": BEHIND, "owners": OWNED}},
    {"run": {"id": CLOSED_RUN, "owners": OWNED, "stage": "DRAFT", "state": "COMPLETE", "inputs": [BEHIND]}},
    {"model": {"id": MODEL, "owners": OWNED}},
    {"modelVersion": {"id": VERSION, "trainedOn": [DRAFT], "trainingRun": CLOSED_RUN}},
    {
        "link": {
            "relation": "FEEDS",
            "from": OPEN,
            "to": VERSION,
            "confidence": 0.25,
            "properties": [{"key": "why", "value": "canary-open"}],
        }
    },
    {
        "link": {
            "relation": "FEEDS",
            "from": DRAFT,
            "to": VERSION,
            "confidence": 0.75,
            "properties": [{"key": "why", "value": "canary-edge"}],
        }
    },
]


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over a draft model version between assets that every caller reads."""
    await api.load(*ITEMS)
    return api


async def test_a_draft_shows_its_public_fields(api: Api) -> None:
    """A draft of another team shows its public fields.

    The other fields are null and counted, siblings are unaffected.
    """
    query = f"""{{ draft: asset(id: "{DRAFT}") {{ id kind displayName description stage createdAt ownerTeam {{ id }}
      owners {{ ownership }} upstream {{ totalCount }}
      viewerAccess {{ grade canUpdate canPromote canRetire hiddenFields }} }}
      open: asset(id: "{OPEN}") {{ description viewerAccess {{ grade }} }} }}"""
    body = await api.send("bo", query)
    draft = body["data"]["draft"]
    access = draft.pop("viewerAccess")
    assert draft == {
        "id": DRAFT,
        "kind": "DATASET",
        "displayName": "draft",
        "description": None,
        "stage": None,
        "createdAt": None,
        "ownerTeam": {"id": TEAM},
        "owners": None,
        "upstream": None,
    }
    assert (access["grade"], access["canUpdate"], access["canRetire"]) == ("DISCOVER", False, False)
    assert {"description", "stage", "upstream"} <= set(access["hiddenFields"])
    assert body["data"]["open"] == {"description": "all may read this", "viewerAccess": {"grade": "READ"}}
    assert "errors" not in body
    assert {entry["coordinate"] for entry in body["extensions"]["authorization"]["hidden"]} == {
        f"Dataset.{field}" for field in ("description", "stage", "createdAt", "owners", "upstream")
    }
    assert (await api.ask("ada", query))["draft"]["description"] == "canary-6f2e"


async def test_viewer_access_equals_the_decisions(api: Api) -> None:
    """`viewerAccess` returns the same rights to update, promote and retire that a mutation is decided by."""
    query = f'{{ asset(id: "{VERSION}") {{ viewerAccess {{ canUpdate canPromote canRetire }} }} }}'
    rights = {who: (await api.ask(who, query))["asset"]["viewerAccess"] for who in ("ada", "ci-ranking", "bo", "root")}
    assert {who: [name for name, may in each.items() if may] for who, each in rights.items()} == {
        "ada": ["canUpdate", "canRetire"],
        "ci-ranking": ["canUpdate"],
        "bo": [],
        "root": ["canUpdate", "canRetire"],
    }


RIGHTS = """query ($id: ID!, $asOf: DateTime) { asset(id: $id, asOf: $asOf) { viewerAccess { grade because
  canUpdate canPromote canRetire rights { action allowed permittedBy forbiddenBy needs denial restriction } } } }"""
MUTATIONS = {
    "UPDATE": """mutation ($id: ID!) { done: registerAssets(input: {dryRun: true, items: [
      {modelVersion: {id: $id, description: "d"}}]}) { results { errors { code message } } } }""",
    "PROMOTE": f"""mutation ($id: ID!) {{ done: setAlias(input: {{dryRun: true, model: "{MODEL}", version: $id,
      alias: "free"}}) {{ errors {{ code message }} }} }}""",
    "APPROVE": """mutation ($id: ID!) { done: approve(input: {dryRun: true, subject: $id, gate: "release",
      decision: REJECTED}) { errors { code message } } }""",
    "TAG": """mutation ($id: ID!) { done: setTags(input: {dryRun: true, asset: $id, add: []}) {
      errors { code message } } }""",
    "RETIRE": """mutation ($id: ID!) { done: deleteAsset(input: {dryRun: true, asset: $id}) {
      errors { code message } } }""",
}


async def test_rights_are_those_of_mutations(api: Api) -> None:
    """Each right is allowed exactly if a mutation is not denied, and the denial is in the words of its error.

    The three flags and a read of the past have the same rights, and no right needs a request to the store.
    """
    for who in ("ada", "ci-ranking", "cy", "eli", "root"):
        access = (await api.ask(who, RIGHTS, id=VERSION))["asset"]["viewerAccess"]
        rights = {each["action"]: each for each in access["rights"]}
        for action, mutation in MUTATIONS.items():
            done = (await api.ask(who, mutation, id=VERSION))["done"]
            errors = [error for each in done.get("results", [done]) for error in each["errors"]]
            denied = [error["message"] for error in errors if error["code"] == "DENIED"]
            assert rights[action]["allowed"] == (not denied), (who, action)
            assert all(message.endswith(rights[action]["denial"]) for message in denied)
            assert bool(rights[action]["permittedBy"]) != bool(rights[action]["needs"])
        flags = [access["canUpdate"], access["canPromote"], access["canRetire"]]
        assert flags == [rights[action]["allowed"] for action in ("UPDATE", "PROMOTE", "RETIRE")]
        past = await api.ask(who, RIGHTS, id=VERSION, asOf=datetime.now(UTC).isoformat())
        assert past["asset"]["viewerAccess"] == access
    assert await api.count("cy", RIGHTS, id=VERSION) == await api.count(
        "cy", "query ($id: ID!) { asset(id: $id) { id } }", id=VERSION
    )


async def test_a_missing_scope_is_a_lack(api: Api) -> None:
    """A reader without the scope to write lacks it for each write, with the rules of which one must permit it too."""
    access = (await api.ask("bo", RIGHTS, id=VERSION))["asset"]["viewerAccess"]
    read, *writes = access["rights"]
    assert (access["grade"], read["allowed"], read["permittedBy"]) == ("READ", True, access["because"])
    assert [each["needs"][0] for each in writes] == ["scope:graph:write"] * 8
    assert any(need.startswith("writes-promote: ") for each in writes for need in each["needs"])


async def test_an_edge_discloses_only_what_both_ends_disclose(api: Api) -> None:
    """The edge from a draft shows its relation and ends.

    Its other properties are null for callers who may not read it.
    """
    query = f"""{{ asset(id: "{VERSION}") {{ upstream(filter: {{relations: [FEEDS]}}) {{ nodes {{
      from origin confidence validFrom properties {{ value }} }} }} }} }}"""
    observed = {edge["from"]: edge for edge in (await api.ask("bo", query))["asset"]["upstream"]["nodes"]}
    assert observed[OPEN]["confidence"] == 0.25
    assert observed[OPEN]["properties"] == [{"value": "canary-open"}]
    assert observed[DRAFT] == {
        "from": DRAFT,
        "origin": "DECLARED",
        "confidence": None,
        "validFrom": None,
        "properties": None,
    }
    team = {edge["from"]: edge for edge in (await api.ask("ada", query))["asset"]["upstream"]["nodes"]}
    assert team[DRAFT]["confidence"] == 0.75


@pytest.mark.parametrize("least", [0.5, 0.9])
async def test_a_filter_on_an_edge_ignores_hidden_values(api: Api, least: float) -> None:
    """A filter on confidence keeps the draft's edge at any bound, as if it had none.

    The visible edge is filtered by value.
    """
    query = f"""query ($least: Float!) {{ asset(id: "{VERSION}") {{
      upstream(filter: {{relations: [FEEDS], minConfidence: $least}}) {{ nodes {{ from }} }} }} }}"""
    data = await api.ask("bo", query, least=least)
    assert [edge["from"] for edge in data["asset"]["upstream"]["nodes"]] == [DRAFT]
    kept = (await api.ask("ada", query, least=least))["asset"]["upstream"]["nodes"]
    assert [edge["from"] for edge in kept] == ([DRAFT] if least < 0.75 else [])


async def test_a_path_ends_at_an_unreadable_asset(api: Api) -> None:
    """A draft run hides what a model version was trained on through it, from every caller who may not read the run."""
    query = f'{{ asset(id: "{VERSION}") {{ ... on ModelVersion {{ trainedOn {{ totalCount nodes {{ id }} }} }} }} }}'
    found = {who: (await api.ask(who, query))["asset"]["trainedOn"] for who in ("bo", "ada")}
    ids = {who: {node["id"] for node in each["nodes"]} for who, each in found.items()}
    assert ids == {"bo": {OPEN, DRAFT}, "ada": {OPEN, DRAFT, BEHIND}}
    assert {who: each["totalCount"] for who, each in found.items()} == {"bo": 2, "ada": 3}


@pytest.mark.parametrize(
    ("where", "bo", "ada"),
    [
        ("stages: [DRAFT]", set(), {DRAFT}),
        ("stages: [ACTIVE, DRAFT]", {OPEN, BEHIND}, {OPEN, BEHIND, DRAFT}),
        ("not: {stages: [ACTIVE]}", {DRAFT}, {DRAFT}),
        ("not: {stages: [DRAFT]}", {OPEN, BEHIND, DRAFT}, {OPEN, BEHIND}),
        (f'owners: ["{TEAM}"]', {OPEN, BEHIND}, {OPEN, BEHIND, DRAFT}),
        ("owned: false", set(), set()),
        ("hydration: FULL", {OPEN, BEHIND}, {OPEN, BEHIND, DRAFT}),
        (f'ownerTeams: ["{TEAM}"]', {OPEN, BEHIND, DRAFT}, {OPEN, BEHIND, DRAFT}),
        ('createdAfter: "2000-01-01T00:00:00Z"', {OPEN, BEHIND}, {OPEN, BEHIND, DRAFT}),
        ('or: [{stages: [DRAFT]}, {name: {eq: "draft"}}]', {DRAFT}, {DRAFT}),
        ('name: {prefix: "dr"}', {DRAFT}, {DRAFT}),
    ],
)
async def test_a_filter_sees_no_hidden_value(api: Api, where: str, bo: set[str], ada: set[str]) -> None:
    """A filter treats a hidden value as absent: no condition matches it, and its negation does."""
    query = f"{{ assets(filter: {{kinds: [DATASET], {where}}}) {{ totalCount nodes {{ id }} }} }}"
    for who, expected in (("bo", bo), ("ada", ada)):
        found = (await api.ask(who, query))["assets"]
        assert {node["id"] for node in found["nodes"]} == expected
        assert found["totalCount"] == len(expected)


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_rows_that_hide_the_order_come_last(api: Api, direction: str) -> None:
    """A row that hides the time of an order comes last in both directions, with pages of one as with a single page."""
    order = f"orderBy: {{field: CREATED_AT, direction: {direction}}}"
    query = f"""query ($after: Cursor, $first: Int) {{
      assets(filter: {{kinds: [DATASET]}}, first: $first, after: $after, {order}) {{
        totalCount nodes {{ id }} pageInfo {{ endCursor hasNextPage }} }} }}"""
    parent = (await api.ask("bo", query, first=10))["assets"]
    assert [node["id"] for node in parent["nodes"]][-1] == DRAFT
    assert parent["totalCount"] == len(parent["nodes"]) == 3
    one_by_one, after = [], None
    while True:
        page = (await api.ask("bo", query, first=1, after=after))["assets"]
        one_by_one += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert one_by_one == parent["nodes"]


async def test_strict_callers_get_errors_where_others_get_null(api: Api) -> None:
    """`Prefer: policy=strict` adds a coded error at the path of each hidden field, and removes nothing else."""
    query = f'{{ assets(filter: {{ids: ["{DRAFT}", "{OPEN}"]}}) {{ nodes {{ id description }} }} }}'
    headers = {"Authorization": f"Bearer {api.tokens['bo']}", "Prefer": "policy=strict"}
    response = await api.http.post("/graphql", json={"query": query}, headers=headers)
    body = response.json()
    assert response.status_code == 200
    assert body["data"]["assets"]["nodes"] == [
        {"id": DRAFT, "description": None},
        {"id": OPEN, "description": "all may read this"},
    ]
    (error,) = body["errors"]
    assert error["path"] == ["assets", "nodes", 0, "description"]
    assert (error["extensions"]["code"], error["extensions"]["coordinate"]) == ("DENIED", "Dataset.description")
    assert "canary" not in response.text
