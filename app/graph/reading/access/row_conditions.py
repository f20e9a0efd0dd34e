"""The policy and the read time as conditions: what listings and searches of one caller may find, and by which fields.

The policy has predicates of its own (:mod:`policies.predicate`), because it does not import the schema. They become
conditions here, and nowhere else.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final, assert_never

from app.graph.reading.access.row_policy import RowPolicy
from app.graph.reading.access.spread_conditions import spread
from app.graph.records.read_time import NO_UPPER_BOUND
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.ports.conditions import (
    ALWAYS,
    NEVER,
    Above,
    All,
    AnyOf,
    Below,
    CallerLeaf,
    Condition,
    In,
    Leaf,
    Negated,
    UnusedFor,
    rewrite,
)
from policies.predicate import And, Everything, Not, Nothing, Or, Predicate, Within, conjunction, remaining

ResolvedUsage = Mapping[UnusedFor, Condition]
"""For each :class:`UnusedFor` of a condition, the condition that replaces it for one caller."""

NOTHING_RESOLVED: Final[ResolvedUsage] = MappingProxyType({})
"""The replacements for a condition without :class:`UnusedFor`: none."""

UNGOVERNED: Final = In("kind", tuple(kind.code for kind in KINDS.values() if not kind.asset))
"""Met by teams, users, domains and tags, which every caller of the tenant may read: the policy governs assets only."""

_NOT_DELETED: Final = Above("deletedAt", FOREVER - 1)


def condition_of_rows(predicate: Predicate) -> Condition:
    """Return the condition of the assets that a predicate holds for, and of all vertices that meet UNGOVERNED."""
    return AnyOf((UNGOVERNED, _condition_of(predicate)))


def _condition_of(predicate: Predicate) -> Condition:
    match predicate:
        case Everything():
            return ALWAYS
        case Nothing():
            return NEVER
        case Within(attribute, values):
            return In(attribute, tuple(sorted(values)))
        case Not(operand):
            return Negated(_condition_of(operand))
        case And(operands):
            return All(tuple(map(_condition_of, operands)))
        case Or(operands):
            return AnyOf(tuple(map(_condition_of, operands)))
        case _:
            assert_never(predicate)


def _alternatives(condition: Condition) -> Iterator[Condition]:
    """Yield conditions of which at least one is met exactly if the given one is."""
    if isinstance(condition, AnyOf):
        for each in condition.conditions:
            yield from _alternatives(each)
    else:
        yield condition


class RowConditions:
    """The conditions of one caller and one operation.

    All are about vertices that meet :meth:`visible`, so no other one repeats who may discover a vertex: that can be a
    list of a thousand owners.
    """

    def __init__(self, policy: RowPolicy) -> None:
        self._policy = policy
        self._discoverable = policy.rows_filter()
        self._masks: dict[str, Condition | None] = {}

    def hides(self, key: str) -> bool:
        """Return whether the field of a native property may be hidden on some vertices that the caller may discover."""
        return self._mask(key) is not None

    def shows(self, *keys: str) -> Condition:
        """Return the condition of the discoverable vertices that show the fields of all these native properties."""
        return condition_of_rows(conjunction(map(self._shown, keys)))

    def visible(self) -> Condition:
        """Return the condition of the vertices that the caller may discover and that exist at the read time."""
        return All((self._existing(), condition_of_rows(self._discoverable)))

    def mask(self, condition: Condition, resolved: ResolvedUsage = NOTHING_RESOLVED) -> Condition:
        """Return the condition so that a field counts as absent on the vertices that hide it from the caller.

        Each :class:`UnusedFor` is replaced by its condition in ``resolved``, unmasked. Raises KeyError without one, and
        the errors of :func:`spread`.
        """

        def leaf(each: Leaf) -> Condition:
            return resolved[each] if isinstance(each, UnusedFor) else self._masked(each)

        return rewrite(spread(condition), leaf)

    def _masked(self, leaf: Leaf) -> Condition:
        """Return :meth:`mask` of one leaf, in a form whose filter has each list of owners once."""
        mask = None if isinstance(leaf, CallerLeaf) else self._mask(leaf.key)
        if mask is None:
            return leaf
        if isinstance(leaf, In) and "" in leaf.values:
            return All(tuple(AnyOf((leaf, Negated(each))) for each in _alternatives(mask)))
        return All((leaf, mask))

    def _shown(self, key: str) -> Predicate:
        """Return the predicate of the discoverable vertices that show a field."""
        return remaining(self._policy.shown(key), self._discoverable)

    def _mask(self, key: str) -> Condition | None:
        """Return the condition of the discoverable vertices that show a field; None if all of them do."""
        if key not in self._masks:
            shown = self._shown(key)
            self._masks[key] = None if isinstance(shown, Everything) else condition_of_rows(shown)
        return self._masks[key]

    def _existing(self) -> Condition:
        """Return the condition of the vertices that exist at the read time.

        In the present these are the vertices that are not deleted, even if the time of the deletion is hidden. In the
        past, vertices that were deleted later exist, and assets that began or were recorded later do not. Teams, users,
        domains and tags exist at all times. A time that an asset hides from the caller is not compared with the valid
        time; see :func:`app.graph.records.read_time.vertex_at`.
        """
        read_time = self._policy.instant
        if not read_time.past:
            return _NOT_DELETED
        begun: Condition = Below("begins", read_time.valid + 1)
        if self.hides("begins") or self.hides("createdAt"):
            dated = self.shows("begins", "createdAt")
            begun = AnyOf((All((begun, dated)), Negated(dated)))
        not_deleted_yet = self._masked(Above("deletedAt", read_time.valid))
        recorded = Below("createdAt", min(read_time.recorded, NO_UPPER_BOUND - 1) + 1)
        return All((AnyOf((_NOT_DELETED, not_deleted_yet)), AnyOf((UNGOVERNED, All((begun, recorded))))))
