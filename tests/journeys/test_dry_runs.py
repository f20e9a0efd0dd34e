"""A dry run of each mutation returns what the call would do, and the store is the same afterwards, value for value."""

from typing import Any

import pytest
from graphql import GraphQLInputObjectType, get_named_type
from support.documents.change_plans import planned
from support.estates.owned_items import owned, team, urn
from support.estates.promotions import approve, history, revert
from support.servers.in_process import Api
from support.stores.janusgraph import StoreGraph
from support.stores.received_rows import received_rows

from app.graph.commits.write_statements import WRITE
from graphql_schema.schema import build_schema

DUMP = """def all = { g.V().has('tenant', 'default') }
def plain = { v -> v instanceof List ? v*.toString().sort() : v }
def texts = { t -> t.valueMap(true).toList().collect { it.collect { k, v -> "$k=${plain(v)}" }.sort().toString() } }
[texts(all()).sort(), texts(all().bothE().dedup()).sort()]"""
"""Every vertex of the index and its edges. Receipts and counters have no index: the test looks for the write itself."""
MUTATIONS = build_schema().core.mutation_type
TAG, DAY = "mlg://tag/catalog/default/loud", "2026-11-02"
MODEL, VERSION = urn("model", "m"), f"{urn('model-version', 'm')}@1"
DATA, SOURCE, GONE = (urn("dataset", name) for name in ("data", "source", "gone"))

CALLS: dict[str, dict[str, Any]] = {
    "link": {"relation": "DERIVES", "from": urn("dataset", "never-registered"), "to": DATA},
    "unlink": {"relation": "DERIVES", "from": SOURCE, "to": DATA},
    "setOwners": {"asset": DATA, "owners": [{"owner": team("ranking"), "ownership": "BUSINESS"}], "reason": "shared"},
    "setTags": {"asset": DATA, "add": [TAG], "reason": "a review"},
    "setStage": {"asset": DATA, "stage": "DEPRECATED", "reason": "old"},
    "setAlias": {"model": MODEL, "alias": "champion", "version": VERSION},
    "removeAlias": {"model": MODEL, "alias": "former", "expectedVersion": VERSION},
    "approve": {"subject": DATA, "gate": "release", "decision": "APPROVED", "idempotencyKey": "one"},
    "reportCheck": {
        "asset": DATA, "check": "fresh", "checkKind": "FRESHNESS", "status": "FAIL", "openIncidentOnFail": True,
        "idempotencyKey": "two",
    },
    "openIncident": {"assets": [DATA], "title": "late", "severity": "LOW", "idempotencyKey": "three"},
    "resolveIncident": {"incident": "<incident>"},
    "planChange": {"roots": [DATA], "title": "move", "idempotencyKey": "four"},
    "acknowledgeChange": {"plan": "<plan>", "team": team("platform"), "decision": "AGREED"},
    "closeChangePlan": {"plan": "<plan>", "outcome": "DONE"},
    "recordUsage": {"records": [{"asset": DATA, "consumer": team("ranking"), "day": DAY, "reads": 5}]},
    "deleteAsset": {"asset": SOURCE, "despiteOthers": True, "reason": "unused"},
    "restoreAsset": {"asset": GONE, "reason": "needed again"},
    "mergeAssets": {"from": urn("dataset", "only-named"), "into": DATA, "reason": "one table"},
    "revertChange": {"change": "<change>"},
    "registerDataset": {"source": "test", "name": "new"},
    "registerAssets": {"items": [{"link": {"relation": "DERIVES", "from": SOURCE, "to": urn("dataset", "other")}}]},
}  # fmt: skip
"""An input of each mutation that changes something; registrations of single assets are alike, so that one is here."""

APPROVERS = {"setAlias", "removeAlias", "approve"}
"""Mutations that need the role approver."""


def document(name: str) -> str:
    """Return the mutation of a name, with what its payload says about the outcome."""
    assert MUTATIONS is not None
    payload = get_named_type(MUTATIONS.fields[name].type)
    shown = next(each for each in ("changed", "recorded", "updated", "created") if each in payload.fields)
    if name == "registerAssets":
        return f"mutation ($input: RegisterAssetsInput!) {{ done: {name}(input: $input) {{ created failed }} }}"
    given = get_named_type(MUTATIONS.fields[name].args["input"].type).name
    errors = "errors { code message inputPath }"
    return f"mutation ($input: {given}!) {{ done: {name}(input: $input) {{ {shown} {errors} }} }}"


def test_every_mutation_takes_a_dry_run() -> None:
    """The input of each mutation has `dryRun`, and each about something stored has a call here, but for queues."""
    assert MUTATIONS is not None
    inputs = {
        name: get_named_type(each.args["input"].type)
        for name, each in MUTATIONS.fields.items()
        if not name.endswith(("ThinEvent", "ThinEvents"))  # a worker takes and finishes its work, and tries nothing
    }
    assert [name for name, each in inputs.items() if "dryRun" not in _fields(each)] == []
    single = {name for name in inputs if name.startswith(("register", "record")) and name != "recordUsage"}
    assert {*inputs} - single - {"updateWebhook", "removeWebhook"} <= {*CALLS}  # tests/journeys/test_webhooks.py


