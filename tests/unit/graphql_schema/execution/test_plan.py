"""Plans: which fields of which type are read, in which order, and how long a plan is kept."""

import asyncio
from typing import Any

import pytest
from graphql import FragmentDefinitionNode, GraphQLObjectType, OperationDefinitionNode, parse
from graphql.execution.collect_fields import collect_fields, collect_subfields
from support.documents.both_executions import executed_twice
from support.documents.small_schema import MADE, ROOTS, blue, red, small_schema
from support.stores.plain_reader import PlainGraph

from graphql_schema.execution import plan
from graphql_schema.execution.leaf_column import StockPathError
from graphql_schema.execution.plan import MAX_PLANS, MAX_STEPS, STEP_BYTES, Plans, Selection, selection_of
from graphql_schema.fields.context import Context
from graphql_schema.fields.record_reader import RecordReader
from graphql_schema.operation import execution
from graphql_schema.operation.execution import BudgetedExecution
from graphql_schema.ports.operation_budget import OperationBudget, UsageLimits
from graphql_schema.schema import GraphSchema
from policies.principal import Principal


class Document:
    """A query of the built schema, and the plans that are made for it."""

    def __init__(self, schema: GraphSchema, text: str) -> None:
        self.schema, self.text = schema, text
        self.plans = Plans()
        self.made: list[Selection] = []
        self._document = parse(text)

    def plan(self, operation: str | None = None, /, **variables: Any) -> Selection:
        """Return the plan of an operation with variables."""
        executor = BudgetedExecution.build(
            self.schema.core, self._document, raw_variable_values=variables, operation_name=operation
        )
        assert isinstance(executor, BudgetedExecution), executor
        root = self.schema.core.query_type
        assert root is not None
        fragments = {
            each.name.value: each for each in self._document.definitions if isinstance(each, FragmentDefinitionNode)
        }
        self._executor = executor

        def make() -> Selection:
            fields = collect_fields(
                self.schema.core, executor.fragments, executor.variable_values, root, executor.operation
            )
            self.made.append(selection_of(self.schema.core, root, fields.grouped_field_set))
            return self.made[-1]

        assert isinstance(executor.operation, OperationDefinitionNode)
        return self.plans.root(executor.operation, fragments, executor.variable_values.coerced, make)

    def below(self, selection: Selection, key: str, type_name: str) -> Selection:
        """Return the plan of the fields of a type below a field."""
        (step,) = (each for each in selection.steps if each.key == key)
        type_ = self.schema.core.type_map[type_name]
        assert isinstance(type_, GraphQLObjectType)
        fields = self._executor.collect_subfields(type_, step.details).grouped_field_set
        return selection_of(self.schema.core, type_, fields)


def test_fields_are_planned_by_type_in_the_order_of_the_response(schema: GraphSchema) -> None:
    """Aliases, merged fields and nested fragments have the places of graphql-core; each type has its own fields."""
    document = Document(
        schema,
        """query { asset(id: "x") { a: displayName ...M id ... on Dataset { format } owners { ownership } }
        asset(id: "x") { __typename id description } }
        fragment M on Model { task ... on Asset { owners { ownership } ...N } } fragment N on Node { asOf }""",
    )
    root = document.plan()
    assert root.keys == ("asset",)
    model, dataset = document.below(root, "asset", "Model"), document.below(root, "asset", "Dataset")
    assert model.keys == ("a", "task", "owners", "asOf", "id", "__typename", "description")
    assert dataset.keys == ("a", "id", "format", "owners", "__typename", "description")
    assert [step.key for step in model.deeper] == ["owners", "asOf"]


def test_how_a_field_is_read(schema: GraphSchema) -> None:
    """Leaves are read from the source, governed fields are known, and lists and resolvers come after the leaves."""
    document = Document(
        schema,
        '{ asset(id: "x") { __typename id displayName sensitivity properties { key } owners { owner { id } } } }',
    )
    steps = {step.key: step for step in document.below(document.plan(), "asset", "Dataset").steps}
    assert [key for key, step in steps.items() if step.leaf is not None] == ["id", "displayName", "sensitivity"]
    assert [key for key, step in steps.items() if step.required] == ["id", "displayName"]
    assert [key for key, step in steps.items() if step.call is not None] == ["owners"]
    assert [key for key, step in steps.items() if step.governed] == ["owners"]
    assert steps["__typename"].read is None
    assert steps["__typename"].call is None


def test_a_plan_is_kept_for_each_condition(schema: GraphSchema) -> None:
    """Variables of `@skip` and `@include` make plans, also in nested fragments; other variables make none."""
    document = Document(
        schema,
        """query ($id: ID!, $a: Boolean!, $b: Boolean = true) { asset(id: $id) { id ...F }
          viewer @skip(if: $a) { subject } }
        fragment F on Asset { ... on Model { ...G } } fragment G on Model { task @include(if: $b) ...F2 }
        fragment F2 on Model { displayName }""",
    )
    first = document.plan(id="x", a=True)
    assert first.keys == ("asset",)
    assert document.plan(id="y", a=True, b=True) is first
    assert document.plan(id="x", a=False).keys == ("asset", "viewer")
    without = document.plan(id="x", a=True, b=False)
    assert without is not first
    assert document.below(without, "asset", "Model").keys == ("id", "displayName")
    assert len(document.made) == 3


