"""Edges that an input field declares, and the end of those that it declares no longer."""

from dataclasses import replace
from typing import Any

import pytest
from support.stores.in_memory_writer import COMPLETE, Memory, plan, seeded
from support.stores.writers import NOW, asset, edges, link, person, urn

from app.graph.records.vertex_id import vertex_id
from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.catalog.relations import TAGGED, Direction
from graphql_schema.ports.commands import DeclaredEdges, RegisterCommand, UnlinkCommand


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
    blocked = DeclaredEdges(TAGGED.out(), "Dataset.tags", {urn("tag a"): {"mode": "BLOCKED"}}, adds=True)
    memory.run(RegisterCommand(urn("dataset d"), {}, (blocked,), action=ChangeAction.TAGGED, right="tag"), now=NOW + 1)
    memory.run(asset("dataset d", tags=stated), now=NOW + 2)
    edge = memory.edge("TAGGED", "dataset d", "tag a")
    assert (edge["mode"], "validTo" in edge) == ("BLOCKED", False)
    assert memory.record("dataset d")["index"]["tags"] == [urn(each) for each in stated]


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
