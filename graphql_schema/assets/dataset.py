"""Datasets with their columns, and their snapshots."""

from typing import Annotated, ClassVar

import strawberry

from graphql_schema.assets.asset import Asset, AssetVersion, Versioned
from graphql_schema.catalog.enums import Sensitivity
from graphql_schema.catalog.relations import DERIVES, FEEDS, INPUT_TO, PRODUCES, VERSION_OF
from graphql_schema.catalog.urn import version_urn
from graphql_schema.fields.connection import Connection
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, Resolved, depends_on, stored_field
from graphql_schema.fields.refs import AssetRef, DatasetRef, DatasetVersionRef, RunRef
from graphql_schema.fields.relation_fields import to_latest, to_many, to_one, to_versions
from graphql_schema.inputs.input_fields import COUNT, AssetFields, attribute, id_part, reference, refers
from graphql_schema.inputs.kind_entry import Export, KindEntry
from graphql_schema.ports.relation_query import newest_first, related
from graphql_schema.rules.observation.observed_columns import all_sources

VERSIONS = newest_first(VERSION_OF.into("DatasetVersion"))
FEEDS_INTO = related(DERIVES.out(), FEEDS.out(), INPUT_TO.out())


async def _source_dataset(root: Parent, info: Info) -> Resolved:
    return await info.context.reader.node(root["dataset"])


@strawberry.type(description="A column that another column is computed from.")
class ColumnRef:
    """A column that another column is computed from."""

    dataset: DatasetRef | None = strawberry.field(description="The dataset of the column.", resolver=_source_dataset)
    column: str = stored_field("The name of the column.")
    transformation: str | None = stored_field("The transformation of the column, in words.")


async def _source_columns(root: Parent, info: Info) -> Resolved:
    refs = all_sources(root)
    info.context.budget.count_rows(len(refs))  # as edges do, so that the number of ids of a query is bounded
    found = await info.context.reader.nodes([ref["dataset"] for ref in refs], constant_time=True)
    return [ref for ref, dataset in zip(refs, found, strict=True) if dataset is not None] or None


@strawberry.type(description="A column of a dataset.")
class Column:
    """A column of a dataset."""

    name: str = stored_field("The name of the column, unique within the dataset.")
    data_type: str | None = stored_field("The data type, as the source writes it.")
    nullable: bool | None = stored_field("Whether the column may contain nulls.")
    description: str | None = stored_field("A description of the column in words.")
    sensitivity: Sensitivity | None = stored_field("The sensitivity of the content of the column.")
    derived_from: list[ColumnRef] | None = strawberry.field(
        description="The columns that this one is computed from, of datasets visible to the viewer; null if there are "
        "none.",
        resolver=_source_columns,
    )


async def _version(
    root: Parent,
    info: Info,
    version: Annotated[str, strawberry.argument(description="The name of the version, as the source writes it.")],
) -> Resolved:
    return await info.context.reader.node(version_urn(root.urn, version))


@strawberry.type(description="A data asset: a table, a collection of files, a topic or a view.")
class Dataset(Asset, Versioned):
    """A data asset: a table, a collection of files, a topic or a view."""

    format: str | None = stored_field("The storage format, such as `parquet` or `iceberg`.")
    location: str | None = stored_field("The location of the data, such as a path or a table name.")
    columns: list[Column] | None = stored_field("The columns, in the order of the registration.")
    versions: Connection[DatasetVersionRef] | None = to_versions(
        VERSIONS,
        "The versions of the dataset, newest first by `sourceCreatedAt`, else by their registration. Of versions "
        "with the same time, the successor by `PRECEDES` is first, then the greater name by PEP 440, or with digits as "
        "numbers, then the smaller id. Then come versions that were only referenced, and last, by id, those that hide "
        "their time.",
    )
    latest_version: DatasetVersionRef | None = to_latest(
        VERSIONS,
        "The newest visible version, the first of `versions` without stubs; null if there is none.",
        "versions",
    )
    version: DatasetVersionRef | None = strawberry.field(
        description="One version of the dataset by name, also a deleted one; null if it does not exist or is hidden.",
        resolver=_version,
        metadata=depends_on("versions"),
    )
    derived_from: Connection[DatasetRef] | None = to_many(
        related(DERIVES.into("Dataset")),
        "The datasets that this dataset is computed from, without dataset versions and features; edges of its own "
        "versions do not count.",
    )
    feeds: Connection[AssetRef] | None = to_many(
        FEEDS_INTO,
        "The assets that are derived from the dataset or use the dataset as an input, without evaluations; edges of "
        "versions do not count.",
    )


