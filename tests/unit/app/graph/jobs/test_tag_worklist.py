"""The worklist of a tag, on random small graphs in memory: any batch size, changes meanwhile, and crashes."""

from collections import defaultdict
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from app.graph.jobs.id_queue import take_first
from app.graph.jobs.tag_carriers import Carrier
from app.graph.jobs.tag_worklist import TagWorklist
from app.graph.records.tag_edge import Arrival

SIZE = 6
NODES = range(SIZE)


@dataclass
class TagMemory:
    """A store of one tag: declared modes, edges that carry data, arrivals, and the ids of outbox entries."""

    edges: set[tuple[int, int]] = field(default_factory=set)
    declared: dict[int, str] = field(default_factory=dict)
    arrived: dict[int, Arrival] = field(default_factory=dict)
    suspects: set[int] = field(default_factory=set)
    expand: set[int] = field(default_factory=set)

    def targets(self, vids: set[int]) -> set[int]:
        """Return the vertices that data flows to from some vertices."""
        return {target for source, target in self.edges if source in vids}

    def carriers(self) -> dict[int, Carrier]:
        """Return each vertex with its arrival and its declared mode."""
        return {
            vid: Carrier(str(vid), None, self.arrived.get(vid), mode == "BLOCKED", mode == "DIRECT")
            for vid in NODES
            for mode in [self.declared.get(vid)]
        }

    def work(self) -> TagWorklist:
        """Return the worklist of a process that starts."""
        return TagWorklist(
            0, "", expand=dict.fromkeys(sorted(self.expand)), suspects=dict.fromkeys(sorted(self.suspects))
        )

    def batch(self, work: TagWorklist, size: int) -> None:
        """Do one batch of the job."""
        if work.expand:
            work.recheck(sorted(self.targets(set(take_first(work.expand, size)))))
        elif work.suspects or work.candidates:
            self._decide(work, work.take(size))
        else:
            for vid in [work.unsupported.popitem()[0] for _ in range(min(size, len(work.unsupported)))]:
                self.arrived.pop(vid, None)
                self.suspects.add(vid)

    def _decide(self, work: TagWorklist, batch: list[int]) -> None:
        arriving = defaultdict(set)
        for source, target in self.edges:
            arriving[target].add((source, source))
        decision = work.decide(batch, arriving, self.carriers())
        for vid, found in decision.arrivals.items():
            self.arrived.pop(vid, None)
            if found is not None:
                self.arrived[vid] = found
        further = self.targets(decision.changed)
        self.suspects |= further
        work.recheck(sorted(further))
        work.suspects |= dict.fromkeys(sorted(self.targets(decision.unsupported) - work.unsupported.keys()))

    def wanted(self) -> dict[int, Arrival]:
        """Return where the tag should arrive: breadth first from the vertices with the mode DIRECT."""
        shut = {vid for vid, mode in self.declared.items() if mode == "BLOCKED"}
        steps = {vid: 0 for vid, mode in self.declared.items() if mode == "DIRECT"}
        level = set(steps)
        while level:
            level = self.targets(level) - shut - steps.keys()
            steps |= dict.fromkeys(level, 1 + max(steps.values()))
        found = {}
        for vid in NODES:
            near = [Arrival(steps[a] + 1, str(a)) for a, b in self.edges if b == vid and a != vid and a in steps]
            if near and vid not in shut and vid not in self.declared:
                found[vid] = min(near)
        return found


nodes = st.sampled_from(NODES)
changes = st.one_of(
    st.tuples(st.just("edge"), nodes, nodes),
    st.tuples(st.sampled_from(["DIRECT", "DIRECT", "BLOCKED", "REMOVED", "REMOVED"]), nodes, st.just(0)),
)
rounds = st.lists(
    st.tuples(st.lists(changes, max_size=3), st.integers(0, 12), st.booleans(), st.booleans()), min_size=3, max_size=10
)


def change(memory: TagMemory, work: TagWorklist, kind: str, vid: int, other: int) -> None:
    """Write a change with its outbox entry."""
    changed, expanded = vid, {vid}
    if kind == "edge":
        memory.edges ^= {(vid, other)}
        changed, expanded = other, set[int]()
    elif kind == "REMOVED":
        memory.declared.pop(vid, None)
    else:
        memory.declared[vid] = kind
        if kind == "BLOCKED":
            memory.arrived.pop(vid, None)
    memory.suspects.add(changed)
    memory.expand |= expanded
    work.recheck([changed])
    work.expand |= dict.fromkeys(expanded)


@settings(max_examples=400, deadline=None)
@given(start=st.sets(st.tuples(nodes, nodes), min_size=4, max_size=14), rounds=rounds, size=st.integers(1, 4))
def test_a_tag_arrives_exactly_where_it_is_reachable(
    start: set[tuple[int, int]], rounds: list[tuple[list[tuple[str, int, int]], int, bool, bool]], size: int
) -> None:
    """After any changes and crashes, each reachable vertex has the tag from its nearest source, and no other has it."""
    memory = TagMemory(edges=start)
    work = memory.work()
    for many, batches, crash, finish in rounds:
        for each in many:
            change(memory, work, *each)
        for _ in range(batches):
            if not work.is_done:
                memory.batch(work, size)
        if crash:
            work = memory.work()
        if finish:
            finished(memory, work, size)
    finished(memory, work, size)


def finished(memory: TagMemory, work: TagWorklist, size: int) -> None:
    """Work until nothing is left, compare the arrivals, and remove the outbox entries."""
    for _ in range(2_000):
        if work.is_done:
            break
        memory.batch(work, size)
    assert work.is_done
    shown = {vid: arrival for vid, arrival in memory.arrived.items() if vid not in memory.declared}
    assert shown == memory.wanted()
    memory.suspects.clear()
    memory.expand.clear()
