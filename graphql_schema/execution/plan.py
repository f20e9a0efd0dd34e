"""The plan of an operation: for each object type in it the fields to read, and how each is read.

A plan depends on the document and on the conditions of `@skip` and `@include`, not on the caller or on other variables,
so that it is kept with the document. It grows while it is used: an object type is planned when an object of it appears.
A field below an interface has a step for each type of its objects, on each path: nested interfaces multiply them. Up to
`MAX_STEPS` are kept; an operation plans what is beyond for itself.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLLeafType,
    GraphQLNullableType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_nullable_type,
    is_introspection_type,
    is_leaf_type,
    is_list_type,
)
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet

from graphql_schema.execution.leaf_column import StockPathError
from graphql_schema.execution.resolver_call import ResolverCall, resolver_call
from graphql_schema.fields.record_reader import GuardedResolver, RecordReader

Collect = Callable[[GraphQLObjectType, FieldDetailsList], GroupedFieldSet]
"""Returns the selected fields of an object type below a field, by response key."""


@dataclass(slots=True)
class PlanStep:
    """One selected field of an object type.

    ``read`` is its reader if it has no resolver of its own, ``call`` its resolver otherwise; both are None for
    ``__typename``. ``leaf`` is its nullable type if the field has a reader and one scalar or enum as value.
    ``required``, a flag of a field with a reader: its type is non-null. ``governed``, a flag of a field with a
    resolver: the policy may hide the field on some sources. ``lists``, a flag: the value is a list, which is made for
    each source. ``below`` are the selections below the field, by the name of the object type of its values.
    """

    key: str
    name: str
    parent: GraphQLObjectType
    definition: GraphQLField
    details: FieldDetailsList
    read: RecordReader | None = None
    call: ResolverCall | None = None
    governed: bool = False
    lists: bool = False
    leaf: GraphQLLeafType | None = None
    required: bool = False
    below: dict[str, "Selection"] = field(default_factory=dict)


@dataclass(slots=True)
class Selection:
    """The selected fields of one object type, in the order of the response.

    ``key_length`` is the number of characters of all ``keys``. ``deeper`` are the steps that are not leaves: they are
    read after the leaves.
    """

    type: GraphQLObjectType
    steps: tuple[PlanStep, ...]
    keys: tuple[str, ...] = field(init=False)
    key_length: int = field(init=False)
    deeper: tuple[PlanStep, ...] = field(init=False)

    @property
    def size(self) -> int:
        """The number of its steps, and one for itself."""
        return 1 + len(self.steps)

    def __post_init__(self) -> None:
        self.keys = tuple(step.key for step in self.steps)
        self.key_length = sum(map(len, self.keys))
        self.deeper = tuple(step for step in self.steps if step.leaf is None and step.name != "__typename")


def selection_of(schema: GraphQLSchema, type_: GraphQLObjectType, fields: GroupedFieldSet) -> Selection:
    """Return the plan of the fields of an object type.

    Raises StockPathError for the introspection of the schema, and for a field that cannot be called directly.
    """
    return Selection(type_, tuple(_steps(schema, type_, fields)))


def _steps(schema: GraphQLSchema, type_: GraphQLObjectType, fields: GroupedFieldSet) -> Iterator[PlanStep]:
    for key, details in fields.items():
        name = details[0].node.name.value
        found = schema.get_field(type_, name)
        if found is None or is_introspection_type(type_) or any(each.fragment_variable_values for each in details):
            raise StockPathError
        step = PlanStep(key, name, type_, found, details)
        if name != "__typename":
            _plan_read(step)
        yield step


def _plan_read(step: PlanStep) -> None:
    """Set how a field is read."""
    resolve = step.definition.resolve
    if isinstance(resolve, RecordReader):
        step.read = resolve
        nullable: GraphQLNullableType = get_nullable_type(step.definition.type)
        step.leaf = nullable if is_leaf_type(nullable) else None
        step.required = nullable is not step.definition.type
        step.lists = is_list_type(nullable)
        return
    step.governed = isinstance(resolve, GuardedResolver)
    step.call = resolver_call(step.definition)
    if step.call is None:
        raise StockPathError
    step.lists = is_list_type(get_nullable_type(step.definition.type)) and not step.call.for_all


MAX_STEPS: Final = 10_000
"""Once a document has so many steps, further ones are not kept."""

STEP_BYTES: Final = 700
"""Approximate size of a step, in bytes. A selection counts as one more, because it may be empty."""


@dataclass(slots=True)
class Plans:
    """The plans of one document, by operation and by the conditions of `@skip` and `@include`.

    ``steps`` is the number of their steps and selections: it grows while they are used, and is 0 again after more than
    `MAX_PLANS`. ``begun`` counts how often that was.
    """

    steps: int = 0
    begun: int = 0
    _roots: dict[Hashable, Selection] = field(default_factory=dict)
    _conditions: dict[str | None, tuple[str, ...]] = field(default_factory=dict)

    def root(
        self,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: Mapping[str, object],
        make: Callable[[], Selection],
    ) -> Selection:
        """Return the plan of an operation with these variables; ``make`` makes the selection of its root type."""
        name = operation.name.value if operation.name else None
        if name not in self._conditions:
            self._conditions[name] = tuple(sorted(_conditions(operation.selection_set, fragments, set())))
        key = (name, *(variables.get(each) for each in self._conditions[name]))
        if key not in self._roots:
            if len(self._roots) >= MAX_PLANS:
                self._roots.clear()
                self.steps, self.begun = 0, self.begun + 1
            self._roots[key] = make()
            self.steps += self._roots[key].size
        return self._roots[key]

    def keep(self, begun: int, step: PlanStep, selection: Selection) -> None:
        """Keep a selection below a step, unless these plans have MAX_STEPS, or have ``begun`` again since."""
        if self.steps < MAX_STEPS and begun == self.begun:
            step.below[selection.type.name] = selection
            self.steps += selection.size


MAX_PLANS = 16
"""Maximal number of plans of one document, for different conditions; a further plan replaces all of them."""


def _conditions(
    selection: SelectionSetNode | None, fragments: Mapping[str, FragmentDefinitionNode], visited: set[str]
) -> Iterator[str]:
    """Yield the variables in the directives of a selection and of all below it."""
    for node in selection.selections if selection else ():
        for directive in node.directives or ():
            for argument in directive.arguments or ():
                if isinstance(argument.value, VariableNode):
                    yield argument.value.name.value
        if isinstance(node, FragmentSpreadNode):
            if node.name.value not in visited:
                visited.add(node.name.value)
                yield from _conditions(fragments[node.name.value].selection_set, fragments, visited)
        else:
            yield from _conditions(cast("FieldNode | InlineFragmentNode", node).selection_set, fragments, visited)
