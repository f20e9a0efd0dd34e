"""Edges that an input field declares, and the end of those that it declares no longer."""

from dataclasses import replace
from typing import Any

import pytest
from support.stores.in_memory_writer import COMPLETE, ROOT, Memory, plan, seeded
from support.stores.writers import NOW, asset, edges, link, person, set_owners, urn

from app.graph.records.vertex_id import vertex_id
from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.catalog.relations import PRODUCES, TAGGED, Direction
from graphql_schema.ports.commands import Command, DeclaredEdges, RegisterCommand, UnlinkCommand


def current(memory: Memory, source: str) -> bool:
    """Return whether the dataset derives from a source now."""
    return "validTo" not in memory.edge("DERIVES", f"dataset {source}", "dataset d")


def test_a_list_replaces_what_the_field_declared_before(memory: Memory) -> None:
    """What is not listed any more ends at the instant of the write; an empty list ends everything."""
    seeded(memory, asset("dataset d", derivedFrom=["dataset a", "dataset b"]))
    memory.run(asset("dataset d", derivedFrom=["dataset b", "dataset c"]), now=NOW + 1)
    assert [current(memory, name) for name in "abc"] == [False, True, True]
    assert memory.edge("DERIVES", "dataset a", "dataset d")["validTo"] == NOW + 1
    memory.run(asset("dataset d", derivedFrom=[]), now=NOW + 2)
    assert [current(memory, name) for name in "abc"] == [False, False, False]


def test_what_the_ends_of_many_edges_need_is_read_at_once(memory: Memory) -> None:
    """A list that ends thirty edges needs the sets of all features at once: each read is another plan of the call."""
    features = [f"feature f{number}" for number in range(30)]
    seeded(memory, asset("feature-set s", features=features))
    of_features = {(Direction.IN, "CONTAINS", vertex_id("default", urn(each))) for each in features}
    state = memory.state(replace(COMPLETE, hops=_AllBut(of_features)))
    plan([asset("feature-set s", features=[])], state, memory.author(), dry_run=False)
    assert state.missing.hops == of_features


class _AllBut:
    """A container of everything but some values."""

    def __init__(self, without: set[Any]) -> None:
        self._without = without

    def __contains__(self, one: object) -> bool:
        return one not in self._without


def test_an_edge_of_another_declarer_remains(memory: Memory) -> None:
    """A link on the same edge keeps it, and an absent field declares nothing."""
    seeded(memory, asset("dataset d", derivedFrom=["dataset a", "dataset b"]))
    memory.run(link("DERIVES", "dataset a", "dataset d"), now=NOW + 1)
    memory.run(asset("dataset d"), now=NOW + 2)
    assert [current(memory, name) for name in "ab"] == [True, True]
    memory.run(asset("dataset d", derivedFrom=[]), now=NOW + 3)
    assert [current(memory, name) for name in "ab"] == [True, False]
    assert memory.edge("DERIVES", "dataset a", "dataset d")["by"] == ["link"]


def test_a_list_withdraws_its_own_declaration_only(memory: Memory) -> None:
    """Bo ends by the list of an own feature set what it declared, also to features of others, and nothing else.

    To end the edge for all, by `unlink`, bo needs the right on the feature as well.
    """
    bo = person("bo", "team ads", roles="engineer")
    features = ["feature f", "feature g"]
    seeded(memory, *(asset(each, owners={"team ranking": ["TECHNICAL"]}) for each in features))
    seeded(memory, asset("feature-set s", owners={"team ads": ["TECHNICAL"]}, features=features))
    seeded(memory, link("CONTAINS", "feature-set s", "feature g"))
    for each in features:
        (refused,) = memory.run(UnlinkCommand("CONTAINS", urn("feature-set s"), urn(each)), who=bo, now=NOW + 1)
        assert [(error.code.name, error.path) for error in refused.errors] == [("DENIED", ("to",))]
    assert memory.outcomes(asset("feature-set s", features=[]), who=bo, now=NOW + 1) == ["UPDATED"]
    ended = ["validTo" in memory.edge("CONTAINS", "feature-set s", each) for each in features]
    assert ended == [True, False]


