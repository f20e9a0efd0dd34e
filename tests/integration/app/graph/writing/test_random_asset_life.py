"""Assets change in random order: after every write the store equals a plain Python model of the design."""

import os
from collections.abc import Mapping
from itertools import count
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from support.oracles.asset_life import STEP, Life, Response
from support.oracles.life_records import DATA, TAGS, TEAMS
from support.stores.state_machines import WriterMachine
from support.stores.writers import Stored, Writers, person, shipped_stops, stored

from app.graph.commits import state_read
from app.graph.commits.write_coordinator import WriteCoordinator
from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.catalog.relations import DERIVES, OWNED_BY, TAGGED
from graphql_schema.catalog.urn import parse_urn
from graphql_schema.ports.commands import (
    Command,
    DeclaredEdges,
    DeleteCommand,
    IdempotencyKey,
    LinkCommand,
    RegisterCommand,
    RestoreCommand,
    RevertCommand,
    UnlinkCommand,
)
from graphql_schema.ports.outcomes import WriteOutcome

EXAMPLES = int(os.environ.get("EXAMPLES", "10"))
STEPS = 20

_tenants = (f"life-{number}" for number in count())
_hops = {"owners": OWNED_BY.out(), "tags": TAGGED.out(), "derivedFrom": DERIVES.into("Dataset", "DatasetVersion")}
_datum = st.sampled_from(DATA)
_tags = st.lists(st.sampled_from(TAGS), unique=True, max_size=2)
_kinds = st.lists(st.sampled_from(["BUSINESS", "TECHNICAL"]), min_size=1, max_size=2, unique=True).map(sorted)
_owners = st.lists(st.tuples(st.sampled_from(TEAMS), _kinds), unique_by=lambda pair: pair[0], max_size=3).map(
    lambda pairs: {far: {"kinds": kinds} for far, kinds in pairs}
)
_pairs = st.lists(st.sampled_from(["l", "k"]), unique=True).map(lambda ks: [{"key": k, "value": "1"} for k in ks])
_stage = st.sampled_from(["DRAFT", "ACTIVE", "DEPRECATED", "RETIRED"])
_values = st.fixed_dictionaries(
    {},
    optional={
        "description": st.sampled_from(["x", "y", None]),
        "displayName": st.sampled_from(["Name", None]),
        "properties": st.none() | _pairs,
        "stage": st.none() | _stage,
    },
)
_lists = st.fixed_dictionaries(
    {},
    optional={
        "owners": _owners,
        "tags": _tags.map(lambda tags: {tag: {} for tag in tags}),
        "derivedFrom": st.lists(_datum, unique=True, max_size=2).map(lambda far: {each: {} for each in far}),
    },
)
_guess = st.sampled_from([None, None, None, "right", "wrong"])
_earlier = st.sampled_from([None, None, -1_500, -2_500, 1_500])
"""An instant from now, in milliseconds: within the steps before, or ahead."""


