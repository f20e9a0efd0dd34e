"""The gate report of a version: whether a protected alias may point at it, by the evidence visible to the viewer."""

import asyncio
from collections.abc import Generator, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Final

import strawberry

from graphql_schema.catalog.enums import ContaminationVerdict
from graphql_schema.catalog.relations import DECIDED_FOR, EVALUATED_BY, RAISED_ON, VERSION_OF
from graphql_schema.execution.many_calls import gathered
from graphql_schema.execution.side_thread import run_in_parts
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, Resolved, SchemaField, depends_on, stored_field
from graphql_schema.fields.refs import EvaluationRef, IncidentRef
from graphql_schema.ports.outcomes import GateResult
from graphql_schema.ports.record import Record
from graphql_schema.ports.relation_query import ALL, ALL_IN_PARTS, ONE, newest_first, related
from graphql_schema.ports.row import Row, RowPage
from graphql_schema.rules.gate_evaluation import (
    EVALUATION_FIELDS,
    Evidence,
    evaluate_gate,
    evaluations_to_examine,
    may_decide,
    selectors,
    visible_fields,
)
from graphql_schema.rules.observation.known_owner import OwnerOf, known_owner
from policies.installation.gates import Needs

MODEL = related(VERSION_OF.out())
APPROVALS = newest_first(DECIDED_FOR.into("Approval"))
EVALUATIONS = related(EVALUATED_BY.out())
_INCIDENTS = related(RAISED_ON.into("Incident"))
_OF_MODEL = related([VERSION_OF.out(), RAISED_ON.into("Incident")], inputs=("ModelVersion.model",))

MANY_RECORDS: Final = 500
"""Number of evaluations, approvals and incidents above which the side thread examines them; so many take 3 ms."""

GATES_AT_ONCE: Final = 100
"""Maximal number of gates of an operation whose evidence is in memory: aliases have the same incidents in each."""

RECORD_BYTES: Final = 500
"""Bytes of memory of a record of the evidence, whose visible fields are copied."""

_UNREAD: Final = "The version has more evaluations than one operation may read."

AliasArg = Annotated[str, strawberry.argument(description="The alias that would point at the version.")]


async def _evaluations(root: Parent, info: Info) -> Resolved:
    return await _rows(info, root.failing_evaluations)


async def _reported(root: Parent, info: Info) -> Resolved:
    return await _rows(info, root.reported_evaluations)


async def _contaminated_evaluations(root: Parent, info: Info) -> Resolved:
    return await _rows(info, root.contaminated_evaluations)


async def _complete(root: Parent) -> bool:
    return not root.unread_evaluations


async def _incidents(root: Parent, info: Info) -> Resolved:
    return await _rows(info, root.blocking_incidents)


async def _rows(info: Info, urns: Sequence[str]) -> list[Row]:
    if not urns:
        return []
    found = await info.context.reader.nodes(urns)
    await info.context.budget.pause()
    return [row for row in found if row is not None]


@strawberry.type(description="Whether a protected alias may point at a version, and what is missing.")
class GateReport:
    """Whether a version passes its gates; the source is a :class:`~graphql_schema.ports.outcomes.GateResult`."""

    open: bool = stored_field(
        "Whether nothing is missing. Only a protected alias requires this of its version. In the payload of a move, it "
        "is also false for evaluations that close the gate and are hidden from you."
    )
    complete: bool = strawberry.field(
        description="Whether all evaluations of the version were examined. If not, they are too many to read, and "
        "`open` is false; a dry run of `setAlias` examines all.",
        resolver=_complete,
    )
    missing_approvals: list[str] = stored_field(
        "Approval names that the gates need and under which the version has no valid approval."
    )
    repeated_approvers: list[str] = stored_field(
        "Sentences on persons who gave several approvals that must be of different people; empty if there are none."
    )
    failing_evaluations: list[EvaluationRef] = strawberry.field(
        description="Evaluations with the verdict FAIL that close a gate: not retired, and with the owner of the "
        "version or a team that the gate names as their owner.",
        resolver=_evaluations,
    )
    reported_evaluations: list[EvaluationRef] = strawberry.field(
        description="Evaluations with the verdict FAIL that close no gate only because of their owner. It is neither "
        "that of the version nor a team that the gate names.",
        resolver=_reported,
    )
    contaminated_evaluations: list[EvaluationRef] = strawberry.field(
        description="Evaluations, not retired and with an owner as in `failingEvaluations`, whose `contamination` is "
        "not CLEAN or is hidden; empty unless a gate requires uncontaminated evaluations.",
        resolver=_contaminated_evaluations,
    )
    blocking_incidents: list[IncidentRef] = strawberry.field(
        description="Open incidents on the version or its model with a severity that closes a gate.",
        resolver=_incidents,
    )
    sensitivity_violations: list[str] = stored_field(
        "A sentence if the sensitivity of the version is above the highest that the gates allow; otherwise empty."
    )


