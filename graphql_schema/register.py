"""From the items of a call to what the writer gets: identity, values and edges, or why an item cannot be.

Generic over what the inputs declare (:mod:`graphql_schema.inputs`); it needs no store. An item that is refused here
never reaches it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import strawberry

from graphql_schema.catalog import KINDS, RELATIONS, VERSION_OF, Kind
from graphql_schema.declared import edges_of
from graphql_schema.enums import EdgeOrigin, MutationErrorCode, Outcome
from graphql_schema.inputs import EDGE, VALUE
from graphql_schema.item import AssetInput, LinkInput
from graphql_schema.plain import LONGEST_NAME, InputError, at, check_id, fields_of, values_of
from graphql_schema.registration import Linking, Registered, Registration, refused
from graphql_schema.urn import make_urn, parse_urn, whole_urn

_PARTS = ("source", "namespace", "name", "version")


@dataclass(frozen=True, slots=True)
class Prepared:
    """The items of a call by index: the field that each one came in, and whether the writer gets it."""

    keys: list[str] = field(default_factory=list)
    accepted: dict[int, Registration | Linking] = field(default_factory=dict)
    refused: dict[int, Registered] = field(default_factory=dict)


def prepare(items: Sequence[AssetInput]) -> Prepared:
    """Sort the items of a call into what can be and what cannot; a second item for the same id cannot."""
    prepared = Prepared()
    first: dict[str, int] = {}
    for index, item in enumerate(items):
        prepared.keys.append(key_of(item))
        try:
            wanted = registration_of(item)
            _refuse_again(wanted, index, first)
            prepared.accepted[index] = wanted
        except InputError as error:
            prepared.refused[index] = refused(Outcome.INVALID, MutationErrorCode.INVALID, error.message, *error.path)
    return prepared


def key_of(item: AssetInput) -> str:
    """The one field of the item that is given."""
    return next(f.name for f in fields_of(item) if getattr(item, f.attribute) is not strawberry.UNSET)


def registration_of(item: AssetInput) -> Registration | Linking:
    """What the item asks for; raises InputError with the path to what cannot be."""
    key = key_of(item)
    given = next(getattr(item, f.attribute) for f in fields_of(item) if f.name == key)
    if isinstance(given, LinkInput):
        return linking_of(given)
    kind = KINDS[key[0].upper() + key[1:]]
    urn = _urn_of(kind, given)
    values = values_of(given)
    if given.name:
        values["name"] = given.name
    return Registration(
        urn,
        values,
        edges_of(kind.name, urn, given),
        expected_revision=getattr(given, "expected_revision", None),
        dry_run=bool(given.dry_run),
        required=_missing(given),
    )


def _refuse_again(wanted: Registration | Linking, index: int, first: dict[str, int]) -> None:
    if isinstance(wanted, Registration) and first.setdefault(wanted.urn, index) != index:
        raise InputError(f"{wanted.urn} is in this call already, as item {first[wanted.urn]}; join the two.", "id")


def linking_of(given: LinkInput) -> Linking:
    """The edge that a link asks for; raises InputError when the catalog has no such edge."""
    relation = RELATIONS[given.relation.name]
    source = check_id(given.from_, tuple({a for a, _ in relation.ends}), "from")
    check_id(given.to, tuple({b for a, b in relation.ends if a == source}), "to")
    if given.from_ == given.to and not relation.lineage:
        raise InputError(f"{relation.name} cannot lead from {given.to} to itself; name another.", "to")
    if relation is VERSION_OF and whole_urn(given.from_) != given.to:
        raise InputError(f"{given.from_} is a version of {whole_urn(given.from_)} and of nothing else.", "to")
    facts = {**values_of(given), "origin": (given.origin or EdgeOrigin.DECLARED).name}
    return Linking(relation.name, given.from_, given.to, facts)


def _urn_of(kind: Kind, given: Any) -> str:
    """The id of the item, from the id or the parts that were given; where both were, they must agree."""
    parts = {name: getattr(given, name, None) or None for name in _PARTS}
    if len(parts["name"] or "") > LONGEST_NAME:
        raise InputError(f"The name is longer than {LONGEST_NAME} characters; shorten it.", "name")
    if not given.id:
        default = {} if kind.asset else {"source": "catalog"}
        with at():
            return _made(kind, {**default, **{name: part for name, part in parts.items() if part}})
    check_id(given.id, (kind.name,), "id")
    known = parse_urn(given.id)
    if not kind.asset:  # people and vocabulary have a name to show beside the id, and it may change
        parts.pop("name")
    for name, part in parts.items():
        with at(name):
            same = part is None or _made(kind, {**_parts(known), name: part}) == given.id
        if not same:
            raise InputError(f"`{name}` is {part!r} and the id says {getattr(known, name)!r}; give one of them.", name)
    return str(given.id)


def _parts(known: Any) -> dict[str, Any]:
    return {name: getattr(known, name) for name in _PARTS}


def _made(kind: Kind, parts: dict[str, Any]) -> str:
    version = parts.get("version")
    return make_urn(
        kind.slug, parts.get("source") or "", parts.get("namespace") or "", parts.get("name") or "", version
    )


def _missing(given: Any) -> tuple[str, ...]:
    """The fields that are needed the first time and were not given."""
    return tuple(
        f.name
        for f in fields_of(given)
        for declared in (f.metadata.get(VALUE) or f.metadata.get(EDGE),)
        if declared is not None and declared.required and getattr(given, f.attribute) is strawberry.UNSET
    )
