"""One caller's view of the policy: rules compiled for the caller, answers remembered.

Take one for each request from :meth:`policies.policy.Policy.access` and ask it about every record: it saves finding
the caller's compiled rules again.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TypeVar

from policies.attributes import PolicyAttributes, caller_attributes
from policies.decision import Decision, Denial, FieldMask, Grade
from policies.engine import Engine, Question
from policies.errors import CodedError
from policies.governed import kind_code
from policies.masks import GovernedTypes, GroupMask, mask
from policies.predicate import Nothing, Predicate, compiled, conjunction, disjunction, within
from policies.principal import Principal, Scope
from policies.rows import condition, row_filter
from policies.vocabulary import RowAction, WriteAction

REMEMBERED = 4_096
"""How many masks, and how many decisions, one caller's view remembers."""

CEILINGS: Mapping[str, tuple[Scope, ...]] = {WriteAction.ADMINISTER: (Scope.WRITE, Scope.ADMIN)}
"""Scopes that an action needs beside what rules say; every other write needs ``graph:write``."""

_UNREAD = Denial((), ())

Key = tuple[str, PolicyAttributes]
Answer = TypeVar("Answer")


class Access:
    """What one caller may see and do. It never changes; policy or caller changed means another one."""

    def __init__(self, engine: Engine, types: GovernedTypes, principal: Principal) -> None:
        self.principal = principal
        self._engine = engine
        self._types = types
        self._caller = caller_attributes(principal)
        self._sees = principal.may(Scope.READ)
        discover, read = (row_filter(engine.rules.matching(action), self._caller) for action in RowAction)
        self._rows = {RowAction.DISCOVER: discover, RowAction.READ: conjunction((discover, read))}
        self._discoverable = compiled(discover)
        self._readable = compiled(self._rows[RowAction.READ])
        reading = engine.rules.matching(RowAction.READ)
        self._forbids_reading = [(rule.id, compiled(condition(rule, self._caller))) for rule in reading.forbids]
        self._needs = tuple(rule.id for rule in reading.permits) if self._sees else (f"scope:{Scope.READ}",)
        self._masks: dict[Key, FieldMask] = {}
        self._decisions: dict[Key, Decision] = {}
        self._members = lru_cache(maxsize=None)(self._compile_members)
        self._showing = lru_cache(maxsize=None)(self._rows_showing)

    def grade(self, attributes: PolicyAttributes) -> Grade:
        """Say how much of a row the caller sees."""
        if not self._sees:
            return Grade.HIDDEN
        if self._readable(attributes):
            return Grade.READ
        return Grade.DISCOVER if self._discoverable(attributes) else Grade.HIDDEN

    def knows(self, attributes: PolicyAttributes) -> bool:
        """Say whether the rules let the caller know of a row: what a write may build on, whatever the token reads."""
        return self._discoverable(attributes)

    def sees(self, field: str, type_name: str, attributes: PolicyAttributes) -> bool:
        """Say whether the caller reads a row of an asset type, and sees this field of it."""
        return self.grade(attributes) is Grade.READ and field not in self.hidden(type_name, attributes).hidden

    def rows(self, action: RowAction = RowAction.DISCOVER) -> Predicate:
        """Say which rows the caller may discover or read: what index queries carry. ``grade`` agrees with it."""
        return self._rows[action] if self._sees else Nothing()

    def hidden(self, type_name: str, attributes: PolicyAttributes) -> FieldMask:
        """Say which fields of a type the caller may not see on rows of this class, and why."""
        return self._masks.get((type_name, attributes)) or _remember(
            self._masks, (type_name, attributes), lambda: self._mask(type_name, attributes)
        )

    def withheld(self, type_name: str, attributes: PolicyAttributes) -> frozenset[str]:
        """Say which fields of a row the rules hide, whatever the token reads: what no write may depend on."""
        reads, knows = self._readable(attributes), self._discoverable(attributes)
        grade = Grade.READ if reads else Grade.DISCOVER if knows else Grade.HIDDEN
        if grade is Grade.HIDDEN:
            return self._types[type_name].fields
        denied = (member for member in self._members(type_name) if member.denial(attributes, grade, _UNREAD))
        return frozenset().union(*(member.group.fields for member in denied))

    def may(self, action: str, attributes: PolicyAttributes) -> Decision:
        """Decide a write on an asset as it is, or as it would be when it is registered.

        A change of the owner, visibility or sensitivity is asked for twice: as it is and as it would become.
        Whatever the rules say, what the caller may not read the caller may not change.
        """
        return self._decisions.get((action, attributes)) or _remember(
            self._decisions, (action, attributes), lambda: self._decide(action, attributes)
        )

    def shown(self, field: str) -> Predicate:
        """Say on which of the rows that are discovered a field is shown: what a filter on the field may look at.

        Equal to :meth:`rows` where every such row shows it. Fields of the same name are told apart by the kind.
        """
        return self._showing(field) if self._sees else Nothing()

    def _rows_showing(self, field: str) -> Predicate:
        alike: dict[Predicate, set[str]] = {}
        for type_name, governed in self._types.items():
            if governed.rows:
                alike.setdefault(self._rows_of_type(type_name, field), set()).add(kind_code(type_name))
        if len(alike) == 1:
            return next(iter(alike))
        return disjunction(conjunction((within("kind", kinds), rows)) for rows, kinds in alike.items())

    def _rows_of_type(self, type_name: str, field: str) -> Predicate:
        """The rows of a type that show a field; a field in no group is never hidden, or not there."""
        for member in self._members(type_name):
            if field in member.group.fields:
                action = RowAction.READ if member.group.grade is Grade.READ else RowAction.DISCOVER
                return conjunction((self._rows[action], member.rows))
        return self._rows[RowAction.DISCOVER]

    def _compile_members(self, type_name: str) -> tuple[GroupMask, ...]:
        if type_name not in self._types:
            raise CodedError(f"{type_name} is no governed type, so its fields have no labels: nothing may be shown.")
        return tuple(GroupMask(group, self._caller) for group in self._types[type_name].groups)

    def _mask(self, type_name: str, attributes: PolicyAttributes) -> FieldMask:
        members = self._members(type_name)
        forbidding = tuple(name for name, holds in self._forbids_reading if holds(attributes)) if self._sees else ()
        unread = Denial(forbidding, self._needs)
        grade, governed = self.grade(attributes), self._types[type_name]
        if grade is Grade.HIDDEN:
            return FieldMask(governed.fields, dict.fromkeys(sorted(governed.fields), unread))
        return mask(members, attributes, grade, unread, governed.logged)

    def may_all(self, questions: Sequence[Question]) -> list[Decision]:
        """Decide many writes, as :meth:`may` decides one, in one go; nothing of it is remembered."""
        refused = [self._refusal(*question) for question in questions]
        asked = [question for question, refusal in zip(questions, refused, strict=True) if refusal is None]
        decided = iter(self._engine.decide_all(self.principal, asked))
        return [refusal or next(decided) for refusal in refused]

    def _decide(self, action: str, attributes: PolicyAttributes) -> Decision:
        return self._refusal(action, attributes) or self._engine.decide(self.principal, action, attributes)

    def _refusal(self, action: str, attributes: PolicyAttributes) -> Decision | None:
        """Why no rule is asked: a scope is missing, or the asset may not be read."""
        missing = [scope for scope in CEILINGS.get(action, (Scope.WRITE,)) if not self.principal.may(scope)]
        if missing:
            return Decision(allowed=False, reasons=tuple(f"needs scope:{scope}" for scope in missing))
        if not self._readable(attributes):
            return Decision(allowed=False, reasons=("The caller may not read the asset, so may not change it.",))
        return None


def _remember(memory: dict[Key, Answer], key: Key, decide: Callable[[], Answer]) -> Answer:
    """Decide and keep the answer; a full memory forgets what it has held longest."""
    answer = decide()
    if len(memory) >= REMEMBERED:
        del memory[next(iter(memory))]
    memory[key] = answer
    return answer