def test_literal_conditions_are_decided_once(schema: GraphSchema) -> None:
    """A literal condition is the same in every plan."""
    document = Document(
        schema, '{ asset(id: "x") @skip(if: false) { id @include(if: false) kind } viewer @skip(if: true) { subject } }'
    )
    root = document.plan()
    assert root.keys == ("asset",)
    assert document.below(root, "asset", "Model").keys == ("kind",)
    assert document.plan() is root


def test_each_operation_of_a_document_has_its_plan(schema: GraphSchema) -> None:
    """Each operation is planned by its name."""
    document = Document(schema, "query A { viewer { subject } } query B { teams { totalCount } }")
    assert [document.plan(name).keys for name in "ABA"] == [("viewer",), ("teams",), ("viewer",)]
    assert len(document.made) == 2


def test_plans_are_bounded(schema: GraphSchema) -> None:
    """A document has at most MAX_PLANS plans; a further one begins again, and is right."""
    names = [f"v{number}" for number in range(5)]
    head, fields = (
        ", ".join(f"${name}: Boolean!" for name in names),
        " ".join(f"{name}: viewer @skip(if: ${name}) {{ subject }}" for name in names),
    )
    document = Document(schema, f"query ({head}) {{ {fields} last: viewer {{ subject }} }}")
    for number in range(32):
        given = {name: bool(number >> place & 1) for place, name in enumerate(names)}
        assert document.plan(None, **given).keys == (*(name for name in names if not given[name]), "last")
        assert len(document.plans._roots) <= MAX_PLANS  # noqa: SLF001 - the bound is not observable otherwise


@pytest.mark.parametrize("text", ["{ __schema { description } }", '{ __type(name: "Model") { name } }'])
def test_introspection_has_no_plan(schema: GraphSchema, text: str) -> None:
    """The schema itself is read by graphql-core."""
    with pytest.raises(StockPathError):
        Document(schema, text).plan()


def test_nothing_is_kept_of_a_plan_that_fails(schema: GraphSchema) -> None:
    """The next execution tries again."""
    document = Document(schema, "{ __schema { description } }")
    for _ in range(2):
        with pytest.raises(StockPathError):
            document.plan()


