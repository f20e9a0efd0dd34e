"""The effective sensitivity by definition, computed by networkx from the stored records."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import networkx as nx
from support.stores.writers import Stored

LEVELS = ["PUBLIC", "INTERNAL", "CONFIDENTIAL", "RESTRICTED"]
CARRYING = {"INPUT_TO", "PRODUCES", "DERIVES", "FEEDS", "BASE_OF", "EVALUATED_BY"}
STOPS = {"MODEL", "SERVICE", "REPORT"}

Edge = tuple[str, str, str]


def effective(there: Stored, now: int) -> dict[str, str]:
    """Return the effective sensitivity by URN: the highest declared one of the asset and all assets upstream."""
    flows: nx.DiGraph[str] = nx.DiGraph()
    flows.add_nodes_from(there.records)
    for source, target in _flows(there, now):
        if there.records[target]["kind"] not in STOPS:
            flows.add_edge(source, target)
    declared = {urn: LEVELS.index(record["declaredSensitivity"]) for urn, record in there.records.items()}
    return {urn: LEVELS[max(declared[each] for each in {urn, *nx.ancestors(flows, urn)})] for urn in flows}


def _flows(there: Stored, now: int) -> Iterator[tuple[str, str]]:
    """Return the pairs between which sensitivity flows, stops not considered."""
    current = [(key, values) for key, values in there.edges if values["validTo"] > now]
    parts = defaultdict(set)
    for (relation, source, target), _ in current:
        if relation == "VERSION_OF":
            parts[target].add(source)
        if relation == "CONTAINS" and source.startswith("mlg://feature-set/") and target.startswith("mlg://feature/"):
            parts[source].add(target)
    for parent, members in parts.items():
        yield from ((parent, part) for part in members)
    for key, _ in current:
        relation, source, target = key
        if relation in CARRYING and not _declassified(there, key):
            yield source, target
            yield from ((part, target) for part in parts[source])


def _declassified(there: Stored, key: Edge) -> bool:
    record: dict[str, Any] = there.edge_records[key]
    return bool(record.get("declassified"))
