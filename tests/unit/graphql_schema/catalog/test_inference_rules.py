"""Inference rules fit the catalog and the documentation."""

import re

from support.source_tree import read

from graphql_schema.catalog.inference_rules import INFERRED, RULES, InferenceRule
from graphql_schema.catalog.relations import Direction


def test_a_rule_leads_along_the_data_to_an_edge_that_the_catalog_allows() -> None:
    """Each hop is an edge that may exist, so is the inferred one, and no inferred relation is read by time."""
    for rule in RULES:
        assert all(hop.direction is Direction.OUT for hop in rule.chain)
        for place, hop in enumerate(rule.chain):
            assert any(hop.relation.allows(a, b) for a in rule.kinds(place) for b in hop.kinds)
        assert all(rule.relation.allows(start, end) for start in rule.starts for end in rule.ends)
        assert not rule.relation.by_time
        assert 0 < rule.confidence < 1
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_the_kinds_of_a_chain_begin_with_its_starts_and_end_with_its_ends() -> None:
    """A feature that a run reads feeds the model version that the run produces."""
    rule = next(rule for rule in RULES if rule.name == "trained-with")
    assert [rule.kinds(place) for place in range(3)] == [("Feature",), ("Run",), ("ModelVersion",)]
    assert rule.ends == ("ModelVersion",)


def test_a_rule_is_described_as_json() -> None:
    """The store keeps this description to find out whether its inferred edges were derived by other rules."""
    rule = next(rule for rule in RULES if rule.name == "measured-on")
    assert rule.content() == [
        "measured-on",
        "EVALUATED_BY",
        ["Dataset", "DatasetVersion"],
        [["INPUT_TO", ["Run"]], ["PRODUCES", ["Evaluation"]]],
        0.8,
    ]


def test_four_relations_are_inferred() -> None:
    """Each inferred relation has a label of its own in the store, and is listed once."""
    assert INFERRED == ("TESTED_IN", "FEEDS", "BASE_OF", "EVALUATED_BY")


def test_the_documentation_lists_the_rules() -> None:
    """docs/enrichment.md has a row for each: name, chain, edge and confidence."""
    listed = re.findall(r"(?m)^\| `([a-z-]+)` \| (.*?) \| `(\w+)` \| ([\d.]+) \|", read("docs/enrichment.md"))
    assert listed == [(rule.name, described(rule), rule.relation.name, str(rule.confidence)) for rule in RULES]


def described(rule: InferenceRule) -> str:
    """Return the chain of a rule as the documentation writes it."""
    steps = [" or ".join(rule.starts)]
    for hop in rule.chain:
        steps += [f"`{hop.relation.name}`", " or ".join(hop.kinds)]
    return " ".join(steps)
