"""There is one road from a record to an answer, and it leads through the policy: in the code, and on every field."""

import ast
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from graphql import GraphQLField, GraphQLInterfaceType, GraphQLObjectType, GraphQLUnionType, get_named_type
from harness.api import Api, open_api
from harness.janusgraph import StoreGraph
from harness.promotion import approve
from harness.tree import product
from harness.waiting import until

from graphql_schema.catalog import ASSETS, FACTS, KINDS, RELATIONS, VERSION_OF
from graphql_schema.schema import build_schema
from graphql_schema.urn import make_urn

READS_RECORDS = {
    "app.graph.reading.rows.row": "the accessor, which asks the judge",
    "app.graph.reading.rows.ask": "adds the far ends of changes, for the judge",
    "app.graph.reading.points._load": "tells the access log what was asked for and is hidden",
    "app.graph.reading.listings._unfenced": "drops what a fence hides, and takes the position to read on from",
    "app.graph.reading.facts._look": "takes the position to read on from",
    "app.policy.explain.asset_and_caller": "takes the policy attributes alone, for whoever operates the store",
}
"""Functions that may look at the records of an answer, each with its reason."""


MAKE_CLIENTS = {
    "app.services": "for the server",
    "app.policy.commands": "for whoever operates the store and asks why: decisions, no records",
}
"""Modules outside of app.graph that open the store, each with its reason."""


def _calls(name: str) -> Iterator[str]:
    """The modules that call something by its name."""
    for path, module in product().items():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rsplit(".", 1)[-1] == name:
                yield path


def _asks(tree: ast.Module) -> bool:
    """Whether a module deals with the coalescer, whose answers hold records."""
    return any(isinstance(each, ast.ImportFrom) and each.module == COALESCER for each in ast.walk(tree))


COALESCER = "app.graph.coalescer"


def test_rows_are_made_by_the_judge_alone() -> None:
    """Nobody else makes a row of a record, and nothing that is no row is shown as one."""
    assert set(_calls("Row")) == {"app.graph.judge"}
    assert set(_calls("RowView")) == {"app.graph.judge", "app.graph.views"}


def test_records_are_read_through_the_judge_alone() -> None:
    """The records of an answer are looked at by the listed functions, and each of them still does."""
    found = {
        f"{path}.{function.name}"
        for path, module in product().items()
        for function in module.functions
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and node.attr == "records" and _asks(module.tree)
        and isinstance(node.ctx, ast.Load)
    }  # fmt: skip
    assert found == {*READS_RECORDS}


def test_the_store_is_asked_from_one_folder() -> None:
    """Outside of it nobody sends a request; the listed modules make the client, and hand it on."""
    assert {path for path in _calls("submit") if not path.startswith("app.graph")} == set()
    assert {path for path in _calls("GremlinClient") if not path.startswith("app.graph")} == {*MAKE_CLIENTS}
    importers = {
        path
        for path, module in product().items()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.module in {"app.graph.client", "app.graph.coalescer"}
        if not path.startswith("app.graph")
    }
    assert importers == {*MAKE_CLIENTS, "app.policy.explain"}


RISK = "mlg://team/catalog/default/risk"
UMA = "mlg://user/catalog/default/uma"
TAG, DOMAIN = "mlg://tag/catalog/default/t", "mlg://domain/catalog/default/d"
PII = "mlg://tag/catalog/default/pii"
NEAR, FAR = "near", "behind"
UNGOVERNED = frozenset(kind.name for kind in KINDS.values() if not kind.asset)
NOT_REACHED = {
    "Experiment.downstream": "nothing comes from an experiment",
    "Change.subject": "a change is shown to whoever reads its subject",
    "Approval.subject": "an approval is shown to whoever reads its subject",
    "ModelVersion.approvals": "approvals are of the version itself",
    "GateReport.failingEvaluations": "tests/journeys/test_promotion.py: what is hidden does not count",
    "GateReport.blockingIncidents": "incidents are of the version, or of its model that is read",
    "ModelAlias.version": "tests/journeys/test_aliases.py: an alias of what is hidden is not there",
    "ApprovePayload.approval": "tests/journeys/test_approvals.py: the echo of a mutation",
    "Change.reverts": "what a change undid is of the same subject",
    "UpdatePayload.asset": "tests/security/test_leaks_of_writes.py: the echo of a mutation",
    "RegisterPayload.asset": "tests/security/test_leaks_of_writes.py: the echo of a mutation",
    "RegisterAssetsPayload.results": "the same",
    "Subscription.changes": "the same changes as Query.changes; tests/security/test_leaks_of_subscriptions.py walks it",
}
"""Fields that lead to rows and have no hidden one to lead to, each with its reason."""


def _id(kind: str, name: str) -> str:
    return make_urn(KINDS[kind].slug, "test", "", name, "1" if KINDS[kind].versioned else None)


OWNED: dict[str, Any] = {
    "owners": [{"owner": RISK}, {"owner": UMA, "ownership": "STEWARD"}],
    "tags": [TAG],
    "domain": DOMAIN,
}


