"""Which fields of a record a caller may not see, decided by groups of fields that the same rules speak of."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from policies.attributes import PolicyAttributes
from policies.decision import Denial, FieldMask, Grade
from policies.predicate import Test, compiled
from policies.rows import Caller, condition, row_filter
from policies.rules import Rules
from policies.vocabulary import Label, Labels, field_action


@dataclass(frozen=True)
class FieldGroup:
    """Fields of one type that are decided alike: the same rules, and the same grade of the row."""

    fields: frozenset[str]
    rules: Rules
    grade: Grade


FieldGroups = dict[str, tuple[FieldGroup, ...]]
"""The groups of every governed type."""


def field_groups(labels: Labels, rules: Rules) -> FieldGroups:
    """Group the fields of every type; fewer than five groups each, however many fields there are."""
    return {type_name: (*_groups(type_name, fields.items(), rules),) for type_name, fields in labels.items()}


def _groups(type_name: str, fields: Iterable[tuple[str, Label]], rules: Rules) -> Iterator[FieldGroup]:
    alike: dict[tuple[Rules, Grade], set[str]] = {}
    for field, label in fields:
        grade = Grade.DISCOVER if label is Label.PUBLIC else Grade.READ
        alike.setdefault((rules.matching(field_action(type_name, field), label), grade), set()).add(field)
    for (matching, grade), members in alike.items():
        yield FieldGroup(frozenset(members), matching, grade)


class GroupMask:
    """One group of fields, compiled for one caller."""

    def __init__(self, group: FieldGroup, caller: Caller) -> None:
        self.group = group
        self._allows: Test = compiled(row_filter(group.rules, caller))
        self._forbids = [(rule.id, compiled(condition(rule, caller))) for rule in group.rules.forbids]

    def denial(self, attributes: PolicyAttributes, grade: Grade, row_needs: tuple[str, ...]) -> Denial | None:
        """Say why the group is hidden on a row of this class, or None when it is shown."""
        if grade < self.group.grade:
            return Denial(policies=(), needs=row_needs)
        if self._allows(attributes):
            return None
        forbidding = tuple(name for name, holds in self._forbids if holds(attributes))
        return Denial(forbidding, tuple(rule.id for rule in self.group.rules.permits))


def mask(groups: Iterable[GroupMask], attributes: PolicyAttributes, grade: Grade, needs: tuple[str, ...]) -> FieldMask:
    """Put the denials of a type's groups together. ``needs`` are the rules that would let the row be read."""
    why: dict[str, Denial] = {}
    for member in groups:
        denial = member.denial(attributes, grade, needs)
        if denial is not None:
            why.update(dict.fromkeys(sorted(member.group.fields), denial))
    return FieldMask(frozenset(why), why)
