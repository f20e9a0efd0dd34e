"""The facet `lineage` of datasets and jobs: what an event says explicitly about where data comes from."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Final

from app.ingest.sources.openlineage.contribution import Contribution, EventFacet, FacetError, by_itself
from app.ingest.sources.openlineage.dataset_facets import source_columns
from app.ingest.sources.openlineage.event_names import EventNames
from app.ingest.sources.openlineage.lineage_event import MAX_DATASETS
from graphql_schema.catalog.relations import DERIVES, INPUT_TO, PRODUCES

DATASET: Final = "DATASET"
JOB: Final = "JOB"


@dataclass(slots=True)
class ExplicitLineage:
    """Maps the facets `lineage` of one event, which may give MAX_DATASETS edges together.

    ``names`` are those of the event, and ``part`` is the part of the columns that the facet of a dataset gives.
    ``dataset`` and ``job`` return the contribution about the asset that a part of a facet names, ``dataset_id`` returns
    the id of the dataset. All three raise FacetError if the part names no asset. ``origin`` is that of the edges,
    ``left`` the number of edges that the facets may still give.
    """

    names: EventNames
    part: str
    origin: str
    dataset_id: Callable[[EventFacet], str]
    dataset: Callable[[EventFacet], Contribution]
    job: Callable[[EventFacet], Contribution]
    left: int = MAX_DATASETS

    def of_dataset(self, facet: EventFacet, about: Contribution, _names: EventNames) -> Generator[None]:
        """Join a dataset to the datasets and jobs that feed it, and give the sources of its columns.

        Raises FacetError if `inputs` is no list, or has more elements than one list or one event may have.
        """
        yield from self._join(facet, self._sources(facet), about, self.part)

    def _join(self, facet: EventFacet, sources: list[EventFacet], about: Contribution, part: str) -> Generator[None]:
        """Join a dataset to its sources, and give those of its columns; ignored columns are reported about it alone."""
        for source in sources:
            yield
            with by_itself(source):
                self._join_source(source, about)
        if facet.body.get("fields"):
            fields = EventFacet(f"{facet.path}.fields", {}, about.ignored)
            columns = EventFacet(facet.path, facet.body, about.ignored)
            with by_itself(fields):
                yield from source_columns(columns, about, self.names, "inputs", part)

    def _join_source(self, source: EventFacet, about: Contribution) -> None:
        kind = source.text("type")
        if kind == JOB:
            self.job(source).join(PRODUCES.out(), "outputs", about.urn, self.origin)
        elif kind == DATASET:
            about.join(DERIVES.into(), "derivedFrom", self.dataset_id(source), self.origin)
        else:
            raise FacetError("`type` is neither DATASET nor JOB")

    def of_job(self, facet: EventFacet, _about: Contribution, _names: EventNames) -> Generator[None]:
        """Join the datasets and jobs that the entries name; raises FacetError if `entries` is no list, or too long."""
        for entry in _bounded(facet, "entries"):
            yield
            with by_itself(entry):
                yield from self._entry(entry)

    def _entry(self, entry: EventFacet) -> Generator[None]:
        kind = entry.text("type")
        if kind == DATASET:
            sources = self._sources(entry)
            yield from self._join(entry, sources, self.dataset(entry), f"{self.part} of the job")
        elif kind == JOB:
            read: list[str] = []
            for source in self._sources(entry):
                yield
                with by_itself(source):
                    read.append(self._read(source))
            for urn in read:
                yield
                self.job(entry).join(INPUT_TO.into(), "inputs", urn, self.origin)
        else:
            raise FacetError("`type` is neither DATASET nor JOB")

    def _read(self, source: EventFacet) -> str:
        """Return the id of a dataset that a job reads; raises FacetError if the source is no dataset."""
        if source.text("type") != DATASET:
            raise FacetError("no relation joins a job to a job whose data it reads")
        return self.dataset_id(source)

    def _sources(self, facet: EventFacet) -> list[EventFacet]:
        """Return the `inputs` of a facet or an entry, each of which may give an edge; raises FacetError if too many."""
        sources = _bounded(facet, "inputs") if facet.body.get("inputs") is not None else []
        if len(sources) > self.left:
            raise FacetError(f"an event may give at most {MAX_DATASETS} edges by facets `lineage`")
        self.left -= len(sources)
        return sources


def _bounded(facet: EventFacet, key: str) -> list[EventFacet]:
    """Return the objects in a list; raises FacetError if the member is no list, or has more than MAX_DATASETS."""
    found = [*facet.elements(key)]
    if len(found) > MAX_DATASETS:
        raise FacetError(f"`{key}` has {len(found)} elements; an event may give at most {MAX_DATASETS}")
    return found
