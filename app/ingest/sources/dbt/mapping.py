"""Maps the artifacts of a dbt project to all that is sent to the API."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from app.ingest.load.batches import ImportItem
from app.ingest.load.ended_assets import OwnedAssets
from app.ingest.load.source_load import SourceContent
from app.ingest.sources.dbt.artifacts import CATALOG, FRESHNESS, RUN_RESULTS, Artifacts
from app.ingest.sources.dbt.dbt_names import SOURCE, DbtNames
from app.ingest.sources.dbt.own_assets import PROJECT, own_items, owner_items
from app.ingest.sources.dbt.results import check_results, run_items
from app.ingest.sources.dbt.table_facets import table_event, tables_of
from app.ingest.sources.made_ids import WITHOUT_ID, MadeIds
from app.ingest.sources.source_file import MALFORMED
from graphql_schema.ports.record import JsonObject
from policies.errors import InvalidError

_NOT_MAPPED: Final = ("analysis", "operation", "sql operation", "function")
"""Types of resources that are no data and are left out."""


def map_artifacts(artifacts: Artifacts, names: DbtNames, *, with_owners: bool) -> SourceContent:
    """Return the events of tables, the items of workflows, runs and reports, and the results of checks.

    An object without an id of its own is a failure; see `MadeIds` for references to it. Raises InvalidError if a value
    does not have the form that dbt writes.
    """
    try:
        return _mapped(artifacts, names, with_owners=with_owners)
    except MALFORMED as error:
        raise InvalidError(
            f"The artifacts of {artifacts.project} cannot be read: a value does not have the form that dbt writes "
            f"({error!r}). Let dbt 1.5 or later write them again."
        ) from error


def _mapped(artifacts: Artifacts, names: DbtNames, *, with_owners: bool) -> SourceContent:
    names.ids = MadeIds("dbt")  # each mapping makes all ids anew
    skipped = Counter(each["resource_type"] for each in artifacts.of_type(*_NOT_MAPPED))
    for file, content in (
        (CATALOG, artifacts.catalog),
        (RUN_RESULTS, artifacts.run_results),
        (FRESHNESS, artifacts.freshness),
    ):
        skipped[f"{file} absent"] += not content
    tables = tables_of(artifacts)
    subjects = {table.name: urn for table in tables if (urn := names.dataset(table.resources[0]))}
    named = (table for table in tables if table.name in subjects)
    own = [*own_items(artifacts, names)]
    sent, owners = _uncontested(own, names), _uncontested(owner_items(artifacts, names), names)
    runs, checks = [*run_items(artifacts, names, skipped)], _items(check_results(artifacts, names, skipped))
    skipped[WITHOUT_ID] = len(names.ids.left_out)
    return SourceContent(
        events=[ImportItem(table.name, table_event(table, names, with_owners=with_owners)) for table in named],
        subjects=subjects,
        items=_items([*sent, *runs]),
        owners=_items(owners) if with_owners else (),
        checks=checks,
        owned=OwnedAssets(SOURCE, names.project, PROJECT, _ids(sent), withheld=_ids(own) - _ids(sent)),
        skipped=dict(sorted((+skipped).items())),
        failures=names.ids.failures,
    )


def _uncontested(found: Iterable[tuple[str, JsonObject]], names: DbtNames) -> list[tuple[str, JsonObject]]:
    """Return the items whose id no other object has; all have their ids before."""
    return [each for each in found if not any(map(names.ids.contested, _ids([each])))]


def _items(found: Iterable[tuple[str, JsonObject]]) -> list[ImportItem]:
    return [ImportItem(location, value) for location, value in found]


def _ids(own: Iterable[tuple[str, JsonObject]]) -> frozenset[str]:
    return frozenset(str(body["id"]) for _, item in own for body in item.values())
