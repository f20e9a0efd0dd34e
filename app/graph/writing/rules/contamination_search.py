"""Contamination of evaluations within a write, by the same rule as in reads.

It is known from what is visible to the caller; that of an evaluation that is hidden from the caller, from everything.
The search walks upstream over look-ups as :mod:`app.graph.reading.lineage.data_sources` does over the store. All
searches of an item go on together: each level is one more read, however many there are.

The functions of a search are generators. Each yields where something was not read, and continues over what is read
then. Otherwise each plan would begin at the root again, and repeat all levels before.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice, product
from typing import Final, NamedTuple, TypeVar

from app.graph.records.vertex_record import kind_of
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.read_set import NotReadError
from app.graph.writing.unit.rejections import RejectedItemError
from app.graph.writing.unit.working_set import WorkingSet
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
    Overlap,
    compared_ids,
    is_data,
    leads,
    overlap,
    verdict_of,
)
from policies.blurred_limit import blurred

MAX_ASSETS: Final = 1_000
"""Maximal number of assets that one walk examines, because it holds the write lock."""

MAX_WORK: Final = 50_000
"""Maximal work of the searches of an item: 1 for each asset or edge of a walk, and for each comparison of two walks.

The ids that are compared count too (IDS), and hidden assets, so it is blurred. So much takes about 0.2 s.
"""

FIRST: Final = 10
"""Work for each asset or edge that no walk has examined yet, because the policy is applied to it."""

IDS: Final = 8
"""Number of ids that are compared with the work 1."""

ResultT = TypeVar("ResultT")

Search = Generator[None, None, ResultT]
"""A search that yields where something was not read, and returns its result."""

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

    With the flag ``unmasked``, what is hidden from the caller is examined as well. What is left once the searches have
    done MAX_WORK is not known.
    """
    known = _Known(unit)
    verdicts = _together(SourceSearch(known, unmasked).verdict(each["id"]) for each in evaluations)
    try:
        next(verdicts)
    except StopIteration as ended:
        found: list[ContaminationVerdict] = ended.value
    else:
        unit.lookup.batch.searches.append(_Continued(known, verdicts).goes_on)
        raise NotReadError
    clean = ContaminationVerdict.CLEAN
    return frozenset(each["id"] for each, verdict in zip(evaluations, found, strict=True) if verdict is not clean)


def _together(searches: Iterable[Search[ResultT]]) -> Search[list[ResultT]]:
    """Return the results of several searches; those that wait for a read wait for the same one."""
    results, waiting = dict[int, ResultT](), dict(enumerate(searches))
    while waiting:
        for number, search in [*waiting.items()]:
            try:
                next(search)
            except StopIteration as ended:
                results[number] = ended.value
                del waiting[number]
        if waiting:
            yield
    return [results[number] for number in sorted(results)]


class _Walked(NamedTuple):
    """The data found by a walk. ``hidden``: the walk met something hidden. ``cut``: a limit ended the walk."""

    sources: DataSources
    hidden: bool
    cut: bool


class _Member(NamedTuple):
    """A member of the group of an asset, and the far ends of its edges. ``counts``: a visible parent of data."""

    urn: str
    far_ends: Sequence[str]
    counts: bool


class _Steps(NamedTuple):
    """The next steps from an asset: the far ends of its edges, and its group. ``hidden``: next to it is what is hidden.

    ``size`` is the number of the assets and edges that they lead to.
    """

    far_ends: Sequence[str] = ()
    group: Sequence[_Member] = ()
    hidden: bool = True
    size: int = 1


@dataclass(slots=True)
class _Hops:
    """The hops of a walk, with the steps from each asset and the walks from each root that were found over them.

    ``begun`` has the roots of these walks, and of those that wait for a read.
    """

    hops: Sequence[Hop]
    steps: dict[str, _Steps] = field(default_factory=dict)
    walks: dict[str, _Walked] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Known:
    """What searches with the same flag ``unmasked`` share: what they found, and the work that they may still do.

    ``unit`` is that of the item, over what was read so far. ``overlaps`` has the result of each comparison by the roots
    of training and origin.
    """

    unit: ItemUnit
    measured: _Hops = field(default_factory=lambda: _Hops(MEASURED))
    training: _Hops = field(default_factory=lambda: _Hops(TRAINING))
    origin: _Hops = field(default_factory=lambda: _Hops(ORIGIN))
    overlaps: dict[tuple[str, str], Overlap | None] = field(default_factory=dict)
    left: int = field(default_factory=lambda: blurred(MAX_WORK))


@dataclass(slots=True)
class _Continued:
    """Searches that a plan has begun, which go on while what they need is read for the next plan."""

    known: _Known
    searches: Search[object]

    def goes_on(self, batch: WorkingSet) -> bool:
        """Continue over what was read since, in ``batch``; return whether further reads are needed.

        What ends the searches otherwise ends the next plan of the item in the same manner.
        """
        self.known.unit = ItemUnit(batch, self.known.unit.author)
        try:
            return next(self.searches, _ENDED) is not _ENDED
        except (NotReadError, RejectedItemError):
            return False


