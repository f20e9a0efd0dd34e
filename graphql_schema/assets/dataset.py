"""Datasets, their columns, and their snapshots."""

from typing import Annotated, Any, ClassVar

import strawberry

from graphql_schema.assets.asset import Asset, AssetVersion, Versioned
from graphql_schema.assets.kind_entry import Export, KindEntry
from graphql_schema.catalog.enums import Sensitivity
from graphql_schema.catalog.relations import DERIVES, FEEDS, INPUT_TO, PRODUCES, VERSION_OF
from graphql_schema.catalog.urn import version_urn
from graphql_schema.fields.connection import Connection
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, depends_on, stored_field
from graphql_schema.fields.refs import AssetRef, DatasetRef, DatasetVersionRef, RunRef
from graphql_schema.fields.relation_fields import to_many, to_one
from graphql_schema.inputs.input_fields import COUNT, AssetFields, attribute, id_part, reference, refers
from graphql_schema.ports.relation_query import newest_first, related

VERSIONS = newest_first(VERSION_OF.into("DatasetVersion"))
FEEDS_INTO = related(DERIVES.out(), FEEDS.out(), INPUT_TO.out())


async def _source_dataset(root: Parent, info: Info) -> Any:
    return await info.context.reader.node(root["dataset"])


@strawberry.type(description="A column that another one is computed from.")
class ColumnRef:
    """A column that another one is computed from."""

    dataset: DatasetRef | None = strawberry.field(description="The dataset it belongs to.", resolver=_source_dataset)
    column: str = stored_field("The name of the column.")
    transformation: str | None = stored_field("What is done to it on the way.")


async def _source_columns(root: Parent, info: Info) -> Any:
    refs = root.get("derivedFrom") or ()
    found = await info.context.reader.nodes([ref["dataset"] for ref in refs])
    return [ref for ref, dataset in zip(refs, found, strict=True) if dataset is not None] or None


@strawberry.type(description="A column of a dataset.")
class Column:
    """A column of a dataset."""

    name: str = stored_field("The name, unique within the dataset.")
    data_type: str | None = stored_field("The type, as the source writes it.")
    nullable: bool | None = stored_field("Whether it may be empty.")
    description: str | None = stored_field("What it holds, in words.")
    sensitivity: Sensitivity | None = stored_field("How sensitive its content is.")
    derived_from: list[ColumnRef] | None = strawberry.field(
        description="Columns this one is computed from, of the datasets that the viewer may see; null without any.",
        resolver=_source_columns,
    )


async def _version(
    root: Parent,
    info: Info,
    version: Annotated[str, strawberry.argument(description="The version, as the source writes it.")],
) -> Any:
    return await info.context.reader.node(version_urn(root.urn, version))


@strawberry.type(description="A data asset: a table, a collection of files, a topic, a view.")
class Dataset(Asset, Versioned):
    """A data asset."""

    format: str | None = stored_field("How it is stored, such as `parquet` or `iceberg`.")
    location: str | None = stored_field("Where it is.")
    columns: list[Column] | None = stored_field("Its columns, in the order of the source.")
    versions: Connection[DatasetVersionRef] | None = to_many(VERSIONS, "Its versions, newest first.")
    latest_version: DatasetVersionRef | None = to_one(VERSIONS, "Its newest version.", "versions")
    version: DatasetVersionRef | None = strawberry.field(
        description="One version by name.", resolver=_version, metadata=depends_on("versions")
    )
    derived_from: Connection[DatasetRef] | None = to_many(
        related(DERIVES.into("Dataset")), "Datasets that it is computed from."
    )
    feeds: Connection[AssetRef] | None = to_many(FEEDS_INTO, "What it is derived into, feeds, or is an input of.")


@strawberry.type(description="An immutable snapshot of a dataset.")
class DatasetVersion(Asset, AssetVersion):
    """An immutable snapshot of a dataset."""

    version: str = stored_field("The version, as the source writes it.")
    dataset: DatasetRef | None = to_one(related(VERSION_OF.out()), "The dataset it is a snapshot of.")
    location: str | None = stored_field("Where it is.")
    content_digest: str | None = stored_field("The digest of its content.")
    row_count: float | None = stored_field("How many rows it has.")
    produced_by: RunRef | None = to_one(related(PRODUCES.into("Run")), "The run that made it.")
    consumed_by: Connection[RunRef] | None = to_many(related(INPUT_TO.out("Run")), "Runs that read it.")


@strawberry.input(description="A column that another one is computed from.")
class ColumnRefInput:
    """A column that another one is computed from."""

    dataset: strawberry.ID = refers("The id of the dataset it belongs to.", "Dataset")
    column: str = strawberry.field(description="The name of the column.")
    transformation: str | None = attribute("What is done to it on the way.")


@strawberry.input(description="A column of a dataset.")
class ColumnInput:
    """A column of a dataset."""

    UNIQUE: ClassVar = ("name",)

    name: str = strawberry.field(description="The name, unique within the dataset.")
    data_type: str | None = attribute("The type, as the source writes it.")
    nullable: bool | None = attribute("Whether it may be empty.")
    description: str | None = attribute("What it holds, in words.")
    sensitivity: Sensitivity | None = attribute("How sensitive its content is.")
    derived_from: list[ColumnRefInput] | None = attribute("Columns this one is computed from.")


@strawberry.input(description="Registers a dataset.")
class DatasetInput(AssetFields):
    """Registers a dataset."""

    format: str | None = attribute("How it is stored, such as `parquet` or `iceberg`.")
    location: str | None = attribute("Where it is.")
    columns: list[ColumnInput] | None = attribute("Its columns, in order; the list replaces the stored one.")
    derived_from: list[strawberry.ID] | None = reference(
        DERIVES.into(), "Ids of data and features that it is computed from."
    )


@strawberry.input(description="Registers a snapshot of a dataset; the dataset follows from the id.")
class DatasetVersionInput(AssetFields):
    """Registers a snapshot of a dataset."""

    version: str | None = id_part("The version, part of the id.")
    dataset: strawberry.ID | None = reference(VERSION_OF.out(), "The id of its dataset; must agree with its own id.")
    location: str | None = attribute("Where it is.")
    content_digest: str | None = attribute("The digest of its content.")
    row_count: float | None = attribute("How many rows it has.", within=COUNT)
    derived_from: list[strawberry.ID] | None = reference(
        DERIVES.into(), "Ids of data and features that it is computed from."
    )
    produced_by: strawberry.ID | None = reference(PRODUCES.into("Run"), "The id of the run that made it.")


ENTRIES = (
    KindEntry(
        Dataset,
        DatasetInput,
        "Registers a dataset.",
        Export(
            "format location columns { name dataType nullable description sensitivity "
            "derivedFrom { dataset { id } column transformation } }",
            self_links={"derivedFrom": DERIVES},
        ),
    ),
    KindEntry(
        DatasetVersion,
        DatasetVersionInput,
        "Registers a snapshot of a dataset.",
        Export("version location contentDigest rowCount"),
    ),
)
