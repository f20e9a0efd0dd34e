"""Who refers to thousands of versions of an asset of others keeps no caller from its versions and its lineage."""

from datetime import UTC, datetime
from typing import Any

import pytest
from support.estates.leak_catalogue import token
from support.estates.promotions import ADS, RANKING, codes, model, register, set_alias, version
from support.servers.in_process import Api, observes_one_process

from app.graph.reading.level import level_batcher
from graphql_schema.catalog.urn import version_urn

LIMIT = 40
"""Number of edges at which a request to the store ends in these tests."""

STUBS = 50
"""Number of versions to which eva refers."""

OF_VERSIONS = """latestVersion { id } versions(first: 2) { nodes { id } pageInfo { hasNextPage } }
  all: versions { totalCount nodes { id } } counted: versions { totalCount }"""
VERSIONS = (
    f"query ($id: ID!) {{ asset(id: $id) {{ ... on Model {{ {OF_VERSIONS} }} ... on Dataset {{ {OF_VERSIONS} }} }} }}"
)
WITH_STUBS = "query ($id: ID!) { asset(id: $id) { ... on Model { versions(includeStubs: true) { nodes { id } } } } }"
WAITING = "{ myWork { approvals { nodes { alias version { id } } } } }"
FOUND = "fragment found on Lineage { nodes { nodes { depth asset { id } } } completeness { reason } }"
LINEAGE = f"""query ($id: ID!, $end: ID!) {{
  up: lineage(roots: [$id], direction: UPSTREAM) {{ ...found }}
  down: lineage(roots: [$id], direction: DOWNSTREAM) {{ ...found }}
  paths(from: $id, to: $end) {{ paths {{ nodes {{ id }} }} completeness {{ reason depthReached }} }}
  asset(id: $id) {{ impact {{ total }} health {{ status causes {{ depth counts }} completeness {{ reason }} }} }} }}
  {FOUND}"""
PAST = f"""query ($id: ID!, $at: DateTime) {{
  then: lineage(roots: [$id], direction: UPSTREAM, asOf: $at) {{ ...found }}
  asset(id: $id, asOf: $at) {{ ... on Model {{ versions {{ totalCount nodes {{ id }} }} }} }} }}
  {FOUND}"""
LINK = "mutation ($input: LinkInput!) { done: link(input: $input) { errors { code message } } }"
INCIDENT = "mutation ($input: OpenIncidentInput!) { done: openIncident(input: $input) { errors { code message } } }"
STAGE = "mutation ($input: SetStageInput!) { done: setStage(input: $input) { errors { code message } } }"


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API with eva, an engineer of team ads."""
    api.tokens["eva"] = token(api, "eva", "ads", roles="engineer")
    return api


async def do(api: Api, who: str, mutation: str, **given: Any) -> None:
    """Send a mutation, which has no errors."""
    assert codes((await api.ask(who, mutation, input=given))["done"]) == []


async def refer(api: Api, parent: str) -> None:
    """Let eva refer to versions of an asset of team ranking, as the inputs of an own run."""
    inputs = [version_urn(parent, f"stub-{number}") for number in range(STUBS)]
    urn = f"mlg://run/test/default/reads-{parent.rsplit('/', 1)[-1]}"
    run = {"id": urn, "owners": [ADS], "state": "COMPLETE", "inputs": inputs}
    assert (await api.register("eva", {"run": run}))["failed"] == 0
    await api.wait_for_jobs()


def limit_edges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a request to the store end at LIMIT edges."""
    monkeypatch.setattr(level_batcher, "EDGE_CAP", LIMIT)


@observes_one_process
@pytest.mark.parametrize("who", ["ada", "bo", "root"])
@pytest.mark.parametrize("kind", ["model", "dataset"])
async def test_no_stranger_ends_the_lists_of_versions(
    api: Api, monkeypatch: pytest.MonkeyPatch, kind: str, who: str
) -> None:
    """The versions of an asset, their number and the latest one are the same with and without what eva refers to."""
    parent = f"mlg://{kind}/test/default/listed-by-{who}"
    versions = [version_urn(parent, str(number)) for number in range(3)]
    key = {"model": "modelVersion", "dataset": "datasetVersion"}[kind]
    await api.load({kind: {"id": parent, "owners": [RANKING]}}, *({key: {"id": each}} for each in versions))
    before = await api.ask(who, VERSIONS, id=parent)
    assert before["asset"]["all"] == {"totalCount": 3, "nodes": [{"id": each} for each in reversed(versions)]}
    await refer(api, parent)
    limit_edges(monkeypatch)
    assert await api.ask(who, VERSIONS, id=parent) == before
    with api.without_cache():
        assert await api.ask(who, VERSIONS, id=parent) == before