_ENDED: Final = object()


@dataclass(slots=True)
class SourceSearch:
    """The search for the data of one evaluation and of its training.

    With the flag ``unmasked`` nothing counts as hidden. ``hidden`` is true if something next to the examined assets is
    hidden from the caller, ``cut`` if a limit ended a walk or left out data.
    """

    known: _Known
    unmasked: bool = False
    hidden: bool = False
    cut: bool = False

    @property
    def unit(self) -> ItemUnit:
        """The unit of the item, over what was read so far."""
        return self.known.unit

    def verdict(self, evaluation: str) -> Search[ContaminationVerdict]:
        """Return the verdict of an evaluation: DIRECT or DERIVED if a visible overlap was found.

        Else it is UNKNOWN if ``cut``, or if something is hidden and results may state this. It is also UNKNOWN if no
        model version, no data of the evaluation, or no training data of one of the versions was found. Otherwise it is
        CLEAN.
        """
        if self.known.left <= 0:
            return ContaminationVerdict.UNKNOWN
        measured = self.known.measured
        shown = self._shows(evaluation, "contamination", "upstream", *MEASURED_FIELDS)
        found = (yield from self._level({evaluation: (evaluation,)}, measured, {})) if shown else {}
        versions, runs = self._of_kinds(found, "ModelVersion"), self._of_kinds(found, "Run")
        inputs = dict(zip(runs, (yield from _together(map(self._inputs, runs))), strict=True))
        self.cut |= len(versions) > MAX_DATA
        trainings = yield from self._all_sources(versions[:MAX_DATA], self.known.training)
        trained = frozenset().union(*(each.reached for each in trainings))
        read = {each for run, data in inputs.items() if run not in trained for each in data}
        data = sorted({*self._of_kinds(found, *SNAPSHOTS), *read})
        self.cut |= len(data) > MAX_DATA
        origins = yield from self._all_sources(data[:MAX_DATA], self.known.origin)
        overlaps = self._overlaps(trainings, origins)
        missing = self.cut or (self.hidden and self.unit.author.discloses_hidden)
        known = bool(trainings and origins) and all(each.paths for each in trainings) and not missing
        return verdict_of((each for each in overlaps if each is not None), known=known)

    def _inputs(self, run: str) -> Search[list[str]]:
        """Return the snapshots of data that a run read."""
        found = yield from self._level({run: (run,)}, self.known.measured, {})
        return self._of_kinds(found, *SNAPSHOTS)

    def _overlaps(self, trainings: Sequence[DataSources], origins: Sequence[DataSources]) -> list[Overlap | None]:
        """Compare each training with each origin; without work left for all, set ``cut`` and compare none.

        A pair that was compared for another evaluation is not compared again.
        """
        pairs, known = {(one.root, other.root): (one, other) for one, other in product(trainings, origins)}, self.known
        new = {roots: pair for roots, pair in pairs.items() if roots not in known.overlaps}
        work = len(pairs) + sum(compared_ids(*pair) for pair in new.values()) // IDS
        if work > known.left:
            self.cut = True
            return []
        known.left -= work
        known.overlaps |= {roots: overlap(*pair) for roots, pair in new.items()}
        return [known.overlaps[roots] for roots in pairs]

    def _all_sources(self, roots: Sequence[str], hops: _Hops) -> Search[list[DataSources]]:
        return (yield from _together(self._sources(root, hops) for root in roots))

    def _sources(self, root: str, hops: _Hops) -> Search[DataSources]:
        """Return the data upstream of a root, LEVELS levels far; each walk is made once for all searches."""
        while root in hops.begun and root not in hops.walks:  # another search makes it, and waits for a read
            yield
        if root not in hops.walks:
            hops.begun.add(root)
            walk = SourceSearch(self.known, self.unmasked)
            found = yield from walk._walked(root, hops)
            hops.walks[root] = _Walked(found, walk.hidden, walk.cut)
        sources, hidden, cut = hops.walks[root]
        self.hidden |= hidden
        self.cut |= cut
        return sources

    def _walked(self, root: str, hops: _Hops) -> Search[DataSources]:
        reached: Paths = {root: (root,)}
        front, members = dict(reached), Paths()
        for level in range(LEVELS + 1):
            arriving = yield from self._level(front, hops, members)
            front = {urn: path for urn, path in arriving.items() if urn not in reached}
            if front and (level == LEVELS or len(reached) + len(front) > MAX_ASSETS):
                self.cut = True
                break
            reached |= front
        paths = {urn: path for urn, path in {**members, **reached}.items() if is_data(urn)}
        return DataSources(root, paths, frozenset(reached))

    def _level(self, front: Mapping[str, tuple[str, ...]], hops: _Hops, members: Paths) -> Search[Paths]:
        """Return the ids to which the edges of one level lead, and add the group members that count to ``members``.

        Set ``cut`` if the searches have done MAX_WORK before all are found.
        """
        yield from self._find_steps(sorted(front.keys() - hops.steps.keys()), hops)
        found = [(front[urn], hops.steps[urn]) for urn in sorted(front.keys() & hops.steps.keys())]
        self.cut |= len(found) < len(front) or self.known.left <= 0
        if self.known.left <= 0:
            return {}
        arriving: Paths = {}
        for path, steps in found:
            self.hidden |= steps.hidden
            self.known.left -= steps.size
            for far in steps.far_ends:
                arriving.setdefault(far, (*path, far))
        for path, steps in found:
            for member in steps.group:
                by = (*path, member.urn)
                if member.counts or (member.far_ends and member.urn not in front):
                    members.setdefault(member.urn, by)
                for far in member.far_ends:
                    arriving.setdefault(far, (*by, far))
        return arriving

    def _find_steps(self, urns: Sequence[str], hops: _Hops) -> Search[None]:
        """Add the steps from assets to those of ``hops``, as far as there is work left for it.

        If there is none left for all members of a group, the work ends before the edges of the members are read.
        """
        affordable = max(0, self.known.left // FIRST)
        urns = urns[:affordable]
        shown = [urn for urn in urns if self._shows(urn, "upstream")]
        yield from self._read(_steps, shown)
        groups: dict[str, list[str]] = {}
        for urn in shown:
            groups[urn] = list(islice(self._members(urn), affordable))
            affordable -= len(groups[urn])
        if affordable < len(urns):
            self.known.left = 0
            return
        yield from self._read(_upstream, [each for urn, group in groups.items() for each in (urn, *group)])
        for urn in urns:
            if self.known.left <= 0:
                return
            if urn in hops.steps:  # another search has found them meanwhile
                continue
            hops.steps[urn] = self._steps_from(urn, groups[urn], hops.hops) if urn in groups else _Steps()
            self.known.left -= FIRST * hops.steps[urn].size

    def _members(self, urn: str) -> Iterator[str]:
        """Yield the ids of the other members of the group of an asset, also hidden ones."""
        return (far["id"] for hop in _steps(self._kind(urn)) for far in self._active(hop, urn))

    def _steps_from(self, urn: str, group: Sequence[str], hops: Sequence[Hop]) -> _Steps:
        """Return the steps from an asset to the far ends of its own edges and those of the members of its group."""
        parent = self._kind(urn) in PARENT_HOPS and is_data(urn)
        far_ends, hidden, size = self._far_ends(urn, hops, parent=False)
        members = []
        for each in group:
            led, hides, count = self._far_ends(each, hops, parent=parent)
            members.append(_Member(each, led, parent and self._is_visible(each)))
            hidden, size = hidden or hides, size + count
        return _Steps(far_ends, members, hidden, size)

    def _far_ends(self, urn: str, hops: Sequence[Hop], *, parent: bool) -> tuple[list[str], bool, int]:
        """Return the visible far ends of the edges of a group member that ``hops`` follow.

        The second value is whether something is hidden: the member has edges and hides them, a far end is hidden, or
        the member is a hidden ``parent``. The last one is 1 more than the number of edges.
        """
        edges = [(hop, far) for hop in _upstream(self._kind(urn)) for far in self._active(hop, urn)]
        size = 1 + len(edges)
        if not self._is_visible(urn):
            return [], parent or bool(edges), size
        if not self._shows(urn, "upstream"):
            return [], bool(edges), size
        visible = [(hop, far) for hop, far in edges if self._is_visible(far["id"])]
        led = [far["id"] for hop, far in visible if leads(hops, hop.relation.name, kind_of(far))]
        return led, len(visible) < len(edges), size

    def _active(self, hop: Hop, urn: str) -> Iterator[Record]:
        """Yield the far records of the active edges of a hop, also hidden ones, and without deleted assets."""
        for _, far in self.unit.visibility.active_edges(hop, self.unit.lookup.vid(urn)):
            if far.get("deletedAt") is None:
                yield far

    def _read(self, hops_of: Callable[[str], tuple[Hop, ...]], urns: Sequence[str]) -> Search[None]:
        """Yield until the edges of the hops from these assets were read."""
        while True:
            lookup = self.unit.lookup
            try:
                lookup.require_hops(*((hop, lookup.vid(urn)) for urn in urns for hop in hops_of(self._kind(urn))))
            except NotReadError:
                yield
            else:
                return

    def _of_kinds(self, urns: Mapping[str, object], *kinds: str) -> list[str]:
        return sorted(urn for urn in urns if self._kind(urn) in kinds)

    def _kind(self, urn: str) -> str:
        return self.unit.lookup.kind(self.unit.lookup.vid(urn))

    def _is_visible(self, urn: str) -> bool:
        return self.unmasked or self.unit.visibility.is_visible(self.unit.lookup.known(self.unit.lookup.vid(urn)))

    def _shows(self, urn: str, *fields: str) -> bool:
        record = self.unit.lookup.known(self.unit.lookup.vid(urn))
        return self.unmasked or all(self.unit.visibility.shows(record, field) for field in fields)
