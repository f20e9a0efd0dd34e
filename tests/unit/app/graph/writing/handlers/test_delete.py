"""Soft deletion with children, what is in use, and restoration."""

from dataclasses import replace
from typing import Any

import pytest
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, link, person, urn

from app.graph.writing.unit.visibility import CallerVisibility
from graphql_schema.ports.commands import DeleteCommand, RestoreCommand, SetAliasCommand
from graphql_schema.ports.record import Record
from policies.decision import Decision

ADA = person("ada", "team ranking", roles="engineer")
OURS, THEIRS = {"team ranking": ["TECHNICAL"]}, {"team ads": ["TECHNICAL"]}


def delete(text: str, **more: Any) -> DeleteCommand:
    """Return the deletion of an asset."""
    return DeleteCommand(urn(text), **more)


def restore(text: str) -> RestoreCommand:
    """Return the restoration of an asset."""
    return RestoreCommand(urn(text))


def deleted(memory: Memory, *texts: str) -> list[bool]:
    """Return which assets are deleted."""
    return ["deletedAt" in memory.record(text) for text in texts]


def message(memory: Memory, command: DeleteCommand | RestoreCommand, who: Any = ADA) -> tuple[str, str]:
    """Return the code and message of a refusal."""
    (done,) = memory.run(command, who=who, now=NOW + 1)
    (error,) = done.errors
    return error.code.name, error.message


@pytest.fixture
def model(memory: Memory) -> Memory:
    """Return a store with a model of two versions, one of which was deleted before."""
    seeded(memory, asset("model m", owners=OURS), asset("model-version m@1"), asset("model-version m@2"))
    memory.run(delete("model-version m@2"), now=NOW + 1)
    return memory


def test_children_are_deleted_and_restored_with_their_parent(model: Memory) -> None:
    """A child that was deleted before stays deleted."""
    (done,) = model.run(delete("model m"), who=ADA, now=NOW + 2)
    assert (done.outcome.name, done.revision) == ("UPDATED", 2)
    assert deleted(model, "model m", "model-version m@1", "model-version m@2") == [True, True, True]
    assert model.record("model-version m@1")["deletedWith"] == urn("model m")
    assert model.outcomes(restore("model m"), who=ADA, now=NOW + 3) == ["UPDATED"]
    assert deleted(model, "model m", "model-version m@1", "model-version m@2") == [False, False, True]
    assert "deletedWith" not in model.record("model-version m@1")


