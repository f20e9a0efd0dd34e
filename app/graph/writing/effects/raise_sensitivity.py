"""Effect of a batch on the sensitivity of its assets and those downstream: raised at once, or put under a floor.

Lowering is left to :mod:`app.graph.jobs.sensitivity_job`, by outbox entries. Ranks are processed from the highest down,
so each vertex is raised once. At one rank the affected vertices are those that the rank propagates to, over edges of
the batch or read from the store. If a parent has a stored child of the same owner with this rank or a higher one, its
targets are not read. If this would raise more than MAX_RAISED vertices outside of the working set, or records of more
than MAX_RAISED_SIZE, the vertices of this rank get a sensitivity floor instead. They get one as well if the raise would
visit more than MAX_VISITED edges.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from typing import Final

from app.graph.commits.outbox import Outbox
from app.graph.commits.outbox_entry import OutboxEntry, awaiting, new_entry_id
from app.graph.commits.sensitivity_floors import SensitivityFloor
from app.graph.driver.edge_pages import VisitBudget
from app.graph.propagation.known_flows import carried, targets
from app.graph.propagation.sources import Sources
from app.graph.propagation.stored_flows import StoredFlows
from app.graph.propagation.stored_levels import bearing, levels_of
from app.graph.records.edge_record import EdgeKey
from app.graph.records.native.write_cost import rewrite_size
from app.graph.records.vertex_record import attributes, confirmed_sensitivity, kind_of, with_effective_sensitivity
from app.graph.writing.effects.batch_diff import BatchDiff
from app.graph.writing.unit.working_set import LONG_STATE
from graphql_schema.catalog.relations import Direction
from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.record import Record
from policies.blurred_limit import blurred
from policies.sensitivity import RANK, SENSITIVITIES
from policies.vocabulary import WriteAction

MAX_RAISED: Final = 1_000
"""Maximal number of vertices outside of the working set that one batch raises, blurred."""

MAX_RAISED_SIZE: Final = 2 * 1024 * 1024
"""Maximal size of the records outside of the working set that all batches of a transaction raise, blurred.

It is that of :func:`app.graph.records.native.write_cost.rewrite_size`. Beyond it, a floor takes the place of the raise,
so that no item takes the store long, or is refused, because of what others derive.
One batch reads as many to find out which of them it raises, and then only records that it raises.
"""

MAX_COVERED: Final = 25_000
"""Maximal number of vertices that a sensitivity floor lists, blurred; a floor over more covers the whole tenant."""

MAX_VISITED: Final = 20_000
"""Maximal number of edges that the raises of a batch visit, and of vertices where these start, blurred.

The store needs 20 µs for each, while other writers wait. A thousand assets that derive from all others of them have a
million edges. A raise that visits more is a floor.
"""

MAX_COVER_VISITED: Final = 40_000
"""The same for all floors of a batch together: enough to find 13,000 vertices with two edges each.

Of denser lineage, a floor covers what is found, and the job raises the others.
"""

MAX_DIRECT_VISITED: Final = 10_000
"""The same for the direct targets at a further rank, if the floors of other ranks have left less of MAX_COVER_VISITED.

A fourth of it are then many targets.
"""

FEW_RISEN: Final = 10
MANY_TARGETS: Final = 13_000
"""Number of raised assets up to which, and of their targets beyond which, a floor can cover the tenant.

It does so if it does not reach all direct targets, because each of these assets then has thousands. Without so many,
the edges have ended, or lead to the same targets again and again, and the job raises the others.
"""

FEW_VERTICES: Final = 16
"""Number of vertices up to which the known edges at them are visited at once, also if these are most edges of a call.

A level of a long chain has one vertex, and would otherwise wait for a call of others in the side thread.
"""

MAX_LEVELS: Final = 250
"""Maximal number of levels of lineage that a raise or a floor follows, at a request each, while other writers wait.

