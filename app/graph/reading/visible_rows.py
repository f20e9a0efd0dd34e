"""The rows of one operation: what turns the records of an answer into what its caller may know of, each judged once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.graph.reading.access.row_policy import RowPolicy
from app.graph.reading.level.level_batcher import LevelBatcher, LevelRequest, LevelResponse
from app.graph.records.inferred_edge import is_traversable
from app.graph.records.vertex_id import vertex_id
from graphql_schema.ports.row import Row

Record = Mapping[str, Any]


class VisibleRows:
    """What is known of each vertex that an answer brought: its row, or None where it is not the caller's to know of."""

    def __init__(self, coalescer: LevelBatcher, judge: RowPolicy) -> None:
        self.judge = judge
        self._coalescer = coalescer
        self._known: dict[int, Row | None] = {}
        self._withheld: dict[int, Record] = {}

    @property
    def now(self) -> int:
        """The instant at which the operation reads, in epoch milliseconds."""
        return self._coalescer.instant.valid

    async def ask(self, question: LevelRequest, *, ends: bool = False, anyway: Sequence[int] = ()) -> LevelResponse:
        """The answer to a question; with the far ends of the changes in it, which say who may see them, if it has some.

        ``ends`` says that there may be changes. ``anyway`` is what is asked for where there are no far ends: by its id,
        a hidden change takes no other time than none.
        """
        answer = await self._coalescer.ask(question)
        named = {urn for record in answer.records.values() for urn in record.get("ends", ())} if ends else set()
        missing = [vid for vid in map(self.vid, named) if vid not in self._known]
        if missing or (ends and anyway):
            also = await self._coalescer.ask(LevelRequest(points=missing or list(anyway)))
            answer.records.update(also.records)
        return answer

    def vid(self, urn: str) -> int:
        """The vertex id of a URN of the caller's tenant."""
        return vertex_id(self.judge.tenant, urn)

    def row(self, vid: int, answer: LevelResponse) -> Row | None:
        """The row of a vertex; None where the answer has none, or the caller may not know of it."""
        if vid not in self._known:
            record = answer.records.get(vid)
            shown = record is not None and self._knows_ends(record.get("ends"), answer)
            self._known[vid] = self.judge.row(vid, record) if shown and record is not None else None
            if self._known[vid] is None and record is not None and not self.judge.discovers(vid, record):
                self._withheld[vid] = record
        return self._known[vid]

    def learn(self, vids: Iterable[int], answer: LevelResponse) -> None:
        """Judge what an answer brought, for :meth:`known` and :meth:`hidden_record`."""
        for vid in vids:
            self.row(vid, answer)

    def known(self, vid: int) -> Row | None:
        """The row of a vertex that was judged before; None where it is not the caller's to know of."""
        return self._known.get(vid)

    def hidden_record(self, vid: int) -> Record | None:
        """The record of a vertex of which there is no row, to count it and nothing else."""
        return self._withheld.get(vid)

    def passes(self, vid: int, answer: LevelResponse) -> bool:
        """Whether the caller goes through a vertex along lineage, where it is not deleted."""
        row = self.row(vid, answer)
        return is_traversable(row) and not (row is not None and row.deleted)

    def found(self, vids: Sequence[int], answer: LevelResponse) -> list[Row]:
        """The rows of those vertices that the caller may know of, in order."""
        return [row for row in (self.row(vid, answer) for vid in vids) if row is not None]

    def hide(self, vid: int) -> None:
        """Show nothing of a vertex in this operation."""
        self._known[vid] = None

    def _knows_ends(self, ends: Sequence[str] | None, answer: LevelResponse) -> bool:
        """Whether the caller knows of any of the things that a change is about; of most there are none to know of."""
        return not ends or any(self.row(self.vid(urn), answer) is not None for urn in ends)
