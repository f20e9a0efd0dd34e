"""Relation queries as data: paths of hops over catalog relations, page requests and item filters."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Protocol

from graphql_schema.catalog.relations import CHILD_HOPS, LINEAGE, PARENT_HOPS, VERSION_OF, Direction, Hop
from graphql_schema.ports.conditions import Condition, In, Negated, matches
from graphql_schema.ports.record import Position
from graphql_schema.ports.row import MaskedRecord, PageItem, Row, RowPage

MAX_PAGE_SIZE = 500
"""Maximal ``first`` of a connection."""

COUNT_LIMIT = 10_000
"""Maximal total that is returned; above it a total is null."""

Path = tuple[Hop, ...]


@dataclass(frozen=True, slots=True)
class RelationQuery:
    """The union of the rows that paths of hops reach; a row reached over several paths is listed once.

    Rows are ordered by vertex id, which is stable and discloses nothing. With ``newest_first``, the rows of a by-time
    relation are ordered by time, the newest first, then by URN, or versions by the rule of ``of_versions``. Rows that
    hide their time come last. ``per_edge`` lists a row once for each edge that leads to it, and leaves out the source.

    A path of several hops discloses fields of the rows in between. ``inputs`` names these fields, such as
    ``Run.inputs``. A path does not continue over a row that hides one of them or that the caller may not read.
    """

    paths: tuple[Path, ...]
    newest_first: bool = False
    per_edge: bool = False
    inputs: tuple[str, ...] = ()

    @property
    def disclosed_fields(self) -> dict[str, frozenset[str]]:
        """Return the fields of ``inputs`` by kind."""
        pairs = [coordinate.split(".") for coordinate in self.inputs]
        return {kind: frozenset(field for owner, field in pairs if owner == kind) for kind, _ in pairs}

    @property
    def of_versions(self) -> bool:
        """Whether the rows are the versions of an asset, newest first (:mod:`graphql_schema.rules.version_order`)."""
        return self.newest_first and self.paths[0][-1].relation is VERSION_OF


def related(*paths: Hop | Sequence[Hop], newest_first: bool = False, inputs: tuple[str, ...] = ()) -> RelationQuery:
    """Return the relation query of the union of paths; a single hop is a path of one."""
    return RelationQuery(tuple((p,) if isinstance(p, Hop) else tuple(p) for p in paths), newest_first, inputs=inputs)


def newest_first(hop: Hop) -> RelationQuery:
    """Return the query of one by-time hop, newest first; raises ValueError for any other hop."""
    if not hop.relation.by_time or hop.direction is not Direction.IN:
        raise ValueError(f"{hop.relation.name} is not ordered by time in this direction; use `related` instead.")
    return related(hop, newest_first=True)


class ItemFilter(Protocol):
    """A filter that is applied after the policy; hashable, so that equal lists share their reads."""

    def __call__(self, item: PageItem) -> bool:
        """Return whether the item remains in the list."""
        ...


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Accepts rows that meet a condition on the fields of their records; a hidden field counts as absent."""

    condition: Condition

    def __call__(self, item: PageItem) -> bool:
        """Return whether the visible fields of the row of an item meet the condition."""
        return matches(self.condition, item.row.visible_value)


REGISTERED = RowFilter(Negated(In("hydration", ("STUB",))))
"""Accepts all rows except visible stubs; a row that hides its `hydration` is accepted."""

SHOWN_AS_REGISTERED = RowFilter(In("hydration", ("FULL",)))
"""Accepts registered rows that do not hide their `hydration`.

It takes the place of REGISTERED in a list of versions from which the store leaves out stubs, because it has too many
edges. Otherwise the absence of a row that hides its `hydration` would disclose that it is a stub.
"""


