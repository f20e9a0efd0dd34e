"""Predicates over policy attributes: evaluated in Python here, and translated to index queries by ``app.graph``.

Build predicates with `within`, `conjunction`, `disjunction` and `negation`, which simplify their result.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from policies.attributes import POSITION, PolicyAttributes

RowTest = Callable[[PolicyAttributes], bool]
"""A predicate compiled to a function."""


@dataclass(frozen=True)
class Everything:
    """Matches every row."""


@dataclass(frozen=True)
class Nothing:
    """Matches no row."""


@dataclass(frozen=True)
class Within:
    """Matches rows whose ``attribute``, a name of `policies.attributes.ATTRIBUTES`, is one of ``values``."""

    attribute: str
    values: frozenset[str]


@dataclass(frozen=True)
class Not:
    """Matches rows that the operand does not match."""

    operand: "Predicate"


@dataclass(frozen=True)
class And:
    """Matches rows that all operands match; there are at least two operands."""

    operands: tuple["Predicate", ...]


@dataclass(frozen=True)
class Or:
    """Matches rows that at least one operand matches; there are at least two operands."""

    operands: tuple["Predicate", ...]


Predicate = Everything | Nothing | Within | Not | And | Or


def within(attribute: str, values: Iterable[str]) -> Predicate:
    """Return the predicate of rows whose attribute is one of ``values``; without values, of no row."""
    accepted = frozenset(values)
    return Within(attribute, accepted) if accepted else Nothing()


def negation(operand: Predicate) -> Predicate:
    """Return the predicate of rows that the operand does not match."""
    match operand:
        case Everything():
            return Nothing()
        case Nothing():
            return Everything()
        case Not(inner):
            return inner
    return Not(operand)


def conjunction(operands: Iterable[Predicate]) -> Predicate:
    """Return the predicate of rows that all operands match; without operands, of all rows."""
    return _combine(And, Everything(), Nothing(), frozenset.intersection, operands)


def disjunction(operands: Iterable[Predicate]) -> Predicate:
    """Return the predicate of rows that at least one operand matches; without operands, of no row."""
    return _combine(Or, Nothing(), Everything(), frozenset.union, operands)


def _combine(
    form: type[And | Or],
    neutral: Predicate,
    absorbing: Predicate,
    merge: Callable[[frozenset[str], frozenset[str]], frozenset[str]],
    operands: Iterable[Predicate],
) -> Predicate:
    """Return the operands joined by ``form``, simplified.

    Nested operands of the same form are flattened, repetitions dropped, and each `Within` of one attribute merged by
    ``merge``. ``neutral`` does not change a result; ``absorbing`` determines it.
    """
    rest: dict[Predicate, None] = {}
    tests: dict[str, frozenset[str]] = {}
    for operand in _flatten(form, operands):
        if isinstance(operand, Within):
            merged = tests.get(operand.attribute)
            tests[operand.attribute] = operand.values if merged is None else merge(merged, operand.values)
        elif operand != neutral:
            rest[operand] = None
    joined = (*(within(attribute, values) for attribute, values in tests.items()), *rest)
    if absorbing in joined or any(negation(operand) in joined for operand in joined):
        return absorbing
    if len(joined) == 1:
        return joined[0]
    return form(joined) if joined else neutral


def _flatten(form: type[And | Or], operands: Iterable[Predicate]) -> Iterable[Predicate]:
    for operand in operands:
        if isinstance(operand, form):
            yield from operand.operands
        else:
            yield operand


def remaining(predicate: Predicate, known: Predicate) -> Predicate:
    """Return what remains to be matched of ``predicate`` by rows that match ``known``.

    Of these rows, both match the same ones. Only ``known`` itself is left out, or its operands if it is an `And`.
    """
    operands = known.operands if isinstance(known, And) else (known,)
    if predicate in operands:
        return Everything()
    match predicate:
        case And(conjuncts):
            return conjunction(remaining(each, known) for each in conjuncts)
        case Or(alternatives):
            return disjunction(remaining(each, known) for each in alternatives)
    return predicate


def compiled(predicate: Predicate) -> RowTest:
    """Return a function that evaluates ``predicate`` on the attributes of a row."""
    match predicate:
        case Within(attribute, values):
            position = POSITION[attribute]
            return lambda row: row[position] in values
        case Not(operand):
            test = compiled(operand)
            return lambda row: not test(row)
        case And(operands):
            return _all_of([compiled(operand) for operand in operands])
        case Or(operands):
            return _any_of([compiled(operand) for operand in operands])
    constant = isinstance(predicate, Everything)
    return lambda _row: constant


def evaluated_in_part(predicate: Predicate, row: PolicyAttributes, unknown: frozenset[str]) -> Predicate:
    """Return what remains of ``predicate`` for a row, of which the attributes named in ``unknown`` are not looked at.

    The result depends on the other attributes only. It is `Everything` or `Nothing` if these decide it.
    """
    match predicate:
        case Within(attribute, values):
            if attribute in unknown:
                return predicate
            return Everything() if row[POSITION[attribute]] in values else Nothing()
        case Not(operand):
            return negation(evaluated_in_part(operand, row, unknown))
        case And(operands):
            return conjunction(evaluated_in_part(operand, row, unknown) for operand in operands)
        case Or(operands):
            return disjunction(evaluated_in_part(operand, row, unknown) for operand in operands)
    return predicate


def _all_of(tests: list[RowTest]) -> RowTest:
    def every(row: PolicyAttributes) -> bool:
        for test in tests:  # noqa: SIM110  a generator costs more than the tests themselves
            if not test(row):
                return False
        return True

    return every


def _any_of(tests: list[RowTest]) -> RowTest:
    def some(row: PolicyAttributes) -> bool:
        for test in tests:  # noqa: SIM110  a generator costs more than the tests themselves
            if test(row):
                return True
        return False

    return some
