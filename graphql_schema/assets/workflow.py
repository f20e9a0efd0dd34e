"""Workflows, their steps and their runs."""

from enum import Enum
from typing import Annotated, Any

import strawberry

from graphql_schema.assets.asset import Asset
from graphql_schema.catalog.enums import value
from graphql_schema.catalog.relations import CHILD_OF, CONTAINS, INPUT_TO, PRODUCES, RUN_OF, STARTED_BY
from graphql_schema.fields.connection import After, Connection, First
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, stored_field
from graphql_schema.fields.refs import AssetRef, RunRef, UserRef, WorkflowRef
from graphql_schema.fields.relation_fields import relation_connection, to_many, to_one
from graphql_schema.fields.scalars import Instant
from graphql_schema.fields.value_types import Metric, MetricInput, Property, PropertyInput
from graphql_schema.inputs.input_fields import COUNT, AssetFields, reference
from graphql_schema.inputs.input_fields import attribute as value_input_fields
from graphql_schema.inputs.register_field import register_field
from graphql_schema.ports.conditions import In
from graphql_schema.ports.relation_query import RowFilter, newest_first, related

RUNS = newest_first(RUN_OF.into("Run"))


INPUTS = related(INPUT_TO.into())


OUTPUTS = related(PRODUCES.out())


@strawberry.enum(description="The state of a run.")
class RunState(Enum):
    """The state of a run, in the words of OpenLineage."""

    START = value("START", description="It has begun.")
    RUNNING = value("RUNNING", description="It goes on.")
    COMPLETE = value("COMPLETE", description="It ended well.")
    FAIL = value("FAIL", description="It failed.")
    ABORT = value("ABORT", description="It was stopped.")


StateArg = Annotated[RunState | None, strawberry.argument(description="Only runs in this state.")]


async def _runs(root: Parent, info: Info, state: StateArg = None, first: First = 20, after: After = None) -> Any:
    in_state = RowFilter(In("state", (state.name,))) if state else None
    return await relation_connection(root, info, RUNS, first, after, in_state)


@strawberry.type(description="The definition of a pipeline or of one of its steps.")
class Workflow(Asset):
    """The definition of a pipeline or of one of its steps."""

    workflow_kind: str | None = stored_field("What kind of pipeline it is, such as `airflow` or `training`.")
    code_ref: str | None = stored_field("The code that defines it.")
    schedule: str | None = stored_field("When it runs, as the source writes it.")
    runs: Connection[RunRef] | None = strawberry.field(description="Its runs, newest start first.", resolver=_runs)
    latest_run: RunRef | None = to_one(RUNS, "The run that started last.", "runs")
    inputs: Connection[AssetRef] | None = to_many(
        INPUTS, "Declared inputs of the pipeline as such; those of one execution hang on the run.", first=50
    )
    outputs: Connection[AssetRef] | None = to_many(
        OUTPUTS, "Declared outputs of the pipeline as such; those of one execution hang on the run.", first=50
    )
    steps: Connection[WorkflowRef] | None = to_many(related(CONTAINS.out("Workflow")), "Its steps.", first=50)


@strawberry.type(description="One execution of a workflow.")
class Run(Asset):
    """One execution of a workflow."""

    state: RunState | None = stored_field("How far it is.")
    started_at: Instant | None = stored_field("When it began.")
    ended_at: Instant | None = stored_field("When it ended; null while it goes on.")
    code_version: str | None = stored_field("The version of the code that ran.")
    params: list[Property] | None = stored_field("The parameters it ran with.")
    metrics: list[Metric] | None = stored_field("What it measured.")
    error: str | None = stored_field("Why it failed.")
    cost_usd: float | None = stored_field("What it cost, in US dollars.")
    workflow: WorkflowRef | None = to_one(related(RUN_OF.out()), "The workflow it executed.")
    parent_run: RunRef | None = to_one(related(CHILD_OF.out()), "The run that it is a part of.")
    started_by: UserRef | None = to_one(related(STARTED_BY.out()), "The person or service account that started it.")
    inputs: Connection[AssetRef] | None = to_many(INPUTS, "What it read.", first=50)
    outputs: Connection[AssetRef] | None = to_many(OUTPUTS, "What it made.", first=50)


@strawberry.input(description="Registers a workflow or one of its steps.")
class WorkflowInput(AssetFields):
    """Registers a workflow."""

    workflow_kind: str | None = value_input_fields("What kind of pipeline it is.")
    code_ref: str | None = value_input_fields("The code that defines it.")
    schedule: str | None = value_input_fields("When it runs, as the source writes it.")
    inputs: list[strawberry.ID] | None = reference(INPUT_TO.into(), "Ids of declared inputs of the pipeline as such.")
    outputs: list[strawberry.ID] | None = reference(PRODUCES.out(), "Ids of declared outputs of the pipeline as such.")
    part_of: strawberry.ID | None = reference(CONTAINS.into("Workflow"), "The id of the workflow that it is a step of.")


register_workflow = register_field(WorkflowInput, "Registers a workflow.")


@strawberry.input(description="Records a run; call again to move its state on. The first time its state is needed.")
class RunInput(AssetFields):
    """Records a run with what it read and made."""

    workflow: strawberry.ID | None = reference(RUN_OF.out(), "The id of the workflow it executes.")
    parent_run: strawberry.ID | None = reference(CHILD_OF.out(), "The id of the run that it is a part of.")
    started_by: strawberry.ID | None = reference(STARTED_BY.out(), "The id of the user that started it.")
    state: RunState | None = value_input_fields("How far it is.", required=True)
    started_at: Instant | None = value_input_fields("When it began.")
    ended_at: Instant | None = value_input_fields("When it ended.")
    code_version: str | None = value_input_fields("The version of the code that ran.")
    params: list[PropertyInput] | None = value_input_fields("The parameters it ran with.")
    metrics: list[MetricInput] | None = value_input_fields("What it measured.")
    error: str | None = value_input_fields("Why it failed.")
    cost_usd: float | None = value_input_fields("What it cost, in US dollars.", within=COUNT)
    inputs: list[strawberry.ID] | None = reference(
        INPUT_TO.into(), "Ids of what it read; added to those recorded before.", adds=True, origin="OBSERVED"
    )
    outputs: list[strawberry.ID] | None = reference(
        PRODUCES.out(), "Ids of what it made; added to those recorded before.", adds=True, origin="OBSERVED"
    )


record_run = register_field(RunInput, "Records a run with its inputs and outputs; call again to move its state on.")
