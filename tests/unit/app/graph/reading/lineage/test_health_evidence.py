"""Evidence on the group of many versions."""

from collections.abc import Sequence
from threading import get_ident
from typing import Any, cast

import pytest
from support.estates.plain_rows import plain_row
from support.estates.wide_lineage import noted_threads

from app.graph.reading.level.level_batcher import LevelRequest, LevelResponse
from app.graph.reading.lineage.health_evidence import EvidenceReader
from app.graph.reading.lineage.health_findings import EvidenceWeighing
from app.graph.reading.visible_rows import VisibleRows
from app.graph.records.read_time import ReadTime
from graphql_schema.ports.lineage_query import LONG_LINEAGE
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.row import Row

PARENT, VERSIONS, CHECK = 0, range(1, 5), 9


class Rows:
    """The rows of an operation that reads versions of one dataset, which a check monitors."""

    class row_policy:  # noqa: N801 - an attribute of VisibleRows
        """Reads the present."""

        instant = ReadTime(0)

    def __init__(self) -> None:
        self.budget = OperationBudget()
        self.read: list[int] = []

    async def fetch(self, request: LevelRequest) -> LevelResponse:
        """See VisibleRows."""
        return LevelResponse([self._edges(dict(hop)) for hop in request.hops], {}, [])

    def evaluate(self, *_: object) -> None:
        """See VisibleRows."""

    def known(self, vid: int) -> Row | None:
        """See VisibleRows; the parent is visible."""
        return plain_row("DATASET", "parent", vid=PARENT) if vid == PARENT else None

    def owner_of(self, _: Row) -> str | None:
        """See VisibleRows; no asset has an owner."""
        return ""

    def row(self, vid: int, _: LevelResponse) -> None:
        """Note that a check is read, which is hidden."""
        self.read.append(vid)

    def found(self, vids: Sequence[int], _: LevelResponse) -> list[Row]:
        """See VisibleRows; no other record is visible."""
        assert not vids
        return []

    @staticmethod
    def _edges(hop: dict[str, Any]) -> dict[int, list[tuple[int, Any]]]:
        if hop["ls"] == ["VERSION_OF"]:
            return {vid: [(PARENT, {"relation": "VERSION_OF", "validFrom": vid})] for vid in VERSIONS}
        return {PARENT: [(CHECK, {})]} if hop["ls"] == ["MONITORED_BY"] and hop["p"] >= 0 else {}


async def test_the_evidence_on_a_parent_is_put_together_once_for_its_versions() -> None:
    """Each version has the findings on the parent with its own link; the check of the parent was weighed once."""
    rows = Rows()
    reader = EvidenceReader(cast("VisibleRows", rows))
    groups = await reader.read([plain_row("DATASET_VERSION", "v", version=str(vid), vid=vid) for vid in VERSIONS])
    members = [member for group in groups for member in group.members]
    assert [(member.vid, member.link["validFrom"]) for member in members] == [(PARENT, vid) for vid in VERSIONS]
    assert len({id(member.findings) for member in members if member.findings is not None}) == 1
    assert rows.read == [CHECK]


@pytest.mark.parametrize(("count", "is_long"), [(LONG_LINEAGE, False), (LONG_LINEAGE + 1, True)])
async def test_many_assets_without_evidence_are_weighed_in_the_side_thread(
    count: int,
    is_long: bool,  # noqa: FBT001 - a case
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A walk over thousands of assets would hold the event loop, although there are no edges to evidence."""
    noted = noted_threads(monkeypatch, EvidenceWeighing, "findings")
    reader = EvidenceReader(cast("VisibleRows", Rows()))
    groups = await reader.read([plain_row("REPORT", f"r{vid}", vid=vid) for vid in range(10, 10 + count)])
    assert len(groups) == count
    ((_, thread),) = noted
    assert (thread != get_ident()) == is_long
