"""Experiments and their cells, the arms of an experiment."""

from enum import Enum

import strawberry

from graphql_schema.assets.asset import Asset
from graphql_schema.catalog.enums import value
from graphql_schema.catalog.relations import CELL_OF, TESTED_IN
from graphql_schema.fields.connection import Connection
from graphql_schema.fields.field import stored_field
from graphql_schema.fields.refs import AssetRef, ExperimentCellRef, ExperimentRef
from graphql_schema.fields.relation_fields import to_many, to_one
from graphql_schema.fields.scalars import Instant
from graphql_schema.inputs.input_fields import SHARE, AssetFields, attribute, reference
from graphql_schema.inputs.kind_entry import KindEntry
from graphql_schema.ports.relation_query import related


@strawberry.enum(description="The state of an experiment.")
class ExperimentState(Enum):
    """The state of an experiment."""

    DRAFT = value("DRAFT", description="In preparation.")
    RUNNING = value("RUNNING", description="Running.")
    STOPPED = value("STOPPED", description="Ended.")


@strawberry.type(description="An online test with several arms.")
class Experiment(Asset):
    """An online test with several arms."""

    hypothesis: str | None = stored_field("The hypothesis that the experiment tests.")
    state: ExperimentState | None = stored_field("The state of the experiment.")
    started_at: Instant | None = stored_field("The instant at which the experiment began.")
    ended_at: Instant | None = stored_field(
        "The instant at which the experiment ended; null if none was given, or hidden."
    )
    cells: Connection[ExperimentCellRef] | None = to_many(related(CELL_OF.into()), "The arms of the experiment.")


@strawberry.type(description="One arm of an experiment.")
class ExperimentCell(Asset):
    """One arm of an experiment."""

    cell: str | None = stored_field("The name of the arm.")
    allocation: float | None = stored_field("The share of the traffic that the arm receives, from 0 to 1.")
    experiment: ExperimentRef | None = to_one(
        related(CELL_OF.out()), "The experiment of the arm; null if there is none, or it is hidden or deleted."
    )
    subjects: Connection[AssetRef] | None = to_many(
        related(TESTED_IN.into()),
        "The deployments and model versions that the arm tests: declared, or inferred for a version from a deployment.",
    )


@strawberry.input(description="Registers an experiment.")
class ExperimentInput(AssetFields):
    """Registers an experiment."""

    hypothesis: str | None = attribute("The hypothesis that the experiment tests.")
    state: ExperimentState | None = attribute("The state of the experiment.")
    started_at: Instant | None = attribute("The instant at which the experiment began.")
    ended_at: Instant | None = attribute("The instant at which the experiment ended.")


@strawberry.input(description="Registers an arm of an experiment. `experiment` is required for the first registration.")
class ExperimentCellInput(AssetFields):
    """Registers an arm of an experiment."""

    experiment: strawberry.ID | None = reference(CELL_OF.out(), "The id of the experiment of the arm.", required=True)
    cell: str | None = attribute("The name of the arm.")
    allocation: float | None = attribute("The share of the traffic that the arm receives, from 0 to 1.", within=SHARE)
    subjects: list[strawberry.ID] | None = reference(
        TESTED_IN.into(),
        "Ids of the model versions and deployments that the arm tests; "
        "the list replaces the one given before. Edges of `link` remain.",
    )


ENTRIES = (
    KindEntry(Experiment, ExperimentInput, "Registers an experiment."),
    KindEntry(
        ExperimentCell,
        ExperimentCellInput,
        "Registers an arm of an experiment.",
    ),
)
