"""Numbers: those that are not finite are refused everywhere, old ones do not block a list, and money is decimal."""

import json
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from random import Random
from typing import Any

import httpx2
import pytest
from support.documents.observability import recorded
from support.estates.owned_items import owned, team, urn
from support.servers.in_process import Api
from support.stores.janusgraph import StoreGraph

from app.ingest.export.export_items import UnreadItem, export_items
from app.ingest.load.api_client import ApiClient

DATA, MODEL = urn("dataset", "orders"), urn("model", "ranker")
VERSION, RUN, EVALUATION = "mlg://model-version/test/default/ranker@1", urn("run", "r"), urn("evaluation", "e")
DAY = (datetime.now(UTC).date() - timedelta(days=1)).isoformat()
OWNERS = [{"owner": team("ranking")}]

WRITES: dict[str, tuple[str, dict[str, Any], str]] = {
    "registerModelVersion": (
        "ModelVersionInput",
        {"id": VERSION, "metrics": [{"name": "auc", "value": 1}, {"name": "loss", "value": 0.125}]},
        "metrics[1].value",
    ),
    "recordEvaluation": (
        "EvaluationInput",
        {"id": EVALUATION, "modelVersion": VERSION, "metrics": [{"name": "auc", "value": 0.125}]},
        "metrics[0].value",
    ),
    "recordRun": ("RunInput", {"id": RUN, "state": "COMPLETE", "costUsd": 0.125}, "costUsd"),
    "reportCheck": (
        "ReportCheckInput",
        {"asset": DATA, "check": "rows", "checkKind": "VOLUME", "status": "PASS", "value": 0.125},
        "value",
    ),
    "recordUsage": (
        "RecordUsageInput",
        {"records": [{"asset": DATA, "consumer": team("ads"), "day": DAY, "reads": 0.125}]},
        "records[0].reads",
    ),
    "link": ("LinkInput", {"relation": "DERIVES", "from": DATA, "to": DATA, "confidence": 0.125}, "confidence"),
}
"""For mutations with a `Float`: the type of their input, an input with the number 0.125, and its place."""


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over a dataset, a model and a team."""
    await api.load(owned("dataset", "orders"), owned("model", "ranker"), {"team": {"name": "ads"}})
    return api


def literal(value: Any) -> str:
    """Return a value as a GraphQL literal; texts in capitals are values of enumerations."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {literal(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    return value if isinstance(value, str) and value.isupper() and value.isalpha() else json.dumps(value)


async def posted(api: Api, body: str) -> dict[str, Any]:
    """Return the response to a body, which need not be JSON that Python writes."""
    headers = {"Authorization": f"Bearer {api.tokens['root']}", "Content-Type": "application/json"}
    response = await api.http.post("/graphql", content=body.encode(), headers=headers)
    found: dict[str, Any] = response.json()
    return found


async def everything(graph: StoreGraph) -> set[str]:
    """Return all records of the store."""
    return {str(text) for text in await graph.run("g.V().has('tenant', 'default').values('record')")}


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1" + "0" * 400])
@pytest.mark.parametrize("name", WRITES)
async def test_a_number_that_is_not_finite_is_refused(
    api: Api, module_graph: StoreGraph, name: str, number: str
) -> None:
    """As a literal and as a variable the error is INVALID and names the field, and nothing is stored."""
    kind, given, path = WRITES[name]
    before = await everything(module_graph)
    selection = "{ errors { code } }"
    document = f"mutation {{ {name}(input: {literal(given)}) {selection} }}".replace("0.125", number)
    with_variable = f"mutation ($input: {kind}!) {{ {name}(input: $input) {selection} }}"
    body = json.dumps({"query": with_variable, "variables": {"input": given}}).replace("0.125", number)
    for response in (await posted(api, json.dumps({"query": document})), await posted(api, body)):
        (error,) = response["errors"]
        assert error["message"] == f"`input.{path}` is beyond the range of `Float`; give a finite number."
        assert error["extensions"]["code"] == "INVALID"
        assert error["extensions"]["inputPath"] == ["input", *path.replace("[", ".").replace("]", "").split(".")]
    assert await everything(module_graph) == before


