"""The actions and labels that rules can use, and the Cedar schema against which rules are validated.

Each field of a governed type is an action (``Action::"ModelVersion.artifactUri"``). The action belongs to the action
group of the field's label (``Action::"restricted"``), so a rule can name a single field or all fields with a label.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum

from policies.attributes import ATTRIBUTES, CALLER_ATTRIBUTES


class Label(StrEnum):
    """The class of a field, from the most open to the strictest. The rules decide who may see which class.

    The texts of the members describe the shipped rules (``fields.cedar``).
    """

    PUBLIC = "public"
    """Visible to all callers who may discover the row."""
    INTERNAL = "internal"
    """Visible to all callers who may read the row."""
    RESTRICTED = "restricted"
    """Visible to callers who may read the row, if they own the asset, have the role admin, or a token for break-glass.

    If the asset has no owner, also if they have the role engineer or automation.
    """
    SECRET = "secret"  # noqa: S105  a label, not a password
    """Visible to callers who may read the row, if they own the asset and have the role engineer or automation.

    Also if their token is for break-glass. If the asset has no owner, one of these roles is enough.
    """

    @property
    def logged(self) -> bool:
        """Whether a read of a field with this label goes to the access log."""
        return self in {Label.RESTRICTED, Label.SECRET}

    def weaker_than(self, other: "Label") -> bool:
        """Return whether this label is more open than ``other``."""
        order = [*Label]
        return order.index(self) < order.index(other)


class RowAction(StrEnum):
    """The actions of reading a row."""

    DISCOVER = "discover"
    READ = "read"


class WriteAction(StrEnum):
    """The actions of changing an asset."""

    REGISTER = "register"
    UPDATE = "update"
    LINK = "link"
    PROMOTE = "promote"
    APPROVE = "approve"
    TAG = "tag"
    BILL = "bill"
    RETIRE = "retire"
    ADMINISTER = "administer"


Labels = Mapping[str, Mapping[str, Label]]
"""The label of each governed field, by type name and field name."""


def field_action(type_name: str, field: str) -> str:
    """Return the name of the action that reads a field: its schema coordinate."""
    return f"{type_name}.{field}"


def actions(labels: Labels) -> Iterator[tuple[str, Label | None]]:
    """Yield all actions with their groups: row and write actions without a group, field actions with their label."""
    yield from ((action.value, None) for action in (*RowAction, *WriteAction))
    for type_name, fields in labels.items():
        yield from ((field_action(type_name, field), label) for field, label in fields.items())


def cedar_schema(labels: Labels) -> str:
    """Return the Cedar schema against which rules are validated, with one line for each action."""
    types: dict[type, str] = {str: "String", frozenset: "Set<String>", bool: "Bool"}
    entities = {
        "Principal": {name: types[kind] for name, kind in CALLER_ATTRIBUTES.items()},
        "Asset": dict.fromkeys(ATTRIBUTES, types[str]),
    }
    lines = [f"entity {name} = {{ {_record(attributes)} }};" for name, attributes in entities.items()]
    lines += [f'action "{label}";' for label in Label]
    for action, label in actions(labels):
        group = f' in ["{label}"]' if label else ""
        lines.append(f'action "{action}"{group} appliesTo {{ principal: Principal, resource: Asset }};')
    return "\n".join(lines) + "\n"


def _record(attributes: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {type_name}" for name, type_name in attributes.items())
