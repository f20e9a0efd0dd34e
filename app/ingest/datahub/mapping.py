"""Maps a whole estate: which entity type goes where, in the order in which items are sent."""

from collections.abc import Callable, Iterator

from app.ingest.datahub import data, models, people
from app.ingest.datahub.facts import Body, Facts
from app.ingest.datahub.names import Names
from app.ingest.datahub.records import Entity, Estate
from app.ingest.registering import Item

_ONE: dict[str, Callable[[Facts, Entity], Body]] = {
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

_LINKS: dict[str, Callable[[Facts, Entity], Iterator[Body]]] = {
    "dataJob": data.job_triggers,
    "mlModel": models.model_links,
}
"""Edges that no field of an item can carry."""


def map_estate(estate: Estate) -> list[Item]:
    """Map every entity that has a kind; afterwards ``estate.coverage()`` tells what was carried and what was not."""
    facts = Facts(estate, Names(estate))
    return [Item(foreign, body) for foreign, body in _items(facts)]


def _items(facts: Facts) -> Iterator[tuple[str, Body]]:
    yield from people.teams(facts)
    for entity_type, map_one in _ONE.items():
        for entity in facts.estate.of_type(entity_type):
            yield entity.urn, map_one(facts, entity)
    for entity_type, map_links in _LINKS.items():
        for entity in facts.estate.of_type(entity_type):
            yield from ((entity.urn, link) for link in map_links(facts, entity))
