"""The edges that an item declares: from the metadata of its fields and the ids given, checked against the catalog."""

from collections.abc import Iterator
from typing import Any

import strawberry

from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.relations import VERSION_OF, Direction, Hop
from graphql_schema.catalog.urn import parent_urn, parse_urn
from graphql_schema.inputs.input_fields import EDGE, REFERS, EdgeField, OwnerInput
from graphql_schema.inputs.values import InputError, InputField, Path, error_path, fields_of, require_kind, to_json
from graphql_schema.ports.commands import DeclaredEdges

Targets = dict[str, dict[str, Any]]

MAX_REFERENCES = 5_000
"""Ids that one field of an item may hold; the rest goes into further items as links."""


def edges_of(kind: str, urn: str, item: Any) -> tuple[DeclaredEdges, ...]:
    """What each field of the item declares; the whole of a version is declared always, since the URN names it."""
    found = []
    for field in fields_of(item):
        declared: EdgeField | None = field.metadata.get(EDGE)
        if declared is None:
            continue
        given = getattr(item, field.attribute)
        if declared.hop.relation is VERSION_OF:
            targets: Targets | None = _whole(urn, field.name, given)
        else:
            targets = _targets(kind, urn, field, given)
        if targets is not None:
            found.append(DeclaredEdges(declared.hop, f"{kind}.{field.name}", targets, declared.adds, declared.origin))
    return tuple(found)


def allowed_target_kinds(hop: Hop, kind: str) -> tuple[str, ...]:
    """The kinds that a hop from ``kind`` may lead to."""
    ends = hop.relation.ends
    far = {b for a, b in ends if a == kind} if hop.direction is Direction.OUT else {a for a, b in ends if b == kind}
    return tuple(name for name in KINDS if name in far and (not hop.kinds or name in hop.kinds))


def _whole(urn: str, name: str, given: Any) -> Targets:
    whole = parent_urn(urn)
    if whole is None:
        raise InputError(f"{urn} is no version.", "id")
    if given is None:
        raise InputError(f"`{name}` cannot be cleared: it follows from the id. Leave it out.", name)
    if given is not strawberry.UNSET and given != whole:
        with error_path(name):
            parse_urn(given)
        raise InputError(f"`{name}` is {given}, and the id belongs to {whole}; leave it out or correct one.", name)
    return {whole: {}}


def _targets(kind: str, urn: str, field: InputField, given: Any) -> Targets | None:
    """The far ends by id; None where nothing is declared."""
    declared: EdgeField = field.metadata[EDGE]
    if given is strawberry.UNSET or (given is None and declared.adds):
        return None
    if declared.required and not given:
        raise InputError(f"`{field.name}` cannot be cleared; leave it out to keep what is stored.", field.name)
    if isinstance(given, list) and len(given) > MAX_REFERENCES:
        raise InputError(
            f"`{field.name}` holds {len(given)} ids, and at most {MAX_REFERENCES} fit; register others as links.",
            field.name,
        )
    targets: Targets = {}
    for path, far, facts in _elements(field.name, given):
        require_kind(far, allowed_target_kinds(declared.hop, kind), *path)
        if far == urn and not declared.hop.relation.lineage:
            raise InputError(f"{urn} cannot be its own `{field.name}`; name another.", *path)
        _merge(targets, far, facts, path)
    return targets


def _elements(name: str, given: Any) -> Iterator[tuple[Path, str, dict[str, Any]]]:
    """Each far end with its path and its facts."""
    if not isinstance(given, list):
        if given is not None:
            yield (name,), given, {}
        return
    for index, each in enumerate(given):
        path = (name, str(index))
        if isinstance(each, OwnerInput):
            yield (*path, "owner"), each.owner, {"kinds": [each.ownership.name]}
        elif isinstance(each, str):
            yield path, each, {}
        else:
            far = next(field for field in fields_of(each) if REFERS in field.metadata)
            yield (*path, far.name), getattr(each, far.attribute), _facts(each, far, path)


def _facts(each: Any, far: InputField, path: Path) -> dict[str, Any]:
    return {name: value for name, value in to_json(each, *path).items() if name != far.name}


def _merge(targets: Targets, far: str, facts: dict[str, Any], path: Path) -> None:
    """Join what one list says of the same far end: kinds of ownership add up, anything else must agree."""
    known = targets.setdefault(far, facts)
    if "kinds" in facts:
        targets[far] = {"kinds": sorted({*known["kinds"], *facts["kinds"]})}
    elif known != facts:
        raise InputError(f"{far} stands here twice and differs; give it once.", *path)
