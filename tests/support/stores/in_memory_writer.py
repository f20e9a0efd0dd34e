"""A store in memory for the tests of the batch planner, which holds the changes that plans write."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from support.stores.writers import NOW, person, urn

from app.graph.commits.write_set import WriteSet
from app.graph.records.edge_record import EdgeKey
from app.graph.records.vertex_id import vertex_id
from app.graph.writing.batch_planner import plan_item
from app.graph.writing.unit.author import Author
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.read_set import ReadCoverage
from app.graph.writing.unit.working_set import WorkingSet
from graphql_schema.ports.commands import Command, LinkCommand, RegisterCommand
from graphql_schema.ports.outcomes import WriteOutcome
from graphql_schema.ports.record import Record
from policies.installation.gates import NO_GATES, Gates
from policies.installation.reserved_names import NOTHING_RESERVED, ReservedNames
from policies.policy import Policy
from policies.principal import Principal

ROOT = person("root", roles="admin")


class Everything:
    """Holds every read requirement, as everything stored has been read, and every user and team."""

    def __contains__(self, _one: object) -> bool:
        return True


EVERYTHING = Everything()

COMPLETE = ReadCoverage((), EVERYTHING, EVERYTHING, EVERYTHING, EVERYTHING, EVERYTHING)
"""The coverage of a batch that has read everything."""


def plan(commands: Sequence[Command], batch: WorkingSet, author: Author, *, dry_run: bool) -> list[WriteOutcome]:
    """Return the outcome of each command, planned in order on one working set."""
    return [plan_item(command, batch, author, dry_run=dry_run) for command in commands]


@dataclass
class Memory:
    """A store in memory that applies the changes of plans."""

    policy: Policy
    vertices: dict[int, Record] = field(default_factory=dict)
    edges: dict[EdgeKey, Record] = field(default_factory=dict)
    receipts: dict[int, Record] = field(default_factory=dict)
    gates: Gates = NO_GATES
    reserved_names: ReservedNames = NOTHING_RESERVED
    written: Mapping[str, Any] | None = None

    @property
    def dirty(self) -> bool:
        """Return whether the last batch wrote anything."""
        return self.written is not None

    def run(self, *items: Command, who: Principal = ROOT, now: int = NOW, dry_run: bool = False) -> list[WriteOutcome]:
        """Plan items as one batch and keep the result."""
        state = self.state()
        done = plan(items, state, self.author(who, now), dry_run=dry_run)
        writes = WriteSet()
        deque(state.add_writes(writes, now), maxlen=0)
        self.written = writes.bindings() if state.has_writes else None
        self.vertices, self.edges, self.receipts = state.vertices, state.edges, state.receipts
        return done

    def state(self, coverage: ReadCoverage = COMPLETE) -> WorkingSet:
        """Return the stored state as a batch has read it: completely, unless a coverage is given."""
        return WorkingSet(self.vertices, self.edges, self.receipts, coverage)

    def author(self, who: Principal = ROOT, now: int = NOW) -> Author:
        """Return the author of a batch."""
        access = self.policy.access(who)
        return Author(
            "default",
            who.subject,
            now,
            access.may,
            access.is_discoverable,
            access.reads_field,
            audit_instant=now,
            hidden_fields=access.fields_hidden_by_rules,
            gates=self.gates,
            identities=EVERYTHING,
            logged_fields=access.logged_fields,
            user=who.user,
            owners=who.owners,
            principal=who,
            reserved_names=self.reserved_names,
        )

    def unit(self, who: Principal = ROOT, now: int = NOW, coverage: ReadCoverage = COMPLETE) -> ItemUnit:
        """Return the unit of work of one item of a new batch."""
        return ItemUnit(self.state(coverage), self.author(who, now))

    def outcomes(self, *items: Command, who: Principal = ROOT, now: int = NOW) -> list[str]:
        """Return the names of the outcomes."""
        return [one.outcome.name for one in self.run(*items, who=who, now=now)]

    def record(self, text: str) -> Record:
        """Return the record of ``kind name``."""
        return self.vertices[vertex_id("default", urn(text))]

    def edge(self, relation: str, source: str, target: str) -> Record:
        """Return the record of an edge."""
        return self.edges[relation, vertex_id("default", urn(source)), vertex_id("default", urn(target))]


_VOLATILE = {"createdAt", "updatedAt", "revision"}
"""Record keys that depend on the number and the instants of the writes."""


def present_graph(memory: Memory) -> tuple[dict[str, dict[str, Any]], set[EdgeKey]]:
    """Return the graph without its history: the records of all but changes and observations, and the current edges."""
    records = {
        record["id"]: {key: value for key, value in record.items() if key not in _VOLATILE}
        for record in memory.vertices.values()
        if record["kind"] not in {"CHANGE", "OBSERVATION"}
    }
    ends = {vertex_id("default", urn) for urn in records}
    current = {key for key, edge in memory.edges.items() if edge.get("validTo") is None and {*key[1:]} <= ends}
    return records, current


def seeded(memory: Memory, *items: RegisterCommand | LinkCommand) -> Memory:
    """Register items before the test begins."""
    assert not [one.errors for one in memory.run(*items) if one.errors]
    return memory
