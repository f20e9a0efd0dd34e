"""Each mutation returns for a hidden asset the response for an unknown one, after as many store requests."""

from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type
from support.documents.change_plans import planned
from support.documents.observability import raised
from support.estates import leak_catalogue as leaks
from support.estates.leak_catalogue import ADS, RANKING, token
from support.servers.in_process import Api

from graphql_schema.schema import build_schema

SHUT = f"mlg://dataset/test/default/{leaks.HIDDEN_NAME}-shut"
UNKNOWN = "mlg://dataset/test/default/nothing-there"
VERSIONS = {
    each: {
        "<model>": each.replace("/dataset/", "/model/"),
        "<version>": f"{each.replace('/dataset/', '/model-version/')}@1",
        "<service>": each.replace("/dataset/", "/service/"),
    }
    for each in (SHUT, UNKNOWN)
}
"""A model, a version and a service that are hidden like the dataset, and unknown ones."""

MINE, MY_MODEL = "mlg://dataset/test/default/of-zoe", "mlg://model/test/default/of-zoe"
TAG = "mlg://tag/catalog/default/loud"

ABOUT: dict[str, dict[str, Any]] = {
    "unlink": {"relation": "DERIVES", "from": MINE, "to": "<id>"},
    "setOwners": {"asset": "<id>", "owners": [{"owner": ADS}]},
    "setTags": {"asset": "<id>", "add": [TAG]},
    "setStage": {"asset": "<id>", "stage": "RETIRED"},
    "setAlias": {"model": "<model>", "alias": "champion", "version": "<version>"},
    "removeAlias": {"model": "<model>", "alias": "champion", "expectedVersion": "<version>"},
    "approve": {"subject": "<id>", "gate": "release", "decision": "APPROVED"},
    "deleteAsset": {"asset": "<id>"},
    "restoreAsset": {"asset": "<id>"},
    "mergeAssets": {"from": "<id>", "into": MINE},
    "revertChange": {"change": "<change>"},
    "reportCheck": {"asset": "<id>", "check": "fresh", "checkKind": "FRESHNESS", "status": "FAIL"},
    "openIncident": {"assets": [MINE, "<id>"], "title": "t", "severity": "LOW"},
    "resolveIncident": {"incident": "<incident>"},
    "planChange": {"roots": [MINE, "<id>"], "title": "t"},
    "acknowledgeChange": {"plan": "<plan>", "team": ADS, "decision": "AGREED"},
    "closeChangePlan": {"plan": "<plan>", "outcome": "DONE"},
    "recordUsage": {"records": [{"asset": "<id>", "consumer": ADS, "day": "2026-11-02", "reads": 1}]},
}
"""Inputs that are about an asset, or about a change of one."""

NAMING: dict[str, tuple[dict[str, Any], list[str]]] = {
    "unlink": ({"relation": "DERIVES", "from": "<id>", "to": MINE}, ["NOT_FOUND"]),
    "mergeAssets": ({"from": MINE, "into": "<id>"}, ["NOT_FOUND"]),
    "setStage": ({"asset": MINE, "stage": "DEPRECATED", "replacedBy": "<id>"}, []),
    "setAlias": ({"model": MY_MODEL, "alias": "champion", "version": "<version>"}, ["INVALID"]),
    "removeAlias": ({"model": MY_MODEL, "alias": "champion", "expectedVersion": "<version>"}, ["INVALID"]),
    "openIncident": ({"assets": [MINE], "title": "t", "severity": "LOW", "cause": "<change>"}, ["NOT_FOUND"]),
    "recordUsage": ({"records": [{"asset": MINE, "consumer": "<service>", "day": "2026-11-02", "reads": 1}]}, []),
}
"""Inputs that are about an asset of the caller's and name something else, with the codes that they are answered."""

ELSEWHERE = {"registerAssets", "link"}
"""Mutations whose leaks are tested in test_leaks_of_writes.py, as are those that register one thing."""

WITHOUT_ASSETS = {"registerWebhook", "updateWebhook", "removeWebhook"}
"""Mutations that name no asset; tests/journeys/test_webhooks.py has the names of those of others."""

QUEUED = {"takeThinEvents", "finishThinEvent", "replayThinEvents"}
"""Mutations that name thin events, which tests/security/test_hidden_like_absent.py calls with hidden and absent ids."""

MUTATIONS = build_schema().core.mutation_type
PAYLOADS = {name: get_named_type(field.type) for name, field in (MUTATIONS.fields if MUTATIONS else {}).items()}


