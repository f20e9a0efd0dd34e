"""Reads through the built schema, over a graph of plain rows."""

# mypy: disable-error-code="index"
# An answer that is not what it should be fails the test.

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type, is_leaf_type
from strawberry.types import ExecutionResult
from support.stores.plain_reader import PlainGraph

from graphql_schema.schema import GraphSchema
from policies.principal import Principal

Run = Callable[..., Awaitable[ExecutionResult]]
TEAM = "mlg://team/test/default/search"
RANKER = "mlg://model/test/default/ranker"


@pytest.fixture
def estate(graph: PlainGraph) -> PlainGraph:
    """Fill the graph: a model with three versions, their data, deployments, evaluations, owners and a domain."""
    team = graph.add("TEAM", "search")
    graph.add("TEAM", "ads")
    ada = graph.add("USER", "ada", principalKind="SERVICE_ACCOUNT")
    domain = graph.add("DOMAIN", "commerce")
    tag = graph.add("TAG", "gold")
    model = graph.add("MODEL", "ranker", task="ranking", ownerTeam=team, owners=[team], domain=domain, tags=[tag])
    clicks = graph.add("DATASET", "clicks", stage="ACTIVE", format="parquet")
    run = graph.add("RUN", "train", state="COMPLETE", costUsd=1.5)
    service = graph.add("SERVICE", "search-api", tier=1)
    for number in (1, 2, 3):
        version = graph.add(
            "MODEL_VERSION",
            "ranker",
            version=str(number),
            params=[{"key": "depth", "value": str(number)}],
            metrics=[{"name": "auc", "value": 0.7 + number / 10}],
            framework="xgboost",
        )
        graph.join("VERSION_OF", version, model, at=number)
        status = "ACTIVE" if number == 3 else "RETIRED"
        deployment = graph.add("DEPLOYMENT", f"d{number}", status=status)
        graph.join("DEPLOYED_AS", version, deployment)
        graph.join("SERVED_BY", deployment, service)
    graph.join("PRODUCES", run, version)
    graph.join("INPUT_TO", clicks, run)
    graph.join("OWNED_BY", model, team, kinds=["BUSINESS", "TECHNICAL"], validFrom=1_000)
    graph.join("OWNED_BY", domain, ada, kinds=["STEWARD"])
    graph.join("CONTAINS", domain, model)
    graph.join("TAGGED", model, tag, mode="DIRECT")
    return graph


async def ok(run: Run, document: str, *rest: Principal, **variables: object) -> dict[str, Any]:
    """Run a document that must succeed."""
    found = await run(document, *rest, **variables)
    assert found.errors is None
    assert found.data is not None
    return found.data


async def code(run: Run, document: str, *rest: Principal, **variables: object) -> tuple[str, str]:
    """Run a document that must fail once: the code and the message."""
    found = await run(document, *rest, **variables)
    assert found.errors is not None
    assert len(found.errors) == 1
    return found.errors[0].extensions["code"], found.errors[0].message


@pytest.mark.usefixtures("estate")
async def test_a_query_nests_over_many_types(run: Run) -> None:
    """Interfaces, unions, versions, runs, services and datasets are read in one document, with `__typename`."""
    data = await ok(
        run,
        """query ($id: ID!) { node(id: $id) { __typename id ... on Model {
          kind displayName task domain { name parent { name } } tags { tag { name tagKind propagates } mode }
          ownerTeam { name } owners { owner { __typename ... on Team { name } ... on User { name kind } }
            ownership inherited inheritedFrom { id } since }
          latestVersion { version metrics { name value slice } trainingRun { state costUsd }
            trainedOn { nodes { __typename name ... on Dataset { format } } }
            deployments { nodes { name status service { tier } } } }
          services { totalCount nodes { name } } } } }""",
        id=RANKER,
    )
    domain_owner = {"__typename": "User", "name": "ada", "kind": "SERVICE_ACCOUNT"}
    team = {"__typename": "Team", "name": "search"}
    since = "1970-01-01T00:00:01Z"
    own = {"owner": team, "inherited": False, "inheritedFrom": None, "since": since}
    assert data["node"] == {
        "__typename": "Model",
        "id": RANKER,
        "kind": "MODEL",
        "displayName": "ranker",
        "task": "ranking",
        "domain": {"name": "commerce", "parent": None},
        "tags": [{"tag": {"name": "gold", "tagKind": "FREE", "propagates": False}, "mode": "DIRECT"}],
        "ownerTeam": {"name": "search"},
        "owners": [
            {**own, "ownership": "BUSINESS"},
            {**own, "ownership": "TECHNICAL"},
            {"owner": domain_owner, "ownership": "STEWARD", "inherited": True, "inheritedFrom": None, "since": None},
        ],
        "latestVersion": {
            "version": "3",
            "metrics": [{"name": "auc", "value": 1.0, "slice": None}],
            "trainingRun": {"state": "COMPLETE", "costUsd": 1.5},
            "trainedOn": {"nodes": [{"__typename": "Dataset", "name": "clicks", "format": "parquet"}]},
            "deployments": {"nodes": [{"name": "d3", "status": "ACTIVE", "service": {"tier": 1}}]},
        },
        "services": {"totalCount": 1, "nodes": [{"name": "search-api"}]},
    }


