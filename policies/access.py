"""The rights of one caller: row filters and field masks compiled from the rules, and cached decisions.

Get an `Access` from `policies.policy.Policy.access` once per request and use it for every record, so that the compiled
rules are looked up only once.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TypeVar

from policies.attributes import PolicyAttributes, caller_attributes
from policies.cedar.engine import Engine, PolicyRequest
from policies.cedar.rights import EXPLAINED, RightsExplainer, unknown_attributes
from policies.cedar.rows import condition, row_filter
from policies.decision import NEEDS, SCOPE, Decision, Denial, FieldMask, Grade, Rights
from policies.errors import CodedError
from policies.governed import kind_code
from policies.masks import GovernedTypes, GroupMask, combined_mask
from policies.predicate import Nothing, Predicate, compiled, conjunction, disjunction, within
from policies.principal import Principal, Scope
from policies.vocabulary import RowAction, WriteAction

CACHE_SIZE = 4_096
"""Maximum number of field masks, of decisions, and of explained rights, that one `Access` caches."""

REQUIRED_SCOPES: Mapping[str, tuple[Scope, ...]] = {WriteAction.ADMINISTER: (Scope.WRITE, Scope.ADMIN)}
"""Scopes that a write action requires whatever the rules permit; a write action not listed requires ``graph:write``."""

_NO_REASON = Denial((), ())

ResultT = TypeVar("ResultT")


class Access:
    """The rights of one caller under one policy. They never change: another caller or policy needs another `Access`.

    Decisions use only the policy attributes of a row, so all rows with equal attributes get the same result.
    """

    def __init__(self, engine: Engine, types: GovernedTypes, principal: Principal) -> None:
        self.principal = principal
        self._engine = engine
        self._types = types
        self._caller = caller_attributes(principal)
        self._has_read_scope = principal.may(Scope.READ)
        discover, read = (row_filter(engine.rules.matching(action), self._caller) for action in RowAction)
        self._rows = {RowAction.DISCOVER: discover, RowAction.READ: conjunction((discover, read))}
        self._discoverable = compiled(discover)
        self._readable = compiled(self._rows[RowAction.READ])
        reading = engine.rules.matching(RowAction.READ)
        self._read_forbids = [(rule.id, compiled(condition(rule, self._caller))) for rule in reading.forbids]
        permits = tuple(rule.id for rule in reading.permits)
        self._read_needs = permits if self._has_read_scope else (f"scope:{Scope.READ}",)
        self._masks: dict[PolicyRequest, FieldMask] = {}
        self._decisions: dict[PolicyRequest, Decision] = {}
        self._rights: dict[PolicyRequest, Rights] = {}
        self._groups: dict[str, tuple[GroupMask, ...]] = {}
        self._rows_by_field: dict[str, Predicate] = {}

    def grade(self, attributes: PolicyAttributes) -> Grade:
        """Return how much of a row the caller may see; always `Grade.HIDDEN` if the token lacks ``graph:read``."""
        if not self._has_read_scope:
            return Grade.HIDDEN
        if self._readable(attributes):
            return Grade.READ
        return Grade.DISCOVER if self._discoverable(attributes) else Grade.HIDDEN

    def is_discoverable(self, attributes: PolicyAttributes) -> bool:
        """Return whether the rules let the caller discover a row, whatever the scopes of the token.

        Writes use this for the assets that they refer to.
        """
        return self._discoverable(attributes)

    def reads_field(self, field: str, type_name: str, attributes: PolicyAttributes) -> bool:
        """Return whether the caller may read a row of an asset type and see this field of the row."""
        return self.grade(attributes) is Grade.READ and field not in self.field_mask(type_name, attributes).hidden

    def rows(self, action: RowAction = RowAction.DISCOVER) -> Predicate:
        """Return the predicate of the rows on which the caller may perform ``action``; `grade` applies the same rules.

        It is `Nothing` if the token lacks ``graph:read``.
        """
        return self._rows[action] if self._has_read_scope else Nothing()

    def field_mask(self, type_name: str, attributes: PolicyAttributes) -> FieldMask:
        """Return the fields of a type that the caller may not see on rows with these attributes, and the reasons.

        The type may be that of an edge; ``attributes`` are then those of one of its ends. Raises `CodedError` if the
        policy does not govern the type.
        """
        return self._masks.get((type_name, attributes)) or _cache(
            self._masks, (type_name, attributes), lambda: self._compute_mask(type_name, attributes)
        )

    def fields_hidden_by_rules(self, type_name: str, attributes: PolicyAttributes) -> frozenset[str]:
        """Return the fields of a row that the rules hide, whatever the scopes of the token.

        The result of a write must not depend on the values of these fields.
        """
        readable, discoverable = self._readable(attributes), self._discoverable(attributes)
        grade = Grade.READ if readable else Grade.DISCOVER if discoverable else Grade.HIDDEN
        if grade is Grade.HIDDEN:
            return self._types[type_name].fields
        denied = (member for member in self._groups_of(type_name) if member.denial(attributes, grade, _NO_REASON))
        return frozenset().union(*(member.group.fields for member in denied))

    def logged_fields(self, type_name: str) -> frozenset[str]:
        """Return the restricted and secret fields of a type; none of a type that the policy does not govern."""
        governed = self._types.get(type_name)
        return governed.logged if governed else frozenset()

    def may(self, action: str, attributes: PolicyAttributes) -> Decision:
        """Decide a write action on an asset with the given attributes.

        For a change of the attributes themselves, decide twice: with the attributes before and after the change.
        If the rules do not let the caller read an asset, the caller may not change it either.
        """
        return self._decisions.get((action, attributes)) or _cache(
            self._decisions, (action, attributes), lambda: self._decide(action, attributes)
        )

    def rights(self, type_name: str, attributes: PolicyAttributes) -> Rights:
        """Return the rights of the caller on a row of an asset type, with the rules that decide each.

        Whether each write is allowed equals the result of `may`. Empty if the row is hidden. Raises `CodedError` if the
        policy does not govern the type.
        """
        return self._rights.get((type_name, attributes)) or _cache(
            self._rights, (type_name, attributes), lambda: self._explain(type_name, attributes)
        )

    def rows_showing(self, field: str) -> Predicate:
        """Return the predicate of the discoverable rows on which ``field`` is not hidden from the caller.

        Rows of kinds without the field match, too. A filter or order on the field may use these rows only: otherwise
        it would disclose hidden values. Kinds that label the field differently have conditions of their own.
        """
        if not self._has_read_scope:
            return Nothing()
        if field not in self._rows_by_field:
            self._rows_by_field[field] = self._compute_rows_showing(field)
        return self._rows_by_field[field]

    def _compute_rows_showing(self, field: str) -> Predicate:
        kinds_by_rows: dict[Predicate, set[str]] = {}
        for type_name, governed in self._types.items():
            if governed.rows:
                kinds_by_rows.setdefault(self._rows_of_type(type_name, field), set()).add(kind_code(type_name))
        if len(kinds_by_rows) == 1:
            return next(iter(kinds_by_rows))
        return disjunction(conjunction((within("kind", kinds), rows)) for rows, kinds in kinds_by_rows.items())

    def _rows_of_type(self, type_name: str, field: str) -> Predicate:
        """Return the predicate of the rows of a type that show ``field``.

        Without a group, the field is non-null or not a field of the type: the result is all discoverable rows.
        """
        for member in self._groups_of(type_name):
            if field in member.group.fields:
                action = RowAction.READ if member.group.grade is Grade.READ else RowAction.DISCOVER
                return conjunction((self._rows[action], member.rows))
        return self._rows[RowAction.DISCOVER]

    def _groups_of(self, type_name: str) -> tuple[GroupMask, ...]:
        if type_name not in self._types:
            raise CodedError(
                f"{type_name} has no labels in the policy, so its fields must not be shown; add them to labels.toml."
            )
        if type_name not in self._groups:
            self._groups[type_name] = tuple(GroupMask(group, self._caller) for group in self._types[type_name].groups)
        return self._groups[type_name]

    def _compute_mask(self, type_name: str, attributes: PolicyAttributes) -> FieldMask:
        groups, unread = self._groups_of(type_name), self._unread(attributes)
        grade, governed = self.grade(attributes), self._types[type_name]
        if grade is Grade.HIDDEN:
            return FieldMask(governed.fields, dict.fromkeys(sorted(governed.fields), unread))
        return combined_mask(groups, attributes, grade, unread, governed.logged)

    def _unread(self, attributes: PolicyAttributes) -> Denial:
        """Return why the caller may not read a row, also if the caller may."""
        forbids = self._read_forbids if self._has_read_scope else []
        return Denial(tuple(name for name, applies in forbids if applies(attributes)), self._read_needs)

    @cached_property
    def _explainer(self) -> RightsExplainer:
        return RightsExplainer(self._engine, self.principal, self._caller)

    def _explain(self, type_name: str, attributes: PolicyAttributes) -> Rights:
        grade, hidden = self.grade(attributes), self.field_mask(type_name, attributes).hidden
        if grade is Grade.HIDDEN:
            return Rights()
        decisions = self.may_all([(action, attributes) for action in EXPLAINED])
        unknown = unknown_attributes(attributes, hidden)
        return self._explainer.explain(attributes, grade, unknown, self._unread(attributes), decisions)

    def may_all(self, requests: Sequence[PolicyRequest]) -> list[Decision]:
        """Decide many write actions as `may` does, in one call of the engine; the decisions are not cached."""
        denials = [self._unmet_precondition(*request) for request in requests]
        open_requests = [request for request, denial in zip(requests, denials, strict=True) if denial is None]
        decided = iter(self._engine.decide_all(self.principal, open_requests))
        return [denial or next(decided) for denial in denials]

    def _decide(self, action: str, attributes: PolicyAttributes) -> Decision:
        return self._unmet_precondition(action, attributes) or self._engine.decide(self.principal, action, attributes)

    def _unmet_precondition(self, action: str, attributes: PolicyAttributes) -> Decision | None:
        """Return the denial for a missing scope or an unreadable asset; None if the rules have to decide."""
        missing = [scope for scope in REQUIRED_SCOPES.get(action, (Scope.WRITE,)) if not self.principal.may(scope)]
        if missing:
            return Decision(allowed=False, reasons=tuple(f"{NEEDS}{SCOPE}{scope}" for scope in missing))
        if not self._readable(attributes):
            return Decision(allowed=False, reasons=("The caller may not read the asset, so may not change it.",))
        return None


def _cache(cache: dict[PolicyRequest, ResultT], key: PolicyRequest, compute: Callable[[], ResultT]) -> ResultT:
    """Return the computed result and store it under ``key``; a full cache drops its oldest entry."""
    result = compute()
    if len(cache) >= CACHE_SIZE:
        oldest, *_ = cache
        cache.pop(oldest, None)  # the side thread may have dropped it
    cache[key] = result
    return result
