"""The known sources of vertices, and the inverse: which vertices something is a source of.

An edge that was written since is looked up by itself. So a vertex with a hundred thousand sources is not read again for
each edge that a caller writes to it.
"""

from collections import defaultdict
from collections.abc import Container, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from app.graph.propagation.edge_lookups import CARRIED, EdgeLookup
from app.graph.propagation.source_reading import SourceEdges, SourceReading
from app.graph.propagation.sources import group_of, is_group, parent_of

Changes = dict[int, dict[int, bool]]
"""For vertices and groups, by the id of a source that changes, whether it is one now."""


@dataclass(slots=True)
class SourceIndex:
    """The sources ``of`` vertices and groups, by id; groups as in :class:`app.graph.propagation.sources.Sources`.

    ``targets`` is the inverse of ``of``, so that a new child of one parent is applied without a walk over all that is
    known. ``pairs`` is the number of known sources. ``edges`` are the edges from which the sources of vertices follow.
    The children of the vertices in ``expanded`` are known, also if there are none. Nothing propagates to those that are
    ``stopped``.
    """

    of: dict[int, tuple[int, ...]] = field(default_factory=dict)
    targets: dict[int, set[int]] = field(default_factory=dict)
    stopped: set[int] = field(default_factory=set)
    pairs: int = 0
    edges: SourceEdges = field(default_factory=SourceEdges)
    expanded: set[int] = field(default_factory=set)

    def set_sources(self, vid: int, sources: tuple[int, ...]) -> None:
        """Set the sources of a vertex or group."""
        for source in self.of.get(vid, ()):
            self._remove_target(source, vid)
        self.of[vid] = sources
        self.pairs += len(sources)
        for source in sources:
            self.targets.setdefault(source, set()).add(vid)

    def forget_sources(self, vid: int) -> None:
        """Forget the sources of a vertex or group. Those of a group are read with a target of its parent."""
        if vid in self.of:
            self.set_sources(vid, ())
            del self.of[vid]
        self.edges.carried.pop(vid, None)
        self.edges.parents.pop(vid, None)
        if is_group(vid):
            self.edges.children.pop(parent_of(vid), None)
            self.expanded.discard(parent_of(vid))

    def add(self, reading: SourceReading) -> list[int]:
        """Add the sources of a reading, whose pages are all read, as far as they are unknown; return the new groups."""
        carried = reading.edges.carried
        groups = self.add_children(reading.edges, chain.from_iterable(carried[vid] for vid in reading.vids))
        for vid in reading.vids:
            if vid in self.of:
                continue
            if vid not in self.stopped:
                self.edges.carried[vid] = carried[vid]
                if parents := reading.edges.parents.get(vid):
                    self.edges.parents[vid] = parents
            self.set_sources(vid, tuple(self.edges.sources_of(vid)))
        return groups

    def add_children(self, edges: SourceEdges, parents: Iterable[int]) -> list[int]:
        """Add the children of vertices whose children were read, as far as they are unknown; return the new groups."""
        groups = []
        for parent in parents:
            if parent in self.expanded:
                continue
            self.expanded.add(parent)
            if children := edges.children.get(parent):
                self.edges.children[parent] = children
                groups.append(group_of(parent))
                self.set_sources(group_of(parent), tuple(self.edges.members_of(parent)))
        return groups

    def is_known(self, lookup: EdgeLookup) -> bool:
        """Return whether what is known depends on an edge."""
        number, near, far = lookup
        return near in self.of or (number != CARRIED and far in self.expanded)

    def unexpanded(self, lookups: Iterable[EdgeLookup]) -> list[int]:
        """Return the sources among current edges whose children are not known."""
        sources = (far for number, near, far in lookups if number == CARRIED and self._has_sources(near))
        return [*dict.fromkeys(vid for vid in sources if vid not in self.expanded)]

    def changes(self, lookups: Iterable[EdgeLookup], current: Container[EdgeLookup]) -> Generator[None, None, Changes]:
        """Set which of some edges are current, and return what this changes of the known sources.

        It yields after each step of a few microseconds. The children of their sources must be known.
        """
        found: Changes = defaultdict(dict)
        pairs = set[tuple[int, int]]()
        for lookup in lookups:
            number, near, far = lookup
            is_current = lookup in current
            if self._has_sources(near):
                _set(self.edges.carried if number == CARRIED else self.edges.parents, near, far, is_current)
                pairs.add((near, far))
            if number != CARRIED and far in self.expanded:
                for vid in self._with_child(found, near, far, is_current):
                    pairs.add((vid, far))
                    yield
            yield
        for vid, far in pairs:
            source = self.edges.source_of(far) if far in self.edges.carried.get(vid, ()) else None
            for each in (far, group_of(far)):
                is_source = each == source or (each == far and far in self.edges.parents.get(vid, ()))
                if is_source != (vid in self.targets.get(each, ())):
                    found[vid][each] = is_source
            yield
        return found

    def apply(self, vid: int, change: dict[int, bool]) -> None:
        """Change the sources of a vertex or group; a group without members is one no longer."""
        before, removed = self.of.get(vid, ()), {source for source, is_one in change.items() if not is_one}
        added = [source for source, is_one in change.items() if is_one]
        kept = tuple(source for source in before if source not in removed) if removed else before
        for source in removed:
            self._remove_target(source, vid)
        for source in added:
            self.targets.setdefault(source, set()).add(vid)
        self.pairs += len(added)
        self.of[vid] = (*kept, *added)
        if is_group(vid) and not self.edges.children.get(parent_of(vid)):
            self.set_sources(vid, ())
            del self.of[vid]

    def _has_sources(self, vid: int) -> bool:
        return vid in self.of and vid not in self.stopped

    def _with_child(self, found: Changes, child: int, parent: int, is_current: bool) -> Iterator[int]:  # noqa: FBT001 - as a value
        """Set whether a vertex is a child of a parent.

        Yield the targets whose source may change from the parent to its group, or back.
        """
        group, had_children = group_of(parent), bool(self.edges.children.get(parent))
        _set(self.edges.children, parent, child, is_current)
        has_children = bool(self.edges.children.get(parent))
        for member in (child, parent) if has_children != had_children else (child,):
            if is_current != (group in self.targets.get(member, ())):
                found[group][member] = is_current
            else:
                found[group].pop(member, None)
        if has_children != had_children:
            targets = chain(self.targets.get(parent, ()), self.targets.get(group, ()))
            yield from (vid for vid in targets if not is_group(vid))

    def _remove_target(self, source: int, vid: int) -> None:
        self.pairs -= 1
        self.targets[source].discard(vid)
        if not self.targets[source]:
            del self.targets[source]


def _set(far_ends: defaultdict[int, set[int]], near: int, far: int, is_one: bool) -> None:  # noqa: FBT001 - as a value
    if is_one:
        far_ends[near].add(far)
    elif near in far_ends:
        far_ends[near].discard(far)
