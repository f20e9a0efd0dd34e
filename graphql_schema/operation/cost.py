"""The cost of an operation before it runs: how many objects and values its response can have.

Sizes are multiplied down the tree. A page counts its ``first``, or the default in the schema if that is absent or null.
A list of ids counts the ids, and other lists of objects :data:`ASSUMED_ITEMS`. Each selection is priced once for each
type, so the time is linear in the document however often fragments repeat. If no argument states the size of a list,
its size is an assumption; :mod:`graphql_schema.ports.operation_budget` bounds what is really returned.
"""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from typing import Final, NamedTuple, Self

from graphql import (
    ArgumentNode,
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    Undefined,
    ValueNode,
    VariableNode,
    Visitor,
    get_named_type,
    is_composite_type,
    is_introspection_type,
    visit,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from graphql_schema.fields.field import LISTING
from graphql_schema.operation.limits import CEILING, INTROSPECTION, Breach, DocumentLimits
from graphql_schema.operation.visitors import freed_visitors

DEFAULT_PAGE: Final = 20
"""Number of items that a page counts as if neither its arguments nor the schema states a size."""
ASSUMED_ITEMS: Final = 10
"""Items that a list of objects counts as if no argument states its size, such as the tags of an asset."""
LISTING_COUNT: Final = 2_500
"""Objects that ``totalCount`` of a list of ``LISTING_TYPES`` counts as: the store reads the complete list for it."""
LISTING_TYPES: Final = frozenset({"Query", "MyWork"})
"""Types whose lists are listings of the graph, not the related assets of one asset."""
INNER_LISTING_COUNT: Final = 50
"""Objects that ``totalCount`` of a listing below another object counts as, such as the assets of a team.

A page of 500 teams, each with a total and a page of assets, is within the limit: there may be fewer teams. How many
listings the store really reads for an operation is bounded by its budget.
"""
RELATION_COUNT: Final = 10
"""Objects that ``totalCount`` of a list of any other type counts as, such as the related assets of one asset."""

_SIZES: Final = ("first", "ids", "maxPaths", "maxElements")
"""Arguments that state the number of items: an integer, or a list with one element for each."""
_DECIDING: Final = frozenset({*_SIZES, "if"})
"""Arguments, of fields and directives, on which the cost of an operation depends."""
KEPT_COSTS: Final = 8
"""Maximal number of costs that are kept for one document."""
_PAGE_LISTS: Final = frozenset({"nodes", "edges", "paths", "results", "elements", "groups"})
"""Lists with as many items as the arguments of an enclosing field state."""


class Cost(NamedTuple):
    """What a selection can return.

    - ``objects`` and ``values``: objects, and scalar values of them.
    - ``item_objects`` and ``item_values``: the same for each item of the page around it, whose size an enclosing field
      states.
    - ``counts``: how often ``totalCount`` of that page is selected.
    - ``introspection``: objects and values that describe the schema.
    """

    objects: int = 0
    values: int = 0
    item_objects: int = 0
    item_values: int = 0
    counts: int = 0
    introspection: int = 0

    def plus(self, other: Self) -> "Cost":
        """Return the sum."""
        return Cost(*(min(a + b, CEILING) for a, b in zip(self, other, strict=True)))

    def times(self, count: int) -> "Cost":
        """Return the cost of ``count`` such selections."""
        return Cost(*(min(count * each, CEILING) for each in self))

    def either(self, other: Self) -> "Cost":
        """Return the larger value of each part."""
        return Cost(*map(max, self, other))

    def paged(self, size: int, count_cost: int = RELATION_COUNT) -> "Cost":
        """Return the cost with a page of ``size`` items, where each selected ``totalCount`` costs ``count_cost``."""
        objects = self.objects + size * self.item_objects + count_cost * self.counts
        values = self.values + size * self.item_values
        return Cost(min(objects, CEILING), min(values, CEILING), introspection=self.introspection)

    def per_item(self) -> "Cost":
        """Return the cost as that of one item of the page around it."""
        return Cost(item_objects=self.objects, item_values=self.values, introspection=self.introspection)


NOTHING: Final = Cost()
_TOO_DEEP: Final = Cost(introspection=CEILING)
"""The cost of a document whose pricing exceeds the recursion limit of Python.

Only fragments within introspection nest that deep, because the limit of depth does not count introspection.
"""


@dataclass(slots=True)
class Pricing:
    """Prices the operations of one document against a schema and the variables as sent, before their coercion."""

    schema: GraphQLSchema
    variables: Mapping[str, object]
    fragments: Mapping[str, FragmentDefinitionNode]
    _known: dict[tuple[int, str], Cost] = field(default_factory=dict)

    @classmethod
    def of(cls, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, object]) -> Self:
        """Return the pricing of a document."""
        fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        return cls(schema, variables, fragments)

    def cost(self, operation: OperationDefinitionNode) -> Cost:
        """Return the cost of an operation. What the schema does not define counts 0, because validation refuses it."""
        root = self.schema.get_root_type(operation.operation)
        if root is None:
            return NOTHING
        defaults = {
            each.variable.name.value: each.default_value
            for each in operation.variable_definitions or ()
            if each.default_value is not None
        }
        self.variables = {**defaults, **self.variables}
        try:
            return self._selection(operation.selection_set, root).paged(DEFAULT_PAGE)
        except RecursionError:
            return _TOO_DEEP

    def _selection(self, selections: SelectionSetNode, parent: GraphQLNamedType) -> Cost:
        """Return the cost of a selection on one object of the type ``parent``, priced once for each type."""
        key = (id(selections), parent.name)
        if key not in self._known:
            self._known[key] = NOTHING  # a fragment that spreads itself counts 0; validation refuses it
            self._known[key] = self._sum(selections.selections, parent)
        return self._known[key]

    def _sum(self, selections: Iterable[SelectionNode], parent: GraphQLNamedType) -> Cost:
        """Return the cost of all selections; of fragments on different object types the larger value of each part."""
        total, alternatives = NOTHING, dict[str, Cost]()
        for node in selections:
            if self._is_skipped(node.directives):
                continue
            if isinstance(node, FieldNode):
                total = total.plus(self._field(node, parent))
                continue
            on, cost = self._fragment(node, parent)
            if on is None or on is parent or not isinstance(on, GraphQLObjectType):
                total = total.plus(cost)
            else:
                alternatives[on.name] = alternatives.get(on.name, NOTHING).plus(cost)
        return total.plus(reduce(Cost.either, alternatives.values(), NOTHING))

    def _fragment(self, node: SelectionNode, parent: GraphQLNamedType) -> tuple[GraphQLNamedType | None, Cost]:
        """Return the type and the cost of an inline fragment or a spread."""
        if isinstance(node, FragmentSpreadNode):
            known = self.fragments.get(node.name.value)
            if known is None:
                return None, NOTHING
            condition, selections = known.type_condition, known.selection_set
        else:
            assert isinstance(node, InlineFragmentNode)  # noqa: S101 - the third kind of selection
            if node.type_condition is None:
                return parent, self._selection(node.selection_set, parent)
            condition, selections = node.type_condition, node.selection_set
        on = self.schema.get_type(condition.name.value)
        return on, NOTHING if on is None else self._selection(selections, on)

    def _field(self, node: FieldNode, parent: GraphQLNamedType) -> Cost:
        """Return the cost of a field on one object of the type ``parent``."""
        name = node.name.value
        definition = self.schema.get_field(parent, name) if is_composite_type(parent) else None
        if definition is None:
            return NOTHING
        if node.selection_set is None:
            return Cost(values=1, counts=name == "totalCount")
        below = self._selection(node.selection_set, get_named_type(definition.type))
        if name in INTROSPECTION:
            return Cost(introspection=below.objects + below.values)
        size = self._stated_size(node, definition)
        if size is not None:
            below = below.paged(size, _count_cost(parent, definition))
        one = Cost(objects=1).plus(below)
        if size is None and name in _PAGE_LISTS:
            return one.paged(1).per_item()
        return one.times(self._list_size(parent, name, definition, size))

    def _list_size(self, parent: GraphQLNamedType, name: str, definition: GraphQLField, stated: int | None) -> int:
        """Return the number of objects that a field returns for one object: 1 if it is no list."""
        if not _is_list(definition.type):
            return 1
        if is_introspection_type(get_named_type(definition.type)):
            return _introspection_sizes(self.schema).get((parent.name, name), 1)
        return ASSUMED_ITEMS if stated is None else stated

    def _stated_size(self, node: FieldNode, definition: GraphQLField) -> int | None:
        """Return the number of items that an argument of a field states; None if the field has no such argument.

        An argument that is absent or null counts as its default, because resolvers replace null by the default.
        """
        given = {each.name.value: each.value for each in node.arguments or ()}
        for name in _SIZES:
            if name in definition.args:
                stated = self._value(given.get(name))
                return _size_of(definition.args[name].default_value if stated is None else stated)
        return None

    def _value(self, value: ValueNode | None) -> object:
        """Return the value of a variable, or the node of any other value; None if it is absent or null."""
        known: object = self.variables.get(value.name.value) if isinstance(value, VariableNode) else value
        return None if isinstance(known, NullValueNode) else known

    def _is_skipped(self, directives: Sequence[DirectiveNode] | None) -> bool:
        """Return whether ``@skip`` or ``@include`` removes a selection."""
        for directive in directives or ():
            name = directive.name.value
            for argument in directive.arguments or ():
                if name in {"skip", "include"} and argument.name.value == "if":
                    value = self._value(argument.value)
                    if isinstance(value, BooleanValueNode):
                        value = value.value
                    if value is (name == "skip"):
                        return True
        return False


