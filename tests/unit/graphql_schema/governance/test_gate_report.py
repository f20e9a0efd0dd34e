"""The gate report of a version, as far as the viewer may see its evidence."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from threading import get_ident
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from support.estates.wide_lineage import noted_threads
from support.stores.plain_reader import PlainGraph

from graphql_schema.catalog.urn import is_urn
from graphql_schema.execution.side_thread import run_aside
from graphql_schema.fields.context import Context, Info
from graphql_schema.governance import gate_report
from graphql_schema.governance.gate_report import MANY_RECORDS, RECORD_BYTES
from graphql_schema.ports.relation_query import PageRequest, RelationQuery
from graphql_schema.ports.row import Row, RowPage
from graphql_schema.rules import gate_evaluation
from graphql_schema.schema import GraphSchema
from policies.installation.gates import load_gates
from policies.principal import Principal

VERSION = "mlg://model-version/test/default/ranker@1"
NOW = 1_000
REPORT = """query ($id: ID!) { asset(id: $id) { ... on ModelVersion { gate(alias: "champion") {
  open complete missingApprovals failingEvaluations { name } blockingIncidents { id } sensitivityViolations } } } }"""


@pytest.fixture
def estate(graph: PlainGraph) -> PlainGraph:
    """Add a version of a model of high risk, with nothing that a gate needs."""
    model = graph.add("MODEL", "ranker", riskTier="HIGH", ownerTeam="")
    version = graph.add("MODEL_VERSION", "ranker", version="1", sensitivity="INTERNAL", ownerTeam="")
    graph.join("VERSION_OF", version, model)
    return graph


def approve(graph: PlainGraph, gate: str, at: int, decision: str = "APPROVED", **values: object) -> None:
    """Record a decision about the version."""
    urn = graph.add(
        "APPROVAL", f"{gate}-{at}", gate=gate, decision=decision, createdAt=at, decidedAt=at, decidedBy=gate, **values
    )
    graph.join("DECIDED_FOR", urn, VERSION, at=at)


async def report(schema: GraphSchema, graph: PlainGraph, ada: Principal) -> Any:
    """Return the report of the version under the shipped gates."""
    context = Context(ada, lambda *_: graph, graph, graph.report, b"k" * 32, lambda: NOW, gates=load_gates(is_urn))
    found = await schema.execute(REPORT, variable_values={"id": VERSION}, context_value=context)
    assert isinstance(found, ExecutionResult)
    assert found.errors is None
    return found.data["asset"]["gate"]


async def test_a_version_of_high_risk_needs_two_approvals(
    schema: GraphSchema, estate: PlainGraph, ada: Principal
) -> None:
    """Each valid approval closes one gap; an expired or revoked one closes none."""
    assert (await report(schema, estate, ada))["missingApprovals"] == ["governance", "release"]
    approve(estate, "release", 10)
    approve(estate, "governance", 10, expiresAt=NOW)
    assert (await report(schema, estate, ada))["missingApprovals"] == ["governance"]
    approve(estate, "governance", 20)
    assert (await report(schema, estate, ada)) == {
        "open": True,
        "complete": True,
        "missingApprovals": [],
        "failingEvaluations": [],
        "blockingIncidents": [],
        "sensitivityViolations": [],
    }
    approve(estate, "release", 30, "REVOKED")
    assert (await report(schema, estate, ada))["missingApprovals"] == ["release"]


async def test_incidents_of_version_and_model_block(schema: GraphSchema, estate: PlainGraph, ada: Principal) -> None:
    """Open incidents of a severe kind block, on either; resolved and mild ones do not."""
    model = "mlg://model/test/default/ranker"
    rows = [(VERSION, "a", "OPEN", "HIGH"), (model, "b", "OPEN", "CRITICAL")]
    rows += [(VERSION, "c", "RESOLVED", "HIGH"), (model, "d", "OPEN", "LOW")]
    for asset, name, state, severity in rows:
        graph_urn = estate.add("INCIDENT", name, state=state, severity=severity, subjects=[asset])
        estate.join("RAISED_ON", graph_urn, asset)
    found = await report(schema, estate, ada)
    assert [each["id"] for each in found["blockingIncidents"]] == [
        "mlg://incident/test/default/a",
        "mlg://incident/test/default/b",
    ]
    assert not found["open"]


async def test_failing_evaluations_and_sensitivity_are_listed(
    schema: GraphSchema, estate: PlainGraph, ada: Principal
) -> None:
    """The report names each failing evaluation, and says why the version is too sensitive."""
    for name, verdict in (("bad", "FAIL"), ("good", "PASS")):
        estate.join("EVALUATED_BY", VERSION, estate.add("EVALUATION", name, verdict=verdict, ownerTeam=""))
    estate.records[VERSION]["sensitivity"] = "RESTRICTED"
    found = await report(schema, estate, ada)
    assert found["failingEvaluations"] == [{"name": "bad"}]
    assert found["sensitivityViolations"] == ["The version is RESTRICTED, and at most CONFIDENTIAL may pass."]


async def test_a_gate_with_unread_evaluations_is_not_open(
    schema: GraphSchema, estate: PlainGraph, ada: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of those that are too many to read may fail; those that were read are listed."""
    for gate in ("release", "governance"):
        approve(estate, gate, 10)
    estate.join("EVALUATED_BY", VERSION, estate.add("EVALUATION", "good", verdict="PASS", ownerTeam=""))
    found = await report(schema, estate, ada)
    assert (found["open"], found["complete"]) == (True, True)
    read = PlainGraph.related

    async def in_part(graph: PlainGraph, source: Row, query: RelationQuery, page: PageRequest) -> RowPage:
        return replace(await read(graph, source, query, page), has_next=page.in_parts)

    monkeypatch.setattr(PlainGraph, "related", in_part)
    found = await report(schema, estate, ada)
    assert (found["open"], found["complete"], found["missingApprovals"]) == (False, False, [])


