"""The rules of enrichment: which edge follows from which chain of edges, as frozen values (docs/enrichment.md).

A shortcut makes one question one hop shorter. It is allowed by its relation's ends and says nothing that its chain does
not: ``app.graph.jobs`` derives it, and it is shown to whoever may see the chain.
"""

from dataclasses import dataclass
from typing import Any, Final

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
"""The property of an inferred edge that names its rules; an edge that somebody declares as a guess has none."""


@dataclass(frozen=True, slots=True)
class InferenceRule:
    """From a vertex of the kinds ``starts``, over the hops of ``chain``, an edge of ``relation`` to where they end.

    All hops go along the data and name their kinds. ``confidence`` is that of a chain of certain edges.
    """

    name: str
    relation: Relation
    starts: tuple[str, ...]
    chain: tuple[Hop, ...]
    confidence: float

    @property
    def ends(self) -> tuple[str, ...]:
        """The kinds where its chains end."""
        return self.chain[-1].kinds

    def kinds(self, place: int) -> tuple[str, ...]:
        """The kinds that its chains go through: at 0 they start, and behind the last hop they end."""
        return self.chain[place - 1].kinds if place else self.starts

    def said(self) -> list[Any]:
        """What it says, as JSON: two rules that say the same derive the same."""
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
"""The rules of the product."""

INFERRED: Final = tuple(dict.fromkeys(rule.relation.name for rule in RULES))
"""The relations that rules infer, each of which has a label of the store for that."""
