"""Which fields of a record a caller may not see, decided by groups of fields that the same rules speak of."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from policies.attributes import Caller, PolicyAttributes
from policies.decision import Denial, FieldMask, Grade
from policies.governed import Governed
from policies.predicate import Predicate, Test, compiled
from policies.rows import condition, row_filter
from policies.rules import Rules
from policies.vocabulary import Label, Labels, field_action


@dataclass(frozen=True)
class FieldGroup:
    """Fields of one type that are decided alike: the same rules, and the same grade of the row."""

    fields: frozenset[str]
    rules: Rules
    grade: Grade


@dataclass(frozen=True)
class GovernedType:
    """One type's fields in groups, which of them are logged when they are read, and whether it is one of rows."""

    fields: frozenset[str]
    groups: tuple[FieldGroup, ...]
    logged: frozenset[str]
    rows: bool


GovernedTypes = Mapping[str, GovernedType]
"""Every governed type."""


def governed_types(labels: Labels, rules: Rules, governed: Governed) -> GovernedTypes:
    """Group the fields of every type; fewer than five groups each, however many fields there are.

    What can never be null belongs to no group: nothing hides it on a row that is seen.
    """
    always = frozenset(governed.fixed)
    return {
        type_name: GovernedType(
            frozenset(fields),
            (*_groups(type_name, [pair for pair in fields.items() if f"{type_name}.{pair[0]}" not in always], rules),),
            frozenset(field for field, label in fields.items() if label.logged),
            rows=type_name in governed.assets,
        )
        for type_name, fields in labels.items()
    }


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
        self.rows: Predicate = row_filter(group.rules, caller)
        self._allows: Test = compiled(self.rows)
        self._forbids = [(rule.id, compiled(condition(rule, caller))) for rule in group.rules.forbids]

    def denial(self, attributes: PolicyAttributes, grade: Grade, row: Denial) -> Denial | None:
        """Say why the group is hidden on a row of this class, or None when it is shown; ``row`` is why it is unread."""
        if grade < self.group.grade:
            return row
        if self._allows(attributes):
            return None
        forbidding = tuple(name for name, holds in self._forbids if holds(attributes))
        return Denial(forbidding, tuple(rule.id for rule in self.group.rules.permits))


def mask(
    groups: Iterable[GroupMask], attributes: PolicyAttributes, grade: Grade, row: Denial, logged: frozenset[str]
) -> FieldMask:
    """Put the denials of a type's groups together. ``row`` says what forbids, or would allow, to read the row."""
    why: dict[str, Denial] = {}
    for member in groups:
        denial = member.denial(attributes, grade, row)
        if denial is not None:
            why.update(dict.fromkeys(sorted(member.group.fields), denial))
    hidden = frozenset(why)
    return FieldMask(hidden, why, logged - hidden)
