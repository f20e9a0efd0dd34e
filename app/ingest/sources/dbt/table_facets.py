"""The facets that an event about a table gets: what dbt says of it in manifest and catalog.

A table may be several resources, such as a seed and the source that names the seed. They become one event, in which the
resource that builds the table counts before a source.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import orjson

from app.ingest.sources.dbt.artifacts import Artifacts, meta_of, tags_of
from app.ingest.sources.dbt.dbt_names import DbtNames, table_name
from graphql_schema.ports.record import Json, JsonObject, Record

MAX_FACET: Final = 1_900
"""Maximal size in bytes of the facet `dbt`, which is kept as one property and would be ignored as a whole."""

_LEFT_OUT: Final = ("meta", "uniqueIds")
"""Members of the facet `dbt` that are left out, in this order, until the facet is small enough."""

_BUILT_AS_TABLE: Final = ("table", "incremental", "seed", "snapshot")
"""Ways of building whose result is a plain table."""

_OWNER_KEYS: Final = ("owner", "owners", "owner_team")


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view with its resources in dbt, those that build it first, and the artifacts that they are from."""

    name: str
    resources: tuple[Record, ...]
    artifacts: Artifacts

    def first(self, key: str) -> Json:
        """Return the first value of a member that is not empty, None without one."""
        return next((each[key] for each in self.resources if each.get(key)), None)

    def cataloged(self) -> Record:
        """Return the entry in the catalog, {} without one."""
        entries = (self.artifacts.cataloged(each["unique_id"]) for each in self.resources)
        return next((each for each in entries if each), {})


Facet = JsonObject | None


@dataclass(frozen=True, slots=True)
class TableRule:
    """How ``members`` of a table are mapped: the text of the page, the name of the ``facet``, the function for it."""

    members: str
    becomes: str
    facet: str
    make: Callable[[Table], Facet]


def tables_of(artifacts: Artifacts) -> list[Table]:
    """Return the tables of a project, each with all resources that name it."""
    found: dict[str, list[Record]] = {}
    for resource in artifacts.tables():
        found.setdefault(table_name(resource), []).append(resource)
    return [Table(name, tuple(resources), artifacts) for name, resources in found.items()]


def table_event(table: Table, names: DbtNames, *, with_owners: bool) -> JsonObject:
    """Return the event of OpenLineage about a table."""
    rules = [rule for rule in TABLE_RULES if with_owners or rule.facet != "ownership"]
    facets = {rule.facet: body for rule in rules if (body := rule.make(table))}
    return {
        "eventTime": table.artifacts.generated_at,
        "producer": f"dbt project {names.project}",
        "dataset": {"namespace": names.namespace, "name": table.name, "facets": facets},
    }


def owner_names(resource: Record, artifacts: Artifacts) -> list[str]:
    """Return the owners that ``meta`` names, else those of the group of the resource."""
    meta = meta_of(resource)
    named = [name for key in _OWNER_KEYS for name in names_in(meta.get(key))]
    if named:
        return list(dict.fromkeys(named))
    group = resource.get("group") or (resource.get("config") or {}).get("group")
    groups = (each for each in (artifacts.manifest.get("groups") or {}).values() if group and each["name"] == group)
    return [name for each in groups for name in names_in(each.get("owner"))]


def names_in(value: Json) -> Iterator[str]:
    """Yield the names in a text, in an object with ``name`` or ``email``, or in a list of these."""
    if isinstance(value, list):
        for each in value:
            yield from names_in(each)
    elif isinstance(value, dict):
        yield from names_in(value.get("name") or value.get("email"))
    elif isinstance(value, str) and value.strip():
        yield value.strip()


def _documentation(table: Table) -> Facet:
    text = table.first("description")
    return {"description": text} if text else None


