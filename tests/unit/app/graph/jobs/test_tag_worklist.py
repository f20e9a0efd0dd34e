"""What follows for a tag from what has changed, on many small graphs in memory: batches, crashes and all."""

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
class Memory:
    """A store of one tag: what people said on each node, edges that carry, what arrived, and notes."""

    edges: set[tuple[int, int]] = field(default_factory=set)
    said: dict[int, str] = field(default_factory=dict)
    arrived: dict[int, Arrival] = field(default_factory=dict)
    frontier: set[int] = field(default_factory=set)
    beyond: set[int] = field(default_factory=set)

    def targets(self, vids: set[int]) -> set[int]:
        """What nodes flow to."""
        return {target for source, target in self.edges if source in vids}

    def carriers(self) -> dict[int, Carrier]:
        """How each node stands to the tag."""
        return {
            vid: Carrier(str(vid), None, self.arrived.get(vid), said == "BLOCKED", said == "DIRECT")
            for vid in NODES
            for said in [self.said.get(vid)]
        }

    def work(self) -> TagWorklist:
        """What a process that starts finds to do."""
        return TagWorklist(
            0, "", expand=dict.fromkeys(sorted(self.beyond)), suspects=dict.fromkeys(sorted(self.frontier))
        )

    def batch(self, work: TagWorklist, size: int) -> None:
        """One batch of the job."""
        if work.expand:
            work.recheck(sorted(self.targets(set(take_first(work.expand, size)))))
        elif work.suspects or work.candidates:
            self._settle(work, work.take(size))
        else:
            for vid in [work.unsupported.popitem()[0] for _ in range(min(size, len(work.unsupported)))]:
                self.arrived.pop(vid, None)
                self.frontier.add(vid)

    def _settle(self, work: TagWorklist, batch: list[int]) -> None:
        arriving = defaultdict(set)
        for source, target in self.edges:
            arriving[target].add((source, source))
        settled = work.decide(batch, arriving, self.carriers())
        for vid, found in settled.arrivals.items():
            self.arrived.pop(vid, None)
            if found is not None:
                self.arrived[vid] = found
        further = self.targets(settled.changed)
        self.frontier |= further
        work.recheck(sorted(further))
        work.suspects |= dict.fromkeys(sorted(self.targets(settled.unsupported) - work.unsupported.keys()))

    def wanted(self) -> dict[int, Arrival]:
        """Where the tag should arrive: breadth first from where somebody put it."""
        shut = {vid for vid, said in self.said.items() if said == "BLOCKED"}
        steps = {vid: 0 for vid, said in self.said.items() if said == "DIRECT"}
        level = set(steps)
        while level:
            level = self.targets(level) - shut - steps.keys()
            steps |= dict.fromkeys(level, 1 + max(steps.values()))
        found = {}
        for vid in NODES:
            near = [Arrival(steps[a] + 1, str(a)) for a, b in self.edges if b == vid and a != vid and a in steps]
            if near and vid not in shut and vid not in self.said:
                found[vid] = min(near)
        return found


nodes = st.sampled_from(NODES)
changes = st.one_of(
    st.tuples(st.just("edge"), nodes, nodes),
    st.tuples(st.sampled_from(["DIRECT", "DIRECT", "BLOCKED", "let go", "let go"]), nodes, st.just(0)),
)
rounds = st.lists(
    st.tuples(st.lists(changes, max_size=3), st.integers(0, 12), st.booleans(), st.booleans()), min_size=3, max_size=10
)


def change(memory: Memory, work: TagWorklist, kind: str, vid: int, other: int) -> None:
    """Write a change with its note."""
    settle, beyond = vid, {vid}
    if kind == "edge":
        memory.edges ^= {(vid, other)}
        settle, beyond = other, set[int]()
    elif kind == "let go":
        memory.said.pop(vid, None)
    else:
        memory.said[vid] = kind
        if kind == "BLOCKED":
            memory.arrived.pop(vid, None)
    memory.frontier.add(settle)
    memory.beyond |= beyond
    work.recheck([settle])
    work.expand |= dict.fromkeys(beyond)


@settings(max_examples=400, deadline=None)
@given(start=st.sets(st.tuples(nodes, nodes), min_size=4, max_size=14), rounds=rounds, size=st.integers(1, 4))
def test_in_the_end_it_arrives_where_it_reaches(
    start: set[tuple[int, int]], rounds: list[tuple[list[tuple[str, int, int]], int, bool, bool]], size: int
) -> None:
    """Whatever changes meanwhile, and however often the process dies: exactly what is reached, from the nearest."""
    memory = Memory(edges=start)
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


def finished(memory: Memory, work: TagWorklist, size: int) -> None:
    """Work until nothing is left, and compare; what is kept of the notes is done then."""
    for _ in range(2_000):
        if work.is_done:
            break
        memory.batch(work, size)
    assert work.is_done
    shown = {vid: arrival for vid, arrival in memory.arrived.items() if vid not in memory.said}
    assert shown == memory.wanted()
    memory.frontier.clear()
    memory.beyond.clear()
