"""The worklist of a tag, on random small graphs in memory: any batch size, changes meanwhile, turns, crashes."""

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.graph.jobs.id_queue import take_first
from app.graph.jobs.tag_work.tag_carriers import Carrier
from app.graph.jobs.tag_work.tag_worklist import TagBatch, TagDecision, TagWorklist
from app.graph.propagation.sources import group_of
from app.graph.records.tag_edge import Arrival
from graphql_schema.execution.side_thread import run_at_once

NODES = range(1, 8)
PARENTS, CHILDREN = (1, 2), (2, 3, 4, 5)


@dataclass
class TagEntries:
    """The outbox entries of a caller, and the work that began with some of them.

    ``is_waiting`` states that entries were written after the work had begun.
    """

    suspects: set[int] = field(default_factory=set)
    expand: set[int] = field(default_factory=set)
    is_waiting: bool = False
    work: TagWorklist = field(default_factory=lambda: TagWorklist(0, ""))

    def begin(self) -> None:
        """Begin all work, as a process that starts, or that has done the work before."""
        expand, suspects = (dict.fromkeys(sorted(vids)) for vids in (self.expand, self.suspects))
        self.is_waiting, self.work = False, TagWorklist(0, "", expand=expand, suspects=suspects)

    @property
    def is_done(self) -> bool:
        """Return whether no work is left; begin with the entries that wait, if there are any."""
        if self.work.is_done and self.is_waiting:
            self.begin()
        return self.work.is_done


@dataclass
class TagMemory:
    """A store of one tag: declared modes, edges that carry data, arrivals, and the entries of two callers.

    ``joined`` has pairs of a child and its parent, whose edges the child uses. The first caller has the turn. A
    transaction has at most ``most`` arrivals.
    """

    edges: set[tuple[int, int]] = field(default_factory=set)
    joined: set[tuple[int, int]] = field(default_factory=set)
    declared: dict[int, str] = field(default_factory=dict)
    arrived: dict[int, Arrival] = field(default_factory=dict)
    callers: list[TagEntries] = field(default_factory=lambda: [TagEntries(), TagEntries()])
    most: int = len(NODES)

    def targets(self, vids: set[int]) -> set[int]:
        """Return the vertices that data flows to from some vertices."""
        return {target for source, target, _ in self.flows() if source in vids}

    def flows(self) -> set[tuple[int, int, int]]:
        """Return source and target of each flow, and the vertex whose edge it uses: the number is a product."""
        found = {(source, target, source) for source, target in self.edges}
        found |= {(parent, child, parent) for child, parent in self.joined}
        return found | {
            (child, target, parent)
            for child, parent in self.joined
            for source, target in self.edges
            if source == parent
        }

    def carriers(self) -> dict[int, Carrier]:
        """Return each vertex with its arrival and its declared mode."""
        return {
            vid: Carrier(str(vid), None, self.arrived.get(vid), mode == "BLOCKED", mode == "DIRECT")
            for vid in NODES
            for mode in [self.declared.get(vid)]
        }

    def end_turn(self) -> None:
        """Let the other caller have the turn."""
        self.callers[0].work.postpone()
        self.callers.reverse()

    def crash(self) -> None:
        """Lose what is not stored."""
        for caller in self.callers:
            caller.begin()

    def batch(self, size: int, *, lost: bool = False) -> None:
        """Do one batch of the work of the caller who has the turn, or of the other one if this is done.

        If it is ``lost``, another process wrote first: its transaction is not stored, and so it is not recorded.
        """
        if self.callers[0].is_done:
            self.callers.reverse()
        work = self.callers[0].work
        if self.callers[0].is_done:
            return
        work.has_begun = True
        if work.expand:
            work.recheck(sorted(self.targets(set(take_first(work.expand, size)))))
            work.steps += 1
        elif work.batch or work.suspects or work.candidates:
            work.batch = work.batch or TagBatch(work.take(size))
            decision = self._decision(work, work.batch.vids)
            if not lost and (fit := self.fitting(decision)):
                work.shorten(work.batch.vids.index(fit))
            elif not lost:
                self._write(work, decision, self.targets(decision.changed))
        elif not lost:
            removal = work.removal(size)
            if fit := self.fitting(removal):
                work.shorten(removal.decided.index(fit))
            else:
                self._write(work, removal, {*removal.decided})

    def fitting(self, decision: TagDecision) -> int:
        """Return the first vertex to write that does not fit into the transaction, 0 if all do."""
        return next(iter([*decision.arrivals][self.most :]), 0)

    def _decision(self, work: TagWorklist, batch: list[int]) -> TagDecision:
        sources = defaultdict[int, set[int]](set)
        for child, parent in self.joined:
            sources[group_of(parent)] |= {parent, child}
            sources[child].add(parent)
        for source, target in self.edges:
            sources[target].add(group_of(source) if group_of(source) in sources else source)
        return run_at_once(work.decide(batch, sources, self.carriers()))

    def _write(self, work: TagWorklist, decision: TagDecision, further: set[int]) -> None:
        for vid, found in decision.arrivals.items():
            self.arrived.pop(vid, None)
            if found is not None:
                self.arrived[vid] = found
        provisional = work.provisional_of(decision.arrivals, decision)
        self.callers[0].suspects |= further | provisional
        work.record(decision, provisional)
        work.recheck(sorted(self.targets(decision.changed)))
        work.suspects |= dict.fromkeys(sorted(self.targets({*decision.unsupported}) - work.unsupported.keys()))

    def wanted(self) -> dict[int, Arrival]:
        """Return where the tag should arrive: breadth first from the vertices with the mode DIRECT."""
        shut = {vid for vid, mode in self.declared.items() if mode == "BLOCKED"}
        flows = [(a, b) for a, b, through in self.flows() if a != b and through not in shut and b not in shut]
        steps = {vid: 0 for vid, mode in self.declared.items() if mode == "DIRECT"}
        level = set(steps)
        while level:
            level = {b for a, b in flows if a in level} - steps.keys()
            steps |= dict.fromkeys(level, 1 + max(steps.values()))
        near = [(b, Arrival(steps[a] + 1, str(a))) for a, b in flows if a in steps]
        return dict(sorted(near, reverse=True))  # of several the nearest


