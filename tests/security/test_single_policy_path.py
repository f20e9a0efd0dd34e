"""There is one path from a record to a response, and it applies the policy: in the code, and on every field."""

import ast
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import pytest
from graphql import GraphQLField, GraphQLInterfaceType, GraphQLObjectType, GraphQLUnionType, get_named_type
from support.documents.reported_records import REPORTED
from support.estates.visible_and_hidden import (
    DOMAIN,
    FAR,
    NEAR,
    RISK,
    TAG,
    UMA,
    VERSIONED,
    WITHOUT_TYPE,
    VisibleAndHidden,
    id_of,
    load_estate,
    open_part,
)
from support.servers.in_process import open_api
from support.source_tree import product
from support.stores.janusgraph import StoreGraph

from graphql_schema.catalog.kinds import ASSETS, ATTACHED_KINDS, KINDS
from graphql_schema.catalog.relations import CHILD_HOPS, LINEAGE, PARENT_HOPS, Relation
from graphql_schema.schema import build_schema

READS_RECORDS = {
    "app.graph.reading.visible_rows.row": "the accessor, which applies the row policy",
    "app.graph.reading.visible_rows._unknown": "lists the vertices on whose records the policy is evaluated",
    "app.graph.reading.visible_rows._unknown_of": "compares whose level it is, without reading a record",
    "app.graph.reading.visible_rows.fetch": "finds the changes with far ends, for the policy",
    "app.graph.reading.visible_rows._read_ends": "adds the far ends of changes, for the policy",
    "app.graph.reading.visible_rows.led_to": "follows the pointers of merged datasets, before the policy",
    "app.graph.reading.visible_rows._leads_to_hidden": "lets a merged dataset have the access of the remaining one",
    "app.graph.reading.rows_by_id._of_urn": "compares the id of a visible row with the requested one",
    "app.graph.reading.rows_by_id._load": "reports to the access log which hidden ids were requested",
    "app.graph.reading.lineage.health_evidence._evaluated_by": "takes an owner, to leave out what changes no status",
    "app.graph.reading.lineage.health_evidence.results": "takes the instants of results, which the clock may have set",
    "app.graph.reading.listing_pages._read_on": "drops rows raised by a sensitivity floor, and takes the next position",
    "app.graph.reading.listing_pages._page": "logs the id of a row that the row filter should have excluded",
    "app.graph.reading.search_reader.candidates": "drops rows raised by a sensitivity floor",
    "app.graph.reading.attached_records._read": "takes the next position",
    "app.policy.explain.asset_and_caller": "takes the policy attributes alone, for an operator of the store",
}
"""Functions that may read the records of a response, each with its reason."""

MAKE_CLIENTS = {
    "app.runtime.process": "for the server",
    "app.cli.policy_commands": "for operators of the store who need an explanation: decisions, no records",
}
"""Modules outside of app.graph that open the store, each with its reason."""

PASS_CLIENTS = {
    "app.policy.explain",
    "app.runtime.background_jobs",
    "app.runtime.operation_context",
    "app.runtime.process_metrics",
    "app.runtime.process_spans",
    "app.runtime.store_health",
    "app.runtime.store_watch",
    "app.runtime.thin_event_queues",
}
"""Modules outside of app.graph that get a client and pass it to app.graph, or observe it."""


def _calls(name: str) -> Iterator[str]:
    """Return the modules that call a function by this name."""
    for path, module in product().items():
        calls = (node for node in ast.walk(module.tree) if isinstance(node, ast.Call))
        yield from (path for call in calls if ast.unparse(call.func).rsplit(".", 1)[-1] == name)


def _asks(tree: ast.Module) -> bool:
    """Return whether a module uses the level batcher, whose responses hold records."""
    return any(isinstance(each, ast.ImportFrom) and each.module == COALESCER for each in ast.walk(tree))


COALESCER = "app.graph.reading.level.level_batcher"


def test_only_the_row_policy_makes_rows() -> None:
    """Only the row policy makes a row of a record, and no other object is returned as a row."""
    assert set(_calls("Row")) == {"app.graph.reading.access.row_policy"}
    assert set(_calls("RowAccess")) == {"app.graph.reading.access.row_policy", "app.graph.reading.access.field_masks"}


def test_only_listed_functions_read_records() -> None:
    """Only the listed functions read the records of a response, and each of them still exists."""
    found = {
        f"{path}.{function.name}"
        for path, module in product().items()
        for function in module.functions
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and node.attr == "records" and _asks(module.tree)
        and isinstance(node.ctx, ast.Load)
    }  # fmt: skip
    assert found == {*READS_RECORDS}