async def test_other_json_beside_a_large_number_is_checked(api: Api) -> None:
    """A body with such a number must still be JSON, without the constants of Python and without lone surrogates."""
    for text in ('{"query": "{ viewer { subject } }", "x": [1e999, NaN]}', '{"query": "{ \\ud800 }", "x": 1e999}'):
        assert (await posted(api, text))["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


METRICS = """{ assets(filter: {kinds: [MODEL_VERSION]}, first: 100) { nodes { id
  ... on ModelVersion { metrics { name value } } } } }"""


async def test_a_stored_number_that_is_not_finite_blocks_nothing(api: Api, module_graph: StoreGraph) -> None:
    """An old record with such a number is listed with a coded error, left out of the export, and can be repaired."""
    ids = [f"mlg://model-version/test/default/ranker@{name}" for name in ("good", "old", "young")]
    metrics = [{"name": "auc", "value": 0.5}]
    await api.load(*({"modelVersion": {"id": each, "owners": OWNERS, "metrics": metrics}} for each in ids))
    await module_graph.run(
        "g.V().has('urn', u).property('record', g.V().has('urn', u).values('record').next()"
        """.replace('"value":0.5', '"value":null')).iterate()""",
        u=ids[1],
    )
    body = await api.send("ada", METRICS)
    assert {node["id"]: node["metrics"] for node in body["data"]["assets"]["nodes"]} == {
        ids[0]: metrics,
        ids[1]: None,
        ids[2]: metrics,
    }
    (error,) = body["errors"]
    assert error["extensions"]["code"] == "UNREADABLE"
    assert "Register the metrics of the asset again" in error["message"]

    items, unread = await exported(api)
    assert [each.id for each in unread] == [ids[1]]
    assert "'auc'" in unread[0].reason
    assert [item["modelVersion"]["id"] for item in items if "modelVersion" in item] == [ids[0], ids[2]]

    await api.load({"modelVersion": {"id": ids[1], "metrics": metrics}})
    assert await exported(api) == (await api.export(), [])


async def exported(api: Api) -> tuple[list[Any], list[UnreadItem]]:
    """Return the items of an export, and what it could not read."""
    transport = httpx2.MockTransport(api.http.send)
    async with ApiClient("http://127.0.0.1:8000", api.tokens["root breaking glass"], transport=transport) as client:
        found = [item async for item in export_items(client)]
    return (
        [item for item in found if not isinstance(item, UnreadItem)],
        [item for item in found if isinstance(item, UnreadItem)],
    )


COST = """query ($id: ID!) { asset(id: $id) { usage(days: 400) { costUsd byDay { costUsd }
  consumers { nodes { costUsd } } } } team(name: "ranking") { usage(days: 400) { costUsd } } }"""


async def test_sums_of_cost_are_exact(api: Api) -> None:
    """Any amounts in cents add up to cents, by day, by consumer and in all, and for the team that owns the asset."""
    random = Random(1062)
    days = [(datetime.now(UTC).date() - timedelta(days=back)).isoformat() for back in range(1, 100)]
    cents = {(who, day): random.randrange(1, 5000) for who in (team("ads"), team("shop")) for day in days}
    await api.load({"team": {"name": "shop"}})
    records = [
        {"asset": DATA, "consumer": who, "day": day, "costUsd": amount / 100} for (who, day), amount in cents.items()
    ]
    assert await recorded(api, "root", *records) == {"recorded": len(records), "errors": []}
    found = await api.ask("root", COST, id=DATA)
    usage = found["asset"]["usage"]

    def amount(part: str) -> float:
        """Return the sum of the amounts of a day or a consumer, as the nearest float."""
        return float(Fraction(sum(each for key, each in cents.items() if part in key), 100))

    assert usage["costUsd"] == float(Fraction(sum(cents.values()), 100)) == found["team"]["usage"]["costUsd"]
    assert [each["costUsd"] for each in usage["byDay"]] == [amount(day) for day in sorted(days)]
    assert {each["costUsd"] for each in usage["consumers"]["nodes"]} == {amount(team("ads")), amount(team("shop"))}
