"""The rules of enrichment fit the catalog and the documentation."""

import re

from support.source_tree import read

from graphql_schema.catalog.inference_rules import RULES, InferenceRule
from graphql_schema.catalog.relations import Direction


def test_rules_lead_along_the_data_to_what_their_relation_allows() -> None:
    """Each goes over edges that the catalog has, to one that it allows, and no relation that is read by time."""
    for rule in RULES:
        assert all(hop.direction is Direction.OUT for hop in rule.chain)
        for place, hop in enumerate(rule.chain):
            assert any(hop.relation.allows(a, b) for a in rule.kinds(place) for b in hop.kinds)
        assert all(rule.relation.allows(start, end) for start in rule.starts for end in rule.ends)
        assert not rule.relation.by_time
        assert 0 < rule.confidence < 1
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_the_documentation_lists_the_rules() -> None:
    """docs/enrichment.md has a row for each: name, chain, edge and confidence."""
    listed = re.findall(r"(?m)^\| `([a-z-]+)` \| (.*?) \| `(\w+)` \| ([\d.]+) \|", read("docs/enrichment.md"))
    assert listed == [(rule.name, _chain(rule), rule.relation.name, str(rule.confidence)) for rule in RULES]


def _chain(rule: InferenceRule) -> str:
    steps = [" or ".join(rule.starts)]
    for hop in rule.chain:
        steps += [f"`{hop.relation.name}`", " or ".join(hop.kinds)]
    return " ".join(steps)
