"""Execution of an operation within its budget, in turns with other operations.

A query is executed over vectors (:mod:`graphql_schema.execution.vectored_execution`). Without plans, or if it would
have an error, it is executed by graphql-core, which also executes mutations and subscriptions. An event is executed
once for all subscriptions with equal rights and an equal selection.
"""

import asyncio
from collections.abc import AsyncIterable, Awaitable, Coroutine, Iterable, Sized
from copy import copy
from functools import cached_property
from itertools import chain
from typing import Any, Final, Self, cast

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLLeafType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLResolveInfoHelpers,
    GraphQLSchema,
    OperationType,
    get_operation_ast,
    is_non_null_type,
    located_error,
)
from graphql.execution.collect_fields import (
    CollectedFields,
    FieldDetailsList,
    GroupedFieldSet,
    collect_fields,
    collect_subfields,
)
from graphql.pyutils import AwaitableOrValue, Path, is_iterable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from graphql_schema.execution.explanation import explained
from graphql_schema.execution.failed_frames import forget_failed, forget_frames
from graphql_schema.execution.later_parts import CompletedT, Later
from graphql_schema.execution.many_calls import CALLS_AT_ONCE, free_failed
from graphql_schema.execution.plan import MAX_STEPS, Plans, Selection, selection_of
from graphql_schema.execution.root_write import written
from graphql_schema.execution.vectored_execution import VectoredExecution
from graphql_schema.fields.context import Context
from graphql_schema.fields.field import Resolved
from graphql_schema.operation.coerced_variables import CoercedVariables, without_variables
from graphql_schema.operation.event_selection import event_selection
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.record import JsonObject
from graphql_schema.ports.turns.loop_turns import TURNS
from policies.errors import CodedError

FEW: Final = 100
"""Number of resolvers that begin without a pause when graphql-core executes an operation, unless they take long."""

FEW_VALUES: Final = 500
"""Number of values that it completes without a pause, unless they take long; so small errors have the usual order."""


def _unavailable(*_: Any) -> Any:  # noqa: ANN401 - in place of two functions of graphql-core
    raise NotImplementedError("Resolvers of the API await their work themselves.")


_NO_HELPERS: Final = GraphQLResolveInfoHelpers(gather=_unavailable, track=_unavailable)
"""In place of graphql-core's helpers for resolvers, which refer to the executor and so are in a cycle with it."""


