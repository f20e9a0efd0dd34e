"""Aliases of a model: who may move or remove one, what it must point at before, and the gate of a protected one."""

from dataclasses import replace
from typing import Any

import pytest
from support.stores.in_memory_writer import ROOT, Memory, seeded
from support.stores.writers import NOW, asset, link, person, urn

from app.graph.records.vertex_id import vertex_id
from graphql_schema.ports.commands import (
    ANY,
    ApproveCommand,
    Command,
    DeleteCommand,
    RemoveAliasCommand,
    SetAliasCommand,
)
from policies.installation.gates import Gate, Gates, Needs

ELI = replace(person("eli", "team ranking", roles="approver engineer"), user=urn("user eli"))
KIM = person("kim", "team ranking", roles="approver")
ADA = person("ada", "team ranking", roles="engineer")
OURS = {"team ranking": ["TECHNICAL"]}
V1, V2 = urn("model-version m@1"), urn("model-version m@2")


def move(version: str = V1, expected: Any = ANY, alias: str = "champion", **more: Any) -> SetAliasCommand:
    """Return the command that points an alias at a version."""
    return SetAliasCommand(urn("model m"), alias, version, expected, **more)


@pytest.fixture
def stored(memory: Memory) -> Memory:
    """Return a store with a model of two versions."""
    return seeded(memory, asset("model m", owners=OURS), asset("model-version m@1"), asset("model-version m@2"))


def hide(memory: Memory, version: str) -> None:
    """Give a version to another team, which alone may see it."""
    hidden = vertex_id("default", version)
    memory.vertices[hidden] = {**memory.vertices[hidden], "visibility": "TEAM", "ownerTeam": urn("team ads")}


def show(memory: Memory, version: str) -> None:
    """Give a version back to the team of its model."""
    hidden = vertex_id("default", version)
    memory.vertices[hidden] = {**memory.vertices[hidden], "ownerTeam": urn("team ranking")}


def aliases(memory: Memory) -> dict[str, tuple[str, bool, int]]:
    """Return version, protection and instant of each alias."""
    stored = memory.record("model m").get("aliases", {})
    return {name: (each["version"], each["protected"], each["since"]) for name, each in stored.items()}


def refusal(memory: Memory, command: Command, who: Any = ELI) -> tuple[str, tuple[str, ...]]:
    """Return code and path of a refusal."""
    (done,) = memory.run(command, who=who, now=NOW + 9)
    (error,) = done.errors
    return error.code.name, error.path


def test_an_alias_keeps_its_instant_until_it_moves(stored: Memory) -> None:
    """Protecting does not move it; the same call again changes nothing."""
    assert stored.outcomes(move(), who=ELI, now=NOW + 1) == ["UPDATED"]
    assert stored.outcomes(move(), who=ELI, now=NOW + 2) == ["UNCHANGED"]
    assert stored.outcomes(move(protected=True), who=ELI, now=NOW + 3) == ["UPDATED"]
    assert aliases(stored) == {"champion": (V1, True, NOW + 1)}
    assert stored.outcomes(move(V2), who=ELI, now=NOW + 4) == ["UPDATED"]
    assert aliases(stored) == {"champion": (V2, True, NOW + 4)}
    assert stored.record("model m")["revision"] == 4


@pytest.mark.parametrize(
    ("before", "expected", "fits"),
    [(None, None, True), (None, V1, False), (V1, None, False), (V1, V2, False), (V1, V1, True)],
)
def test_the_expected_version_is_compared(
    stored: Memory, before: str | None, expected: str | None, *, fits: bool
) -> None:
    """Null means that the alias must not be set; a mismatch is a conflict at the field."""
    if before:
        stored.run(move(before), who=ELI, now=NOW + 1)
    if fits:
        assert stored.outcomes(move(V2, expected), who=ELI, now=NOW + 2) == ["UPDATED"]
    else:
        assert refusal(stored, move(V2, expected)) == ("CONFLICT", ("expectedVersion",))


