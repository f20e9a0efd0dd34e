"""Reads what the batches of a transaction need before they are planned, and returns it as a working set."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Final

from app.graph.commits.reads.hop_read import HopRead
from app.graph.commits.reads.read_limits import CHARACTERS_A_SECOND, ELEMENTS_A_SECOND, ReadLimits
from app.graph.commits.state_read import BriefReading, StateReading, StoredState
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.writes_since import WritesSince
from app.graph.records.edge_record import EdgeKey
from app.graph.records.merged_record import last_target
from app.graph.records.receipt_record import is_receipt
from app.graph.records.record_text import BriefRecord
from app.graph.records.touched import Touched
from app.graph.records.vertex_id import vertex_id
from app.graph.writing.handlers.record_ingestion import ingestion_urn
from app.graph.writing.inheriting_children import InheritingChildren
from app.graph.writing.rules.attach import observation_urn
from app.graph.writing.unit.author import Author
from app.graph.writing.unit.item_size import commands_in, is_long
from app.graph.writing.unit.read_set import ReadCoverage, ReadSet
from app.graph.writing.unit.unseen_references import RUN_ID
from app.graph.writing.unit.working_set import LONG_STATE, WorkingSet
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.relations import (
    CARRYING,
    CHILD_HOPS,
    CONTAINS,
    PARENT_HOPS,
    RUN_OF,
    VERSION_OF,
    Direction,
    Hop,
)
from graphql_schema.catalog.urn import parent_urn, parse_urn
from graphql_schema.execution.side_thread import run_aside, run_in_turn
from graphql_schema.ports.background.owner_commands import InheritOwnerCommand
from graphql_schema.ports.commands import (
    Command,
    EventCommand,
    LinkCommand,
    ObserveCommand,
    RecordUsageCommand,
    RegisterCommand,
    UnlinkCommand,
)
from graphql_schema.ports.events.event_commands import RecordIngestionCommand
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.record import Record
from graphql_schema.ports.turns.gradual_release import RELEASE
from graphql_schema.rules.observation.observed_columns import COLUMNS

CATCH_UPS: Final = 3
"""Maximal number of times that what others wrote meanwhile is read again before the plan."""


class TransactionReads:
    """What one transaction reads, in one tenant: what was read for an earlier plan is not read again.

    ``limits`` are those of its requests. ``now`` is the instant of the first plan, in epoch milliseconds: what has
    ended by then has ended for the later ones as well.
    """

    def __init__(self, client: GremlinClient, tenant: str, limits: ReadLimits, now: int) -> None:
        self._client = client
        self.limits = limits
        self.request = PrefetchRequest(tenant, now)
        self.has_commands = False
        self._earlier = 0.0
        self._reading = self._new_reading(brief=True)

    @property
    def seconds(self) -> float:
        """For how many seconds the store has read since a refresh, by estimate."""
        return self._earlier + self._reading.size / CHARACTERS_A_SECOND + self._reading.count / ELEMENTS_A_SECOND

    async def read(self, missing: ReadSet) -> WorkingSet:
        """Return the working set after reading what was requested and not read yet, with ``missing``.

        Records at the other ends of edges are without their long values, unless these are ``missing``. Then everything
        is read again, once, because it was read without them. Raises WriteTooLargeError or ManyElementsError if it is
        more than the limits allow.
        """
        request = self.request
        await run_in_turn(request.add_missing, missing.is_long, missing)
        if missing.complete and self._reading.brief:
            self._earlier = self.seconds
            RELEASE.free([self._reading])
            self._reading = self._new_reading(brief=False)
        new = await request.inheriting.add(self._client, missing.children)
        children = {*chain.from_iterable(request.inheriting.children.values())}
        request.complete |= children
        self._forget_brief(children)
        hop_reads = request.hop_reads()
        vids = {*request.records.values(), *request.groups, *children}
        state = await self._reading.state(vids, hop_reads, [*request.edges])
        request.inheriting.leave_large(new, state.records)
        are_many = len(state.records) + sum(map(len, state.hops)) > LONG_STATE
        return await run_in_turn(request.working_set, are_many, hop_reads, state)

    async def refresh(self, written: Sequence[Touched], limits: ReadLimits) -> bool:
        """Read again what was written, and go on with other limits; return false if that is not possible.

        The few children of parents are read anew by the next :meth:`read`.
        """
        self.limits, self.request.inheriting, self._earlier = limits, InheritingChildren(), 0.0
        return await self._reading.refresh(written, limits)

    def _forget_brief(self, vids: Iterable[int]) -> None:
        """Let records be read again, completely, that an earlier step has read without their long values."""
        known = self._reading.records
        for vid in [vid for vid in vids if isinstance(known.get(vid), BriefRecord)]:
            del known[vid]
            self._reading.named.discard(vid)

    def _new_reading(self, *, brief: bool) -> StateReading:
        long_values = BriefReading(self.request.complete, self.request.missing.require_complete) if brief else None
        return StateReading(self._client, follow=True, limits=self.limits, brief=long_values)


class ReadsAhead:
    """What was read for a batch before its plan, while others write; ``written`` is what was written since.

    ``missing`` are the reads that plans of the batch have requested. They stay when what was read is of no further use,
    so each plan gets further than the one before.
    """

    def __init__(self) -> None:
        self.written = WritesSince()
        self.missing = ReadSet()
        self._reads: TransactionReads | None = None

    async def refreshed(self, limits: ReadLimits) -> TransactionReads | None:
        """Return what was kept, with what was written meanwhile, under the write lock; later reads have these limits.

        Return None if nothing was kept, or very much was written. A reading that fails is of no further use, so nothing
        is kept until the next call of :meth:`keep`.
        """
        written = self.written.take()
        if self._reads is not None:
            await self._refresh(written, limits)
        reads, self._reads = self._reads, None
        return reads

    async def catch_up(self, limits: ReadLimits) -> None:
        """Read again what was written meanwhile, while others write, so that little is left for :meth:`refreshed`.

        What was kept is of no further use after a reading that is not possible, or fails.
        """
        for _ in range(CATCH_UPS):
            if self._reads is None or (written := self.written.take()) == []:
                return
            await self._refresh(written, limits)

    async def _refresh(self, written: Sequence[Touched] | None, limits: ReadLimits) -> None:
        """Read again what was written; ``written`` is None if that is very much.

        Nothing is kept then, or if the reading is not possible or fails.
        """
        reads, self._reads = self._reads, None
        try:
            if reads is not None and written is not None and await reads.refresh(written, limits):
                self._reads = reads
        finally:
            if self._reads is None:
                RELEASE.free([reads])
            del reads

    def end(self) -> None:
        """Record no further writes, and free what was kept in turns: an item may have read 100,000 edges ahead."""
        self.written.end()
        if self._reads is not None:
            RELEASE.free([self._reads])
            self._reads = None

    def keep(self, reads: TransactionReads) -> None:
        """Keep what was read for the next plan of the batch, if the writes since its begin are recorded."""
        if self.written.has_begun:
            self._reads = reads
            self.missing.add(reads.request.missing)


async def prefetch(
    reads: TransactionReads, commands: Sequence[Command], receipts: Iterable[str], missing: ReadSet
) -> WorkingSet:
    """Return the working set of the batches with these commands, as read from the store.

    It has the records and edges that registrations, observations, links and unlinks name, the receipts with the names
    ``receipts``, and the reads ``missing`` from earlier plans. Raises as :meth:`TransactionReads.read`.
    """
    request = reads.request
    if not reads.has_commands:
        async for command in OperationBudget().in_turns(each for item in commands for each in commands_in(item)):
            if is_long(command):
                await run_aside(request.add_command, command)
            else:
                request.add_command(command)
        for name in receipts:
            request.add_record(name)
        reads.has_commands = True
    return await reads.read(missing)


def attached_records_of(item: Command, author: Author) -> Iterator[str]:
    """Yield the URNs of the attached records that planning an item reads: evidence, and the record of an event."""
    for command in commands_in(item):
        if isinstance(command, ObserveCommand) or (
            isinstance(command, RegisterCommand) and command.values.get(COLUMNS)
        ):
            yield observation_urn(author.tenant, command.urn)
    if isinstance(item, EventCommand | RecordIngestionCommand):
        yield item.subject
        yield ingestion_urn(author, item.subject, item.digest)


def teams_of_names(item: Command, author: Author) -> Iterator[str]:
    """Yield the URN of each team for which an id is reserved that an item registers or refers to.

    The plan reads the team if the asset is absent or has no owner. All are read at once, whether they are needed: an
    item may name ids of many teams.
    """
    for command in commands_in(item) if author.reserved_names.entries else ():
        yield from {author.owner_of_name(urn) for urn in _named_assets(command)} - {""}


def _named_assets(command: Command) -> Iterator[str]:
    """Yield the ids under which planning a command may create an asset, or give it an owner."""
    if isinstance(command, RegisterCommand | ObserveCommand):
        yield command.urn
        yield from chain.from_iterable(each.targets for each in command.edges)
    elif isinstance(command, InheritOwnerCommand):
        yield command.urn
    elif isinstance(command, LinkCommand):
        yield command.source
        yield command.target
    elif isinstance(command, RecordUsageCommand):
        yield command.consumer


@dataclass
class PrefetchRequest:
    """What to read for one transaction, in one tenant.

    ``records`` maps URNs and names of receipts to their vertex ids; two of them may have the same one. ``hops`` maps a
    direction and a relation to the vertex ids where the hop starts, as keys. Of ``current_hops``, only the edges that
    end after ``now`` are needed. ``edges`` has single edges as keys, and
    ``groups`` is as in :class:`ReadSet`. ``complete`` are the vertex ids of ``records`` that are needed with long
    values, and ``missing`` is that of the working sets, to which each plan of the transaction adds.
    ``inheriting`` has the children of parents that plans requested.
    """

    tenant: str
    now: int = 0
    records: dict[str, int] = field(default_factory=dict)
    hops: dict[tuple[Direction, str], dict[int, None]] = field(default_factory=lambda: defaultdict(dict))
    current_hops: dict[tuple[Direction, str], dict[int, None]] = field(default_factory=lambda: defaultdict(dict))
    edges: dict[EdgeKey, None] = field(default_factory=dict)
    groups: set[int] = field(default_factory=set)
    complete: set[int] = field(default_factory=set)
    missing: ReadSet = field(default_factory=ReadSet)
    inheriting: InheritingChildren = field(default_factory=InheritingChildren)

    def add_command(self, command: Command) -> None:
        """Add what a registration, observation, link or unlink names; others request their reads when planned."""
        if isinstance(command, LinkCommand | UnlinkCommand):
            target = self.add_record(command.target)
            self.edges[command.relation, self.add_record(command.source), target] = None
            if command.relation == CONTAINS.name:
                self._add_container(command.target, target)
            if isinstance(command, LinkCommand) and (run := command.values.get(RUN_ID)):
                self.add_end(run)
        elif isinstance(command, RegisterCommand | ObserveCommand):
            self._add_registration(command)
        elif isinstance(command, InheritOwnerCommand):
            self.add_record(command.urn)
            self.add_end(command.parent)

    def add_record(self, urn: str) -> int:
        """Add the record of a URN, and of the parent that the URN names; return the vertex id of the URN."""
        vid, *parents = self._add(urn)
        self.complete |= {vid, *parents}
        return vid

    def add_end(self, urn: str) -> int:
        """Add what :meth:`add_record` adds, without long values unless it is also added by that; return the same."""
        return self._add(urn)[0]

    def _add(self, urn: str) -> list[int]:
        """Add the record of a URN, and of its parent if it names one; return their vertex ids."""
        parent = parent_urn(urn) if urn.startswith("mlg://") else None
        named = {each: vertex_id(self.tenant, each) for each in (urn, parent) if each is not None}
        self.records |= named
        return [*named.values()]

    def hop_reads(self) -> list[HopRead]:
        """Return the hops to read, those of asset groups last."""
        hops = [HopRead(direction, [relation], list(vids)) for (direction, relation), vids in self.hops.items()]
        current = [
            HopRead(direction, [relation], list(vids), after=self.now)
            for (direction, relation), vids in self.current_hops.items()
        ]
        groups = [HopRead(direction, labels, sorted(self.groups)) for direction, labels in _GROUP_HOPS]
        return [*hops, *current, *(groups if self.groups else ())]

    def working_set(self, hop_reads: Sequence[HopRead], state: StoredState) -> WorkingSet:
        """Return the response as a working set.

        Each record is kept under its own name, also if its vertex id was requested by another one, and a look-up
        compares the names. If only others with equal hashes were requested, its name is ``missing``: a plan that needs
        it also needs its parent. A vertex id with a record of another tenant is in ``coverage.taken``, because no name
        of this one may have it.
        """
        requested = {*self.records.values()}
        vertices: dict[int, Record] = {}
        receipts: dict[int, Record] = {}
        taken = set()
        for vid, record in state.records.items():
            if record["tenant"] == self.tenant and vertex_id(self.tenant, record["id"]) == vid:
                (receipts if is_receipt(record) else vertices)[vid] = record
                if vid in requested and record["id"] not in self.records:
                    self.missing.records.add(record["id"])
            else:
                taken.add(vid)
        edges: dict[EdgeKey, Record] = {**self.inheriting.edges}
        led_to = partial(last_target, records=vertices)
        keys = [(relation, led_to(source), led_to(target)) for relation, source, target in self.edges]
        for hop, rows in zip(hop_reads, state.hops, strict=True):
            for near, far, edge in rows:
                ends = (near, far) if hop.direction is Direction.OUT else (far, near)
                edges[edge["relation"], *ends] = edge
        for key, found in zip(keys, state.edges, strict=True):
            if found is not None and key not in edges:
                edges[key] = found
        hops, current = (
            {(*hop, led_to(vid)) for hop, vids in each.items() for vid in vids}
            for each in (self.hops, self.current_hops)
        )
        groups = {*self.groups, *map(led_to, self.groups)}
        children = self.inheriting
        coverage = ReadCoverage(
            taken, groups, {*self.records}, hops, {*keys}, {*children.read}, {*children.many}, current
        )
        return WorkingSet(vertices, edges, receipts, coverage, self.missing)

    def _add_registration(self, command: RegisterCommand | ObserveCommand) -> None:
        vid, kind = self.add_record(command.urn), parse_urn(command.urn).kind
        parent = parent_urn(command.urn)
        if parent is not None:
            self.edges[VERSION_OF.name, vid, vertex_id(self.tenant, parent)] = None
        self._add_container(command.urn, vid)
        if kind == "Run":
            self._add_hop(RUN_OF.out(), vid)
        for edges in command.edges:
            far_ends = [self.add_end(urn) for urn in (*edges.targets, *edges.removes)]
            if edges.hop.relation is VERSION_OF:
                continue
            if not edges.adds:
                self._add_hop(edges.hop, vid)
                continue
            for far in far_ends:
                self.edges[edges.hop.edge_key(vid, far)] = None

    def add_missing(self, missing: ReadSet) -> None:
        """Add the reads that an earlier plan lacked."""
        for urn in missing.records:
            self.add_record(urn)
        for urn in missing.ends:
            self.add_end(urn)
        for direction, relation, vid in missing.hops:
            self.hops[direction, relation][vid] = None
        for direction, relation, vid in missing.current_hops:
            self.current_hops[direction, relation][vid] = None
        self.edges |= dict.fromkeys(missing.edges)
        self.groups |= missing.groups

    def _add_container(self, urn: str, vid: int) -> None:
        """Add the parent that the record of an asset names, which may give it its owner."""
        kind = parse_urn(urn).kind
        if KINDS[kind].part_of:
            self._add_hop(PARENT_HOPS[kind], vid)

    def _add_hop(self, hop: Hop, vid: int) -> None:
        self.hops[hop.direction, hop.relation.name][vid] = None


_GROUP_HOPS: Final[tuple[tuple[Direction, tuple[str, ...]], ...]] = (
    *sorted(
        {(hop.direction, (hop.relation.name,)) for hop in CHILD_HOPS.values()},
        key=lambda hop: hop[1],
    ),
    (Direction.IN, tuple(CARRYING)),
)
"""Direction and labels of the hops from each vertex in ``groups``: to its children, and against carrying edges."""