@pytest.mark.usefixtures("estate")
async def test_deployments_are_the_active_ones_unless_asked(run: Run) -> None:
    """`activeOnly` is on until it is turned off."""
    data = await ok(
        run,
        """{ asset(id: "mlg://service/test/default/search-api") { ... on Service {
          deployments { nodes { name } } all: deployments(activeOnly: false) { nodes { name } } } } }""",
    )
    assert [each["name"] for each in data["asset"]["deployments"]["nodes"]] == ["d3"]
    assert [each["name"] for each in data["asset"]["all"]["nodes"]] == ["d1", "d2", "d3"]


@pytest.mark.usefixtures("estate")
async def test_neighbours_speak_for_the_whole(run: Run) -> None:
    """A model's upstream holds what its versions came from, once per edge, and the filter is judged."""
    data = await ok(
        run,
        """query ($id: ID!) { asset(id: $id) { upstream { nodes { relation asset { name } } }
          none: upstream(filter: {kinds: [DATASET]}) { nodes { relation } } } }""",
        id=RANKER,
    )
    assert data["asset"]["upstream"]["nodes"] == [{"relation": "PRODUCES", "asset": {"name": "train"}}]
    assert data["asset"]["none"]["nodes"] == []


async def test_a_hidden_field_is_null_and_noted_and_its_siblings_stay(run: Run, estate: PlainGraph) -> None:
    """Own fields, relations and what is derived from a hidden field become null; nothing else does."""
    estate.hidden = {"MODEL_VERSION": {"params", "properties", "trainedOn", "metrics"}}
    data = await ok(
        run,
        """query ($id: ID!) { asset(id: $id) { ... on Model { task latestVersion { version framework params { key }
          property(key: "x") trainedOn { nodes { id } } viewerAccess { grade hiddenFields } } } } }""",
        id=RANKER,
    )
    assert data["asset"]["latestVersion"] == {
        "version": "3",
        "framework": "xgboost",
        "params": None,
        "property": None,
        "trainedOn": None,
        "viewerAccess": {"grade": "READ", "hiddenFields": ["metrics", "params", "properties", "trainedOn"]},
    }
    assert [note["coordinate"] for note in estate.notes.extensions()["authorization"]["hidden"]] == [
        "ModelVersion.params",
        "ModelVersion.properties",
        "ModelVersion.trainedOn",
    ]


async def test_every_governed_field_can_be_hidden(schema: GraphSchema, run: Run, estate: PlainGraph) -> None:
    """Whatever field of an asset type the policy hides comes back as null, without an error."""
    version = schema.core.type_map["ModelVersion"]
    assert isinstance(version, GraphQLObjectType)
    always = {"id", "kind", "source", "namespace", "name", "displayName", "version", "viewerAccess"}
    names = sorted(set(version.fields) - always)
    estate.hidden = {"MODEL_VERSION": set(names)}
    arguments = {"property": '(key: "depth")', "gate": '(alias: "a")', "lineage": "(direction: UPSTREAM)"}
    selection = " ".join(
        name
        + arguments.get(name, "")
        + ("" if is_leaf_type(get_named_type(version.fields[name].type)) else "{__typename}")
        for name in names
    )
    one = "mlg://model-version/test/default/ranker@1"
    data = await ok(run, f"query ($id: ID!) {{ asset(id: $id) {{ ... on ModelVersion {{ {selection} }} }} }}", id=one)
    assert data["asset"] == dict.fromkeys(names)


