"""What a batch means for inferred edges: one note for the job of :mod:`app.graph.jobs`, written with its cause.

It names vertices to which edges may be inferred, and vertices through which chains lead. A fresh vertex has the edges
of its batch and no others, so without the other half of a chain there is nothing to note; nothing is read for it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from app.graph.commits.outbox import Outbox
from app.graph.commits.outbox_entry import OutboxEntry, new_entry_id
from app.graph.records.edge_record import EdgeKey, held
from app.graph.records.vertex_record import Record, kind_of
from app.graph.writing.effects.batch_diff import BatchDiff
from graphql_schema.catalog.inference_rules import InferenceRule
from graphql_schema.catalog.relations import Direction


def inference_entries(moved: BatchDiff, pending: Outbox, rules: Sequence[InferenceRule]) -> list[OutboxEntry]:
    """The note to write with a batch, where it touches chains of the rules."""
    enriching = _Enriching(moved, rules)
    enriching.joined()
    enriching.deleted()
    if not enriching.ends and not enriching.middles:
        return []
    author = moved.author
    return [
        OutboxEntry(
            new_entry_id(),
            author.tenant,
            pending.order(author.now),
            frontier=enriching.ends,
            expand=tuple(enriching.middles),
            enriches=True,
        )
    ]


class _Enriching:
    """Where chains end that one batch touches, and the middles that it touches them in."""

    def __init__(self, moved: BatchDiff, rules: Sequence[InferenceRule]) -> None:
        self.ends: dict[int, None] = {}
        self.middles: dict[int, None] = {}
        self._state = moved.state
        self._moved = moved
        self._rules = rules

    def joined(self) -> None:
        """Chains of which an edge begins to hold, ceases to, or is less sure."""
        relations = {hop.relation.name for rule in self._rules for hop in rule.chain}
        for key in self._moved.edges:
            if key[0] in relations and _said(self._state.was_edge(key)) != _said(self._state.edge(key)):
                for rule, place in self._places(key):
                    if self._has_rest(key, rule, place):
                        (self.ends if place == len(rule.chain) else self.middles)[key[2]] = None

    def deleted(self) -> None:
        """Chains that lead through what was deleted or restored."""
        inner = {kind for rule in self._rules for hop in rule.chain[:-1] for kind in hop.kinds}
        for vid in self._moved.vertices:
            was, now = self._state.was(vid), self._state.vertices[vid]
            if was is not None and was.get("deletedAt") != now.get("deletedAt") and kind_of(now) in inner:
                self.middles[vid] = None

    def _places(self, key: EdgeKey) -> Iterator[tuple[InferenceRule, int]]:
        """The rules that an edge is a hop of, and which."""
        relation, *both = key
        source, target = (kind_of(self._state.vertices[vid]) for vid in both)
        for rule in self._rules:
            for place, hop in enumerate(rule.chain, 1):
                if hop.relation.name == relation and source in rule.kinds(place - 1) and target in hop.kinds:
                    yield rule, place

    def _has_rest(self, key: EdgeKey, rule: InferenceRule, place: int) -> bool:
        """Whether the hops before and behind an edge may be there."""
        _, source, target = key
        before = place == 1 or self._may_have(rule.chain[place - 2].relation.name, Direction.IN, source)
        return before and (place == len(rule.chain) or self._may_have(_name(rule, place), Direction.OUT, target))

    def _may_have(self, relation: str, direction: Direction, vid: int) -> bool:
        return self._state.stored(vid) or bool(self._state.at(relation, direction, vid))


def _name(rule: InferenceRule, place: int) -> str:
    return rule.chain[place].relation.name


def _said(edge: Record | None) -> tuple[Iterable[Any], Any]:
    """What chains go by of an edge."""
    return held(edge), None if edge is None else edge.get("confidence")
