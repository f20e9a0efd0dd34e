"""A query over vectors has the outcome of graphql-core: data in order, errors with paths, reports and budget.

Queries without an error are executed over vectors to the end; those with one by graphql-core, once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import combinations
from typing import Any

import pytest
from support.documents.both_executions import Outcome, executed_twice
from support.documents.hidden_fields import HIDDEN, hidden_estate
from support.documents.small_schema import CALLS, ROOTS, RUNNING, STARTS, Source, blue, red, small_schema
from support.loop_iterations import LoopIterations
from support.stores.plain_reader import PlainGraph

from graphql_schema.execution.vectored_execution import TURN_OBJECTS, VectoredExecution
from graphql_schema.fields.context import Context
from graphql_schema.operation.limited_schema import OperationSchema
from graphql_schema.ports.operation_budget import OperationBudget, UsageLimits
from graphql_schema.ports.turns import loop_turns
from graphql_schema.schema import GraphSchema
from policies.errors import CodedError
from policies.principal import Principal

Twice = Callable[..., Awaitable[tuple[Outcome, int]]]


@pytest.fixture(scope="module")
def small() -> OperationSchema:
    """Return the small schema."""
    return small_schema()


@pytest.fixture
def roots() -> list[Any]:
    """Return the list that the root fields return; a test fills it."""
    ROOTS.clear()
    RUNNING.clear()
    return ROOTS


@pytest.fixture
def twice(small: OperationSchema, ada: Principal, roots: list[Any]) -> Twice:
    """Return a function that executes a query of the small schema on both paths."""
    assert roots == []

    async def twice(document: str, limits: UsageLimits | None = None, **variables: object) -> tuple[Outcome, int]:
        def opened() -> Context:
            graph = PlainGraph()
            budget = OperationBudget(limits or UsageLimits())
            return Context(ada, lambda *_: graph, graph, graph.report, b"k" * 32, lambda: 0, budget)

        return await executed_twice(small, opened, document, variables)

    return twice


async def test_lists_of_lists(twice: Twice, roots: list[Any]) -> None:
    """Items of nested lists, empty ones and nulls return to their places."""
    roots += [red(1), red(2, grid=[]), red(3, grid=[[]], sparse=None), red(4, sparse=[[], [1, 2], None])]
    found, again = await twice("{ reds { sparse number grid } }")
    assert again == 0
    assert [list(each) for each in found.json["reds"]] == [["sparse", "number", "grid"]] * 4
    assert [each["grid"] for each in found.json["reds"]] == [[[1], [], [1, 2]], [], [[]], [[4], [], [1, 2]]]
    assert [each["sparse"] for each in found.json["reds"]] == [
        [None, [None, 1]],
        [None, [None, 2]],
        None,
        [[], [1, 2], None],
    ]


async def test_abstract_types_keep_the_order_of_the_list(twice: Twice, roots: list[Any]) -> None:
    """Objects of several types in one list, with fragments on each, stay in order, also those without fields."""
    nested = red(5, things=[blue(6), red(7), blue(8)], either=blue(9))
    roots += [blue(1), red(2, thing=blue(3)), blue(4), nested]
    document = """{ things { ... on Red { text things { number ... on Blue { shade } } either { ... on Red { text } } }
      ... on Blue { shade } thing { __typename number } } only: things { ... on Blue { shade } } }"""
    found, again = await twice(document)
    assert again == 0
    assert found.json["only"] == [{"shade": "navy"}, {}, {"shade": "navy"}, {}]
    last = found.json["things"][3]
    assert last["either"] == {}
    assert last["things"] == [{"number": 6, "shade": "navy"}, {"number": 7}, {"number": 8, "shade": "navy"}]


async def test_an_object_that_occurs_twice_is_completed_twice(twice: Twice, roots: list[Any]) -> None:
    """The same source in several places has its own object in each."""
    one = red(1)
    roots += [one, one, red(2, twin=one, reds=[one, None, one])]
    found, again = await twice("{ reds { number twin { number twin { text } } reds { number } } again: reds { text } }")
    assert again == 0
    assert found.json["reds"][2]["reds"] == [{"number": 1}, None, {"number": 1}]


async def test_merged_fields_aliases_fragments_and_conditions(twice: Twice, roots: list[Any]) -> None:
    """Fields keep the order in which they first occur, and what several fragments select is merged."""
    roots += [red(1, thing=blue(2)), red(2)]
    document = """query ($yes: Boolean!, $no: Boolean = false) { reds { b: text ...A twin { number }
      ... @include(if: $no) { odd } a: delayed(turns: 3) ... on Thing { thing { number } }
      text @skip(if: $yes) doubled @include(if: $yes) } }
      fragment A on Red { number @skip(if: true) twin { text ...B } b: text needed @include(if: true) }
      fragment B on Red { doubled ... on Thing { thing { ... on Blue { shade } } } }"""
    orders = [
        ["b", "twin", "needed", "a", "thing", "doubled"],
        ["b", "twin", "needed", "a", "thing", "text"],
        ["b", "twin", "needed", "odd", "a", "thing", "doubled"],
    ]
    for variables, order in zip(({"yes": True}, {"yes": False}, {"yes": True, "no": True}), orders, strict=True):
        roots[1]["number"] = 3
        found, again = await twice(document, **variables)
        assert again == 0
        assert sorted(found.json["reds"][0]) == sorted(order)


async def test_a_resolver_for_all_is_called_once_for_a_level(twice: Twice, roots: list[Any]) -> None:
    """It gets all sources in one call over vectors, and one for each source from graphql-core."""
    roots += [red(number) for number in range(7)]
    CALLS.clear()
    found, again = await twice("{ reds { doubled } }")
    assert again == 0
    assert found.json["reds"] == [{"doubled": 2 * number} for number in range(7)]
    assert CALLS == [1] * 7 + [7]


async def test_nothing_to_read(twice: Twice) -> None:
    """An empty list needs no call of a resolver below it, with or without a selection of `__typename`."""
    CALLS.clear()
    found, again = await twice("{ __typename reds { doubled things { number } } things { number } }")
    assert (found.json, again, CALLS) == ({"__typename": "Query", "reds": [], "things": []}, 0, [])


@pytest.mark.parametrize(
    ("source", "selected", "path"),
    [
        (red(2), "odd", ["perhaps", 1, "odd"]),
        (red(2, number=2**31), "number", ["perhaps", 1, "number"]),
        (red(2, needed=None), "needed", ["perhaps", 1, "needed"]),
        (red(2, grid=[[1], None]), "grid", ["perhaps", 1, "grid", 1]),
        (red(2, grid=[[1, None]]), "grid", ["perhaps", 1, "grid", 0, 1]),
        (red(2, grid=None), "grid", ["perhaps", 1, "grid"]),
        (red(2, grid=5), "grid", ["perhaps", 1, "grid"]),
        (red(2, sparse=[[1, "x"]]), "sparse", ["perhaps", 1, "sparse", 0, 1]),
        (red(2, things=[blue(1), None]), "things { number }", ["perhaps", 1, "things", 1]),
        (red(2, thing=Source(kind="Green")), "thing { number }", ["perhaps", 1, "thing"]),
        (red(2, either=Source(kind="Query")), "either { __typename }", ["perhaps", 1, "either"]),
        (red(2, twin=None), "twin { text }", ["perhaps", 1, "twin"]),
        (red(2, text={"a": 1}), "text", ["perhaps", 1, "text"]),
    ],
)
async def test_errors_are_found_by_graphql_core(
    twice: Twice, roots: list[Any], source: Source, selected: str, path: list[Any]
) -> None:
    """Each error has the message, path and null of graphql-core, which executes the query again once."""
    roots += [red(1), source, red(3)]
    found, again = await twice(
        f"{{ perhaps {{ text needed {selected} }} }}" if "text" not in selected else f"{{ perhaps {{ {selected} }} }}"
    )
    assert again == 1
    assert [error[1] for error in found.errors] == [path]


async def test_an_error_of_a_non_null_field_reaches_the_root(twice: Twice, roots: list[Any]) -> None:
    """Null propagates as far as graphql-core lets it, also beside a list that is complete."""
    roots += [red(1, things=[red(2, needed=None)]), red(3)]
    found, again = await twice("{ perhaps { text } reds { things { ... on Red { needed } } } }")
    assert (found.json, again, len(found.errors)) == (None, 1, 1)


async def test_several_errors_keep_their_order(twice: Twice, roots: list[Any]) -> None:
    """All errors of a query are reported, in the order of graphql-core."""
    roots += [red(number) for number in range(6)]
    found, again = await twice("{ reds { odd number a: odd delayed(turns: 2) twin { odd } } }")
    assert again == 1
    assert len(found.errors) == 9


@pytest.mark.parametrize(("odd", "times"), [((1,), 0), ([1], 0), ({1: 2}.keys(), 1), ({1}, 1)])
async def test_iterables_other_than_lists(twice: Twice, roots: list[Any], odd: Any, times: int) -> None:
    """A tuple is a list; any other iterable is left to graphql-core."""
    roots += [red(1, sparse=[odd])]
    found, again = await twice("{ reds { sparse } }")
    assert (found.json, again) == ({"reds": [{"sparse": [[1]]}]}, times)


@pytest.mark.parametrize(
    ("limits", "selected"),
    [
        (UsageLimits(items=9), "number reds { number }"),
        (UsageLimits(characters=11), "text twin { text }"),
        (UsageLimits(characters=8), "__typename number"),
        (UsageLimits(items=1), "number"),
        (UsageLimits(values=5), "number shade: thing { number }"),
        (UsageLimits(characters=17), "number"),
    ],
)
async def test_a_limit_is_found_by_graphql_core(
    twice: Twice, roots: list[Any], limits: UsageLimits, selected: str
) -> None:
    """The error of an exceeded limit has the path and the count that it has without vectors."""
    roots += [red(1, reds=[red(2)] * 3), red(3, reds=[red(4)] * 3), red(5, reds=[red(6)] * 3)]
    found, again = await twice(f"{{ reds {{ {selected} }} }}", limits)
    assert again == 1
    assert "the limit is" in found.errors[0][0]


async def test_use_of_the_budget_is_equal(twice: Twice, roots: list[Any]) -> None:
    """Elements of all lists, all values, and characters of texts and keys are counted, `__typename` included."""
    roots += [red(1, reds=[red(2)] * 3, text=None), red(3, things=[blue(4)])]
    found, again = await twice(
        "{ __typename reds { __typename text grid reds { needed } things { ... on Blue { shade } } } }"
    )
    assert again == 0
    texts = len("Query") + 2 * len("Red") + len("t3") + 3 + len("navy")
    keys = 2 * sum(map(len, ("__typename", "text", "grid", "reds", "things"))) + 3 * len("needed") + len("shade")
    assert found.used == (2 + 2 * (3 + 3) + 3 + 1, 2 * 5 + 3 + 1, texts + keys, 0)


async def test_long_lists_pause(twice: Twice, roots: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Another task runs while a long list is completed, if every turn is over at once."""
    monkeypatch.setattr(loop_turns, "TURN_SECONDS", 0.0)
    roots += [red(number, text="x" * 5) for number in range(3 * TURN_OBJECTS)]
    ran: list[int] = []

    async def other() -> None:
        while True:
            ran.append(1)
            await asyncio.sleep(0)

    beside = asyncio.create_task(other())
    found, again = await twice("{ reds { number text } }")
    beside.cancel()
    assert again == 0
    assert found.json["reds"][-1]["number"] == 3 * TURN_OBJECTS - 1
    assert len(ran) > 3


