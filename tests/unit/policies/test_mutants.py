"""Mutants: rules and labels that are a little wrong, each of which the hand-written table must notice.

Rules are mutated over a small set of fields, one for each label, so that a policy loads in milliseconds; labels are
mutated field by field over the whole schema, with the rules as they are.
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

EQUIVALENT = {"writes-identity: every action"}
"""Teams and users are no rows that the policy shows, and whoever administers is exempt: nobody can tell."""

Rows = list[tuple[Class, PolicyAttributes]]


def rows_of(name: str, kinds: tuple[str, ...]) -> Rows:
    """The classes of some kinds for a caller."""
    return [*classes(CALLERS[name], kinds)]


READING = {name: rows_of(name, ("MODEL_VERSION", "RUN")) for name in CALLERS}
WRITING = {
    name: [pair for pair in rows_of(name, ("MODEL", "TEAM", "USER")) if pair[0][1:4] == ("ORG", "INTERNAL", "ACTIVE")]
    for name, caller in CALLERS.items()
    if "graph:write" in caller.scopes
}


def sees_otherwise(policy: Policy) -> bool:
    """Whether some caller sees something else than the table says, or the rules about reading do by themselves."""
    for name, rows in READING.items():
        access = policy.access(CALLERS[name])
        alone = compiled(row_filter(policy.engine.rules.matching(RowAction.READ), caller_attributes(CALLERS[name])))
        for where, attributes in rows:
            labels = FEW_LABELS[TYPE_OF[attributes.kind]]
            seen = words(TABLE[name], "sees", where)
            visible = labels.keys() - access.field_mask(TYPE_OF[attributes.kind], attributes).hidden
            if visible != {field for field, label in labels.items() if label in seen}:
                return True
            if access.grade(attributes) != len(seen & {"public", "internal"}):
                return True
            if "graph:read" in CALLERS[name].scopes and alone(attributes) != ("internal" in seen):
                return True
    return False


def does_otherwise(policy: Policy) -> bool:
    """Whether some caller may do something else than the table says, on rows that the caller reads."""
    for name, rows in WRITING.items():
        scopes = CALLERS[name].scopes
        reach = [each for each in WriteAction if each is not WriteAction.ADMINISTER or "graph:admin" in scopes]
        asked = [(where, action, attributes) for where, attributes in rows for action in reach]
        answers = policy.engine.decide_all(CALLERS[name], [(action, row) for _, action, row in asked])
        for (where, action, _), answer in zip(asked, answers, strict=True):
            if answer.allowed != (action in words(TABLE[name], "does", where)):
                return True
    return False


def weaker(expr: Any) -> Iterator[Any]:
    """The expression with one part less or turned round: operands of and/or, elements of sets, negations, equality."""
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
    """The rule removed, with the other effect, and short of each thing that it says."""
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
    """Whether start-up accepts the rules and the table does not notice them."""
    try:
        policy = Policy(text, FEW_LABELS, FEW)
    except ConfigurationError:
        return False
    return not (sees_otherwise(policy) or does_otherwise(policy))


def test_every_mutant_of_the_rules_is_killed(shipped: str) -> None:
    """A rule removed, turned round, or short of an action, a condition or an element of a set never passes."""
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


def test_nothing_that_rules_say_escapes_the_mutation(shipped: str) -> None:
    """Each kind of expression in the shipped rules is one that the mutants know how to weaken, or a leaf."""
    tree = PolicySet.from_str(shipped).to_pst()
    known = {pst.BinaryOp, pst.UnaryOp, pst.Set, pst.GetAttr, pst.Var, pst.StringLit}
    used = {
        type(part) for rule in tree.static_policies.values() for clause in rule.clauses for part in parts(clause.expr)
    }
    assert used <= known


def parts(expr: Any) -> Iterator[Any]:
    """An expression and everything in it."""
    yield expr
    for each in fields_of(expr) if is_dataclass(expr) else ():
        value = getattr(expr, each.name)
        for inner in value if isinstance(value, tuple) else (value,):
            if is_dataclass(inner):
                yield from parts(inner)


LOOKERS = ("bo", "eli", "guest", "anonymous")
ORDER = [*Label]
WEAKER = {str(close): open_ for open_, close in pairwise(ORDER)}


def shows_otherwise(
    policy: Policy, labels: Labels, governed: Governed, type_name: str, by_hand: Mapping[str, str]
) -> bool:
    """Whether some caller sees other fields of one type than the table says."""
    types = governed_types(labels, policy.engine.rules, governed)
    kind = next((code for code in ASSET_KINDS if TYPE_OF[code] == type_name), "MODEL")
    for name in LOOKERS:
        access = Access(policy.engine, types, CALLERS[name])
        for where, attributes in classes(CALLERS[name], (kind,)):
            if where[1] != "ORG" or where[2] not in {"INTERNAL", "RESTRICTED"} or where[3] == "RETIRED":
                continue
            seen = words(TABLE[name], "sees", where)
            visible = by_hand.keys() - access.field_mask(type_name, attributes).hidden
            if visible != {field for field, label in by_hand.items() if label in seen}:
                return True
    return False


def test_every_label_one_step_weaker_is_killed(policy: Policy, labels: Labels, governed: Governed) -> None:
    """Each field that is not public, under the next weaker label, shows in the table; edges included."""
    by_hand = labels_by_hand(governed)
    survivors, tried = [], 0
    for type_name, fields in labels.items():
        assert not shows_otherwise(policy, {type_name: fields}, governed, type_name, by_hand[type_name])
        for field, label in fields.items():
            if label is not Label.PUBLIC:
                mutated = {type_name: {**fields, field: WEAKER[label]}}
                tried += 1
                if not shows_otherwise(policy, mutated, governed, type_name, by_hand[type_name]):
                    survivors.append(f"{type_name}.{field}")
    print(f"{tried} weaker labels, {len(survivors)} survive")  # noqa: T201 - the figure is part of the result
    assert survivors == []
    assert tried == 512 == sum(label != "public" for fields in by_hand.values() for label in fields.values())


@pytest.mark.parametrize("label", ["restricted", "secret"])
def test_a_stronger_label_is_noticed_too(policy: Policy, labels: Labels, governed: Governed, label: str) -> None:
    """Held more closely than people wrote is a difference as well: a field that somebody misses."""
    by_hand = labels_by_hand(governed)
    closer = {"Model": {**labels["Model"], "task": Label(label)}}
    assert shows_otherwise(policy, closer, governed, "Model", by_hand["Model"])