def test_inputs_of_a_run_are_added(memory: Memory) -> None:
    """A later report with other inputs ends none of the earlier ones."""
    seeded(memory, asset("run r", {"state": "START"}, inputs=["dataset a"]))
    memory.run(asset("run r", inputs=["dataset b"]), now=NOW + 1)
    found = [memory.edge("INPUT_TO", f"dataset {name}", "run r") for name in "ab"]
    assert [("validTo" in edge, edge["origin"]) for edge in found] == [(False, "OBSERVED")] * 2


@pytest.mark.parametrize("stated", [["tag b"], []])
def test_a_list_of_tags_leaves_blocked_tags_blocked(memory: Memory, stated: list[str]) -> None:
    """A block is a decision of its own, which only `setTags` ends."""
    seeded(memory, asset("dataset d", tags=["tag b"]))
    memory.run(_blocking("tag a"), now=NOW + 1)
    memory.run(asset("dataset d", tags=stated), now=NOW + 2)
    edge = memory.edge("TAGGED", "dataset d", "tag a")
    assert (edge["mode"], "validTo" in edge) == ("BLOCKED", False)
    assert memory.record("dataset d")["index"]["tags"] == [urn(each) for each in stated]


@pytest.mark.parametrize(
    ("stated", "mode"), [({}, None), ({"tags": []}, None), ({"tags": ["tag a"]}, "DIRECT"), ({"tags": ["tag b"]}, None)]
)
def test_what_a_stranger_blocked_on_a_placeholder_ends_with_its_registration(
    memory: Memory, stated: dict[str, list[str]], mode: str | None
) -> None:
    """Otherwise eve decides that a tag neither arrives at ada's dataset nor passes it. The history has the end.

    A block of its owner, after the registration, stays with further registrations.
    """
    seeded(memory, asset("tag a"), asset("tag b"))
    memory.run(link("INPUT_TO", "dataset d", "run r"), who=ADA)
    assert memory.outcomes(_blocking("tag a"), who=EVE, now=NOW + 1) == ["UPDATED"]
    registration = asset("dataset d", {}, owners={"team ranking": ["TECHNICAL"]}, **stated)
    assert memory.outcomes(registration, who=ADA, now=NOW + 2) == ["CREATED"]
    edge = memory.edge("TAGGED", "dataset d", "tag a")
    assert (edge.get("validTo"), edge["mode"]) == ((NOW + 2, "BLOCKED") if mode is None else (None, mode))
    registered = (each["fields"] for each in memory.vertices.values() if each.get("action") == "REGISTERED")
    ends = ["TAGGED", urn("dataset d"), urn("tag a")]
    (entry,) = (each for fields in registered for each in fields if each.get("edge") == ends)
    assert (entry["field"], entry["before"]["mode"], (entry["after"] or {}).get("mode")) == ("tags", "BLOCKED", mode)
    assert memory.outcomes(_blocking("tag a"), who=ADA, now=NOW + 3) == ["UPDATED"]
    memory.run(asset("dataset d"), who=ADA, now=NOW + 4)
    edge = memory.edge("TAGGED", "dataset d", "tag a")
    assert (edge["mode"], "validTo" in edge) == ("BLOCKED", False)


def test_the_tags_of_an_unchanged_placeholder_are_not_read(memory: Memory) -> None:
    """A placeholder without a block needs no read of its tags, and one that was changed a single one."""
    seeded(memory, link("INPUT_TO", "dataset d", "run r"))
    tags = (Direction.OUT, "TAGGED", vertex_id("default", urn("dataset d")))
    for changed in (False, True):
        if changed:
            memory.run(_blocking("tag a"), now=NOW + 1)
        state = memory.state(replace(COMPLETE, hops=_AllBut({tags})))
        plan([asset("dataset d")], state, memory.author(), dry_run=False)
        assert state.missing.hops == ({tags} if changed else set())


