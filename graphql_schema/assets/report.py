"""Reports: dashboards, charts and documents for people."""

import strawberry

from graphql_schema.assets.asset import Asset
from graphql_schema.catalog.relations import FEEDS
from graphql_schema.fields.connection import Connection
from graphql_schema.fields.field import stored_field
from graphql_schema.fields.refs import AssetRef
from graphql_schema.fields.relation_fields import to_many
from graphql_schema.inputs.input_fields import AssetFields, attribute, reference
from graphql_schema.inputs.kind_entry import Export, KindEntry
from graphql_schema.ports.relation_query import related


@strawberry.type(description="A dashboard, chart or document that people read.")
class Report(Asset):
    """A dashboard, chart or document that people read."""

    report_kind: str | None = stored_field("The kind of report, such as `dashboard` or `chart`.")
    url: str | None = stored_field("The address of the report.")
    inputs: Connection[AssetRef] | None = to_many(
        related(FEEDS.into()), "The assets that the report is made from.", first=50
    )


@strawberry.input(description="Registers a report.")
class ReportInput(AssetFields):
    """Registers a report."""

    report_kind: str | None = attribute("The kind of report, such as `dashboard` or `chart`.")
    url: str | None = attribute("The address of the report.")
    inputs: list[strawberry.ID] | None = reference(
        FEEDS.into(),
        "Ids of the assets that the report is made from; "
        "the list replaces the one given before. Edges of `link` remain.",
    )


ENTRIES = (KindEntry(Report, ReportInput, "Registers a report.", Export(self_links={"inputs": FEEDS})),)
