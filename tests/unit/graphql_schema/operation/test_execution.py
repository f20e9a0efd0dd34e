"""Execution within a budget: the same responses as stock graphql-core, its limits, and its pauses."""

import asyncio
import gc
from types import SimpleNamespace
from typing import Any

import pytest
import strawberry
from graphql import get_operation_ast, parse
from strawberry.types import ExecutionResult
from support.loop_iterations import LoopIterations

from graphql_schema.operation.coerced_variables import CoercedVariables, coerce
from graphql_schema.operation.execution import FEW_VALUES, BudgetedExecution
from graphql_schema.operation.limited_schema import OperationSchema
from graphql_schema.ports.operation_budget import OperationBudget, UsageLimits
from graphql_schema.ports.turns import loop_turns
from policies.errors import Code, CodedError
from policies.principal import Scope


async def later(value: Any) -> Any:
    """Return a value after more iterations of the loop than a small operation needs to begin all of its fields."""
    for _ in range(100):
        await asyncio.sleep(0)
    return value


def ten_characters() -> str:
    """Return a text of ten characters."""
    return "x" * 10


@strawberry.type
class Item:
    """An item with a number, a slow number and items below."""

    number: int

    @strawberry.field
    async def slow(self) -> int:
        """Return the number after an iteration of the event loop."""
        await asyncio.sleep(0)
        return self.number

    @strawberry.field
    def odd(self) -> int | None:
        """Return the number if it is odd; otherwise fail."""
        if self.number % 2:
            return self.number
        raise ValueError(f"{self.number} is even")

    @strawberry.field
    def text(self) -> str:
        """Return a text of ten characters."""
        return ten_characters()

    @strawberry.field
    def twin(self) -> "Item":
        """Return the item."""
        return self

    @strawberry.field
    def positive(self) -> int:
        """Return the number unless it is 0; otherwise fail."""
        return 10 // self.number and self.number

    @strawberry.field
    async def slowly_positive(self, after: int) -> int:
        """Do so after some iterations of the event loop."""
        for _ in range(after):
            await asyncio.sleep(0)
        return 10 // self.number and self.number

    @strawberry.field
    def items(self, count: int) -> list["Item"]:
        """Return as many items."""
        return [Item(number=each) for each in range(count)]

    @strawberry.field
    async def gathered(self, info: strawberry.Info[Any, None]) -> int | None:
        """Gather what ends the operation and something slow: the former is the result, instead of the cancellation."""

        async def end() -> None:
            await asyncio.sleep(0)
            info.context.budget.count_rows(10)

        await asyncio.gather(end(), asyncio.Event().wait())
        return None

    @strawberry.field
    async def never(self) -> int | None:
        """Never return."""
        await asyncio.Event().wait()
        return None

    @strawberry.field
    async def shared(self, info: strawberry.Info[Any, None]) -> int:
        """Return what all items of an operation await, as those that a batch of ids has."""
        if info.context.shared is None:
            info.context.shared = asyncio.ensure_future(later(7))
        return int(await info.context.shared)


@strawberry.type
class Query:
    """The root."""

    @strawberry.field
    def item(self, number: int) -> Item | None:
        """Return an item, null if one of its fields fails."""
        return Item(number=number)

    @strawberry.field
    def items(self, count: int) -> list[Item]:
        """Return as many items."""
        return [Item(number=each) for each in range(count)]

    @strawberry.field
    def numbers(self, count: int) -> list[int]:
        """Return as many numbers."""
        return list(range(count))

    @strawberry.field
    def scopes(self) -> list[str]:
        """Return two texts, one of them a member of an enum of texts."""
        return [Scope.READ, "x" * 10]


@strawberry.type
class Mutation(Query):
    """The root of mutations, with the same fields and a write."""

    @strawberry.mutation
    async def write(self, info: strawberry.Info[Any, None]) -> Item:
        """Write the key of the field in the response, when that may end."""
        info.context.begun.set()
        await info.context.may_end.wait()
        info.context.writes.append(info.path.key)
        return Item(number=1)