@dataclass(frozen=True, slots=True)
class LineageItemFilter:
    """The filter of a lineage query: an empty field accepts everything, an edge without visible confidence is certain.

    Kinds and stages are tested in memory and not by the store, because a walk passes through nodes that they reject.
    """

    kinds: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    min_confidence: float | None = None

    def __call__(self, item: PageItem) -> bool:
        """Return whether the filter accepts both the row of an item and the edge to it."""
        return self.accepts_node(item.row) and self.accepts_edge(item.edge_as("Neighbour"))

    def accepts_node(self, row: Row) -> bool:
        """Return whether a node is shown; lineage continues through nodes that are not."""
        return (not self.kinds or row.record["kind"] in self.kinds) and (
            not self.stages or row.visible_value("stage") in self.stages
        )

    @property
    def accepts_all_edges(self) -> bool:
        """Whether lineage follows every edge."""
        return not self.relations and not self.origins and self.min_confidence is None

    def accepts_edge(self, edge: MaskedRecord) -> bool:
        """Return whether lineage follows an edge."""
        confidence = edge.visible_value("confidence")
        return (
            (not self.relations or edge.visible_value("relation") in self.relations)
            and (not self.origins or edge.visible_value("origin") in self.origins)
            and (self.min_confidence is None or confidence is None or confidence >= self.min_confidence)
        )


EVERYTHING = LineageItemFilter()
"""The filter with empty fields."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A part of the rows that ``keep`` accepts: the ``first`` rows (None for all) after the position ``after``.

    ``total``, a flag: the total is returned too.

    ``since`` excludes earlier rows of a list in the order of time, in epoch milliseconds. With ``in_parts``, a flag for
    requests of all rows, sources with too many edges for one request are read by several. These read no more than some
    half of what the operation may. The pages of sources that were read in part, or not at all, have ``has_next``. So
    has a page of a listing or of attached records that ends there, or where it would else raise LimitError. A listing
    in parts has a ``first``. With ``may_end``, a flag, a page of a listing ends after many rows that a sensitivity
    floor hides, also without items: it then has ``has_next`` and an ``end``.
    """

    first: int | None = None
    after: Position | None = None
    total: bool = False
    keep: ItemFilter | None = None
    since: int = 0
    in_parts: bool = False
    may_end: bool = False


ALL = PageRequest()
ALL_IN_PARTS = PageRequest(in_parts=True)
ONE = PageRequest(first=1)


def slice_page(items: Sequence[PageItem], page: PageRequest) -> RowPage:
    """Return the page of a list that is filtered, and sorted by position; where it begins is found by halving.

    The total is None unless requested, and above COUNT_LIMIT.
    """
    total = len(items) if page.total and len(items) <= COUNT_LIMIT else None
    begin = 0 if page.after is None else bisect_right(items, tuple(page.after), key=attrgetter("position"))
    end = len(items) if page.first is None else begin + page.first
    return RowPage(tuple(items[begin:end]), end < len(items), total)


def neighbour_query(kind: str, direction: Direction) -> RelationQuery:
    """Return the query of the direct lineage neighbours of a kind by the asset-group rule.

    It follows the edges of the asset itself, and those of its children or of its parent (docs/design/lineage-rules.md).
    """
    field = "downstream" if direction is Direction.OUT else "upstream"
    lineage = tuple(Hop(relation, direction) for relation in LINEAGE if _has(relation.ends, kind, direction))
    group_hop = CHILD_HOPS.get(kind) or PARENT_HOPS.get(kind)
    own: list[Path] = [(hop,) for hop in lineage]
    if group_hop is None:
        return RelationQuery(tuple(own), per_edge=True)
    other = group_hop.kinds[0]
    group_lineage = [Hop(relation, direction) for relation in LINEAGE if _has(relation.ends, other, direction)]
    paths = (*own, *((group_hop, hop) for hop in group_lineage))
    return RelationQuery(paths, per_edge=True, inputs=(f"{other}.{field}",))


def _has(ends: frozenset[tuple[str, str]], kind: str, direction: Direction) -> bool:
    return any(kind == (a if direction is Direction.OUT else b) for a, b in ends)
