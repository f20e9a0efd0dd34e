"""Maps the entities of an estate whose type has a kind, in the order in which items are sent."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from app.ingest.load.batches import ImportItem, ItemResult
from app.ingest.sources.datahub import map_datasets as data
from app.ingest.sources.datahub import map_models as models
from app.ingest.sources.datahub import map_people as people
from app.ingest.sources.datahub.aspect_files import Entity, Estate
from app.ingest.sources.datahub.names import Names
from app.ingest.sources.datahub.shared_aspects import Body, SharedAspects
from app.ingest.sources.source_file import MALFORMED
from policies.errors import InvalidError

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
    """Return the items of all entities whose type has a kind, and a failure for each that cannot be sent.

    Afterwards, ``estate.coverage()`` is complete. Raises InvalidError if an aspect that decides about several entities,
    such as the groups of a model, does not have the form of DataHub.
    """
    try:
        names = Names(estate)
        items = [*_items(SharedAspects(estate, names))]
    except MALFORMED as error:
        raise InvalidError(f"The metadata cannot be read: {_reason(error)}.") from error
    for entity_type, number in names.left_out().items():
        estate.count_skipped(entity_type, "references.withoutId", number)
    return [*names.failures, *items]


def _items(shared: SharedAspects) -> Iterator[ImportItem | ItemResult]:
    yield from (ImportItem(foreign, body) for foreign, body in people.teams(shared))
    for entity_type, map_one in _MAPPERS.items():
        for entity in _named(shared, entity_type):
            yield from _mapped(entity, partial(_alone, map_one, shared))
    for entity_type, map_links in _LINKS.items():
        for entity in _named(shared, entity_type):
            yield from _mapped(entity, partial(map_links, shared))


def _alone(map_one: Callable[[SharedAspects, Entity], Body], shared: SharedAspects, entity: Entity) -> list[Body]:
    """Return the only item of an entity."""
    return [map_one(shared, entity)]


def _mapped(entity: Entity, bodies: Callable[[Entity], Iterable[Body]]) -> list[ImportItem | ItemResult]:
    """Return the items of an entity, or its failure if one of its aspects does not have the form of DataHub."""
    try:
        return [ImportItem(entity.urn, body) for body in bodies(entity)]
    except MALFORMED as error:
        return [ItemResult(entity.urn, "INVALID", (f"{_reason(error)}. It is not sent.",))]


def _reason(error: Exception) -> str:
    """Return what is wrong with an aspect, and what to do."""
    return f"an aspect does not have the form that DataHub writes ({error!r}); correct it, or export it again"


def _named(shared: SharedAspects, entity_type: str) -> Iterator[Entity]:
    """Yield the entities of a type that are sent."""
    yield from filter(shared.names.sends, shared.estate.of_type(entity_type))