BUDGETED, STOCK = OperationSchema(Query), strawberry.Schema(Query)
MANY = 100


async def run(schema: strawberry.Schema, document: str, budget: OperationBudget | None = None) -> ExecutionResult:
    """Return the result of a query, with a budget in its context."""
    result = await schema.execute(document, context_value=SimpleNamespace(budget=budget, shared=None))
    assert isinstance(result, ExecutionResult)
    return result


def shown(result: ExecutionResult) -> tuple[Any, list[tuple[object, str]]]:
    """Return the data and the errors with their paths."""
    return result.data, sorted((error.path, error.message) for error in result.errors or [])


async def test_responses_are_those_of_graphql_core() -> None:
    """Long and short lists, slow fields, nested lists and errors give the data and paths of the stock execution."""
    document = f"{{ items(count: {MANY}) {{ number slow odd items(count: 2) {{ slow odd }} }} numbers(count: {MANY}) }}"
    budgeted, stock = await run(BUDGETED, document, OperationBudget()), await run(STOCK, document)
    assert shown(budgeted) == shown(stock)
    assert len(budgeted.errors or []) == MANY // 2 + MANY


async def test_every_list_counts() -> None:
    """The elements of all lists count, nested ones and lists of scalars as well."""
    budget = OperationBudget()
    await run(BUDGETED, "{ items(count: 3) { items(count: 4) { number } } numbers(count: 5) }", budget)
    assert budget.items == 3 + 3 * 4 + 5


async def test_texts_count() -> None:
    """The characters of texts and of keys count once for each place in the response, and so does each value."""
    budget = OperationBudget()
    await run(BUDGETED, "{ items(count: 3) { text again: text } scopes }", budget)
    assert budget.characters == 3 * (2 * 10 + len("text") + len("again")) + len(Scope.READ) + 10
    assert budget.values == 3 * 2


async def test_a_query_beyond_its_budget_stops() -> None:
    """The list that exceeds the budget fails with the limit, and so does every list after it."""
    budget = OperationBudget(UsageLimits(items=10))
    result = await run(BUDGETED, "{ a: items(count: 6) { number } b: numbers(count: 6) }", budget)
    assert result.data is None
    assert {error.message.partition(";")[0] for error in result.errors or []} == {"The operation reached 12 items"}
    assert budget.items == 12


async def test_too_many_errors_end_the_operation() -> None:
    """The maximum of failed fields is reported as by graphql-core; one more gives the limit as the first error by path.

    Nothing else is executed then.
    """
    budget = OperationBudget(UsageLimits(errors=10))
    accepted = await run(BUDGETED, "{ items(count: 20) { odd } }", budget)
    assert shown(accepted) == shown(await run(STOCK, "{ items(count: 20) { odd } }"))
    budget = OperationBudget(UsageLimits(errors=10))
    ended = await run(BUDGETED, "{ a: items(count: 30) { odd } b: items(count: 9) { odd slow } }", budget)
    assert ended.data is None
    assert budget.ended is not None
    errors = ended.errors or []
    assert [error.path for error in errors if error.original_error is budget.ended] == [["a"]]
    assert len(errors) == 11


async def test_a_mutation_with_too_many_errors_keeps_what_it_wrote() -> None:
    """Its data are complete; the errors beyond the limit are left out."""
    budget = OperationBudget(UsageLimits(errors=10))
    schema = OperationSchema(Query, mutation=Mutation)
    done = await run(schema, "mutation { a: items(count: 30) { odd } b: items(count: 3) { odd } }", budget)
    assert done.data is not None
    assert [each["odd"] for each in done.data["b"]] == [None, 1, None]
    assert len(done.errors or []) == 10


async def test_a_context_without_a_budget_gets_one() -> None:
    """Without a budget in the context, the usual limits apply."""
    result = await run(BUDGETED, "{ numbers(count: 100001) }")
    assert [error.message.partition(";")[0] for error in result.errors or []] == ["The operation reached 100001 items"]