def _blocking(tag: str) -> RegisterCommand:
    """Return the block of a tag on the dataset."""
    blocked = DeclaredEdges(TAGGED.out(), "Dataset.tags", {urn(tag): {"mode": "BLOCKED"}}, adds=True)
    return RegisterCommand(urn("dataset d"), {}, (blocked,), action=ChangeAction.TAGGED, right="tag")


def test_a_version_belongs_to_the_parent_in_its_id(memory: Memory) -> None:
    """Another parent is refused at its field, and the right one declares nothing new."""
    (done,) = memory.run(asset("model-version m@1", model=["model other"]))
    (error,) = done.errors
    assert (error.code.name, error.message) == (
        "INVALID",
        f"The id of {urn('model-version m@1')} names its parent {urn('model m')}; give this parent or omit the field.",
    )
    assert memory.outcomes(asset("model-version m@1", model=["model m"])) == ["CREATED"]


def test_kinds_that_a_relation_does_not_join_are_refused(memory: Memory) -> None:
    """The message names the relation and the id."""
    (wrong,) = edges("dataset d", derivedFrom=["model m"])
    (done,) = memory.run(RegisterCommand(urn("dataset d"), {}, (wrong,)))
    (error,) = done.errors
    assert error.message == f"DERIVES does not join Model to Dataset; remove {urn('model m')}."
    assert not memory.dirty


ADA, ADS = person("ada", "team ranking", roles="engineer"), person("ads-ci", "team ads", roles="automation")
EVE = person("eve", "team ads", roles="engineer")
OF_ADS = {"team ads": ["TECHNICAL"]}
S = ("DERIVES", "dataset s", "dataset d")
VALUES: dict[str, Any] = {"confidence": 0.1, "properties": [{"key": "k", "value": "v"}]}
DATES: dict[str, dict[str, Any]] = {
    "end": {"validTo": NOW + 1_000},
    "begin": {"validFrom": NOW + 1_000},
    "both": {"validFrom": NOW + 1_000, "validTo": NOW + 2_000},
    "values": {},
}


def of_ads(**fields: Any) -> RegisterCommand:
    """Return the registration of the dataset by its owner, with its source."""
    return asset("dataset d", **{"owners": OF_ADS, "derivedFrom": ["dataset s"], **fields})


def given(memory: Memory) -> set[str]:
    """Return what the edge has of what only links give."""
    return {"validTo", *VALUES} & memory.edge(*S).keys()


@pytest.mark.parametrize("by_link", [True, False], ids=["link", "list"])
@pytest.mark.parametrize("stub", [True, False], ids=["stub", "registered"])
@pytest.mark.parametrize("dates", DATES)
def test_what_a_stranger_gave_an_edge_ends_with_the_declaration_of_the_owner(
    memory: Memory, dates: str, *, stub: bool, by_link: bool
) -> None:
    """Ada's dates and values of an edge to an asset without an owner do not outlast the list, or link, of the owner."""
    seeded(memory, asset("dataset s", owners=OF_ADS))
    if not stub:
        assert memory.outcomes(asset("dataset d", derivedFrom=["dataset s"]), who=ADS) == ["CREATED"]
    strange = link(*S, **{**VALUES, **DATES[dates], "origin": "OBSERVED"})
    assert memory.outcomes(strange, who=ADA, now=NOW + 1) == ["CREATED" if stub else "UPDATED"]
    owned = asset("dataset d", owners=OF_ADS) if by_link else of_ads()
    assert memory.outcomes(owned, who=ADS, now=NOW + 2) == ["CREATED" if stub else "UPDATED"]
    if by_link:
        assert memory.outcomes(link(*S), who=EVE, now=NOW + 2) == ["UPDATED"]
    begin = 2 if "validFrom" in DATES[dates] else int(stub)
    assert (given(memory), memory.edge(*S)["validFrom"]) == (set(), NOW + begin)
    assert memory.edge(*S)["origin"] == ("DECLARED" if stub else "OBSERVED")  # the list declares the latter as well
    assert memory.outcomes(link(*S) if by_link else owned, who=EVE, now=NOW + 3) == ["UNCHANGED"]


