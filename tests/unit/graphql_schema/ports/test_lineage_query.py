"""Results of lineage queries: how complete they are, and the order of nodes."""

import pytest
from support.estates.plain_rows import plain_row

from graphql_schema.ports.lineage_query import Completeness, ReachedNode, SnapshotTime


def completeness(*budgets: str, policy: bool = False, missing_roots: bool = False) -> Completeness:
    """Return the completeness of a result that these budgets ended."""
    return Completeness(budgets, policy, 10, 3, None, SnapshotTime(0, 0), missing_roots)


@pytest.mark.parametrize(
    ("found", "state", "reason"),
    [
        (completeness(), "COMPLETE", None),
        (completeness(policy=True), "PARTIAL", "POLICY"),
        (completeness(missing_roots=True), "PARTIAL", "ROOTS"),
        (completeness("DEPTH"), "TRUNCATED", "DEPTH"),
        (
            completeness("DEPTH", "TIME", policy=True, missing_roots=True),
            "TRUNCATED",
            "DEPTH, TIME, ROOTS, POLICY",
        ),
    ],
)
def test_a_result_names_what_limited_it(found: Completeness, state: str, reason: str | None) -> None:
    """A budget makes it TRUNCATED, a hidden part or a missing root PARTIAL; the reason names all of them."""
    assert (found.state, found.reason) == (state, reason)


@pytest.mark.parametrize(
    ("budgets", "is_cut"),
    [((), False), (("DEPTH", "CAUSES", "DATA"), False), *(((each,), True) for each in ("EDGES", "NODES", "TIME"))],
)
def test_a_budget_cuts_a_walk(budgets: tuple[str, ...], *, is_cut: bool) -> None:
    """The depth is an argument, and other budgets limit only what is listed."""
    assert completeness(*budgets).is_cut is is_cut


def test_nodes_are_ordered_by_depth_and_then_by_id() -> None:
    """The order is stable while others write, so pages concatenate."""
    nodes = [ReachedNode(plain_row("MODEL", name), depth, ()) for name, depth in (("a", 2), ("b", 1), ("a", 1))]
    ordered = sorted(nodes, key=lambda node: node.place)
    assert [(node.depth, node.row.record["name"]) for node in ordered] == [(1, "a"), (1, "b"), (2, "a")]
