"""Queries through the built schema, over a graph of plain rows."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable
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
    """Fill the graph: a model with three versions, their data and deployments, owners, a tag and a domain."""
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
    """Return the data of a document that must succeed."""
    found = await run(document, *rest, **variables)
    assert found.errors is None
    assert found.data is not None
    return found.data


async def code(run: Run, document: str, *rest: Principal, **variables: object) -> tuple[str, str]:
    """Return code and message of the one error of a document that must fail."""
    found = await run(document, *rest, **variables)
    assert found.errors is not None
    assert len(found.errors) == 1
    return found.errors[0].extensions["code"], found.errors[0].message


@pytest.mark.usefixtures("estate")
async def test_a_query_nests_over_many_types(run: Run) -> None:
    """One document reads interfaces, unions, versions, runs, services and datasets, with `__typename`."""
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
async def test_deployments_are_the_active_ones_by_default(run: Run) -> None:
    """With `activeOnly: false` the others are listed as well."""
    data = await ok(
        run,
        """{ asset(id: "mlg://service/test/default/search-api") { ... on Service {
          deployments { nodes { name } } all: deployments(activeOnly: false) { nodes { name } } } } }""",
    )
    assert [each["name"] for each in data["asset"]["deployments"]["nodes"]] == ["d3"]
    assert [each["name"] for each in data["asset"]["all"]["nodes"]] == ["d1", "d2", "d3"]


@pytest.mark.usefixtures("estate")
async def test_neighbours_of_an_asset_include_those_of_its_versions(run: Run) -> None:
    """The upstream of a model lists each edge of its versions once (rule 3.3), and the filter applies."""
    data = await ok(
        run,
        """query ($id: ID!) { asset(id: $id) { upstream { nodes { relation asset { name } } }
          none: upstream(filter: {kinds: [DATASET]}) { nodes { relation } } } }""",
        id=RANKER,
    )
    assert data["asset"]["upstream"]["nodes"] == [{"relation": "PRODUCES", "asset": {"name": "train"}}]
    assert data["asset"]["none"]["nodes"] == []


async def test_a_hidden_field_is_null_and_reported_and_its_siblings_stay(run: Run, estate: PlainGraph) -> None:
    """Stored fields, relations and fields derived from a hidden field become null, and nothing else."""
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
    assert [entry["coordinate"] for entry in estate.report.extensions()["authorization"]["hidden"]] == [
        "ModelVersion.params",
        "ModelVersion.properties",
        "ModelVersion.trainedOn",
    ]


async def test_every_governed_field_can_be_hidden(schema: GraphSchema, run: Run, estate: PlainGraph) -> None:
    """Each field of an asset type that a policy may hide is null without an error when it is hidden."""
    version = schema.core.type_map["ModelVersion"]
    assert isinstance(version, GraphQLObjectType)
    always = {"id", "asOf", "kind", "source", "namespace", "name", "displayName", "version", "viewerAccess"}
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
async def test_listings_are_filtered_and_ordered(run: Run) -> None:
    """Filter and order apply to `assets`; teams, users, domains and tags are listed by name."""
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
    """A team lists the assets that it owns, a domain and a tag those that they contain."""
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
    """An unknown id is null, and so is an id of another kind; an id of a wrong form has the code INVALID."""
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
    assert (await code(run, many, ids=[RANKER] * 501))[0] == "LIMIT_EXCEEDED"
    assert len((await ok(run, many, ids=[RANKER] * 100))["nodes"]) == 100


async def test_an_error_has_a_code_its_extensions_and_its_cause(run: Run) -> None:
    """The extensions of a CodedError are those of the response; the cause stays for the HTTP boundary."""
    found = await run("{ assets(first: 501) { nodes { id } } }")
    assert found.errors[0].extensions == {"code": "LIMIT_EXCEEDED", "limit": 500}
    assert type(found.errors[0].original_error).__name__ == "LimitError"


async def test_a_team_of_the_catalog_is_found_by_name(run: Run, graph: PlainGraph) -> None:
    """A name without an id is one of source `catalog` and namespace `default`."""
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
async def test_the_viewer_is_the_caller(run: Run) -> None:
    """The values of the token, the visible teams, and the version of the policy."""
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
    """Metrics are matched by name and slice, a metric of one side alone is left out, and no baseline is null."""
    before = graph.add("EVALUATION", "before", metrics=[{"name": "auc", "value": 0.5}, {"name": "f1", "value": 0.1}])
    metrics = [{"name": "auc", "value": 0.75}, {"name": "auc", "value": 0.9, "slice": "new"}]
    now = graph.add("EVALUATION", "now", metrics=metrics)
    graph.join("EVALUATED_BY", before, now)
    document = """query ($id: ID!) { asset(id: $id) { ... on Evaluation { baseline { name }
      againstBaseline { name slice value baseline change } } } }"""
    delta = {"name": "auc", "slice": None, "value": 0.75, "baseline": 0.5, "change": 0.25}
    assert (await ok(run, document, id=now))["asset"] == {"baseline": {"name": "before"}, "againstBaseline": [delta]}
    assert (await ok(run, document, id=before))["asset"] == {"baseline": None, "againstBaseline": None}


async def test_a_column_lists_its_source_columns(run: Run, graph: PlainGraph) -> None:
    """A source column is listed with its dataset if the viewer sees the dataset, and left out otherwise."""
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
    """The runs of a workflow are ordered by start, newest first; the latest run is the first; `state` filters."""
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