@pytest.mark.parametrize("dates", DATES)
def test_what_one_gave_an_edge_while_owning_its_placeholder_ends_too(memory: Memory, dates: str) -> None:
    """Ada owns the dataset before it is registered, gives its edge dates and values, and leaves it to its owner."""
    seeded(memory, asset("dataset s", owners=OF_ADS))
    given_by_ada = link(*S, **{**VALUES, **DATES[dates]})
    taken: list[Command] = [link(*S), set_owners("dataset d", "team ranking"), given_by_ada]
    for at, step in enumerate([*taken, set_owners("dataset d")]):
        assert memory.outcomes(step, who=ADA, now=NOW + at) in (["CREATED"], ["UPDATED"])
    assert memory.outcomes(of_ads(), who=ADS, now=NOW + 9) == ["CREATED"]
    begin = 9 if "validFrom" in DATES[dates] else 0
    assert (given(memory), memory.edge(*S)["validFrom"]) == (set(), NOW + begin)


@pytest.mark.parametrize("owner", ["domain shop", "user hana"])
def test_what_one_gave_for_an_owner_outlasts_the_declaration_of_this_owner(memory: Memory, owner: str) -> None:
    """Ada has her right on the dataset by a domain, or a user of her team; her link of a run without owners is kept."""
    ada = replace(ADA, acts_for=frozenset({urn(owner)}))
    owned = {"domain": [owner]} if owner.startswith("domain") else {"owners": {owner: ["TECHNICAL"]}}
    seeded(memory, asset("run r", {"state": "COMPLETE"}), asset("dataset d", **owned))
    output = ("PRODUCES", "run r", "dataset d")
    assert memory.outcomes(link(*output, validTo=NOW + 1_000, **VALUES), who=ada, now=NOW + 1) == ["CREATED"]
    listed = asset("dataset d", producedBy=["run r"])
    assert memory.outcomes(listed, who=ada, now=NOW + 2) == ["UPDATED"]
    assert {"validTo", *VALUES} <= memory.edge(*output).keys()


def test_an_end_by_the_unlink_of_a_stranger_ends_with_the_declaration_of_the_owner(memory: Memory) -> None:
    """Ada ends an edge of an asset without an owner in the future; once it has one, the owner's list goes on."""
    seeded(memory, asset("dataset s", owners=OF_ADS))
    assert memory.outcomes(asset("dataset d", derivedFrom=["dataset s"]), who=ADS) == ["CREATED"]
    end = UnlinkCommand("DERIVES", urn("dataset s"), urn("dataset d"), NOW + 1_000)
    assert memory.outcomes(end, who=ADA, now=NOW + 1) == ["UPDATED"]
    assert memory.outcomes(of_ads(), who=ADS, now=NOW + 2) == ["UPDATED"]
    assert (given(memory), memory.edge(*S)["by"]) == (set(), ["Dataset.derivedFrom"])


