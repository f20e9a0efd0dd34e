"""The job that lets the children of a parent inherit its owner team, if they are too many for one transaction.

The write that gave the parent another owner team left an outbox entry. The job reads the children of the parent in
pages. It writes some at a time as items of the caller who gave the parent its owner last, beside the calls of others.
Each changed child has an audit entry. Each item computes the owner team from the child and its parent as they are then:
a later write wins, and a repetition changes nothing. The position among the children is in memory alone: after a crash
the job begins with the first one.

Several callers may have given the parent an owner before its children follow. The items have all of these hand-overs:
each had to be allowed to its caller for the child, too. So a child follows as it would in the transactions of the
parent, if it were one of few. An item that is DENIED is written again if the parent was handed over again meanwhile.

The due entries of a caller are worked off together in a round, so that many changes of one parent take one or two. The
callers take turns, step by step.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import structlog
from gremlin_python.process.graph_traversal import __

from app.graph.commits.outbox_entry import Caller, OutboxEntry
from app.graph.commits.outbox_worker import OutboxWorker
from app.graph.commits.turns.turn_order import TurnOrder
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.driver.edge_pages import EdgePages, read_edge_page
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.gremlin_text import g, param
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.jobs.id_queue import IdQueue, take_first
from app.graph.records.clock import epoch_milliseconds
from graphql_schema.catalog.kinds import NAME_OF_CODE
from graphql_schema.catalog.relations import CHILD_HOPS
from graphql_schema.ports.background.owner_commands import HandOver, InheritOwnerCommand
from graphql_schema.ports.commands import Command
from graphql_schema.ports.outcomes import Outcome, WriteOutcome
from policies.access import Access
from policies.blurred_limit import blurred
from policies.principal import Principal

BATCH: Final = 250
"""Maximal number of children that a step writes, blurred."""

MAX_HAND_OVERS: Final = 20
"""Maximal number of hand-overs that an item has: the last ones that differ by their callers or the owners given."""

_NAMES: Final = PreparedStatement.traversal(
    g.V(param("xs")).project("x", "urn", "kind").by(__.id_()).by("urn").by("kind"), "owner"
)
"""The URNs and the codes of the kinds of vertices."""

WriteAs = Callable[[Principal, Sequence[Command]], Awaitable[Sequence[WriteOutcome]]]
"""Writes items with the rights of a caller, beside other calls, and returns their outcomes."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class OwnerRound:
    """The ``entries`` of one caller that are worked off together, and what is left of their ``parents``.

    ``pages`` reads the children of ``parent``, which has the URN ``parent_urn``; those in ``children`` were read.
    ``urns`` are the children to be written next. ``outcomes`` counts the items that were written.
    """

    entries: list[OutboxEntry]
    parents: IdQueue
    parent: int = 0
    parent_urn: str = ""
    pages: EdgePages | None = None
    children: IdQueue = field(default_factory=dict)
    urns: list[str] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)

    @property
    def is_done(self) -> bool:
        """Whether nothing is left."""
        return not (self.parents or self.pages or self.children or self.urns)


