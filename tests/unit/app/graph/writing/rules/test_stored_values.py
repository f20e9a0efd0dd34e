"""Values of an asset are checked as they are stored together, also if several calls give them."""

from collections.abc import Sequence
from typing import Any
from unittest.mock import Mock

import pytest
from strawberry import ID
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, person, urn

from app.graph.records.vertex_id import vertex_id
from app.graph.writing.rules import stored_values
from app.graph.writing.rules.stored_values import MAX_RECORD
from app.graph.writing.unit.visibility import CallerVisibility
from graphql_schema.catalog.free_properties import ENDED
from graphql_schema.catalog.relations import TAGGED
from graphql_schema.governance.tags import SetTagsInput, _tags_command
from graphql_schema.ports.commands import (
    Command,
    DeclaredEdges,
    DeleteCommand,
    ObserveCommand,
    ObservedValue,
    RegisterCommand,
    RevertCommand,
)

ADA = person("ada", "team ranking", roles="engineer")
OURS = {"team ranking": ["TECHNICAL"]}
THEIRS = {"team ads": ["TECHNICAL"]}
RUN = {"state": "COMPLETE"}


def stored(memory: Memory, **values: Any) -> Memory:
    """Return a store with a run that has these values."""
    return seeded(memory, asset("run r", RUN | values, owners=OURS))


@pytest.mark.parametrize(
    ("kind", "before", "given", "message"),
    [
        ("run", {"startedAt": 20}, {"endedAt": 10}, "`endedAt` is before `startedAt`"),
        ("run", {"endedAt": 10}, {"startedAt": 20}, "`endedAt` is before `startedAt`"),
        ("experiment", {"startedAt": 20}, {"endedAt": 10}, "`endedAt` is before `startedAt`"),
        ("deployment", {"deployedAt": 20}, {"retiredAt": 10}, "`retiredAt` is before `deployedAt`"),
    ],
)
def test_an_end_before_the_stored_begin_is_refused(
    memory: Memory, kind: str, before: dict[str, Any], given: dict[str, Any], message: str
) -> None:
    """The error is at the given field and nothing is written; equal instants are accepted."""
    ((there, at),), ((field, _),) = before.items(), given.items()
    seeded(memory, asset(f"{kind} a", {**RUN, **before}, owners=OURS))
    (done,) = memory.run(asset(f"{kind} a", given), who=ADA, now=NOW + 1)
    (error,) = done.errors
    assert (error.code.name, error.path, memory.dirty) == ("INVALID", (field,), False)
    assert error.message == f"{message}; correct one of them. The stored values count as well."
    assert memory.outcomes(asset(f"{kind} a", {field: at}), who=ADA, now=NOW + 2) == ["UPDATED"]
    assert memory.record(f"{kind} a")[there] == at


def test_a_revert_restores_no_end_before_a_begin(memory: Memory) -> None:
    """A begin that was corrected to an earlier instant is not restored once the run ended before the former one."""
    stored(memory, startedAt=20)
    memory.run(asset("run r", {"startedAt": 5}), who=ADA, now=NOW + 1)
    changes: list[Any] = [each for each in memory.vertices.values() if each.get("subject") == urn("run r")]
    change = max(changes, key=lambda each: each["createdAt"])["id"]
    memory.run(asset("run r", {"endedAt": 10}), who=ADA, now=NOW + 2)
    (done,) = memory.run(RevertCommand(change), who=ADA, now=NOW + 3)
    assert [(error.code.name, error.path) for error in done.errors] == [("INVALID", ("change",))]
    assert memory.record("run r")["startedAt"] == 5


