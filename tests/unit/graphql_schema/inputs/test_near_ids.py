"""Suggestions for unknown ids: of the same kind, registered, by the words of the name, and bounded."""

from types import SimpleNamespace
from typing import Any, cast

from support.stores.plain_reader import PlainGraph

from graphql_schema.fields.context import Info
from graphql_schema.inputs.near_ids import MAX_REFERENCES, with_suggestions
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.outcomes import MutationErrorCode, Outcome, WriteError, WriteOutcome
from policies.errors import Code, CodedError

CLICKS = "mlg://dataset/test/default/clicks"


def unknown(*urns: str) -> WriteOutcome:
    """Return the outcome of an item with unknown ids."""
    code = MutationErrorCode.UNKNOWN_REFERENCE
    return WriteOutcome(Outcome.INVALID, errors=tuple(WriteError(code, "Unknown.", reference=urn) for urn in urns))


def info(reader: Any) -> Info:
    """Return the part of an operation that is used."""
    return cast("Info", SimpleNamespace(context=SimpleNamespace(reader=reader, budget=OperationBudget())))


async def test_a_mistyped_name_gets_the_id_of_its_kind() -> None:
    """The message and the suggestions have the id; an id of another kind, or of another name, is none."""
    graph = PlainGraph()
    graph.add("DATASET", "clicks", hydration="FULL")
    graph.add("DATASET", "orders", hydration="FULL")
    graph.add("DATASET", "click", hydration="STUB")
    graph.add("MODEL", "clicks", hydration="FULL")
    (found,) = await with_suggestions(info(graph), [unknown("mlg://dataset/test/default/cliks")])
    (error,) = found.errors
    assert (error.message, error.suggestions) == (f"Unknown. Similar: {CLICKS}.", (CLICKS,))


async def test_no_read_without_an_unknown_id() -> None:
    """Other outcomes are returned as they are, without a reader."""
    written = WriteOutcome(Outcome.CREATED, CLICKS, 1)
    assert await with_suggestions(info(None), [written]) == [written]


async def test_a_failed_read_leaves_the_outcomes() -> None:
    """If the store fails, the items that were written are still reported."""

    async def listing(*_: object) -> None:
        raise CodedError("The store is down.", Code.STORE_UNAVAILABLE)

    outcomes = [unknown(CLICKS)]
    assert await with_suggestions(info(SimpleNamespace(listing=listing)), outcomes) == outcomes


async def test_only_the_first_unknown_ids_are_looked_up() -> None:
    """The number of reads is bounded, and equal ids are read once."""
    reads = []

    async def listing(query: object, _page: object) -> SimpleNamespace:
        reads.append(query)
        return SimpleNamespace(items=())

    urns = [f"mlg://dataset/test/default/n{number}" for number in range(MAX_REFERENCES + 3)]
    await with_suggestions(info(SimpleNamespace(listing=listing)), [unknown(urns[0]), unknown(*urns)])
    assert len(reads) == MAX_REFERENCES


async def test_all_calls_of_an_operation_read_few_similar_ids() -> None:
    """They use half of the substrings of an operation: those with an earlier call, and nothing ends its writes."""
    reads = []

    async def listing(query: object, _page: object) -> SimpleNamespace:
        reads.append(query)
        operation.context.budget.count_substrings(1)
        return SimpleNamespace(items=())

    operation = info(SimpleNamespace(listing=listing))
    for call in range(30):
        urns = [f"mlg://dataset/test/default/name_of_{call}_and_{number}" for number in range(7)]
        assert len(await with_suggestions(operation, [unknown(*urns)])) == 1
    assert (len(reads), operation.context.budget.ended) == (10, None)