@pytest.mark.parametrize("field", ["numbers", "digits"])
async def test_lists_of_resolvers_end_the_operation_while_they_are_made(
    ada: Principal, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    """Each of a few aliases would else make those of thousands of objects before the first one is counted."""
    small = small_schema()
    ROOTS[:] = [red(number) for number in range(50)]
    graph, made, restart = PlainGraph(), list[int](), Context.restart

    def opened(limits: UsageLimits = UsageLimits()) -> Context:  # noqa: B008 - it is frozen
        return Context(ada, lambda *_: graph, graph, graph.report, b"k" * 32, lambda: 0, OperationBudget(limits))

    def noted_restart(context: Context) -> None:
        made.append(sum(MADE))
        restart(context)

    document = f"{{ reds {{ a: {field}(count: 10) b: {field}(count: 10) c: {field}(count: 10) }} }}"
    found, again = await executed_twice(small, opened, document, {})
    assert (len(found.json["reds"][49]["c"]), again, found.used[0]) == (10, 0, 50 + 3 * 50 * 10)
    monkeypatch.setattr(Context, "restart", noted_restart)
    monkeypatch.setattr("graphql_schema.execution.vectored_execution.CALLS_AT_ONCE", 4)
    MADE.clear()
    await small.execute(document, context_value=opened(UsageLimits(items=200)))
    assert made
    assert made[0] <= 200 + 4 * 10  # those that run at once


async def test_lists_that_are_read_end_the_operation_while_they_are_made(
    ada: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The items of a page are made when they are read: thousands of sources with one page made millions of items."""
    ROOTS[:] = [red(number, things=[red(0)] * 10) for number in range(50)]
    read, made = RecordReader.__call__, [0]

    def noted(reader: RecordReader, source: Any, info: object = None) -> Any:
        made[0] += reader.name == "things"
        return read(reader, source, info)

    monkeypatch.setattr(RecordReader, "__call__", noted)
    result = await small_schema().execute("{ reds { things { number } } }", context_value=context(ada, UsageLimits()))
    assert (result.errors, made[0]) == (None, 50)
    made[0] = 0
    limited = context(ada, UsageLimits(items=200))
    monkeypatch.setattr(Context, "restart", lambda _: made.append(made[0]))
    await small_schema().execute("{ reds { things { number } } }", context_value=limited)
    assert made[1] == 1 + (200 - 50) // 10


NESTED = """{ things { ...A } } fragment A on Thing { number thing { ...B } } fragment B on Thing {
  number thing { ...C } } fragment C on Thing { number }"""
"""Two types on three levels: a selection of the root, and 2, 4 and 8 below it."""

SIZE = 2 + 2 * (3 + 2 * (3 + 2 * 2))
"""The number of steps and selections."""


AT_ONCE = 20
"""The greatest size of the selections that are in use at the same time; what has ended counts no longer."""


def nested() -> list[Any]:
    """Return things of both types that lead over things of both types to things of both."""
    below: list[Any] = [None]
    for _ in range(3):
        below = [make(number, thing=each) for number, make in enumerate((red, blue)) for each in below]
    return below


def context(ada: Principal, limits: UsageLimits) -> Context:
    """Return the context of an operation."""
    graph = PlainGraph()
    return Context(ada, lambda *_: graph, graph, graph.report, b"k" * 32, lambda: 0, OperationBudget(limits))


async def test_few_steps_of_a_document_are_kept(ada: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each level of nested interfaces multiplies the steps by the types, so a short document has a million.

    What is kept counts in the cache when the operation ends, and the response is that of a plan that is kept.
    """
    ROOTS[:] = nested()
    found = dict[int, Any]()
    for most in (SIZE, 6):
        monkeypatch.setattr(plan, "MAX_STEPS", most)
        small, limits = small_schema(), UsageLimits()
        documents = small._documents  # noqa: SLF001 - what is kept is not observable otherwise
        for _ in range(2):
            given = context(ada, limits)
            result = await small.execute(NESTED, context_value=given)
            assert (result.errors, given.budget.stored) == (None, 0)
            found[most] = result.data
            (size,) = (each.document.size for each in documents._entries.values())  # noqa: SLF001
            assert documents._bytes == size  # noqa: SLF001
            known = documents.get(NESTED, (ada.tenant, ada.subject))
            assert known is not None
            assert known.plans.steps == (SIZE if most == SIZE else 2 + 3 + 3)
    assert found[6] == found[SIZE]


def test_nothing_is_kept_of_plans_that_were_replaced(schema: GraphSchema) -> None:
    """An operation may still run with one of them: what it adds would count, and is reached by no other operation."""
    document = Document(schema, '{ asset(id: "x") { id } }')
    (step,) = document.plan().steps
    below, plans = document.below(document.plan(), "asset", "Model"), document.plans
    before, known = plans.begun, plans.steps
    plans.begun += 1
    plans.keep(before, step, below)
    assert (step.below, plans.steps) == ({}, known)
    plans.keep(plans.begun, step, below)
    assert (step.below, plans.steps) == ({"Model": below}, known + below.size)


async def test_what_a_cancelled_operation_planned_counts(ada: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document that its callers never receive to the end is kept with its plans as well."""
    ROOTS[:] = nested()
    small, keep = small_schema(), Plans.keep

    def cancelled(plans: Plans, begun: int, step: plan.PlanStep, selection: Selection) -> None:
        keep(plans, begun, step, selection)
        raise asyncio.CancelledError

    monkeypatch.setattr(Plans, "keep", cancelled)
    with pytest.raises(asyncio.CancelledError):
        await small.execute(NESTED, context_value=context(ada, UsageLimits()))
    (entry,) = small._documents._entries.values()  # noqa: SLF001 - what is kept is not observable otherwise
    assert entry.document.plans.steps > 1
    assert small._documents._bytes == entry.document.size  # noqa: SLF001


@pytest.mark.parametrize("enough", [True, False])
async def test_a_plan_that_is_not_kept_counts_as_memory(
    ada: Principal, monkeypatch: pytest.MonkeyPatch, *, enough: bool
) -> None:
    """An operation of half a million values may have as many steps: it ends when they are too large."""
    ROOTS[:] = nested()
    monkeypatch.setattr(plan, "MAX_STEPS", 0)
    limits = UsageLimits(stored=STEP_BYTES * (AT_ONCE if enough else AT_ONCE - 1))
    result = await small_schema().execute(NESTED, context_value=context(ada, limits))
    assert [getattr(each.original_error, "extensions", {}).get("limit") for each in result.errors or ()] == (
        [] if enough else ["stored"]
    )


@pytest.mark.parametrize("vectored", [True, False])
async def test_fields_below_equal_nodes_are_collected_once(
    ada: Principal, monkeypatch: pytest.MonkeyPatch, *, vectored: bool
) -> None:
    """By path there would be 14 collections; graphql-core keeps each of them until the operation ends."""
    ROOTS[:] = nested()
    collected = list[str]()

    def noted(*given: Any) -> Any:
        collected.append(given[4].name)
        return collect_subfields(*given)

    monkeypatch.setattr(execution, "collect_subfields", noted)
    for most, count in ((MAX_STEPS, 3 * 2), (0, 2 + 4 + 8 if vectored else 3 * 8)):
        monkeypatch.setattr(execution, "MAX_STEPS", most)
        collected.clear()
        given = context(ada, UsageLimits())
        given.vectored = vectored
        assert (await small_schema().execute(NESTED, context_value=given)).errors is None
        assert len(collected) == count
