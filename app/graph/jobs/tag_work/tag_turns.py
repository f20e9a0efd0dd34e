"""The order in which the tag job works on its worklists: the callers take turns, and then the tags of each caller.

A step for a tag works on the worklist that has the turn of this tag. That may be the one of another caller. A worklist
has its tag alone until its turn ends. It decides by what it has found unsupported, of which the other worklists have no
record: in mixed order, they would derive the tag from there. At the end of the turn, the unsupported vertices become
suspects, which the next turn decides again from the store (:meth:`TagWorklist.postpone`).

The end of a turn therefore costs the batches that decide again. It costs nothing as long as the tag only arrives: such
a worklist gives the tag to the next caller after each batch. Otherwise a turn has MIN_BATCHES new batches, and as many
as it has repeated. So at most half of the work is repetition, and no other caller waits for the complete removal.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from app.graph.commits.outbox_entry import Caller
from app.graph.commits.turns.caller_turns import CallerTurns
from app.graph.jobs.tag_work.tag_worklist import TagWorklist

MIN_BATCHES: Final = 10
"""Number of new batches of a worklist after which another caller has the turn of the tag, if work is repeated."""


class TagTurns:
    """The worklists by tag and caller, of which the first one of each tag has the turn of the tag."""

    def __init__(self) -> None:
        self._worklists: dict[tuple[int, Caller], TagWorklist] = {}
        self._turns = CallerTurns[int]()

    def __bool__(self) -> bool:
        return bool(self._worklists)

    @property
    def entries(self) -> set[int]:
        """Return the vertex ids of the entries that the worklists have."""
        return {entry.x for worklist in self._worklists.values() for entry in worklist.entries}

    def worklist(self, tag: int, caller: Caller) -> TagWorklist:
        """Return the worklist of a caller for a tag, a new one if there is none."""
        return self._worklists.setdefault((tag, caller), TagWorklist(tag, caller[0]))

    def begin_again(self) -> None:
        """Empty all worklists, in the order of the turns: in each tag, one that has begun is behind the others."""
        first: dict[int, tuple[int, Caller]] = {}
        for key in self._worklists:
            first.setdefault(key[0], key)
        order = sorted(self._worklists, key=lambda key: first[key[0]] == key and self._worklists[key].has_begun)
        self._worklists = {key: TagWorklist(key[0], self._worklists[key].tenant) for key in order}

    def leave_empty(self) -> None:
        """Remove the worklists without entries."""
        self._worklists = {key: worklist for key, worklist in self._worklists.items() if worklist.entries}

    @contextmanager
    def turn(self) -> Iterator[TagWorklist]:
        """Wrap the work on one batch of the next worklist, which is removed if the work is done. There must be one."""
        tags: dict[Caller, dict[int, None]] = {}
        for tag, caller in self._worklists:
            tags.setdefault(caller, {})[tag] = None
        with self._turns.turn(tags) as (_, tag):
            key = self._next(tag)
            worklist = self._worklists[key]
            worklist.has_begun = True
            yield worklist
            if worklist.is_done:
                del self._worklists[key]

    def _next(self, tag: int) -> tuple[int, Caller]:
        """Return the key of the worklist that has the turn of a tag, after the end of a turn that may end."""
        first, *others = (key for key in self._worklists if key[0] == tag)
        if not (others and self._worklists[first].may_end_turn(MIN_BATCHES)):
            return first
        worklist = self._worklists[first] = self._worklists.pop(first)
        worklist.postpone()
        return others[0]
