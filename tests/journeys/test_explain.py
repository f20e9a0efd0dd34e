"""The header `Prefer: explain`: how a query was executed, beside the same data as without it."""

from typing import Any

from support.servers.in_process import Api

QUERY = """{ all: assets(filter: {kinds: [MODEL]}, first: 50) { nodes { id health { status }
  ... on Model { versions { nodes { id trainedOn { totalCount } } } } } } }"""


async def explained(api: Api, query: str) -> dict[str, Any]:
    """Return the response to a query of root with the header."""
    headers = {"Authorization": f"Bearer {api.tokens['root']}", "Prefer": "explain"}
    response = await api.http.post("/graphql", json={"query": query}, headers=headers)
    body: dict[str, Any] = response.json()
    return body


async def test_each_step_has_its_objects_and_calls(demo: Api) -> None:
    """A relation is one call for all objects of its level; a computed field is a call for each."""
    body = await explained(demo, QUERY)
    assert body["data"] == await demo.ask("root", QUERY)
    models = body["data"]["all"]["nodes"]
    versions = [version for model in models for version in model["versions"]["nodes"]]
    assert len(models) > 3
    plan = body["extensions"]["plan"]
    assert plan["execution"] == "VECTORS"
    steps = {step["path"]: (step["field"], step["objects"], step["calls"]) for step in plan["steps"]}
    assert steps["all"] == ("Query.assets", 1, 1)
    assert steps["all.nodes.versions"] == ("Model.versions", len(models), 1)
    assert steps["all.nodes.versions.nodes.trainedOn"] == ("ModelVersion.trainedOn", len(versions), 1)
    assert steps["all.nodes.health"] == ("Model.health", len(models), len(models))


async def test_an_operation_that_graphql_core_executes_has_no_steps(demo: Api) -> None:
    """A query with an error was begun over vectors, and is explained as it was executed then; so is a mutation."""
    failing = "{ assets { nodes { id } } version: impact(roots: []) { total } }"
    body = await explained(demo, failing)
    assert body["errors"]
    assert body["extensions"]["plan"] == {"execution": "GRAPHQL_CORE", "steps": []}
    types = await explained(demo, "{ __schema { queryType { name } } }")
    assert types["extensions"]["plan"]["execution"] == "GRAPHQL_CORE"


async def test_without_the_header_there_is_no_plan(demo: Api) -> None:
    """The response has no further extension."""
    assert "plan" not in (await demo.send("root", QUERY)).get("extensions", {})