The job raises what is farther away.
"""


async def raise_sensitivity(diff: BatchDiff, flows: StoredFlows, outbox: Outbox) -> list[OutboxEntry]:
    """Raise, in the working set, the records that the batch makes more sensitive.

    Return the outbox entries: one for each floor, and those for all lowering.
    """
    raising = _Raising(diff, flows, outbox)
    await raising.raise_all()
    raising.add_lowering_entries()
    return raising.entries


class _Raising:
    """The raise of one batch. ``entries`` are the outbox entries for the work that remains for the job."""

    def __init__(self, diff: BatchDiff, flows: StoredFlows, outbox: Outbox) -> None:
        self.entries: list[OutboxEntry] = []
        self._batch = batch = diff.batch
        self._author = diff.author
        self._now = diff.author.now
        self._flows = flows
        self._client = flows.client
        self._outbox = outbox
        self._diff = diff
        self._raised_count = 0
        self._max_raised = blurred(MAX_RAISED)
        self._max_size = self._unread_size = blurred(MAX_RAISED_SIZE)
        self._levels: dict[int, str] = {}
        self._max_covered = blurred(MAX_COVERED)
        self._visits = VisitBudget(blurred(MAX_VISITED))
        self._cover_visits = VisitBudget(MAX_COVER_VISITED)
        self._new = {vid for vid in diff.vertices if not batch.existed(vid)}
        stored = [vid for vid in diff.vertices if vid not in self._new]
        self._risen = {vid for vid in stored if self._rises(vid)}
        self._lowered = [vid for vid in stored if self._declares_less(vid)]

    async def raise_all(self) -> None:
        """Raise everything reached, from the highest rank down; extend floors to targets of vertices under a floor."""
        touched = self._new | self._risen | {vid for _, *both in self._diff.opened for vid in both}
        children = self._diff.counting_children
        for rank in range(len(SENSITIVITIES) - 1, 0, -1):
            at_rank = {vid for vid in touched if self._rank(vid) == rank}
            counting = await run_in_turn(self._counting_parents, self._diff.is_long, rank)
            reached = await self._targets(at_rank) | self._parent_targets(counting)
            parents = {parent for parent in await self._parents_of(at_rank) if self._rank(parent) < rank}
            # The targets of these are raised, or in an outbox entry, because of another child of the same owner.
            teams = {self._batch.vertices[vid]["ownerTeam"] for vid in at_rank}
            parents -= await bearing(self._client, parents, SENSITIVITIES[rank], teams)
            await self._raise(rank, reached, at_rank & self._risen, parents)
        if self._author.floors.any:
            await self._extend_floors(touched, children)

    def add_lowering_entries(self) -> None:
        """Add an entry for vertices that may be lowered now, and one for each vertex where edges end later."""
        now = self._entry()
        now.frontier |= dict.fromkeys(self._lowered)
        for key in self._diff.closed:
            self._add_affected(now, key)
        self.entries += [now] if now.frontier or now.expand else []
        for affected, due in self._diff.first_ends():
            self.entries += self._outbox.later(awaiting(self._entry(due), *affected), self._now)

    def _entry(self, due: int = 0) -> OutboxEntry:
        author = self._author
        order = self._outbox.order(self._now)
        return OutboxEntry(new_entry_id(), author.tenant, order, due, raised_by=author.principal)

    def _add_affected(self, entry: OutboxEntry, key: EdgeKey) -> None:
        target, parent = self._diff.affected(key)
        entry.frontier[target] = None
        entry.expand |= {} if parent is None else {parent: None}

    async def _raise(self, rank: int, reached: set[int], own: set[int], parents: set[int]) -> None:
        """Raise the vertices ``reached``, and everything downstream of them, to ``rank``.

        ``own`` are stored vertices whose targets are read from the store. Of the stored vertices ``parents``, only the
        far ends of their carrying edges are read. Beyond MAX_RAISED, MAX_RAISED_SIZE or MAX_VISITED, a floor is put
        over the vertices found, and no further one is raised to ``rank``.
        """
        everything = set(reached)
        levels = 0
        while reached or own or parents:
            levels += bool(own or parents)
            if levels > MAX_LEVELS:
                await self._put_floor(rank, everything, own | parents)
                return
            limit = self._max_raised - self._raised_count + len(self._batch.vertices)
            found, records, size = await self._flows.targets(
                own, parents, limit, self._unread_size, visits=self._visits
            )
            if self._visits.is_spent:
                are_direct = levels == 1 and len(own) <= FEW_RISEN
                visits = self._cover_visits
                many = MANY_TARGETS
                if are_direct and visits.left < MAX_DIRECT_VISITED:
                    visits, many = VisitBudget(MAX_DIRECT_VISITED), MAX_DIRECT_VISITED // 4
                more, *_ = await self._flows.targets(own, parents, max_records=0, visits=visits)
                found |= more
                is_unread = are_direct and visits.is_spent and len(found) > many
                await self._put_floor(rank, everything | found, own | parents, covers_tenant=is_unread)
                return
            self._unread_size -= size
            known, unknown = await run_in_turn(self._divided, len(found) > self._max_raised, found)
            if not unknown <= records.keys():
                unknown, records = await self._low(rank, unknown)
                levels += 2  # for its two further requests
            everything |= known | unknown
            if not unknown <= records.keys() or not await self._add_stored(rank, unknown, records):
                await self._put_floor(rank, everything, own | parents)
                return
            near = reached | known | (unknown & self._batch.vertices.keys())
            new = {
                vid
                async for vid in OperationBudget().in_turns(near)
                if self._rank(vid) < rank or self._confirms(self._batch.vertices[vid], rank)
            }
            async for vid in OperationBudget().in_turns(new):
                self._batch.replace(vid, self._raised(self._batch.vertices[vid], SENSITIVITIES[rank]))
            own = {vid for vid in new if self._batch.existed(vid)}
            parents = await self._parents_of(new)
            reached = await self._targets(new)
            everything |= reached

    def _divided(self, vids: set[int]) -> tuple[set[int], set[int]]:
        """Return the vertices whose records the batch has, and the others."""
        known = vids & self._batch.vertices.keys()
        return known, vids - known

    async def _low(self, rank: int, vids: set[int]) -> tuple[set[int], dict[int, Record]]:
        """Return those of the stored vertices that are below the rank, with records if MAX_RAISED allows a raise.

        Of many long records, some are left out. The level of a vertex is read once, also if it is a target of each
        vertex of a long chain: what the batch raises, it knows.
        """
        unread = vids - self._levels.keys()
        self._levels |= await levels_of(self._client, unread)
        self._flows.on_read(0, len(unread))
        low = {vid for vid in vids & self._levels.keys() if RANK[self._levels[vid]] < rank}
        may_raise = self._raised_count + len(low) <= self._max_raised
        records, _ = await self._flows.first_records(sorted(low), ()) if may_raise and low else ({}, ())
        return low, records

    async def _add_stored(self, rank: int, vids: set[int], records: Mapping[int, Record]) -> bool:
        """Add the stored records to the batch that the rank raises or confirms; return whether the limits allow it.

        The policy decides for each of them, which takes 0.3 ms for other attributes.
        """
        low = [
            vid
            async for vid in OperationBudget().in_turns(vids)
            if RANK[records[vid]["sensitivity"]] < rank or self._confirms(records[vid], rank)
        ]
        self._raised_count += len(low)
        if self._raised_count > self._max_raised:
            return False
        size = self._batch.added_size
        async for vid in OperationBudget().in_turns(low):
            size += rewrite_size(records[vid])
        if size > self._max_size:
            return False
        async for vid in OperationBudget().in_turns(low):
            self._batch.add_stored(vid, records[vid])
        return True

    async def _put_floor(self, rank: int, reached: set[int], expand: set[int], *, covers_tenant: bool = False) -> None:
        """Add an entry with a floor over ``reached`` and what is downstream of it, by MAX_LEVELS and MAX_COVER_VISITED.

        If these are more than MAX_COVERED vertices, the floor covers the whole tenant, as with ``covers_tenant``.
        """
        covered, new, levels = set(reached), set(reached), 0
        covers_tenant |= len(covered) > self._max_covered
        while new and not covers_tenant and levels < MAX_LEVELS:
            levels += 1
            joined = await self._parents_of(new)
            found, *_ = await self._flows.targets(new, joined, max_records=0, visits=self._cover_visits)
            new = (found | await self._targets(new)) - covered
            covered |= new
            covers_tenant = len(covered) > self._max_covered
        entry = self._entry()
        shown = None if covers_tenant else frozenset(covered)
        entry.floor = SensitivityFloor(entry.tenant, SENSITIVITIES[rank], shown, entry.raised_by)
        entry.frontier = dict.fromkeys([*reached, *(() if covers_tenant else covered - reached)])
        entry.expand = dict.fromkeys(expand)
        self.entries.append(entry)

    async def _extend_floors(self, touched: set[int], children: Sources) -> None:
        """Put floors over new targets of vertices under a floor: neither is raised in the store yet."""
        reached, parents = await run_in_turn(self._reached_by_floors, self._diff.is_long, touched, children)
        for rank, joined in parents.items():
            found, *_ = await self._flows.targets([], joined, max_records=0, visits=self._cover_visits)
            reached[rank] |= found
        for rank, vids in reached.items():
            unread = parents.get(rank, set()) if self._cover_visits.is_spent else set()
            if bool(unread) or await run_in_turn(self._any_under, len(vids) > LONG_STATE, vids, rank):
                await self._put_floor(rank, vids, unread)

    def _reached_by_floors(
        self, touched: Iterable[int], children: Sources
    ) -> tuple[dict[int, set[int]], dict[int, set[int]]]:
        """Return, by the rank of the floor, the known targets of what is under it, and parents that gain such a child.

        These parents existed before the batch, so their stored targets are to be read.
        """
        floor_rank = self._author.floors.rank
        reached: dict[int, set[int]] = defaultdict(set)
        parents: dict[int, set[int]] = defaultdict(set)
        for vid in touched:
            if rank := floor_rank(vid):
                reached[rank] |= self._known_targets([vid])
        for child, parent in filter(None, map(self._diff.child_and_parent, self._diff.opened)):
            if self._batch.existed(parent) and (rank := floor_rank(child)):
                parents[rank].add(parent)
        for parent, members in children.of.items():
            if rank := max(map(floor_rank, members), default=0):
                reached[rank] |= self._parent_targets([parent])
        return reached, parents

    def _any_under(self, vids: Iterable[int], rank: int) -> bool:
        """Return whether one of the vertices has no floor of the rank."""
        return any(self._author.floors.rank(vid) < rank for vid in vids)

    async def _targets(self, vids: Collection[int]) -> set[int]:
        """Return the direct targets of vertices over edges of the working set; the store is not read."""
        is_long = len(vids) > (FEW_VERTICES if self._batch.is_long else LONG_STATE)
        return await run_in_turn(self._known_targets, is_long, vids)

    def _known_targets(self, vids: Iterable[int]) -> set[int]:
        return set().union(*(targets(self._batch, vid, self._flows.stops, self._now) for vid in vids))

    def _parent_targets(self, parents: Iterable[int]) -> set[int]:
        """Return the targets of the carrying edges of parents, as far as the working set has edges and targets.

        Targets of the kinds to which no sensitivity propagates are left out.
        """
        return {
            far
            for parent in parents
            for far in carried(self._batch, parent, Direction.OUT, self._now)
            if far in self._batch.vertices and kind_of(self._batch.vertices[far]) not in self._flows.stops
        }

    async def _parents_of(self, vids: Iterable[int]) -> set[int]:
        """Return the parents, existing before the batch, that vertices become children of in this transaction."""
        keys = chain.from_iterable(map(self._diff.edges_to_parents, vids))
        found = {self._diff.joined_parent(key) async for key in OperationBudget().in_turns(keys)}
        return {parent for parent in found if parent is not None}

    def _counting_parents(self, rank: int) -> set[int]:
        """Return the parents of which a counting child has the rank."""
        children = self._diff.counting_children.of
        return {parent for parent, members in children.items() if rank in map(self._child_rank, members)}

    def _child_rank(self, vid: int) -> int:
        """Return the rank of a child that counts: as the transaction has it, else as stored."""
        return self._rank(vid) if vid in self._batch.vertices else self._diff.counting_children.rank(vid)

    def _confirms(self, record: Record, rank: int) -> bool:
        """Return whether the author confirms an earlier raise of an asset to the rank, by another caller."""
        is_unconfirmed = RANK[record["sensitivity"]] == rank > RANK[confirmed_sensitivity(record)]
        return is_unconfirmed and self._author.may(WriteAction.LINK, attributes(record)).allowed

    def _raised(self, record: Record, level: str) -> Record:
        """Return the record at the level; the raise is unconfirmed if the author has no right to link the asset."""
        may_link = self._author.may(WriteAction.LINK, attributes(record)).allowed
        return with_effective_sensitivity(record, level, confirmed=may_link)

    def _rank(self, vid: int) -> int:
        return RANK[self._batch.vertices[vid]["sensitivity"]]

    def _rises(self, vid: int) -> bool:
        before = self._batch.vertex_before(vid)
        return before is not None and self._rank(vid) > RANK[before["sensitivity"]]

    def _declares_less(self, vid: int) -> bool:
        before = self._batch.vertex_before(vid)
        declared = RANK[self._batch.vertices[vid]["declaredSensitivity"]]
        return before is not None and declared < RANK[before["declaredSensitivity"]]
