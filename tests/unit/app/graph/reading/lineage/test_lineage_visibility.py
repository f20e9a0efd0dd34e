"""A walk examines the edges of a hidden parent once, however many of its versions are visible."""

from typing import cast

import pytest
from support.estates.plain_rows import plain_row

from app.graph.reading.lineage import lineage_visibility
from app.graph.reading.lineage.expander import MemberEdges
from app.graph.reading.lineage.lineage_visibility import LineageVisibility
from app.graph.reading.visible_rows import VisibleRows
from app.graph.records.read_time import ReadTime
from graphql_schema.ports.record import Record

PARENT, ENDED = 1, 30
VERSIONS = [plain_row("DATASET_VERSION", "d", vid=vid, version=f"{vid}", createdAt=0) for vid in range(10, 30)]
LINK: Record = {"relation": "VERSION_OF"}


class HiddenParent:
    """The rows of an operation whose caller sees the versions only."""

    def known(self, vid: int) -> None:
        """See VisibleRows."""
        assert vid == PARENT

    def hidden_times(self, _vid: int) -> Record:
        """See VisibleRows."""
        return {"createdAt": 0}


@pytest.mark.parametrize(("relation", "beside"), [("DERIVES", {each.vid for each in VERSIONS}), ("INFERRED", set())])
def test_edges_of_a_hidden_parent_are_examined_once(
    monkeypatch: pytest.MonkeyPatch, relation: str, beside: set[int]
) -> None:
    """Their number times that of the versions would hold the event loop; both sides of a search count as before."""
    examined: list[Record] = []

    def noted(edge: Record) -> bool:
        examined.append(edge)
        return bool(edge["relation"] == "INFERRED")

    monkeypatch.setattr(lineage_visibility, "is_inferred", noted)
    visibility = LineageVisibility(cast("VisibleRows", HiddenParent()), ReadTime(0))
    parent = MemberEdges(PARENT, [(100 + number, {"relation": relation}) for number in range(ENDED)], LINK)
    without = MemberEdges(PARENT, [], LINK)

    for each in VERSIONS:
        assert visibility.group_member(each, parent) is None
    assert (visibility.beside_hidden, visibility.hidden) == (beside, {PARENT} if beside else set())
    assert len(examined) <= ENDED
    assert visibility.leads(without) is False
    assert visibility.leads(parent) is bool(beside)