@strawberry.type(description="A snapshot of a dataset. Its `contentDigest` cannot change once it is set.")
class DatasetVersion(Asset, AssetVersion):
    """A snapshot of a dataset."""

    version: str = stored_field("The name of the version, as the source writes it.")
    dataset: DatasetRef | None = to_one(
        related(VERSION_OF.out()), "The dataset of which this is a snapshot; null if it is hidden or deleted."
    )
    location: str | None = stored_field("The location of the data, such as a path or a table name.")
    content_digest: str | None = stored_field("The digest of the content.")
    row_count: float | None = stored_field("The number of rows.")
    produced_by: RunRef | None = to_one(
        related(PRODUCES.into("Run")),
        "The run that produced the snapshot, or one of them if several did; null if none is visible and not deleted.",
    )
    consumed_by: Connection[RunRef] | None = to_many(related(INPUT_TO.out("Run")), "The runs that read the snapshot.")


@strawberry.input(description="A column that another column is computed from.")
class ColumnRefInput:
    """A column that another column is computed from."""

    dataset: strawberry.ID = refers("The id of the dataset of the column.", "Dataset")
    column: str = strawberry.field(description="The name of the column.")
    transformation: str | None = attribute("The transformation of the column, in words.")


@strawberry.input(description="A column of a dataset.")
class ColumnInput:
    """A column of a dataset."""

    UNIQUE: ClassVar = ("name",)

    name: str = strawberry.field(description="The name of the column, unique within the dataset.")
    data_type: str | None = attribute("The data type, as the source writes it.")
    nullable: bool | None = attribute("Whether the column may contain nulls.")
    description: str | None = attribute("A description of the column in words.")
    sensitivity: Sensitivity | None = attribute("The sensitivity of the content of the column.")
    derived_from: list[ColumnRefInput] | None = attribute("The columns that this column is computed from.")


@strawberry.input(description="Registers a dataset.")
class DatasetInput(AssetFields):
    """Registers a dataset."""

    format: str | None = attribute("The storage format, such as `parquet` or `iceberg`.")
    location: str | None = attribute("The location of the data, such as a path or a table name.")
    columns: list[ColumnInput] | None = attribute(
        "The columns, in order; the list replaces the stored one, and leaves the sources that events gave."
    )
    derived_from: list[strawberry.ID] | None = reference(
        DERIVES.into(),
        "Ids of the data and features that this dataset is computed from; "
        "the list replaces the one given before. Edges of `link` remain.",
    )


@strawberry.input(description="Registers a snapshot of a dataset. The dataset follows from the id of the snapshot.")
class DatasetVersionInput(AssetFields):
    """Registers a snapshot of a dataset."""

    version: str | None = id_part("The name of the version, part of the id.")
    dataset: strawberry.ID | None = reference(
        VERSION_OF.out(),
        "The id of the dataset; must agree with the id of the snapshot. Default: the dataset in that id.",
    )
    location: str | None = attribute("The location of the data, such as a path or a table name.")
    content_digest: str | None = attribute("The digest of the content; once given, it cannot change.")
    row_count: float | None = attribute("The number of rows.", within=COUNT)
    derived_from: list[strawberry.ID] | None = reference(
        DERIVES.into(),
        "Ids of the data and features that this snapshot is computed from; "
        "the list replaces the one given before. Edges of `link` remain.",
    )
    produced_by: strawberry.ID | None = reference(PRODUCES.into("Run"), "The id of the run that produced the snapshot.")


ENTRIES = (
    KindEntry(
        Dataset,
        DatasetInput,
        "Registers a dataset.",
        Export(self_links={"derivedFrom": DERIVES}),
    ),
    KindEntry(
        DatasetVersion,
        DatasetVersionInput,
        "Registers a snapshot of a dataset.",
    ),
)
