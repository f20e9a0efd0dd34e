"""Workflows with their steps, and their runs."""

from enum import Enum
from typing import Annotated

import strawberry

from graphql_schema.assets.asset import Asset
from graphql_schema.catalog.enums import value
from graphql_schema.catalog.relations import (
    CHILD_OF,
    CONTAINS,
    INPUT_TO,
    PRODUCES,
    RUN_OF,
    STARTED_BY,
)
from graphql_schema.fields.connection import After, Connection, First
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parents, ResolvedForAll, resolved_for_all, stored_field
from graphql_schema.fields.refs import (
    AssetRef,
    RunRef,
    UserRef,
    WorkflowRef,
)
from graphql_schema.fields.relation_fields import relation_connections, to_many, to_one
from graphql_schema.fields.scalars import Instant
from graphql_schema.fields.value_types import Metric, MetricInput, Property, PropertyInput
from graphql_schema.inputs.input_fields import COUNT, AssetFields, attribute, reference
from graphql_schema.inputs.kind_entry import Export, KindEntry
from graphql_schema.ports.conditions import In
from graphql_schema.ports.relation_query import RowFilter, newest_first, related

RUNS = newest_first(RUN_OF.into("Run"))


INPUTS = related(INPUT_TO.into())


OUTPUTS = related(PRODUCES.out())


@strawberry.enum(description="The state of a run.")
class RunState(Enum):
    """The state of a run, in the terms of OpenLineage."""

    START = value("START", description="Started.")
    RUNNING = value("RUNNING", description="In progress.")
    COMPLETE = value("COMPLETE", description="Ended successfully.")
    FAIL = value("FAIL", description="Failed.")
    ABORT = value("ABORT", description="Stopped before the end.")


StateArg = Annotated[
    RunState | None, strawberry.argument(description="The state of the runs to list; any state by default.")
]


async def _runs(
    roots: Parents, info: Info, state: StateArg = None, first: First = 20, after: After = None
) -> ResolvedForAll:
    in_state = RowFilter(In("state", (state.name,))) if state else None
    return await relation_connections(roots, info, RUNS, first, after, in_state)


@strawberry.type(description="The definition of a pipeline or of one of its steps.")
class Workflow(Asset):
    """The definition of a pipeline or of one of its steps."""

    workflow_kind: str | None = stored_field("The kind of pipeline, such as `airflow` or `training`.")
    code_ref: str | None = stored_field("The code that defines the workflow, such as a commit or path.")
    schedule: str | None = stored_field("The schedule, as the source writes it.")
    runs: Connection[RunRef] | None = strawberry.field(
        description="The runs of the workflow, newest first by `startedAt`, else by their creation. Runs that were "
        "only referenced, and then those that hide these times, come last.",
        resolver=_runs,
        metadata=resolved_for_all(),
    )
    latest_run: RunRef | None = to_one(
        RUNS, "The newest visible run, the first of `runs`; null if there is none.", "runs"
    )
    inputs: Connection[AssetRef] | None = to_many(
        INPUTS, "The declared inputs of the workflow; inputs of its runs, and of its steps, do not count.", first=50
    )
    outputs: Connection[AssetRef] | None = to_many(
        OUTPUTS, "The declared outputs of the workflow; outputs of its runs, and of its steps, do not count.", first=50
    )
    steps: Connection[WorkflowRef] | None = to_many(
        related(CONTAINS.out("Workflow")), "The steps of the workflow.", first=50
    )


@strawberry.type(description="One execution of a workflow.")
class Run(Asset):
    """One execution of a workflow."""

    state: RunState | None = stored_field("The state of the run.")
    started_at: Instant | None = stored_field("The instant at which the run began.")
    ended_at: Instant | None = stored_field("The instant at which the run ended; null if none was given, or hidden.")
    code_version: str | None = stored_field("The version of the code that was run.")
    params: list[Property] | None = stored_field("The parameters of the run.")
    metrics: list[Metric] | None = stored_field("The metrics that the run measured.")
    error: str | None = stored_field("The error of a failed run.")
    cost_usd: float | None = stored_field("The cost of the run, in US dollars.")
    workflow: WorkflowRef | None = to_one(
        related(RUN_OF.out()), "The workflow that was executed; null if there is none, or it is hidden or deleted."
    )
    parent_run: RunRef | None = to_one(
        related(CHILD_OF.out()), "The run that started this run; null if there is none, or it is hidden or deleted."
    )
    started_by: UserRef | None = to_one(
        related(STARTED_BY.out()), "The person or service account that started the run; null if there is none."
    )
    inputs: Connection[AssetRef] | None = to_many(INPUTS, "The assets that the run read.", first=50)
    outputs: Connection[AssetRef] | None = to_many(OUTPUTS, "The assets that the run produced.", first=50)


@strawberry.input(description="Registers a workflow or one of its steps.")
class WorkflowInput(AssetFields):
    """Registers a workflow or one of its steps."""

    workflow_kind: str | None = attribute("The kind of pipeline, such as `airflow` or `training`.")
    code_ref: str | None = attribute("The code that defines the workflow, such as a commit or path.")
    schedule: str | None = attribute("The schedule, as the source writes it.")
    inputs: list[strawberry.ID] | None = reference(
        INPUT_TO.into(),
        "Ids of the declared inputs of the workflow; the list replaces the one given before. Edges of `link` remain.",
    )
    outputs: list[strawberry.ID] | None = reference(
        PRODUCES.out(),
        "Ids of the declared outputs of the workflow; the list replaces the one given before. Edges of `link` remain.",
    )
    part_of: strawberry.ID | None = reference(
        CONTAINS.into("Workflow"), "The id of the workflow that this one is a step of."
    )


@strawberry.input(
    description="Records a run; further calls advance the state, and earlier states that arrive late are ignored. "
    "`state` is required for the first call. A run without owners gets the team or user that owns the workflow, if the "
    "assets of that owner count as the caller's own."
)
class RunInput(AssetFields):
    """Records a run with its inputs and outputs."""

    workflow: strawberry.ID | None = reference(RUN_OF.out(), "The id of the workflow that is executed.")
    parent_run: strawberry.ID | None = reference(CHILD_OF.out(), "The id of the run that started this run.")
    started_by: strawberry.ID | None = reference(STARTED_BY.out(), "The id of the user who started the run.")
    state: RunState | None = attribute("The state of the run.", required=True)
    started_at: Instant | None = attribute("The instant at which the run began.")
    ended_at: Instant | None = attribute("The instant at which the run ended.")
    code_version: str | None = attribute("The version of the code that was run.")
    params: list[PropertyInput] | None = attribute("The parameters of the run.")
    metrics: list[MetricInput] | None = attribute(
        "The metrics that the run measured; the list replaces the stored one."
    )
    error: str | None = attribute("The error of a failed run.")
    cost_usd: float | None = attribute("The cost of the run, in US dollars.", within=COUNT)
    inputs: list[strawberry.ID] | None = reference(
        INPUT_TO.into(),
        "Ids of the assets that the run read; added to those recorded before.",
        adds=True,
        origin="OBSERVED",
    )
    outputs: list[strawberry.ID] | None = reference(
        PRODUCES.out(),
        "Ids of the assets that the run produced; added to those recorded before.",
        adds=True,
        origin="OBSERVED",
    )


ENTRIES = (
    KindEntry(
        Workflow,
        WorkflowInput,
        "Registers a workflow.",
        Export(
            links={
                "steps": CONTAINS,
            },
        ),
    ),
    KindEntry(
        Run,
        RunInput,
        "Records a run with its inputs and outputs; further calls advance the state.",
        verb="record",
    ),
)
