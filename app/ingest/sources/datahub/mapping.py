"""Maps a whole estate: which entity type goes where, in the order in which items are sent."""

from collections.abc import Callable, Iterator

from app.ingest.load.batches import ImportItem
from app.ingest.sources.datahub import map_datasets as data
from app.ingest.sources.datahub import map_models as models
from app.ingest.sources.datahub import map_people as people
from app.ingest.sources.datahub.aspect_files import Entity, Estate
from app.ingest.sources.datahub.names import Names
from app.ingest.sources.datahub.shared_aspects import Body, SharedAspects

_ONE: dict[str, Callable[[SharedAspects, Entity], Body]] = {
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
"""Entity types that become one item each; groups become teams in ``people.teams``."""

_LINKS: dict[str, Callable[[SharedAspects, Entity], Iterator[Body]]] = {
    "dataJob": data.job_triggers,
    "mlModel": models.model_links,
}
"""Edges that no field of an item can carry."""


def map_estate(estate: Estate) -> list[ImportItem]:
    """Map every entity that has a kind; afterwards ``estate.coverage()`` tells what was carried and what was not."""
    facts = SharedAspects(estate, Names(estate))
    return [ImportItem(foreign, body) for foreign, body in _items(facts)]


def _items(facts: SharedAspects) -> Iterator[tuple[str, Body]]:
    yield from people.teams(facts)
    for entity_type, map_one in _ONE.items():
        for entity in facts.estate.of_type(entity_type):
            yield entity.urn, map_one(facts, entity)
    for entity_type, map_links in _LINKS.items():
        for entity in facts.estate.of_type(entity_type):
            yield from ((entity.urn, link) for link in map_links(facts, entity))