@observes_one_process
async def test_no_stranger_ends_the_list_of_approvals(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The approvals that wait for an auditor are listed, also those of a model to whose versions eva refers.

    A request for its stubs as well is refused, because they are too many.
    """
    for name in ("awaited", "beside"):
        await register(api, name, 1)
        assert codes(await set_alias(api, "eli", name, protected=True)) == []
        await register(api, name, 1, 2, riskTier="HIGH")
    before = await api.ask("cy", WAITING)
    waiting = [{"alias": "champion", "version": {"id": version(name, 2)}} for name in ("awaited", "beside")]
    assert before["myWork"]["approvals"]["nodes"] == waiting
    await refer(api, model("awaited"))
    limit_edges(monkeypatch)
    assert await api.ask("cy", WAITING) == before
    (error,) = (await api.send("cy", WITH_STUBS, id=model("awaited")))["errors"]
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"


@observes_one_process
@pytest.mark.parametrize(("who", "reason"), [("ada", "EDGES, POLICY"), ("root", "EDGES")])
async def test_no_stranger_ends_the_lineage(api: Api, monkeypatch: pytest.MonkeyPatch, who: str, reason: str) -> None:
    """Lineage, past lineage, impact, paths and health have the edges of the registered versions.

    The results state that a limit left something out. They do not disclose whether an asset that hides its `hydration`
    is among that. So for a caller from whom some assets hide it, the policy is a limit, too.
    """
    name = f"followed-by-{who}"
    data, service, deployment = (f"mlg://{kind}/test/default/{name}" for kind in ("dataset", "service", "deployment"))
    await register(api, name, 1, 2)
    await api.load(
        *({kind: {"id": urn, "owners": [RANKING]}} for kind, urn in (("dataset", data), ("service", service))),
        {"deployment": {"id": deployment, "owners": [RANKING], "modelVersion": version(name), "service": service}},
        {"link": {"relation": "FEEDS", "from": data, "to": version(name)}},
    )
    on_path = (model(name), version(name), deployment, service)
    await do(api, "ada", INCIDENT, assets=[data], title="late", severity="CRITICAL")
    now, past = {"id": model(name), "end": service}, {"id": model(name), "at": datetime.now(UTC).isoformat()}
    before, then = await api.ask(who, LINEAGE, **now), await api.ask(who, PAST, **past)
    assert [len(each["nodes"]["nodes"]) for each in (before["up"], before["down"], then["then"])] == [3, 4, 3]
    assert (before["asset"]["impact"]["total"], before["asset"]["health"]["status"]) == (2, "DEGRADED")
    assert before["paths"]["paths"] == [{"nodes": [{"id": each} for each in on_path]}]
    await refer(api, model(name))
    limit_edges(monkeypatch)
    after, still = await api.ask(who, LINEAGE, **now), await api.ask(who, PAST, **past)
    assert reasons(after, still) == {reason}
    assert reasons(before, then) == {None}
    assert after["paths"]["completeness"].pop("depthReached") == 0
    assert before["paths"]["completeness"].pop("depthReached") > 0
    assert (after, still) == (before, then)


def reasons(found: dict[str, Any], then: dict[str, Any]) -> set[str | None]:
    """Take the reasons why they are not complete out of the answers to LINEAGE and PAST, and return them."""
    parts = (found["up"], found["down"], found["paths"], found["asset"]["health"], then["then"])
    return {each["completeness"].pop("reason") for each in parts}


@observes_one_process
async def test_stubs_that_are_left_out_disclose_no_hidden_hydration(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the limit, a draft that bo only discovers has the same effect, whether it is registered or a stub.

    Below the limit it is a version of the list in both cases.
    """
    source = "mlg://dataset/test/default/of-drafts"
    await api.load({"dataset": {"id": source, "owners": [RANKING]}})
    names = ("draft", "stubs")
    for name in names:
        await register(api, name, 1, *([2] if name == "draft" else []))
        await do(api, "ada", LINK, **{"relation": "FEEDS", "from": source, "to": version(name, 2)})
        await do(api, "ada", STAGE, asset=version(name, 2), stage="DRAFT")

    async def answers(name: str) -> list[str]:
        given = {"id": model(name), "end": model(name)}
        found = [await api.ask("bo", VERSIONS, id=model(name)), await api.ask("bo", LINEAGE, **given)]
        return [str(each).replace(name, "name") for each in found]

    draft, stub = [await answers(name) for name in names]
    assert draft == stub
    assert version("name", 2) in draft[0]
    for name in names:
        await refer(api, model(name))
    limit_edges(monkeypatch)
    draft, stub = [await answers(name) for name in names]
    assert draft == stub
    assert version("name", 1) in draft[0]
    assert version("name", 2) not in draft[0]
