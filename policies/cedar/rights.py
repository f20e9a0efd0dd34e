"""Explains the rights of a caller on one row: which rules decide each, and what the caller lacks.

A rule may depend on an attribute of the asset that is hidden from the caller. Which rules permit something then
discloses the attribute, so the explanation does not look at it: it names all rules that may permit.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from policies.attributes import ATTRIBUTES, OWNER_FIELDS, Caller, PolicyAttributes
from policies.cedar.engine import Engine
from policies.cedar.rows import condition
from policies.cedar.rules import Rules
from policies.decision import NEEDS, SCOPE, Decision, Denial, Grade, Right, Rights
from policies.predicate import Everything, Nothing, Predicate, evaluated_in_part
from policies.principal import Principal
from policies.vocabulary import RowAction, WriteAction

EXPLAINED: Final[tuple[WriteAction, ...]] = tuple(
    action for action in WriteAction if action is not WriteAction.ADMINISTER
)
"""The write actions that are explained, in the order of the result. Assets are not the subject of `administer`."""

_TEAM: Final = "mlg://team/"


def unknown_attributes(attributes: PolicyAttributes, hidden: frozenset[str]) -> frozenset[str]:
    """Return the names of the attributes of a row that the caller cannot know; ``hidden`` are the hidden fields.

    An owner who is not a team counts as no owner, unless the fields that show such an owner are visible.
    """
    names = hidden.intersection(ATTRIBUTES)
    if not attributes.owner_team.startswith(_TEAM) and hidden & OWNER_FIELDS:
        names |= {"ownerTeam"}
    return names


class RightsExplainer:
    """Explains the rights of one caller under the rules of ``engine``."""

    def __init__(self, engine: Engine, principal: Principal, caller: Caller) -> None:
        self._engine = engine
        self._principal = principal
        self._conditions = {action: _conditions(engine.rules.matching(action), caller) for action in RowAction}
        self._permits: Mapping[WriteAction, tuple[str, ...]] = {
            action: _reasons(engine.rules.matching(action)) for action in EXPLAINED
        }
        self._reasons = {rule.id: rule.reason for rule in engine.rules}

    def explain(
        self,
        attributes: PolicyAttributes,
        grade: Grade,
        unknown: frozenset[str],
        unread: Denial,
        decisions: Sequence[Decision],
    ) -> Rights:
        """Return the rights on a row that the caller discovers or reads.

        ``unread`` is why the caller may not read the row. ``decisions`` are those on the actions of `EXPLAINED`.
        """
        action = RowAction.READ if grade is Grade.READ else RowAction.DISCOVER
        because = _permitting(self._conditions[action], attributes, unknown)
        is_exact = grade is Grade.READ and not unknown
        by_rules = self._by_rules(attributes, decisions) if is_exact else decisions
        writes = (self._write(*each, is_exact=is_exact) for each in zip(EXPLAINED, decisions, by_rules, strict=True))
        return Rights(because, (self._read(grade, because, unread), *writes))

    def _by_rules(self, attributes: PolicyAttributes, decisions: Sequence[Decision]) -> Sequence[Decision]:
        """Return what the rules decide whatever the scopes of the token."""
        if not any(each.startswith(SCOPE) for decision in decisions for each in decision.needs):
            return decisions
        return self._engine.decide_all(self._principal, [(action, attributes) for action in EXPLAINED])

    def _read(self, grade: Grade, because: tuple[str, ...], unread: Denial) -> Right:
        name = RowAction.READ.name
        if grade is Grade.READ:
            return Right(name, allowed=True, permitted_by=because)
        forbids, permits = (
            tuple(self._reasons.get(each, each) for each in names) for names in (unread.policies, unread.needs)
        )
        reasons = forbids or tuple(f"{NEEDS}{each}" for each in permits)
        decision = Decision(allowed=False, policies=unread.policies, reasons=reasons)
        return Right(name, allowed=False, forbidden_by=forbids, needs=decision.needs, denial=decision.cause)

    def _write(self, action: WriteAction, decision: Decision, by_rules: Decision, *, is_exact: bool) -> Right:
        """Return the right to a write action; ``by_rules`` is what the rules decide, or ``decision`` if it is secret.

        ``is_exact``, a flag: no attribute of the row is hidden from the caller.
        """
        deciding = by_rules.reasons if by_rules.policies else ()
        permits = deciding if is_exact else self._permits[action]
        return Right(
            action.name,
            decision.allowed,
            permitted_by=permits if by_rules.allowed else (),
            forbidden_by=() if by_rules.allowed else deciding,
            needs=tuple(dict.fromkeys((*decision.needs, *by_rules.needs))),
            denial=None if decision.allowed else decision.cause,
        )


Conditions = Sequence[tuple[str, Predicate]]
"""The reasons of the rules that permit an action, each with its condition for one caller."""


def _conditions(rules: Rules, caller: Caller) -> Conditions:
    return [(rule.reason, condition(rule, caller)) for rule in rules.permits]


def _reasons(rules: Rules) -> tuple[str, ...]:
    return tuple(sorted(rule.reason for rule in rules.permits))


def _permitting(conditions: Conditions, attributes: PolicyAttributes, unknown: frozenset[str]) -> tuple[str, ...]:
    """Return the sorted reasons of the rules that permit for certain; if there are none, of those that may permit."""
    found = [(reason, evaluated_in_part(each, attributes, unknown)) for reason, each in conditions]
    certain: Iterable[str] = [reason for reason, left in found if isinstance(left, Everything)]
    possible = (reason for reason, left in found if not isinstance(left, Nothing))
    return tuple(sorted(certain or possible))