async def _gate(root: Parent, info: Info, alias: AliasArg) -> GateResult:
    return await gate_of(info, root, alias)


async def gate_of(info: Info, root: Row, alias: str) -> GateResult:
    """Return what a version lacks before a protected alias may point at it, by the evidence visible to the viewer."""
    reader, gates = info.context.reader, info.context.gates
    models, evaluations, *others = await asyncio.gather(
        reader.related(root, MODEL, ONE),
        reader.related(root, EVALUATIONS, ALL_IN_PARTS),
        *(reader.related(root, query, ALL) for query in (APPROVALS, _INCIDENTS, _OF_MODEL)),
    )
    parents = {item.row.urn: item.row for item in models.items}
    owner_of = partial(known_owner, row_of=parents.get)
    version, *shown = (_owned(row, owner_of) for row in (root, *parents.values()))
    model = shown[0] if shown else {}
    needs = gates.needs(alias, selectors(model))
    budget, known = info.context.budget, Evidence(model, version)
    is_long = sum(len(page.items) for page in (evaluations, *others)) > MANY_RECORDS
    await budget.pause()
    async with budget.slot("evidence", GATES_AT_ONCE) as hold:
        evidence = await run_in_parts(_with_records(known, needs, owner_of, evaluations, *others), is_long=is_long)
        hold(RECORD_BYTES * evidence.size)
        examined = await run_in_parts(evaluations_to_examine(gates, alias, evidence), is_long=is_long)
        unclean = await _contaminated(info, [each["id"] for each in examined])
        evidence = replace(evidence, contaminated=unclean)
        result = await run_in_parts(evaluate_gate(gates, alias, evidence, info.context.now()), is_long=is_long)
    return replace(result, unread_evaluations=(_UNREAD,)) if evaluations.has_next else result


def _with_records(
    known: Evidence, needs: Needs, owner_of: OwnerOf, evaluations: RowPage, approvals: RowPage, *incidents: RowPage
) -> Generator[None, None, Evidence]:
    """Return evidence with the records of its lists; pauses after each.

    Anybody may record evaluations of a version, so those that cannot decide are left out, and few fields are copied.
    """
    deciding: list[Record] = []
    for item in evaluations.items:
        owner = owner_of(item.row)
        if may_decide(needs, known.version, {"ownerTeam": owner}, item.row.visible_value("verdict")):
            shown = {name: item.row.visible_value(name) for name in EVALUATION_FIELDS}
            deciding.append({**shown, "ownerTeam": owner})
        yield
    lists: list[list[Record]] = []
    for found in (approvals.items, [item for page in incidents for item in page.items]):
        lists.append([])
        for item in found:
            lists[-1].append(_shown(item.row))
            yield
    return replace(known, approvals=lists[0], evaluations=deciding, incidents=lists[1])


async def _contaminated(info: Info, urns: Sequence[str]) -> frozenset[str]:
    """Return the ids of the evaluations that are not CLEAN, among them those that hide their contamination."""
    clean: set[str] = set()

    async def examine(row: Row) -> None:
        if row.reads("contamination"):
            found = await info.context.reader.contamination(row)
            clean.update({row.urn} if found.verdict is ContaminationVerdict.CLEAN else ())

    await gathered(info.context.budget, [partial(examine, row) for row in await _rows(info, urns)], "gate")
    return frozenset(urns) - clean


def _owned(row: Row, owner_of: OwnerOf) -> Record:
    """Return the visible fields of an asset, with its owner if this is visible to the viewer."""
    return {**_shown(row), "ownerTeam": owner_of(row)}


def _shown(row: Row) -> Record:
    return visible_fields(row.record, row.access.hidden)


def gate_field() -> SchemaField:
    """Return the field of a model version that reports its gate."""
    return strawberry.field(
        description="Whether a protected alias may point at the version, and what is missing. Evidence that is hidden "
        "from you does not count, and a hidden `contamination` is not CLEAN. A move also counts hidden evaluations; a "
        "dry run of `setAlias` evaluates them.",
        resolver=_gate,
        metadata=depends_on(
            "approvals",
            "evaluations",
            "model",
            "sensitivity",
            "Model.riskTier",
            "Model.domain",
            "Evaluation.contamination",
        ),
    )
