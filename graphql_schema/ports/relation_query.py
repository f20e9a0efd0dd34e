"""What a relation field reads, as data: paths of hops over catalog relations, a page and a filter."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from graphql_schema.catalog.relations import CHILD_HOPS, LINEAGE, PARENT_HOPS, Direction, Hop
from graphql_schema.ports.row import MaskedRecord, PageItem, Row, RowPage

MAX_PAGE_SIZE = 500
"""The largest ``first`` of any connection (http.md, section 2)."""

COUNT_LIMIT = 10_000
"""Totals are exact up to this many and null above."""

Path = tuple[Hop, ...]


@dataclass(frozen=True, slots=True)
class RelationQuery:
    """The union of what one or more paths reach; a row that several reach is listed once.

    The order is that of the far ends' vertex ids, which is stable and says nothing, or ``newest_first`` by the time
    that a by-time relation carries, then by id. ``per_edge`` lists a row once for each edge that leads to it instead.

    A longer path says what rows on its way say: ``inputs`` names the fields of theirs that it is made from, such as
    ``Run.inputs``. It goes no further at a row that the caller may not read, or that hides one of these.
    """

    paths: tuple[Path, ...]
    newest_first: bool = False
    per_edge: bool = False
    inputs: tuple[str, ...] = ()

    @property
    def disclosed_fields(self) -> dict[str, frozenset[str]]:
        """The fields of ``inputs`` by the kind that has them."""
        pairs = [coordinate.split(".") for coordinate in self.inputs]
        return {kind: frozenset(field for owner, field in pairs if owner == kind) for kind, _ in pairs}


def related(*paths: Hop | Sequence[Hop], newest_first: bool = False, inputs: tuple[str, ...] = ()) -> RelationQuery:
    """The union of paths; a single hop is a path of one."""
    return RelationQuery(tuple((p,) if isinstance(p, Hop) else tuple(p) for p in paths), newest_first, inputs=inputs)


def newest_first(hop: Hop) -> RelationQuery:
    """One by-time hop, newest first."""
    if not hop.relation.by_time or hop.direction is not Direction.IN:
        raise ValueError(f"{hop.relation.name} carries no time towards the newest")
    return related(hop, newest_first=True)


class ItemFilter(Protocol):
    """A filter that is judged after the policy; hashable, so that equal lists are read together."""

    def __call__(self, item: PageItem) -> bool:
        """Whether the item stays in the list."""
        ...


@dataclass(frozen=True, slots=True)
class FieldIn:
    """Keeps rows whose field has one of the values; a hidden field has none."""

    field: str
    values: tuple[str, ...]

    def __call__(self, item: PageItem) -> bool:
        """See :class:`ItemFilter`."""
        return item.row.visible_value(self.field) in self.values


@dataclass(frozen=True, slots=True)
class LineageItemFilter:
    """The contract's ``LineageFilter``: what is empty keeps everything; no confidence means certain."""

    kinds: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    min_confidence: float | None = None

    def __call__(self, item: PageItem) -> bool:
        """See :class:`ItemFilter`."""
        return self.accepts_node(item.row) and self.accepts_edge(item.edge_as("Neighbour"))

    def accepts_node(self, row: Row) -> bool:
        """Whether a vertex is shown; a walk passes through those that are not."""
        return (not self.kinds or row.record["kind"] in self.kinds) and (
            not self.stages or row.visible_value("stage") in self.stages
        )

    def accepts_edge(self, edge: MaskedRecord) -> bool:
        """Whether an edge counts; a walk goes over no other."""
        confidence = edge.visible_value("confidence")
        return (
            (not self.relations or edge.visible_value("relation") in self.relations)
            and (not self.origins or edge.visible_value("origin") in self.origins)
            and (self.min_confidence is None or confidence is None or confidence >= self.min_confidence)
        )


EVERYTHING = LineageItemFilter()
"""Keeps all lineage."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """How much of a list: ``first`` rows (None: all) after a position, with the ``total`` if asked for.

    ``since`` leaves out what is older, of a list in the order of time whose rows do not hide theirs: of facts.
    ``most`` lets whole lists that are too much for one request be read in parts, up to so many edges in an operation.
    """

    first: int | None = None
    after: tuple[Any, ...] | None = None
    total: bool = False
    keep: ItemFilter | None = None
    since: int = 0
    max_edges_in_parts: int = 0


ALL = PageRequest()
ONE = PageRequest(first=1)


def slice_page(items: Sequence[PageItem], page: PageRequest) -> RowPage:
    """The page of a sorted list, with the total of the whole list when it was asked for."""
    total = len(items) if page.total and len(items) <= COUNT_LIMIT else None
    rest = items if page.after is None else [item for item in items if item.position > tuple(page.after)]
    shown = rest if page.first is None else rest[: page.first]
    return RowPage(tuple(shown), len(rest) > len(shown), total)


def neighbour_query(kind: str, direction: Direction) -> RelationQuery:
    """Direct lineage neighbours of a kind by rule 3.3: its own edges, and those of its parts or of its whole."""
    field = "downstream" if direction is Direction.OUT else "upstream"
    lineage = tuple(Hop(relation, direction) for relation in LINEAGE if _has(relation.ends, kind, direction))
    counterpart = CHILD_HOPS.get(kind) or PARENT_HOPS.get(kind)
    own: list[Path] = [(hop,) for hop in lineage]
    if counterpart is None:
        return RelationQuery(tuple(own), per_edge=True)
    other = counterpart.kinds[0]
    theirs = [Hop(relation, direction) for relation in LINEAGE if _has(relation.ends, other, direction)]
    paths = (*own, *((counterpart, hop) for hop in theirs))
    return RelationQuery(paths, per_edge=True, inputs=(f"{other}.{field}",))


def _has(ends: frozenset[tuple[str, str]], kind: str, direction: Direction) -> bool:
    return any(kind == (a if direction is Direction.OUT else b) for a, b in ends)
