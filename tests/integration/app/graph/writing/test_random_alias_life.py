"""Aliases and versions of a model change in random order: the store equals a plain Python model."""

import os
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from support.stores.state_machines import WriterMachine
from support.stores.writers import NOW, Writers, asset, person, shipped_stops, stored, urn

from app.graph.commits.write_coordinator import WriteCoordinator
from graphql_schema.catalog.urn import is_urn
from graphql_schema.ports.commands import (
    ANY,
    Command,
    DeleteCommand,
    RemoveAliasCommand,
    RestoreCommand,
    RevertCommand,
    SetAliasCommand,
)
from policies.installation.gates import load_gates
from policies.policy import Policy

EXAMPLES = int(os.environ.get("EXAMPLES", "8"))
MODEL = urn("model m")
VERSIONS = [urn(f"model-version m@{number}") for number in (1, 2, 3)]
NAMES = ("champion", "challenger")

Alias = tuple[str, bool]
"""The version that an alias points at, and whether the alias is protected."""

_tenants = (f"alias-{number}" for number in count())
_version = st.sampled_from(VERSIONS)
_name = st.sampled_from(NAMES)


@dataclass
class Names:
    """Return the stored aliases of a model, its revision, and each alias change as (name, before, after)."""

    aliases: dict[str, Alias] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    revision: int = 1
    changes: list[tuple[str, Alias | None, Alias | None]] = field(default_factory=list)

    def move(self, name: str, version: str, expected: object, protected: bool | None) -> str:  # noqa: FBT001
        """Point an alias at a version."""
        now = self.aliases.get(name)
        if version in self.deleted:
            return "CONFLICT"
        if expected is not ANY and expected != (now and now[0]):
            return "CONFLICT"
        after = (version, bool(now and now[1]) if protected is None else protected)
        return self._put(name, after)

    def remove(self, name: str, expected: str | None) -> str:
        """Remove an alias, unless it is protected or points at another version than expected."""
        now = self.aliases.get(name)
        if now is not None and (now[1] or expected not in {None, now[0]}):
            return "CONFLICT"
        return self._put(name, None)

    def delete(self, version: str) -> str:
        """Delete a version, unless an alias points at it."""
        if version in self.deleted:
            return "UNCHANGED"
        if version in {each for each, _ in self.aliases.values()}:
            return "CONFLICT"
        self.deleted.add(version)
        return "UPDATED"

    def restore(self, version: str) -> str:
        """Restore a version."""
        if version not in self.deleted:
            return "UNCHANGED"
        self.deleted.discard(version)
        return "UPDATED"

    def revert(self, number: int) -> str:
        """Revert the change of an alias, unless the alias changed since or would point at a deleted version."""
        name, before, after = self.changes[number]
        if self.aliases.get(name) != after or (before is not None and before[0] in self.deleted):
            return "CONFLICT"
        return self._put(name, before)

    def _put(self, name: str, after: Alias | None) -> str:
        before = self.aliases.get(name)
        if before == after:
            return "UNCHANGED"
        self.aliases.pop(name, None)
        if after is not None:
            self.aliases[name] = after
        self.revision += 1
        self.changes.append((name, before, after))
        return "UPDATED"


class AliasLife(RuleBasedStateMachine):
    """Writes to the store and to the plain model, and compares the two."""

    machine: WriterMachine
    writers: Writers

    @initialize()
    def begin(self) -> None:
        """Begin with a model of three versions and no alias, in a tenant of its own."""
        self.tenant, self.now, self.names = next(_tenants), NOW, Names()
        team = {"owners": {"team ranking": ["TECHNICAL"]}}
        self._write(asset("model m", **team), *(asset(f"model-version m@{number}") for number in (1, 2, 3)))
        self.ids: list[str] = []

    @rule(name=_name, version=_version, guess=st.sampled_from(["any", "any", "none", *VERSIONS]),
          protected=st.sampled_from([None, None, True, False]))  # fmt: skip
    def set_alias(self, name: str, version: str, guess: str, protected: bool | None) -> None:  # noqa: FBT001
        """Move an alias, with or without an expected version."""
        expected = {"any": ANY, "none": None}.get(guess, guess)
        item = SetAliasCommand(MODEL, name, version, expected, protected)
        assert self._write(item) == [self.names.move(name, version, expected, protected)]

    @rule(name=_name, expected=st.sampled_from([None, None, *VERSIONS]))
    def remove_alias(self, name: str, expected: str | None) -> None:
        """Remove an alias, with or without an expected version."""
        assert self._write(RemoveAliasCommand(MODEL, name, expected)) == [self.names.remove(name, expected)]

    @rule(version=_version)
    def delete(self, version: str) -> None:
        """Delete a version."""
        assert self._write(DeleteCommand(version)) == [self.names.delete(version)]

    @rule(version=_version)
    def restore(self, version: str) -> None:
        """Restore a version."""
        assert self._write(RestoreCommand(version)) == [self.names.restore(version)]

    @rule(back=st.integers(0, 6))
    def revert(self, back: int) -> None:
        """Revert one of the last changes of an alias."""
        if self.ids:
            number = max(len(self.ids) - 1 - back, 0)
            assert self._write(RevertCommand(self.ids[number])) == [self.names.revert(number)]

    @invariant()
    def same(self) -> None:
        """Compare the aliases, the revision, and each change in order."""
        there = self.machine.run(stored(self.machine.graph, self.tenant))
        record = there.records[MODEL]
        reported = {name: (each["version"], each["protected"]) for name, each in record.get("aliases", {}).items()}
        assert (reported, record["revision"]) == (self.names.aliases, self.names.revision)
        assert {each for each in VERSIONS if "deletedAt" in there.records[each]} == self.names.deleted
        moves = [change for change in there.history(MODEL) if change["action"] != "REGISTERED"]
        self.ids = [change["id"] for change in moves]
        assert [_move(change) for change in moves] == self.names.changes

    def _write(self, *items: Command) -> list[str]:
        self.now += 1_000
        eli = person("eli", "team ranking", roles="engineer approver", tenant=self.tenant)
        writer = self.writers.of(eli, now=self.now)
        done = self.machine.run(writer.write(items, dry_run=False, atomic=False))
        return [one.errors[0].code.name if one.errors else one.outcome.name for one in done]


def _move(change: dict[str, Any]) -> tuple[str, Alias | None, Alias | None]:
    (entry,) = change["fields"]
    assert entry["field"] == "aliases"
    sides = [entry[side] and (entry[side]["version"], entry[side]["protected"]) for side in ("before", "after")]
    return entry["part"], sides[0], sides[1]


@pytest.mark.timeout(0)
def test_any_sequence_of_alias_writes_equals_the_model(machine: WriterMachine, policy: Policy) -> None:
    """Every outcome, alias, protection, revision and change equals the plain model for random sequences of writes."""

    class Machine(AliasLife):
        pass

    Machine.machine = machine
    Machine.writers = Writers(machine.client, policy, WriteCoordinator(shipped_stops(), load_gates(is_urn)))
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