def test_only_one_folder_sends_store_requests() -> None:
    """No module outside app.graph sends a store request; the listed modules make the client and pass it on."""
    own = ("app.graph", "graphql_schema.execution.side_thread")
    assert [each for each in _calls("submit") if not each.startswith(own)] == []
    assert {path for path in _calls("GremlinClient") if not path.startswith("app.graph")} == {*MAKE_CLIENTS}
    importers = {
        path
        for path, module in product().items()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom)
        and node.module in {"app.graph.driver.gremlin_client", "app.graph.reading.level.level_batcher"}
        if not path.startswith("app.graph")
    }
    assert importers == {*MAKE_CLIENTS, *PASS_CLIENTS}


CARRIED_BY = tuple(relation for relation in LINEAGE if relation.carries)
UNGOVERNED = frozenset(kind.name for kind in KINDS.values() if not kind.asset)


def _may_arrive(kind: str, relations: Iterable[Relation]) -> bool:
    """Return whether an edge of the relations may lead to an asset of the kind, or of its asset group."""
    return any(target in _group(kind) for relation in relations for _, target in relation.ends)


def _may_leave(kind: str) -> bool:
    """Return whether a lineage edge may leave an asset of the kind, or of its asset group."""
    return any(source in _group(kind) for relation in LINEAGE for source, _ in relation.ends)


def _group(kind: str) -> set[str]:
    return {kind, *(far for hops in (PARENT_HOPS, CHILD_HOPS) if kind in hops for far in hops[kind].kinds)}


NOTHING_ARRIVES = {kind for kind in ASSETS if not _may_arrive(kind, LINEAGE)}
NO_TAG_ARRIVES = {kind for kind in ASSETS if not _may_arrive(kind, CARRIED_BY) and KINDS[kind].parent is None}
NOT_REACHED = {
    **{f"{kind}.checks": "a check is of the asset itself" for kind in ASSETS},
    **{f"{kind}.{name}": "no data leaves the kind" for kind in ASSETS if not _may_leave(kind)
       for name in ("downstream", "impact")},
    **{f"{kind}.{name}": "no data arrives at the kind" for kind in NOTHING_ARRIVES for name in ("upstream", "lineage")},
    **{f"{kind}.health": "no data arrives, and no parent" for kind in NOTHING_ARRIVES if KINDS[kind].parent is None},
    "Change.reverts": "what a change undid is of the same subject",
    **dict.fromkeys((f"{kind}.subject" for kind in ("Approval", "Change", "Ingestion", "ThinEvent")), "shown by it"),
    "ModelVersion.approvals": "approvals are of the version itself",
    "Check.asset": "a check is shown to callers who read its asset",
    "Check.latestResult": "a result is shown to callers who read the asset of its check",
    **dict.fromkeys(("Check.results", "CheckResult.check"), "the same"),
    **dict.fromkeys(
        ("Query.myWork", *(f"MyWork.{name}" for name in ("approvals", "incidents", "unhealthy", "unused")),
         *(f"PendingApproval.{name}" for name in ("model", "version", "gate")), "PendingPlan.plan"),
        "tests/security/test_leaks_of_reads.py: it depends on the teams of the caller"),
    "ChangePlan.impact": "the hidden assets begin after the plans; tests/journeys/test_change_plans.py",
    "LinkPayload.asset": "tests/security/test_own_links.py: null if it is hidden from the caller",
    "ApprovePayload.approval": "tests/journeys/test_approvals.py: the echo of a mutation",
    "ReportCheckPayload.result": "tests/security/test_leaks_of_attached_records.py: the echo of a mutation",
    **dict.fromkeys(("ReportCheckPayload.incident", "IncidentPayload.incident", "ChangePlanPayload.plan"), "the same"),
    "FinishThinEventPayload.event": "tests/security/test_hidden_like_absent.py: the echo of a mutation",
    "UpdatePayload.asset": "tests/security/test_leaks_of_writes.py: the echo of a mutation",
    **dict.fromkeys(("RegisterPayload.asset", "RegisterAssetsPayload.results"), "the same"),
    "SetAliasPayload.alias": "tests/journeys/test_aliases.py: the echo of a mutation",
    "SetAliasPayload.gate": "tests/journeys/test_promotion.py: the echo of a mutation",
    "Subscription.changes": "the same changes as Query.changes; tests/security/test_leaks_of_subscriptions.py walks it",
}  # fmt: skip
"""Fields that lead to rows and have no hidden one to lead to, each with its reason."""

