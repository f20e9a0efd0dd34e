"""Field masks: the fields of a row that a caller may not see, evaluated once for all fields under the same rules."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from policies.attributes import Caller, PolicyAttributes
from policies.cedar.rows import condition, row_filter
from policies.cedar.rules import Rules
from policies.decision import Denial, FieldMask, Grade
from policies.governed import Governed
from policies.predicate import Predicate, RowTest, compiled
from policies.vocabulary import Label, Labels, field_action


@dataclass(frozen=True)
class FieldGroup:
    """Fields of one type with the same rules, which need the same access grade of the row."""

    fields: frozenset[str]
    rules: Rules
    grade: Grade


@dataclass(frozen=True)
class GovernedType:
    """One type with its fields in groups. Reads of the fields ``logged`` are logged; ``rows`` is false for edges."""

    fields: frozenset[str]
    groups: tuple[FieldGroup, ...]
    logged: frozenset[str]
    rows: bool


GovernedTypes = Mapping[str, GovernedType]
"""All governed types by name."""


def governed_types(labels: Labels, rules: Rules, governed: Governed) -> GovernedTypes:
    """Return all governed types with their fields in groups; a type has at most four groups under the shipped rules.

    Non-null fields are in no group, because nothing can hide them on a visible row.
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
    fields_by_rules: dict[tuple[Rules, Grade], set[str]] = {}
    for field, label in fields:
        grade = Grade.DISCOVER if label is Label.PUBLIC else Grade.READ
        matching = rules.matching(field_action(type_name, field), label)
        fields_by_rules.setdefault((matching, grade), set()).add(field)
    for (matching, grade), members in fields_by_rules.items():
        yield FieldGroup(frozenset(members), matching, grade)


class GroupMask:
    """One group of fields with its rules compiled for one caller.

    ``rows`` matches the rows on which the rules show the group, without regard to the access grade.
    """

    def __init__(self, group: FieldGroup, caller: Caller) -> None:
        self.group = group
        self.rows: Predicate = row_filter(group.rules, caller)
        self._allows: RowTest = compiled(self.rows)
        self._forbids = [(rule.id, compiled(condition(rule, caller))) for rule in group.rules.forbids]

    def denial(self, attributes: PolicyAttributes, grade: Grade, row: Denial) -> Denial | None:
        """Return why the group is hidden on a row with these attributes, None if it is shown.

        ``grade`` is the caller's grade of the row, and ``row`` the denial to return if the grade is too low.
        """
        if grade < self.group.grade:
            return row
        if self._allows(attributes):
            return None
        forbidding = tuple(name for name, applies in self._forbids if applies(attributes))
        return Denial(forbidding, tuple(rule.id for rule in self.group.rules.permits))


def combined_mask(
    groups: Iterable[GroupMask], attributes: PolicyAttributes, grade: Grade, row: Denial, logged: frozenset[str]
) -> FieldMask:
    """Return the field mask of a row from the denials of all ``groups`` of its type.

    ``row`` is the denial for fields that need a higher grade. ``logged`` are the fields of the type to log when read.
    """
    why: dict[str, Denial] = {}
    for member in groups:
        denial = member.denial(attributes, grade, row)
        if denial is not None:
            why.update(dict.fromkeys(sorted(member.group.fields), denial))
    hidden = frozenset(why)
    return FieldMask(hidden, why, logged - hidden)