@dataclass(slots=True)
class KnownCosts:
    """The costs of the operations of one document, by the variables that decide them; up to KEPT_COSTS of them."""

    _costs: dict[Hashable, Cost] = field(default_factory=dict)
    _names: tuple[str, ...] | None = None

    @property
    def parts(self) -> int:
        """The number of values that are kept: those that decide each cost, and those of the cost."""
        return len(self._costs) * (len(self._names or ()) + len(NOTHING))

    def cost(self, document: DocumentNode, operation: OperationDefinitionNode, pricing: Pricing) -> Cost:
        """Return the cost of an operation of ``document``, priced unless it is known for these variables."""
        if self._names is None:
            self._names = _deciding_variables(document)
        values = (_deciding_part(pricing.variables.get(name, Undefined)) for name in self._names)
        key = operation.name and operation.name.value, *values
        cost = self._costs.get(key)
        if cost is None:
            cost = pricing.cost(operation)
            if len(self._costs) >= KEPT_COSTS:
                self._costs.clear()
            self._costs[key] = cost
        return cost


class _DecidingVariables(Visitor):
    """Finds the variables that state sizes or conditions; ``names`` has each once, in the order of the document."""

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[str, None] = {}

    def enter_argument(self, node: ArgumentNode, *_: object) -> None:
        """Keep the name of a variable."""
        if node.name.value in _DECIDING and isinstance(node.value, VariableNode):
            self.names[node.value.name.value] = None


