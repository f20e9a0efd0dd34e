"""The meaning of a policy: the visible fields and the allowed writes, by caller and class of assets."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.policy.asset_classes import AssetClass, Block, classes, group_blocks
from graphql_schema.catalog.kinds import KIND_OF_CODE
from policies.decision import Grade
from policies.governed import Governed
from policies.policy import Policy
from policies.principal import Principal
from policies.vocabulary import Label, Labels, RowAction, WriteAction, field_action

Decisions = Mapping[AssetClass, frozenset[str]]
"""By class: the visible coordinates, and the allowed row and write actions."""


@dataclass(frozen=True)
class Line:
    """Visible fields (``verb`` is ``sees``) or allowed writes (``does``) of a caller, on one block of classes.

    The words of ``sees`` are labels, hidden fields of these labels with ``-``, and visible fields of other labels with
    ``+``.
    """

    verb: str
    words: tuple[str, ...]
    block: Block


def decisions_of(policy: Policy, governed: Governed, principal: Principal) -> Decisions:
    """Return the decisions about every class, field and write.

    Teams, users, domains and tags have decisions about writes only, because their rows are not governed.
    """
    access = policy.access(principal)
    known = [*classes(principal)]
    requests = [(action, attributes) for _, attributes in known for action in WriteAction]
    decided = iter(access.may_all(requests))
    found: dict[AssetClass, frozenset[str]] = {}
    for asset_class, attributes in known:
        words = {str(action) for action in WriteAction if next(decided).allowed}
        kind = KIND_OF_CODE[attributes.kind]
        if kind.asset:
            grade = access.grade(attributes)
            words |= {str(action) for action in RowAction if grade >= Grade[action.name]}
            for name in (kind.name, *governed.edges):
                shown = {*governed.fields[name]} - access.field_mask(name, attributes).hidden
                words |= {field_action(name, field) for field in shown}
        found[asset_class] = frozenset(words)
    return found


def lines(policy: Policy, governed: Governed, principal: Principal) -> list[Line]:
    """Return the decisions as few lines.

    A field is visible if a line names the field with ``+``, or its label and not the field with ``-``. A write that no
    line names is denied.
    """
    found = decisions_of(policy, governed, principal)
    return [
        *(Line("sees", words, block) for words, block in group_blocks(_sees(found, policy.labels, governed)) if words),
        *(Line("does", words, block) for words, block in group_blocks(_does(found)) if words),
    ]


def _does(found: Decisions) -> dict[AssetClass, tuple[str, ...]]:
    return {
        asset_class: tuple(action for action in WriteAction if action in words) for asset_class, words in found.items()
    }


def _sees(found: Decisions, labels: Labels, governed: Governed) -> dict[AssetClass, tuple[str, ...]]:
    """Return the visible labels by class, with the fields that differ from their label; kinds are taken together."""
    together: dict[AssetClass, dict[str, bool]] = {}
    for asset_class, words in found.items():
        kind = KIND_OF_CODE[asset_class[-1]]
        if kind.asset:
            cells = together.setdefault(asset_class[:-1], {})
            for name in (kind.name, *governed.edges):
                for field in labels[name]:
                    coordinate = field_action(name, field)
                    cells[coordinate] = cells.get(coordinate, True) and coordinate in words
    members = {label: [each for each in _coordinates(labels) if _label(each, labels) is label] for label in Label}
    by_label = {axes: _by_label(cells, members) for axes, cells in together.items()}
    return {each: by_label[each[:-1]] for each in found if each[:-1] in by_label}


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
