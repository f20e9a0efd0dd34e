"""Transactions over a store in memory that have read no more than the store would be asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import orjson
from support.stores.in_memory_writer import Memory, plan
from support.stores.writers import NOW

from app.graph.commits.reads.hop_read import HopRead
from app.graph.commits.reads.replaced_rows import FarEdge
from app.graph.commits.state_read import StoredState
from app.graph.records.edge_record import native_end
from app.graph.writing.group_plan import MAX_ROUNDS
from app.graph.writing.prefetch import PrefetchRequest
from app.graph.writing.unit.item_size import commands_in
from app.graph.writing.unit.read_set import ReadSet
from app.graph.writing.unit.working_set import WorkingSet
from graphql_schema.catalog.relations import Direction
from graphql_schema.ports.commands import Command
from graphql_schema.ports.outcomes import WriteOutcome
from policies.principal import Principal


@dataclass(frozen=True)
class Call:
    """One call of a transaction."""

    who: Principal
    items: Sequence[Command]
    dry_run: bool = False


def transact(memory: Memory, *calls: Call, now: int = NOW) -> tuple[list[list[WriteOutcome]], int]:
    """Read, plan and write the calls as one transaction, as the planner of a group does, without effects on others.

    Return the outcomes of each call, and how often the store was read.
    """
    missing = ReadSet()
    authors = [memory.author(call.who, now) for call in calls]
    for rounds in range(1, MAX_ROUNDS):
        state = _read(memory, [item for call in calls for item in call.items], missing, now)
        done = []
        for call, author in zip(calls, authors, strict=True):
            state.begin()
            done.append(plan(call.items, state, author, dry_run=call.dry_run))
        if state.missing.within(missing):
            memory.vertices = {**memory.vertices, **state.vertices}
            memory.edges = {**memory.edges, **state.edges}
            return done, rounds
        missing.add(state.missing)
    raise AssertionError


def _read(memory: Memory, items: Sequence[Command], missing: ReadSet, now: int) -> WorkingSet:
    request = PrefetchRequest("default", now, groups={*missing.groups})
    for command in (each for item in items for each in commands_in(item)):
        request.add_command(command)
    request.add_missing(missing)
    for hop in missing.children:
        found = _rows(memory, HopRead(hop[0], [hop[1]], [hop[2]]))
        parts = [part for near, far, edge in found for part in (near, None, far, None, orjson.dumps(edge).decode())]
        request.inheriting.add_edges([hop], parts, set())
    reads = request.hop_reads()
    hops = [_rows(memory, read) for read in reads]
    vids = {*request.records.values(), *(far for rows in hops for _, far, _ in rows)}
    vids.update(chain.from_iterable(request.inheriting.children.values()))
    records = {vid: memory.vertices[vid] for vid in vids if vid in memory.vertices}
    return request.working_set(reads, StoredState(records, hops, [memory.edges.get(key) for key in request.edges]))


def _rows(memory: Memory, read: HopRead) -> list[FarEdge]:
    """Return the edges of a hop, each with its near and its far end."""
    after = -1 if read.after is None else read.after
    found = [(key, edge) for key, edge in memory.edges.items() if key[0] in read.labels and native_end(edge) > after]
    rows = [(key[1:] if read.direction is Direction.OUT else (key[2], key[1]), edge) for key, edge in found]
    return [(*ends, edge) for ends, edge in rows if ends[0] in read.vertices]
