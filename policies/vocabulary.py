"""The words that rules may use: actions, labels, attributes; and the Cedar schema that holds rules to them.

Each field of a governed type is an action (``Action::"ModelVersion.artifactUri"``) in the group of its label
(``Action::"restricted"``), so a rule speaks of a label or of one field in the same way.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum

from policies.attributes import ATTRIBUTES, CALLER_ATTRIBUTES


class Label(StrEnum):
    """How closely a field is held, from open to close. Each is a group of actions; what it means is said by rules."""

    PUBLIC = "public"
    """Seen by whoever may discover the row."""
    INTERNAL = "internal"
    """Seen by whoever may read the row."""
    RESTRICTED = "restricted"
    SECRET = "secret"  # noqa: S105  a label, not a password

    @property
    def logged(self) -> bool:
        """Whether each reading goes to the access log."""
        return self in {Label.RESTRICTED, Label.SECRET}

    def weaker_than(self, other: "Label") -> bool:
        """Whether it holds a field less closely."""
        order = [*Label]
        return order.index(self) < order.index(other)


class RowAction(StrEnum):
    """What can be done to a row as a whole by looking."""

    DISCOVER = "discover"
    READ = "read"


class WriteAction(StrEnum):
    """What can be done to an asset by changing something."""

    REGISTER = "register"
    UPDATE = "update"
    LINK = "link"
    PROMOTE = "promote"
    APPROVE = "approve"
    TAG = "tag"
    RETIRE = "retire"
    ADMINISTER = "administer"


Labels = Mapping[str, Mapping[str, Label]]
"""The label of every governed field: type name, then field name."""


def field_action(type_name: str, field: str) -> str:
    """Name the action that reads a field: its schema coordinate."""
    return f"{type_name}.{field}"


def actions(labels: Labels) -> Iterator[tuple[str, Label | None]]:
    """List every action a request can be about, with its group."""
    yield from ((action.value, None) for action in (*RowAction, *WriteAction))
    for type_name, fields in labels.items():
        yield from ((field_action(type_name, field), label) for field, label in fields.items())


def cedar_schema(labels: Labels) -> str:
    """Generate the Cedar schema that the rules are validated against: a line for each action."""
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
