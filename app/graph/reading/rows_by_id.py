"""What is asked for by its id, gathered over the operation."""

import asyncio
from collections.abc import Sequence

from aiodataloader import DataLoader

from app.graph.reading.level.level_batcher import LevelRequest
from app.graph.reading.subject_hops import ToSubjects, hide_unread, to_subjects
from app.graph.reading.visible_rows import VisibleRows
from graphql_schema.catalog.kinds import KIND_OF_SLUG
from graphql_schema.catalog.urn import slug_of
from graphql_schema.ports.row import Row


class RowsById:
    """Rows by URN, for one operation."""

    def __init__(self, rows: VisibleRows) -> None:
        self._rows = rows
        self._loader: DataLoader[str, Row | None] = DataLoader(self._load)

    async def one(self, urn: str) -> Row | None:
        """The row of an id; None where there is none for the caller."""
        return await self._loader.load(urn)

    async def many(self, urns: Sequence[str], *, anyway: bool = False) -> list[Row | None]:
        """The rows of ids, in their order; ``anyway`` with a request of the level, were there nothing to ask for."""
        if not anyway:
            return await self._loader.load_many(urns)
        rows, _ = await asyncio.gather(self._loader.load_many(urns), self._rows.ask(LevelRequest()))
        return rows

    def remember(self, row: Row) -> None:
        """Remember a row that came on another road, so that it need not be asked for."""
        self._loader.prime(row.urn, row)

    async def _load(self, urns: list[str]) -> list[Row | None]:
        vids = [self._rows.vid(urn) for urn in urns]
        facts = _facts(urns, vids)
        ways: list[ToSubjects] = []
        for kind in facts:
            ways.append(to_subjects(kind, sum(len(way.hops) for way in ways)))
        hops = [hop for way in ways for hop in way.wire(facts[way.kind])]
        answer = await self._rows.ask(LevelRequest(points=vids, hops=hops), ends="Change" in facts, anyway=vids)
        for way in ways:
            for subject in hide_unread(self._rows, way, facts[way.kind], answer):
                self.remember(subject)
        rows = [self._rows.row(vid, answer) for vid in vids]
        for urn, vid, row in zip(urns, vids, rows, strict=True):
            if row is None:
                self._rows.judge.report_hidden_id(urn, answer.records.get(vid))
        return [row if row is not None and row.urn == urn else None for urn, row in zip(urns, rows, strict=True)]


def _facts(urns: Sequence[str], vids: Sequence[int]) -> dict[str, list[int]]:
    """The facts among what is asked for, by kind."""
    facts: dict[str, list[int]] = {}
    for urn, vid in zip(urns, vids, strict=True):
        kind = KIND_OF_SLUG[slug_of(urn)]
        if kind.shown_by:
            facts.setdefault(kind.name, []).append(vid)
    return facts