def test_values_in_the_wrong_order_bind_no_other_change(memory: Memory) -> None:
    """A run that was stored so may change otherwise and be corrected; another wrong instant is refused."""
    stored(memory, startedAt=20)
    vid = vertex_id("default", urn("run r"))
    memory.vertices[vid] = {**memory.vertices[vid], "endedAt": 10}
    assert memory.outcomes(asset("run r", {"description": "x"}), who=ADA, now=NOW + 1) == ["UPDATED"]
    assert memory.outcomes(asset("run r", {"endedAt": 10}), who=ADA, now=NOW + 1) == ["UNCHANGED"]
    assert memory.outcomes(asset("run r", {"endedAt": 11}), who=ADA, now=NOW + 1) == ["INVALID"]
    assert memory.outcomes(asset("run r", {"endedAt": 21}), who=ADA, now=NOW + 2) == ["UPDATED"]


def test_an_event_is_not_refused(memory: Memory) -> None:
    """Clocks of senders differ, and an event has more to say than when it was."""
    stored(memory, startedAt=20)
    event = ObserveCommand(urn("run r"), "r", (ObservedValue("endedAt", 10, (10,)),))
    assert memory.outcomes(event, who=ADA, now=NOW + 1) == ["UPDATED"]
    assert memory.record("run r")["endedAt"] == 10


