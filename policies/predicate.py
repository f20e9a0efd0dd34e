"""A neutral predicate over policy attributes: evaluated here in Python, rendered to the index by ``app.graph``.

Build predicates with :func:`conjunction`, :func:`disjunction` and :func:`negation`, which simplify as they go.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from policies.attributes import POSITION, PolicyAttributes

Test = Callable[[PolicyAttributes], bool]
"""A predicate compiled to a plain function."""


@dataclass(frozen=True)
class Everything:
    """Holds for every row."""


@dataclass(frozen=True)
class Nothing:
    """Holds for no row."""


@dataclass(frozen=True)
class Within:
    """The attribute has one of the values."""

    attribute: str
    values: frozenset[str]


@dataclass(frozen=True)
class Not:
    """The operand does not hold."""

    operand: "Predicate"


@dataclass(frozen=True)
class And:
    """All operands hold; there are at least two."""

    operands: tuple["Predicate", ...]


@dataclass(frozen=True)
class Or:
    """At least one operand holds; there are at least two."""

    operands: tuple["Predicate", ...]


Predicate = Everything | Nothing | Within | Not | And | Or


def within(attribute: str, values: Iterable[str]) -> Predicate:
    """Hold where the attribute has one of the values; without values, nowhere."""
    found = frozenset(values)
    return Within(attribute, found) if found else Nothing()


def negation(operand: Predicate) -> Predicate:
    """Hold where the operand does not."""
    match operand:
        case Everything():
            return Nothing()
        case Nothing():
            return Everything()
        case Not(inner):
            return inner
    return Not(operand)


def conjunction(operands: Iterable[Predicate]) -> Predicate:
    """Hold where all operands do; without operands, everywhere."""
    return _join(And, Everything(), Nothing(), frozenset.intersection, operands)


def disjunction(operands: Iterable[Predicate]) -> Predicate:
    """Hold where any operand does; without operands, nowhere."""
    return _join(Or, Nothing(), Everything(), frozenset.union, operands)


def _join(
    form: type[And | Or],
    neutral: Predicate,
    absorbing: Predicate,
    merge: Callable[[frozenset[str], frozenset[str]], frozenset[str]],
    operands: Iterable[Predicate],
) -> Predicate:
    """Flatten, drop repetitions and merge tests of one attribute: what one operand of the index would do twice."""
    rest: dict[Predicate, None] = {}
    tests: dict[str, frozenset[str]] = {}
    for operand in _flat(form, operands):
        if isinstance(operand, Within):
            known = tests.get(operand.attribute)
            tests[operand.attribute] = operand.values if known is None else merge(known, operand.values)
        elif operand != neutral:
            rest[operand] = None
    joined = (*(within(attribute, values) for attribute, values in tests.items()), *rest)
    if absorbing in joined or any(negation(operand) in joined for operand in joined):
        return absorbing
    if len(joined) == 1:
        return joined[0]
    return form(joined) if joined else neutral


def _flat(form: type[And | Or], operands: Iterable[Predicate]) -> Iterable[Predicate]:
    for operand in operands:
        if isinstance(operand, form):
            yield from operand.operands
        else:
            yield operand


def compiled(predicate: Predicate) -> Test:
    """Turn a predicate into a function of :class:`PolicyAttributes`, some tenths of a microsecond a row."""
    match predicate:
        case Within(attribute, values):
            position = POSITION[attribute]
            return lambda row: row[position] in values
        case Not(operand):
            test = compiled(operand)
            return lambda row: not test(row)
        case And(operands):
            return _every([compiled(operand) for operand in operands])
        case Or(operands):
            return _some([compiled(operand) for operand in operands])
    constant = isinstance(predicate, Everything)
    return lambda _row: constant


def _every(tests: list[Test]) -> Test:
    def every(row: PolicyAttributes) -> bool:
        for test in tests:  # noqa: SIM110  a generator costs more than the tests themselves
            if not test(row):
                return False
        return True

    return every


def _some(tests: list[Test]) -> Test:
    def some(row: PolicyAttributes) -> bool:
        for test in tests:  # noqa: SIM110  a generator costs more than the tests themselves
            if test(row):
                return True
        return False

    return some
