"""Execution of an operation within its budget, in turns with other operations; events are executed once for many."""

from collections.abc import AsyncIterable, Iterable, Sized
from copy import copy
from functools import cached_property
from typing import Any, Final, cast

from graphql import (
    ExecutionResult,
    GraphQLLeafType,
    GraphQLList,
    GraphQLOutputType,
    GraphQLResolveInfo,
    OperationType,
    is_leaf_type,
)
from graphql.execution.collect_fields import FieldDetailsList
from graphql.pyutils import AwaitableOrValue, Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from graphql_schema.fields.context import Context
from graphql_schema.fields.field import Resolved
from graphql_schema.operation.event_selection import event_selection
from graphql_schema.ports.operation_budget import OperationBudget

LONG_LIST: Final = 25
"""Number of objects from which on a list is resolved with pauses."""


class BudgetedExecution(StrawberryGraphQLCoreExecutionContext):
    """Counts list elements and texts in the budget of the operation, and pauses in long lists.

    The budget is that of the context; a context without one gets a budget of its own.
    """

    @cached_property
    def budget(self) -> OperationBudget:
        """Return the budget of the operation."""
        budget = getattr(self.context_value, "budget", None)
        return budget if isinstance(budget, OperationBudget) else OperationBudget()

    def execute_operation(
        self,
        serially: bool | None = None,  # noqa: FBT001 - the signature of graphql-core
    ) -> AwaitableOrValue[Any]:
        """Record in the budget whether the operation is a mutation. Execute it, or one event of a subscription."""
        self.budget.writes = self.operation.operation is OperationType.MUTATION
        context = self.context_value
        if self.operation.operation is OperationType.SUBSCRIPTION and isinstance(context, Context):
            return self._execute_event(context)
        return super().execute_operation(serially)

    async def _execute_event(self, context: Context) -> ExecutionResult:
        """Execute one event, once for all subscriptions of equal rights that select the same, and end the turn."""
        if context.selection is None:
            fragments = self.fragment_definitions.values()
            context.selection = event_selection(self.operation, fragments, self.variable_values.coerced)

        async def execute(apart: Context) -> ExecutionResult:
            apart.reader.remember(context.subjects)
            executor = copy(self)
            executor.context_value, executor.budget = apart, apart.budget
            result = super(BudgetedExecution, executor).execute_operation(serially=False)
            return cast("ExecutionResult", await result if self.is_awaitable(result) else result)

        try:
            return await context.shared((context.selection, self.root_value.urn), execute)
        finally:
            context.end_turn()

    def complete_list_value(
        self,
        return_type: GraphQLList[GraphQLOutputType],
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Context],
        path: Path,
        result: AsyncIterable[Resolved] | Iterable[Resolved],
        position_context: Any,  # noqa: ANN401 - deferred delivery, which the API does not offer
    ) -> AwaitableOrValue[list[Resolved]]:
        """Complete a list; raises LimitError if the budget is exhausted, and the error of an ended operation."""
        if isinstance(result, Sized) and isinstance(result, Iterable):
            self.budget.count_items(len(result))
            if len(result) >= LONG_LIST and not is_leaf_type(return_type.of_type):
                result = self.budget.in_turns(result)
        return super().complete_list_value(return_type, field_details_list, info, path, result, position_context)

    def complete_leaf_value(self, return_type: GraphQLLeafType, result: Resolved) -> Resolved:  # type: ignore[override]
        """Complete a scalar or an enum; raises LimitError if the texts of the response are too long."""
        value = super().complete_leaf_value(return_type, result)
        if type(value) is str:
            self.budget.count_characters(len(value))
        return value