def _vocabulary() -> list[dict[str, Any]]:
    tags: list[dict[str, Any]] = [
        {"tag": {"name": "t", "tagKind": "FREE"}},
        {"tag": {"name": "pii", "tagKind": "PII", "propagates": True}},
    ]
    return [{"team": {"name": "risk"}}, {"user": {"name": "uma"}}, *tags, {"domain": {"name": "d"}}]


def _item(kind: str, urn: str, **values: Any) -> dict[str, Any]:
    return {f"{kind[0].lower()}{kind[1:]}": {"id": urn, **values}}


def _assets() -> list[dict[str, Any]]:
    """One open and one hidden asset of each kind."""
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
        "Evaluation": {"modelVersion": _id("ModelVersion", FAR)},
        "ExperimentCell": {"experiment": _id("Experiment", FAR)},
    }
    kinds = sorted(ASSETS, key=lambda kind: KINDS[kind].whole is not None or kind in also)
    return [
        _item(kind, _id(kind, name), **also.get(kind, {}), **values)
        for name, values in ((FAR, shut), (NEAR, OWNED))
        for kind in kinds
    ]


def _more() -> list[dict[str, Any]]:
    """Every relation between an open and a hidden asset, in both directions; and what takes more than two."""
    columns = [{"name": "c", "derivedFrom": [{"dataset": _id("Dataset", FAR), "column": "x"}]}]
    served = {"modelVersion": _id("ModelVersion", NEAR), "service": _id("Service", FAR)}
    hidden_versions = [
        _item(kind, f"{_id(kind, NEAR)[:-1]}2", visibility="TEAM", sourceCreatedAt="2031-01-01T00:00:00Z")
        for kind in VERSIONED
    ]
    return [
        *(_item(kind, _open_part(kind), visibility="ORG", owners=OWNED["owners"]) for kind in VERSIONED),
        *hidden_versions,
        _item("Dataset", _id("Dataset", NEAR), columns=columns),
        _item("Deployment", _id("Deployment", "mid"), **served, **OWNED),
        *_links(),
    ]


VERSIONED = tuple(kind.name for kind in KINDS.values() if kind.versioned)


def _open_part(kind: str) -> str:
    """An open version of what is hidden."""
    return f"{_id(kind, FAR)[:-1]}open"


def _links() -> Iterator[dict[str, Any]]:
    for name, relation in RELATIONS.items():
        for source, target in sorted(relation.ends):
            if relation is not VERSION_OF and {source, target} <= {*ASSETS}:
                run = {"runId": _id("Run", FAR)} if relation.lineage else {}
                for ends in ((NEAR, FAR), (FAR, NEAR)):
                    yield {"link": {"relation": name, "from": _id(source, ends[0]), "to": _id(target, ends[1]), **run}}


SCHEMA = build_schema().core
OBJECTS = {name: each for name, each in SCHEMA.type_map.items() if isinstance(each, GraphQLObjectType)}
NODES = frozenset(each.name for each in SCHEMA.get_possible_types(SCHEMA.type_map["Node"]))  # type: ignore[arg-type]


def _kinds(type_: Any) -> frozenset[str]:
    """The kinds of rows that a type may be, or hold as a page or an edge does."""
    if isinstance(type_, GraphQLObjectType) and type_.name not in NODES:
        inside = ("nodes", "asset", "inheritedFrom", "via", "dataset")
        held = [_kinds(get_named_type(type_.fields[name].type)) for name in inside if name in type_.fields]
        return frozenset().union(*held)
    if isinstance(type_, GraphQLObjectType):
        return frozenset({type_.name})
    if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
        return frozenset(each.name for each in SCHEMA.get_possible_types(type_))
    return frozenset()


def _selection(type_: Any) -> str:
    """Every id in what a field leads to."""
    name = type_.name
    if name in FACTS:
        return TOLD[name]
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
    }[name]


TOLD = {
    "Change": "{ id subjectId subject { id } fields { field before after } }",
    "Approval": "{ id subject { id } }",
    "Incident": "{ id }",
}
"""What is selected of facts: whatever of them may name an asset."""


def _roads() -> Iterator[tuple[str, str]]:
    """Every field, of anything that can be asked for by id, that leads to rows of governed kinds."""
    for owner in sorted(NODES):
        for name, field in OBJECTS[owner].fields.items():
            type_ = get_named_type(field.type)
            if type_.name in {"Column", "FieldChange"} or _kinds(type_) - UNGOVERNED:
                yield owner, name


ROADS = [*_roads()]


