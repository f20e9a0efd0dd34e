"""Renders a gremlinpython traversal as Gremlin text for the Groovy engine of JanusGraph, with named parameters.

gremlinpython's own Translator renders no parameters, and writes strings that Groovy would interpolate. Strings,
booleans, integers up to 64 bits, lists, predicates, nested traversals and constants such as ``Order.desc`` are
rendered. Any other value must be a parameter; constants of Cardinality need a hand-written text.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import singledispatch
from typing import Final

from gremlin_python.process.graph_traversal import GraphTraversalSource
from gremlin_python.process.traversal import (
    Barrier,
    Bytecode,
    Cardinality,
    Column,
    Direction,
    Merge,
    Operator,
    Order,
    P,
    Pick,
    Pop,
    Scope,
    T,
    Traversal,
    TraversalStrategies,
)
from gremlin_python.statics import long
from gremlin_python.structure.graph import Graph

from app.graph.driver.errors import PreparedTextError

g: Final = GraphTraversalSource(Graph(), TraversalStrategies())
"""Source of traversals that are built and rendered here, and never executed by gremlinpython: ``g.V(param("xs"))``."""

_ENUMS: Final = (Barrier, Cardinality, Column, Direction, Merge, Operator, Order, Pick, Pop, Scope, T)
_INT_LIMIT: Final = 2**31
_LONG_LIMIT: Final = 2**63
_NAME: Final = re.compile(r"[a-z][A-Za-z0-9]*")
_GROOVY: Final = """
abstract as assert boolean break byte case catch char class const continue def default do double else enum extends
false final finally float for goto if implements import in instanceof int interface it long native new not null
package permits private protected public record return sealed short static strictfp super switch synchronized this
throw throws trait transient true try var void volatile while yield
"""
"""Words with a meaning in Groovy, which cannot name a parameter."""


def _constant(member: object) -> str:
    """Return the Java name of a gremlinpython constant: ``on_create`` to ``onCreate``, ``list_`` to ``list``."""
    head, *rest = str(getattr(member, "name", member)).rstrip("_").split("_")
    return head + "".join(part.capitalize() for part in rest)


# Static imports shadow bindings: a parameter named `id` would silently read T.id.
_RESERVED: Final = (
    frozenset(_constant(member) for enum in _ENUMS for member in enum)
    | frozenset(_GROOVY.split())
    | {"g", "graph", "day", "hour", "minute", "second", "incr", "decr"}
)


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of a text, bound to a value at each request; ``spread`` passes a list as separate arguments.

    Raises PreparedTextError if ``name`` is not letters and digits after a lower-case letter, or has a meaning in Groovy
    or Gremlin.
    """

    name: str
    spread: bool = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name in _RESERVED:
            raise PreparedTextError(
                f"{self.name!r} cannot name a parameter; use letters and digits after a lower-case letter, and no word "
                "of Groovy or Gremlin."
            )

    def __str__(self) -> str:
        return f"*{self.name}" if self.spread else self.name


def param(name: str) -> Param:
    """Return the parameter for one value in a step or predicate: ``has("kind", P.within(param("kinds")))``."""
    return Param(name)


def spread(name: str) -> Param:
    """Return the parameter for a list whose items become the arguments of a step: ``out_e(spread("ls"))``."""
    return Param(name, spread=True)


def render(traversal: Traversal) -> str:
    """Return a traversal as Gremlin text; equal traversals give equal texts.

    Raises PreparedTextError if the traversal contains a value that cannot be rendered.
    """
    return _chain("g", traversal.bytecode)


def parameters_of(traversal: Traversal) -> frozenset[str]:
    """Return the names of the parameters in a traversal."""
    return frozenset(marker.name for marker in _markers(traversal.bytecode))


def _markers(value: object) -> Iterable[Param]:
    """Yield the parameters anywhere inside bytecode, predicates and lists."""
    match value:
        case Param():
            yield value
        case Bytecode():
            yield from _markers([*value.source_instructions, *value.step_instructions])
        case P():
            yield from _markers([value.value, value.other])
        case list():
            for item in value:
                yield from _markers(item)


def _chain(start: str, code: Bytecode) -> str:
    """Return the steps of bytecode as a chain of calls on ``start``."""
    steps = [*code.source_instructions, *code.step_instructions]
    return start + "".join(f".{name}({','.join(map(_literal, arguments))})" for name, *arguments in steps)


@singledispatch
def _literal(value: object) -> str:
    """Return a value as Groovy text; one function is registered for each type that can be rendered.

    Raises PreparedTextError for a value of another type.
    """
    raise PreparedTextError(f"A {type(value).__name__} cannot be rendered; use a parameter or a hand-written text.")


@_literal.register
def _(value: Param) -> str:
    return str(value)


@_literal.register
def _(value: Bytecode) -> str:
    return _chain("__", value) if value.step_instructions else "__.start()"


@_literal.register
def _(value: P) -> str:
    if value.operator in {"and", "or"}:
        return f"{_literal(value.value)}.{value.operator}({_literal(value.other)})"
    operand = value.value
    if isinstance(operand, list) and len(operand) == 1 and isinstance(operand[0], Param):
        operand = operand[0]  # gremlinpython wraps one argument in a list; within(xs) takes the bound list itself
    operands = [operand] if value.other is None else [operand, value.other]
    return f"{value.operator}({','.join(map(_literal, operands))})"


def _enum(value: object) -> str:
    return f"{type(value).__name__}.{_constant(value)}"


for _kind in _ENUMS:
    if _kind is not Cardinality:  # JanusGraph's script engine has an enum of that name with other members
        _literal.register(_kind, _enum)


_ESCAPES: Final = {code: f"\\u{code:04x}" for code in range(ord(" "))} | {ord("\\"): "\\\\", ord("'"): "\\'"}


@_literal.register
def _(value: str) -> str:
    # Single quotes, because Groovy would interpolate `$` inside double quotes.
    return f"'{value.translate(_ESCAPES)}'"


@_literal.register
def _(value: bool) -> str:  # noqa: FBT001 - the type selects the function; it is not a flag
    return "true" if value else "false"


@_literal.register
def _(value: int) -> str:
    if not -_LONG_LIMIT <= value < _LONG_LIMIT:
        raise PreparedTextError("An integer beyond 64 bits cannot be part of a text; use one of at most 64 bits.")
    return f"{value}L" if isinstance(value, long) or not -_INT_LIMIT <= value < _INT_LIMIT else str(int(value))


@_literal.register(list)
def _(value: list[object]) -> str:
    return f"[{','.join(map(_literal, value))}]"