SCHEMA = build_schema().core
OBJECTS = {name: each for name, each in SCHEMA.type_map.items() if isinstance(each, GraphQLObjectType)}
NODES = frozenset(each.name for each in SCHEMA.get_possible_types(SCHEMA.type_map["Node"]))  # type: ignore[arg-type]

INSIDE = (
    "nodes", "asset", "inheritedFrom", "via", "dataset", "consumers", "consumer", "version", "failingEvaluations",
    "reportedEvaluations", "contaminatedEvaluations", "blockingIncidents", "assets", "paths", "hits", "causes",
    "sources", "target", "elements", "groups", "versionsOf", "before", "after", "approvals", "unhealthy", "ingestion",
)  # fmt: skip
"""Fields of what is no row itself, such as a page, that hold rows."""


def _kinds(type_: Any) -> frozenset[str]:
    """Return the kinds of rows that a type may be, or may hold as a page or an edge."""
    if isinstance(type_, GraphQLObjectType) and type_.name not in NODES:
        held = [_kinds(get_named_type(type_.fields[name].type)) for name in INSIDE if name in type_.fields]
        return frozenset().union(*held)
    if isinstance(type_, GraphQLObjectType):
        return frozenset({type_.name})
    if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
        return frozenset(each.name for each in SCHEMA.get_possible_types(type_))
    return frozenset()


def _selection(type_: Any) -> str:
    """Return every id in the value of a field."""
    name = type_.name
    if name in ATTACHED_KINDS:
        return REPORTED[name]
    if name in NODES or isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
        return "{ __typename ... on Node { id } }"
    if name.endswith("Connection"):
        inner = _selection(get_named_type(type_.fields["nodes"].type))
        return f"{{ totalCount nodes {inner} edges {{ node {inner} }} }}"
    return {
        "Neighbour": "{ edgeId from to runId asset { id } }",
        "Ownership": "{ inheritedFrom { id } }",
        "TagAssignment": "{ via { id } }",
        "Column": "{ derivedFrom { column dataset { id } } }",
        "FieldChange": "{ before after }",
        "ModelAlias": "{ version { id } }",
        "GateReport": "{ failingEvaluations { id } reportedEvaluations { id } contaminatedEvaluations { id } "
        "blockingIncidents { id } }",
        "Lineage": f"{{ nodes {WALKED} edges {{ id from to runId }} countsByKind {{ count }} unknownRoots }}",
        "Impact": f"{{ total {' '.join(f'{page}(first: 100) {WALKED}' for page in IMPACTED)} }}",
        "Health": f"{{ causes {{ {' '.join(f'{each} {{ id }}' for each in CAUSES)} }} }}",
        "Contamination": f"{{ sources {{ {' '.join(f'{each} {{ id }}' for each in OVERLAP)} }} }}",
        "AssetSource": f"{{ source ingestion {REPORTED['Ingestion']} alarms {{ ingestion {REPORTED['Ingestion']} }} }}",
        "IngestedName": "{ asset { id } }",
        "IngestedAsset": "{ asset { id } }",
        "IngestedEdge": "{ source { id } target { id } }",
        "Usage": "{ consumers(first: 100) { totalCount nodes { consumer { ... on Node { id } } } } }",
    }[name]


CAUSES = ("asset", "check", "result", "incident", "evaluation")
"""What a cause of health is about."""

OVERLAP = ("training", "evaluated", "via", "path")
"""What a source of contamination is about."""

IMPACTED = ("services", "experiments", "assets")
WALKED = "{ totalCount nodes { asset { id } } }"
"""What is selected of the nodes of a walk."""


def _paths() -> Iterator[tuple[str, str]]:
    """Yield every field that leads to rows of governed kinds, on each type that can be read by id."""
    for owner in sorted(NODES):
        for name, field in OBJECTS[owner].fields.items():
            type_ = get_named_type(field.type)
            if type_.name in {"Column", "FieldChange"} or _kinds(type_) - UNGOVERNED:
                yield owner, name


PATHS = [*_paths()]


