"""What a relation field reads, as data: paths of hops over catalog relations, a page and a filter."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from graphql_schema.catalog.relations import LINEAGE, PART_HOPS, WHOLE_HOPS, Direction, Hop
from graphql_schema.ports.row import Item, Row, Seen, Slice

LARGEST_PAGE = 500
"""The largest ``first`` of any connection (http.md, section 2)."""

COUNT_LIMIT = 10_000
"""Totals are exact up to this many and null above."""

Path = tuple[Hop, ...]


@dataclass(frozen=True, slots=True)
class Related:
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
    def asked(self) -> dict[str, frozenset[str]]:
        """The fields of ``inputs`` by the kind that has them."""
        pairs = [coordinate.split(".") for coordinate in self.inputs]
        return {kind: frozenset(field for owner, field in pairs if owner == kind) for kind, _ in pairs}


def related(*paths: Hop | Sequence[Hop], newest_first: bool = False, inputs: tuple[str, ...] = ()) -> Related:
    """The union of paths; a single hop is a path of one."""
    return Related(tuple((p,) if isinstance(p, Hop) else tuple(p) for p in paths), newest_first, inputs=inputs)


def newest(hop: Hop) -> Related:
    """One by-time hop, newest first."""
    if not hop.relation.by_time or hop.direction is not Direction.IN:
        raise ValueError(f"{hop.relation.name} carries no time towards the newest")
    return related(hop, newest_first=True)


class Keep(Protocol):
    """A filter that is judged after the policy; hashable, so that equal lists are read together."""

    def __call__(self, item: Item) -> bool:
        """Whether the item stays in the list."""
        ...


@dataclass(frozen=True, slots=True)
class FieldIn:
    """Keeps rows whose field has one of the values; a hidden field has none."""

    field: str
    values: tuple[str, ...]

    def __call__(self, item: Item) -> bool:
        """See :class:`Keep`."""
        return item.row.peek(self.field) in self.values


@dataclass(frozen=True, slots=True)
class LineageKeep:
    """The contract's ``LineageFilter``: what is empty keeps everything; no confidence means certain."""

    kinds: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    min_confidence: float | None = None

    def __call__(self, item: Item) -> bool:
        """See :class:`Keep`."""
        return self.shows(item.row) and self.follows(item.edge_as("Neighbour"))

    def shows(self, row: Row) -> bool:
        """Whether a vertex is shown; a walk passes through those that are not."""
        return (not self.kinds or row.record["kind"] in self.kinds) and (
            not self.stages or row.peek("stage") in self.stages
        )

    def follows(self, edge: Seen) -> bool:
        """Whether an edge counts; a walk goes over no other."""
        confidence = edge.peek("confidence")
        return (
            (not self.relations or edge.peek("relation") in self.relations)
            and (not self.origins or edge.peek("origin") in self.origins)
            and (self.min_confidence is None or confidence is None or confidence >= self.min_confidence)
        )


EVERYTHING = LineageKeep()
"""Keeps all lineage."""


@dataclass(frozen=True, slots=True)
class Page:
    """How much of a list: ``first`` rows (None: all) after a position, with the ``total`` if asked for.

    ``since`` leaves out what is older, of a list in the order of time whose rows do not hide theirs: of facts.
    ``most`` lets whole lists that are too much for one request be read in parts, up to so many edges in an operation.
    """

    first: int | None = None
    after: tuple[Any, ...] | None = None
    total: bool = False
    keep: Keep | None = None
    since: int = 0
    most: int = 0


ALL = Page()
ONE = Page(first=1)


def cut(items: Sequence[Item], page: Page) -> Slice:
    """The page of a sorted list, with the total of the whole list when it was asked for."""
    total = len(items) if page.total and len(items) <= COUNT_LIMIT else None
    rest = items if page.after is None else [item for item in items if item.position > tuple(page.after)]
    shown = rest if page.first is None else rest[: page.first]
    return Slice(tuple(shown), len(rest) > len(shown), total)


def neighbours(kind: str, direction: Direction) -> Related:
    """Direct lineage neighbours of a kind by rule 3.3: its own edges, and those of its parts or of its whole."""
    field = "downstream" if direction is Direction.OUT else "upstream"
    lineage = tuple(Hop(relation, direction) for relation in LINEAGE if _has(relation.ends, kind, direction))
    counterpart = PART_HOPS.get(kind) or WHOLE_HOPS.get(kind)
    own: list[Path] = [(hop,) for hop in lineage]
    if counterpart is None:
        return Related(tuple(own), per_edge=True)
    other = counterpart.kinds[0]
    theirs = [Hop(relation, direction) for relation in LINEAGE if _has(relation.ends, other, direction)]
    paths = (*own, *((counterpart, hop) for hop in theirs))
    return Related(paths, per_edge=True, inputs=(f"{other}.{field}",))


def _has(ends: frozenset[tuple[str, str]], kind: str, direction: Direction) -> bool:
    return any(kind == (a if direction is Direction.OUT else b) for a, b in ends)
