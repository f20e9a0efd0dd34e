"""The inference rules as frozen values: the edge that each chain of edges implies (docs/enrichment.md).

An inferred edge joins the ends of its chains by one hop; the edges of the chains remain. The edge discloses no more
than its chains: a caller sees the edge only if one of them is visible. ``app.graph.jobs`` derives the edges.
"""

from dataclasses import dataclass
from typing import Final

from graphql_schema.catalog.relations import (
    BASE_OF,
    DEPLOYED_AS,
    EVALUATED_BY,
    FEEDS,
    INPUT_TO,
    PRODUCES,
    TESTED_IN,
    Hop,
    Relation,
)

ENRICHMENT: Final = "enrichment"
"""The key of the property in which a derived edge names its rules, separated by commas."""


@dataclass(frozen=True, slots=True)
class InferenceRule:
    """A rule: from a vertex of the kinds ``starts`` over the hops of ``chain``, an edge of ``relation`` to their end.

    Every hop follows the direction of its edges and names the kinds of its far end. ``confidence``, from 0 to 1, is
    that of the inferred edge if the edges of the chain are certain.
    """

    name: str
    relation: Relation
    starts: tuple[str, ...]
    chain: tuple[Hop, ...]
    confidence: float

    @property
    def ends(self) -> tuple[str, ...]:
        """The kinds that the last hop of the chain may lead to."""
        return self.chain[-1].kinds

    def kinds(self, place: int) -> tuple[str, ...]:
        """Return the kinds at a place of the chain: 0 is the start, the number of hops is the end."""
        return self.chain[place - 1].kinds if place else self.starts

    def content(self) -> list[object]:
        """Return the parts of the rule as a JSON list: rules with equal parts derive equal edges."""
        hops = [[hop.relation.name, list(hop.kinds)] for hop in self.chain]
        return [self.name, self.relation.name, list(self.starts), hops, self.confidence]


RULES: Final = (
    InferenceRule(
        "tested-as-deployed",
        TESTED_IN,
        ("ModelVersion",),
        (DEPLOYED_AS.out("Deployment"), TESTED_IN.out("ExperimentCell")),
        0.9,
    ),
    InferenceRule("trained-with", FEEDS, ("Feature",), (INPUT_TO.out("Run"), PRODUCES.out("ModelVersion")), 0.8),
    InferenceRule("started-from", BASE_OF, ("ModelVersion",), (INPUT_TO.out("Run"), PRODUCES.out("ModelVersion")), 0.6),
    InferenceRule(
        "measured-on",
        EVALUATED_BY,
        ("Dataset", "DatasetVersion"),
        (INPUT_TO.out("Run"), PRODUCES.out("Evaluation")),
        0.8,
    ),
)
"""All inference rules."""

INFERRED: Final = tuple(dict.fromkeys(rule.relation.name for rule in RULES))
"""The names of the relations of inferred edges; the store has a second edge label for each."""
