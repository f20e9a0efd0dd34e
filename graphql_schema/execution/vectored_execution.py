"""Executes the selections of an operation over vectors: a field is read for all objects of a level at once.

Where graphql-core makes a task for each field of each object, there is one here for a field of a level. An operation
that would have an error is not completed here: graphql-core executes it again, and knows how errors propagate
(:mod:`graphql_schema.operation.execution`). What is returned here has no errors, and equals the response of
graphql-core.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, compress, islice
from typing import Final, Protocol, cast

from graphql import (
    GraphQLAbstractType,
    GraphQLField,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
    is_abstract_type,
    is_leaf_type,
)
from graphql.execution.collect_fields import CollectedFields, FieldDetailsList
from graphql.execution.values import VariableValues, get_argument_values
from graphql.language import FieldNode
from graphql.pyutils import Path

from graphql_schema.execution.leaf_column import Column, StockPathError, leaf_column, text_length
from graphql_schema.execution.many_calls import CALLS_AT_ONCE, all_of
from graphql_schema.execution.plan import STEP_BYTES, Plans, PlanStep, Selection, selection_of
from graphql_schema.fields.context import Context, Info
from graphql_schema.fields.field import Resolved
from graphql_schema.fields.node import type_of
from graphql_schema.ports.cost_report import PlanReport
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.record import Json, JsonObject
from graphql_schema.ports.row import MaskedRecord, RecordAccess

TURN_OBJECTS: Final = 250
"""Number of objects whose leaves are read without a pause: about a millisecond."""

LISTS_AT_ONCE: Final = 10_000
"""Number of lists that are completed without a pause: a few milliseconds."""

TURN_VALUES: Final = 2_500
"""Number of values of these objects, many of which may be aliases of fields that are hidden, and so are reported."""


class Executor(Protocol):
    """What this module uses of the executor of graphql-core."""

    schema: GraphQLSchema
    variable_values: VariableValues

    @property
    def budget(self) -> OperationBudget:
        """The budget of the operation."""

    def collect_subfields(
        self, return_type: GraphQLObjectType, field_details_list: FieldDetailsList
    ) -> CollectedFields:
        """Return the selected fields of an object type below a field."""

    def build_resolve_info(
        self, field_def: GraphQLField, field_nodes: list[FieldNode], parent_type: GraphQLObjectType, path: Path
    ) -> GraphQLResolveInfo[Context]:
        """Return the info of a field."""


@dataclass(slots=True)
class VectoredExecution:
    """The execution of one operation; ``report``, if it is not None, counts the objects of each resolver.

    If the response would have an error, all methods raise StockPathError or an error of a resolver, alone or in an
    ExceptionGroup.
    """

    executor: Executor
    plans: Plans
    report: PlanReport | None = None
    _begun: int = field(init=False)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CALLS_AT_ONCE))

    def __post_init__(self) -> None:
        self._begun = self.plans.begun

    async def objects(self, selection: Selection, sources: Sequence[Resolved]) -> list[JsonObject]:
        """Return the completed objects of one type, one for each source."""
        budget = self.executor.budget
        completed: list[JsonObject] = []
        size = max(1, min(TURN_OBJECTS, TURN_VALUES // max(1, len(selection.steps))))
        for begin in range(0, len(sources), size):
            await budget.pause()
            completed += self._leaves(selection, sources[begin : begin + size])
        await all_of(budget, [partial(self._fill, step, sources, completed) for step in selection.deeper])
        return completed

    def _leaves(self, selection: Selection, sources: Sequence[Resolved]) -> list[JsonObject]:
        """Return objects with the values of leaves, and None for the fields that are read later."""
        reader = _Sources(sources)
        nothing = [None] * len(sources)
        columns: list[Column] = []
        for step in selection.steps:
            if step.leaf is not None:
                columns.append(self._leaf(step.leaf, reader.column(step), required=step.required))
            elif step.call is None and step.read is None:
                columns.append(self._typenames(selection.type.name, len(sources)))
            else:
                columns.append(nothing)
        if not columns:  # nothing is selected of this type
            return [{} for _ in sources]
        keys = selection.keys
        return [dict(zip(keys, values, strict=True)) for values in zip(*columns, strict=True)]

    def _typenames(self, name: str, count: int) -> Column:
        """Return the values of `__typename`, which count as texts."""
        self._count_characters(len(name) * count)
        return [name] * count

    def _leaf(self, type_: GraphQLLeafType, values: Column, *, required: bool) -> Column:
        if required and None in values:
            raise StockPathError
        column = leaf_column(type_, values)
        self._count_characters(text_length(column))
        return column

    async def _leaf_in_turns(self, type_: GraphQLLeafType, values: Column) -> Column:
        """Return the completed values of a leaf for all objects of a level, such as 50,000 instants."""
        completed: Column = []
        for begin in range(0, len(values), TURN_VALUES):
            await self.executor.budget.pause()
            completed += self._leaf(type_, values[begin : begin + TURN_VALUES], required=False)
        return completed

    def _count_characters(self, count: int) -> None:
        """Count characters; graphql-core finds which field exceeds the limit."""
        budget = self.executor.budget
        if budget.characters + count > budget.limits.characters:
            raise StockPathError
        budget.count_characters(count)

    def _count_values(self, selection: Selection, objects: int) -> None:
        """Count the fields of some objects; graphql-core finds which object exceeds a limit."""
        budget, count = self.executor.budget, len(selection.keys) * objects
        if budget.values + count > budget.limits.values:
            raise StockPathError
        budget.count_values(count)
        self._count_characters(selection.key_length * objects)

    def _count_items(self, count: int) -> None:
        """Count elements of lists; graphql-core finds which list exceeds the limit."""
        budget = self.executor.budget
        if budget.items + count > budget.limits.items:
            raise StockPathError
        budget.count_items(count)

    async def _fill(self, step: PlanStep, sources: Sequence[Resolved], objects: Sequence[JsonObject]) -> None:
        """Read a field that is no leaf for all sources, and set it in their objects."""
        values = await self._values(step, sources)
        completed, key = await self._completed(step.definition.type, step, values), step.key
        await self.executor.budget.pause()
        for each, value in zip(objects, completed, strict=True):
            each[key] = value

    async def _values(self, step: PlanStep, sources: Sequence[Resolved]) -> Column:
        """Return the values of a field for all sources, None where it is hidden."""
        if step.read is not None:
            return await self._each(step, step.read, sources)
        if step.governed:
            shown = [source.is_shown(step.name) async for source in self.executor.budget.in_turns(sources)]
            if not all(shown):
                known = iter(await self._resolved(step, list(compress(sources, shown))))
                return [next(known) if is_shown else None for is_shown in shown]
        return await self._resolved(step, sources)

    async def _resolved(self, step: PlanStep, sources: Sequence[Resolved]) -> Column:
        """Return the values of a field with a resolver for sources that show it."""
        call = step.call
        if call is None or not sources:
            return []
        if self.report is not None:
            self.report.objects[id(step)] += len(sources)
        info, arguments = self._arguments(step)
        if call.for_all:
            return cast("Column", await call(sources, info, arguments))
        budget = self.executor.budget
        if call.is_async:
            found: Column = []
            for begin in range(0, len(sources), CALLS_AT_ONCE):  # the tasks of one part are freed at once
                some = sources[begin : begin + CALLS_AT_ONCE]
                calls = [partial(call, source, info, arguments) for source in some]
                if step.lists:
                    calls = [partial(self._foreseen_of, each) for each in calls]
                found += await all_of(budget, calls, self._slots)
                await budget.pause()
            return found
        return await self._each(step, lambda source: call(source, info, arguments), sources)

    async def _each(self, step: PlanStep, make: Callable[[Resolved], Resolved], sources: Sequence[Resolved]) -> Column:
        """Return what is made for each source, in turns.

        If that ends with an error, its frames have the list, which is then freed in turns with them.
        """
        made: Column = []
        keep = self._foreseen if step.lists else _same
        async for source in self.executor.budget.in_turns(sources):
            made.append(keep(make(source)))
        return made

    async def _foreseen_of(self, call: Callable[[], Awaitable[Resolved]]) -> Resolved:
        return self._foreseen(await call())

    def _foreseen(self, made: Resolved) -> Resolved:
        """Return what a resolver or reader made for one source, and foresee its elements if it is a list.

        The lists of all sources may be millions of elements before the first one is completed, and counted. So may the
        items of pages, which are made when they are read: thousands of sources may have one page. Raises StockPathError
        for too many: graphql-core finds which list exceeds the limit.
        """
        budget = self.executor.budget
        if isinstance(made, list | tuple):
            if budget.items + budget.foreseen + len(made) > budget.limits.items:
                raise StockPathError
            budget.foresee_items(len(made))
        return made

    def _arguments(self, step: PlanStep) -> tuple[Info, JsonObject]:
        """Return the info and the arguments of a field, which are the same for all its sources."""
        nodes = [each.node for each in step.details]
        path = Path(None, step.key, step.parent.name)  # resolvers do not read it: it would differ by source
        raw = self.executor.build_resolve_info(step.definition, nodes, step.parent, path)
        given = get_argument_values(step.definition, nodes[0], self.executor.variable_values)
        assert step.call is not None  # noqa: S101 - the caller has tested it
        info = step.call.info_of(raw)
        return info, step.call.arguments_of(info, given)

    async def _completed(self, type_: GraphQLOutputType, step: PlanStep, values: Column) -> Column:
        """Return the completed values of a field of this type, which may be a part of the type of the field.

        Pauses here and elsewhere are between loops over all values: a loop over 100,000 takes some 10 ms.
        """
        await self.executor.budget.pause()
        if isinstance(type_, GraphQLNonNull):
            if None in values:
                raise StockPathError
            return await self._completed(type_.of_type, step, values)
        if None in values:
            known = iter(await self._completed(type_, step, [each for each in values if each is not None]))
            return [None if each is None else next(known) for each in values]
        if isinstance(type_, GraphQLList):
            return await self._lists(type_, step, values)
        if is_leaf_type(type_):
            return await self._leaf_in_turns(type_, values)
        if is_abstract_type(type_):
            return await self._by_type(type_, step, values)
        return await self._objects(cast("GraphQLObjectType", type_), step, values)

    async def _lists(self, type_: GraphQLList[GraphQLOutputType], step: PlanStep, values: Column) -> Column:
        """Return completed lists; the items of all are completed together."""
        if not all(issubclass(each, list | tuple) for each in set(map(type, values))):
            raise StockPathError
        self._count_items(sum(map(len, values)))
        items = iter(await self._completed(type_.of_type, step, list(chain.from_iterable(values))))
        lists: Column = []
        for begin in range(0, len(values), LISTS_AT_ONCE):
            await self.executor.budget.pause()
            lists += [list(islice(items, len(each))) for each in values[begin : begin + LISTS_AT_ONCE]]
        return lists

    async def _by_type(self, abstract: GraphQLAbstractType, step: PlanStep, values: Column) -> Column:
        """Return completed objects of an abstract type; those of one type are completed together."""
        indexes: dict[str, list[int]] = {}
        for index, value in enumerate(values):
            indexes.setdefault(type_of(value), []).append(index)
        completed: Column = [None] * len(values)

        async def complete(name: str, found: list[int]) -> None:
            schema = self.executor.schema
            type_ = schema.get_type(name)
            if not isinstance(type_, GraphQLObjectType) or not schema.is_sub_type(abstract, type_):
                raise StockPathError
            await self.executor.budget.pause()
            objects = await self._objects(type_, step, [values[index] for index in found])
            await self.executor.budget.pause()
            for index, each in zip(found, objects, strict=True):
                completed[index] = each

        await all_of(self.executor.budget, [partial(complete, *each) for each in indexes.items()])
        return completed

    async def _objects(self, type_: GraphQLObjectType, step: PlanStep, sources: Column) -> Column:
        """Return completed objects of one type; a plan for them that is not kept counts as memory meanwhile."""
        if not sources:
            return []
        selection = step.below.get(type_.name)
        if selection is None:
            fields = self.executor.collect_subfields(type_, step.details).grouped_field_set
            selection = selection_of(self.executor.schema, type_, fields)
            self.plans.keep(self._begun, step, selection)
        if type_.name in step.below:
            return await self._counted_objects(selection, sources)
        with self.executor.budget.holding() as hold:
            hold(STEP_BYTES * selection.size)
            return await self._counted_objects(selection, sources)

    async def _counted_objects(self, selection: Selection, sources: Column) -> Column:
        self._count_values(selection, len(sources))
        return cast("Column", await self.objects(selection, sources))


def _same(made: Resolved) -> Resolved:
    return made


class _Sources:
    """The sources of some objects of one type, and their records if all of them are masked records."""

    def __init__(self, sources: Sequence[Resolved]) -> None:
        self._sources = sources
        self._records: list[Mapping[str, Json]] | None = None
        self._watched: frozenset[str] = frozenset()
        if all(isinstance(source, MaskedRecord) for source in sources):
            self._records = [source.record for source in sources]
            accesses: dict[int, RecordAccess] = {id(source.access): source.access for source in sources}
            self._watched = frozenset().union(*(access.watched for access in accesses.values()))

    def column(self, step: PlanStep) -> Column:
        """Return the values of a leaf, before they are completed; hidden and logged fields are reported."""
        read = step.read
        assert read is not None  # noqa: S101 - the caller has tested it
        if self._records is None:
            return list(map(read, self._sources))
        name = read.name
        if name not in self._watched:
            return [record.get(name) for record in self._records]
        return [
            source.read(name) if name in source.access.watched else source.record.get(name) for source in self._sources
        ]
