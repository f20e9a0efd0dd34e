"""Mutants of the shipped rules and labels: the hand-written decision table must detect each of them.

Rules are mutated over a few fields, one for each label, so that a policy loads in milliseconds. Labels are mutated
field by field over the complete schema, with the shipped rules.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields as fields_of
from dataclasses import is_dataclass, replace
from itertools import pairwise
from typing import Any

import pytest
from cedarpy import PolicySet, pst
from support.oracles.decision_table import (
    ASSET_KINDS,
    CALLERS,
    TYPE_OF,
    Class,
    classes,
    labels_by_hand,
    read_table,
    words,
)

from policies.access import Access
from policies.attributes import PolicyAttributes, caller_attributes
from policies.cedar.rows import row_filter
from policies.errors import ConfigurationError
from policies.governed import Governed
from policies.masks import governed_types
from policies.policy import Policy
from policies.predicate import compiled
from policies.vocabulary import Label, Labels, RowAction, WriteAction

TABLE = read_table()
FEW = Governed({"ModelVersion": ["id", "framework", "params"], "Run": ["id", "error"]})
FEW_LABELS: Labels = {
    "ModelVersion": {"id": Label.PUBLIC, "framework": Label.INTERNAL, "params": Label.RESTRICTED},
    "Run": {"id": Label.PUBLIC, "error": Label.SECRET},
}

EQUIVALENT = {"writes-administered: every action"}
"""Mutants that change no decision: the policy filters no rows of these kinds, and administrators are exempt."""

Rows = list[tuple[Class, PolicyAttributes]]


def rows_of(name: str, kinds: tuple[str, ...]) -> Rows:
    """Return the classes of assets of some kinds that exist for a caller."""
    return [*classes(CALLERS[name], kinds)]


READING = {name: rows_of(name, ("MODEL_VERSION", "RUN")) for name in CALLERS}
WRITING = {
    name: [
        pair
        for pair in rows_of(name, ("MODEL", "TEAM", "USER", "DOMAIN", "TAG"))
        if pair[0][1:4] == ("ORG", "INTERNAL", "ACTIVE")
    ]
    for name, caller in CALLERS.items()
    if "graph:write" in caller.scopes
}


def shows_other_rows(policy: Policy) -> bool:
    """Return whether masks, grades or the compiled rules about reading differ from the table for any caller."""
    for name, rows in READING.items():
        access = policy.access(CALLERS[name])
        alone = compiled(row_filter(policy.engine.rules.matching(RowAction.READ), caller_attributes(CALLERS[name])))
        for where, attributes in rows:
            labels = FEW_LABELS[TYPE_OF[attributes.kind]]
            shown = words(TABLE[name], "sees", where)
            visible = labels.keys() - access.field_mask(TYPE_OF[attributes.kind], attributes).hidden
            if visible != {field for field, label in labels.items() if label in shown}:
                return True
            if access.grade(attributes) != len(shown & {"public", "internal"}):
                return True
            if "graph:read" in CALLERS[name].scopes and alone(attributes) != ("internal" in shown):
                return True
    return False


def permits_other_writes(policy: Policy) -> bool:
    """Return whether the permitted writes differ from the table for any caller, on rows that the caller reads."""
    for name, rows in WRITING.items():
        scopes = CALLERS[name].scopes
        reach = [each for each in WriteAction if each is not WriteAction.ADMINISTER or "graph:admin" in scopes]
        requests = [(where, action, attributes) for where, attributes in rows for action in reach]
        decisions = policy.engine.decide_all(CALLERS[name], [(action, row) for _, action, row in requests])
        for (where, action, _), decision in zip(requests, decisions, strict=True):
            if decision.allowed != (action in words(TABLE[name], "does", where)):
                return True
    return False


def weaker(expr: Any) -> Iterator[Any]:
    """Yield the expression without one operand or element of a set, and with one operator inverted."""
    if isinstance(expr, pst.BinaryOp):
        if expr.op in {"and", "or"}:
            yield from (expr.left, expr.right)
            yield replace(expr, op="or" if expr.op == "and" else "and")
        if expr.op in {"eq", "not_eq"}:
            yield replace(expr, op="not_eq" if expr.op == "eq" else "eq")
        yield from (replace(expr, left=left) for left in weaker(expr.left))
        yield from (replace(expr, right=right) for right in weaker(expr.right))
    elif isinstance(expr, pst.UnaryOp):
        yield expr.arg
        yield from (replace(expr, arg=arg) for arg in weaker(expr.arg))
    elif isinstance(expr, pst.Set):
        for number in range(len(expr.elements)):
            yield replace(expr, elements=(*expr.elements[:number], *expr.elements[number + 1 :]))


def mutants(rule: pst.Template) -> Iterator[tuple[str, pst.Template | None]]:
    """Yield None for the removed rule, the rule with the other effect, and the rule without each of its parts."""
    yield "removed", None
    yield "effect flipped", replace(rule, effect="forbid" if rule.effect == "permit" else "permit")
    for number, clause in enumerate(rule.clauses):
        kept = (*rule.clauses[:number], *rule.clauses[number + 1 :])
        yield "condition dropped", replace(rule, clauses=kept)
        yield "condition negated", replace(rule, clauses=(*kept, pst.Unless(clause.expr)))
        for part, expr in enumerate(weaker(clause.expr)):
            yield f"condition weakened, {part}", replace(rule, clauses=(*kept, replace(clause, expr=expr)))
    if isinstance(rule.action, pst.ActionIn) and len(rule.action.entities) > 1:
        for entity in rule.action.entities:
            fewer = tuple(other for other in rule.action.entities if other != entity)
            yield f"{entity} dropped", replace(rule, action=pst.ActionIn(fewer))
    yield "every action", replace(rule, action=pst.ScopeAny())


def survives(text: str) -> bool:
    """Return whether the rules load and give the decisions of the table."""
    try:
        policy = Policy(text, FEW_LABELS, FEW)
    except ConfigurationError:
        return False
    return not (shows_other_rows(policy) or permits_other_writes(policy))


def test_every_mutant_of_the_rules_is_killed(shipped: str) -> None:
    """A rule that is removed, inverted, or lacks an action, a condition or an element of a set is detected."""
    tree = PolicySet.from_str(shipped).to_pst()
    survivors, tried = [], 0
    for key, rule in tree.static_policies.items():
        for change, mutant in mutants(rule):
            others = {name: other for name, other in tree.static_policies.items() if name != key}
            mutated = replace(tree, static_policies=others if mutant is None else {**others, key: mutant})
            tried += 1
            if survives(str(PolicySet.from_pst(mutated))):
                survivors.append(f"{rule.annotations['id']}: {change}")
    print(f"{tried} mutants of rules, {len(survivors)} survive")  # noqa: T201 - the figure is part of the result
    assert {*survivors} == EQUIVALENT
    assert survives(shipped)
    assert tried > 180


def test_every_kind_of_expression_is_mutated(shipped: str) -> None:
    """The shipped rules contain only expressions that the mutants weaken, and leaves."""
    tree = PolicySet.from_str(shipped).to_pst()
    mutated = {pst.BinaryOp, pst.UnaryOp, pst.Set, pst.GetAttr, pst.Var, pst.StringLit}
    used = {
        type(part) for rule in tree.static_policies.values() for clause in rule.clauses for part in parts(clause.expr)
    }
    assert used <= mutated


def parts(expr: Any) -> Iterator[Any]:
    """Yield an expression and all expressions inside."""
    yield expr
    for each in fields_of(expr) if is_dataclass(expr) else ():
        value = getattr(expr, each.name)
        for inner in value if isinstance(value, tuple) else (value,):
            if is_dataclass(inner):
                yield from parts(inner)


READERS = ("bo", "eli", "guest", "anonymous")
"""Callers that together distinguish all labels."""

WEAKER = {str(strong): weak for weak, strong in pairwise(Label)}
"""From a label to the next weaker one."""


def shows_other_fields(
    policy: Policy, labels: Labels, governed: Governed, type_name: str, by_hand: Mapping[str, str]
) -> bool:
    """Return whether the visible fields of one type differ from the table for any of READERS."""
    types = governed_types(labels, policy.engine.rules, governed)
    kind = next((code for code in ASSET_KINDS if TYPE_OF[code] == type_name), "MODEL")
    for name in READERS:
        access = Access(policy.engine, types, CALLERS[name])
        for where, attributes in classes(CALLERS[name], (kind,)):
            if where[1] != "ORG" or where[2] not in {"INTERNAL", "RESTRICTED"} or where[3] == "RETIRED":
                continue
            shown = words(TABLE[name], "sees", where)
            visible = by_hand.keys() - access.field_mask(type_name, attributes).hidden
            if visible != {field for field, label in by_hand.items() if label in shown}:
                return True
    return False


def test_every_label_one_step_weaker_is_killed(policy: Policy, labels: Labels, governed: Governed) -> None:
    """The next weaker label of each field that is not public is detected, for fields of edges as well."""
    by_hand = labels_by_hand(governed)
    survivors, tried = [], 0
    for type_name, fields in labels.items():
        assert not shows_other_fields(policy, {type_name: fields}, governed, type_name, by_hand[type_name])
        for field, label in fields.items():
            if label is not Label.PUBLIC:
                mutated = {type_name: {**fields, field: WEAKER[label]}}
                tried += 1
                if not shows_other_fields(policy, mutated, governed, type_name, by_hand[type_name]):
                    survivors.append(f"{type_name}.{field}")
    print(f"{tried} weaker labels, {len(survivors)} survive")  # noqa: T201 - the figure is part of the result
    assert survivors == []
    assert tried == sum(label != "public" for fields in by_hand.values() for label in fields.values())


@pytest.mark.parametrize("label", ["restricted", "secret"])
def test_a_stronger_label_is_detected(policy: Policy, labels: Labels, governed: Governed, label: str) -> None:
    """A field with a stronger label than in the hand-written list is detected: a caller would miss its value."""
    by_hand = labels_by_hand(governed)
    stronger = {"Model": {**labels["Model"], "task": Label(label)}}
    assert shows_other_fields(policy, stronger, governed, "Model", by_hand["Model"])
