"""One object of a dbt project: what the import of the complete project sends about it.

A model, seed, snapshot or source has the event of its table, the workflow that builds it, its latest run, and the
latest results of its checks. Exposures, metrics, semantic models and saved queries have their report.
"""

from pathlib import Path

from app.ingest.load.source_asset import AbsentObjectError
from app.ingest.load.source_load import ObjectContent, SourceContent
from app.ingest.sources.dbt.artifacts import Artifacts, is_table, read_artifacts
from app.ingest.sources.dbt.dbt_names import DbtNames, namespace_of, table_name
from app.ingest.sources.dbt.mapping import map_artifacts
from app.ingest.sources.dbt.own_assets import PROJECT_ITEM, REPORT_RULES
from app.ingest.sources.dbt.results import INVOCATION
from app.ingest.sources.openlineage.event_names import EventNames

_REPORTS = frozenset(rule.resource for rule in REPORT_RULES)

_PARENTS = {"workflow": PROJECT_ITEM, "run": INVOCATION}
"""The location of the parent of a workflow and of a run, by the key of the item."""


class DbtProject:
    """The artifacts of a project with all that its import sends."""

    def __init__(self, artifacts: Artifacts, names: DbtNames, *, with_owners: bool) -> None:
        self._artifacts = artifacts
        self._names = names
        self._content = map_artifacts(artifacts, names, with_owners=with_owners)

    def read_object(self, object_type: str, unique_id: str) -> ObjectContent:
        """Return the content about the resource with a type and a unique id.

        An ephemeral model is no asset; an object without an id has a failure. Raises AbsentObjectError if the manifest
        has no such resource.
        """
        resource = self._artifacts.resources.get(unique_id)
        if resource is None or resource.get("resource_type") != object_type:
            raise AbsentObjectError(f"The manifest has no {object_type} {unique_id!r}.")
        if object_type in _REPORTS:
            part = self._part(unique_id)
            ids = (str(body["id"]) for item in part.items for body in item.value.values())
            return ObjectContent(part, unique_id, next(ids, None))
        if not is_table(resource):
            return ObjectContent(self._part(unique_id))
        dataset, name = self._names.dataset(resource), table_name(resource)
        return ObjectContent(self._part(unique_id, name, dataset or ""), name, dataset)

    def _part(self, unique_id: str, table: str = "", dataset: str = "") -> SourceContent:
        """Return the part of the content about a resource, and about its table and dataset if it has them."""
        complete = self._content
        wanted = {unique_id}
        kinds = {kind for each in complete.items if each.location == unique_id for kind in each.value}
        wanted |= {_PARENTS[kind] for kind in kinds & _PARENTS.keys()}
        items = [each for each in complete.items if each.location in wanted]
        return SourceContent(
            items=items,
            owned=complete.owned.among(items),
            events=[each for each in complete.events if each.location == table],
            subjects={table: dataset} if dataset else {},
            owners=[each for each in complete.owners if each.location == f"owners of {unique_id}"],
            checks=[each for each in complete.checks if each.value["asset"] == dataset],
            failures=[each for each in complete.failures if each.location in {*wanted, table}],
        )


def read_project(folder: Path, namespace: str | None, events: EventNames, *, with_owners: bool) -> DbtProject:
    """Read a project from the target folder of dbt.

    Raises the errors of `read_artifacts`, `namespace_of` and `map_artifacts`.
    """
    artifacts = read_artifacts(folder)
    names = DbtNames(artifacts, namespace_of(artifacts, namespace), events)
    return DbtProject(artifacts, names, with_owners=with_owners)
