"""The picture of the README: the lineage relations between concepts, as a Mermaid diagram."""

from collections import defaultdict

from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.relations import LINEAGE


def lineage_picture() -> str:
    """Return the text of the diagram: a box for each joined concept with its kinds, an arrow for each joined pair."""
    arrows: dict[tuple[str, str], list[str]] = defaultdict(list)
    for relation in LINEAGE:
        for ends in sorted({(KINDS[source].concept, KINDS[target].concept) for source, target in relation.ends}):
            arrows[ends].append(relation.name)
    concepts = sorted({concept for ends in arrows for concept in ends})
    boxes = [f'  {concept}["{" · ".join(_kinds_of(concept))}"]' for concept in concepts]
    lines = [f"  {source} -- {', '.join(names)} --> {target}" for (source, target), names in sorted(arrows.items())]
    return "\n".join(["flowchart LR", *boxes, *lines])


def _kinds_of(concept: str) -> list[str]:
    return [kind.name for kind in KINDS.values() if kind.concept == concept]
