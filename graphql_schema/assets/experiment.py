"""Experiments and their cells."""

from enum import Enum

import strawberry

from graphql_schema.assets.asset import Asset
from graphql_schema.assets.kind_entry import Export, KindEntry
from graphql_schema.catalog.enums import value
from graphql_schema.catalog.relations import CELL_OF, TESTED_IN
from graphql_schema.fields.connection import Connection
from graphql_schema.fields.field import stored_field
from graphql_schema.fields.refs import AssetRef, ExperimentCellRef, ExperimentRef
from graphql_schema.fields.relation_fields import to_many, to_one
from graphql_schema.fields.scalars import Instant
from graphql_schema.inputs.input_fields import SHARE, AssetFields, attribute, reference
from graphql_schema.ports.relation_query import related


@strawberry.enum(description="The state of an experiment.")
class ExperimentState(Enum):
    """The state of an experiment."""

    DRAFT = value("DRAFT", description="Being prepared.")
    RUNNING = value("RUNNING", description="On.")
    STOPPED = value("STOPPED", description="Over.")


@strawberry.type(description="An online test.")
class Experiment(Asset):
    """An online test."""

    hypothesis: str | None = stored_field("What it is to find out.")
    state: ExperimentState | None = stored_field("How far it is.")
    started_at: Instant | None = stored_field("When it began.")
    ended_at: Instant | None = stored_field("When it ended; null while it goes on.")
    cells: Connection[ExperimentCellRef] | None = to_many(related(CELL_OF.into()), "Its arms.")


@strawberry.type(description="One arm of an experiment.")
class ExperimentCell(Asset):
    """One arm of an experiment."""

    cell: str | None = stored_field("The name of the arm.")
    allocation: float | None = stored_field("The share of the traffic that it takes, from 0 to 1.")
    experiment: ExperimentRef | None = to_one(related(CELL_OF.out()), "The experiment that it is an arm of.")
    subjects: Connection[AssetRef] | None = to_many(
        related(TESTED_IN.into()), "Model versions and deployments that it tests."
    )


@strawberry.input(description="Registers an experiment.")
class ExperimentInput(AssetFields):
    """Registers an experiment."""

    hypothesis: str | None = attribute("What it is to find out.")
    state: ExperimentState | None = attribute("How far it is.")
    started_at: Instant | None = attribute("When it began.")
    ended_at: Instant | None = attribute("When it ended.")


@strawberry.input(description="Registers an arm of an experiment; the first time its experiment is needed.")
class ExperimentCellInput(AssetFields):
    """Registers an arm of an experiment."""

    experiment: strawberry.ID | None = reference(
        CELL_OF.out(), "The id of the experiment that it is an arm of.", required=True
    )
    cell: str | None = attribute("The name of the arm.")
    allocation: float | None = attribute("The share of the traffic that it takes, from 0 to 1.", within=SHARE)
    subjects: list[strawberry.ID] | None = reference(
        TESTED_IN.into(), "Ids of model versions and deployments that it tests."
    )


ENTRIES = (
    KindEntry(Experiment, ExperimentInput, "Registers an experiment.", Export("hypothesis state startedAt endedAt")),
    KindEntry(
        ExperimentCell,
        ExperimentCellInput,
        "Registers an arm of an experiment.",
        Export("cell allocation experiment { id }"),
    ),
)
