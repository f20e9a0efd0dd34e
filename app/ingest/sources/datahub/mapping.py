"""Maps the entities of an estate whose type has a kind, in the order in which items are sent."""

from collections.abc import Callable, Iterator

from app.ingest.load.batches import ImportItem, ItemResult
from app.ingest.sources.datahub import map_datasets as data
from app.ingest.sources.datahub import map_models as models
from app.ingest.sources.datahub import map_people as people
from app.ingest.sources.datahub.aspect_files import Entity, Estate
from app.ingest.sources.datahub.names import Names
from app.ingest.sources.datahub.shared_aspects import Body, SharedAspects

_MAPPERS: dict[str, Callable[[SharedAspects, Entity], Body]] = {
    "corpuser": people.user,
    "tag": people.tag,
    "glossaryTerm": people.glossary_term,
    "domain": people.domain,
    "dataset": data.dataset,
    "dataFlow": data.data_flow,
    "dataJob": data.data_job,
    "mlFeatureTable": data.feature_table,
    "mlFeature": data.feature,
    "dataProcessInstance": models.run,
    "mlModelGroup": models.model_group,
    "mlModel": models.model,
    "mlModelDeployment": models.deployment,
    "chart": data.chart,
    "dashboard": data.dashboard,
}
"""Entity types that become one item each; ``people.teams`` maps groups."""

_LINKS: dict[str, Callable[[SharedAspects, Entity], Iterator[Body]]] = {
    "dataJob": data.job_triggers,
    "mlModel": models.model_links,
}
"""Entity types with edges for which their item has no field."""


def map_estate(estate: Estate) -> list[ImportItem | ItemResult]:
    """Return the items of all entities whose type has a kind, after a failure for each that cannot be sent.

    Afterwards, ``estate.coverage()`` is complete.
    """
    names = Names(estate)
    items = [ImportItem(foreign, body) for foreign, body in _items(SharedAspects(estate, names))]
    for entity_type, number in names.left_out().items():
        estate.count_skipped(entity_type, "references.withoutId", number)
    return [*names.failures, *items]


def _items(shared: SharedAspects) -> Iterator[tuple[str, Body]]:
    yield from people.teams(shared)
    for entity_type, map_one in _MAPPERS.items():
        for entity in _named(shared, entity_type):
            yield entity.urn, map_one(shared, entity)
    for entity_type, map_links in _LINKS.items():
        for entity in _named(shared, entity_type):
            yield from ((entity.urn, link) for link in map_links(shared, entity))


def _named(shared: SharedAspects, entity_type: str) -> Iterator[Entity]:
    """Yield the entities of a type that are sent."""
    yield from filter(shared.names.sends, shared.estate.of_type(entity_type))
