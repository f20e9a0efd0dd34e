"""The walks of enrichment: against the data from where edges may be inferred to, and along it to where they end."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from app.graph.commits.write_statements import STATE
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.jobs.inference_chains import Neighbourhood
from app.graph.records.inferred_edge import LABEL
from app.graph.records.vertex_record import Record, kind_of
from graphql_schema.catalog.inference_rules import InferenceRule


@dataclass(frozen=True, slots=True)
class Walks:
    """Reads for some rules; each step is a request, however many vertices it starts from."""

    client: GremlinClient
    rules: Sequence[InferenceRule]

    async def around(self, ends: Sequence[int]) -> Neighbourhood:
        """All that decides which edges are inferred to these vertices, and those that are there."""
        around = Neighbourhood(ends)
        level: Iterable[int] = ends
        for back in range(1, max((len(rule.chain) for rule in self.rules), default=0) + 1):
            relations = {rule.chain[-back].relation.name for rule in self.rules if back <= len(rule.chain)}
            level = await self._into(around, sorted(relations), list(level), inferred=back == 1)
        if not self.rules:
            await self._into(around, [], list(ends), inferred=True)
        return around

    async def beyond(self, middles: Iterable[int]) -> set[int]:
        """Where the chains end that lead through some vertices, whether they hold or not."""
        ends: set[int] = set()
        reached = {(rule, place, vid) for vid in middles for rule in self.rules for place in range(1, len(rule.chain))}
        while reached:
            relations = sorted({rule.chain[place].relation.name for rule, place, _ in reached})
            records, rows = await self._read("out", relations, [], sorted({vid for _, _, vid in reached}))
            known = {vid: kind_of(record) for vid, record in records.items()}
            further = {
                (rule, place + 1, far)
                for rule, place, vid in reached
                if known.get(vid) in rule.kinds(place)
                for relation, near, far, _ in rows
                if near == vid and relation == rule.chain[place].relation.name
                if known.get(far) in rule.kinds(place + 1)
            }
            ends |= {far for rule, place, far in further if place == len(rule.chain)}
            reached = {step for step in further if step[1] < len(step[0].chain)}
        return ends

    async def _into(
        self, around: Neighbourhood, relations: Sequence[str], vids: list[int], *, inferred: bool
    ) -> set[int]:
        """Read the edges into some vertices, and where they come from."""
        labels = [*LABEL.values()] if inferred else []
        records, rows = await self._read("in", relations, labels, vids)
        around.records |= records
        sources = set()
        for label, near, far, edge in rows:
            if label in relations:
                around.into[label, near][far] = edge
                sources.add(far)
            else:
                around.inferred[edge["relation"], far, near] = edge
        return sources

    async def _read(
        self, direction: str, relations: Sequence[str], labels: Sequence[str], vids: list[int]
    ) -> tuple[dict[int, Record], list[tuple[str, int, int, Record]]]:
        """Vertices with what they are joined to, and the edges as (label, vertex, far vertex, record)."""
        if not vids:
            return {}, []
        hops = [{"d": direction, "ls": [label], "xs": vids} for label in (*relations, *labels)]
        (answer,) = await self.client.submit(STATE, {"stored": vids, "hops": hops, "pairs": []})
        records = dict(zip(answer["v"][::2], map(orjson.loads, answer["v"][1::2]), strict=True))
        named = zip((*relations, *labels), answer["e"], strict=True)
        edges = [(label, *row) for label, rows in named for row in _rows(rows)]
        return records, edges


def _rows(flat: Sequence[Any]) -> Iterator[tuple[int, int, Record]]:
    """The flat ``[vertex, far vertex, record, …]`` of a hop, row by row."""
    for near, far, text in zip(flat[::3], flat[1::3], flat[2::3], strict=True):
        yield near, far, orjson.loads(text)