async def test_coerced_variables_are_not_coerced_again() -> None:
    """Not even if the client sent none, and all are defaults, which may have thousands of elements."""
    schema = BUDGETED.core
    document = parse("query A($count: Int! = 3) { numbers(count: $count) }")
    operation = get_operation_ast(document)
    assert operation is not None
    coerced = await coerce(schema, document, operation, {})
    assert isinstance(coerced, CoercedVariables)
    built = BudgetedExecution.build(schema, document, raw_variable_values=coerced)
    assert not isinstance(built, list)
    assert built.variable_values is coerced.coerced


def test_the_schema_uses_it() -> None:
    """The schema of operations executes within a budget."""
    assert BUDGETED.execution_context_class is BudgetedExecution


NESTED = "{ items(count: 4) { items(count: 3) { items(count: 2) { text } } } }"


@pytest.mark.parametrize(
    ("document", "values"),
    [
        (NESTED, 4 * 3 * 2),
        ("{ numbers(count: 20) }", 20),
        ("{ items(count: 1) { twin { text twin { text twin { text } } } } }", 3),
    ],
    ids=["short lists", "a list of numbers", "nested objects"],
)
async def test_others_run_between_objects_and_items(
    monkeypatch: pytest.MonkeyPatch, document: str, values: int
) -> None:
    """Nested lists of a few items are many objects: if each is a turn, no two are completed in the same iteration."""
    monkeypatch.setattr(loop_turns, "TURN_SECONDS", -1.0)
    monkeypatch.setattr(loop_turns, "LONG_TURN_SECONDS", -1.0)
    iterations = LoopIterations()
    complete = iterations.observed("value", BudgetedExecution.complete_leaf_value)
    monkeypatch.setattr(BudgetedExecution, "complete_leaf_value", complete)
    async with iterations.counting():
        result = await run(BUDGETED, document)
    assert len(iterations.of["value"]) == values
    assert shown(result) == shown(await run(STOCK, document))