async def test_many_evaluations_are_examined_in_the_side_thread(
    schema: GraphSchema, estate: PlainGraph, ada: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others run beside the gate of a version with thousands of evaluations of strangers; a few are done at once."""
    noted = noted_threads(monkeypatch, gate_report, "may_decide")
    noted_rules = noted_threads(monkeypatch, gate_evaluation, "counts_for")
    side = await run_aside(get_ident)
    for numbers, thread in ((range(MANY_RECORDS), get_ident()), (range(MANY_RECORDS, MANY_RECORDS + 1), side)):
        for number in numbers:
            each = estate.add("EVALUATION", f"e{number}", verdict="FAIL", ownerTeam="mlg://team/t/d/strangers")
            estate.join("EVALUATED_BY", VERSION, each)
        noted.clear()
        noted_rules.clear()
        assert (await report(schema, estate, ada))["failingEvaluations"] == []
        assert noted | noted_rules == {("may_decide", thread), ("counts_for", thread)}


async def test_many_incidents_are_examined_in_the_side_thread(
    schema: GraphSchema, estate: PlainGraph, ada: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their records are copied and evaluated there, and all that block are listed by id."""
    noted = noted_threads(monkeypatch, gate_report, "visible_fields")
    noted_rules = noted_threads(monkeypatch, gate_evaluation, "counts_on")
    for number in range(MANY_RECORDS + 1):
        each = estate.add("INCIDENT", f"i{number:04}", state="OPEN", severity="HIGH", subjects=[VERSION])
        estate.join("RAISED_ON", each, VERSION)
    found = [each["id"] for each in (await report(schema, estate, ada))["blockingIncidents"]]
    assert found == [f"mlg://incident/test/default/i{number:04}" for number in range(MANY_RECORDS + 1)]
    side = await run_aside(get_ident)
    assert ("visible_fields", side) in noted
    assert noted_rules == {("counts_on", side)}


async def test_what_is_hidden_does_not_count(schema: GraphSchema, estate: PlainGraph, ada: Principal) -> None:
    """A hidden risk tier needs no approval, a hidden verdict fails nothing, a hidden sensitivity violates nothing."""
    estate.join("EVALUATED_BY", VERSION, estate.add("EVALUATION", "bad", verdict="FAIL", ownerTeam=""))
    estate.records[VERSION]["sensitivity"] = "RESTRICTED"
    estate.hidden = {"MODEL": {"riskTier"}, "EVALUATION": {"verdict"}}
    assert (await report(schema, estate, ada))["open"]
    estate.hidden = {"EVALUATION": {"verdict"}, "MODEL_VERSION": {"sensitivity"}}
    found = await report(schema, estate, ada)
    assert (found["missingApprovals"], found["sensitivityViolations"]) == (["governance", "release"], [])


@pytest.mark.parametrize("is_hidden", [False, True])
async def test_the_owner_of_a_hidden_model_decides_nothing(
    schema: GraphSchema, estate: PlainGraph, ada: Principal, *, is_hidden: bool
) -> None:
    """The evaluation of the user who owns the model closes the gate only for who sees the model."""
    hana = "mlg://user/test/default/hana"
    for record in estate.records.values():
        record |= {"ownerTeam": hana, "riskTier": "LOW"}
    owners = {"index": {"owners": [[hana, ["TECHNICAL"]]]}}
    estate.join("EVALUATED_BY", VERSION, estate.add("EVALUATION", "bad", verdict="FAIL", ownerTeam=hana, **owners))
    if is_hidden:
        del estate.records["mlg://model/test/default/ranker"], estate.edges[0]
    found = await report(schema, estate, ada)
    assert found["failingEvaluations"] == ([] if is_hidden else [{"name": "bad"}])


async def test_a_version_without_a_visible_model_has_no_risk(
    schema: GraphSchema, graph: PlainGraph, ada: Principal
) -> None:
    """The gate is evaluated with an empty model, and only what applies to every model counts."""
    graph.add("MODEL_VERSION", "ranker", version="1", sensitivity="RESTRICTED", ownerTeam="")
    assert (await report(schema, graph, ada))["open"]


async def test_the_evidence_of_few_gates_is_in_memory(
    schema: GraphSchema, estate: PlainGraph, ada: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thirty aliases of the gates of 490 versions copied the incidents of their model 2,000 times, 1.9 GB."""
    for number in range(9):
        each = estate.add("INCIDENT", f"i{number}", state="OPEN", severity="HIGH", subjects=[VERSION])
        estate.join("RAISED_ON", each, VERSION)
    running, most = 0, list[tuple[int, int]]()
    contaminated = gate_report._contaminated  # noqa: SLF001

    async def noted(info: Info, urns: Sequence[str]) -> frozenset[str]:
        nonlocal running
        running += 1
        await asyncio.sleep(0)
        most.append((running, info.context.budget.stored))
        running -= 1
        return await contaminated(info, urns)

    monkeypatch.setattr(gate_report, "_contaminated", noted)
    monkeypatch.setattr(gate_report, "GATES_AT_ONCE", 2)
    aliases = " ".join(f'a{number}: gate(alias: "a{number}") {{ open }}' for number in range(7))
    context = Context(ada, lambda *_: estate, estate, estate.report, b"k" * 32, lambda: NOW, gates=load_gates(is_urn))
    document = f'{{ asset(id: "{VERSION}") {{ ... on ModelVersion {{ {aliases} }} }} }}'
    found = await schema.execute(document, context_value=context)
    assert isinstance(found, ExecutionResult)
    assert found.errors is None
    assert len(most) == 7
    assert max(most) == (2, 2 * 9 * RECORD_BYTES)
    assert context.budget.stored == 0