def test_a_hidden_instant_decides_nothing(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal would disclose that a begin is stored, and where it lies."""
    stored(memory, startedAt=20)
    monkeypatch.setattr(CallerVisibility, "unknown_fields", lambda _self, _record: frozenset({"startedAt"}))
    assert memory.outcomes(asset("run r", {"endedAt": 10}), who=ADA, now=NOW + 1) == ["UPDATED"]
    assert memory.outcomes(asset("run r", {"startedAt": 12}), who=ADA, now=NOW + 2) == ["INVALID"]


def test_the_values_of_several_items_are_bounded_together(memory: Memory) -> None:
    """A record that is too large is refused, whichever command makes it; a stored one may shrink, or be deleted."""
    half = "x" * (MAX_RECORD // 2)
    seeded(memory, asset("run r", {**RUN, "description": half}, owners=OURS))
    for command in (asset("run r", {**RUN, "error": half}), observed("error", half)):
        (done,) = memory.run(command, who=ADA, now=NOW + 1)
        (error,) = done.errors
        assert (error.code.name, memory.dirty) == ("INVALID", False)
        assert f"would take more than {MAX_RECORD} bytes together" in error.message
    assert memory.outcomes(asset("run s", {**RUN, "error": half, "codeRef": half}), who=ADA, now=NOW + 1) == ["INVALID"]
    large = {**memory.record("run r"), "error": half, "codeRef": half}
    memory.vertices[vertex_id("default", urn("run r"))] = large
    assert memory.outcomes(asset("run r", {**RUN, "codeRef": "x"}), who=ADA, now=NOW + 1) == ["UPDATED"]
    memory.vertices[vertex_id("default", urn("run r"))] = large
    assert memory.outcomes(DeleteCommand(urn("run r")), who=ADA, now=NOW + 1) == ["UPDATED"]


def test_the_size_of_a_hidden_value_decides_nothing(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal would disclose how long it is; a value that the caller gives counts, also in a hidden field."""
    half = "x" * (MAX_RECORD // 2)
    stored(memory, error=half)
    assert memory.outcomes(asset("run r", {"description": half}), who=ADA, now=NOW + 1) == ["INVALID"]
    monkeypatch.setattr(CallerVisibility, "unknown_fields", lambda _self, _record: frozenset({"error"}))
    assert memory.outcomes(asset("run r", {"description": half}), who=ADA, now=NOW + 1) == ["UPDATED"]
    assert memory.outcomes(asset("run r", {"error": half + "y"}), who=ADA, now=NOW + 2) == ["INVALID"]


def test_many_small_changes_do_not_pass_the_limit(memory: Memory) -> None:
    """Each of them adds some hundred bytes to a text."""
    seeded(memory, asset("run r", {**RUN, "description": "x" * (MAX_RECORD - 1_000)}, owners=OURS))
    items = [asset("run r", {**RUN, "codeRef": "y" * 400 * step}) for step in range(1, 6)]
    assert memory.outcomes(*items, who=ADA, now=NOW + 1) == ["UPDATED"] * 2 + ["INVALID"] * 3


def observed(field: str, value: str) -> ObserveCommand:
    """Return a command by which an event gives a value of the run."""
    return ObserveCommand(urn("run r"), "r", (ObservedValue(field, value, (1,), ""),), ())


HUNDRED = [f"tag t{number:03}" for number in range(100)]


def set_tags(add: Sequence[str] = (), block: Sequence[str] = (), remove: Sequence[str] = ()) -> RegisterCommand:
    """Return the command of `setTags` for the dataset."""
    given = SetTagsInput(asset=ID(urn("dataset d")), add=ids(add), block=ids(block), remove=ids(remove))
    return _tags_command(given)


def ids(tags: Sequence[str]) -> list[ID]:
    """Return the ids of tags."""
    return [ID(urn(each)) for each in tags]


def event_tags(tags: Sequence[str]) -> ObserveCommand:
    """Return the command by which an event gives the tags of the dataset."""
    targets: dict[str, Any] = {urn(each): {} for each in tags}
    value = ObservedValue("tags", [[each, {}] for each in targets], (1,))
    edges = DeclaredEdges(TAGGED.out(), "OpenLineage.tags", targets)
    return ObserveCommand(urn("dataset d"), "d", (value,), (edges,))


@pytest.mark.parametrize(
    ("command", "path"),
    [
        (asset("dataset d", tags=[*HUNDRED, "tag more"]), "tags"),
        (set_tags(["tag more"]), "add"),
        (event_tags(["tag more"]), "tags"),
    ],
)
def test_an_asset_has_a_hundred_tags(memory: Memory, command: Command, path: str) -> None:
    """The next one is refused, by whatever call; one in place of another is accepted."""
    seeded(memory, asset("dataset d", owners=OURS, tags=HUNDRED))
    (done,) = memory.run(command, who=ADA, now=NOW + 1)
    assert [(error.code.name, error.path) for error in done.errors] == [("INVALID", (path,))]
    assert "More than 100 tags would be set on mlg://dataset/test/default/d" in done.errors[0].message
    assert memory.dirty is False
    assert memory.outcomes(set_tags(HUNDRED), who=ADA, now=NOW + 1) == ["UNCHANGED"]
    assert memory.outcomes(set_tags(["tag more"], remove=HUNDRED[:1]), who=ADA, now=NOW + 2) == ["UPDATED"]
    assert memory.outcomes(asset("dataset d", tags=["tag x", *HUNDRED[1:]]), who=ADA, now=NOW + 3) == ["UPDATED"]
    assert len(memory.record("dataset d")["index"]["tags"]) == 100


def test_a_new_asset_has_no_more(memory: Memory) -> None:
    """A first registration is bounded like the next one, and so are several of one call together."""
    owned = asset("dataset d", owners=OURS, tags=[*HUNDRED, "tag more"])
    assert memory.outcomes(owned, who=ADA) == ["INVALID"]
    halves = [set_tags(HUNDRED[:60]), set_tags(HUNDRED[60:]), set_tags(["tag more"])]
    assert memory.outcomes(asset("dataset d", owners=OURS), *halves, who=ADA) == [
        "CREATED",
        *["UPDATED"] * 2,
        "INVALID",
    ]


def test_a_revert_restores_no_more(memory: Memory) -> None:
    """Tags that were removed come back only once others are removed."""
    seeded(memory, asset("dataset d", owners=OURS, tags=HUNDRED))
    memory.run(set_tags(remove=HUNDRED[:2]), who=ADA, now=NOW + 1)
    changes: list[Any] = [each for each in memory.vertices.values() if each.get("subject") == urn("dataset d")]
    change = max(changes, key=lambda each: each["createdAt"])["id"]
    memory.run(set_tags(["tag x"]), who=ADA, now=NOW + 2)
    (done,) = memory.run(RevertCommand(change), who=ADA, now=NOW + 3)
    assert [(error.code.name, error.path) for error in done.errors] == [("INVALID", ("change",))]
    memory.run(set_tags(remove=["tag x"]), who=ADA, now=NOW + 4)
    assert memory.outcomes(RevertCommand(change), who=ADA, now=NOW + 5) == ["UPDATED"]
    assert len(memory.record("dataset d")["index"]["tags"]) == 100


def test_a_hundred_tags_are_blocked(memory: Memory) -> None:
    """The tags that an asset blocks have the same bound, and count apart from those that are set."""
    seeded(memory, asset("dataset d", owners=OURS, tags=HUNDRED))
    blocked = [f"tag b{number}" for number in range(101)]
    assert memory.outcomes(set_tags(block=blocked[:100]), who=ADA, now=NOW + 1) == ["UPDATED"]
    (done,) = memory.run(set_tags(block=blocked[100:]), who=ADA, now=NOW + 2)
    assert [(error.code.name, error.path) for error in done.errors] == [("INVALID", ("block",))]
    assert memory.outcomes(set_tags(block=blocked[100:], remove=blocked[:1]), who=ADA, now=NOW + 3) == ["UPDATED"]
    assert memory.outcomes(set_tags(block=HUNDRED[:1]), who=ADA, now=NOW + 4) == ["INVALID"]


def test_propagated_tags_do_not_count(memory: Memory) -> None:
    """Only administrators decide which tags propagate; one that is also set counts."""
    seeded(memory, asset("dataset d", owners=OURS, tags=HUNDRED))
    for each in HUNDRED[:2]:
        key = ("TAGGED", vertex_id("default", urn("dataset d")), vertex_id("default", urn(each)))
        memory.edges[key] = {**memory.edges[key], "mode": "PROPAGATED", "by": ["propagation"], "steps": 1, "via": "x"}
    assert memory.outcomes(set_tags(["tag more"]), who=ADA, now=NOW + 1) == ["UPDATED"]
    assert memory.outcomes(set_tags(HUNDRED[:2]), who=ADA, now=NOW + 2) == ["INVALID"]
    assert memory.outcomes(set_tags(HUNDRED[:1]), who=ADA, now=NOW + 3) == ["UPDATED"]


def test_an_asset_of_an_earlier_release_keeps_its_tags(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may change otherwise, repeat its tags and lose some of them; only a further one is refused."""
    many = [f"tag m{number}" for number in range(150)]
    with monkeypatch.context() as earlier:
        earlier.setattr(stored_values, "MAX_TAGS", 1_000)
        seeded(memory, asset("dataset d", owners=OURS, tags=many))
    steps: list[tuple[Command, str]] = [
        (asset("dataset d", {"description": "x"}), "UPDATED"),
        (asset("dataset d", tags=many), "UNCHANGED"),
        (event_tags(many[:60]), "UPDATED"),
        (asset("dataset d", tags=many[60:]), "UPDATED"),
        (set_tags(["tag more"]), "INVALID"),
        (set_tags(["tag more"], remove=many[:1]), "INVALID"),
        (set_tags(remove=many[:50]), "UPDATED"),
        (set_tags(["tag more"], remove=many[50:51]), "UPDATED"),
    ]
    for after, (command, outcome) in enumerate(steps, 1):
        assert memory.outcomes(command, who=ADA, now=NOW + after) == [outcome]
    assert len(memory.record("dataset d")["index"]["tags"]) == 100


def test_tags_that_the_caller_does_not_know_do_not_count(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal would disclose that others put hidden tags on the asset."""
    seeded(memory, asset("dataset d", owners=OURS, tags=HUNDRED))
    hidden = {vertex_id("default", urn(each)) for each in HUNDRED}
    monkeypatch.setattr(CallerVisibility, "has_hidden_end", lambda _self, key: key[2] in hidden)
    assert memory.outcomes(set_tags(HUNDRED[:2]), who=ADA, now=NOW + 1) == ["UPDATED"]
    assert memory.outcomes(set_tags(["tag more"]), who=ADA, now=NOW + 2) == ["UPDATED"]


def test_the_ids_of_tags_count_as_values(memory: Memory) -> None:
    """So the largest record with a hundred of the longest ids stays within the same size."""
    long = [f"tag {number:03}{'t' * 400}" for number in range(100)]
    for first, second in ((0, 1), (1, 0)):
        name = f"dataset d{first}"
        items = [asset(name, {"description": "x" * (MAX_RECORD - 20_000)}), asset(name, tags=long)]
        assert memory.outcomes(items[first], items[second]) == ["CREATED", "INVALID"]
    small = asset("dataset e", {"description": "x" * (MAX_RECORD - 50_000)}, tags=long)
    assert memory.outcomes(small) == ["CREATED"]


def test_hidden_runs_do_not_count_for_the_size_of_a_version(memory: Memory) -> None:
    """A version whose values just fit may name runs, hidden or absent; of hidden ones, no more than 100 are kept."""
    hidden, absent = ([f"run {word}{number}" for number in range(101)] for word in ("hidden", "absent"))
    seeded(memory, *(asset(each, {"state": "COMPLETE", "visibility": "TEAM"}, owners=THEIRS) for each in hidden))
    values = {"description": "d" * 50_000, "framework": "f" * 49_900}
    for number, names in ((7, hidden), (8, absent)):
        item = asset(f"model-version m@{number}", values, producedBy=names)
        assert memory.outcomes(item, who=ADA, now=NOW + 1) == ["CREATED"]
    assert len(memory.record("model-version m@7")["namedRuns"]) == 100


SOURCES = [{"dataset": urn(f"dataset s{number}"), "column": "c"} for number in range(50)]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("model m", {"aliases": {f"a{number}": {"version": urn("model-version m@1")} for number in range(50)}}),
        ("model m", {"weakenedBy": ["g" * 300], "unprotectedBy": ["p" * 300]}),
        ("run r", {"givenBy": {"error": "g" * 300}}),
        ("dataset d", {"columns": [{"name": "c", "derivedFrom": SOURCES}]}),
    ],
    ids=["aliases", "approvers", "givers", "sources"],
)
def test_the_size_of_what_may_be_hidden_within_a_value_decides_nothing(
    memory: Memory, name: str, values: dict[str, Any]
) -> None:
    """The aliases of hidden versions and their like leave as many bytes as if they were not stored."""
    seeded(memory, asset(name, RUN if name == "run r" else {}, owners=OURS))
    vid = vertex_id("default", urn(name))
    memory.vertices[vid] = {**memory.vertices[vid], **values}
    fits = "x" * (MAX_RECORD - len('""'))
    assert memory.outcomes(asset(name, {"description": fits + "x"}), who=ADA, now=NOW + 1) == ["INVALID"]
    assert memory.outcomes(asset(name, {"description": fits}), who=ADA, now=NOW + 1) == ["UPDATED"]


def test_columns_count_without_their_sources(memory: Memory) -> None:
    """Their names and descriptions count, also those that an item gives; its sources do not."""
    seeded(memory, asset("dataset d", {"description": "x" * (MAX_RECORD // 2)}, owners=OURS))
    for length, outcome in ((MAX_RECORD // 2, "INVALID"), (MAX_RECORD // 2 - 100, "UPDATED")):
        columns = [{"name": "c", "description": "y" * length, "derivedFrom": SOURCES}]
        assert memory.outcomes(asset("dataset d", {"columns": columns}), who=ADA, now=NOW + 1) == [outcome]


def with_properties(count: int, *others: str) -> dict[str, Any]:
    """Return values with this many free properties, and others with these keys."""
    keys = [*(f"k{number:03}" for number in range(count)), *others]
    return {"properties": [{"key": key, "value": "x"} for key in keys]}


def owned_by(count: int) -> RegisterCommand:
    """Return a registration with this many owners."""
    return asset("run r", RUN, owners={f"team t{number}": ["TECHNICAL"] for number in range(count)})


def named(words: int) -> RegisterCommand:
    """Return a registration with a display name of ideographs, each of which is a word."""
    return asset("run r", RUN | {"displayName": "".join(chr(0x4E00 + number) for number in range(words))})


@pytest.mark.parametrize(
    ("most", "more", "field"),
    [
        (asset("run r", RUN | with_properties(500)), asset("run r", RUN | with_properties(501)), "properties"),
        (owned_by(100), owned_by(101), "owners"),
        (named(497), named(498), "displayName"),
    ],
    ids=["properties", "owners", "words"],
)
def test_an_asset_has_a_maximal_number_of_indexed_values(
    memory: Memory, most: RegisterCommand, more: RegisterCommand, field: str
) -> None:
    """One more than the maximum is INVALID at its field, for a new asset and a stored one; the maximum is accepted."""
    for at in range(2):
        (done,) = memory.run(more, now=NOW + at)
        (error,) = done.errors
        assert (error.code.name, error.path, memory.dirty) == ("INVALID", (field,), False)
        assert "; the limit is " in error.message
        assert memory.outcomes(most, now=NOW + at) == [("CREATED", "UNCHANGED")[at]]


def test_a_long_name_of_few_words_is_accepted(memory: Memory) -> None:
    """The words count, and not the characters."""
    assert memory.outcomes(asset("run r", RUN | {"displayName": "word " * 200 + "x"})) == ["CREATED"]


def test_the_words_of_names_that_stay_are_not_found_again(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A set may have hundreds of members with long names, which a change of their owner does not touch."""
    assert memory.outcomes(named(497)) == ["CREATED"]
    monkeypatch.setattr(stored_values, "name_terms", Mock(side_effect=AssertionError))
    assert memory.outcomes(asset("run r", {"codeRef": "a"}), now=NOW + 1) == ["UPDATED"]
    with pytest.raises(AssertionError):
        memory.outcomes(named(496), now=NOW + 2)


def test_what_an_earlier_release_stored_stays_and_gets_no_more(memory: Memory) -> None:
    """An asset with more properties than the maximum is changed, with fewer or as many of them, and not with more."""
    stored(memory)
    vid = vertex_id("default", urn("run r"))
    memory.vertices[vid] = {**memory.vertices[vid], **with_properties(600)}
    assert memory.outcomes(asset("run r", {"codeRef": "a"}), now=NOW + 1) == ["UPDATED"]
    assert memory.outcomes(asset("run r", with_properties(599, "other")), now=NOW + 2) == ["UPDATED"]
    assert memory.outcomes(asset("run r", with_properties(601)), now=NOW + 3) == ["INVALID"]
    assert memory.outcomes(asset("run r", with_properties(550)), now=NOW + 4) == ["UPDATED"]
    assert memory.outcomes(asset("run r", with_properties(551)), now=NOW + 5) == ["INVALID"]


def test_an_import_ends_an_asset_with_the_maximal_number_of_properties(memory: Memory) -> None:
    """The property that an import adds to what it ends does not count."""
    stored(memory, **with_properties(500))
    assert memory.outcomes(asset("run r", with_properties(500, ENDED)), now=NOW + 1) == ["UPDATED"]
    assert memory.outcomes(asset("run r", with_properties(501, ENDED)), now=NOW + 2) == ["INVALID"]


def test_hidden_properties_do_not_count(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may not see the properties of an asset learns nothing of their number, and gives at most the maximum."""
    stored(memory)
    vid = vertex_id("default", urn("run r"))
    monkeypatch.setattr(CallerVisibility, "hidden_fields", lambda *_: frozenset({"properties"}))
    for count in (3, 600):
        memory.vertices[vid] = {**memory.vertices[vid], **with_properties(count)}
        assert memory.outcomes(asset("run r", {"codeRef": f"c{count}"}), who=ADA, now=NOW + count) == ["UPDATED"]
        assert memory.outcomes(asset("run r", with_properties(501)), who=ADA, now=NOW + count) == ["INVALID"]