nodes = st.sampled_from(NODES)
members = st.tuples(st.sampled_from(CHILDREN), st.sampled_from(PARENTS)).filter(lambda pair: pair[0] != pair[1])
changes = st.one_of(
    st.tuples(st.just("edge"), nodes, nodes),
    st.tuples(st.just("edge"), st.sampled_from(PARENTS), nodes),
    members.map(lambda pair: ("joined", *pair)),
    st.tuples(st.sampled_from(["DIRECT", "DIRECT", "BLOCKED", "REMOVED", "REMOVED"]), nodes, st.just(0)),
)
rounds = st.lists(
    st.tuples(st.lists(changes, max_size=3), st.integers(0, 12), st.booleans(), st.booleans()), min_size=3, max_size=10
)
losses = st.lists(st.booleans(), min_size=1, max_size=5).filter(lambda found: not all(found))


def change(memory: TagMemory, caller: TagEntries, kind: str, vid: int, other: int) -> None:
    """Write a change with its outbox entry."""
    changed, expanded = vid, {vid}
    if kind == "edge":
        memory.edges ^= {(vid, other)}
        changed, expanded = other, set[int]()
    elif kind == "joined":
        memory.joined ^= {(vid, other)}
        expanded = {vid, other}
    elif kind == "REMOVED":
        memory.declared.pop(vid, None)
    else:
        memory.declared[vid] = kind
        if kind == "BLOCKED":
            memory.arrived.pop(vid, None)
    caller.suspects.add(changed)
    caller.expand |= expanded
    caller.is_waiting |= caller.work.has_begun
    if not caller.work.has_begun:
        caller.work.recheck([changed])
        caller.work.expand |= dict.fromkeys(expanded)


@settings(max_examples=400, deadline=None)
@given(
    start=st.sets(st.tuples(nodes, nodes), min_size=4, max_size=14),
    joined=st.sets(members, max_size=4),
    rounds=rounds,
    size=st.integers(1, 4),
    turn=st.integers(1, 30),
    losses=losses,
    most=st.sampled_from([1, 2, len(NODES)]),
)
def test_a_tag_arrives_exactly_where_it_is_reachable(  # noqa: PLR0913, PLR0917 - drawn by hypothesis
    start: set[tuple[int, int]],
    joined: set[tuple[int, int]],
    rounds: list[tuple[list[tuple[str, int, int]], int, bool, bool]],
    size: int,
    turn: int,
    losses: list[bool],
    most: int,
) -> None:
    """After any changes of two callers, turns and crashes, each reachable vertex has the tag from its nearest source.

    No other vertex has it. It is so if transactions lose their turn to changes that come between plan and repetition,
    and if few arrivals fit into each.
    """
    memory, lost = TagMemory(start, joined, most=most), cycle(losses)
    for many, batches, crash, finish in rounds:
        for count, each in enumerate(many):
            change(memory, memory.callers[count % 2], *each)
        for count in range(1, batches + 1):
            memory.batch(size, lost=next(lost))
            if count % turn == 0 and memory.callers[0].work.batch is None:
                memory.end_turn()
        if crash:
            memory.crash()
        if finish:
            finished(memory, size)
    finished(memory, size)