@pytest.fixture(scope="module")
async def paths(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[VisibleAndHidden]:
    """Return the API over the joined assets."""
    async with open_api(module_graph, tmp_path_factory.mktemp("keys")) as opened:
        yield await load_estate(opened)


def _sources(paths: VisibleAndHidden, owner: str) -> list[str]:
    """Return the visible rows of a kind, or attached records of visible rows."""
    others = {"Team": RISK, "User": UMA, "Tag": TAG, "Domain": DOMAIN}
    if owner in ATTACHED_KINDS:
        return paths.open[owner]
    if owner in others:
        return [others[owner]]
    return [id_of(owner, NEAR), *([open_part(owner)] if owner in VERSIONED else [])]


def _asked(name: str, field: GraphQLField) -> str:
    argument = {
        "version": '(version: "2")',
        "deployments": "(activeOnly: false, first: 100)",
        "gate": '(alias: "champion")',
        "lineage": "(direction: UPSTREAM, maxDepth: 3, first: 100)",
        "impact": "(maxDepth: 3)",
    }
    given = argument.get(name) if field.args else ""
    return (
        f"{name}{given or ('(first: 100)' if 'first' in field.args else '')} {_selection(get_named_type(field.type))}"
    )


@pytest.mark.parametrize("known_path", PATHS, ids=map(".".join, PATHS))
async def test_no_field_leads_to_a_hidden_row(paths: VisibleAndHidden, known_path: tuple[str, str]) -> None:
    """Of the rows behind each field, root reads those hidden from bo. Bo reads none of them, not even in a count."""
    owner, name = known_path
    requested = _asked(name, OBJECTS[owner].fields[name])
    query = f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {owner} {{ {requested} }} }} }}"
    sources = _sources(paths, owner)
    parts = [sources[start : start + 100] for start in range(0, len(sources), 100)]
    assert parts
    everything, observed = [[await paths.api.ask(who, query, ids=ids) for ids in parts] for who in ("root", "bo")]
    reached = bool(paths.hidden_in(everything))
    assert reached is (f"{owner}.{name}" not in OPEN_PATHS), "reached" if reached else "not reached"
    assert paths.hidden_in(observed) == []
    assert [*_miscounted(observed)] == []


def _miscounted(response: Any) -> Iterator[Any]:
    """Return the pages in a response whose total differs from the rows that they show."""
    if isinstance(response, dict) and {"totalCount", "nodes"} <= response.keys():
        yield from [response] if response["totalCount"] != len(response["nodes"]) else []
    parts = response.values() if isinstance(response, dict) else response if isinstance(response, list) else ()
    for part in parts:
        yield from _miscounted(part)


OPEN_PATHS = frozenset(NOT_REACHED) | {
    f"{owner}.{name}"
    for owner, name in PATHS
    if (name == "tags" and owner in NO_TAG_ARRIVES)
    or (name == "owners" and owner in KINDS and KINDS[owner].parent is None)
}
"""What leads to people and vocabulary only, which all may see, or nowhere, and kinds at which no tag arrives."""


ROOTS = {
    "node": "node(id: $id) { id }",
    "nodes": "nodes(ids: [$id]) { id }",
    "asset": "asset(id: $id) { id }",
    "incidents": "node(id: $id) { id } incidents(first: 100) { totalCount nodes { id assets { id } cause { id } } }",
    "ingestions": "node(id: $id) { id } ingestions(filter: {subjects: [$id]}) { totalCount nodes "
    "{ id subject { id } names { asset { id } } assets { asset { id } } edges { source { id } target { id } } } }",
    "thinEvents": "thinEvents: node(id: $id) { id } listed: thinEvents(filter: {subjects: [$id]}, first: 100) "
    "{ totalCount nodes { id subject { id } asset { id } } }",
    "changePlans": "node(id: $id) { id } changePlans(first: 100) { totalCount nodes { id roots { id } } }",
    "changes": "changes(filter: {subjects: [$id]}) { totalCount nodes { subjectId subject { id } } }",
    "lineage": f"lineage(roots: [$id], direction: UPSTREAM, first: 100) {{ nodes {WALKED} edges {{ from to }} }}",
    "impact": f"impact: node(id: $id) {{ id }} all: impact(roots: [$id]) {{ total assets(first: 100) {WALKED} }}",
    "paths": "paths(from: $id, to: $id) { paths { nodes { id } } }",
    "scene": """scene(roots: [$id], direction: UPSTREAM, openLevels: 1) {
        elements { asset { id } } groups { key versionsOf { id } } edges { from to } }
      grouped: scene(roots: [$id], direction: UPSTREAM, openLevels: 0) { groups { key versionsOf { id } } }""",
    "lineageDiff": """lineageDiff(from: {roots: [$id], asOf: "2000-01-01T00:00:00Z"}, to: {roots: [$id]}) {
        nodes { key before { id } after { id } } edges { from to } }""",
    "explainAbsence": "explainAbsence(id: $id) { asset { id } change { id } spellings { asset { id } } }",
    "assets": "assets(filter: {ids: [$id]}) { totalCount nodes { id } edges { node { id } } }",
    "search": """search(text: "behind", filter: {ids: [$id]}, facets: [NAMESPACE]) {
        hits { totalCount nodes { asset { id } highlights { text } } } facets { values { value count } } }
      grouped: search(text: "behind", filter: {ids: [$id]}, groupVersions: true) {
        hits { totalCount nodes { asset { id } versions { totalCount nodes { asset { id } } } } } }""",
}


