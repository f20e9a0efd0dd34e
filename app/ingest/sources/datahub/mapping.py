"""Maps the entities of an estate whose type has a kind, in the order in which items are sent."""

from collections.abc import Callable, Iterator

from app.ingest.load.batches import ImportItem
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


def map_estate(estate: Estate) -> list[ImportItem]:
    """Return the items of all entities whose type has a kind; afterwards, ``estate.coverage()`` is complete.

    Raises InvalidError as `Names.urn` does.
    """
    shared = SharedAspects(estate, Names(estate))
    return [ImportItem(foreign, body) for foreign, body in _items(shared)]


def _items(shared: SharedAspects) -> Iterator[tuple[str, Body]]:
    yield from people.teams(shared)
    for entity_type, map_one in _MAPPERS.items():
        for entity in shared.estate.of_type(entity_type):
            yield entity.urn, map_one(shared, entity)
    for entity_type, map_links in _LINKS.items():
        for entity in shared.estate.of_type(entity_type):
            yield from ((entity.urn, link) for link in map_links(shared, entity))