def finished(memory: TagMemory, size: int) -> None:
    """Work until nothing is left, compare the arrivals, and remove the outbox entries."""
    for _ in range(4_000):
        if all(caller.is_done for caller in memory.callers):
            break
        memory.batch(size)
        work = memory.callers[0].work
        if work.may_end_turn(1):
            memory.end_turn()
    assert all(caller.is_done for caller in memory.callers)
    assert memory.arrived == memory.wanted()
    memory.callers = [TagEntries(), TagEntries()]


@pytest.mark.parametrize("crash", [False, True])
def test_a_source_that_another_caller_supports_again_counts(crash: bool) -> None:  # noqa: FBT001 - a case
    """A vertex that got the tag from a source while a better one was unsupported is decided again after it."""
    memory = TagMemory({(1, 2), (2, 3), (6, 5), (5, 3)}, declared={1: "DIRECT", 6: "DIRECT"})
    memory.arrived = {2: Arrival(1, "1"), 3: Arrival(2, "2"), 5: Arrival(1, "6")}
    ada, bo = memory.callers
    change(memory, ada, "REMOVED", 1, 0)
    for _ in range(3):
        memory.batch(250)
    assert memory.arrived[3] == Arrival(2, "5")
    memory.end_turn()
    change(memory, bo, "edge", 6, 2)
    memory.batch(250)
    assert bo.is_done
    if crash:
        memory.crash()
    finished(memory, 250)


def test_a_vertex_that_was_decided_without_an_unsupported_source_is_decided_again() -> None:
    """Between the turns another caller supports a source at the same distance: what is derived from it gets the tag."""
    memory = TagMemory({(1, 2), (2, 3), (3, 4)}, declared={1: "DIRECT", 6: "DIRECT"})
    memory.arrived = {2: Arrival(1, "1"), 3: Arrival(2, "2"), 4: Arrival(3, "3")}
    ada, bo = memory.callers
    change(memory, ada, "edge", 1, 2)
    change(memory, ada, "edge", 2, 5)
    for _ in range(2):
        memory.batch(250)
    assert 5 not in {**memory.arrived, **ada.work.suspects}
    memory.end_turn()
    change(memory, bo, "edge", 6, 2)
    finished(memory, 250)


def carrier(vid: int, *, steps: int | None = None, closed: bool = False) -> Carrier:
    """Return a vertex to which the tag propagated over some steps."""
    return Carrier(str(vid), None, None if steps is None else Arrival(steps, "x"), closed, direct=False)


def test_the_members_of_a_group_are_compared_once_for_all_of_its_targets() -> None:
    """Targets get the tag from the nearest member but themselves, and none through a parent that blocks the tag."""
    size, group = 100, group_of(1)
    children, targets = range(2, size), [2, *range(size, 2 * size)]
    read: list[int] = []

    class Carriers(dict[int, Carrier]):
        def get(self, vid: int, default: Any = None) -> Any:
            read.append(vid)
            return super().get(vid, default)

    carriers = Carriers({vid: carrier(vid) for vid in (1, *children, *targets)})
    carriers |= {2: carrier(2, steps=3), 3: carrier(3, steps=4), 4: carrier(4, steps=5)}
    sources = {**{vid: {group} for vid in targets}, group: {1, *children}}
    work = TagWorklist(0, "", unsupported={4: None})
    decision = run_at_once(work.decide(targets, sources, carriers))
    assert decision.arrivals == {vid: Arrival(4, "2") for vid in targets[1:]}
    assert decision.unsupported.keys() == {2}
    assert len(read) <= size + len(targets)
    steps = TagWorklist(0, "").decide(targets, sources, carriers)
    assert sum(1 for _ in steps) == 1 + len(targets)  # the event loop has a turn after the group and each vertex
    carriers[1] = carrier(1, closed=True)
    assert run_at_once(TagWorklist(0, "").decide(targets[1:], sources, carriers)).arrivals == {}