def _deciding_variables(document: DocumentNode) -> tuple[str, ...]:
    """Return the names of the variables that state sizes or conditions in a document."""
    with freed_visitors():
        found = _DecidingVariables()
        visit(document, found)
        return tuple(found.names)


def _deciding_part(value: object) -> Hashable:
    """Return what the cost can depend on in the value of a variable: its type, and its amount or length."""
    if isinstance(value, list):
        return list, len(value)
    return type(value), value if isinstance(value, bool | int | float) else None


def _count_cost(parent: GraphQLNamedType, definition: GraphQLField) -> int:
    """Return the number of objects that ``totalCount`` of a list counts as."""
    if parent.name in LISTING_TYPES:
        return LISTING_COUNT
    declared = definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    is_listing = isinstance(declared, StrawberryField) and declared.metadata.get(LISTING)
    return INNER_LISTING_COUNT if is_listing else RELATION_COUNT


def _size_of(stated: object) -> int:
    """Return the size that a syntax node or a JSON value states.

    DEFAULT_PAGE if the value is undefined, 1 if it is neither a whole number nor a list.
    """
    if stated is Undefined:
        return DEFAULT_PAGE
    if isinstance(stated, IntValueNode):
        return _natural(stated.value)
    if isinstance(stated, ListValueNode):
        return len(stated.values)
    if isinstance(stated, Sequence) and not isinstance(stated, str):
        return len(stated)
    if isinstance(stated, float) and stated.is_integer():
        stated = int(stated)  # a variable of type Int may be sent as 500.0
    return min(max(0, stated), CEILING) if isinstance(stated, int) else 1


def _natural(digits: str) -> int:
    """Return the value of an integer in a document, between 0 and CEILING."""
    return CEILING if len(digits) > len(str(CEILING)) else min(max(0, int(digits)), CEILING)


def _is_list(type_: GraphQLOutputType) -> bool:
    """Return whether a type is a list, also if it is not null."""
    return isinstance(type_.of_type if isinstance(type_, GraphQLNonNull) else type_, GraphQLList)


@lru_cache(maxsize=8)
def _introspection_sizes(schema: GraphQLSchema) -> dict[tuple[str, str], int]:
    """Return the sizes of the lists that describe a schema, by type and field; of lists of a type their mean."""
    types = list(schema.type_map.values())
    members = sum(len(getattr(type_, "fields", ())) for type_ in types)
    values = sum(len(getattr(type_, "values", ())) for type_ in types)
    return {
        ("__Schema", "types"): len(types),
        ("__Schema", "directives"): len(schema.directives),
        ("__Type", "fields"): math.ceil(members / len(types)),
        ("__Type", "inputFields"): math.ceil(members / len(types)),
        ("__Type", "enumValues"): math.ceil(values / len(types)),
    }


def cost_breaches(cost: Cost, operation: OperationDefinitionNode, limits: DocumentLimits) -> list[Breach]:
    """Return every limit of objects, values and introspection that the cost of an operation exceeds."""
    actual, maximum = compared(cost, limits)
    return [Breach(name, actual[name], maximum[name], operation) for name in actual if actual[name] > maximum[name]]


def compared(cost: Cost, limits: DocumentLimits) -> tuple[dict[str, int], dict[str, int]]:
    """Return objects, values and introspection of a cost, and the limits of these, each by its name."""
    names = ("objects", "values", "introspection")
    return {name: getattr(cost, name) for name in names}, {name: getattr(limits, name) for name in names}