async def test_the_loops_over_a_long_list_are_turns(
    twice: Twice, roots: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The types of 90,000 items, their objects, their lists, and the fields that get these took one callback of 60 ms.

    Each of these loops is in an iteration of its own if every turn is over at once.
    """
    monkeypatch.setattr(loop_turns, "TURN_SECONDS", -1.0)
    roots += [red(1, things=[blue(2)])]
    iterations, names = LoopIterations(), ("_by_type", "_objects", "_leaves", "_lists")
    for name in names:
        method = iterations.observed(name, getattr(VectoredExecution, name))
        monkeypatch.setattr(VectoredExecution, name, method)
    async with iterations.counting():
        found, again = await twice("{ things { ... on Red { things { number } } } }")
    assert (found.json, again) == ({"things": [{"things": [{"number": 2}]}]}, 0)
    together = {number for one, other in combinations(names, 2) for number in iterations.of[one] & iterations.of[other]}
    assert not together


@pytest.mark.parametrize(
    ("document", "again"),
    [("{ reds { delayed } }", 0), ("{ reds { delayed odd } }", 1)],
    ids=["vectors", "with errors"],
)
async def test_resolvers_begin_in_turns(
    twice: Twice, roots: list[Any], monkeypatch: pytest.MonkeyPatch, document: str, again: int
) -> None:
    """Thousands of resolvers that begin in one iteration of the loop would hold it; if each is a turn, few run."""
    monkeypatch.setattr(loop_turns, "TURN_SECONDS", -1.0)
    monkeypatch.setattr("graphql_schema.operation.execution.FEW", 1)
    roots += [red(number) for number in range(8)]
    STARTS.clear()
    found, executed_again = await twice(document)
    assert executed_again == again
    assert [each["delayed"] for each in found.json["reds"]] == [*range(8)]
    assert len(STARTS) >= 2 * 8
    assert max(STARTS) <= 2


async def test_long_resolvers_begin_in_turns(twice: Twice, roots: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Also the first of an operation with an error begin in turns, if a turn uses too much CPU time."""
    monkeypatch.setattr(loop_turns, "TURN_SECONDS", -1.0)
    monkeypatch.setattr(loop_turns, "LONG_TURN_SECONDS", -1.0)
    roots += [red(number) for number in range(8)]
    STARTS.clear()
    _, executed_again = await twice("{ reds { delayed odd } }")
    assert executed_again == 1
    assert max(STARTS) <= 2


@pytest.mark.parametrize(
    ("document", "again"),
    [("{ reds { delayed(turns: 9) } }", 0), ("{ reds { a: delayed(turns: 9) b: delayed(turns: 8) odd } }", 1)],
    ids=["vectors", "with errors"],
)
async def test_few_resolvers_run_at_once(
    twice: Twice, roots: list[Any], monkeypatch: pytest.MonkeyPatch, document: str, again: int
) -> None:
    """Those that wait for one response continue, and those that are cancelled end, in one iteration of the loop."""
    for module in ("graphql_schema.execution.vectored_execution", "graphql_schema.operation.execution"):
        monkeypatch.setattr(f"{module}.CALLS_AT_ONCE", 5)
    roots += [red(number) for number in range(40)]
    STARTS.clear()
    found, executed_again = await twice(document)
    assert (executed_again, len(found.json["reds"])) == (again, 40)
    assert max(STARTS) == 5


async def test_a_failed_resolver_leaves_no_slot_occupied(
    twice: Twice, roots: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Resolvers that are cancelled before or after they began release their slots, and those that wait are not run."""
    slots: list[asyncio.Semaphore] = []

    class Observed(asyncio.Semaphore):
        def __init__(self, _count: int) -> None:
            super().__init__(1)
            slots.append(self)

    monkeypatch.setattr("graphql_schema.execution.vectored_execution.asyncio.Semaphore", Observed)
    roots += [red(number) for number in range(10)]
    found, again = await twice("{ reds { a: delayed(turns: 3) odd b: delayed(turns: 1) c: delayed(turns: 2) } }")
    assert again == 1
    assert len(found.errors) == 5
    assert [each.locked() for each in slots] == [False] * len(slots) != []


async def test_an_operation_that_ended_stays_so(small: OperationSchema, roots: list[Any], ada: Principal) -> None:
    """An operation whose deadline has passed fails on both paths with the error of its end."""
    roots += [red(1)]

    def opened() -> Context:
        graph, budget = PlainGraph(), OperationBudget()
        budget.end(CodedError("too late"))
        return Context(ada, lambda *_: graph, graph, graph.report, b"k" * 32, lambda: 0, budget)

    found, again = await executed_twice(small, opened, "{ reds { number } }", {})
    assert again == 1
    assert [error[0] for error in found.errors] == ["too late"]


@pytest.mark.parametrize("value", ["text", 7, 1.5, True, None, {"a": [1, None]}, ["x"]])
async def test_json_values(twice: Twice, roots: list[Any], value: Any) -> None:
    """A scalar of any JSON value is as it is, and only texts are counted."""
    roots += [red(1, free=value), red(2, free="z")]
    found, again = await twice("{ reds { free } }")
    assert (found.json, again) == ({"reds": [{"free": value}, {"free": "z"}]}, 0)


async def test_introspection_is_left_to_graphql_core(twice: Twice) -> None:
    """A query of the schema itself is executed by graphql-core."""
    found, again = await twice('{ __schema { queryType { name } } __type(name: "Red") { kind } reds { text } }')
    assert again == 1
    assert found.json["__schema"] == {"queryType": {"name": "Query"}}


async def test_hidden_fields_are_reported_equally(schema: GraphSchema, ada: Principal) -> None:
    """Each hidden field is null and counted once for each object and key, with or without a resolver of its own."""

    def opened() -> Context:
        graph = hidden_estate()
        return Context(ada, lambda *_: graph, graph, graph.report, b"k" * 32, lambda: 0)

    found, again = await executed_twice(schema, opened, HIDDEN, {})
    assert again == 0
    assert found.hidden == {
        "Model.description": 2 * 2 + 6,
        "Model.owners": 2,
        "ModelVersion.framework": 6,
        "ModelVersion.params": 6,
    }


async def test_a_strict_caller_gets_the_errors_of_graphql_core(schema: GraphSchema, ada: Principal) -> None:
    """Each hidden field is an error with its path, and is counted once."""

    def opened() -> Context:
        graph = hidden_estate(strict=True)
        return Context(ada, lambda *_: graph, graph, graph.report, b"k" * 32, lambda: 0)

    found, again = await executed_twice(schema, opened, HIDDEN, {})
    assert (again, len(found.errors), sum(found.hidden.values())) == (1, 24, 24)


async def test_operations_share_a_plan(small: OperationSchema, roots: list[Any], ada: Principal) -> None:
    """Many operations of one document at once, with different variables, each have their own response."""
    roots += [red(number, thing=blue(number)) for number in range(3)]
    document = "query ($t: Int!, $no: Boolean!) { reds { delayed(turns: $t) thing @skip(if: $no) { number } } }"

    async def executed(number: int) -> Any:
        graph = PlainGraph()
        context = Context(ada, lambda *_: graph, graph, graph.report, b"k" * 32, lambda: 0)
        given = {"t": number, "no": bool(number % 2)}
        return await small.execute(document, variable_values=given, context_value=context)

    for number, found in enumerate(await asyncio.gather(*map(executed, range(12)))):
        assert found.errors is None
        assert [("thing" in each, each["delayed"]) for each in found.data["reds"]] == [
            (number % 2 == 0, place) for place in range(3)
        ]