def _fields(type_: Any) -> Any:
    assert isinstance(type_, GraphQLInputObjectType)
    return type_.fields


@pytest.fixture(scope="module")
async def ids(api: Api) -> dict[str, str]:
    """Load what the calls are about; return an open incident, and a change to revert."""
    await api.load(
        *({"team": {"name": name}} for name in ("ranking", "ads", "platform")),
        owned("dataset", "theirs", "ads"),
        {"tag": {"name": "loud", "tagKind": "FREE"}},
        *(owned("dataset", name) for name in ("source", "gone", "other")),
        owned("dataset", "data", derivedFrom=[SOURCE]),
        owned("model", "m"),
        owned("dataset", "reverted", derivedFrom=[urn("dataset", "only-named")]),
        {"modelVersion": {"id": VERSION, "framework": "xgboost"}},
    )
    await api.load({"dataset": {"id": urn("dataset", "reverted"), "description": "x"}})
    await api.ask("root", "mutation ($input: DeleteAssetInput!) { deleteAsset(input: $input) { changed } }",
                  input={"asset": GONE})  # fmt: skip
    await api.ask("eli", document("setAlias"), input={"model": MODEL, "alias": "former", "version": VERSION})
    opened = await api.ask(
        "root",
        "mutation ($input: OpenIncidentInput!) { openIncident(input: $input) { incident { id } } }",
        input={"assets": [SOURCE], "title": "t", "severity": "LOW"},
    )
    change = (await history(api, "root", urn("dataset", "reverted")))[0]["id"]
    return {
        "<incident>": opened["openIncident"]["incident"]["id"],
        "<plan>": await planned(api, "root", SOURCE),
        "<change>": change,
    }


@pytest.mark.parametrize("name", CALLS)
async def test_a_dry_run_has_the_outcome_of_the_call_and_writes_nothing(
    api: Api, module_graph: StoreGraph, ids: dict[str, str], name: str
) -> None:
    """The dry run has the outcome of the call, and leaves all vertices, edges, receipts and counters as they are."""
    given = {key: ids.get(value, value) if isinstance(value, str) else value for key, value in CALLS[name].items()}
    who = "eli" if name in APPROVERS else "root"
    for _ in range(3):  # a job may write meanwhile; a dry run that writes has no effect left to report the second time
        await api.wait_for_jobs()
        before = await module_graph.run(DUMP)
        with received_rows(api.client) as rows:
            dry = (await api.ask(who, document(name), input={**given, "dryRun": True}))["done"]
        if WRITE.text not in rows.texts:
            break
    assert WRITE.text not in rows.texts
    assert await module_graph.run(DUMP) == before
    assert dry.get("errors", []) == []
    assert dry.get("failed", 0) == 0
    assert next(iter(dry.values())) in (True, 1)
    with received_rows(api.client) as rows:
        done = (await api.ask(who, document(name), input=given))["done"]
    assert WRITE.text in rows.texts
    assert done == dry
    assert await module_graph.run(DUMP) != before


async def test_a_dry_run_of_a_refused_call_has_its_errors(api: Api, ids: dict[str, str]) -> None:
    """What the policy denies, and what is invalid, is so in a dry run."""
    assert ids
    for who, given in (
        ("ada", {"asset": urn("dataset", "theirs"), "owners": []}),
        ("root", {"asset": urn("dataset", "none"), "owners": []}),
    ):
        dry, done = [
            (await api.ask(who, document("setOwners"), input={**given, "dryRun": flag}))["done"]
            for flag in (True, False)
        ]
        assert dry == done
        assert dry["changed"] is False
        assert len(dry["errors"]) == 1


async def test_a_dry_run_under_a_used_key_is_its_replay(api: Api) -> None:
    """A dry run with the key and the payload of an earlier call returns the outcome of that call."""
    await api.load(owned("dataset", "keyed"))
    given = {"subject": urn("dataset", "keyed"), "idempotencyKey": "used"}
    assert (await approve(api, "eli", **given))["errors"] == []
    assert (await approve(api, "eli", **given, dryRun=True))["errors"] == []


async def test_reasons_reach_the_audit(api: Api) -> None:
    """The reasons of `setOwners`, `setTags` and `restoreAsset` are in the history of the asset and of its versions."""
    await api.load(owned("model", "why"), {"modelVersion": {"id": f"{urn('model-version', 'why')}@1"}})
    asset = urn("model", "why")
    for name, given in (
        ("setOwners", {"owners": [], "reason": "moved"}),
        ("setTags", {"add": [TAG], "reason": "reviewed"}),
        ("deleteAsset", {"reason": "gone"}),
        ("restoreAsset", {"reason": "back"}),
    ):
        assert (await api.ask("root", document(name), input={"asset": asset, **given}))["done"]["errors"] == []
    reasons = [each["reason"] for each in await history(api, "root", asset)]
    assert reasons[:4] == ["back", "gone", "reviewed", "moved"]
    assert (await history(api, "root", f"{urn('model-version', 'why')}@1"))[0]["reason"] == "back"
    undone = (await history(api, "root", asset))[1]["id"]
    assert (await revert(api, "root", undone))["errors"][0]["code"] == "CONFLICT"