async def test_the_first_objects_are_completed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small responses do not depend on the time that others took before in the iteration, nor does the order of errors.

    An operation with many values pauses also if its turn is not long.
    """
    monkeypatch.setattr(loop_turns, "TURN_SECONDS", -1.0)
    iterations = LoopIterations()
    monkeypatch.setattr(f"{__name__}.ten_characters", iterations.observed("text", ten_characters))
    async with iterations.counting():
        await run(BUDGETED, NESTED)
        assert len(iterations.of["text"]) == 1
        await run(BUDGETED, f"{{ items(count: 2) {{ items(count: {FEW_VALUES}) {{ text }} }} }}")
    assert len(iterations.of["text"]) > FEW_VALUES / 2


async def test_few_tasks_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of slow fields have tasks, which begin and are cancelled in one iteration; few of them at a time.

    Nested fields go on although the fields above them have all tasks.
    """
    monkeypatch.setattr("graphql_schema.operation.execution.CALLS_AT_ONCE", 10)
    slow = " ".join(f"a{number}: slow" for number in range(9))
    document = f"{{ items(count: 50) {{ {slow} items(count: 3) {{ {slow} items(count: 2) {{ slow odd }} }} }} }}"
    living: set[asyncio.Task[Any]] = set()
    counts: list[int] = []

    def counted(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        task = asyncio.Task(coroutine, loop=loop, **options)
        living.add(task)
        task.add_done_callback(living.discard)
        counts.append(len(living))
        return task

    loop = asyncio.get_running_loop()
    loop.set_task_factory(counted)
    try:
        result = await run(BUDGETED, document)
    finally:
        loop.set_task_factory(None)
    assert max(counts) <= 10
    assert shown(result) == shown(await run(STOCK, document))


@pytest.mark.parametrize("at_once", [1_000, 1])
@pytest.mark.parametrize("selected", ["never gathered", "gathered never"])
async def test_the_end_of_an_operation_ends_all_of_it(
    monkeypatch: pytest.MonkeyPatch, selected: str, at_once: int
) -> None:
    """Also if what a field awaits took the cancellation for its own: nothing waits for fields that have begun."""
    monkeypatch.setattr("graphql_schema.operation.execution.CALLS_AT_ONCE", at_once)
    budget = OperationBudget(UsageLimits(rows=5))
    running = asyncio.create_task(run(BUDGETED, f"{{ item(number: 1) {{ slow {selected} }} }}", budget))
    budget.cancel_with(running.cancel)
    if selected.startswith("never") and at_once == 1:  # what follows is executed after it
        await later(None)
        budget.end(CodedError("late", Code.LIMIT_EXCEEDED))
    await asyncio.wait({running}, timeout=30)
    assert running.cancelled()


@pytest.mark.parametrize("is_unread", [True, False])
async def test_the_response_of_a_mutation_ends_when_its_client_leaves(*, is_unread: bool) -> None:
    """It is cancelled after the write of a root field, and the next one does not begin; a deadline ends neither."""
    budget, begun, may_end = OperationBudget(), asyncio.Event(), asyncio.Event()
    context = SimpleNamespace(budget=budget, shared=None, writes=[], begun=begun, may_end=may_end)
    document = "mutation { a: write { slow } b: write { slow } }"
    running = asyncio.create_task(OperationSchema(Query, mutation=Mutation).execute(document, context_value=context))
    budget.cancel_with(running.cancel)
    await begun.wait()
    budget.end(CodedError("ended", Code.LIMIT_EXCEEDED), is_unread=is_unread)
    await later(None)
    assert not running.done()
    may_end.set()
    await asyncio.wait({running})
    assert running.cancelled() is is_unread
    assert context.writes == (["a"] if is_unread else ["a", "b"])


@pytest.mark.parametrize("fails", ["slowlyPositive(after: 0)", "positive"])
@pytest.mark.parametrize("at_once", [1_000, 1])
async def test_an_error_cancels_nothing_that_others_await(
    monkeypatch: pytest.MonkeyPatch, fails: str, at_once: int
) -> None:
    """An object that fails awaits the same read as others, which have its value."""
    monkeypatch.setattr("graphql_schema.operation.execution.CALLS_AT_ONCE", at_once)
    bad, good = f"item(number: 0) {{ {fails} shared }}", "item(number: 1) { shared }"
    for document in (f"{{ b: {good} a: {bad} }}", f"{{ a: {bad} b: {good} }}", f"{{ a: {bad} b: {good} c: {bad} }}"):
        result = await run(BUDGETED, document)
        assert result.data == {name: {"shared": 7} if name == "b" else None for name in result.data or ()}
        assert {error.message for error in result.errors or []} == {"integer division or modulo by zero"}


@pytest.mark.parametrize("at_once", [1_000, 3])
@pytest.mark.parametrize(
    "selected",
    [
        "slow positive",
        "slow again: slow items(count: 2) { positive } slowlyPositive(after: 0)",
        "slowlyPositive(after: 0) slow",
        "slow slowlyPositive(after: 1) later: slowlyPositive(after: 9)",
        "slow slowlyPositive(after: 60) later: slowlyPositive(after: 100)",
    ],
)
@pytest.mark.parametrize("turn_seconds", [loop_turns.TURN_SECONDS, -1.0])
async def test_an_error_of_a_non_null_field_ends_the_others(
    recwarn: pytest.WarningsRecorder,
    monkeypatch: pytest.MonkeyPatch,
    selected: str,
    at_once: int,
    turn_seconds: float,
) -> None:
    """The error is that of graphql-core, at once or later; each coroutine that was made has begun."""
    monkeypatch.setattr("graphql_schema.operation.execution.CALLS_AT_ONCE", at_once)
    monkeypatch.setattr(loop_turns, "TURN_SECONDS", turn_seconds)
    monkeypatch.setattr(loop_turns, "LONG_TURN_SECONDS", turn_seconds)
    document = f"{{ items(count: 12) {{ {selected} }} }}"
    gc.collect()
    recwarn.clear()
    result = await run(BUDGETED, document)
    [error] = result.errors or []
    assert (result.data, error.message) == (None, "integer division or modulo by zero")
    assert (error.path or [])[:2] == ["items", 0]
    del result, error
    gc.collect()
    assert [str(each.message) for each in recwarn if each.category is RuntimeWarning] == []  # "was never awaited"
