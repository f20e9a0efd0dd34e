"""Outbox entry of a batch for inferred edges, worked off by :mod:`app.graph.jobs.inference_job`.

It names vertices to which edges may be inferred, and vertices in the middle of chains. Nothing is read for it. A new
vertex has only the edges of its batch: if these do not continue a chain, the chain needs no entry.
"""

from collections.abc import Iterable, Iterator, Sequence

from app.graph.commits.outbox import Outbox
from app.graph.commits.outbox_entry import OutboxEntry, new_entry_id
from app.graph.records.edge_record import EdgeKey, active_intervals
from app.graph.records.vertex_record import kind_of
from app.graph.writing.effects.batch_diff import BatchDiff
from graphql_schema.catalog.inference_rules import InferenceRule
from graphql_schema.catalog.relations import Direction
from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.ports.record import Json, Record


async def inference_entries(diff: BatchDiff, outbox: Outbox, rules: Sequence[InferenceRule]) -> list[OutboxEntry]:
    """Return a list of the one entry to write with a batch; it is empty if the batch affects no chain of the rules."""
    affected = _AffectedChains(diff, rules)
    await run_in_turn(affected.add_all, diff.batch.is_long)
    if not affected.ends and not affected.middles:
        return []
    author = diff.author
    return [
        OutboxEntry(
            new_entry_id(),
            author.tenant,
            outbox.order(author.now),
            frontier=affected.ends,
            expand=affected.middles,
            inference=True,
            raised_by=author.principal,
        )
    ]


class _AffectedChains:
    """Ends of affected chains, and vertices in the middle of affected chains, by vertex id."""

    def __init__(self, diff: BatchDiff, rules: Sequence[InferenceRule]) -> None:
        self.ends: dict[int, None] = {}
        self.middles: dict[int, None] = {}
        self._batch = diff.batch
        self._diff = diff
        self._rules = rules

    def add_all(self) -> None:
        """Add all chains that the batch affects."""
        self.add_changed_edges()
        self.add_deleted_vertices()

    def add_changed_edges(self) -> None:
        """Add the chains with an edge whose intervals or confidence changed, as far as they may be complete."""
        relations = {hop.relation.name for rule in self._rules for hop in rule.chain}
        for key in self._diff.edges:
            before, after = self._batch.edge_before(key), self._batch.edge(key)
            if key[0] in relations and _chain_values(before) != _chain_values(after):
                for rule, place in self._places(key):
                    if self._may_be_complete(key, rule, place):
                        (self.ends if place == len(rule.chain) else self.middles)[key[2]] = None

    def add_deleted_vertices(self) -> None:
        """Add chains through vertices that were deleted or restored."""
        inner = {kind for rule in self._rules for hop in rule.chain[:-1] for kind in hop.kinds}
        for vid in self._diff.vertices:
            before, after = self._batch.vertex_before(vid), self._batch.vertices[vid]
            if before is not None and before.get("deletedAt") != after.get("deletedAt") and kind_of(after) in inner:
                self.middles[vid] = None

    def _places(self, key: EdgeKey) -> Iterator[tuple[InferenceRule, int]]:
        """Yield the rules that an edge is a hop of, each with the number of the hop, from 1."""
        relation, *both = key
        source, target = (kind_of(self._batch.vertices[vid]) for vid in both)
        for rule in self._rules:
            for place, hop in enumerate(rule.chain, 1):
                if hop.relation.name == relation and source in rule.kinds(place - 1) and target in hop.kinds:
                    yield rule, place

    def _may_be_complete(self, key: EdgeKey, rule: InferenceRule, place: int) -> bool:
        """Return whether the hops before and after an edge may exist."""
        _, source, target = key
        before = place == 1 or self._may_have(rule.chain[place - 2].relation.name, Direction.IN, source)
        if place == len(rule.chain):
            return before
        return before and self._may_have(rule.chain[place].relation.name, Direction.OUT, target)

    def _may_have(self, relation: str, direction: Direction, vid: int) -> bool:
        return self._batch.existed(vid) or bool(self._batch.edges_at(relation, direction, vid))


def _chain_values(edge: Record | None) -> tuple[Iterable[Json], Json]:
    """Return the values of an edge that inference uses; an edge that is active at no time has none.

    No chain has such an edge, whatever its confidence: that of an unconfirmed edge, to a hidden asset, leaves no entry.
    """
    active = active_intervals(edge)
    return active, edge.get("confidence") if edge is not None and active else None