@pytest.fixture(scope="module")
async def api(leaky: Api) -> Api:
    """Let zoe, an engineer of ads, own a dataset, and hide another dataset with a history from her."""
    leaky.tokens["zoe"] = token(leaky, "zoe", "ads", roles="engineer")
    shut = {"id": SHUT, "owners": [{"owner": RANKING}], "visibility": "TEAM"}
    model, version = (VERSIONS[SHUT][name] for name in ("<model>", "<version>"))
    await leaky.load({"model": {**shut, "id": model}}, {"modelVersion": {"id": version, "visibility": "TEAM"}})
    await leaky.load({"service": {**shut, "id": VERSIONS[SHUT]["<service>"]}})
    await leaky.load({"model": {"id": MY_MODEL, "owners": [{"owner": ADS}]}})
    await leaky.load({"tag": {"name": "loud", "tagKind": "FREE"}}, {"dataset": shut}, {"dataset": {"id": MINE}})
    await leaky.load({"dataset": {"id": MINE, "owners": [{"owner": ADS}]}}, {"dataset": {**shut, "format": "x"}})
    await leaky.load({"link": {"relation": "DERIVES", "from": SHUT, "to": MINE}})
    await leaky.load({"link": {"relation": "DERIVES", "from": MINE, "to": SHUT}})
    assert (await raised(leaky, "root", SHUT))["errors"] == []
    await planned(leaky, "root", SHUT)
    return leaky


async def _details(api: Api) -> dict[str, str]:
    """Return a change of a hidden asset, an incident on it, and a plan of its change."""
    query = """query ($id: ID!) { asset(id: $id) {
      history(first: 1) { nodes { id } } incidents(first: 1) { nodes { id } }
      changePlans(first: 1) { nodes { id } } } }"""
    asset = (await api.ask("root", query, id=SHUT))["asset"]
    names = {"<change>": "history", "<incident>": "incidents", "<plan>": "changePlans"}
    return {name: asset[field]["nodes"][0]["id"] for name, field in names.items()}


def _nothing(details: dict[str, str]) -> dict[str, str]:
    """Return ids of the same form that no asset has."""
    return {name: f"{urn[:-4]}0000" for name, urn in details.items()}


def _filled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, names) for each in value]
    return names.get(value, value) if isinstance(value, str) else value


def _document(name: str) -> str:
    payload = PAYLOADS[name]
    assert isinstance(payload, GraphQLObjectType)
    scalars = " ".join(field for field, each in payload.fields.items() if get_named_type(each.type).name == "Boolean")
    kind = f"{name[0].upper()}{name[1:]}Input"
    errors = "errors { code message inputPath currentRevision }"
    return f"mutation ($input: {kind}!) {{ {name}(input: $input) {{ {scalars} {errors} }} }}"


async def _response(api: Api, name: str, given: dict[str, Any], names: dict[str, str]) -> tuple[str, list[str]]:
    """Return the response to zoe without the ids that she named, and its error codes."""
    data = await api.ask("zoe", _document(name), input=_filled(given, names))
    response = str(data)
    for stated in names.values():
        response = response.replace(stated, "<id>")
    return response, [error["code"] for error in data[name]["errors"]]


@pytest.mark.parametrize("name", ABOUT)
async def test_a_mutation_of_a_hidden_asset(api: Api, name: str) -> None:
    """A mutation of a hidden asset and of an unknown one return the same text."""
    details = await _details(api)
    hidden = await _response(api, name, ABOUT[name], {"<id>": SHUT, **details, **VERSIONS[SHUT]})
    unknown = await _response(api, name, ABOUT[name], {"<id>": UNKNOWN, **_nothing(details), **VERSIONS[UNKNOWN]})
    assert hidden == unknown
    assert hidden[1] == ["NOT_FOUND"]


@pytest.mark.parametrize("name", NAMING)
async def test_a_mutation_that_names_a_hidden_asset(api: Api, name: str) -> None:
    """A mutation of an own asset that also names a hidden id has the outcome of one that names an unknown id."""
    given, codes = NAMING[name]
    details = await _details(api)
    hidden = await _response(api, name, given, {"<id>": SHUT, **details, **VERSIONS[SHUT]})
    unknown = await _response(api, name, given, {"<id>": UNKNOWN, **_nothing(details), **VERSIONS[UNKNOWN]})
    assert hidden == unknown
    assert hidden[1] == codes


def test_every_mutation_has_a_case() -> None:
    """The cases of this file cover every mutation of the schema."""
    single = {name for name, payload in PAYLOADS.items() if payload.name == "RegisterPayload"}
    assert {*ABOUT, *ELSEWHERE, *WITHOUT_ASSETS, *QUEUED} | single == {*PAYLOADS}
