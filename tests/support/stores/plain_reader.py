"""A graph of plain rows and edges that answers reads by looping: small, obvious, and no part of the product."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from app.graph.reading.access.field_masks import RowAccess
from graphql_schema.catalog.enums import ContaminationVerdict
from graphql_schema.catalog.kinds import ATTACHED_KINDS, KIND_OF_CODE
from graphql_schema.catalog.properties import FIELD_OF
from graphql_schema.catalog.relations import Direction
from graphql_schema.ports.commands import Command, RegisterCommand
from graphql_schema.ports.conditions import All, Condition, In, ListingQuery, SortOrder, matches
from graphql_schema.ports.contamination_report import ContaminationReport
from graphql_schema.ports.health_report import HealthReport
from graphql_schema.ports.lineage_query import (
    Completeness,
    DatedEdge,
    LineageQuery,
    LineageResult,
    PathQuery,
    PathResult,
    ReachedNode,
    SnapshotTime,
)
from graphql_schema.ports.outcomes import Outcome, WriteOutcome
from graphql_schema.ports.policy_report import PolicyReport
from graphql_schema.ports.relation_query import PageRequest, RelationQuery
from graphql_schema.ports.row import FeedBatch, MaskedRecord, PageItem, Row, RowPage
from graphql_schema.ports.search_query import SearchCandidates, SearchQuery
from graphql_schema.rules.health_status import status_of
from policies.decision import Denial, FieldMask

Edge = tuple[str, str, str, Mapping[str, Any]]


class PlainGraph:
    """Rows by id and edges in a list.

    ``hidden`` maps a kind to the fields that its rows hide, and ``logged`` to those whose reading is reported.
    """

    def __init__(self) -> None:
        self.records: dict[str, dict[str, Any]] = {}
        self.edges: list[Edge] = []
        self.hidden: dict[str, set[str]] = {}
        self.logged: dict[str, set[str]] = {}
        self.report = PolicyReport("v1")
        self.registered: list[tuple[list[Command], bool, bool]] = []

    def add(self, kind: str, name: str, **values: object) -> str:
        """Add a row and return its id; ``version`` becomes part of the id."""
        at = f"@{values['version']}" if "version" in values else ""
        urn = f"mlg://{kind.lower().replace('_', '-')}/test/default/{name}{at}"
        known = {"id": urn, "kind": kind, "source": "test", "namespace": "default", "name": name, "displayName": name}
        self.records[urn] = {**known, **values}
        return urn

    def join(self, relation: str, source: str, target: str, **details: object) -> None:
        """Add an edge."""
        edge = {"edgeId": f"{relation}:{source}:{target}", "relation": relation, "origin": "DECLARED", **details}
        self.edges.append((relation, source, target, edge))

    def edge_id(self, relation: str, source: str, target: str) -> str:
        """Return the id of an edge: relation and ends, which are the places of the rows here."""
        places = list(self.records)
        return f"{relation}:{places.index(source):x}:{places.index(target):x}"

    def row(self, urn: str) -> Row | None:
        """Return the row of an id."""
        record = self.records.get(urn)
        if record is None:
            return None
        hidden = frozenset(self.hidden.get(record["kind"], ()))
        name = KIND_OF_CODE[record["kind"]].name
        logged = frozenset(self.logged.get(record["kind"], ()))
        mask = FieldMask(hidden, dict.fromkeys(hidden, Denial(("p1",), ("READ",))), logged)
        return Row(list(self.records).index(urn), record, RowAccess(name, mask, self.report))

    async def node(self, urn: str) -> Row | None:
        """See GraphReader."""
        return self.row(urn)

    async def nodes(
        self,
        urns: Sequence[str],
        *,
        constant_time: bool = False,  # noqa: ARG002 - no request is one
        named: bool = False,  # noqa: ARG002 - no request is one
    ) -> list[Row | None]:
        """See GraphReader."""
        return [self.row(urn) for urn in urns]

    @property
    def pin(self) -> SnapshotTime:
        """See GraphReader."""
        return SnapshotTime(0, 0)

    async def walk(self, walk: LineageQuery) -> LineageResult:
        """See GraphReader: follows lineage edges only, without those of group members."""
        found = {urn: ReachedNode(row, 0, (urn,)) for urn in walk.roots if (row := self.row(urn)) is not None}
        front = list(found.values())
        for depth in range(walk.depth):
            ends = [(*edge[1:3],) if walk.direction is Direction.OUT else (edge[2], edge[1]) for edge in self.edges]
            further = {b: (each, row) for each in front for a, b in ends if a == each.row.urn and (row := self.row(b))}
            front = [ReachedNode(row, depth + 1, (*each.via, urn)) for urn, (each, row) in further.items()]
            front = [each for each in front if each.row.urn not in found]
            found |= {each.row.urn: each for each in front}
        unknown = [urn for urn in walk.roots if urn not in found]
        nodes = sorted(found.values(), key=lambda each: each.place)
        return LineageResult(nodes, (), unknown, Completeness((), False, len(nodes), walk.depth, None, self.pin))  # noqa: FBT003 - as declared

    async def paths(self, search: PathQuery) -> PathResult:
        """See GraphReader: finds none."""
        return PathResult((), (), Completeness((), False, 0, search.max_edges, None, self.pin))  # noqa: FBT003 - as declared

    async def edges_between(
        self, sources: Sequence[Row], targets: Sequence[Row], relations: tuple[str, ...]
    ) -> list[DatedEdge]:
        """See GraphReader: the edges that are current, and those with an ``ended`` instant."""
        pairs = {(source.urn, target.urn): source for source in sources for target in targets}
        found = [each for each in self.edges if each[0] in relations and each[1:3] in pairs]
        return [
            DatedEdge(
                MaskedRecord("LineageEdge", "", {**edge, "from": a, "to": b}, pairs[a, b].access),
                begins_later=edge.get("later", False),
                unconfirmed=edge.get("unconfirmed", False),
                end_recorded=edge.get("validTo"),
            )
            for _, a, b, edge in found
        ]

    async def health(self, source: Row) -> HealthReport:  # noqa: ARG002 - as declared
        """See GraphReader: finds no check."""
        completeness = Completeness((), False, 1, 0, None, self.pin)  # noqa: FBT003 - as declared
        return HealthReport(status_of((), monitored=False), (), completeness)

    async def contamination(self, evaluation: Row) -> ContaminationReport:  # noqa: ARG002 - as declared
        """See GraphReader: finds no data."""
        completeness = Completeness((), False, 1, 0, None, self.pin)  # noqa: FBT003 - as declared
        return ContaminationReport(ContaminationVerdict.UNKNOWN, (), completeness)

    async def related(self, source: Row, related: RelationQuery, page: PageRequest) -> RowPage:
        """See GraphReader; the newest first are those with the largest ``at`` of their edge."""
        found = [item for index, path in enumerate(related.paths) for item in self._walk(source, path, index)]
        if not related.per_edge:
            found = list({item.row.urn: item for item in reversed(found)}.values())
        if related.newest_first:
            found.sort(key=lambda item: item.edge["at"] if item.edge else 0, reverse=True)
        else:
            found.sort(key=lambda item: (item.row.urn, item.path))
        return _page(found, page)

    def abandon(self) -> None:
        """See GraphReader: nothing is under way."""

    async def related_to_all(self, sources: Sequence[Row], related: RelationQuery, page: PageRequest) -> list[RowPage]:
        """See GraphReader."""
        return [await self.related(source, related, page) for source in sources]

    def _walk(self, source: Row, path: Sequence[Any], index: int) -> Iterable[PageItem]:
        reached: list[tuple[Row, tuple[Row, ...], Mapping[str, Any] | None]] = [(source, (), None)]
        for hop in path:
            out = hop.direction is Direction.OUT
            reached = [
                (far, (*via, row) if row is not source else via, edge)
                for row, via, _ in reached
                for relation, a, b, edge in self.edges
                if relation == hop.relation.name and row.urn == (a if out else b)
                for far in [self.row(b if out else a)]
                if far is not None and (not hop.kinds or far.kind in hop.kinds)
            ]
        inward = path[-1].direction is Direction.IN
        return [PageItem(row, (), edge, [source, *via][-1], via, index, inward) for row, via, edge in reached]

    async def listing(self, listing: ListingQuery, page: PageRequest) -> RowPage:
        """See GraphReader."""
        rows = [row for row in map(self.row, self.records) if row is not None]
        found = [row for row in rows if matches(listing.where, partial(_native_value, row.record))]
        found.sort(key=lambda row: (row.record[FIELD_OF[listing.order.key]], row.urn), reverse=listing.order.descending)
        return _page([PageItem(row, ()) for row in found], page)

    async def search(self, search: SearchQuery) -> SearchCandidates:
        """See GraphReader; proposes every row of the filter, because only the visible text of a row makes it a hit."""
        rows = [row for row in map(self.row, self.records) if row is not None]
        rows = [row for row in rows if matches(search.where, partial(_native_value, row.record))]
        return SearchCandidates(tuple(rows), complete=True)

    async def attached_records(
        self, kind: str, where: Condition, page: PageRequest, *, newest_first: bool = True
    ) -> RowPage:
        """See GraphReader."""
        listed = All((In("kind", (ATTACHED_KINDS[kind].code,)), where))
        return await self.listing(ListingQuery(listed, SortOrder("createdAt", newest_first)), page)

    def remember(self, _rows: Iterable[Row]) -> None:
        """See GraphReader: no request is saved."""

    async def next_batch(
        self, kind: str, where: Condition, after: Sequence[Any], size: int, *, few_ends: bool = False
    ) -> FeedBatch:
        """See GraphReader; changes have no far ends here."""
        del few_ends
        found = await self.attached_records(kind, where, PageRequest(size, tuple(after)), newest_first=False)
        return FeedBatch(found.items, found.items[-1].position if found.items else None)

    async def write(self, items: Sequence[Command], *, dry_run: bool, atomic: bool) -> list[WriteOutcome]:
        """See GraphWriter: records the call; an existing id is UNCHANGED, any other CREATED, and so is a link."""
        self.registered.append((list(items), dry_run, atomic))
        urns = [item.urn if isinstance(item, RegisterCommand) else None for item in items]
        return [WriteOutcome(Outcome.UNCHANGED if urn in self.records else Outcome.CREATED, urn, 1) for urn in urns]


def _native_value(record: Mapping[str, Any], key: str) -> Any:
    """Return the value of a native property: that under its own name if the row has one, else that of its field."""
    return record[key] if key in record else record.get(FIELD_OF[key])


def _page(found: list[PageItem], page: PageRequest) -> RowPage:
    items = [item._replace(position=(index,)) for index, item in enumerate(found)]
    kept = [item for item in items if page.keep is None or page.keep(item)]
    after = [item for item in kept if page.after is None or item.position[0] > page.after[0]]
    shown = after if page.first is None else after[: page.first]
    return RowPage(tuple(shown), len(shown) < len(after), len(kept) if page.total else None)