class OwnerJob(OutboxWorker):
    """Works off the entries for owner teams.

    ``coordinator`` is that of the writers, ``write_as`` writes items, and ``access`` returns the rights of a caller.
    """

    name = "owner"

    def __init__(
        self,
        client: GremlinClient,
        coordinator: WriteCoordinator,
        write_as: WriteAs,
        access: Callable[[Principal], Access],
        clock: Callable[[], int] = epoch_milliseconds,
    ) -> None:
        super().__init__(client, coordinator.job_lock(client), coordinator.outbox, clock)
        self._write_as = write_as
        self._access = access
        self._rounds: dict[Caller, OwnerRound] = {}
        self._turns = TurnOrder[Caller]()
        self._next: OwnerRound | None = None

    async def step(self) -> bool:
        """Take the next step of a round under the lock of the writers, then write its items as a writer, without it."""
        self._next = None
        worked = await super().step()
        if self._next is not None:
            await self._write(self._next)
        return worked

    async def advance(self, due: list[OutboxEntry]) -> bool:
        """Choose the round of the next caller, read what it writes next, or delete its entries if nothing is left.

        Return whether there was work.
        """
        self._rounds = {
            caller: each
            for caller, each in self._rounds.items()
            if all(entry.x in self._outbox for entry in each.entries)
        }
        callers = dict.fromkeys([*self._rounds, *(entry.caller for entry in due)])
        if not callers:
            return False
        with self._turns.turn(callers) as caller:
            if caller not in self._rounds:
                entries = [entry for entry in due if entry.caller == caller]
                self._rounds[caller] = OwnerRound(entries, {vid: None for each in entries for vid in each.frontier})
            await self._advance(caller, self._rounds[caller])
        return True

    async def _advance(self, caller: Caller, round_: OwnerRound) -> None:
        if round_.is_done:
            await self._outbox.done(self._client, *round_.entries)
            del self._rounds[caller]
            counts = {name.lower(): count for name, count in sorted(round_.outcomes.items())}
            _log.info("owners_inherited", tenant=caller[0], entries=len(round_.entries), **counts)
            return
        if not (round_.urns or round_.children):
            await self._read(round_)
        if not round_.urns:
            some = [*islice(round_.children, blurred(BATCH))]
            rows = await self._client.submit(_NAMES, {"xs": some}) if some else []
            round_.urns = [row["urn"] for row in rows]
            take_first(round_.children, len(some))
        self._next = round_

    async def _read(self, round_: OwnerRound) -> None:
        """Read the next page of the children of a parent; of the next parent if all are read."""
        if round_.pages is None:
            vid = next(iter(round_.parents))
            for row in await self._client.submit(_NAMES, {"xs": [vid]}):
                hop = CHILD_HOPS[NAME_OF_CODE[row["kind"]]]
                round_.parent, round_.parent_urn = vid, row["urn"]
                round_.pages = EdgePages.of_hops([(hop.direction.value, hop.relation.name, [vid])])
            del round_.parents[vid]
        if round_.pages is not None:
            page = await read_edge_page(self._client, round_.pages)
            round_.children |= dict.fromkeys(far for rows in page.rows for far in rows[2::5])
            round_.pages = None if round_.pages.is_read else round_.pages

    async def _write(self, round_: OwnerRound) -> None:
        """Write the items of a round; they are written again if that fails, which changes nothing for those done."""
        entries, again = self._outbox.of_parent(round_.parent), list[str]()
        callers = [entry.raised_by for entry in entries if entry.raised_by is not None]
        if callers and round_.urns:
            hand_overs = self._hand_overs(round_.parent, entries)
            items = [InheritOwnerCommand(urn, round_.parent_urn, hand_overs) for urn in round_.urns]
            outcomes = await self._write_as(callers[-1], items)
            is_last = self._outbox.of_parent(round_.parent)[-1:] == entries[-1:]
            for item, each in zip(items, outcomes, strict=True):
                if each.outcome is Outcome.DENIED and not is_last:
                    again.append(item.urn)
                else:
                    round_.outcomes[each.outcome.name] += 1
        round_.urns = again

    def _hand_overs(self, parent: int, entries: Sequence[OutboxEntry]) -> tuple[HandOver, ...]:
        """Return the last hand-overs of a parent that differ, in order; of equal ones the last counts."""
        found: dict[tuple[object, ...], tuple[Principal, str | None]] = {}
        for entry in entries:
            who, owner = entry.raised_by, entry.given.get(parent)
            if who is not None:
                found.pop((who.fingerprint, owner), None)
                found[who.fingerprint, owner] = (who, owner)
        return tuple(HandOver(self._access(who).may, owner) for who, owner in [*found.values()][-MAX_HAND_OVERS:])
