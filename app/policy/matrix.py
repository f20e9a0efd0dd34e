"""What a policy means: for each caller and class of assets, which fields are shown and which writes are allowed."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.policy.asset_classes import AssetClass, Block, classes, grouped
from graphql_schema.catalog.kinds import KIND_OF_CODE
from policies.decision import Grade
from policies.governed import Governed
from policies.policy import Policy
from policies.principal import Principal
from policies.vocabulary import Label, Labels, RowAction, WriteAction, field_action

Answers = Mapping[AssetClass, frozenset[str]]
"""For each class the coordinates that are shown and the row and write actions that are allowed."""


@dataclass(frozen=True)
class Line:
    """What a caller sees (labels and exceptions) or does (writes), on one block of classes."""

    verb: str
    words: tuple[str, ...]
    block: Block


def answers(policy: Policy, governed: Governed, principal: Principal) -> Answers:
    """Ask about every class, field and write. Rows of teams, users, domains and tags are not governed."""
    access = policy.access(principal)
    known = [*classes(principal)]
    asked = [(action, attributes) for _, attributes in known for action in WriteAction]
    decided = iter(access.may_all(asked))
    found: dict[AssetClass, frozenset[str]] = {}
    for where, attributes in known:
        words = {str(action) for action in WriteAction if next(decided).allowed}
        kind = KIND_OF_CODE[attributes.kind]
        if kind.asset:
            grade = access.grade(attributes)
            words |= {str(action) for action in RowAction if grade >= Grade[action.name]}
            for name in (kind.name, *governed.edges):
                shown = {*governed.fields[name]} - access.field_mask(name, attributes).hidden
                words |= {field_action(name, field) for field in shown}
        found[where] = frozenset(words)
    return found


def lines(policy: Policy, governed: Governed, principal: Principal) -> list[Line]:
    """The answers as few lines; what no line names is not shown and not allowed."""
    found = answers(policy, governed, principal)
    return [
        *(Line("sees", words, block) for words, block in grouped(_sees(found, policy.labels, governed)) if words),
        *(Line("does", words, block) for words, block in grouped(_does(found)) if words),
    ]


def _does(found: Answers) -> dict[AssetClass, tuple[str, ...]]:
    return {where: tuple(action for action in WriteAction if action in words) for where, words in found.items()}


def _sees(found: Answers, labels: Labels, governed: Governed) -> dict[AssetClass, tuple[str, ...]]:
    """Labels that are shown, with fields that are shown or hidden against their label; kinds are taken together."""
    together: dict[AssetClass, dict[str, bool]] = {}
    for where, words in found.items():
        kind = KIND_OF_CODE[where[-1]]
        if kind.asset:
            cells = together.setdefault(where[:-1], {})
            for name in (kind.name, *governed.edges):
                for field in labels[name]:
                    coordinate = field_action(name, field)
                    cells[coordinate] = cells.get(coordinate, True) and coordinate in words
    members = {label: [each for each in _coordinates(labels) if _label(each, labels) is label] for label in Label}
    said = {where: _by_label(cells, members) for where, cells in together.items()}
    return {where: said[where[:-1]] for where in found if where[:-1] in said}


def _by_label(cells: Mapping[str, bool], members: Mapping[Label, list[str]]) -> tuple[str, ...]:
    words: list[str] = []
    for label, coordinates in members.items():
        hidden = [each for each in coordinates if not cells[each]]
        if len(hidden) * 2 < len(coordinates):
            words.extend((str(label), *(f"-{each}" for each in hidden)))
        elif len(hidden) < len(coordinates):
            words.extend(f"+{each}" for each in coordinates if cells[each])
    return tuple(words)


def _coordinates(labels: Labels) -> list[str]:
    return [field_action(name, field) for name, fields in labels.items() for field in fields]


def _label(coordinate: str, labels: Labels) -> Label:
    type_name, _, field = coordinate.partition(".")
    return labels[type_name][field]
