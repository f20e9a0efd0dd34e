"""Turns the input of a kind into a command: identity, values and edges.

It reads the declarations of the input fields (:mod:`graphql_schema.inputs.input_fields`) and needs no store. The writer
checks the command further, against the stored state.
"""

from collections.abc import Generator

import strawberry

from graphql_schema.catalog.enums import References
from graphql_schema.catalog.kinds import KINDS, Kind
from graphql_schema.catalog.urn import make_urn, parse_urn
from graphql_schema.inputs.declared_edges import edge_steps
from graphql_schema.inputs.idempotency_key import key_steps
from graphql_schema.inputs.input_fields import EDGE, VALUE, InputValue
from graphql_schema.inputs.values import MAX_NAME_LENGTH, InputError, error_path, fields_of, require_kind, value_steps
from graphql_schema.ports.commands import RegisterCommand
from graphql_schema.ports.record import JsonObject

_PARTS = ("source", "namespace", "name", "version")


def kind_of(given: InputValue) -> Kind:
    """Return the kind that an input registers, by the name of its class."""
    return KINDS[type(given).__name__.removesuffix("Input")]


def registration_steps(given: InputValue) -> Generator[None, None, RegisterCommand]:
    """Return the command of an input; raises InputError with the path to the invalid value.

    Pauses after each element of its lists.
    """
    kind = kind_of(given)
    urn = _urn_of(kind, given)
    values = yield from value_steps(given)
    if given.name:
        values["name"] = given.name
    edges = yield from edge_steps(kind.name, urn, given)
    key = yield from key_steps(given)
    return RegisterCommand(
        urn,
        values,
        edges,
        expected_revision=getattr(given, "expected_revision", None),
        dry_run=bool(given.dry_run),
        required=_missing(given),
        key=key,
        known_ids=known_ids_of(given),
    )


def known_ids_of(given: InputValue) -> frozenset[str] | None:
    """Return ``known_ids`` of the command of an item: an empty set with `references: EXISTING`, else None."""
    return frozenset() if given.references is References.EXISTING else None


def _urn_of(kind: Kind, given: InputValue) -> str:
    """Return the id of the item, from its id or its parts; if both are given, they must agree.

    The name of a team, user, domain or tag need not agree. Raises InputError if the id or a part is invalid, or if they
    do not agree.
    """
    parts = {name: getattr(given, name, None) or None for name in _PARTS}
    if len(parts["name"] or "") > MAX_NAME_LENGTH:
        raise InputError(f"The name is longer than {MAX_NAME_LENGTH} characters; shorten it.", "name")
    if not given.id:
        default = {} if kind.asset else {"source": "catalog"}
        with error_path():
            return _made(kind, {**default, **{name: part for name, part in parts.items() if part}})
    require_kind(given.id, (kind.name,), "id")
    known = parse_urn(given.id)
    if not kind.asset:  # a name other than that in the id of a team, user, domain or tag is ignored, not refused
        parts.pop("name")
    for name, part in parts.items():
        with error_path(name):
            same = part is None or _made(kind, {**_parts(known), name: part}) == given.id
        if not same:
            raise InputError(f"`{name}` is {part!r}, but the id has {getattr(known, name)!r}; give one of them.", name)
    return str(given.id)


def _parts(known: InputValue) -> JsonObject:
    return {name: getattr(known, name) for name in _PARTS}


def _made(kind: Kind, parts: JsonObject) -> str:
    version = parts.get("version")
    return make_urn(
        kind.slug, parts.get("source") or "", parts.get("namespace") or "", parts.get("name") or "", version
    )


def _missing(given: InputValue) -> tuple[str, ...]:
    """Return the names of required fields that are absent."""
    return tuple(
        f.name
        for f in fields_of(given)
        for declared in (f.metadata.get(VALUE) or f.metadata.get(EDGE),)
        if declared is not None and declared.required and getattr(given, f.attribute) is strawberry.UNSET
    )