def test_an_alias_is_moved_and_opened_by_an_approver_only(stored: Memory) -> None:
    """An engineer may do neither; an approver may remove the protection."""
    stored.run(move(protected=True), who=ELI, now=NOW + 1)
    assert refusal(stored, move(protected=False), ADA)[0] == "DENIED"
    assert stored.outcomes(move(protected=False), who=ELI, now=NOW + 2) == ["UPDATED"]
    assert aliases(stored)["champion"][1] is False


@pytest.mark.parametrize("maker", ["model", "version", "request"])
def test_no_maker_removes_the_protection(memory: Memory, maker: str) -> None:
    """Without the protection no gate applies: only who registered nothing and requested no version removes it."""
    stored = seeded(memory, asset("user eli"))
    assert stored.outcomes(asset("model m", owners=OURS), who=ELI if maker == "model" else ROOT) == ["CREATED"]
    seeded(stored, asset("model-version m@1"))
    assert stored.outcomes(asset("model-version m@2"), who=ELI if maker == "version" else ROOT) == ["CREATED"]
    if maker == "request":
        run = asset("run r", {"state": "COMPLETE"}, outputs=["model-version m@2"])
        seeded(stored, run, link("STARTED_BY", "run r", "user eli"))
    stored.run(move(protected=True), who=KIM, now=NOW + 1)
    assert refusal(stored, move(protected=False)) == ("DENIED", ("protected",))
    assert stored.outcomes(move(protected=False), who=KIM, now=NOW + 2) == ["UPDATED"]


def test_who_removed_a_protection_points_no_alias_at_an_own_version(stored: Memory) -> None:
    """Also at one that was made later, by another alias or by the removed and new one; another approver does."""
    stored.run(move(protected=True), who=KIM, now=NOW + 1)
    assert stored.outcomes(move(protected=False), who=ELI, now=NOW + 2) == ["UPDATED"]
    assert stored.outcomes(asset("model-version m@3"), who=ELI, now=NOW + 3) == ["CREATED"]
    own = urn("model-version m@3")
    assert refusal(stored, move(own))[0] == "DENIED"
    assert refusal(stored, move(own, alias="other"))[0] == "DENIED"
    assert stored.outcomes(removal(), who=ELI, now=NOW + 4) == ["UPDATED"]
    assert refusal(stored, move(own))[0] == "DENIED"
    assert stored.outcomes(move(V2), who=ELI, now=NOW + 5) == ["UPDATED"]
    assert stored.outcomes(move(own), who=KIM, now=NOW + 6) == ["UPDATED"]


def test_only_a_registered_version_is_pointed_at(stored: Memory) -> None:
    """A stub, a deleted and an unknown version, and an unknown model, are refused at their field."""
    seeded(stored, link("FEEDS", "dataset d", "model-version m@3"))
    stored.run(DeleteCommand(V2), now=NOW + 1)
    assert refusal(stored, move(urn("model-version m@3"))) == ("INVALID", ("version",))
    assert refusal(stored, move(V2))[0] == "CONFLICT"
    assert refusal(stored, move(urn("model-version m@9"))) == ("NOT_FOUND", ("version",))
    unknown = SetAliasCommand(urn("model none"), "a", urn("model-version none@1"))
    assert refusal(stored, unknown) == ("NOT_FOUND", ("model",))


def test_a_model_has_at_most_a_hundred_aliases(stored: Memory) -> None:
    """The hundred-and-first name is refused, and a known one still moves."""
    for number in range(100):
        stored.run(move(alias=f"a{number}"), who=ELI, now=NOW + 1)
    assert refusal(stored, move(alias="more")) == ("INVALID", ("alias",))
    assert stored.outcomes(move(V2, alias="a7"), who=ELI, now=NOW + 2) == ["UPDATED"]


def filled(memory: Memory, who: Any, begin: str) -> Memory:
    """Return the store with a hundred aliases that a caller has set on a version which is hidden since then."""
    names = [move(V2, alias=f"{begin}{number}") for number in range(100)]
    assert memory.outcomes(*names, who=who, now=NOW + 1) == ["UPDATED"] * 100
    hide(memory, V2)
    return memory


