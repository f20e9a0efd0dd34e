"""The stored children of parents whose edges a transaction changes, read for all its batches at once.

An edge of a parent counts for its children, so a batch that changes the edge needs the children. Several batches of a
transaction would read them one after the other. Instead, the children of all parents from which the batches probably
begin edges are read together. This set of parents depends only on the commands, on what their callers may see, and on
edges that they recorded themselves. So the requests disclose no hidden edge, and a hidden parent is as an absent one.

All writers wait while a transaction is planned, so its plan reads few children. Those of parents with many are read
before (:mod:`app.graph.propagation.children_ahead`), and the call that needs them is planned again.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from app.graph.commits.reads.read_limits import FEW_SIZE
from app.graph.propagation.children_ahead import ChildrenAhead
from app.graph.propagation.sources import Sources
from app.graph.propagation.stored_flows import StoredFlows
from app.graph.records.edge_record import EdgeKey, is_current
from app.graph.records.vertex_record import attributes
from app.graph.writing.unit.apart_declarations import own_declaration
from app.graph.writing.unit.author import Author
from app.graph.writing.unit.item_size import commands_in
from app.graph.writing.unit.working_set import LONG_STATE, WorkingSet
from graphql_schema.catalog.kinds import KIND_OF_SLUG
from graphql_schema.catalog.relations import CARRYING, CHILD_HOPS
from graphql_schema.catalog.urn import slug_of
from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.ports.commands import Command, LinkCommand, ObserveCommand, RegisterCommand

_CARRYING: Final = frozenset(CARRYING)


MAX_CHILDREN: Final = 500
"""Maximal number of parents and children that the plan of a transaction reads; the store needs up to 0.06 s for them.

Of children with long records it reads fewer: those of FEW_SIZE characters. So little is charged to no caller, and more
is read by the call itself.
"""


class ManyChildrenError(Exception):
    """The plan of a batch needs the children of ``parents``, which are too many to read meanwhile.

    They are to be read as of the instant ``now``, in epoch milliseconds. Never leaves the writer.
    """

    def __init__(self, parents: Sequence[int], now: int) -> None:
        super().__init__(parents)
        self.parents = parents
        self.now = now


class CountingChildren:
    """Has the children of parents for one transaction: those read ahead, and few that it reads over ``flows``.

    The store must not change meanwhile.
    """

    def __init__(self, flows: StoredFlows) -> None:
        self._flows = flows
        self._known = Sources()
        self._read: set[int] = set()
        self._left = MAX_CHILDREN

    async def add(self, ahead: ChildrenAhead) -> None:
        """Add what was read ahead, as it is now. If very much was written since then, nothing is added."""
        if await ahead.refresh(self._flows, MAX_CHILDREN):
            self._read |= ahead.parents
            await run_in_turn(self._known.add, len(ahead.children.records) > LONG_STATE, ahead.children)

    async def of(self, parents: Iterable[int]) -> Sources:
        """Return the children of each of the parents, with their records; those of unread parents are read.

        Raises ManyChildrenError if these are too many.
        """
        wanted = list(parents)
        unread = [vid for vid in wanted if vid not in self._read]
        if unread:
            found = await self._flows.few_children(unread, self._left, FEW_SIZE)
            if found is None:
                raise ManyChildrenError(unread, self._flows.now)
            self._left -= len(unread) + len(found.records)
            self._read.update(unread)
            self._known.add(found)
        return await run_in_turn(self._of, len(self._known.records) > LONG_STATE, wanted)

    def _of(self, parents: Iterable[int]) -> Sources:
        result = Sources()
        for vid in parents:
            members = self._known.of.get(vid, set())
            result.of[vid] = {*members}
            result.records |= {member: self._known.records[member] for member in members}
        return result


def expected_parents(commands: Iterable[Command], state: WorkingSet, author: Author) -> set[int]:
    """Return the vertex ids of the parents from which the commands of an author probably begin carrying edges.

    An edge that is stored, current and last recorded by the author begins nothing. A parent that is absent, or hidden
    from the author, is left out. A dry run has no effects that need its children, and those of a hidden parent may be
    many.
    """
    return {
        key[1]
        for item in commands
        for command in commands_in(item)
        for urn, key in _declared(command, state, author)
        if KIND_OF_SLUG[slug_of(urn)].name in CHILD_HOPS and not _is_own(state, key, author)
        if _is_discovered(state, key[1], author)
    }


def _is_discovered(state: WorkingSet, vid: int, author: Author) -> bool:
    """Return whether a vertex is stored and the author may discover it, with its sensitivity raised to its floor."""
    record = state.vertex(vid)
    return record is not None and author.discovers(attributes(author.floors.with_floor(vid, record)))


def _declared(command: Command, state: WorkingSet, author: Author) -> Iterator[tuple[str, EdgeKey]]:
    """Yield the URN of the *from* end of each carrying edge that a command declares, and the edge key."""

    def vid_of(urn: str) -> int:
        return state.led_to(author.vid(urn))

    if isinstance(command, LinkCommand) and command.relation in _CARRYING:
        yield command.source, (command.relation, vid_of(command.source), vid_of(command.target))
    if isinstance(command, RegisterCommand | ObserveCommand):
        vid = vid_of(command.urn)
        for edges in command.edges:
            for far in edges.targets if edges.hop.relation.name in _CARRYING else ():
                key = edges.hop.edge_key(vid, vid_of(far))
                yield (command.urn if key[1] == vid else far), key


def _is_own(state: WorkingSet, key: EdgeKey, author: Author) -> bool:
    """Return whether an edge is stored that the author declared, and both it and the declaration are current."""
    edge = state.stored_edge(key)
    if edge is None or not is_current(edge, author.now):
        return False
    return is_current(own_declaration(edge, author.subject), author.now)