@pytest.mark.usefixtures("estate")
async def test_pages_follow_one_another(run: Run) -> None:
    """Pages of one concatenate to the whole list, newest first, and count it only when asked."""
    seen, after = [], None
    document = """query ($id: ID!, $after: Cursor) { asset(id: $id) { ... on Model {
      versions(first: 2, after: $after) { edges { cursor node { version } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } } }"""
    while True:
        page = (await ok(run, document, id=RANKER, after=after))["asset"]["versions"]
        seen += [edge["node"]["version"] for edge in page["edges"]]
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        assert page["pageInfo"]["startCursor"] == page["edges"][0]["cursor"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == ["3", "2", "1"]


VERSIONS = """query ($id: ID!, $c: Cursor) { asset(id: $id) { ... on Model {
  versions(first: 1, after: $c) { pageInfo { endCursor } } } } }"""


async def test_a_cursor_is_refused_where_it_was_not_made(run: Run, estate: PlainGraph, ada: Principal) -> None:
    """A cursor is good for the same caller and field alone, and for nothing that was tampered with."""
    cursor = (await ok(run, VERSIONS, id=RANKER))["asset"]["versions"]["pageInfo"]["endCursor"]
    assert (await ok(run, VERSIONS, id=RANKER, c=cursor))["asset"]["versions"]["pageInfo"]["endCursor"] != cursor
    listing = "query ($c: Cursor) { assets(after: $c) { nodes { id } } }"
    assert (await code(run, listing, c=cursor))[0] == "INVALID"
    other = estate.add("MODEL", "other")
    assert (await code(run, VERSIONS, id=other, c=cursor))[0] == "INVALID"
    assert (await code(run, VERSIONS, replace(ada, subject="eve"), id=RANKER, c=cursor))[0] == "INVALID"
    assert (await code(run, VERSIONS, id=RANKER, c="A" + cursor[1:]))[0] == "INVALID"


@pytest.mark.usefixtures("estate")
async def test_a_cursor_is_refused_under_another_filter(run: Run) -> None:
    """A listing's cursor belongs to its filter and order."""
    document = (
        "query ($f: AssetFilter, $c: Cursor) { assets(filter: $f, first: 1, after: $c) { pageInfo { endCursor } } }"
    )
    cursor = (await ok(run, document, f={"kinds": ["RUN"]}))["assets"]["pageInfo"]["endCursor"]
    assert (await code(run, document, f={"kinds": ["MODEL"]}, c=cursor))[0] == "INVALID"


@pytest.mark.parametrize("first", [-1, 501])
@pytest.mark.usefixtures("estate")
async def test_a_page_has_a_size_within_bounds(run: Run, first: int) -> None:
    """A page size outside 0 to 500 is refused with the code of a limit."""
    assert (await code(run, "query ($n: Int) { assets(first: $n) { nodes { id } } }", n=first))[0] == "LIMIT_EXCEEDED"


@pytest.mark.usefixtures("estate")
async def test_listings_hold_the_assets_asked_for_in_order(run: Run) -> None:
    """Filters and orders reach the listing; teams, users, domains and tags list what is no asset, by name."""
    data = await ok(
        run,
        """{ assets(filter: {kinds: [DEPLOYMENT], name: {prefix: "d"}, not: {name: {eq: "d2"}}},
                    orderBy: {field: NAME, direction: DESC}) { totalCount nodes { name } }
             all: assets { totalCount }
             teams { nodes { name } } users { nodes { name } } domains { nodes { name } } tags { nodes { name } } }""",
    )
    assert data["assets"] == {"totalCount": 2, "nodes": [{"name": "d3"}, {"name": "d1"}]}
    assert data["all"] == {"totalCount": 10}
    assert [each["name"] for each in data["teams"]["nodes"]] == ["ads", "search"]
    assert [data[field]["nodes"][0]["name"] for field in ("users", "domains", "tags")] == ["ada", "commerce", "gold"]


@pytest.mark.usefixtures("estate")
async def test_owners_domains_and_tags_list_their_assets(run: Run) -> None:
    """A team lists what it owns, a domain and a tag what they hold."""
    data = await ok(
        run,
        """{ team(id: "mlg://team/test/default/search") { assets { nodes { name } } }
             domains { nodes { assets { nodes { name } } } }
             tags { nodes { assets(filter: {kinds: [RUN]}) { nodes { name } } } } }""",
    )
    assert data["team"]["assets"]["nodes"] == [{"name": "ranker"}]
    assert data["domains"]["nodes"][0]["assets"]["nodes"] == [{"name": "ranker"}]
    assert data["tags"]["nodes"][0]["assets"]["nodes"] == []


@pytest.mark.usefixtures("estate")
async def test_unknown_ids_are_null_and_malformed_ones_errors(run: Run) -> None:
    """An id that names nothing is null, as is an asset that is none; an id that cannot be has the code INVALID."""
    data = await ok(
        run,
        """query ($t: ID!, $m: ID!) { node(id: "mlg://model/test/default/none") { id } asset(id: $t) { id }
          team(id: $m) { id } nodes(ids: [$m, "mlg://model/test/default/none", $t]) { id } }""",
        t=TEAM,
        m=RANKER,
    )
    assert data == {"node": None, "asset": None, "team": None, "nodes": [{"id": RANKER}, None, {"id": TEAM}]}
    for document in ('{ node(id: "x") { id } }', '{ asset(id: "mlg://x/y") { id } }', "{ team { id } }"):
        assert (await code(run, document))[0] == "INVALID"
    many = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert (await code(run, many, ids=[RANKER] * 101))[0] == "LIMIT_EXCEEDED"
    assert len((await ok(run, many, ids=[RANKER] * 100))["nodes"]) == 100


async def test_an_error_carries_code_and_extensions_and_keeps_its_cause(run: Run) -> None:
    """What a CodedError knows reaches the caller in one place, and the HTTP boundary still finds the cause."""
    found = await run("{ assets(first: 501) { nodes { id } } }")
    assert found.errors[0].extensions == {"code": "LIMIT_EXCEEDED", "limit": 500}
    assert type(found.errors[0].original_error).__name__ == "LimitError"


async def test_a_team_of_the_catalog_is_found_by_name(run: Run, graph: PlainGraph) -> None:
    """A bare name means source `catalog`, namespace `default`."""
    urn = "mlg://team/catalog/default/core"
    graph.records[urn] = {
        **graph.records.get(urn, {}),
        "id": urn,
        "kind": "TEAM",
        "name": "core",
        "displayName": "Core",
    }
    assert await ok(run, '{ team(name: "core") { id displayName } }') == {"team": {"id": urn, "displayName": "Core"}}


@pytest.mark.usefixtures("estate")
async def test_the_viewer_is_who_asks(run: Run) -> None:
    """The token's facts, the teams that exist, and the policy's version."""
    data = await ok(
        run, "{ viewer { subject kind displayName teams { name } roles scopes tenant expiresAt policyVersion } }"
    )
    assert data["viewer"] == {
        "subject": "ada",
        "kind": "PERSON",
        "displayName": "Ada",
        "teams": [{"name": "search"}],
        "roles": ["engineer"],
        "scopes": ["graph:read", "graph:write"],
        "tenant": "acme",
        "expiresAt": "2027-01-15T08:00:00Z",
        "policyVersion": "v1",
    }


async def test_a_metric_is_compared_with_the_same_metric_of_the_baseline(run: Run, graph: PlainGraph) -> None:
    """Metrics are the same by name and slice; what only one side has is left out; without a baseline it is null."""
    before = graph.add("EVALUATION", "before", metrics=[{"name": "auc", "value": 0.5}, {"name": "f1", "value": 0.1}])
    metrics = [{"name": "auc", "value": 0.75}, {"name": "auc", "value": 0.9, "slice": "new"}]
    now = graph.add("EVALUATION", "now", metrics=metrics)
    graph.join("EVALUATED_BY", before, now)
    document = """query ($id: ID!) { asset(id: $id) { ... on Evaluation { baseline { name }
      againstBaseline { name slice value baseline change } } } }"""
    delta = {"name": "auc", "slice": None, "value": 0.75, "baseline": 0.5, "change": 0.25}
    assert (await ok(run, document, id=now))["asset"] == {"baseline": {"name": "before"}, "againstBaseline": [delta]}
    assert (await ok(run, document, id=before))["asset"] == {"baseline": None, "againstBaseline": None}


async def test_a_column_leads_to_the_column_it_is_computed_from(run: Run, graph: PlainGraph) -> None:
    """Column lineage resolves the dataset under the viewer's policy; no column of a hidden or unknown one is named."""
    raw = graph.add("DATASET", "raw")
    sources = [{"dataset": raw, "column": "a"}, {"dataset": "mlg://dataset/test/default/none", "column": "b"}]
    made = graph.add("DATASET", "made", columns=[{"name": "c", "sensitivity": "PUBLIC", "derivedFrom": sources}])
    data = await ok(
        run,
        """query ($id: ID!) { asset(id: $id) { ... on Dataset { columns { name sensitivity
          derivedFrom { dataset { name } column transformation } } } } }""",
        id=made,
    )
    assert data["asset"]["columns"] == [
        {
            "name": "c",
            "sensitivity": "PUBLIC",
            "derivedFrom": [
                {"dataset": {"name": "raw"}, "column": "a", "transformation": None},
            ],
        }
    ]


async def test_runs_are_filtered_by_state_newest_first(run: Run, graph: PlainGraph) -> None:
    """A workflow's runs come newest start first, its latest run is the first of them, and `state` narrows."""
    flow = graph.add("WORKFLOW", "nightly")
    for at, state in enumerate(["COMPLETE", "FAIL", "COMPLETE"]):
        graph.join("RUN_OF", graph.add("RUN", f"r{at}", state=state), flow, at=at)
    data = await ok(
        run,
        """query ($id: ID!) { asset(id: $id) { ... on Workflow { latestRun { name } runs { nodes { name } }
          failed: runs(state: FAIL) { nodes { name } } } } }""",
        id=flow,
    )
    assert data["asset"] == {
        "latestRun": {"name": "r2"},
        "runs": {"nodes": [{"name": "r2"}, {"name": "r1"}, {"name": "r0"}]},
        "failed": {"nodes": [{"name": "r1"}]},
    }
