"""A small estate of team ranking with an instance of everything that could leak to bo, a reader of team ads.

Every text that is hidden from bo has :data:`CANARY` in it, every hidden id :data:`HIDDEN_NAME`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph

from app.auth.dev_issuer import DevIssuer
from app.auth.personas import Persona
from app.runtime.background_jobs import background_jobs
from app.runtime.process import JobStarter
from policies.principal import PrincipalKind

CANARY = "canary"
HIDDEN_NAME = "veiled"

RANKING, ADS = (f"mlg://team/catalog/default/{name}" for name in ("ranking", "ads"))
UMA = "mlg://user/catalog/default/uma"
GOLD, PLAIN = (f"mlg://tag/catalog/default/{name}" for name in ("gold", "plain"))
COMMERCE = "mlg://domain/catalog/default/commerce"


def urn(kind: str, name: str) -> str:
    """Return an id of the estate."""
    return f"mlg://{kind}/test/default/{name}"


OPEN, DRAFT, HIDDEN = urn("dataset", "open"), urn("dataset", "draft"), urn("dataset", f"{HIDDEN_NAME}-set")
BEHIND = urn("dataset", "behind")
"""Reached from VERSION only through a hidden run, and a run that is a draft."""
MODEL, VERSION, NEXT = urn("model", "ranker"), urn("model-version", "ranker@1"), urn("model-version", "ranker@2")
OTHER_MODEL, PART = urn("model", "shy"), urn("model-version", "shy@1")
"""A hidden model, of which a version is open."""
SKETCH, SKETCHED = urn("model", "sketch"), urn("model-version", "sketch@1")
"""A model that is a draft, of which a version is open."""
RUN, HIDDEN_RUN, DRAFT_RUN = urn("run", "run"), urn("run", f"{HIDDEN_NAME}-run"), urn("run", "draft-run")
EVALUATED, AGAINST_DRAFT, AGAINST_HIDDEN = (urn("evaluation", name) for name in ("judged", "against-1", "against-2"))
DRAFT_BASE, HIDDEN_BASE = urn("evaluation", "draft-base"), urn("evaluation", f"{HIDDEN_NAME}-base")
ON_HIDDEN, FROM_HIDDEN, ON_DRAFT, ON_NOTHING = (urn("evaluation", f"on-{n}") for n in ("1", "2", "3", "4"))
"""Evaluations of VERSION: on hidden data, on data derived from it, on a draft, and without data."""
COPY = urn("dataset", "copy")
SERVICE, DEPLOYED = urn("service", "shop"), urn("deployment", f"{HIDDEN_NAME}-deployment")
HUB = urn("workflow", "hub")
UNKNOWN = urn("dataset", "nothing-here")
HIDDEN_IDS = (HIDDEN, HIDDEN_RUN, HIDDEN_BASE, DEPLOYED, OTHER_MODEL)

_OWNED = {"owners": [{"owner": RANKING}]}
_SHUT = {**_OWNED, "visibility": "TEAM", "description": f"{CANARY}-shut"}
_EARLY = {
    "owners": [{"owner": RANKING}, {"owner": UMA, "ownership": "STEWARD"}],
    "stage": "DRAFT",
    "tags": [GOLD],
    "domain": COMMERCE,
    "description": f"{CANARY}-early",
    "properties": [{"key": "k", "value": f"{CANARY}-property"}],
    "sourceCreatedAt": "2031-01-01T00:00:00Z",
}


def _auc(value: float) -> list[dict[str, Any]]:
    return [{"name": "auc", "value": value}]


def items() -> list[dict[str, Any]]:
    """Return the estate as items to register, in an order that makes no stubs."""
    secret = {"params": [{"key": "password", "value": f"{CANARY}-param"}], "error": f"{CANARY}-error"}
    runs = [
        {"run": {"id": urn("run", f"{HIDDEN_NAME}-{number}"), "state": "FAIL", "workflow": HUB, **_SHUT}}
        for number in range(40)
    ]
    evaluated = {"modelVersion": VERSION, **_OWNED}
    return [
        {"team": {"name": "ranking"}},
        {"team": {"name": "ads"}},
        {"user": {"name": "uma"}},
        {"domain": {"name": "commerce"}},
        *({"tag": {"name": name, "tagKind": "FREE"}} for name in ("gold", "plain")),
        {"dataset": {"id": OPEN, "tags": [PLAIN], **_OWNED}},
        {"dataset": {"id": DRAFT, **_EARLY}},
        {"dataset": {"id": HIDDEN, **_SHUT, "displayName": f"{CANARY}-name"}},
        {"dataset": {"id": BEHIND, **_OWNED}},
        {"model": {"id": MODEL, **_OWNED}},
        {"model": {"id": OTHER_MODEL, **_SHUT, "owners": [{"owner": ADS, "ownership": "BUSINESS"}, *_OWNED["owners"]]}},
        {"model": {"id": SKETCH, **_EARLY}},
        *({"modelVersion": {"id": each, "visibility": "ORG", **_OWNED}} for each in (PART, SKETCHED)),
        {"modelVersion": {"id": VERSION, "artifactUri": f"s3://{CANARY}-uri", "params": secret["params"], **_OWNED,
                          "trainedOn": [OPEN, HIDDEN, DRAFT], "sourceCreatedAt": "2021-01-01T00:00:00Z"}},
        {"modelVersion": {"id": NEXT, **_EARLY}},
        {"run": {"id": RUN, "state": "FAIL", "inputs": [OPEN], "workflow": HUB, **_OWNED, **secret}},
        {"run": {"id": HIDDEN_RUN, "state": "FAIL", "inputs": [BEHIND], "outputs": [VERSION], **_SHUT}},
        {"run": {"id": DRAFT_RUN, "state": "FAIL", "inputs": [BEHIND], "outputs": [VERSION], **_EARLY}},
        {"workflow": {"id": HUB, **_OWNED}},
        *runs,
        {"evaluation": {"id": DRAFT_BASE, "metrics": _auc(0.25), **_EARLY, "modelVersion": VERSION}},
        {"evaluation": {"id": HIDDEN_BASE, "metrics": _auc(0.5), **_SHUT, "modelVersion": VERSION}},
        {"evaluation": {"id": AGAINST_DRAFT, "metrics": _auc(0.75), "baseline": DRAFT_BASE, **evaluated}},
        {"evaluation": {"id": AGAINST_HIDDEN, "metrics": _auc(0.75), "baseline": HIDDEN_BASE, **evaluated}},
        {"dataset": {"id": COPY, "derivedFrom": [HIDDEN], **_OWNED}},
        *({"evaluation": {"id": each, "evaluatedOn": data, **evaluated}} for each, data in (
            (ON_HIDDEN, [HIDDEN]), (FROM_HIDDEN, [COPY]), (ON_DRAFT, [DRAFT]), (ON_NOTHING, []))),
        {"service": {"id": SERVICE, **_OWNED}},
        {"deployment": {"id": DEPLOYED, "status": "ACTIVE", "modelVersion": VERSION, "service": SERVICE, **_SHUT}},
        {"link": {"relation": "DERIVES", "from": OPEN, "to": DRAFT, "origin": "INFERRED", "confidence": 0.25,
                  "properties": [{"key": "k", "value": f"{CANARY}-edge"}], "runId": RUN}},
        {"link": {"relation": "DERIVES", "from": OPEN, "to": BEHIND, "runId": HIDDEN_RUN}},
    ]  # fmt: skip


@asynccontextmanager
async def open_leaky(graph: StoreGraph, folder: Path, start_jobs: JobStarter = background_jobs) -> AsyncIterator[Api]:
    """Run the API over the estate; further callers are a guest without team, and zoe, who has no User vertex yet."""
    async with open_api(graph, folder, start_jobs) as api:
        await api.load(*items())
        api.tokens["guest"] = token(api, "guest")
        yield api


def token(api: Api, name: str, *groups: str, roles: str = "", scopes: str = "graph:read graph:write") -> str:
    """Return a token for any caller."""
    who = Persona(name, "", PrincipalKind.PERSON, name, groups, tuple(roles.split()), tuple(scopes.split()))
    return DevIssuer(api.process.settings).mint(who)