def test_few_children_are_deleted_with_their_parent(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """All writers wait while they are, so more must be deleted before; the error explains that."""
    monkeypatch.setattr("app.graph.writing.handlers.delete.MAX_TOGETHER", 3)
    versions = [f"model-version m@{number}" for number in range(3)]
    seeded(memory, asset("model m", owners=OURS), *map(asset, versions))
    code, text = message(memory, delete("model m"))
    assert code == "LIMIT_EXCEEDED"
    assert "has more than 2 versions or features, the maximum that is deleted with it" in text
    assert memory.outcomes(delete(versions[0]), delete("model m"), who=ADA, now=NOW + 2) == ["UPDATED", "UPDATED"]
    assert deleted(memory, "model m", *versions) == [True] * 4


def test_few_of_many_children_are_decided_about(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of thousands of versions that differ, each decision takes 0.2 ms, in vain once there are too many of them.

    Versions that were deleted before do not count.
    """
    monkeypatch.setattr("app.graph.writing.handlers.delete.MAX_TOGETHER", 3)
    versions = [f"model-version m@{number}" for number in range(20)]
    seeded(memory, asset("model m", owners=OURS), *map(asset, versions))
    decided = list[str]()
    allows = CallerVisibility.allows

    def counting(visibility: CallerVisibility, action: str, record: Record) -> Decision:
        decided.append(record["id"])
        return allows(visibility, action, record)

    monkeypatch.setattr(CallerVisibility, "allows", counting)
    assert message(memory, delete("model m", despite_others=True))[0] == "LIMIT_EXCEEDED"
    assert len(decided) < 6
    assert {*memory.outcomes(*map(delete, versions[2:]), who=ADA, now=NOW + 2)} == {"UPDATED"}
    assert memory.outcomes(delete("model m", despite_others=True), who=ADA, now=NOW + 3) == ["UPDATED"]
    assert deleted(memory, "model m", *versions) == [True] * 21


def test_many_children_that_differ_are_not_decided_about(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that the caller may not delete would take 0.2 ms each, while all writers wait."""
    monkeypatch.setattr("app.graph.writing.handlers.delete.MAX_DIFFERENT", 2)
    states = ("DRAFT", "ACTIVE", "DEPRECATED")
    versions = [f"model-version m@{each}" for each in states]
    items = (asset(version, {"stage": stage}) for version, stage in zip(versions, states, strict=True))
    seeded(memory, asset("model m", owners=OURS), *items)
    code, text = message(memory, delete("model m", despite_others=True))
    assert (code, "differ in owner" in text) == ("LIMIT_EXCEEDED", True)
    assert memory.outcomes(delete(versions[0]), delete("model m"), who=ADA, now=NOW + 2) == ["UPDATED", "UPDATED"]


def test_a_child_of_others_keeps_no_parent(memory: Memory) -> None:
    """Bo's version, registered before the model had an owner, denies a deletion; despite others it stays as it is."""
    bo = person("bo", "team ads", roles="engineer")
    assert memory.outcomes(asset("model-version m@1", owners=THEIRS), who=bo) == ["CREATED"]
    seeded(memory, asset("model m", owners=OURS), asset("model-version m@2"))
    assert message(memory, delete("model m"))[0] == "DENIED"
    assert memory.outcomes(delete("model m", despite_others=True), who=ADA, now=NOW + 2) == ["UPDATED"]
    group = ("model m", "model-version m@1", "model-version m@2")
    assert deleted(memory, *group) == [True, False, True]
    assert memory.outcomes(restore("model m"), who=ADA, now=NOW + 3) == ["UPDATED"]
    assert deleted(memory, *group) == [False, False, False]


def test_repeating_changes_nothing(model: Memory) -> None:
    """A deleted asset is not deleted again, and a present one is not restored."""
    assert model.outcomes(delete("model-version m@2"), restore("model m"), now=NOW + 2) == ["UNCHANGED", "UNCHANGED"]
    assert not model.dirty


def test_a_child_is_not_restored_below_a_deleted_parent(model: Memory) -> None:
    """The parent comes first, and the message names it."""
    model.run(delete("model m"), now=NOW + 2)
    code, text = message(model, restore("model-version m@1"))
    assert code == "CONFLICT"
    assert text == f"The parent {urn('model m')} of {urn('model-version m@1')} is deleted; restore the parent first."


def test_who_may_register_no_version_below_a_model_restores_none_there(memory: Memory) -> None:
    """Ads owned a version before ranking had registered the model. An administrator deleted it, and it stays so."""
    bo = person("bo", "team ads", roles="engineer")
    assert memory.outcomes(asset("model-version m@9", owners=THEIRS), who=bo) == ["CREATED"]
    assert memory.outcomes(asset("model m", owners=OURS), who=ADA) == ["CREATED"]
    assert memory.outcomes(delete("model-version m@9")) == ["UPDATED"]
    (done,) = memory.run(restore("model-version m@9"), who=bo, now=NOW + 1)
    assert [error.code.name for error in done.errors] == ["DENIED"]
    assert memory.outcomes(restore("model-version m@9"), now=NOW + 2) == ["UPDATED"]


def test_a_deletion_checks_the_revision_and_the_right(model: Memory) -> None:
    """Another revision is a conflict, another team is denied, and an unknown asset is not found."""
    assert message(model, delete("model m", expected_revision=9))[0] == "CONFLICT"
    assert message(model, delete("model m"), person("bo", "team ads", roles="engineer"))[0] == "DENIED"
    assert message(model, delete("model none"))[0] == "NOT_FOUND"
    assert deleted(model, "model m") == [False]


@pytest.mark.parametrize(
    ("values", "blocks"),
    [({}, True), ({"stage": "RETIRED"}, False), ({"stage": "DEPRECATED"}, True), ("deleted", False)],
)
def test_a_live_consumer_blocks_the_deletion(memory: Memory, values: Any, *, blocks: bool) -> None:
    """A retired or deleted consumer uses nothing."""
    given = {} if values == "deleted" else values
    consumer = asset("model m", given, owners=OURS)
    seeded(memory, asset("dataset d", owners=OURS), consumer, link("FEEDS", "dataset d", "model m"))
    if values == "deleted":
        memory.run(delete("model m"), now=NOW + 1)
    if blocks:
        code, text = message(memory, delete("dataset d"))
        assert code == "CONFLICT"
        assert text == f"{urn('dataset d')} is in use: {urn('model m')} (FEEDS); end or retire these first."
    else:
        assert memory.outcomes(delete("dataset d"), who=ADA, now=NOW + 2) == ["UPDATED"]


def test_uses_within_the_group_and_finished_runs_do_not_block(memory: Memory) -> None:
    """A model that its own version is based on, and a run that has read the data, are no obstacle."""
    seeded(
        memory,
        asset("model m", owners=OURS),
        asset("model-version m@1"),
        asset("model-version m@2"),
        link("BASE_OF", "model-version m@1", "model-version m@2"),
        asset("dataset d", owners=OURS),
        asset("run r", {"state": "COMPLETE"}, inputs=["dataset d"]),
    )
    assert memory.outcomes(delete("model m"), delete("dataset d"), who=ADA, now=NOW + 1) == ["UPDATED", "UPDATED"]


def test_a_hidden_consumer_does_not_block(memory: Memory) -> None:
    """A conflict would disclose the consumer, and a deletion can be restored."""
    seeded(
        memory,
        asset("dataset d", owners=OURS),
        asset("model m", {"visibility": "TEAM"}, owners=THEIRS),
        link("FEEDS", "dataset d", "model m"),
    )
    assert message(memory, delete("dataset d"), person("root", roles="admin"))[0] == "CONFLICT"
    assert memory.outcomes(delete("dataset d"), who=ADA, now=NOW + 1) == ["UPDATED"]


def test_a_hidden_status_is_no_use(memory: Memory) -> None:
    """A draft deployment of others hides its status: whether it is ACTIVE does not decide what ada may do."""
    seeded(memory, asset("model m", owners=OURS), asset("model-version m@1"))
    for status, text in (("ACTIVE", "a"), ("INACTIVE", "b")):
        draft = asset(f"deployment {text}", {"stage": "DRAFT", "status": status}, owners=THEIRS)
        seeded(memory, draft, link("DEPLOYED_AS", "model-version m@1", f"deployment {text}"))
    assert memory.outcomes(delete("model-version m@1"), who=ADA, now=NOW + 1) == ["UPDATED"]
    seeded(memory, asset("deployment c", {"status": "ACTIVE"}, owners=THEIRS), asset("model-version m@2"))
    seeded(memory, link("DEPLOYED_AS", "model-version m@2", "deployment c"))
    assert message(memory, delete("model-version m@2"))[0] == "CONFLICT"


def test_an_alias_of_a_remaining_model_blocks_its_version(memory: Memory) -> None:
    """The version of an alias is in use, unless the model is deleted with it."""
    seeded(memory, asset("model m", owners=OURS), asset("model-version m@1"))
    eli = person("eli", "team ranking", roles="approver")
    pointed = SetAliasCommand(urn("model m"), "champion", urn("model-version m@1"))
    assert memory.outcomes(pointed, who=eli, now=NOW + 1) == ["UPDATED"]
    assert "the alias 'champion' of its model points at it" in message(memory, delete("model-version m@1"))[1]
    assert memory.outcomes(delete("model m"), who=ADA, now=NOW + 2) == ["UPDATED"]


def test_a_message_names_five_uses_and_counts_the_rest(memory: Memory) -> None:
    """The message stays short, however many assets use this one."""
    seeded(memory, asset("dataset d", owners=OURS), *(link("FEEDS", "dataset d", f"model m{n}") for n in range(8)))
    _, text = message(memory, delete("dataset d"))
    assert text.count("(FEEDS)") == 5
    assert text.endswith(" and 3 more; set `despiteOthers` of `deleteAsset` to ignore these.")


ROOT = person("root", roles="admin")


@pytest.mark.parametrize(
    ("who", "owners", "is_kept"),
    [
        (ADA, THEIRS, False),
        (ADA, {}, False),
        (ADA, OURS, True),
        (replace(ADA, user=urn("user ada")), {"user ada": ["TECHNICAL"]}, True),
        (ROOT, THEIRS, False),
        (ROOT, {}, False),
        (ROOT, OURS, True),
        (person("root", "team ads", roles="admin"), THEIRS, True),
    ],
)
def test_what_others_use_keeps_no_asset(memory: Memory, who: Any, owners: Any, *, is_kept: bool) -> None:
    """Only consumers of the owner of the asset, or of the caller, keep it despite others.

    Any engineer may register a consumer without an owner, and an administrator may change the assets of all.
    """
    seeded(memory, asset("user ada"), asset("dataset d", owners=OURS), asset("report r", owners=owners))
    seeded(memory, link("FEEDS", "dataset d", "report r"))
    assert message(memory, delete("dataset d"), who)[0] == "CONFLICT"
    if is_kept:
        code, text = message(memory, delete("dataset d", despite_others=True), who)
        assert code == "CONFLICT"
        assert text == f"{urn('dataset d')} is in use: {urn('report r')} (FEEDS); end or retire these first."
    else:
        assert memory.outcomes(delete("dataset d", despite_others=True), who=who, now=NOW + 2) == ["UPDATED"]


def test_consumers_without_owners_keep_no_asset_without_an_owner(memory: Memory) -> None:
    """An administrator deletes an unowned asset despite them: no owner is not an owner that both have."""
    seeded(memory, asset("dataset d"), asset("report r"), link("FEEDS", "dataset d", "report r"))
    assert message(memory, delete("dataset d"), ROOT)[0] == "CONFLICT"
    assert memory.outcomes(delete("dataset d", despite_others=True), now=NOW + 2) == ["UPDATED"]


def test_a_child_of_others_and_its_consumer_keep_no_parent_from_an_administrator(memory: Memory) -> None:
    """The owner of the asset to delete decides what is of others, also for the uses of its children."""
    bo = person("bo", "team ads", roles="engineer")
    assert memory.outcomes(asset("model-version m@1", owners=THEIRS), who=bo) == ["CREATED"]
    seeded(memory, asset("model m", owners=OURS), asset("deployment x", {"status": "ACTIVE"}, owners=THEIRS))
    seeded(memory, link("DEPLOYED_AS", "model-version m@1", "deployment x"))
    assert memory.outcomes(delete("model m", despite_others=True), now=NOW + 2) == ["UPDATED"]
    assert deleted(memory, "model m", "model-version m@1") == [True, True]
