"""The decision table: who sees and does what, written by hand, and three implementations that must agree with it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product

import pytest
from cedarpy import PolicySet, pst

from policies.attributes import PolicyAttributes
from policies.decision import Grade
from policies.policy import Policy
from policies.predicate import compiled
from policies.principal import Principal
from policies.vocabulary import Label, Labels, RowAction, WriteAction

CLASSES = (
    *("ranking/ORG", "ranking/TEAM", "ads/ORG", "ads/TEAM", "none/ORG", "none/TEAM", "ads/OTHER"),
    *("none/ORG/TEAM", "none/ORG/USER"),
)

# R reads the asset, S sees its restricted fields, W may register, update and link it; - is nothing at all.
TABLE = """
ada               RSW  RSW  R    -    RW   -    -    R    R
bo                R    -    RS   RS   R    -    RS   R    R
cy                R    R    R    R    R    R    -    R    R
ci-ranking        RSW  RSW  R    -    RW   -    -    R    R
root              RSW  RSW  RSW  RSW  RSW  RSW  RSW  RSW  RSW
anonymous         -    -    -    -    -    -    -    -    -
no-team-engineer  R    -    R    -    RW   -    -    R    R
robot             -    -    -    -    W    -    -    -    -
ads-writer        R    -    RSW  RSW  R    -    RSW  R    R
guest             R    -    R    -    R    -    -    R    R
auditor-writer    R    R    R    R    R    R    -    R    R
engineer-auditor  R    R    R    R    RW   RW   -    R    R
blind-admin       W    W    W    W    W    W    W    W    W
"""
ROWS = {name: dict(zip(CLASSES, cells, strict=True)) for name, *cells in map(str.split, TABLE.strip().splitlines())}

RESTRICTED = frozenset({"artifactUri", "params"})
WRITES = {WriteAction.REGISTER, WriteAction.UPDATE, WriteAction.LINK}

Make = Callable[..., PolicyAttributes]
Cell = tuple[Principal, PolicyAttributes, str]


def _class(asset: Make, owner: str, visibility: str, kind: str = "MODEL_VERSION") -> PolicyAttributes:
    return asset(owner, visibility, kind=kind)


@pytest.fixture(scope="session")
def cells(people: dict[str, Principal], asset: Make) -> list[Cell]:
    """Every cell of the table with the caller and the class of assets it is about."""
    return [
        (people[name], _class(asset, *column.split("/")), expected)
        for name, row in ROWS.items()
        for column, expected in row.items()
    ]


def differences(policy: Policy, cells: list[Cell], fields: frozenset[str]) -> Iterator[str]:
    """Compare what the product asks for with the table, and list where they part."""
    for principal, attributes, expected in cells:
        where = f"{principal.subject} on {attributes.owner_team or 'nobody'}'s {attributes.visibility}"
        if policy.grade(principal, attributes) != (Grade.READ if "R" in expected else Grade.HIDDEN):
            yield f"grade of {where}"
        hidden = frozenset() if "S" in expected else RESTRICTED if "R" in expected else fields
        if policy.hidden(principal, "ModelVersion", attributes).hidden != hidden:
            yield f"hidden fields of {where}"
        for action in WriteAction:
            if policy.may(principal, action, attributes).allowed != ("W" in expected and action in WRITES):
                yield f"{action} of {where}"


def test_the_product_answers_as_the_table_says(
    policy: Policy, cells: list[Cell], coordinates: dict[str, list[str]]
) -> None:
    """Grades, hidden fields and writes are those that people wrote down, for every persona and class."""
    assert len(cells) == 117
    assert [*differences(policy, cells, frozenset(coordinates["ModelVersion"]))] == []


def test_the_engine_answers_as_the_table_says(policy: Policy, cells: list[Cell]) -> None:
    """Cedar itself, asked without compiled forms, gives the table; scopes are not its business, so they are given."""
    for principal, attributes, expected in cells:
        if not {"graph:read", "graph:write"} <= principal.scopes:
            continue
        for row_action in RowAction:
            assert policy.engine.decide(principal, row_action, attributes).allowed == ("R" in expected)
        if "R" not in expected:
            continue
        for field in RESTRICTED:
            decision = policy.engine.decide(principal, f"ModelVersion.{field}", attributes)
            assert decision.allowed == ("S" in expected)
        for action in WriteAction:
            decision = policy.engine.decide(principal, action, attributes)
            assert decision.allowed == ("W" in expected and action in WRITES)


def test_the_compiled_rows_answer_as_the_table_says(policy: Policy, cells: list[Cell]) -> None:
    """What an index query carries holds for exactly the rows that the table lets a caller read."""
    for principal, attributes, expected in cells:
        for action in RowAction:
            assert compiled(policy.rows(principal, action))(attributes) == ("R" in expected)


def _weaker(expr: pst.Expr) -> Iterator[pst.Expr]:
    """Drop one operand of an ``and`` or ``or``, at any depth."""
    if isinstance(expr, pst.BinaryOp) and expr.op in ("and", "or"):
        yield from (expr.left, expr.right)
        yield from (replace(expr, left=left) for left in _weaker(expr.left))
        yield from (replace(expr, right=right) for right in _weaker(expr.right))


def _mutants(rule: pst.Template) -> Iterator[tuple[str, pst.Template | None]]:
    yield "removed", None
    yield "effect flipped", replace(rule, effect="forbid" if rule.effect == "permit" else "permit")
    for number, clause in enumerate(rule.clauses):
        kept = (*rule.clauses[:number], *rule.clauses[number + 1 :])
        yield "a clause dropped", replace(rule, clauses=kept)
        for expr in _weaker(clause.expr):
            yield "an operand dropped", replace(rule, clauses=(*kept, replace(clause, expr=expr)))
    if isinstance(rule.action, pst.ActionIn) and len(rule.action.entities) > 1:
        for entity in rule.action.entities:
            fewer = tuple(other for other in rule.action.entities if other != entity)
            yield f"{entity} dropped", replace(rule, action=pst.ActionIn(fewer))


def test_every_mutant_of_the_rules_is_killed(
    shipped: str, labels: Labels, cells: list[Cell], coordinates: dict[str, list[str]]
) -> None:
    """A rule removed, turned round, or short of a condition or an action never passes the table."""
    tree = PolicySet.from_str(shipped).to_pst()
    fields = frozenset(coordinates["ModelVersion"])
    survivors, tried = [], 0
    for key, rule in tree.static_policies.items():
        for change, mutant in _mutants(rule):
            others = {name: other for name, other in tree.static_policies.items() if name != key}
            mutated = replace(tree, static_policies=others if mutant is None else {**others, key: mutant})
            tried += 1
            if not any(differences(Policy(str(PolicySet.from_pst(mutated)), labels), cells, fields)):
                survivors.append(f"{rule.annotations['id']}: {change}")
    assert tried > 50
    assert survivors == []


def test_every_mutant_of_a_restricted_label_is_killed(
    shipped: str, labels: Labels, cells: list[Cell], coordinates: dict[str, list[str]]
) -> None:
    """A restricted field under another label never passes the table."""
    fields = frozenset(coordinates["ModelVersion"])
    for field, label in product(RESTRICTED, {*Label} - {Label.RESTRICTED}):
        mutated = {**labels, "ModelVersion": {**labels["ModelVersion"], field: label}}
        assert any(differences(Policy(shipped, mutated), cells, fields)), f"{field} as {label}"