class AssetLife(RuleBasedStateMachine):
    """Writes to the store and to the model, and compares the two; aliases have a test of their own."""

    machine: WriterMachine

    @initialize()
    def begin(self) -> None:
        """Begin without assets, in a tenant of its own."""
        self.life = Life(next(_tenants))
        machine = self.machine
        self.writers = Writers(machine.client, machine.policy, WriteCoordinator(shipped_stops()))
        self.ids: dict[int, str] = {}
        self.stated: list[tuple[str, RegisterCommand]] = []

    @rule(name=_datum, values=_values, lists=_lists, guess=_guess, key=st.sampled_from([None, None, "k", "l"]))
    def register(self, name: str, values: Any, lists: Any, guess: str | None, key: str | None) -> None:
        """Register an asset, with or without an expected revision and an idempotency key."""
        expected = self._guessed(name, guess)
        lists = {of: {far: details for far, details in each.items() if far != name} for of, each in lists.items()}
        item = RegisterCommand(name, values, _edges(name, lists), expected)
        payload = orjson.dumps([name, values, lists, expected])
        if key is None:
            self._check(item, self._expected(lambda: self.life.register(name, values, lists, expected)))
            return
        keyed = RegisterCommand(name, values, _edges(name, lists), expected, key=IdempotencyKey(key, payload.hex()))
        self.stated.append((key, keyed))
        write = lambda: self.life.register(name, values, lists, expected)  # noqa: E731 - given to two
        self._check(keyed, self._expected(lambda: self.life.once(key, payload, write)))

    @rule(number=st.integers(0, 99))
    def repeat(self, number: int) -> None:
        """Repeat a call with a key; an item rejected before may be accepted now."""
        if self.stated:
            key, item = self.stated[number % len(self.stated)]
            assert item.key is not None
            payload = bytes.fromhex(item.key.digest)
            name, values, lists, expected = orjson.loads(payload)
            write = lambda: self.life.register(name, values, lists, expected)  # noqa: E731 - given on
            self._check(item, self._expected(lambda: self.life.once(key, payload, write)))

    @rule(up=_datum, down=_datum, origin=st.sampled_from(["DECLARED", "OBSERVED"]), since=_earlier)
    def link(self, up: str, down: str, origin: str, since: int | None) -> None:
        """Declare a new or an existing edge, also one that has ended."""
        if up == down:
            return
        start = None if since is None or since > 0 else self.life.now + STEP + since
        details = {"origin": origin, **({} if start is None else {"validFrom": start})}
        item = LinkCommand("DERIVES", up, down, details)
        self._check(item, self._expected(lambda: self.life.link(up, down, origin, start)))

    @rule(up=_datum, down=_datum, until=_earlier)
    def unlink(self, up: str, down: str, until: int | None) -> None:
        """End an edge, now, earlier or later."""
        if up == down:
            return
        end = None if until is None else self.life.now + STEP + until
        item = UnlinkCommand("DERIVES", up, down, end)
        self._check(item, self._expected(lambda: self.life.unlink(up, down, end)))

    @rule(name=_datum, owners=_owners, guess=_guess)
    def set_owners(self, name: str, owners: Any, guess: str | None) -> None:
        """Set other owners."""
        expected = self._guessed(name, guess)
        item = _governing(name, ChangeAction.OWNERS_SET, _edges(name, {"owners": owners}), expected)
        self._check(item, self._expected(lambda: self.life.govern(name, "OWNERS_SET", expected, owners=owners)))

    @rule(name=_datum, modes=st.dictionaries(st.sampled_from(TAGS), st.sampled_from(["add", "remove", "block"])))
    def set_tags(self, name: str, modes: dict[str, str]) -> None:
        """Add, remove and exclude tags."""
        given: dict[str, Any] = {
            how: [tag for tag, mode in modes.items() if mode == how] for how in ("add", "remove", "block")
        }
        stated = {**dict.fromkeys(given["add"], "DIRECT"), **dict.fromkeys(given["block"], "BLOCKED")}
        kind = parse_urn(name).kind
        targets = {tag: {"mode": mode} for tag, mode in stated.items()}
        edges = DeclaredEdges(TAGGED.out(), f"{kind}.tags", targets, adds=True, removes=tuple(given["remove"]))
        item = _governing(name, ChangeAction.TAGGED, (edges,), right="tag")
        self._check(item, self._expected(lambda: self.life.govern(name, "TAGGED", None, **given)))

    @rule(name=_datum, stage=_stage, reason=st.sampled_from([None, "because"]))
    def set_stage(self, name: str, stage: str, reason: str | None) -> None:
        """Set another life cycle stage."""
        item = _governing(name, ChangeAction.STAGE_SET, values={"stage": stage}, reason=reason)
        self._check(item, self._expected(lambda: self.life.govern(name, "STAGE_SET", stage=stage, reason=reason)))

    @rule(name=_datum, guess=_guess)
    def delete(self, name: str, guess: str | None) -> None:
        """Delete an asset, unless another asset uses it."""
        expected = self._guessed(name, guess)
        self._check(DeleteCommand(name, expected), self._expected(lambda: self.life.delete(name, expected)))

    @rule(name=_datum)
    def restore(self, name: str) -> None:
        """Restore a deleted asset."""
        self._check(RestoreCommand(name), self._expected(lambda: self.life.restore(name)))

    @rule(back=st.integers(0, 12))
    def revert(self, back: int) -> None:
        """Revert a change, preferably a recent one."""
        if self.life.changes:
            number = max(len(self.life.changes) - 1 - back, 0)
            self._check(RevertCommand(self.ids[number]), self._expected(lambda: self.life.revert(number)))

    @invariant()
    def same(self) -> None:
        """Compare records, edges and history."""
        there = self.machine.run(stored(self.machine.graph, self.life.tenant))
        assert there.records == self.life.records
        assert _without_corrections(there.edge_records) == self.life.edges
        self._compare_history(there)

    def _compare_history(self, there: Stored) -> None:
        assert len(there.changes) == len(self.life.changes)
        numbers: dict[str, list[int]] = {}
        for number, change in enumerate(self.life.changes):
            numbers.setdefault(change["subject"], []).append(number)
        for name, own in numbers.items():
            found = there.history(name)
            assert len(found) == len(own)
            self.ids |= {number: change["id"] for number, change in zip(own, found, strict=True)}
            for number, change in zip(own, found, strict=True):
                self._compare_change(change, self.life.changes[number])

    def _compare_change(self, found: dict[str, Any], expected: dict[str, Any]) -> None:
        reverts = expected.get("reverts")
        details = {"action": expected["action"], "subjectRevision": expected["revision"], "createdAt": expected["at"]}
        assert {key: found[key] for key in details} == details
        assert found.get("reason") == expected.get("reason")
        assert found.get("reverts") == (None if reverts is None else self.ids[reverts])
        values = {each["field"]: (each["before"], each["after"]) for each in found["fields"] if "edge" not in each}
        reported = {
            (each["field"], tuple(each["edge"])): (each["before"], each["after"])
            for each in found["fields"]
            if "edge" in each
        }
        assert values == expected["values"]
        assert reported == expected["told"]
        assert len(found["fields"]) == len(values) + len(reported)

    def _guessed(self, name: str, guess: str | None) -> int | None:
        if guess is None:
            return None
        known = self.life.records.get(name)
        return (known["revision"] if known else 0) + (guess == "wrong")

    def _expected(self, write: Any) -> Response:
        self.life.now += STEP
        response: Response = write()
        return response

    def _check(self, item: Command, expected: Response) -> None:
        root = person("root", roles="admin", tenant=self.life.tenant)
        writer = self.writers.of(root, now=self.life.now)
        (done,) = self.machine.run(writer.write([item], dry_run=False, atomic=False))
        assert _response(done) == expected


