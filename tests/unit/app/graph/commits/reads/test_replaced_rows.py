"""The edges of hops after some were read again: those that were not stay, and of the others the new ones count."""

from app.graph.commits.reads.replaced_rows import FarEdge, replaced_rows
from app.graph.commits.reads.touched_reads import HopKind
from graphql_schema.catalog.relations import Direction

USES = HopKind(Direction.OUT, ("DERIVES", "FEEDS"))
OWNERS = HopKind(Direction.OUT, ("OWNED_BY",))


def test_edges_that_were_read_again_replace_those_before() -> None:
    """An edge that is absent now is removed, a new one is added, and one of another label or end stays."""
    kept, old, gone = [
        {"relation": label, "number": number} for number, label in enumerate(("FEEDS", "DERIVES", "DERIVES"))
    ]
    rows_of: dict[HopKind, list[FarEdge]] = {
        USES: [(1, 2, kept), (1, 2, old), (1, 3, gone)],
        OWNERS: [(1, 4, {"relation": "OWNED_BY"})],
    }
    new, added = {**old, "number": 4}, {"relation": "FEEDS", "number": 5}
    rows = [(USES, "DERIVES", 1, 2), (USES, "DERIVES", 1, 3), (USES, "FEEDS", 1, 5)]
    assert replaced_rows(rows_of, rows, [new, None, added]) == {USES: [(1, 2, kept), (1, 2, new), (1, 5, added)]}
