"""Makes the names of tables as events of OpenLineage have them, and the ids of everything that dbt itself defines."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Final

from app.ingest.sources.dbt.artifacts import Artifacts, is_table
from app.ingest.sources.made_ids import MadeIds
from app.ingest.sources.openlineage.event_names import EventNames
from graphql_schema.catalog.urn import make_urn
from graphql_schema.ports.record import Record
from policies.errors import InvalidError

SOURCE: Final = "dbt"
"""The source of workflows, runs and reports that dbt defines."""

NAMESPACES: Final[Mapping[str, str]] = {
    "athena": "awsathena://athena.REGION.amazonaws.com",
    "bigquery": "bigquery",
    "clickhouse": "clickhouse://HOST:PORT",
    "databricks": "databricks://HOST",
    "dremio": "dremio://HOST:PORT",
    "duckdb": "duckdb://PATH",
    "fabric": "fabric-warehouse://SERVER",
    "glue": "arn:aws:glue:REGION:ACCOUNT",
    "postgres": "postgres://HOST:PORT",
    "redshift": "redshift://HOST:PORT",
    "snowflake": "snowflake://ACCOUNT",
    "spark": "spark://HOST:PORT",
    "sqlserver": "mssql://SERVER:PORT",
    "trino": "trino://HOST:PORT",
}
"""The namespace of the tables of each adapter, as the naming rules of OpenLineage and its sender for dbt have it."""

_WITHOUT_ADDRESS: Final = "bigquery"


class DbtNames:
    """The names and ids of one project, whose tables are in a ``namespace`` of OpenLineage.

    ``ids`` has a failure for each object that cannot be sent. In the methods, ``by`` is what refers to an object, and
    None for the object itself.
    """

    def __init__(self, artifacts: Artifacts, namespace: str, events: EventNames) -> None:
        self.project = artifacts.project
        self.namespace = namespace
        self.ids = MadeIds("dbt")
        self._events = events

    def dataset(self, table: Record, by: str | None = None) -> str | None:
        """Return the id of the dataset of a table, None if its name makes none."""
        name = table_name(table)
        return self.ids.of(("dataset", name), name, lambda: self._events.dataset(self.namespace, name).urn, by)

    def datasets(self, resources: Iterable[Record], by: str) -> list[str]:
        """Return the ids of the datasets of those resources that are tables and have one, each once."""
        return list(dict.fromkeys(urn for each in resources if is_table(each) and (urn := self.dataset(each, by))))

    def own(self, kind: str, name: str, location: str = "") -> str | None:
        """Return the id of a workflow or report as `id_of` does, and keep that it is this object's own."""
        return self.ids.own((kind, name), location or name, partial(make_urn, kind, SOURCE, self.project, name))

    def id_of(self, kind: str, name: str, location: str = "", by: str | None = None) -> str | None:
        """Return the id of a workflow, run or report that dbt defines, None if it has none; ``kind`` is in kebab-case.

        ``location`` is where the object is, the name by default.
        """
        return self.ids.of((kind, name), location or name, partial(make_urn, kind, SOURCE, self.project, name), by)


def table_name(table: Record) -> str:
    """Return the name of a table in an event: database, schema and table, without those that the adapter lacks.

    The table of a source is its ``identifier``, which is the table in the warehouse, not the name in the project.
    """
    table_part = table.get("identifier") or table.get("alias") or table["name"]
    return ".".join(str(part) for part in (table.get("database"), table.get("schema"), table_part) if part)


def namespace_of(artifacts: Artifacts, given: str | None) -> str:
    """Return the namespace of the tables: the given one, else that of an adapter whose namespace has no address.

    Raises InvalidError for another adapter, because the artifacts do not have the address of the warehouse.
    """
    if given:
        return given
    if artifacts.adapter == _WITHOUT_ADDRESS:
        return NAMESPACES[_WITHOUT_ADDRESS]
    form = NAMESPACES.get(artifacts.adapter, "SCHEME://HOST:PORT")
    raise InvalidError(
        f"The artifacts do not say where the {artifacts.adapter or 'warehouse'} is; give --namespace {form}, as your "
        "senders of OpenLineage name it."
    )
