"""The subjects of facts, who decide: a fact is shown to whoever reads an asset that it is about, and the field there.

A fact that is reached over a hop from its subject has been judged with that. One that is asked for by id, or listed by
itself, brings its subjects in the same request (:data:`graphql_schema.catalog.relations.SUBJECT_HOPS`), and is judged
by them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.graph.reading.level.hop_plan import Adjacency, HopSpec, adjacency, compile_related, reached
from app.graph.reading.level.level_batcher import LevelResponse
from app.graph.reading.visible_rows import VisibleRows
from graphql_schema.catalog.kinds import ATTACHED_KINDS
from graphql_schema.catalog.relations import SUBJECT_HOPS
from graphql_schema.ports.relation_query import related
from graphql_schema.ports.row import AccessGrade, Row

_SUBJECTS = {kind: related(path) for kind, path in SUBJECT_HOPS.items()}


@dataclass(frozen=True, slots=True)
class ToSubjects:
    """The hops from facts of a kind to their subjects, behind ``base`` others; ``chain`` are their numbers."""

    kind: str
    hops: tuple[HopSpec, ...]
    chain: tuple[int, ...]

    def wire(self, sources: Sequence[int]) -> list[dict[str, Any]]:
        """The hops as the level text reads them."""
        return [hop.wire(sources) for hop in self.hops]

    def subjects(self, vid: int, edges: Sequence[Adjacency]) -> Iterator[int]:
        """The subjects of a fact, in the edges of an answer."""
        return (way[-1] for way, _ in reached(vid, self.chain, edges))


def to_subjects(kind: str, base: int = 0, *, listing: int | None = None) -> ToSubjects:
    """The hops for facts of a kind that are given by id, or found by the listing of this number."""
    compiled = compile_related(_SUBJECTS[kind])
    (leaf,) = compiled.leaves
    first = -1 if listing is None else -2 - listing
    hops = [replace(hop, parent=hop.parent + base if hop.parent >= 0 else first) for hop in compiled.hops]
    return ToSubjects(kind, tuple(hops), tuple(number + base for number in leaf.chain))


def hide_unread(rows: VisibleRows, way: ToSubjects, vids: Sequence[int], answer: LevelResponse) -> list[Row]:
    """Hide the facts of an answer of which no subject is read with the field that leads there; the subjects known."""
    edges = [adjacency(found) for found in answer.edges]
    known: list[Row] = []
    for vid in vids:
        subjects = rows.found([*way.subjects(vid, edges)], answer)
        if not any(_reads(subject, ATTACHED_KINDS[way.kind].shown_by) for subject in subjects):
            rows.hide(vid)
        known += subjects
    return known


def _reads(subject: Row, field: str) -> bool:
    return subject.access.grade is AccessGrade.READ and field not in subject.access.hidden