@pytest.fixture(scope="module")
async def api(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Return the API over the joined assets."""
    async with open_api(module_graph, tmp_path_factory.mktemp("keys")) as opened:
        for part in (_vocabulary(), _assets(), _more()):
            await opened.load(*part)
        await approve(opened, "cy", _id("ModelVersion", NEAR))
        await until(lambda: not opened.services.desk.pending.notes)
        yield opened


APPROVALS = "query ($id: ID!) { asset(id: $id) { ... on ModelVersion { approvals { nodes { id } } } } }"
CHANGES = "query ($ids: [ID!]!) { changes(first: 500, filter: {subjects: $ids}) { nodes { id reverts { id } } } }"


async def _sources(api: Api, owner: str) -> list[str]:
    """The open rows of a kind, or facts about open rows."""
    if owner == "Change":
        found = await api.ask("root", CHANGES, ids=[_id(kind, NEAR) for kind in ASSETS])
        return [node["id"] for node in found["changes"]["nodes"]][:100]
    if owner == "Approval":
        found = await api.ask("root", APPROVALS, id=_id("ModelVersion", NEAR))
        return [node["id"] for node in found["asset"]["approvals"]["nodes"]]
    others = {"Team": RISK, "User": UMA, "Tag": TAG, "Domain": DOMAIN}
    if owner in others:
        return [others[owner]]
    return [_id(owner, NEAR), *([_open_part(owner)] if owner in VERSIONED else [])]


def _asked(name: str, field: GraphQLField) -> str:
    argument = {"version": '(version: "2")', "deployments": "(activeOnly: false, first: 500)"}
    given = argument.get(name) if field.args else ""
    return (
        f"{name}{given or ('(first: 500)' if 'first' in field.args else '')} {_selection(get_named_type(field.type))}"
    )


@pytest.mark.parametrize("road", ROADS, ids=map(".".join, ROADS))
async def test_no_field_leads_to_a_hidden_row(api: Api, road: tuple[str, str]) -> None:
    """Of all that a field leads to, root gets what is hidden from bo, and bo nothing of it."""
    owner, name = road
    asked = _asked(name, OBJECTS[owner].fields[name])
    query = f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {owner} {{ {asked} }} }} }}"
    ids = await _sources(api, owner)
    everything, seen = [await api.ask(who, query, ids=ids) for who in ("root", "bo")]
    assert f"{owner}.{name}" in OPEN_ROADS or _hidden_ids(everything), "not reached"
    assert _hidden_ids(seen) == []


OPEN_ROADS = frozenset(NOT_REACHED) | {
    f"{owner}.{name}"
    for owner, name in ROADS
    if (name == "tags" and owner in {"Deployment", "Experiment", "ExperimentCell"})
    or (name == "owners" and owner in KINDS and KINDS[owner].whole is None)
}
"""What leads to people and vocabulary only, which all may see, or nowhere, and kinds at which no tag arrives."""


def _hidden_ids(answer: Any) -> list[str]:
    """The hidden ids in an answer; a version that is open spells out the name of its whole."""
    if isinstance(answer, str):
        hidden = f"/{FAR}" in answer and not answer.endswith("@open")
        return [answer] if hidden or answer.endswith(f"{NEAR}@2") else []
    parts = answer.values() if isinstance(answer, dict) else answer if isinstance(answer, list) else ()
    return [found for part in parts for found in _hidden_ids(part)]


ROOTS = {
    "node": "node(id: $id) { id }",
    "nodes": "nodes(ids: [$id]) { id }",
    "asset": "asset(id: $id) { id }",
    "changes": "changes(filter: {subjects: [$id]}) { totalCount nodes { subjectId subject { id } } }",
    "assets": "assets(filter: {ids: [$id]}) { totalCount nodes { id } edges { node { id } } }",
}


@pytest.mark.parametrize("kind", ASSETS)
async def test_no_root_leads_to_a_hidden_row(api: Api, kind: str) -> None:
    """Neither by id nor listed: each field of the root that leads to assets is asked for one of each kind."""
    root = OBJECTS["Query"].fields
    leading = {name for name, field in root.items() if _kinds(get_named_type(field.type)) - UNGOVERNED}
    assert leading == set(ROOTS)
    for text in ROOTS.values():
        query = f"query ($id: ID!) {{ {text} }}"
        assert FAR in str(await api.ask("root", query, id=_id(kind, FAR)))
        assert FAR not in str(await api.ask("bo", query, id=_id(kind, FAR)))


def test_every_field_that_leads_to_rows_is_walked() -> None:
    """A field of any type that leads to governed rows is among those above, or is listed with its reason.

    What mutations answer are payloads, whose own fields are among them.
    """
    inside = {"edges", "nodes", "node"}
    walked = {f"{owner}.{name}" for owner, name in ROADS} | {f"Query.{name}" for name in ROOTS}
    walked |= {"Neighbour.asset", "Ownership.inheritedFrom", "Column.derivedFrom", "ColumnRef.dataset"}
    missing = {
        f"{owner}.{name}"
        for owner, type_ in OBJECTS.items()
        for name, field in type_.fields.items()
        if name not in inside
        and not owner.startswith("__")
        and owner != "Mutation"
        and _kinds(get_named_type(field.type)) - UNGOVERNED
    }
    assert missing - walked == NOT_REACHED.keys() - walked