def test_own_aliases_of_hidden_versions_count(stored: Memory) -> None:
    """Otherwise a caller could hide their version, and set others without end; one of them still moves."""
    filled(stored, ELI, "a")
    assert refusal(stored, move(alias="more")) == ("INVALID", ("alias",))
    assert stored.outcomes(move(alias="a7"), who=ELI, now=NOW + 2) == ["UPDATED"]
    assert stored.outcomes(move(alias="a7", protected=True), who=ELI, now=NOW + 3) == ["UPDATED"]
    assert len(aliases(stored)) == 100


def test_aliases_that_others_set_on_hidden_versions_do_not_count(stored: Memory) -> None:
    """A refusal would disclose that they are there, for a new alias and for one that is moved."""
    filled(stored, KIM, "k")
    names = [move(alias=f"a{number}") for number in range(100)]
    assert stored.outcomes(*names, who=ELI, now=NOW + 2) == ["UPDATED"] * 100
    seeded(stored, asset("model-version m@3"))
    assert stored.outcomes(move(urn("model-version m@3"), alias="a7"), who=ELI, now=NOW + 3) == ["UPDATED"]
    assert refusal(stored, move(alias="more")) == ("INVALID", ("alias",))


def test_a_caller_who_sees_more_aliases_than_the_maximum_moves_them(stored: Memory) -> None:
    """Callers who do not see the versions of each other can set more together; one of them moves, none is added."""
    filled(stored, KIM, "k")
    assert stored.outcomes(move(alias="a"), who=ELI, now=NOW + 2) == ["UPDATED"]
    show(stored, V2)
    assert stored.outcomes(move(alias="k7"), who=ELI, now=NOW + 3) == ["UPDATED"]
    assert refusal(stored, move(alias="more")) == ("INVALID", ("alias",))


def test_the_alias_of_another_caller_becomes_no_further_own_one(stored: Memory) -> None:
    """Two callers could otherwise set aliases in turns: one makes them, and the other moves and hides them."""
    filled(stored, ELI, "a")
    seeded(stored, asset("model-version m@3"))
    assert stored.outcomes(move(alias="k"), who=KIM, now=NOW + 2) == ["UPDATED"]
    assert refusal(stored, move(urn("model-version m@3"), alias="k")) == ("INVALID", ("alias",))
    assert stored.outcomes(move(alias="k", protected=True), who=ELI, now=NOW + 3) == ["UPDATED"]


def test_a_hidden_version_counts_as_no_version(stored: Memory) -> None:
    """An alias of a version that the caller may not see is absent for the caller, and is replaced."""
    stored.run(move(V2), who=ELI, now=NOW + 1)
    hide(stored, V2)
    assert stored.outcomes(move(V1, None), who=ELI, now=NOW + 2) == ["UPDATED"]
    assert aliases(stored)["champion"] == (V1, False, NOW + 2)


def test_the_protection_of_an_alias_of_a_hidden_version_stays(stored: Memory) -> None:
    """Who hides the version of a protected alias neither moves the alias without its gate nor removes its protection.

    The refusals do not name the hidden version. An alias that passes its gate is still protected.
    """
    stored.run(move(V2, protected=True), who=ELI, now=NOW + 1)
    stored.gates = Gates((Gate("released", Needs(("release",))),))
    hide(stored, V2)
    own = replace(ELI, subject="root")  # registered the versions
    for command, who, code in (
        (move(V1, None), ELI, "GATE_BLOCKED"),
        (move(V1, None, protected=False), ELI, "GATE_BLOCKED"),
        (move(V1, None, protected=False), own, "DENIED"),
    ):
        for dry_run in (True, False):
            (done,) = stored.run(command, who=who, now=NOW + 2, dry_run=dry_run)
            assert [error.code.name for error in done.errors] == [code]
            assert V2 not in done.errors[0].message
    assert stored.outcomes(ApproveCommand(V1, "release", "APPROVED"), who=KIM, now=NOW + 3) == ["CREATED"]
    assert stored.outcomes(move(V1, None), who=ELI, now=NOW + 4) == ["UPDATED"]
    assert aliases(stored)["champion"] == (V1, True, NOW + 4)
    assert "unprotectedBy" not in stored.record("model m")


