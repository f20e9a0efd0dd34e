"""The three access grades through the full application: hidden, discoverable, readable, and the edges between them."""

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
    """Return the API over a draft between what everybody reads."""
    await api.load(*ITEMS)
    return api


async def test_a_draft_shows_what_it_is_called_and_whom_to_ask(api: Api) -> None:
    """Another team's draft is there with its public fields; the rest is null and counted, siblings are untouched."""
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


async def test_rights_are_shown_before_they_are_tried(api: Api) -> None:
    """`viewerAccess` says who may update, promote and retire, as the decisions will."""
    query = f'{{ asset(id: "{VERSION}") {{ viewerAccess {{ canUpdate canPromote canRetire }} }} }}'
    rights = {who: (await api.ask(who, query))["asset"]["viewerAccess"] for who in ("ada", "ci-ranking", "bo", "root")}
    assert {who: [name for name, may in each.items() if may] for who, each in rights.items()} == {
        "ada": ["canUpdate", "canRetire"],
        "ci-ranking": ["canUpdate"],
        "bo": [],
        "root": ["canUpdate", "canRetire"],
    }


async def test_an_edge_shows_what_both_ends_show(api: Api) -> None:
    """The edge from a draft is there, with its relation and ends; what is said about it stays with the readers."""
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
async def test_a_filter_on_an_edge_cannot_feel_for_what_is_hidden(api: Api, least: float) -> None:
    """The draft's edge is kept at any bound, as if it had no confidence; the open one follows its value."""
    query = f"""query ($least: Float!) {{ asset(id: "{VERSION}") {{
      upstream(filter: {{relations: [FEEDS], minConfidence: $least}}) {{ nodes {{ from }} }} }} }}"""
    data = await api.ask("bo", query, least=least)
    assert [edge["from"] for edge in data["asset"]["upstream"]["nodes"]] == [DRAFT]
    kept = (await api.ask("ada", query, least=least))["asset"]["upstream"]["nodes"]
    assert [edge["from"] for edge in kept] == ([DRAFT] if least < 0.75 else [])


async def test_a_path_ends_at_what_may_not_be_read(api: Api) -> None:
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
    """To a filter, what the row hides is absent: it matches nothing, and a `not` around it matches."""
    query = f"{{ assets(filter: {{kinds: [DATASET], {where}}}) {{ totalCount nodes {{ id }} }} }}"
    for who, expected in (("bo", bo), ("ada", ada)):
        found = (await api.ask(who, query))["assets"]
        assert {node["id"] for node in found["nodes"]} == expected
        assert found["totalCount"] == len(expected)


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_an_order_puts_what_hides_it_last(api: Api, direction: str) -> None:
    """Ordered by a time that a row hides, the row comes last in both directions, one by one as at once."""
    order = f"orderBy: {{field: CREATED_AT, direction: {direction}}}"
    query = f"""query ($after: Cursor, $first: Int) {{
      assets(filter: {{kinds: [DATASET]}}, first: $first, after: $after, {order}) {{
        totalCount nodes {{ id }} pageInfo {{ endCursor hasNextPage }} }} }}"""
    known_parent = (await api.ask("bo", query, first=10))["assets"]
    assert [node["id"] for node in known_parent["nodes"]][-1] == DRAFT
    assert known_parent["totalCount"] == len(known_parent["nodes"]) == 3
    one_by_one, after = [], None
    while True:
        page = (await api.ask("bo", query, first=1, after=after))["assets"]
        one_by_one += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert one_by_one == known_parent["nodes"]


async def test_strict_callers_get_errors_where_others_get_null(api: Api) -> None:
    """`Prefer: policy=strict` makes a coded error of each hidden field, at its path, and takes nothing else away."""
    query = f'{{ assets(filter: {{ids: ["{DRAFT}", "{OPEN}"]}}) {{ nodes {{ id description }} }} }}'
    headers = {"Authorization": f"Bearer {api.tokens['bo']}", "Prefer": "policy=strict"}
    known_response = await api.http.post("/graphql", json={"query": query}, headers=headers)
    body = known_response.json()
    assert known_response.status_code == 200
    assert body["data"]["assets"]["nodes"] == [
        {"id": DRAFT, "description": None},
        {"id": OPEN, "description": "all may read this"},
    ]
    (error,) = body["errors"]
    assert error["path"] == ["assets", "nodes", 0, "description"]
    assert (error["extensions"]["code"], error["extensions"]["coordinate"]) == ("DENIED", "Dataset.description")
    assert "canary" not in known_response.text