class BudgetedExecution(StrawberryGraphQLCoreExecutionContext):
    """Counts list elements, values and texts in the budget of the operation, and pauses between fields and items.

    The budget is that of the context; without one there, the execution has a budget of its own.
    """

    _resolvers = 0
    """Number of asynchronous resolvers that have begun."""
    _tasks = 1
    """Number of tasks in which parts of the operation are completed, with its own."""
    _fields = 0
    """Number of fields in `_collected`, and of its entries."""
    _last: tuple[tuple[object, ...], CollectedFields | None] = ((), None)

    @classmethod
    def build(
        cls,
        schema: GraphQLSchema,
        document: DocumentNode,
        root_value: Resolved = None,
        context_value: Any = None,  # noqa: ANN401 - the signature of graphql-core
        raw_variable_values: dict[str, Any] | None = None,
        operation_name: str | None = None,
        *args: Any,  # noqa: ANN401 - as above
        **kwargs: Any,  # noqa: ANN401 - as above
    ) -> list[GraphQLError] | Self:
        """Return the executor of an operation, or the errors of its variables.

        Variables that the admission has coerced are not coerced again. The executor is in no cycle of references, so
        what the operation has read is freed with it, and not by the garbage collector.
        """
        known = raw_variable_values if isinstance(raw_variable_values, CoercedVariables) else None
        executed, variables = (document, raw_variable_values) if known is None else (without_variables(document), {})
        built = super().build(schema, executed, root_value, context_value, variables, operation_name, *args, **kwargs)
        if isinstance(built, list):
            return built
        operation = get_operation_ast(document, operation_name)
        if known is not None and operation is not None:
            built.operation, built.variable_values = operation, known.coerced
        built.async_helpers = _NO_HELPERS
        return cast("Self", built)

    @cached_property
    def budget(self) -> OperationBudget:
        """Return the budget of the operation."""
        budget = getattr(self.context_value, "budget", None)
        return budget if isinstance(budget, OperationBudget) else OperationBudget()

    @cached_property
    def _collected(self) -> dict[tuple[object, ...], CollectedFields]:
        """The fields that were collected, by the name of the object type and the ids of the nodes above them."""
        return {}

    def execute_operation(
        self,
        serially: bool | None = None,  # noqa: FBT001 - the signature of graphql-core
    ) -> AwaitableOrValue[Any]:
        """Record type and name of the operation in the budget. Execute it, or one event of a subscription."""
        name = self.operation.name
        self.budget.operation = self.operation.operation.value, name.value if name else None
        self.budget.writes = self.operation.operation is OperationType.MUTATION
        context = self.context_value
        if self.operation.operation is OperationType.SUBSCRIPTION and isinstance(context, Context):
            return self._execute_event(context)
        if self.operation.operation is OperationType.QUERY and isinstance(context, Context):
            return self._execute_query(context)
        return super().execute_operation(serially)

    async def _execute_query(self, context: Context) -> ExecutionResult:
        """Execute a query over vectors; without plans, or if it would have an error, by graphql-core."""
        plans = context.plans
        if isinstance(plans, Plans):
            try:
                return ExecutionResult(data=await self._vectored(plans), errors=None)
            except Exception as error:  # noqa: BLE001 - graphql-core finds and reports the same error
                free_failed(self.budget, [], error)
                context.restart()
        result = super().execute_operation(serially=False)
        return cast("ExecutionResult", await result if self.is_awaitable(result) else result)

    async def _vectored(self, plans: Plans) -> JsonObject:
        """Return the data of a query; raises any exception if the query would have an error."""
        root = self.schema.query_type
        assert root is not None  # noqa: S101 - every schema has one

        def collected() -> Selection:
            fields = collect_fields(self.schema, self.fragments, self.variable_values, root, self.operation)
            return selection_of(self.schema, root, fields.grouped_field_set)

        selection = plans.root(self.operation, self.fragment_definitions, self.variable_values.coerced, collected)
        report = self.context_value.plan_report
        (data,) = await VectoredExecution(self, plans, report).objects(selection, [self.root_value])
        if report is not None:
            report.steps = [*explained(selection, report.objects)]
        return data

    async def _execute_event(self, context: Context) -> ExecutionResult:
        """Execute one event, once for all subscriptions of equal rights and selection; then end this one's turn."""
        if context.selection is None:
            fragments = self.fragment_definitions.values()
            context.selection = event_selection(self.operation, fragments, self.variable_values.coerced)

        row, subjects = self.root_value.take()

        async def execute(apart: Context) -> ExecutionResult:
            apart.reader.remember(subjects)
            executor = copy(self)
            executor.root_value, executor.context_value, executor.budget = row, apart, apart.budget
            result = super(BudgetedExecution, executor).execute_operation(serially=False)
            return cast("ExecutionResult", await result if self.is_awaitable(result) else result)

        try:
            return await context.shared((context.selection, row.urn), execute, of_event=True)
        finally:
            context.end_turn()

    def collect_subfields(
        self, return_type: GraphQLObjectType, field_details_list: FieldDetailsList
    ) -> CollectedFields:
        """Return the selected fields of an object type below a field; those below equal nodes are collected once.

        graphql-core keeps them for each path. In nested fragments on interfaces, that is each chain of types.
        """
        key = (return_type.name, *(id(each.node) for each in field_details_list))  # the document keeps its nodes
        found = self._last[1] if self._last[0] == key else self._collected.get(key)
        if found is None:
            given = self.schema, self.fragments, self.variable_values, self.operation
            found = collect_subfields(*given, return_type, field_details_list)
            if self._fields < MAX_STEPS:
                self._collected[key] = found
                self._fields += 1 + len(found.grouped_field_set)
        self._last = key, found  # graphql-core calls this for each object of a list
        return found

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Resolved,
        path: Path | None,
        grouped_field_set: GroupedFieldSet,
        position_context: Any,  # noqa: ANN401 - deferred delivery, which the API does not offer
    ) -> AwaitableOrValue[dict[str, Any]]:
        """Execute the fields of an object; raises LimitError for too many values or too long keys below the root."""
        if path is not None:
            self.budget.count_values(len(grouped_field_set))
            self.budget.count_characters(sum(map(len, grouped_field_set)))
        completed: dict[str, Any] = {}

        def complete(key: str, details: FieldDetailsList) -> bool:
            field_path = Path(path, key, parent_type.name)
            completed[key] = self.execute_field(parent_type, source_value, details, field_path, position_context)
            return self.is_awaitable(completed[key])

        fields = iter(grouped_field_set.items())
        if self._is_over():
            return self._complete_later(Later(fields, complete, completed))
        for key, details in fields:
            if complete(key, details):
                return self._complete_later(Later(fields, complete, completed, key))
        return completed

    def complete_list_value(
        self,
        return_type: GraphQLList[GraphQLOutputType],
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Context],
        path: Path,
        result: AsyncIterable[Resolved] | Iterable[Resolved],
        position_context: Any,  # noqa: ANN401 - as above
    ) -> AwaitableOrValue[list[Resolved]]:
        """Complete a list; raises LimitError for too many items in all lists, and the error of an ended operation."""
        details = field_details_list
        if not is_iterable(result) or not isinstance(result, Sized):
            return super().complete_list_value(return_type, details, info, path, result, position_context)
        self.budget.count_items(len(result))
        item_type = return_type.of_type
        completed: list[Any] = []

        def complete(index: int, item: Resolved) -> bool:
            at = path.add_key(index, None)
            return self.complete_list_item_value(item, completed, item_type, details, info, at, position_context)

        items = enumerate(result)
        for index, item in items:
            if self._is_over():
                return self._complete_later(Later(chain([(index, item)], items), complete, completed))
            if complete(index, item):
                return self._complete_later(Later(items, complete, completed, index))
        return completed

    def _is_over(self) -> bool:
        """Return whether the turn is over; for the first values of the operation, whether it is long."""
        return TURNS.is_over() if self.budget.values > FEW_VALUES else TURNS.is_long()

    async def _complete_later(self, later: Later[CompletedT]) -> CompletedT:
        """Complete the parts of an object or a list that follow one to be awaited, or the end of a turn.

        After the first error no further part begins, and it is raised when those that have begun have ended. They are
        not cancelled: what they await may be shared with parts elsewhere. If the operation is cancelled, they are.
        """
        try:
            await self._complete_parts(later)
            while later.tasks and not self.budget.is_cancelled:  # which may have ended another part than this
                await asyncio.wait(later.tasks)
        except asyncio.CancelledError:
            await later.cancel()
            raise
        if later.is_cancelled or self.budget.is_cancelled:
            await later.cancel()
            raise asyncio.CancelledError
        if not later.errors:
            return later.completed
        forget_frames(*later.errors.values())
        error = later.first_error()
        try:
            raise error
        finally:
            del error  # it refers to this frame

    async def _complete_parts(self, later: Later[CompletedT]) -> None:
        """Complete parts in turns; each that is to be awaited has a task, but for the last one.

        At most CALLS_AT_ONCE tasks of the operation run at once. If there are as many, each part is awaited before the
        next is completed: so work goes on in each task, and no part waits for another task to end.
        """
        part: Any = None, None
        try:
            for part in later.parts:
                if later.awaited is not None and self._tasks >= CALLS_AT_ONCE:
                    await later.wait()
                    await asyncio.sleep(0)  # tasks that have ended with it count until then
                if self._is_over():
                    self._begin(later)
                    await self._pause()
                if later.errors or self.budget.is_cancelled:
                    break
                if later.complete(*part):
                    self._begin(later)
                    later.awaited = part[0]
            if self.budget.is_cancelled:
                self._begin(later)
            await later.wait()
        except Exception as error:  # noqa: BLE001 - it is raised when all parts have ended
            later.errors[part[0]] = error
            await later.wait()

    async def _pause(self) -> None:
        """Pause; a mutation that has ended completes the result of what it has written."""
        try:
            await self.budget.pause()
        except CodedError as error:
            if not self.budget.writes:
                raise
            forget_frames(error)

    def _begin(self, later: Later[Any]) -> None:
        """Await a part that has not begun, if there is one, in a task of its own."""
        if later.awaited is None:
            return
        self._tasks += 1
        task = asyncio.create_task(later.set(later.awaited))
        later.awaited = None
        later.tasks.add(task)
        task.add_done_callback(later.tasks.discard)
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        """Count a task that has ended as such."""
        self._tasks -= 1
        forget_failed([task])

    async def complete_awaitable_value(
        self,
        return_type: GraphQLOutputType,
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Context],
        path: Path,
        result: Awaitable[Resolved],
        position_context: Any,  # noqa: ANN401 - as above
    ) -> Resolved:
        """Complete the value of an asynchronous resolver, which begins in a turn of the event loop."""
        begun = self._begun(result)
        begun = written(begun, self.budget) if self.budget.writes and path.prev is None else begun
        details = field_details_list
        return await super().complete_awaitable_value(return_type, details, info, path, begun, position_context)

    async def _begun(self, result: Awaitable[Resolved]) -> Resolved:
        """Return the result of a resolver, which begins in a turn of the event loop.

        The first FEW resolvers begin at once, so that errors of a usual operation have the order of its fields. Long
        arguments can make each of them take milliseconds, so a long turn ends this.
        """
        try:
            self._resolvers += 1
            if self._resolvers > FEW or TURNS.is_long():
                await self.budget.pause()
            return await result
        finally:
            if isinstance(result, Coroutine):
                result.close()  # without effect unless it never began, of which Python would warn

    def handle_field_error(
        self,
        raw_error: Exception,
        return_type: GraphQLOutputType,
        field_details_list: FieldDetailsList,
        path: Path,
    ) -> None:
        """Set the field to null, and collect the error; raise it if the field may not be null.

        After too many collected errors, an error is raised that ends a query, and so passes all fields above. A
        mutation is completed, because its result has what it wrote; its further errors are left out.
        """
        forget_frames(raw_error)
        is_collected = not (self.error_propagation and is_non_null_type(return_type))
        if is_collected and self.budget.writes and self.budget.errors >= self.budget.limits.errors:
            return
        try:
            self.budget.count_errors(int(is_collected))
        except CodedError as ended:
            raise located_error(ended, [each.node for each in field_details_list], path.as_list()) from None
        super().handle_field_error(raw_error, return_type, field_details_list, path)

    def complete_leaf_value(self, return_type: GraphQLLeafType, result: Resolved) -> Resolved:  # type: ignore[override]
        """Complete a scalar or an enum; raises LimitError if the texts of the response are too long together."""
        value = super().complete_leaf_value(return_type, result)
        if isinstance(value, str):
            self.budget.count_characters(len(value))
        return value