@pytest.mark.parametrize("who", [EVE, ROOT], ids=["owner", "administrator"])
@pytest.mark.parametrize("first", ["stub", "registered", "listed"])
def test_the_dates_of_an_owner_outlast_each_registration(memory: Memory, who: Any, first: str) -> None:
    """Eve's link gives the edge an end before or after the registration, and no pipeline of the team changes it."""
    seeded(memory, asset("dataset s", owners=OF_ADS))
    before: dict[str, list[Any]] = {"stub": [], "registered": [of_ads(derivedFrom=[])], "listed": [of_ads()]}
    commands = [*before[first], link(*S, **{**VALUES, **DATES["both"]}), of_ads()]
    for at, (caller, command) in enumerate(zip([ADS, who, ADS][-len(commands) :], commands, strict=True)):
        assert memory.outcomes(command, who=caller, now=NOW + at) in (["CREATED"], ["UPDATED"], ["UNCHANGED"])
    assert (given(memory), memory.edge(*S)["validFrom"]) == ({"validTo", *VALUES}, NOW + 1_000)
    for at, caller in enumerate((ADS, ROOT, EVE), 10):
        assert memory.outcomes(of_ads(), who=caller, now=NOW + at) == ["UNCHANGED"]


@pytest.mark.parametrize("dates", DATES)
def test_the_order_of_a_stranger_and_the_owner_does_not_matter(memory: Memory, dates: str) -> None:
    """Ada's link before the registration leaves the edge that there is if it comes after it, when it is denied."""
    seeded(memory, asset("dataset s", owners=OF_ADS))
    calls: list[tuple[Any, Any]] = [(ADA, link(*S, **{**VALUES, **DATES[dates]})), (ADS, of_ads())]
    edges_after = []
    for order in (1, -1):
        store = Memory(memory.policy, dict(memory.vertices), dict(memory.edges))
        for who, command in calls[::order]:
            store.run(command, who=who, now=NOW + 1)
        edges_after.append(store.edge(*S))
    assert edges_after[0] == edges_after[1]


def test_an_unconfirmed_link_leaves_nothing_to_who_confirms_it(memory: Memory) -> None:
    """Ada links a hidden dataset by its id, with dates and values; the edge of its owner's list has none of them."""
    seeded(memory, asset("dataset s", owners=OF_ADS), of_ads(derivedFrom=[]))
    seeded(memory, asset("dataset d", {"visibility": "TEAM"}))
    strange = link(*S, **{**VALUES, **DATES["both"], "origin": "OBSERVED", "runId": urn("run r")})
    assert memory.outcomes(strange, who=ADA, now=NOW + 1) == ["CREATED"]
    assert memory.edge(*S)["claim"]
    assert memory.outcomes(of_ads(), who=ADS, now=NOW + 2) == ["UPDATED"]
    edge = {key: value for key, value in memory.edge(*S).items() if key != "links"}
    recording = {"recordedAt": NOW + 2, "recordedBy": "ads-ci"}
    by = {"relation": "DERIVES", "by": ["Dataset.derivedFrom"], "origin": "DECLARED", "validFrom": NOW + 2}
    assert edge == {**by, **recording}
    assert memory.outcomes(strange, who=ADA, now=NOW + 3) == ["UNCHANGED"]


def test_the_owner_of_one_end_moves_no_end_that_the_owner_of_the_other_gave(memory: Memory) -> None:
    """Ada ended what her run produced before ads had the output: ads may not link her run, so the end stays."""
    seeded(memory, asset("run r", {"state": "COMPLETE"}, owners={"team ranking": ["TECHNICAL"]}))
    output = ("PRODUCES", "run r", "dataset d")
    assert memory.outcomes(link(*output, validTo=NOW + 1_000), who=ADA) == ["CREATED"]
    assert memory.outcomes(asset("dataset d", owners=OF_ADS), who=ADS, now=NOW + 1) == ["CREATED"]
    listed = DeclaredEdges(PRODUCES.into("Run"), "Dataset.producedBy", {urn("run r"): {}})
    assert memory.outcomes(RegisterCommand(urn("dataset d"), {}, (listed,)), who=ADS, now=NOW + 2) == ["UPDATED"]
    assert memory.edge(*output)["validTo"] == NOW + 1_000
    assert memory.outcomes(RegisterCommand(urn("dataset d"), {}, (listed,)), now=NOW + 3) == ["UPDATED"]
    assert "validTo" not in memory.edge(*output)
