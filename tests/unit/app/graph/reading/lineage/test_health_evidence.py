"""Evidence on the group of many versions."""

from typing import Any, cast

from app.graph.reading.level.level_batcher import LevelRequest, LevelResponse
from app.graph.reading.lineage.health_evidence import EvidenceReader
from app.graph.reading.visible_rows import VisibleRows
from app.graph.records.read_time import ReadTime
from graphql_schema.ports.operation_budget import OperationBudget

PARENT, VERSIONS, CHECK = 0, range(1, 5), 9


class Rows:
    """The rows of an operation that reads versions of one dataset, which a check monitors."""

    class row_policy:  # noqa: N801 - an attribute of VisibleRows
        """Reads the present."""

        instant = ReadTime(0)

    def __init__(self) -> None:
        self.budget = OperationBudget()

    async def fetch(self, request: LevelRequest) -> LevelResponse:
        """See VisibleRows."""
        return LevelResponse([self._edges(dict(hop)) for hop in request.hops], {}, [])

    def evaluate(self, *_: object) -> None:
        """See VisibleRows."""

    @staticmethod
    def _edges(hop: dict[str, Any]) -> dict[int, list[tuple[int, Any]]]:
        if hop["ls"] == ["VERSION_OF"]:
            return {vid: [(PARENT, {"relation": "VERSION_OF", "validFrom": vid})] for vid in VERSIONS}
        return {PARENT: [(CHECK, {})]} if hop["ls"] == ["MONITORED_BY"] and hop["p"] >= 0 else {}


async def test_the_evidence_on_a_parent_is_put_together_once_for_its_versions() -> None:
    """Each version has the evidence on the parent with its own link, and all share the lists of it."""
    reader = EvidenceReader(cast("VisibleRows", Rows()))
    groups = await reader.read([(vid, "DatasetVersion") for vid in VERSIONS])
    members = [member for group in groups for member in group.members]
    assert [(member.vid, member.link["validFrom"]) for member in members] == [(PARENT, vid) for vid in VERSIONS]
    assert [member.checks for member in members] == [[(CHECK, [])]] * len(VERSIONS)
    assert len({id(member.checks) for member in members}) == 1
