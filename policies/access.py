"""One caller's view of the policy: rules compiled for the caller, answers remembered.

Take one for each request from :meth:`policies.policy.Policy.access` and ask it about every record: it saves finding
the caller's compiled rules again.
"""

from collections.abc import Callable
from typing import TypeVar

from policies.attributes import PolicyAttributes, caller_attributes
from policies.decision import Decision, FieldMask, Grade
from policies.engine import Engine
from policies.errors import CodedError
from policies.masks import FieldGroups, GroupMask, mask
from policies.predicate import Nothing, Predicate, compiled, conjunction
from policies.principal import Principal, Scope
from policies.rows import row_filter
from policies.vocabulary import RowAction

REMEMBERED = 4_096
"""How many masks, and how many decisions, one caller's view remembers."""

Key = tuple[str, PolicyAttributes]
Answer = TypeVar("Answer")


class Access:
    """What one caller may see and do. It never changes; policy or caller changed means another one."""

    def __init__(self, engine: Engine, groups: FieldGroups, principal: Principal) -> None:
        self.principal = principal
        self._engine = engine
        self._groups = groups
        self._caller = caller_attributes(principal)
        self._sees = principal.may(Scope.READ)
        discover, read = (row_filter(engine.rules.matching(action), self._caller) for action in RowAction)
        self._rows = {RowAction.DISCOVER: discover, RowAction.READ: conjunction((discover, read))}
        self._discoverable = compiled(discover)
        self._readable = compiled(self._rows[RowAction.READ])
        reading = engine.rules.matching(RowAction.READ)
        self._needs = tuple(rule.id for rule in reading.permits) if self._sees else (f"scope:{Scope.READ}",)
        self._by_type: dict[str, tuple[GroupMask, ...]] = {}
        self._masks: dict[Key, FieldMask] = {}
        self._decisions: dict[Key, Decision] = {}

    def grade(self, attributes: PolicyAttributes) -> Grade:
        """Say how much of a row the caller sees."""
        if not self._sees:
            return Grade.HIDDEN
        if self._readable(attributes):
            return Grade.READ
        return Grade.DISCOVER if self._discoverable(attributes) else Grade.HIDDEN

    def rows(self, action: RowAction = RowAction.DISCOVER) -> Predicate:
        """Say which rows the caller may discover or read: what index queries carry. ``grade`` agrees with it."""
        return self._rows[action] if self._sees else Nothing()

    def hidden(self, type_name: str, attributes: PolicyAttributes) -> FieldMask:
        """Say which fields of a type the caller may not see on rows of this class, and why."""
        return self._masks.get((type_name, attributes)) or _remember(
            self._masks, (type_name, attributes), lambda: self._mask(type_name, attributes)
        )

    def may(self, action: str, attributes: PolicyAttributes) -> Decision:
        """Decide a write on an asset as it is, or as it would be when it is registered.

        A change of the owner, visibility or sensitivity is asked for twice: as it is and as it would become.
        Whatever the rules say, what the caller may not read the caller may not change.
        """
        return self._decisions.get((action, attributes)) or _remember(
            self._decisions, (action, attributes), lambda: self._decide(action, attributes)
        )

    def _mask(self, type_name: str, attributes: PolicyAttributes) -> FieldMask:
        members = self._by_type.get(type_name)
        if members is None:
            if type_name not in self._groups:
                raise CodedError(
                    f"{type_name} is no governed type, so its fields have no labels: nothing may be shown."
                )
            members = tuple(GroupMask(group, self._caller) for group in self._groups[type_name])
            self._by_type[type_name] = members
        return mask(members, attributes, self.grade(attributes), self._needs)

    def _decide(self, action: str, attributes: PolicyAttributes) -> Decision:
        if not self.principal.may(Scope.WRITE):
            return Decision(allowed=False, reasons=(f"needs scope:{Scope.WRITE}",))
        if not self._readable(attributes):
            return Decision(allowed=False, reasons=("The caller may not read the asset, so may not change it.",))
        return self._engine.decide(self.principal, action, attributes)


def _remember(memory: dict[Key, Answer], key: Key, decide: Callable[[], Answer]) -> Answer:
    """Decide and keep the answer; a full memory forgets what it has held longest."""
    answer = decide()
    if len(memory) >= REMEMBERED:
        del memory[next(iter(memory))]
    memory[key] = answer
    return answer
