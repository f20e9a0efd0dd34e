"""The size of an item: the edges that it declares, and its texts."""

from dataclasses import replace

import pytest
from support.stores.writers import asset, link, urn

from app.graph.writing.unit.item_size import (
    LONG_ITEM,
    MANY_DECIDED,
    REACHING_EDGES,
    command_count,
    commands_in,
    edge_count,
    is_long,
    may_reach,
    table_count,
    text_length,
    weight,
)
from graphql_schema.catalog.relations import STARTED_BY, TAGGED
from graphql_schema.ports.commands import (
    ApproveCommand,
    CloseChangePlanCommand,
    Command,
    DeclaredEdges,
    DeleteCommand,
    EventCommand,
    ObserveCommand,
    ObservedValue,
    PlanChangeCommand,
    RegisterCommand,
    RevertCommand,
    SetAliasCommand,
)


def test_edges_are_those_that_an_item_declares() -> None:
    """A registration has one for each target, a link is one."""
    assert edge_count(asset("dataset a", derivedFrom=["dataset b", "dataset c"], tags=["tag gold"])) == 3
    assert edge_count(link("DERIVES", "dataset a", "dataset b")) == 1


def test_an_edge_that_an_item_ends_counts_too() -> None:
    """A call may remove as many tags as it may add, and each is read."""
    ending = DeclaredEdges(TAGGED.out(), "Dataset.tags", {}, adds=True, removes=(urn("tag a"), urn("tag b")))
    assert edge_count(RegisterCommand(urn("dataset a"), {}, (ending,))) == 2


def test_the_length_of_texts_is_that_of_descriptions() -> None:
    """Those that a registration or an event gives; other values are stored as they are, and null removes one.

    A text of short words counts as more.
    """
    texts = (ObservedValue("description", "abcdefgh", (1,)), ObservedValue("location", "s3://orders", (1,)))
    observed = ObserveCommand(urn("dataset a"), "a", texts)
    items: list[Command] = [asset("dataset a", {"description": "abcdefg", "location": "s3://orders"}), observed]
    event = EventCommand(urn("dataset a"), "e", (observed, observed, asset("dataset b", {})), lambda _: None)
    cleared: list[Command] = [asset("dataset a", {"description": None}), link("DERIVES", "dataset a", "dataset b")]
    assert [text_length(each) for each in (*items, event, *cleared)] == [7, 8, 16, 0, 0]
    assert [text_length(asset("dataset a", {"description": each})) for each in ("a b c", "日本語")] == [18, 18]


def test_what_reads_more_than_it_names_counts_as_many_edges() -> None:
    """So that few deletions, or moves of aliases with their gates, are in one transaction; edges count as such."""
    deletion, linked = DeleteCommand(urn("dataset a")), link("DERIVES", "dataset a", "dataset b")
    move = SetAliasCommand(urn("model a"), "champion", urn("model-version a@1"))
    assert [weight(each) for each in (deletion, move, linked)] == [REACHING_EDGES, REACHING_EDGES, 1]


def test_an_item_of_more_edges_than_the_limit_is_long() -> None:
    """The limit itself is not."""
    many = [f"dataset d{number}" for number in range(MANY_DECIDED + 1)]
    assert [is_long(asset("dataset a", derivedFrom=targets)) for targets in (many[1:], many)] == [False, True]


def test_a_list_reaches_what_it_ends() -> None:
    """A registration with an empty list may end hundreds of edges; one that adds to a list, or has none, does not.

    Nor does it if it adds the user of a run, but the policy decides about all outputs of the run.
    """
    hop = asset("dataset a", derivedFrom=["dataset b"]).edges[0].hop
    adding = replace(asset("dataset a"), edges=(DeclaredEdges(hop, "Dataset.derivedFrom", {}, adds=True),))
    items: list[Command] = [
        asset("dataset a", derivedFrom=[]),
        asset("dataset a"),
        adding,
        replace(adding, edges=(replace(adding.edges[0], hop=STARTED_BY.out("User")),)),
        link("STARTED_BY", "run a", "user b"),
        ApproveCommand(urn("deployment a"), "release", "APPROVED"),
    ]
    event = EventCommand(urn("dataset a"), "e", (items[0],), lambda _: None)
    assert [may_reach(each) for each in (*items, event, DeleteCommand(urn("dataset a")))] == [
        True,
        False,
        False,
        True,
        True,
        True,
        True,
        True,
    ]
    assert not may_reach(asset("model-version m@1"))


def test_an_observation_of_many_values_is_long() -> None:
    """The parts of all fields count."""
    values = tuple(ObservedValue("properties", str(number), (1,), str(number)) for number in range(LONG_ITEM + 1))
    observations = [ObserveCommand(urn("dataset a"), "a", given) for given in (values[1:], values)]
    assert [is_long(each) for each in observations] == [False, True]


def test_a_plan_of_many_roots_is_long() -> None:
    """The policy decides about each root; those of a plan that is closed are not known, and what a revert changes."""
    roots = tuple(urn(f"dataset d{number}") for number in range(MANY_DECIDED + 1))
    plans = [PlanChangeCommand(some, "x", (1, 1), 1) for some in (roots[1:], roots)]
    closing = CloseChangePlanCommand("mlg://change-plan/1", "DONE")
    items: list[Command] = [*plans, closing, RevertCommand("mlg://change/1")]
    assert [is_long(each) for each in items] == [False, True, True, True]


def test_the_size_of_an_event_is_that_of_its_commands() -> None:
    """With its record, which has one edge; values of all its commands make it long."""
    values = tuple(ObservedValue("properties", str(number), (1,), str(number)) for number in range(LONG_ITEM // 2))
    observed = ObserveCommand(urn("dataset a"), "a", values)
    short = EventCommand(
        urn("dataset a"), "e", (observed, asset("dataset b", derivedFrom=["dataset a"])), lambda _: None
    )
    assert (command_count(short), edge_count(short), is_long(short)) == (3, 2, False)
    assert [*commands_in(short)] == [*short.commands]
    assert is_long(EventCommand(urn("dataset a"), "e", (observed, observed, observing_one()), lambda _: None))
    assert (command_count(observed), [*commands_in(observed)]) == (1, [observed])


@pytest.mark.parametrize(("commands", "expected"), [(10, False), (11, True)])
def test_an_event_of_many_commands_is_long(commands: int, *, expected: bool) -> None:
    """All of them are planned at once, each with the rights, the flows and the approvals of its asset."""
    event = EventCommand(urn("dataset a"), "e", (ObserveCommand(urn("dataset a"), "a", ()),) * commands, lambda _: None)
    assert is_long(event) is expected


def observing_one() -> ObserveCommand:
    """Return a command with one value."""
    return ObserveCommand(urn("dataset c"), "c", (ObservedValue("description", "x", (1,)),))


def test_tables_are_assets_with_columns_of_an_event() -> None:
    """Each counts once, also with several parts of columns; other values and registrations do not count."""
    parts = [ObservedValue("columns", {}, (1,), name) for name in ("one", "two")]
    wide = ObserveCommand(urn("dataset d"), "d", tuple(parts))
    plain = ObserveCommand(urn("dataset p"), "p", (ObservedValue("format", "csv", (1,)),))
    event = EventCommand(urn("dataset d"), "e", (wide, plain, wide), lambda _: None)
    assert [table_count(each) for each in (event, wide, plain, asset("dataset d", {"columns": []}))] == [2, 1, 0, 0]
