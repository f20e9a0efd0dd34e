"""What to read before a batch can be planned, and the answer as a :class:`WorkingSet`."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from app.graph.records.edge_record import EdgeKey
from app.graph.records.receipt_record import is_receipt
from app.graph.records.vertex_id import vertex_id
from app.graph.records.vertex_record import Record
from app.graph.writing.unit.read_set import Read, ReadSet
from app.graph.writing.unit.working_set import WorkingSet
from graphql_schema.catalog.relations import CARRYING, CHILD_HOPS, PARENT_HOPS, RUN_OF, VERSION_OF, Direction, Hop
from graphql_schema.catalog.urn import parent_urn, parse_urn
from graphql_schema.ports.commands import Command, LinkCommand, RegisterCommand, Unlinking


@dataclass
class Reading:
    """The points, hops and single edges that a batch touches, in one tenant."""

    tenant: str
    points: dict[int, str] = field(default_factory=dict)
    hops: dict[tuple[Direction, str], dict[int, None]] = field(default_factory=lambda: defaultdict(dict))
    pairs: dict[EdgeKey, None] = field(default_factory=dict)
    wholes: frozenset[int] = frozenset()

    def bindings(self) -> dict[str, list[Any]]:
        """What the text ``STATE`` takes."""
        hops = [
            {"d": direction.value, "ls": [relation], "xs": list(vids)}
            for (direction, relation), vids in self.hops.items()
        ]
        parts = [{**hop, "xs": sorted(self.wholes)} for hop in _PART_READS] if self.wholes else []
        pairs = [{"l": relation, "o": source, "i": target} for relation, source, target in self.pairs]
        return {"stored": list(self.points), "hops": [*hops, *parts], "pairs": pairs}

    def state(self, answer: dict[str, Any]) -> WorkingSet:
        """The answer of ``STATE`` to these bindings."""
        vertices: dict[int, Record] = {}
        receipts: dict[int, Record] = {}
        taken = set()
        for vid, text in _pairs(answer["v"]):
            record = orjson.loads(text)
            if vertex_id(record["tenant"], record["id"]) == vid and record["id"] == self.points.get(vid, record["id"]):
                (receipts if is_receipt(record) else vertices)[vid] = record
            else:
                taken.add(vid)
        edges: dict[EdgeKey, Record] = {}
        bindings = self.bindings()
        for hop, rows in zip(bindings["hops"], answer["e"], strict=True):
            for near, far, text in zip(rows[::3], rows[1::3], rows[2::3], strict=True):
                edge = orjson.loads(text)
                edges[(edge["relation"], near, far) if hop["d"] == "out" else (edge["relation"], far, near)] = edge
        for key, text in zip(self.pairs, answer["p"], strict=True):
            if text is not None and key not in edges:
                edges[key] = orjson.loads(text)
        hops = {(*hop, vid) for hop, vids in self.hops.items() for vid in vids}
        return WorkingSet(vertices, edges, receipts, Read(taken, self.wholes, self.points, hops, self.pairs))

    def add_point(self, urn: str) -> int:
        """Read what stands at an id, and its whole."""
        vid = vertex_id(self.tenant, urn)
        self.points[vid] = urn
        whole = parent_urn(urn) if urn.startswith("mlg://") else None
        if whole is not None:
            self.points[vertex_id(self.tenant, whole)] = whole
        return vid

    def _hop(self, hop: Hop, vid: int) -> None:
        self.hops[hop.direction, hop.relation.name][vid] = None

    def add(self, item: Command) -> None:
        """Read what an item touches; what others than registrations and links touch is read when it is wanted."""
        if isinstance(item, LinkCommand | Unlinking):
            self.pairs[item.relation, self.add_point(item.source), self.add_point(item.target)] = None
            return
        if not isinstance(item, RegisterCommand):
            return
        vid, kind = self.add_point(item.urn), parse_urn(item.urn).kind
        whole = parent_urn(item.urn)
        if whole is not None:
            self.pairs[VERSION_OF.name, vid, vertex_id(self.tenant, whole)] = None
        if kind == "Feature":
            self._hop(PARENT_HOPS[kind], vid)
        if kind == "Run":
            self._hop(RUN_OF.out(), vid)
        for edges in item.edges:
            relation, out = edges.hop.relation, edges.hop.direction is Direction.OUT
            far = [self.add_point(urn) for urn in (*edges.targets, *edges.removes)]
            if relation is VERSION_OF:
                continue
            if not edges.adds:
                self._hop(edges.hop, vid)
                continue
            for other in far:
                self.pairs[(relation.name, vid, other) if out else (relation.name, other, vid)] = None


_PART_READS = [
    {"d": direction.value, "ls": [relation]}
    for direction, relation in sorted(
        {(hop.direction, hop.relation.name) for hop in CHILD_HOPS.values()}, key=lambda pair: pair[1]
    )
] + [{"d": "in", "ls": list(CARRYING)}]
"""What is read around ``wholes``: their parts, and what flows to them."""


def reading(tenant: str, items: Sequence[Command], points: Iterable[str], wants: ReadSet) -> Reading:
    """What a batch touches, the ``points`` beside, and what its plan turned out to want."""
    wanted = Reading(tenant, wholes=frozenset(wants.around))
    for item in items:
        wanted.add(item)
    wanted.points |= {vertex_id(tenant, urn): urn for urn in points}
    for urn in wants.points.values():
        wanted.add_point(urn)
    for direction, relation, vid in wants.hops:
        wanted.hops[direction, relation][vid] = None
    wanted.pairs |= dict.fromkeys(wants.pairs)
    return wanted


def _pairs(flat: list[Any]) -> Iterable[tuple[int, str]]:
    return zip(flat[::2], flat[1::2], strict=True)
