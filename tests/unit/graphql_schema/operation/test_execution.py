"""Execution within a budget: the same responses as stock graphql-core, its limits, and its pauses."""

import asyncio
from types import SimpleNamespace
from typing import Any

import strawberry
from graphql import get_operation_ast, parse
from strawberry.types import ExecutionResult

from graphql_schema.operation.coerced_variables import CoercedVariables, coerce
from graphql_schema.operation.execution import LONG_LIST, BudgetedExecution
from graphql_schema.operation.limited_schema import OperationSchema
from graphql_schema.ports.operation_budget import OperationBudget, UsageLimits
from policies.principal import Scope


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
        return "x" * 10

    @strawberry.field
    def items(self, count: int) -> list["Item"]:
        """Return as many items."""
        return [Item(number=each) for each in range(count)]


@strawberry.type
class Query:
    """The root."""

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
    """The root of mutations, with the same fields."""


BUDGETED, STOCK = OperationSchema(Query), strawberry.Schema(Query)
MANY = LONG_LIST * 4


async def run(schema: strawberry.Schema, document: str, budget: OperationBudget | None = None) -> ExecutionResult:
    """Return the result of a query, with a budget in its context."""
    result = await schema.execute(document, context_value=SimpleNamespace(budget=budget))
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
