"""Visibility of attached records: the caller may read a subject of the record, and the field there that shows it.

Some kinds of records need a right to the subject as well.
:mod:`app.graph.reading.visible_rows` adds a condition for changes.
For a record that is reached over a hop from its subject, this was tested with the subject. A record that is read by id,
or listed by itself, is read together with its subjects (:data:`graphql_schema.catalog.relations.SUBJECT_HOPS`) and
tested here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from app.graph.reading.level.hop_plan import Adjacency, HopSpec, compile_related, reached
from app.graph.reading.level.level_batcher import LevelResponse
from app.graph.reading.visible_rows import VisibleRows
from graphql_schema.catalog.kinds import ATTACHED_KINDS
from graphql_schema.catalog.relations import SUBJECT_HOPS
from graphql_schema.ports.record import JsonObject
from graphql_schema.ports.relation_query import related
from graphql_schema.ports.row import Row
from policies.vocabulary import WriteAction

_SUBJECTS = {kind: related(path) for kind, path in SUBJECT_HOPS.items()}
"""Relation from the attached records of a kind to their subjects."""


@dataclass(frozen=True, slots=True)
class ToSubjects:
    """Hops from attached records of a kind to their subjects; ``chain`` has their indexes in the request."""

    kind: str
    hops: tuple[HopSpec, ...]
    chain: tuple[int, ...]

    def wire(self, sources: Sequence[int]) -> list[JsonObject]:
        """Return the hops in the form of the level statement, from ``sources``."""
        return [hop.wire(sources) for hop in self.hops]

    def subjects(self, vid: int, edges: Sequence[Adjacency]) -> Iterator[int]:
        """Yield the vertex ids of the subjects of an attached record; ``edges`` are those of the response, by hop."""
        return (path[-1] for path, _ in reached(vid, self.chain, edges))


def to_subjects(kind: str, base: int = 0, *, listing: int | None = None) -> ToSubjects:
    """Return the hops to the subjects of attached records of a kind.

    ``base`` is the number of hops before them in the request. The records are given by id, or are found by the listing
    with the index ``listing``.
    """
    compiled = compile_related(_SUBJECTS[kind])
    (leaf,) = compiled.leaves
    first = -1 if listing is None else -2 - listing
    hops = [replace(hop, parent=hop.parent + base if hop.parent >= 0 else first) for hop in compiled.hops]
    return ToSubjects(kind, tuple(hops), tuple(number + base for number in leaf.chain))


async def hide_unread(rows: VisibleRows, path: ToSubjects, vids: Sequence[int], response: LevelResponse) -> list[Row]:
    """Hide each attached record unless one of its subjects shows it to the caller.

    Return the visible subjects of all these records, each once. Records and subjects are evaluated in turns: until this
    returns, no record of ``vids`` may be shown.
    """
    in_turns, visible = rows.budget.in_turns, dict[int, Row]()
    async for vid in in_turns(vids):
        is_shown = False
        async for far in in_turns(path.subjects(vid, response.edges)):
            subject = rows.row(far, response)
            if subject is not None:
                visible[far] = subject
                is_shown = is_shown or shows(subject, path.kind)
        if not is_shown:
            rows.hide(vid)
    return [*visible.values()]


def shows(subject: Row, kind: str) -> bool:
    """Return whether the caller may read a row and the field of it that shows attached records of a kind.

    A kind with a right is shown only to callers who also have that right to the row.
    """
    attached = ATTACHED_KINDS[kind]
    return subject.reads(attached.shown_by) and (not attached.right or subject.access.may(WriteAction(attached.right)))