@pytest.mark.parametrize("root", ROOTS)
async def test_no_root_leads_to_a_hidden_row(paths: VisibleAndHidden, root: str) -> None:
    """Each root field that leads to assets, by id or as a list, returns no hidden asset of any kind."""
    query = f"query ($id: ID!) {{ {ROOTS[root]} }}"
    for kind in ASSETS:
        everything, observed = [await paths.api.ask(who, query, id=id_of(kind, FAR)) for who in ("root", "bo")]
        assert paths.hidden_in(everything[root])
        assert paths.hidden_in(observed) == []
        assert [*_miscounted(observed)] == []


@pytest.mark.parametrize("root", ["node", "nodes"])
@pytest.mark.parametrize("kind", sorted(ATTACHED_KINDS.keys() - WITHOUT_TYPE))
async def test_no_id_leads_to_a_hidden_attached_record(paths: VisibleAndHidden, kind: str, root: str) -> None:
    """Root reads an attached record of a hidden asset by each of its ids, and bo by none of them."""
    query = f"query ($id: ID!) {{ {ROOTS[root]} }}"
    assert paths.hidden[kind]
    for urn in paths.hidden[kind][:20]:
        everything, observed = [await paths.api.ask(who, query, id=urn) for who in ("root", "bo")]
        assert paths.hidden_in(everything) == [urn]
        assert paths.hidden_in(observed) == []


def test_every_root_field_has_a_case() -> None:
    """The cases above cover every root field that leads to governed rows, but for those of the caller alone."""
    root = OBJECTS["Query"].fields
    leading = {name for name, each in root.items() if _kinds(get_named_type(each.type)) - UNGOVERNED}
    assert leading == {*ROOTS, "myWork", "changePlan"}


def test_every_field_that_leads_to_rows_has_a_case() -> None:
    """The cases above cover every field that leads to governed rows, payloads too, or the field has a reason."""
    walked = {f"{owner}.{name}" for owner, name in PATHS} | {f"Query.{name}" for name in ROOTS}
    walked |= {"IngestedName.asset", "IngestedAsset.asset", "IngestedEdge.source", "IngestedEdge.target"}
    walked |= {"AssetSource.ingestion", "AssetSource.alarms", "SourceAlarm.ingestion"}
    walked |= {"Neighbour.asset", "Ownership.inheritedFrom", "Column.derivedFrom", "ColumnRef.dataset"}
    walked |= {"TagAssignment.via", "ModelAlias.version", "Usage.consumers", "UsageByConsumer.consumer"}
    walked |= {"Absence.asset", "Absence.change", "Absence.ingestion", "Absence.spellings", "OtherSpelling.asset"}
    walked |= {"LineageNode.asset", "ImpactedAsset.asset", "LineagePaths.paths", "Query.changePlan", "Impact.assets"}
    walked |= {"Health.causes", *(f"HealthCause.{each}" for each in CAUSES), "GateReport.blockingIncidents"}
    walked |= {"Contamination.sources", *(f"ContaminationSource.{each}" for each in OVERLAP)}
    walked |= {f"GateReport.{each}Evaluations" for each in ("failing", "reported", "contaminated")}
    walked |= {"Scene.elements", "Scene.groups", "SceneElement.asset", "SceneGroup.versionsOf", "LineageDiff.nodes"}
    walked |= {"NodeDifference.before", "NodeDifference.after", "ThinEvent.asset", "Impact.services"}
    walked |= {"SearchResults.hits", "SearchHit.asset", "SearchHit.versions"}
    walked |= {"Impact.experiments", "ThinEventsPayload.events"}
    missing = {
        f"{owner}.{name}"
        for owner, type_ in OBJECTS.items()
        for name, field in type_.fields.items()
        if name not in {"edges", "nodes", "node"}
        and not owner.startswith("__")
        and owner != "Mutation"
        and _kinds(get_named_type(field.type)) - UNGOVERNED
    }
    assert missing - walked == NOT_REACHED.keys() - walked
