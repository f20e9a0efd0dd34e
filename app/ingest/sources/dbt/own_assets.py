"""The assets that dbt itself defines: workflows of the project and of what builds a table, and reports."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

import orjson

from app.ingest.sources.dbt.artifacts import Artifacts, is_table, tags_of
from app.ingest.sources.dbt.dbt_names import DbtNames
from app.ingest.sources.dbt.table_facets import names_in, owner_names
from app.ingest.sources.openlineage.catalog_names import owner_urn
from graphql_schema.ports.record import Json, JsonObject, Record

PROJECT: Final = "dbt.project"
"""The key of a property of every imported workflow, report and run; its value is the project."""

PROJECT_ITEM: Final = "project"
"""The location of the workflow of the project, which is the parent of all other workflows."""

MAX_PROPERTY: Final = 2_000
"""Maximal number of characters of the value of a property; a longer one is left out."""

BUILDERS: Final = ("model", "seed", "snapshot")
"""Types of resources that build a table."""


@dataclass(frozen=True, slots=True)
class ReportRule:
    """How resources of a type become reports: the text of the page, the kind of report, members kept as properties."""

    resource: str
    becomes: str
    report_kind: Callable[[Record], str]
    kept: tuple[str, ...]


REPORT_RULES: Final = (
    ReportRule(
        "exposure",
        "A Report whose `reportKind` is the type of the exposure, such as `dashboard` or `ml`; owner and maturity are "
        "properties.",
        lambda exposure: str(exposure.get("type") or "exposure"),
        ("maturity", "owner"),
    ),
    ReportRule(
        "semantic_model",
        "A Report of the kind `semantic model`, fed by the model; entities, dimensions and measures are properties.",
        lambda _: "semantic model",
        ("entities", "dimensions", "measures"),
    ),
    ReportRule(
        "metric",
        "A Report of the kind `metric`, fed by semantic models and other metrics; type and filter are properties.",
        lambda _: "metric",
        ("type", "filter"),
    ),
    ReportRule(
        "saved_query",
        "A Report of the kind `saved query`, fed by its metrics; its parameters are a property.",
        lambda _: "saved query",
        ("query_params",),
    ),
)
"""The types of resources that become a report: where data ends up."""

_FED: Final = tuple(rule.resource for rule in REPORT_RULES)


def own_items(artifacts: Artifacts, names: DbtNames) -> Iterator[tuple[str, JsonObject]]:
    """Yield the location and the item of each workflow and report that has an id; these ids are their own."""
    project = names.own("workflow", names.project, PROJECT_ITEM)
    if project is not None:
        yield PROJECT_ITEM, {"workflow": _project(artifacts, names, project)}
    for builder in _builders(artifacts):
        urn = names.own("workflow", builder["unique_id"])
        if urn is not None:
            yield builder["unique_id"], {"workflow": _workflow(artifacts, names, builder, urn)}
    for rule in REPORT_RULES:
        for resource in artifacts.of_type(rule.resource):
            urn = names.own("report", resource["unique_id"])
            if urn is not None:
                yield resource["unique_id"], {"report": _report(artifacts, names, resource, urn, rule)}


def owner_items(artifacts: Artifacts, names: DbtNames) -> Iterator[tuple[str, JsonObject]]:
    """Yield the items that set the owners of workflows and reports; none for those without owners in dbt.

    They are items of their own, so that an asset is registered even if the caller may not set its owners.
    """
    workflows = (("workflow", each) for each in _builders(artifacts))
    reports = (("report", each) for each in artifacts.of_type(*_FED))
    for kind, resource in chain(workflows, reports):
        direct, uid = resource.get("owner"), resource["unique_id"]
        given = names_in(direct) if direct else owner_names(resource, artifacts)
        owners, urn = [{"owner": owner_urn(name)} for name in given], names.id_of(kind, uid)
        if owners and urn is not None:
            yield f"owners of {uid}", {kind: {"id": urn, "owners": owners}}


def _builders(artifacts: Artifacts) -> Iterator[Record]:
    yield from (each for each in artifacts.of_type(*BUILDERS) if is_table(each))


def _project(artifacts: Artifacts, names: DbtNames, urn: str) -> JsonObject:
    metadata = artifacts.manifest["metadata"]
    return {
        "id": urn,
        "displayName": names.project,
        "workflowKind": "dbt project",
        "properties": _properties(names, {"adapter": artifacts.adapter, "version": metadata.get("dbt_version")}),
    }


def _workflow(artifacts: Artifacts, names: DbtNames, builder: Record, urn: str) -> JsonObject:
    uid = builder["unique_id"]
    kept = {"uniqueId": uid, "materialized": (builder.get("config") or {}).get("materialized")}
    return {
        "id": urn,
        "displayName": builder["name"],
        "description": builder.get("description") or None,
        "workflowKind": f"dbt {builder['resource_type']}",
        "codeRef": f"{builder['package_name']}://{builder.get('original_file_path')}",
        "inputs": names.datasets(artifacts.parents(builder), uid),
        "outputs": names.datasets([builder], uid),
        "partOf": names.id_of("workflow", names.project, PROJECT_ITEM, uid),
        "properties": _properties(names, kept),
    }


def _report(artifacts: Artifacts, names: DbtNames, resource: Record, urn: str, rule: ReportRule) -> JsonObject:
    uid, parents = resource["unique_id"], artifacts.parents(resource)
    fed = (each["unique_id"] for each in parents if each["resource_type"] in _FED)
    reports = [found for each in fed if (found := names.id_of("report", each, by=uid))]
    kept = {"uniqueId": uid, **{key: resource.get(key) for key in rule.kept}}
    return {
        "id": urn,
        "displayName": resource.get("label") or resource["name"],
        "description": resource.get("description") or None,
        "reportKind": rule.report_kind(resource),
        "url": resource.get("url"),
        "inputs": [*names.datasets(parents, uid), *reports],
        "tags": names.ids.tags(uid, tags_of(resource)),
        "properties": _properties(names, kept),
    }


def _properties(names: DbtNames, kept: Record) -> list[JsonObject]:
    """Return properties with the prefix `dbt.`, and that of the project; empty and too long values are left out."""
    texts = {PROJECT: names.project, **{f"dbt.{key}": _text(value) for key, value in kept.items() if value}}
    return [{"key": key, "value": text} for key, text in texts.items() if text and len(text) <= MAX_PROPERTY]


def _text(value: Json) -> str:
    return value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
