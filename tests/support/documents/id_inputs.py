"""The inputs of ids of the API: every argument and input field that takes an id, with an operation that uses it.

:data:`ID` is replaced by the id. :data:`READS` and :data:`REFUSED` change nothing when the id is hidden or absent.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema, get_named_type
from support.documents.id_arguments import references
from support.estates.leak_catalogue import ADS, OPEN
from support.estates.visible_and_hidden import id_of

ID = "<id>"
VERSION = "<version>"
OWN_PART = "version of mine"
"""A version of a visible model."""

MINE, MY_MODEL, MY_VERSION = (id_of(kind, "mine") for kind in ("Dataset", "Model", "ModelVersion"))
NO_EVENT = "mlg://thin-event/catalog/default/0"
"""The id of no thin event."""

MY_RUN, MY_FLOW = id_of("Run", "mine"), id_of("Workflow", "mine")


@dataclass(frozen=True)
class IdInput:
    """An operation that takes the id of a thing; ``thing`` is its kind, or :data:`OWN_PART`."""

    document: str
    variables: dict[str, Any]
    thing: str = "Dataset"

    def naming(self, urn: str) -> dict[str, Any]:
        """Return the variables with an id, and where they have :data:`VERSION` with its version 1."""
        text = (
            json.dumps(self.variables)
            .replace(ID, urn)
            .replace(VERSION, f"{urn}@1".replace("/model/", "/model-version/"))
        )
        variables: dict[str, Any] = json.loads(text)
        return variables


def _read(selection: str, thing: str = "Dataset") -> IdInput:
    return IdInput(f"query ($id: ID!) {{ {selection} }}", {"id": ID}, thing)


def _write(name: str, given: dict[str, Any], thing: str = "Dataset", shown: str = "changed") -> IdInput:
    errors = "errors { code message inputPath currentRevision }"
    given_type = f"{name[0].upper()}{name[1:]}Input!".removeprefix("Register")
    document = f"mutation ($input: {given_type}) {{ {name}(input: $input) {{ {shown} {errors} }} }}"
    return IdInput(document, {"input": given}, thing)


def _write_events(name: str) -> IdInput:
    errors = "errors { code message inputPath currentRevision }"
    document = f"mutation ($input: ThinEventsInput!) {{ {name}(input: $input) {{ events {{ id }} {errors} }} }}"
    return IdInput(document, {"input": {"events": [ID]}}, "ThinEvent")


_WALKED = "nodes { totalCount nodes { asset { id } } } edges { id } unknownRoots completeness { state reason visited }"
_IMPACT = "total countsByDepth unknownRoots completeness { state reason visited }"
_PATHS = "paths { length } unknownRoots completeness { state reason visited }"
_ABSENCE = """reason unknownIds asset { id } edge { id } change { id } ingestion { id }
  spellings { of rule asset { id } }"""
_SCENE = """total levels { count } elements { level asset { id } } groups { key count innerEdges gaps } unknownRoots
  edges { from to count } upstream { state reason visited } downstream { state reason visited }"""
_STATE = "{ total unknownRoots upstream { state reason visited } downstream { state reason visited } }"
_DIFF = f"""nodes {{ key change before {{ id }} after {{ id }} }} edges {{ from to relation before {{ id }} }}
  nodeCounts {{ added removed changed same }} from {_STATE} to {_STATE}"""
EDGE = "changed edge { id relation from to } asset { id sensitivity } sensitivityBefore effect"

READS: dict[str, IdInput] = {
    "Query.node(id)": _read("node(id: $id) { id }"),
    "Query.nodes(ids)": _read("nodes(ids: [$id]) { id }"),
    "Query.asset(id)": _read("asset(id: $id) { id displayName owners { ownership } impact { total } }"),
    "Query.changePlan(id)": _read("changePlan(id: $id) { id title status { state } }", "ChangePlan"),
    "Query.team(id)": _read("team(id: $id) { id }"),
    "Query.lineage(roots)": _read(f"lineage(roots: [$id], direction: DOWNSTREAM) {{ {_WALKED} }}"),
    "Query.lineage(roots), upstream": _read(f"lineage(roots: [$id], direction: UPSTREAM) {{ {_WALKED} }}"),
    "Query.lineage(roots), beside": _read(f'lineage(roots: [$id, "{OPEN}"], direction: DOWNSTREAM) {{ {_WALKED} }}'),
    "Query.impact(roots)": _read(f"impact(roots: [$id]) {{ {_IMPACT} }}"),
    "Query.paths(from)": _read(f'paths(from: $id, to: "{OPEN}") {{ {_PATHS} }}'),
    "Query.paths(to)": _read(f'paths(from: "{OPEN}", to: $id) {{ {_PATHS} }}'),
    "Query.explainAbsence(id)": _read(f"explainAbsence(id: $id) {{ {_ABSENCE} }}"),
    "Query.explainAbsence(from)": _read(f'explainAbsence(from: $id, to: "{OPEN}") {{ {_ABSENCE} }}', "Feature"),
    "Query.explainAbsence(to)": _read(f'explainAbsence(from: "{OPEN}", to: $id) {{ {_ABSENCE} }}', "Model"),
    "Query.scene(roots)": _read(f"scene(roots: [$id]) {{ {_SCENE} }}"),
    "Query.scene(roots), beside": _read(f'scene(roots: [$id, "{OPEN}"], openLevels: 0) {{ {_SCENE} }}'),
    "SceneExpansion.nextTo": _read(
        f'scene(roots: ["{OPEN}"], openLevels: 0, expand: [{{nextTo: $id}}]) {{ {_SCENE} }}'
    ),
    "Query.lineageDiff(roots)": _read(
        f'lineageDiff(roots: [$id], from: {{asOf: "2020-01-01T00:00:00Z"}}, to: {{}}) {{ {_DIFF} }}'
    ),
    "LineageStateInput.roots": _read(
        f'lineageDiff(from: {{roots: [$id]}}, to: {{roots: ["{OPEN}"]}}, direction: BOTH) {{ {_DIFF} }}'
    ),
    "ChangeFilter.subjects": _read("changes(filter: {subjects: [$id]}) { totalCount nodes { id } }"),
    "ChangeFilter.subjects, beside": _read(
        f'changes(filter: {{subjects: [$id, "{OPEN}"]}}, first: 2) {{ totalCount nodes {{ id }} }}'
    ),
    "IngestionFilter.subjects": _read("ingestions(filter: {subjects: [$id]}) { totalCount nodes { id } }"),
    "ThinEventFilter.subjects": _read("thinEvents(filter: {subjects: [$id]}) { totalCount nodes { id } }", "Workflow"),
    **{
        f"AssetFilter.{field}": _read(f"assets(filter: {{{field}: [$id]}}) {{ totalCount nodes {{ id }} }}")
        for field in ("ids", "ownerTeams", "owners", "tags", "domains")
    },
    **{
        f"Query.node(id), {kind}": _read("node(id: $id) { id }", kind)
        for kind in ("Check", "CheckResult", "Incident", "ChangePlan", "Change", "ThinEvent")
    },
}
"""Reads. What follows a comma is a further operation with the same argument."""

_INCIDENT = {"assets": [MINE], "title": "t", "severity": "LOW"}
_CHECK = {"check": "fresh", "checkKind": "FRESHNESS", "status": "PASS"}

REFUSED: dict[str, IdInput] = {
    "UnlinkInput.from": _write("unlink", {"relation": "DERIVES", "from": ID, "to": MINE}),
    "UnlinkInput.to": _write("unlink", {"relation": "DERIVES", "from": MINE, "to": ID}),
    "SetOwnersInput.asset": _write("setOwners", {"asset": ID, "owners": []}),
    "SetTagsInput.asset": _write("setTags", {"asset": ID, "add": []}),
    "SetStageInput.asset": _write("setStage", {"asset": ID, "stage": "ACTIVE"}),
    "UsageInput.asset": _write(
        "recordUsage",
        {"records": [{"asset": ID, "consumer": ADS, "day": "2026-11-02", "reads": 1}]},
        shown="recorded",
    ),
    "ReportCheckInput.asset": _write("reportCheck", {"asset": ID, **_CHECK}, shown="result { status }"),
    "OpenIncidentInput.assets": _write("openIncident", {**_INCIDENT, "assets": [ID]}, shown="incident { state }"),
    "OpenIncidentInput.cause": _write(
        "openIncident", {**_INCIDENT, "cause": ID}, "CheckResult", shown="incident { state }"
    ),
    "ResolveIncidentInput.incident": _write(
        "resolveIncident", {"incident": ID}, "Incident", shown="incident { state }"
    ),
    "PlanChangeInput.roots": _write("planChange", {"roots": [ID], "title": "t"}, shown="plan { title }"),
    "PlanChangeInput.roots, beside": _write("planChange", {"roots": [MINE, ID], "title": "t"}, shown="plan { title }"),
    "AcknowledgeChangeInput.plan": _write(
        "acknowledgeChange", {"plan": ID, "team": ADS, "decision": "AGREED"}, "ChangePlan", shown="plan { title }"
    ),
    "CloseChangePlanInput.plan": _write(
        "closeChangePlan", {"plan": ID, "outcome": "DONE"}, "ChangePlan", shown="plan { title }"
    ),
    "SetAliasInput.model": _write("setAlias", {"model": ID, "alias": "a", "version": VERSION}, "Model"),
    "SetAliasInput.version": _write("setAlias", {"model": MY_MODEL, "alias": "a", "version": ID}, OWN_PART),
    "SetAliasInput.expectedVersion": _write(
        "setAlias", {"model": MY_MODEL, "alias": "a", "version": MY_VERSION, "expectedVersion": ID}, OWN_PART
    ),
    "RemoveAliasInput.model": _write("removeAlias", {"model": ID, "alias": "a"}, "Model"),
    "ApproveInput.subject": _write(
        "approve", {"subject": ID, "gate": "g", "decision": "APPROVED"}, "ModelVersion", shown="approval { id }"
    ),
    "DeleteAssetInput.asset": _write("deleteAsset", {"asset": ID}),
    "RestoreAssetInput.asset": _write("restoreAsset", {"asset": ID}),
    "MergeAssetsInput.from": _write("mergeAssets", {"from": ID, "into": MINE}),
    "MergeAssetsInput.into": _write("mergeAssets", {"from": MINE, "into": ID}),
    "RevertChangeInput.change": _write("revertChange", {"change": ID}, "Change"),
    "ThinEventsInput.events": _write_events("takeThinEvents"),
    "ThinEventsInput.events, replayed": _write_events("replayThinEvents"),
    "FinishThinEventInput.event": _write(
        "finishThinEvent", {"event": ID, "attempt": 1, "reason": "NOT_FOUND"}, "ThinEvent", shown="event { id }"
    ),
    "FinishThinEventInput.asset": _write(
        "finishThinEvent", {"event": NO_EVENT, "attempt": 1, "outcome": "CREATED", "asset": ID}, shown="event { id }"
    ),
}
"""Writes that are refused because the id is unknown to the caller."""

ACCEPTED: dict[str, IdInput] = {
    "RemoveAliasInput.expectedVersion": _write(
        "removeAlias", {"model": MY_MODEL, "alias": "a", "expectedVersion": ID}, OWN_PART
    ),
    "LinkInput.from": _write("link", {"relation": "DERIVES", "from": ID, "to": MINE}, shown=EDGE),
    "LinkInput.to": _write("link", {"relation": "CHILD_OF", "from": MY_RUN, "to": ID}, "Run", shown=EDGE),
    "LinkInput.to, changed": _write("link", {"relation": "DERIVES", "from": MINE, "to": ID}, shown=EDGE),
    "LinkInput.from, changed": _write(
        "link", {"relation": "CHILD_OF", "from": ID, "to": MY_RUN, "dryRun": True}, "Run", shown=EDGE
    ),
    "LinkInput.to, both ends": _write("link", {"relation": "PRODUCES", "from": MY_RUN, "to": ID}, shown=EDGE),
    "LinkInput.runId": _write(
        "link", {"relation": "DERIVES", "from": OPEN, "to": MINE, "runId": ID}, "Run", shown="edge { runId }"
    ),
    "SetStageInput.replacedBy": _write("setStage", {"asset": MINE, "stage": "ACTIVE", "replacedBy": ID}),
    "UsageInput.consumer": _write(
        "recordUsage",
        {"records": [{"asset": MINE, "consumer": ID, "day": "2026-11-02", "reads": 1}]},
        "Service",
        shown="recorded",
    ),
    "ColumnRefInput.dataset": _write(
        "registerDataset",
        {"id": MINE, "columns": [{"name": "a", "derivedFrom": [{"dataset": ID, "column": "b"}]}]},
    ),
}
"""Writes that are accepted with a hidden id as with an absent one, most of which leave a stub for an absent one."""

NEVER_READ = frozenset(
    {
        "ColumnRefInput.dataset",
        "FinishThinEventInput.asset",
        "RemoveAliasInput.expectedVersion",
        "SetAliasInput.expectedVersion",
    }
)
"""Input fields whose id is only stored or compared, so that no caller learns whether it is hidden, not even the log."""

SHOWN: frozenset[str] = frozenset(
    {
        "AcknowledgeChangeInput.team",
        "OwnerInput.owner",
        "RunInput.startedBy",
        "TeamInput.parent",
        "MemberInput.user",
        "DomainInput.parent",
        "SetTagsInput.add",
        "SetTagsInput.remove",
        "SetTagsInput.block",
    }
)
"""Input fields for teams, users, domains and tags only, which the whole tenant sees; so are ``tags`` and ``domain``."""

PARENTS = frozenset({"DatasetVersionInput.dataset", "ModelVersionInput.model"})
"""The parent of a version, which the id of the version names."""


def schema_id_inputs(schema: GraphQLSchema) -> Iterator[str]:
    """Yield every argument and input field of a schema that takes an id."""
    for name, kind in schema.type_map.items():
        if isinstance(kind, GraphQLInputObjectType):
            yield from (f"{name}.{field}" for field, given in kind.fields.items() if _is_id(given.type))
        elif isinstance(kind, GraphQLObjectType) and not name.startswith("__"):
            for field, declared in kind.fields.items():
                yield from (f"{name}.{field}({each})" for each, given in declared.args.items() if _is_id(given.type))


def listed_id_inputs(schema: GraphQLSchema) -> set[str]:
    """Return the inputs of ids that have an operation, and those that need none.

    The id of a registered asset may be taken, which docs/adr/0006-policy-in-every-path.md accepts.
    """
    named = {each.partition(",")[0] for group in (READS, REFUSED, ACCEPTED) for each in group}
    referring = {f"{each.kind}Input.{each.field}" for each in references()}
    common = {each for each in schema_id_inputs(schema) if each.endswith(("Input.id", "Input.tags", "Input.domain"))}
    return named | referring | common | SHOWN | PARENTS


def _is_id(given: Any) -> bool:
    return str(get_named_type(given)) == "ID"
