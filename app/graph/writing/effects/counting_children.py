"""The stored children of parents whose edges a transaction changes, read for all its batches at once.

An edge of a parent counts for its children, so a batch that changes the edge needs the children. Several batches of a
transaction would read them one after the other. Instead, the children of all parents from which the batches probably
begin edges are read together. This set of parents depends only on the commands and on edges that their callers recorded
themselves, so the requests disclose no hidden edge.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from app.graph.propagation.sources import Sources
from app.graph.propagation.stored_flows import StoredFlows
from app.graph.records.edge_record import EdgeKey, is_current
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


class CountingChildren:
    """Reads the children of parents over ``flows``, once for each parent; the store must not change meanwhile."""

    def __init__(self, flows: StoredFlows) -> None:
        self._flows = flows
        self._known = Sources()
        self._read: set[int] = set()

    async def of(self, parents: Iterable[int]) -> Sources:
        """Return the stored children of each of the parents, with their records; those of unread parents are read."""
        wanted = list(parents)
        unread = [vid for vid in wanted if vid not in self._read]
        if unread:
            found = await self._flows.children(unread)
            self._read.update(unread)
            self._known.of.update(found.of)
            self._known.records |= found.records
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

    An edge that is stored, current and last recorded by the author begins nothing.
    """
    return {
        key[1]
        for item in commands
        for command in commands_in(item)
        for urn, key in _declared(command, state, author)
        if KIND_OF_SLUG[slug_of(urn)].name in CHILD_HOPS and not _is_own(state, key, author)
    }


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