def test_who_removes_the_protection_over_a_hidden_version_is_known(stored: Memory) -> None:
    """A new alias in its place counts as one that was protected: who set it points none at an own version later."""
    stored.run(move(V2, protected=True), who=KIM, now=NOW + 1)
    hide(stored, V2)
    assert stored.outcomes(move(V1, None, protected=False), who=ELI, now=NOW + 2) == ["UPDATED"]
    assert stored.record("model m")["unprotectedBy"] == ["eli"]


def test_the_audit_shows_version_and_protection(stored: Memory) -> None:
    """The entry is about one alias, with its reason; who set it and when is no part of it."""
    stored.run(move(), who=ELI, now=NOW + 1)
    stored.run(move(V2, reason="better"), who=ELI, now=NOW + 2)
    changes: list[Any] = [each for each in stored.vertices.values() if each.get("action") == "ALIAS_SET"]
    last = max(changes, key=lambda change: change["createdAt"])
    assert last["reason"] == "better"
    before, after = ({"version": version, "protected": False} for version in (V1, V2))
    assert last["fields"] == [{"field": "aliases", "part": "champion", "before": before, "after": after}]


def removal(expected: str | None = None, **more: Any) -> RemoveAliasCommand:
    """Return the command that removes the alias."""
    return RemoveAliasCommand(urn("model m"), "champion", expected, **more)


def test_a_removed_alias_is_gone_and_audited(stored: Memory) -> None:
    """Only the alias of the name goes; the audit has its version and the reason; a repetition changes nothing."""
    stored.run(move(), move(V2, alias="other"), who=ELI, now=NOW + 1)
    assert stored.outcomes(removal(V1, own=True, reason="gone"), who=ELI, now=NOW + 2) == ["UPDATED"]
    assert aliases(stored) == {"other": (V2, False, NOW + 1)}
    assert stored.outcomes(removal(V1, own=True), who=ELI, now=NOW + 3) == ["UNCHANGED"]
    changes: list[Any] = [each for each in stored.vertices.values() if each.get("action") == "ALIAS_SET"]
    last = max(changes, key=lambda change: change["createdAt"])
    before = {"version": V1, "protected": False}
    assert last["reason"] == "gone"
    assert last["fields"] == [{"field": "aliases", "part": "champion", "before": before, "after": None}]


@pytest.mark.parametrize(
    ("more", "who", "found"),
    [
        ({}, ADA, ("DENIED", ("model",))),
        ({"expected": V2}, ELI, ("CONFLICT", ("expectedVersion",))),
        ({"own": True}, KIM, ("CONFLICT", ("setByMe",))),
    ],
)
def test_an_alias_of_others_is_not_removed(
    stored: Memory, more: dict[str, Any], who: Any, found: tuple[str, tuple[str, ...]]
) -> None:
    """The right to promote is required, and what the caller expects; the alias remains."""
    stored.run(move(), who=ELI, now=NOW + 1)
    assert refusal(stored, removal(**more), who) == found
    assert aliases(stored) == {"champion": (V1, False, NOW + 1)}


def test_a_protected_alias_is_not_removed(stored: Memory) -> None:
    """Its protection is removed first, which an approver alone may do."""
    stored.run(move(protected=True), who=ELI, now=NOW + 1)
    assert refusal(stored, removal()) == ("CONFLICT", ("alias",))
    stored.run(move(protected=False), who=ELI, now=NOW + 2)
    assert stored.outcomes(removal(), who=ELI, now=NOW + 3) == ["UPDATED"]


def test_an_alias_of_a_hidden_version_is_not_removed(stored: Memory) -> None:
    """It is absent for the caller, also under a version that it does not point at."""
    stored.run(move(V2), who=ELI, now=NOW + 1)
    hide(stored, V2)
    assert stored.outcomes(removal(), removal(V1), who=ELI, now=NOW + 2) == ["UNCHANGED", "UNCHANGED"]
    assert aliases(stored)["champion"][0] == V2