def _response(done: WriteOutcome) -> Response:
    if done.errors:
        return Response(done.errors[0].code.name)
    return Response(done.outcome.name, done.revision)


def _without_corrections(edges: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return the edges without what they were before a correction, which only pages that began earlier read."""
    return {key: {name: value for name, value in edge.items() if name != "corrected"} for key, edge in edges.items()}


def _edges(name: str, lists: dict[str, Any]) -> tuple[DeclaredEdges, ...]:
    kind = parse_urn(name).kind
    return tuple(DeclaredEdges(_hops[of], f"{kind}.{of}", far) for of, far in lists.items())


def _governing(
    name: str, action: ChangeAction, edges: Any = (), expected: int | None = None, **more: Any
) -> RegisterCommand:
    return RegisterCommand(
        name, more.pop("values", {}), edges, expected_revision=expected, action=action, id_path="asset", **more
    )


@pytest.mark.timeout(0)
def test_any_sequence_of_writes_equals_the_model(machine: WriterMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every outcome, record, edge, interval and change equals the plain model for random sequences of writes.

    So little is a long value here that most lists are left out of the records that an item refers to.
    """
    monkeypatch.setattr(state_read, "LONG_VALUE", 60)

    class Machine(AssetLife):
        pass

    Machine.machine = machine
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[p for p in Phase if p.name != os.environ.get("WITHOUT")],
        ),
    )
