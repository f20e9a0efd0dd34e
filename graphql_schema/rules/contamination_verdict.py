"""The rule of contamination: whether data of an evaluation is in the training lineage of the version that it measures.

Both lineages are walked upstream over the hops below, LEVELS levels far, with the edges of asset groups
(docs/design/lineage-rules.md, rule 3.3). The result of a walk is a :class:`DataSources`. Data of the evaluation that
the training lineage contains is DIRECT. Data whose sources meet those of the training is DERIVED. For this, a version
counts as made from its dataset and a feature from its set, so that two snapshots of one dataset meet in the dataset.
Services end both walks, because the log of a service is an observation and not made from the features that it reads.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from graphql_schema.catalog.enums import ContaminationVerdict
from graphql_schema.catalog.kinds import KIND_OF_SLUG
from graphql_schema.catalog.relations import BASE_OF, DERIVES, EVALUATED_BY, FEEDS, INPUT_TO, PRODUCES, Hop
from graphql_schema.catalog.urn import slug_of

LEVELS: Final = 10
"""Maximal number of edges from the version, or from data of the evaluation, to a source; steps in a group count 0."""

MAX_DATA: Final = 100
"""Maximal number of datasets and their versions of one evaluation that are examined, the first by id.

A read counts those that the run read apart from the declared ones, a write all together. It is also the maximal number
of model versions.
"""

SNAPSHOTS: Final = ("Dataset", "DatasetVersion")
"""The kinds of data that an evaluation measures on."""

DATA: Final = frozenset({*SNAPSHOTS, "Feature", "FeatureSet"})
"""The kinds in which two lineages meet; a run or workflow that made both datasets does not make them overlap."""

TRAINING: Final[tuple[Hop, ...]] = (
    FEEDS.into(*sorted(DATA)),
    PRODUCES.into("Run", "Workflow"),
    INPUT_TO.into(),
    DERIVES.into(),
    BASE_OF.into(),
)
"""From a model version to everything that it was trained on, directly, by features, by runs, or by its bases."""

ORIGIN: Final[tuple[Hop, ...]] = (
    PRODUCES.into("Run", "Workflow"),
    INPUT_TO.into(*SNAPSHOTS, "Feature"),
    DERIVES.into(),
)
"""From data of an evaluation to everything that the data was made from; models are no sources of it."""

MEASURED: Final[tuple[Hop, ...]] = (
    EVALUATED_BY.into("ModelVersion", *SNAPSHOTS),
    PRODUCES.into("Run"),
    INPUT_TO.into(*SNAPSHOTS),
)
"""From an evaluation to its version and its data, declared or read by its run, as `Evaluation.evaluatedOn` lists it."""

MEASURED_FIELDS: Final = frozenset({"modelVersion", "evaluatedOn", "run"})
"""Fields of an evaluation that disclose the edges of :data:`MEASURED`."""


@dataclass(frozen=True, slots=True)
class DataSources:
    """The data upstream of ``root``, by id.

    ``paths`` has a path from the root for each data asset that a walk found, and for each dataset and feature set of
    them; both ends are in the path. ``reached`` are the root and the ids to which edges led, of any kind.
    """

    root: str
    paths: Mapping[str, tuple[str, ...]]
    reached: frozenset[str]


class Overlap(NamedTuple):
    """The overlap of the training with one data asset of an evaluation, as ids.

    ``path`` leads from the version upstream to ``via``, where the lineages meet, and from there downstream to the data.
    ``training`` is the first data on it.
    """

    verdict: ContaminationVerdict
    training: str
    via: str
    path: tuple[str, ...]


def leads(hops: Iterable[Hop], relation: str, kind: str) -> bool:
    """Return whether one of the hops follows edges of a relation to a kind."""
    return any(hop.relation.name == relation and (not hop.kinds or kind in hop.kinds) for hop in hops)


def is_data(urn: str) -> bool:
    """Return whether an id is that of data in which lineages can meet."""
    return KIND_OF_SLUG[slug_of(urn)].name in DATA


def compared_ids(training: DataSources, evaluated: DataSources) -> int:
    """Return how many ids :func:`overlap` compares at most."""
    return 0 if evaluated.root in training.reached else min(len(training.paths), len(evaluated.paths))


def overlap(training: DataSources, evaluated: DataSources) -> Overlap | None:
    """Return the overlap of the training with the data at the root of ``evaluated``; None if they share nothing.

    Of several places where both meet, the one on the shortest path counts, then the first path by ids.
    """
    if evaluated.root in training.reached:
        path = training.paths[evaluated.root]
        return Overlap(ContaminationVerdict.DIRECT, _first_data(path), evaluated.root, path)
    meeting = min(_meetings(training, evaluated), default=None)
    if meeting is None:
        return None
    _, path, via = meeting
    return Overlap(ContaminationVerdict.DERIVED, _first_data(path), via, path)


def verdict_of(overlaps: Iterable[Overlap], *, known: bool) -> ContaminationVerdict:
    """Return the worst verdict of overlaps; without any, CLEAN or UNKNOWN.

    ``known`` states that both lineages have data and that nothing of them is known to be missing.
    """
    found = {each.verdict for each in overlaps}
    if ContaminationVerdict.DIRECT in found:
        return ContaminationVerdict.DIRECT
    if found:
        return ContaminationVerdict.DERIVED
    return ContaminationVerdict.CLEAN if known else ContaminationVerdict.UNKNOWN


def _meetings(training: DataSources, evaluated: DataSources) -> Iterator[tuple[int, tuple[str, ...], str]]:
    """Yield each id that both have, with the path over it and the length of the path."""
    for via in training.paths.keys() & evaluated.paths.keys():
        path = (*training.paths[via], *reversed(evaluated.paths[via][:-1]))
        yield len(path), path, via


def _first_data(path: tuple[str, ...]) -> str:
    return next(urn for urn in path if is_data(urn))
