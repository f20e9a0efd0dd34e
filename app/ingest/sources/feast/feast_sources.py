"""Names the tables, files and topics behind the data sources of Feast as events of OpenLineage name them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from graphql_schema.ports.record import JsonObject, Record

SOURCE: Final = "feast"

REQUEST: Final = "REQUEST_SOURCE"
"""The type of a source whose values a request carries: there is no data to describe."""

_URI: Final = re.compile(r"([a-z][a-z0-9+.-]*://[^/]+)/(.+)")

_UNKNOWN_TIME: Final = "1970-01-01T00:00:00Z"

Place = tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class SourceRule:
    """How the data behind one type of data source is named; ``becomes`` is the text about it for the page.

    ``place`` takes the source and ``--namespace``, and returns namespace and name, None if the data has none.
    """

    type: str
    becomes: str
    place: Callable[[Record, str | None], Place]


def place_of(source: Record, project: str, namespace: str | None) -> tuple[str, str]:
    """Return namespace and name of the data behind a source.

    A source whose data has no name by the rules, such as a query, is a dataset of the project under its own name.
    """
    rule = next((each for each in SOURCE_RULES if each.type == source.get("type")), None)
    found = rule.place(source, namespace) if rule is not None else None
    return found or (f"{SOURCE}://{project}", str(source.get("name") or ""))


def source_event(source: Record, place: tuple[str, str], *, with_owners: bool) -> JsonObject:
    """Return the event of OpenLineage about the data of a source, at the time of its last update, else at 1970."""
    tags = [{"key": key, "value": value or "true"} for key, value in (source.get("tags") or {}).items()]
    kept = {"name": source.get("name"), "type": source.get("type"), "timestampField": source.get("timestampField")}
    facets: JsonObject = {
        "documentation": {"description": source["description"]} if source.get("description") else None,
        "tags": {"tags": tags} if tags else None,
        "ownership": {"owners": [{"name": source["owner"]}]} if with_owners and source.get("owner") else None,
        "feast": {key: value for key, value in kept.items() if value},
    }
    return {
        "eventTime": (source.get("meta") or {}).get("lastUpdatedTimestamp") or _UNKNOWN_TIME,
        "producer": "feast",
        "dataset": {
            "namespace": place[0],
            "name": place[1],
            "facets": {name: body for name, body in facets.items() if body},
        },
    }


def _file(source: Record, _namespace: str | None) -> Place:
    uri = (source.get("fileOptions") or {}).get("uri") or ""
    found = _URI.fullmatch(uri)
    return (found[1], found[2]) if found else ("file", uri) if uri else None


def _bigquery(source: Record, _namespace: str | None) -> Place:
    table = (source.get("bigqueryOptions") or {}).get("table")
    return ("bigquery", table) if table else None


def _kafka(source: Record, _namespace: str | None) -> Place:
    options = source.get("kafkaOptions") or {}
    servers, topic = options.get("kafkaBootstrapServers"), options.get("topic")
    return (f"kafka://{servers.split(',')[0]}", topic) if servers and topic else None


def _in_warehouse(options_name: str) -> Callable[[Record, str | None], Place]:
    """Return the rule for a table in a warehouse: the namespace of ``--namespace``, and `DATABASE.SCHEMA.TABLE`.

    A database or schema that the source lacks is left out. The place is None without the namespace or the table.
    """

    def place(source: Record, namespace: str | None) -> Place:
        options = source.get(options_name) or {}
        parts = [options[key] for key in ("database", "schema", "table") if options.get(key)]
        return (namespace, ".".join(parts)) if namespace and options.get("table") else None

    return place


_TABLE: Final = "With `--namespace`: this namespace, and `DATABASE.SCHEMA.TABLE`."

SOURCE_RULES: Final = (
    SourceRule("BATCH_FILE", "`SCHEME://BUCKET` and the path; the namespace `file` for a path without one.", _file),
    SourceRule("BATCH_BIGQUERY", "`bigquery` and the table.", _bigquery),
    SourceRule("BATCH_SNOWFLAKE", _TABLE, _in_warehouse("snowflakeOptions")),
    SourceRule("BATCH_REDSHIFT", _TABLE, _in_warehouse("redshiftOptions")),
    SourceRule("BATCH_TRINO", _TABLE, _in_warehouse("trinoOptions")),
    SourceRule("BATCH_SPARK", _TABLE, _in_warehouse("sparkOptions")),
    SourceRule("STREAM_KAFKA", "`kafka://SERVER` of the first server, and the topic.", _kafka),
)
"""The types of data sources whose data has a name; for every other source, and for a query, see `place_of`."""