def _schema(table: Table) -> Facet:
    """Return the columns of the catalog in its order, then those that only the manifest has; None without any.

    A description is that of the manifest, else the comment of the catalog. Adapters report columns in another case than
    the project, so names are compared without case.
    """
    described = {name.lower(): column for name, column in _described_columns(table)}
    listed = sorted(table.cataloged().get("columns", {}).values(), key=lambda column: column.get("index") or 0)
    fields = [_field(column["name"], described.get(column["name"].lower(), {}), column) for column in listed]
    known = {field["name"].lower() for field in fields}
    fields += [_field(column["name"], column, {}) for name, column in described.items() if name not in known]
    return {"fields": fields} if fields else None


def _field(name: str, column: Record, listed: Record) -> JsonObject:
    found = {
        "type": listed.get("type") or column.get("data_type"),
        "description": column.get("description") or listed.get("comment"),
    }
    return {"name": name, **{key: value for key, value in found.items() if value}}


def _described_columns(table: Table) -> Iterator[tuple[str, Record]]:
    """Yield the columns of all resources by name; of two resources with the same column, the first comes last."""
    for resource in reversed(table.resources):
        yield from (resource.get("columns") or {}).items()


def _type(table: Table) -> Facet:
    """Return the type of the catalog, else the one that follows from how dbt builds the table."""
    materialized = (table.resources[0].get("config") or {}).get("materialized")
    built = "TABLE" if materialized in _BUILT_AS_TABLE else materialized
    kind = (table.cataloged().get("metadata") or {}).get("type") or built
    return {"datasetType": str(kind).upper().removeprefix("BASE "), "subType": materialized} if kind else None


def _tags(table: Table) -> Facet:
    of_table = dict.fromkeys(tag for resource in table.resources for tag in tags_of(resource))
    of_columns = dict.fromkeys(
        (column["name"], tag) for _, column in _described_columns(table) for tag in tags_of(column)
    )
    tags: list[JsonObject] = [{"key": tag, "value": "true"} for tag in of_table]
    tags += [{"key": tag, "value": "true", "field": column} for column, tag in of_columns]
    return {"tags": tags} if tags else None


def _ownership(table: Table) -> Facet:
    named = (name for resource in table.resources for name in owner_names(resource, table.artifacts))
    owners = [{"name": name} for name in dict.fromkeys(named)]
    return {"owners": owners} if owners else None


def _resource(table: Table) -> Facet:
    resource, config = table.resources[0], table.resources[0].get("config") or {}
    meta = {key: value for each in reversed(table.resources) for key, value in meta_of(each).items()}
    facet: JsonObject = {
        "uniqueIds": [each["unique_id"] for each in table.resources],
        "path": f"{resource['package_name']}://{resource.get('original_file_path')}",
        "materialized": config.get("materialized"),
        "access": resource.get("access"),
        "group": resource.get("group"),
        "version": resource.get("version"),
        "meta": {key: value for key, value in meta.items() if key not in _OWNER_KEYS},
    }
    found = {key: value for key, value in facet.items() if value}
    for name in _LEFT_OUT:
        if len(orjson.dumps(found)) > MAX_FACET:
            found.pop(name, None)
    return found


TABLE_RULES: Final = (
    TableRule("`description`", "`description`.", "documentation", _documentation),
    TableRule(
        "`columns` of the catalog, and of the manifest",
        "`columns`: names, types and order of the catalog, descriptions of the manifest, else comments of the catalog.",
        "schema",
        _schema,
    ),
    TableRule(
        "`config.materialized`, `type` of the catalog",
        "The property `openlineage.datasetType`, such as `VIEW/view`.",
        "datasetType",
        _type,
    ),
    TableRule("`tags`", "`tags`; the tag of a column is the property `openlineage.tag.COLUMN.TAG`.", "tags", _tags),
    TableRule(
        "`meta.owner`, `meta.owners`, `meta.owner_team`, else the `owner` of the `group`",
        "`owners`: a name with @ is a user, `user:x` too, every other name is a team. They must be registered. "
        "`--no-owners` leaves them out.",
        "ownership",
        _ownership,
    ),
    TableRule(
        "`unique_id`, `original_file_path`, `access`, `group`, `version`, further `meta`",
        "The property `openlineage.dbt`, as JSON.",
        "dbt",
        _resource,
    ),
)
"""The rules of tables; the facets are those of docs/openlineage-facets.md."""
