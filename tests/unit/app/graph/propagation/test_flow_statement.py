"""The hops over which propagation is read: along edges that carry, and between parents and children."""

from app.graph.propagation.flow_statement import CHILD_STEPS, FLOW, PARENT_STEPS, Step, hop_row
from graphql_schema.catalog.kinds import KINDS


def test_each_step_leads_in_both_directions() -> None:
    """The steps to parents are those to children in the other direction, with the kinds at their ends exchanged."""
    back = {"in": "out", "out": "in"}
    mirrored = {(back[step.direction], step.label, frozenset(step.far), frozenset(step.near)) for step in PARENT_STEPS}
    assert {_with_sets(step) for step in CHILD_STEPS} == mirrored


def _with_sets(step: Step) -> tuple[str, str, frozenset[str], frozenset[str]]:
    return step.direction, step.label, frozenset(step.near), frozenset(step.far)


def test_a_hop_has_the_keys_of_the_text() -> None:
    """A hop names kinds by their codes, and starts from vertices unless another hop is named."""
    hop = hop_row("out", ("FEEDS",), ["Model"], (1, 2))
    assert hop == {"d": "out", "ls": ["FEEDS"], "ks": [KINDS["Model"].code], "p": -1, "ns": [], "xs": [1, 2]}
    assert all(f"h.{key}" in FLOW.text for key in (*hop, "more"))
