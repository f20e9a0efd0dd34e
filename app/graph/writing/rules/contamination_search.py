"""Contamination of evaluations within a write, by the same rule as in reads.

It is known from what is visible to the caller; that of an evaluation that is hidden from the caller, from everything.
The search walks upstream over look-ups as :mod:`app.graph.reading.lineage.data_sources` does over the store. All
searches of an item go on together: each level is one more read of the batch, however many there are.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Final, NamedTuple

from app.graph.records.vertex_record import kind_of
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.read_set import require_all
from graphql_schema.catalog.enums import ContaminationVerdict
from graphql_schema.catalog.relations import CHILD_HOPS, LINEAGE, PARENT_HOPS, Hop
from graphql_schema.ports.record import Record
from graphql_schema.rules.contamination_verdict import (
    LEVELS,
    MAX_DATA,
    MEASURED,
    MEASURED_FIELDS,
    ORIGIN,
    SNAPSHOTS,
    TRAINING,
    DataSources,
    is_data,
    leads,
    overlap,
    verdict_of,
)

MAX_ASSETS: Final = 1_000
"""Maximal number of assets that one walk examines, because it holds the write lock."""

Paths = dict[str, tuple[str, ...]]
"""By id of an asset: the ids of a path to it, from the root of the walk to the asset itself."""


@cache
def _upstream(kind: str) -> tuple[Hop, ...]:
    """Return the hops against the lineage edges that may lead to a kind."""
    return tuple(each.into() for each in LINEAGE if any(target == kind for _, target in each.ends))


@cache
def _steps(kind: str) -> tuple[Hop, ...]:
    """Return the hop from a parent kind to its children, or from a child kind to its parent; none for other kinds."""
    step = CHILD_HOPS.get(kind) or PARENT_HOPS.get(kind)
    return () if step is None else (step,)


def contaminated(unit: ItemUnit, evaluations: Sequence[Record], *, unmasked: bool = False) -> frozenset[str]:
    """Return the ids of the evaluations that are not known to be uncontaminated: all that are not CLEAN.

    With the flag ``unmasked``, what is hidden from the caller is examined as well.
    """
    found: dict[str, ContaminationVerdict] = {}

    known: dict[tuple[str, tuple[Hop, ...]], _Walked] = {}

    def examine(evaluation: Record) -> None:
        found[evaluation["id"]] = SourceSearch(unit, known, unmasked).verdict(evaluation["id"])

    require_all(partial(examine, each) for each in evaluations)
    return frozenset(urn for urn, verdict in found.items() if verdict is not ContaminationVerdict.CLEAN)


class _Walked(NamedTuple):
    """The data found by a walk. ``hidden``: the walk met something hidden. ``cut``: a limit ended the walk."""

    sources: DataSources
    hidden: bool
    cut: bool


@dataclass(slots=True)
class SourceSearch:
    """The search for the data of one evaluation and of its training.

    ``known`` has the walks so far, by root and hops; searches with the same flag ``unmasked`` share it. With this flag
    nothing counts as hidden. ``hidden`` is true if something next to the examined assets is hidden from the caller,
    ``cut`` if a limit ended a walk or left out data.
    """

    unit: ItemUnit
    known: dict[tuple[str, tuple[Hop, ...]], _Walked] = field(default_factory=dict)
    unmasked: bool = False
    hidden: bool = False
    cut: bool = False

    def verdict(self, evaluation: str) -> ContaminationVerdict:
        """Return the verdict of an evaluation: DIRECT or DERIVED if a visible overlap was found.

        Else it is UNKNOWN if ``cut``, or if something is hidden and results may state this. It is also UNKNOWN if no
        model version, no data of the evaluation, or no training data of one of the versions was found. Otherwise it is
        CLEAN.
        """
        shown = self._shows(evaluation, "contamination", "upstream", *MEASURED_FIELDS)
        found = self._level({evaluation: (evaluation,)}, MEASURED, {}) if shown else {}
        versions, runs = self._of_kinds(found, "ModelVersion"), self._of_kinds(found, "Run")
        inputs = {run: self._of_kinds(self._level({run: (run,)}, MEASURED, {}), *SNAPSHOTS) for run in runs}
        trainings = self._all_sources(versions, TRAINING)
        trained = frozenset().union(*(each.reached for each in trainings))
        read = {each for run, data in inputs.items() if run not in trained for each in data}
        data = sorted({*self._of_kinds(found, *SNAPSHOTS), *read})
        self.cut |= len(data) > MAX_DATA
        origins = self._all_sources(data[:MAX_DATA], ORIGIN)
        overlaps = [overlap(training, origin) for training in trainings for origin in origins]
        missing = self.cut or (self.hidden and self.unit.author.discloses_hidden)
        known = bool(trainings and origins) and all(each.paths for each in trainings) and not missing
        return verdict_of((each for each in overlaps if each is not None), known=known)

    def _all_sources(self, roots: Sequence[str], hops: Sequence[Hop]) -> list[DataSources]:
        found: dict[str, DataSources] = {}

        def search(root: str) -> None:
            found[root] = self._sources(root, hops)

        require_all(partial(search, root) for root in roots)
        return [found[root] for root in roots]

    def _sources(self, root: str, hops: Sequence[Hop]) -> DataSources:
        """Return the data upstream of a root, LEVELS levels far; each walk is made once for all searches."""
        key = (root, tuple(hops))
        if key not in self.known:
            walk = SourceSearch(self.unit, unmasked=self.unmasked)
            self.known[key] = _Walked(walk._walked(root, hops), walk.hidden, walk.cut)
        sources, hidden, cut = self.known[key]
        self.hidden |= hidden
        self.cut |= cut
        return sources

    def _walked(self, root: str, hops: Sequence[Hop]) -> DataSources:
        reached: Paths = {root: (root,)}
        front, members = dict(reached), Paths()
        for level in range(LEVELS + 1):
            arriving = self._level(front, hops, members)
            front = {urn: path for urn, path in arriving.items() if urn not in reached}
            if front and (level == LEVELS or len(reached) + len(front) > MAX_ASSETS):
                self.cut = True
                break
            reached |= front
        paths = {urn: path for urn, path in {**members, **reached}.items() if is_data(urn)}
        return DataSources(root, paths, frozenset(reached))

    def _level(self, front: Mapping[str, tuple[str, ...]], hops: Sequence[Hop], members: Paths) -> Paths:
        """Return the ids to which the edges of one level lead, and add the group members that count to ``members``."""
        expanded = {urn: path for urn, path in front.items() if self._shows(urn, "upstream")}
        self.hidden |= len(expanded) < len(front)
        group = self._group(expanded)
        self._require(_upstream, [urn for urn, _, _ in group])
        arriving: Paths = {}
        for urn, path, parent in group:
            led = self._far_ends(urn, hops, parent=parent)
            if (parent and self._is_visible(urn)) or (led and urn not in front):
                members.setdefault(urn, path)
            for far in led:
                arriving.setdefault(far, (*path, far))
        return arriving

    def _group(self, front: Mapping[str, tuple[str, ...]]) -> list[tuple[str, tuple[str, ...], bool]]:
        """Return the ids of one level and of the members of their groups, also hidden ones, each with its path.

        The last value is whether the member is the parent of data.
        """
        self._require(_steps, [*front])
        found = [(urn, path, False) for urn, path in sorted(front.items())]
        for urn, path in sorted(front.items()):
            parent = self._kind(urn) in PARENT_HOPS and is_data(urn)
            for hop in _steps(self._kind(urn)):
                found += [(far["id"], (*path, far["id"]), parent) for far in self._active(hop, urn)]
        return found

    def _far_ends(self, urn: str, hops: Sequence[Hop], *, parent: bool) -> list[str]:
        """Return the visible far ends of the edges of a group member that ``hops`` follow.

        Set ``hidden`` if the member has edges and hides them, if a far end is hidden, or for a hidden ``parent``.
        """
        edges = [(hop, far) for hop in _upstream(self._kind(urn)) for far in self._active(hop, urn)]
        if not self._is_visible(urn):
            self.hidden |= parent or bool(edges)
            return []
        if not self._shows(urn, "upstream"):
            self.hidden |= bool(edges)
            return []
        visible = [(hop, far) for hop, far in edges if self._is_visible(far["id"])]
        self.hidden |= len(visible) < len(edges)
        return [far["id"] for hop, far in visible if leads(hops, hop.relation.name, kind_of(far))]

    def _active(self, hop: Hop, urn: str) -> Iterator[Record]:
        """Yield the far records of the active edges of a hop, also hidden ones, and without deleted assets."""
        for _, far in self.unit.visibility.active_edges(hop, self.unit.lookup.vid(urn)):
            if far.get("deletedAt") is None:
                yield far

    def _require(self, hops_of: Callable[[str], tuple[Hop, ...]], urns: Sequence[str]) -> None:
        lookup = self.unit.lookup
        lookup.require_hops(*((hop, lookup.vid(urn)) for urn in urns for hop in hops_of(self._kind(urn))))

    def _of_kinds(self, urns: Mapping[str, object], *kinds: str) -> list[str]:
        return sorted(urn for urn in urns if self._kind(urn) in kinds)

    def _kind(self, urn: str) -> str:
        return self.unit.lookup.kind(self.unit.lookup.vid(urn))

    def _is_visible(self, urn: str) -> bool:
        return self.unmasked or self.unit.visibility.is_visible(self.unit.lookup.known(self.unit.lookup.vid(urn)))

    def _shows(self, urn: str, *fields: str) -> bool:
        record = self.unit.lookup.known(self.unit.lookup.vid(urn))
        return self.unmasked or all(self.unit.visibility.shows(record, field) for field in fields)
