"""What of a state is to be read again after transactions: what they touched of it, and nothing else."""

from dataclasses import replace

from app.graph.commits.reads.touched_reads import HopKind, KnownReads, touched_reads
from app.graph.records.touched import Touched
from graphql_schema.catalog.relations import Direction

HUB, USER, OTHER, TEAM = 1, 2, 3, 4
MANY = 100
USES = HopKind(Direction.OUT, ("DERIVES", "FEEDS"))
OWNERS = HopKind(Direction.OUT, ("OWNED_BY",))
KNOWN = KnownReads(
    {HUB, USER}, {USES: {HUB}, OWNERS: {HUB, USER}}, {("OWNED_BY", HUB): [(TEAM, ("OWNED_BY", 77, TEAM))]}
)
"""Two records, what leaves them, and an edge of a merged dataset, 77, whose pointer leads to the hub."""


def edge(label: str, source: int, target: int) -> Touched:
    """Return a transaction that writes one edge."""
    return Touched(edge_ends=frozenset({("out", label, source), ("in", label, target)}))


def test_only_known_records_are_read_again() -> None:
    """A record that was not read does not matter, whatever else the transaction writes."""
    found = touched_reads([Touched(vertices=frozenset({USER, OTHER}))], KNOWN, MANY)
    assert found is not None
    assert (found.vertices, found.rows, found.pairs) == ({USER}, {}, {})


def test_edges_of_hops_are_read_again_where_these_have_begun() -> None:
    """An edge counts by its direction, its label and its end; several transactions are not mixed."""
    written = [edge("DERIVES", HUB, OTHER), edge("DERIVES", USER, TEAM), edge("DERIVES", OTHER, HUB)]
    found = touched_reads([*written, edge("TAGGED", HUB, TEAM)], KNOWN, MANY)
    assert found is not None
    assert [*found.rows] == [(USES, "DERIVES", HUB, OTHER)]


def test_single_edges_are_found_by_the_ends_that_are_stored() -> None:
    """An edge that was requested for a merged dataset is that of the one to which it leads."""
    found = touched_reads([edge("OWNED_BY", HUB, TEAM)], KNOWN, MANY)
    assert found is not None
    assert [*found.pairs] == [("OWNED_BY", 77, TEAM)]
    other = touched_reads([edge("OWNED_BY", HUB, OTHER)], KNOWN, MANY)
    assert other is not None
    assert not other.pairs


def test_each_edge_of_a_transaction_counts_once() -> None:
    """One with an edge at each of many hops is not as much as one with edges between all of their ends."""
    known = KnownReads({HUB}, {USES: {*range(100, 160)}}, KNOWN.pairs)
    edges = {*(("DERIVES", 100 + number, 200 + number) for number in range(59)), ("OWNED_BY", HUB, TEAM)}
    touched = Touched.of_edges(frozenset(), frozenset({*edges, ("TAGGED", 100, 200), ("DERIVES", 1, 100)}), None)
    found = touched_reads([touched], known, 60)
    assert found is not None
    assert {*found.rows} == {(USES, *edge) for edge in edges if edge[0] == "DERIVES"}
    assert [*found.pairs] == [("OWNED_BY", 77, TEAM)]
    assert touched_reads([replace(touched, edges=None)], known, 60) is None


def test_edges_of_a_hop_against_them_are_found_by_the_far_end() -> None:
    """The hop into an asset begins where an edge ends."""
    into = HopKind(Direction.IN, ("DERIVES",))
    found = touched_reads(
        [Touched.of_edges(frozenset(), frozenset({("DERIVES", USER, HUB), ("DERIVES", HUB, OTHER)}), None)],
        KnownReads(set(), {into: {HUB}}, {}),
        MANY,
    )
    assert found is not None
    assert [*found.rows] == [(into, "DERIVES", HUB, USER)]


def test_very_much_is_refused() -> None:
    """The number is bounded, and also what one transaction with very many ends adds before it is noticed."""
    ends = {("in", "DERIVES", vid) for vid in range(10, 1_000)} | {("out", "DERIVES", HUB)}
    assert touched_reads([Touched(edge_ends=frozenset(ends))], KNOWN, 3) is None
    assert touched_reads([Touched(vertices=frozenset({HUB, USER}))], KNOWN, 3) is not None
    assert touched_reads([edge("DERIVES", HUB, each) for each in range(10, 13)], KNOWN, 3) is not None
    assert touched_reads([edge("DERIVES", HUB, each) for each in range(10, 14)], KNOWN, 3) is None
    edges = frozenset(("DERIVES", HUB, vid) for vid in range(10, 1_000))
    assert touched_reads([Touched.of_edges(frozenset(), edges, None)], KNOWN, 3) is None
