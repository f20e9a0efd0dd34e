"""The sources of vertices: the vertices that propagate to them, directly or as members of an asset group.

A child of an asset group uses the carrying edges of its parent. If each target of a parent listed the parent and all
children, the lists would be as long as the product of the numbers of targets and children. A target therefore lists one
source for all of them: the group, whose own sources are its members.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from graphql_schema.ports.record import Record
from policies.sensitivity import RANK


def group_of(parent: int) -> int:
    """Return the id of the asset group of a parent: a negative number, because vertex ids are positive."""
    return -parent


def parent_of(group: int) -> int:
    """Return the parent whose asset group has an id."""
    return -group


def is_group(source: int) -> bool:
    """Return whether an id is that of an asset group, not of a vertex."""
    return source < 0


def vertices_among(sources: Mapping[int, Collection[int]]) -> set[int]:
    """Return the vertices that are a source of a vertex or group, groups left out."""
    return {vid for vid in set[int]().union(*sources.values()) if not is_group(vid)}


def count_pairs(sources: Mapping[int, Collection[int]]) -> int:
    """Return the number of pairs of a vertex or group and one of its sources."""
    return sum(map(len, sources.values()))


@dataclass(slots=True)
class Sources:
    """Vertices around others, as :class:`~app.graph.propagation.stored_flows.StoredFlows` reads them.

    ``of`` maps a vertex to its sources: vertices that propagate to it over an edge of their own, its parents, and the
    groups whose parent has an edge to it. It maps such a group to its members, which are the parent and its children. A
    parent without children is no group. ``records`` are all records read, by vertex id.
    """

    of: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    records: dict[int, Record] = field(default_factory=dict)

    def rank(self, vid: int) -> int:
        """Return the rank of the stored effective sensitivity of a vertex."""
        return RANK[self.records[vid]["sensitivity"]]

    def add(self, other: "Sources") -> None:
        """Add the sources of vertices, and the records, that ``other`` has."""
        for vid, found in other.of.items():
            self.of[vid] |= found
        self.records |= other.records
