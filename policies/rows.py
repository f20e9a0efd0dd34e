"""Rules compiled from the typed Cedar tree to a predicate over rows, for one caller.

What a rule says about the caller is computed, what it says about the asset remains as a test. The language is what
the index and Python can both answer: equality and set membership of attributes, joined by and, or, not, if.
A rule outside of it stops the start-up. Both sides of every operator are always translated, so whether a rule can
be compiled does not depend on who asks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import singledispatch

from cedarpy import pst

from policies.attributes import CALLER_ATTRIBUTES, POSITION, Caller
from policies.errors import ConfigurationError
from policies.predicate import Everything, Nothing, Predicate, conjunction, disjunction, negation, within
from policies.rules import Rule, Rules

SOMEBODY: Caller = {name: kind() for name, kind in CALLER_ATTRIBUTES.items()}
"""A caller without properties, for whom rules are compiled at start-up to see that they can be."""


class _UntranslatableError(Exception):
    """A construct that rows cannot be filtered by."""


@dataclass(frozen=True)
class _Attribute:
    """An attribute of the asset: known only when a row arrives."""

    name: str


Value = bool | int | str | frozenset[str] | _Attribute | Predicate


def row_filter(rules: Rules, caller: Caller) -> Predicate:
    """Say which rows the rules allow a caller: what some permit gives and no forbid takes."""
    permitted = disjunction(condition(rule, caller) for rule in rules.permits)
    forbidden = disjunction(condition(rule, caller) for rule in rules.forbids)
    return conjunction((permitted, negation(forbidden)))


def condition(rule: Rule, caller: Caller) -> Predicate:
    """Say for which rows a rule holds, whatever its effect.

    Raises :class:`ConfigurationError` when the rule cannot be compiled; :class:`policies.policy.Policy` tries every
    rule at start-up.
    """
    try:
        scope = (_scope(rule.text.principal, "Principal", caller), _scope(rule.text.resource, "Asset", None))
        clauses = (_clause(clause, caller) for clause in rule.text.clauses)
        return conjunction((*scope, *clauses))
    except _UntranslatableError as error:
        raise ConfigurationError(
            f"Policy {rule.id} decides about rows or fields and cannot be compiled to a row filter: {error}. "
            "Use ==, !=, contains on strings and sets, joined by &&, ||, !, if.",
        ) from error


def _clause(clause: pst.Clause, caller: Caller) -> Predicate:
    held = _truth(_value(clause.expr, caller))
    return negation(held) if isinstance(clause, pst.Unless) else held


def _scope(scope: pst.PrincipalOrResourceConstraint, entity_type: str, caller: Caller | None) -> Predicate:
    match scope:
        case pst.ScopeAny():
            return Everything()
        case pst.ScopeIs(named):
            return _constant(str(named) == entity_type)
        case pst.ScopeEq(pst.EntityUid() as uid) if caller is not None:
            return _constant(str(uid.type) == entity_type and uid.id == caller["subject"])
    raise _UntranslatableError(f"its scope names one {entity_type}")


def _constant(held: bool) -> Predicate:  # noqa: FBT001  the truth is the argument
    return Everything() if held else Nothing()


def _truth(value: Value) -> Predicate:
    match value:
        case bool():
            return _constant(value)
        case int() | str() | frozenset() | _Attribute():
            raise _UntranslatableError(f"{value!r} stands where a condition must")
    return value


@singledispatch
def _value(expr: pst.Expr, _caller: Caller) -> Value:
    raise _UntranslatableError(f"{type(expr).__name__} is not understood")


@_value.register
def _(expr: pst.StringLit | pst.BoolLit | pst.LongLit, _caller: Caller) -> Value:
    return expr.value


@_value.register
def _(expr: pst.Set, caller: Caller) -> Value:
    return frozenset(_string(_value(element, caller)) for element in expr.elements)


@_value.register
def _(expr: pst.GetAttr, caller: Caller) -> Value:
    match expr.base:
        case pst.Var("resource") if expr.attr in POSITION:
            return _Attribute(expr.attr)
        case pst.Var("principal") if expr.attr in caller:
            return caller[expr.attr]
    raise _UntranslatableError(f"attribute {expr.attr} is not one of the caller or the asset")


@_value.register
def _(expr: pst.UnaryOp, caller: Caller) -> Value:
    value = _value(expr.arg, caller)
    match expr.op:
        case "not":
            return negation(_truth(value))
        case "is_empty":
            return not _strings(value)
    raise _UntranslatableError(f"operator {expr.op} is not understood")


@_value.register
def _(expr: pst.IfThenElse, caller: Caller) -> Value:
    chosen, then, otherwise = (_truth(_value(x, caller)) for x in (expr.cond, expr.then_expr, expr.else_expr))
    return disjunction((conjunction((chosen, then)), conjunction((negation(chosen), otherwise))))


@_value.register
def _(expr: pst.BinaryOp, caller: Caller) -> Value:
    operator = _OPERATORS.get(expr.op)
    if operator is None:
        raise _UntranslatableError(f"operator {expr.op} is not understood")
    return operator(_value(expr.left, caller), _value(expr.right, caller))


def _equal(left: Value, right: Value) -> Predicate:
    match left, right:
        case (_Attribute(name), str(known)) | (str(known), _Attribute(name)):
            return within(name, (known,))
        case (_Attribute(), _) | (_, _Attribute()):
            raise _UntranslatableError("an attribute of the asset can be compared with a known string only")
        case (bool() | int() | str() | frozenset(), bool() | int() | str() | frozenset()):
            return _constant(left == right)
    raise _UntranslatableError("conditions are compared with == or !=")


def _contains(left: Value, right: Value) -> Predicate:
    values = _strings(left)
    return within(right.name, values) if isinstance(right, _Attribute) else _constant(_string(right) in values)


def _strings(value: Value) -> frozenset[str]:
    if isinstance(value, frozenset):
        return value
    raise _UntranslatableError("a set must be known before the row is")


def _string(value: Value) -> str:
    if isinstance(value, str):
        return value
    raise _UntranslatableError("sets hold known strings only")


_OPERATORS: dict[str, Callable[[Value, Value], Predicate]] = {
    "and": lambda left, right: conjunction((_truth(left), _truth(right))),
    "or": lambda left, right: disjunction((_truth(left), _truth(right))),
    "eq": _equal,
    "not_eq": lambda left, right: negation(_equal(left, right)),
    "contains": _contains,
    "contains_any": lambda left, right: _constant(bool(_strings(left) & _strings(right))),
    "contains_all": lambda left, right: _constant(_strings(left) >= _strings(right)),
}
