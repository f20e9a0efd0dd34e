"""An estate of one visible and one hidden asset of each kind, joined by every relation, with attached records of both.

Each path from a visible to a hidden asset leads there for root, and must lead nowhere for bo, a reader.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from support.documents.change_plans import planned
from support.documents.observability import raised, recorded, report
from support.estates.leak_catalogue import token
from support.estates.promotions import SET, approve
from support.servers.in_process import Api
from support.stores.writers import person

from app.graph.writing.writer import PolicedWriter
from graphql_schema.catalog.kinds import ASSETS, ATTACHED_KINDS, KINDS
from graphql_schema.catalog.relations import RELATIONS, VERSION_OF
from graphql_schema.catalog.urn import make_urn
from graphql_schema.ports.commands import Command
from graphql_schema.ports.events.event_commands import (
    FinishThinEventCommand,
    QueueThinEventCommand,
    RecordIngestionCommand,
    TakeThinEventCommand,
)
from graphql_schema.ports.outcomes import WriteOutcome

RISK = "mlg://team/catalog/default/risk"
UMA = "mlg://user/catalog/default/uma"
TAG, DOMAIN = "mlg://tag/catalog/default/t", "mlg://domain/catalog/default/d"
PII = "mlg://tag/catalog/default/pii"
NEAR, FAR = "near", "behind"
VERSIONED = tuple(kind.name for kind in KINDS.values() if kind.versioned)
WITHOUT_TYPE = frozenset({"UsageMonth", "Observation", "ThinEventQueue"})
"""Kinds of attached records that no field returns."""

OWNED: dict[str, Any] = {
    "owners": [{"owner": RISK}, {"owner": UMA, "ownership": "STEWARD"}],
    "tags": [TAG],
    "domain": DOMAIN,
}
ABOUT = """query ($id: ID!) { asset(id: $id) { history(first: 500) { nodes { id } }
  checks(first: 500) { nodes { id results(first: 50) { nodes { id } } } } incidents(first: 500) { nodes { id } }
  changePlans(first: 500) { nodes { id } }
  ... on ModelVersion { approvals(first: 500) { nodes { id } } } }
  ingestions(filter: {subjects: [$id]}, first: 500) { nodes { id } }
  thinEvents(filter: {subjects: [$id]}, first: 500) { nodes { id } } }"""


def id_of(kind: str, name: str) -> str:
    """Return the id of an asset, or of the first version of a versioned asset."""
    return make_urn(KINDS[kind].slug, "test", "", name, "1" if KINDS[kind].versioned else None)


def open_part(kind: str) -> str:
    """Return the id of a visible version of a hidden asset."""
    return f"{id_of(kind, FAR)[:-1]}open"


def hidden_part(kind: str) -> str:
    """Return the id of a hidden version of a visible asset."""
    return f"{id_of(kind, NEAR)[:-1]}2"


@dataclass
class VisibleAndHidden:
    """The estate, with the ids of its attached records by kind: those of visible assets, and those of hidden ones only.

    The id of an asset shows whether it is hidden, the id of an attached record does not.
    """

    api: Api
    open: dict[str, list[str]] = field(default_factory=dict)
    hidden: dict[str, list[str]] = field(default_factory=dict)

    async def read_attached_records(self) -> None:
        """Read the attached records of every asset, as root."""
        near = [id_of(kind, NEAR) for kind in ASSETS] + [open_part(kind) for kind in VERSIONED]
        far = [id_of(kind, FAR) for kind in ASSETS] + [hidden_part(kind) for kind in VERSIONED]
        self.open = await self._attached_records(near)
        every = await self._attached_records(far)
        self.hidden = {kind: [urn for urn in every[kind] if urn not in self.open[kind]] for kind in every}

    async def _attached_records(self, urns: list[str]) -> dict[str, list[str]]:
        listed = [kind for kind in ATTACHED_KINDS if kind not in WITHOUT_TYPE]
        details: dict[str, list[str]] = {kind: [] for kind in listed}
        for urn in urns:
            found = await self.api.ask("root", ABOUT, id=urn)
            asset = found["asset"]
            checks = asset["checks"]["nodes"]
            reported = {
                "Check": checks,
                "CheckResult": [result for check in checks for result in check["results"]["nodes"]],
                "Incident": asset["incidents"]["nodes"],
                "ChangePlan": asset["changePlans"]["nodes"],
                "Change": asset["history"]["nodes"],
                "Ingestion": found["ingestions"]["nodes"],
                "ThinEvent": found["thinEvents"]["nodes"],
                "Approval": asset.get("approvals", {"nodes": []})["nodes"],
            }
            for kind, nodes in reported.items():
                details[kind] += [node["id"] for node in nodes if node["id"] not in details[kind]]
        return details

    def hidden_in(self, response: Any) -> list[str]:
        """Return the hidden ids in a response; a visible version contains the name of its parent."""
        if isinstance(response, str):
            hidden = f"/{FAR}" in response and not response.endswith("@open")
            detail = any(response in urns for urns in self.hidden.values())
            return [response] if hidden or detail or response.endswith(f"{NEAR}@2") else []
        parts = response.values() if isinstance(response, dict) else response if isinstance(response, list) else ()
        return [found for part in parts for found in self.hidden_in(part)]


async def load_estate(api: Api) -> VisibleAndHidden:
    """Make the estate, wait until tags have propagated, and read its ids."""
    for part in (_vocabulary(), _assets(), _more()):
        await api.load(*part)
    for kind in ASSETS:
        await _observe(api, kind)
    await _ingest(api)
    await _queue(api)
    await _promote(api)
    await api.wait_for_jobs()
    paths = VisibleAndHidden(api)
    await paths.read_attached_records()
    return paths


def _accepted(payload: dict[str, Any]) -> None:
    assert not payload["errors"], payload["errors"]


async def _observe(api: Api, kind: str) -> None:
    """Check both assets of a kind, open incidents on the hidden one, and record usage by a hidden service."""
    near, far = id_of(kind, NEAR), id_of(kind, FAR)
    _accepted(await report(api, "root", near))
    found = await report(api, "root", far, status="FAIL", openIncidentOnFail=True)
    history = (await api.ask("root", ABOUT, id=far))["asset"]["history"]["nodes"]
    for cause in (found["result"]["id"], history[-1]["id"]):
        _accepted(await raised(api, "root", near, far, cause=cause))
    for roots in ([near, far], [far]):
        await planned(api, "root", *roots)
    day = datetime.now(UTC).date().isoformat()
    uses = [{"asset": near, "consumer": consumer, "day": day, "reads": 1} for consumer in (RISK, id_of("Service", FAR))]
    _accepted(await recorded(api, "root", *uses))


async def _ingest(api: Api) -> None:
    """Record an event about each asset that names the visible and the hidden asset of the kind."""
    commands: list[Command] = []
    for kind in ASSETS:
        near, far = id_of(kind, NEAR), id_of(kind, FAR)
        name = {"role": "input", "namespace": "n", "name": "t", "rule": "EXACT"}
        effect = {"outcome": "UPDATED", "changed": [], "kept": [], "outdated": []}
        values = {
            "eventAt": 1,
            "eventType": "START",
            "names": [{**name, "asset": each} for each in (near, far)],
            "assets": [{**effect, "asset": each} for each in (near, far)],
            "edges": [{"field": "inputs", "effect": "BEGAN", "source": near, "target": far}],
            "ignored": [{"facet": f"input.{each}", "reason": "no text", "asset": each} for each in (near, far)],
        }
        commands += [
            RecordIngestionCommand(urn, "e", f"jobs/{urn}", "WRITTEN", changed=True, values=values)
            for urn in (near, far)
        ]
    await _write(api, commands)


async def _queue(api: Api) -> None:
    """Finish an event of the visible and of the hidden workflow, whose objects became a visible and a hidden run."""
    sources = [id_of("Workflow", name) for name in (NEAR, FAR)]
    await api.load(*(_item("Workflow", urn, workflowKind="mlflow") for urn in sources))
    runs = [id_of("Run", name) for name in (NEAR, FAR)]
    queueing = [QueueThinEventCommand(source, "run", run) for source in sources for run in runs]
    events = [str(outcome.created_record) for outcome in await _write(api, queueing)]
    await _write(api, [TakeThinEventCommand(each) for each in events])
    finished = zip(events, runs * 2, strict=True)
    await _write(api, [FinishThinEventCommand(each, 1, outcome="CREATED", asset=run) for each, run in finished])


async def _write(api: Api, commands: Sequence[Command]) -> list[WriteOutcome]:
    """Write commands as root; none may be rejected."""
    access = api.process.policy.access(person("root", roles="admin"))
    outcomes = await PolicedWriter(api.client, api.coordinator, access).write(commands, dry_run=False, atomic=False)
    assert not [outcome.errors for outcome in outcomes if outcome.errors]
    return outcomes


async def _promote(api: Api) -> None:
    """Decide on a visible and a hidden version, name both, and keep the gate closed by hidden conditions."""
    for version in (id_of("ModelVersion", NEAR), hidden_part("ModelVersion")):
        _accepted(await approve(api, "cy", version))
    api.tokens["approver"] = token(api, "approver", "risk", roles="reader approver")
    model = id_of("Model", NEAR)
    for alias, version in (("candidate", id_of("ModelVersion", NEAR)), ("next", hidden_part("ModelVersion"))):
        given = {"model": model, "alias": alias, "version": version}
        _accepted((await api.ask("approver", SET, input=given))["setAlias"])
    _accepted(await raised(api, "root", id_of("Model", FAR), severity="CRITICAL"))


def _vocabulary() -> list[dict[str, Any]]:
    tags: list[dict[str, Any]] = [
        {"tag": {"name": "t", "tagKind": "FREE"}},
        {"tag": {"name": "pii", "tagKind": "PII", "propagates": True}},
    ]
    return [{"team": {"name": "risk"}}, {"user": {"name": "uma"}}, *tags, {"domain": {"name": "d"}}]


def _item(kind: str, urn: str, **values: Any) -> dict[str, Any]:
    return {f"{kind[0].lower()}{kind[1:]}": {"id": urn, **values}}


def _assets() -> list[dict[str, Any]]:
    """Return one visible and one hidden asset of each kind."""
    owners = [*OWNED["owners"], {"owner": f"{UMA}-too"}]
    shut = {
        **OWNED,
        "tags": [TAG, PII],
        "owners": owners,
        "visibility": "TEAM",
        "sourceCreatedAt": "2031-01-01T00:00:00Z",
    }
    also: dict[str, dict[str, Any]] = {
        "Run": {"state": "COMPLETE", "startedAt": "2031-01-01T00:00:00Z"},
        "Evaluation": {"modelVersion": id_of("ModelVersion", FAR), "verdict": "FAIL"},
        "ExperimentCell": {"experiment": id_of("Experiment", FAR)},
    }
    kinds = sorted(ASSETS, key=lambda kind: KINDS[kind].parent is not None or kind in also)
    return [
        _item(kind, id_of(kind, name), **also.get(kind, {}), **values)
        for name, values in ((FAR, shut), (NEAR, OWNED))
        for kind in kinds
    ]


def _more() -> list[dict[str, Any]]:
    """Return every relation between a visible and a hidden asset, in both directions, and longer chains."""
    columns = [{"name": "c", "derivedFrom": [{"dataset": id_of("Dataset", FAR), "column": "x"}]}]
    served = {"modelVersion": id_of("ModelVersion", NEAR), "service": id_of("Service", FAR)}
    hidden_versions = [
        _item(kind, hidden_part(kind), visibility="TEAM", sourceCreatedAt="2031-01-01T00:00:00Z") for kind in VERSIONED
    ]
    return [
        *(_item(kind, open_part(kind), visibility="ORG", owners=OWNED["owners"]) for kind in VERSIONED),
        *hidden_versions,
        _item("Dataset", id_of("Dataset", NEAR), columns=columns),
        _item("Deployment", id_of("Deployment", "mid"), **served, **OWNED),
        *_links(),
    ]


def _links() -> Iterator[dict[str, Any]]:
    for name, relation in RELATIONS.items():
        for source, target in sorted(relation.ends):
            if relation is not VERSION_OF and {source, target} <= {*ASSETS}:
                run = {"runId": id_of("Run", FAR)} if relation.lineage else {}
                for ends in ((NEAR, FAR), (FAR, NEAR)):
                    yield {
                        "link": {"relation": name, "from": id_of(source, ends[0]), "to": id_of(target, ends[1]), **run}
                    }
