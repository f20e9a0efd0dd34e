"""Filters in the one form that the mixed index answers by itself: all of these, each any of those, each all its tests.

Anything deeper makes JanusGraph load every hit and filter in memory, without a word; so does `not` (measured: profiles
of ``or(and(or(…)))`` show a full scan). A filter is therefore sent as ``[[[test, …], …], …]``: all of the outer list
must hold, of each at least one arm, of an arm every test ``[op, key, value]`` with the operators of
:mod:`app.graph.reading.level.level_statement`. A `not` is pushed down to single tests.
"""

import re
import sys
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, Final

from app.graph.records.read_time import NO_UPPER_BOUND, ReadTime
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.ports.conditions import Condition, ListingQuery
from policies.errors import InvalidError, LimitError
from policies.predicate import And, Everything, Not, Nothing, Or, Predicate, Within, conjunction

Test = list[Any]
Arms = list[list[Test]]
Filter = list[Arms]

NEVER: Final[Filter] = [[[["in", "urn", []]]]]
"""What nothing satisfies. As one arm among others it would empty them all: JanusGraph folds it so."""

MAX_DISJUNCTS: Final = 256
"""Alternatives that one condition may unfold to."""

UNGOVERNED: Final[Condition] = ("in", "kind", tuple(kind.code for kind in KINDS.values() if not kind.asset))
"""Teams, users, domains and tags are open to the tenant: row rules are about assets."""

_ALIVE: Final[Condition] = ("above", "deletedAt", FOREVER - 1)

_SURROGATES: Final = 0xD800
_AFTER_SURROGATES: Final = 0xE000
"""Between these are no characters: no text that can be sent holds one."""

_OPPOSITE = {"in": "out", "above": "most", "below": "least"}


def alive(instant: ReadTime, shown: Callable[[str], Predicate], rows: Predicate) -> Condition:
    """What is deleted is not listed, for anybody, whether they see when it was deleted or not.

    Of the past, what was deleted since is listed, and what was not there yet is not, as far as the times of a row are
    shown; see :func:`app.graph.records.read_time.vertex_at`.
    """
    if not instant.past:
        return _ALIVE
    begun: Condition = ("below", "begins", instant.valid + 1)
    if any(shown(key) != rows for key in ("begins", "createdAt")):
        dated = rows_clause(conjunction((shown("begins"), shown("createdAt"))))
        begun = ("or", ("and", begun, dated), ("not", dated))
    lived = mask_condition(("above", "deletedAt", instant.valid), shown, rows)
    known: Condition = ("below", "createdAt", min(instant.recorded, NO_UPPER_BOUND - 1) + 1)
    return ("and", ("or", _ALIVE, lived), ("or", UNGOVERNED, ("and", begun, known)))


def filter_of(*clauses: Condition) -> Filter:
    """The filter of clauses that must all hold; raises InvalidError or LimitError on what no index can answer."""
    parts = dict.fromkeys(part for clause in clauses for part in _conjuncts(clause))
    arms = [_arms(part, negated=False) for part in parts]
    return [each for each in arms if [] not in each] if all(arms) else NEVER


def rows_clause(predicate: Predicate) -> Condition:
    """The clause of a policy's row filter, for listings that mix assets with what is not governed."""
    return ("or", UNGOVERNED, _clause(predicate))


def mask_condition(clause: Condition, shown: Callable[[str], Predicate], rows: Predicate) -> Condition:
    """The clause as it may look at rows: where a field is hidden, its value counts as absent.

    ``shown`` says for a key on which rows its field is shown, ``rows`` which rows are discovered at all. What stands in
    ``("settled", clause)`` does so already.
    """
    op, *rest = clause
    if op == "settled":
        (settled,) = rest
        return settled  # type: ignore[no-any-return]
    if op in {"and", "or", "not"}:
        return (op, *(mask_condition(part, shown, rows) for part in rest))
    visible = shown(rest[0])
    if visible == rows:
        return clause
    seen: Condition = ("and", clause, rows_clause(visible))
    return ("or", seen, ("not", rows_clause(visible))) if op == "in" and "" in rest[1] else seen


def keyset(listing: ListingQuery, after: Sequence[Any]) -> Condition:
    """What stands after a position ``(value, urn)`` in the listing's order."""
    value, urn = after
    op = "below" if listing.descending else "above"
    if listing.order == "urn":
        return (op, "urn", urn)
    return ("or", (op, listing.order, value), ("and", ("in", listing.order, (value,)), (op, "urn", urn)))


def _clause(predicate: Predicate) -> Condition:
    match predicate:
        case Everything():
            return ("and",)
        case Nothing():
            return ("or",)
        case Within(attribute, values):
            return ("in", attribute, tuple(sorted(values)))
        case Not(operand):
            return ("not", _clause(operand))
        case And(operands):
            return ("and", *map(_clause, operands))
        case Or(operands):
            return ("or", *map(_clause, operands))


def _conjuncts(clause: Condition) -> list[Condition]:
    if clause[0] == "and":
        return [each for part in clause[1:] for each in _conjuncts(part)]
    return [clause]


def _arms(clause: Condition, *, negated: bool) -> Arms:
    """The disjunctive normal form of a clause, or of its opposite; without arms where nothing satisfies it."""
    op, *rest = clause
    if op == "not":
        return _arms(rest[0], negated=not negated)
    if op not in {"and", "or"}:
        return _tests(clause, negated=negated)
    parts = [_arms(part, negated=negated) for part in rest]
    if (op == "or") != negated:
        return _bounded([arm for part in parts for arm in part])
    size = 1
    for part in parts:
        size *= len(part)
        _refuse(size)
    return [[test for arm in choice for test in arm] for choice in product(*parts)]


def _tests(clause: Condition, *, negated: bool) -> Arms:
    op, key, value = clause
    if op == "contains":
        if negated:
            raise InvalidError(
                "`not` cannot be put around `contains`: no index answers that; use `prefix`, `eq` or `in`."
            )
        return [[["regex", key, f".*{_quoted(value)}.*"]]]
    if op == "prefix" and negated:
        beyond = _after_prefix(value)
        return [[["below", key, value]], *([[["least", key, beyond]]] if beyond else [])]
    values = list(value) if op == "in" else value
    if op == "in" and not values:
        return [[]] if negated else []
    return [[[_OPPOSITE[op] if negated else op, key, values]]]


def _bounded(arms: Arms) -> Arms:
    _refuse(len(arms))
    return [[]] if [] in arms else arms


def _refuse(size: int) -> None:
    if size > MAX_DISJUNCTS:
        raise LimitError(f"The filter unfolds to more than {MAX_DISJUNCTS} alternatives; use `in` lists or nest less.")


def _after_prefix(prefix: str) -> str:
    """The least text after all that begin with the prefix; "" where there is none."""
    kept = prefix.rstrip(chr(sys.maxunicode))
    following = ord(kept[-1]) + 1 if kept else 0
    return kept[:-1] + chr(_AFTER_SURROGATES if following == _SURROGATES else following) if kept else ""


def _quoted(text: str) -> str:
    """Escape for Lucene's regular expressions and for Java's."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text)
