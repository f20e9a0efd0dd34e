"""Compiles Cedar rules to a predicate over rows, for one caller.

The conditions on the caller are evaluated; the conditions on the asset remain as tests of its attributes. Only
constructs are accepted that both the index and Python can evaluate: equality and set membership of attributes, joined
by and, or, not, if. Comparisons of sets are accepted if they use no attribute of the asset. Any other construct in a
rule about rows or fields is an error at start-up. Both operands of every operator are translated, so whether a rule can
be compiled does not depend on the caller.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import singledispatch

from cedarpy import pst

from policies.attributes import CALLER_ATTRIBUTES, POSITION, Caller
from policies.cedar.rules import Rule, Rules
from policies.errors import ConfigurationError
from policies.predicate import Everything, Nothing, Predicate, conjunction, disjunction, negation, within

EMPTY_CALLER: Caller = {name: kind() for name, kind in CALLER_ATTRIBUTES.items()}
"""A caller whose attributes are all empty, for compiling the rules at start-up as a check."""


class _UntranslatableError(Exception):
    """A construct that cannot be compiled to a row filter."""


@dataclass(frozen=True)
class _Attribute:
    """A reference to an attribute of the asset, whose value is known only for a row."""

    name: str


Value = bool | int | str | frozenset[str] | _Attribute | Predicate


def row_filter(rules: Rules, caller: Caller) -> Predicate:
    """Return the predicate of rows that at least one permit and no forbid of ``rules`` matches, for ``caller``."""
    permitted = disjunction(condition(rule, caller) for rule in rules.permits)
    forbidden = disjunction(condition(rule, caller) for rule in rules.forbids)
    return conjunction((permitted, negation(forbidden)))


def condition(rule: Rule, caller: Caller) -> Predicate:
    """Return the predicate of rows to which a rule applies for ``caller``, whether it permits or forbids.

    Raises `ConfigurationError` if the rule cannot be compiled; `policies.policy.Policy` compiles all rules about rows
    and fields when it is made, to find this error early.
    """
    try:
        scope = (_scope(rule.text.principal, "Principal", caller), _scope(rule.text.resource, "Asset", None))
        clauses = (_clause(clause, caller) for clause in rule.text.clauses)
        return conjunction((*scope, *clauses))
    except _UntranslatableError as error:
        raise ConfigurationError(
            f"Policy {rule.id} applies to rows or fields and cannot be compiled to a row filter: {error}. "
            "Use ==, != and contains on strings and sets, and on sets of the caller also containsAny, containsAll and "
            "isEmpty. Join them by &&, ||, ! and if.",
        ) from error


def _clause(clause: pst.Clause, caller: Caller) -> Predicate:
    predicate = _as_predicate(_evaluate(clause.expr, caller))
    return negation(predicate) if isinstance(clause, pst.Unless) else predicate


def _scope(scope: pst.PrincipalOrResourceConstraint, entity_type: str, caller: Caller | None) -> Predicate:
    match scope:
        case pst.ScopeAny():
            return Everything()
        case pst.ScopeIs(named):
            return _constant(str(named) == entity_type)
        case pst.ScopeEq(pst.EntityUid() as uid) if caller is not None:
            return _constant(str(uid.type) == entity_type and uid.id == caller["subject"])
    raise _UntranslatableError(f"its scope has an unsupported constraint on the {entity_type}")


def _constant(value: bool) -> Predicate:  # noqa: FBT001  the value is the argument
    return Everything() if value else Nothing()


def _as_predicate(value: Value) -> Predicate:
    match value:
        case bool():
            return _constant(value)
        case int() | str() | frozenset() | _Attribute():
            raise _UntranslatableError(f"{value!r} is used as a condition")
    return value


@singledispatch
def _evaluate(expr: pst.Expr, _caller: Caller) -> Value:
    raise _UntranslatableError(f"the construct {type(expr).__name__} is not supported")


@_evaluate.register
def _(expr: pst.StringLit | pst.BoolLit | pst.LongLit, _caller: Caller) -> Value:
    return expr.value


@_evaluate.register
def _(expr: pst.Set, caller: Caller) -> Value:
    return frozenset(_as_string(_evaluate(element, caller)) for element in expr.elements)


@_evaluate.register
def _(expr: pst.GetAttr, caller: Caller) -> Value:
    match expr.base:
        case pst.Var("resource") if expr.attr in POSITION:
            return _Attribute(expr.attr)
        case pst.Var("principal") if expr.attr in caller:
            return caller[expr.attr]
    raise _UntranslatableError(f"{expr.attr} is not an attribute of the caller or the asset")


@_evaluate.register
def _(expr: pst.UnaryOp, caller: Caller) -> Value:
    value = _evaluate(expr.arg, caller)
    match expr.op:
        case "not":
            return negation(_as_predicate(value))
        case "is_empty":
            return not _as_strings(value)
    raise _UntranslatableError(f"the operator {expr.op} is not supported")


@_evaluate.register
def _(expr: pst.IfThenElse, caller: Caller) -> Value:
    chosen, then, otherwise = (_as_predicate(_evaluate(x, caller)) for x in (expr.cond, expr.then_expr, expr.else_expr))
    return disjunction((conjunction((chosen, then)), conjunction((negation(chosen), otherwise))))


@_evaluate.register
def _(expr: pst.BinaryOp, caller: Caller) -> Value:
    operator = _OPERATORS.get(expr.op)
    if operator is None:
        raise _UntranslatableError(f"the operator {expr.op} is not supported")
    return operator(_evaluate(expr.left, caller), _evaluate(expr.right, caller))


def _equal(left: Value, right: Value) -> Predicate:
    match left, right:
        case (_Attribute(name), str(value)) | (str(value), _Attribute(name)):
            return within(name, (value,))
        case (_Attribute(), _) | (_, _Attribute()):
            raise _UntranslatableError("an attribute of the asset is compared with something other than a string")
        case (bool() | int() | str() | frozenset(), bool() | int() | str() | frozenset()):
            return _constant(left == right)
    raise _UntranslatableError("a condition is an operand of == or !=")


def _contains(left: Value, right: Value) -> Predicate:
    values = _as_strings(left)
    return within(right.name, values) if isinstance(right, _Attribute) else _constant(_as_string(right) in values)


def _as_strings(value: Value) -> frozenset[str]:
    if isinstance(value, frozenset):
        return value
    raise _UntranslatableError("a set depends on the asset")


def _as_string(value: Value) -> str:
    if isinstance(value, str):
        return value
    raise _UntranslatableError("a set contains something other than strings, or depends on the asset")


_OPERATORS: dict[str, Callable[[Value, Value], Predicate]] = {
    "and": lambda left, right: conjunction((_as_predicate(left), _as_predicate(right))),
    "or": lambda left, right: disjunction((_as_predicate(left), _as_predicate(right))),
    "eq": _equal,
    "not_eq": lambda left, right: negation(_equal(left, right)),
    "contains": _contains,
    "contains_any": lambda left, right: _constant(bool(_as_strings(left) & _as_strings(right))),
    "contains_all": lambda left, right: _constant(_as_strings(left) >= _as_strings(right)),
}
