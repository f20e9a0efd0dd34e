"""Inferred edges as they are stored and shown: shortcuts that say no more than the chains they stand for.

Beside ``FEEDS``, which people declare, the store has ``INFERRED_FEEDS``, which :mod:`app.graph.jobs` derives. Its
record has ``chains``, each ``{rule, through: vertex ids, confidence, held: [[from, to, opened, closed], …]}``, which
says of each interval when its beginning and its end were recorded (OPEN where it has none); natively ``validFrom`` and
``validTo`` span all of them, and ``through`` names all vertices on the way, so that
:mod:`app.graph.reading.level.level_statement` brings these along. Nobody is shown the record itself: :func:`seen` makes
of it what one caller may see.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from app.graph.records.edge_record import recorded_by
from graphql_schema.catalog.inference_rules import ENRICHMENT, INFERRED
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.ports.row import AccessGrade, Row

Record = Mapping[str, Any]

CHAINS: Final = "chains"

PREFIX: Final = "INFERRED_"

LABEL: Final = {relation: PREFIX + relation for relation in INFERRED}
"""The label of inferred edges, by their relation."""

THROUGH: Final = "through"
"""The native property of an inferred edge that names the vertices on its way: their ids, with commas between."""

BY: Final = "enrichment:"
"""How the declarer of an inferred edge begins; the name of its rule follows."""

LAST: Final = 2**63 - 1

_TOLD: Final = frozenset({"relation", "origin", "confidence", "validFrom", "validTo"})


def labels(relation: str) -> tuple[str, ...]:
    """The labels under which the store has edges of a relation: what people declared first, then what is inferred."""
    return (relation, LABEL[relation]) if relation in LABEL else (relation,)


def is_inferred(edge: Record) -> bool:
    """Whether this is the record of an inferred edge, which only :func:`seen` may be shown of."""
    return CHAINS in edge


def is_shortcut(shown: Record) -> bool:
    """Whether this is an edge that :func:`seen` made."""
    return any(name.startswith(BY) for name in shown.get("by", ()))


def is_traversable(row: Row | None) -> bool:
    """Whether a caller goes through a vertex along lineage, whichever way, and is told all of its edges."""
    if row is None or row.access.grade is not AccessGrade.READ:
        return False
    told = row.access.of_edge("Neighbour", row.access).hidden.isdisjoint(_TOLD)
    return told and row.access.hidden.isdisjoint({"upstream", "downstream"})


def visible_inferred_edge(edge: Record, at: int, passes: Callable[[int], bool], recorded: int = LAST) -> Record | None:
    """An inferred edge as it held at an instant, by what was recorded by another, for one caller; None if it did not.

    ``passes`` says of the vertices on the way whether the caller goes through: :func:`passable`, and whether they were
    there. Chains that the caller may not go count for nothing, so an edge that only they hold up is not there.
    """
    found = [
        (chain, begin, end)
        for chain in edge[CHAINS]
        for begin, end in recorded_by(chain["held"], recorded)
        if begin <= at < end and all(map(passes, chain["through"]))
    ]
    if not found:
        return None
    rules = sorted({chain["rule"] for chain, _, _ in found})
    end = max(end for _, _, end in found)
    return {
        "relation": edge["relation"],
        "origin": "INFERRED",
        "confidence": max(chain["confidence"] for chain, _, _ in found),
        "validFrom": min(begin for _, begin, _ in found),
        **({} if end == FOREVER else {"validTo": end}),
        "by": [BY + rule for rule in rules],
        "properties": [{"key": ENRICHMENT, "value": ", ".join(rules)}],
    }


def inferred(relation: str, chains: Sequence[Record]) -> Record:
    """The record of the edge that chains hold up; without any, it never held."""
    held = [interval for chain in chains for interval in chain["held"]]
    return {
        "relation": relation,
        "origin": "INFERRED",
        "by": [BY + rule for rule in sorted({chain["rule"] for chain in chains})],
        "validFrom": min((start for start, *_ in held), default=0),
        "validTo": max((end for _, end, *_ in held), default=0),
        CHAINS: list(chains),
    }


def through(edge: Record) -> str:
    """The native value of ``through``."""
    return ",".join(map(str, sorted({vid for chain in edge[CHAINS] for vid in chain["through"]})))
