"""Edges that an item declares: from the metadata of its fields and the given ids, checked against the catalog."""

from collections.abc import Generator, Iterator

import strawberry

from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.relations import VERSION_OF, Direction, Hop
from graphql_schema.catalog.urn import parent_urn, parse_urn
from graphql_schema.inputs.input_fields import EDGE, REFERS, EdgeField, InputValue, OwnerInput
from graphql_schema.inputs.values import InputError, InputField, Path, error_path, fields_of, require_kind, to_json
from graphql_schema.ports.commands import DeclaredEdges
from graphql_schema.ports.record import JsonObject

Targets = dict[str, JsonObject]
Places = dict[str, Path]

MAX_REFERENCES = 5_000
"""Maximal number of ids in one field of an item. Relations in the enum `Relation` can have more edges, by `link`."""


def edge_steps(kind: str, urn: str, item: InputValue) -> Generator[None, None, tuple[DeclaredEdges, ...]]:
    """Return the edges that each given field of the item declares; raises InputError if one is invalid.

    A field that is absent, or that adds edges and is null, has no entry: its stored edges remain. The edge from a
    version to its parent has an entry even if its field is absent, because the id names the parent.
    Pauses after each far end.
    """
    found = []
    for field in fields_of(item):
        declared: EdgeField | None = field.metadata.get(EDGE)
        if declared is None:
            continue
        given = getattr(item, field.attribute)
        places: Places = {}
        if declared.hop.relation is VERSION_OF:
            targets: Targets | None = _parent(urn, field.name, given)
        else:
            targets = yield from _targets(kind, urn, field, given, places)
        if targets is not None:
            declarer = f"{kind}.{field.name}"
            found.append(DeclaredEdges(declared.hop, declarer, targets, declared.adds, declared.origin, places=places))
    return tuple(found)


def allowed_target_kinds(hop: Hop, kind: str) -> tuple[str, ...]:
    """Return the kinds that a hop from ``kind`` may lead to."""
    ends = hop.relation.ends
    far = {b for a, b in ends if a == kind} if hop.direction is Direction.OUT else {a for a, b in ends if b == kind}
    return tuple(name for name in KINDS if name in far and (not hop.kinds or name in hop.kinds))


def _parent(urn: str, name: str, given: InputValue) -> Targets:
    parent = parent_urn(urn)
    if parent is None:
        raise InputError(f"{urn} has no version; give an `id` that ends in `@<version>`.", "id")
    if given is None:
        raise InputError(f"`{name}` cannot be null: it follows from the id. Omit it.", name)
    if given is not strawberry.UNSET and given != parent:
        with error_path(name):
            parse_urn(given)
        raise InputError(f"`{name}` is {given}, and the id belongs to {parent}; omit it, or correct one of them.", name)
    return {parent: {}}


def _targets(
    kind: str, urn: str, field: InputField, given: InputValue, places: Places
) -> Generator[None, None, Targets | None]:
    """Return the values of the edges by the URN of their far end; None if the stored edges are kept.

    Add the path of each far end to ``places``. Raises InputError if the value of the field is invalid.
    """
    declared: EdgeField = field.metadata[EDGE]
    if given is strawberry.UNSET or (given is None and declared.adds):
        return None
    if declared.required and not given:
        raise InputError(
            f"`{field.name}` cannot be null or empty; give an id, or omit it if one is stored already.", field.name
        )
    if isinstance(given, list) and len(given) > MAX_REFERENCES:
        raise InputError(
            f"`{field.name}` holds {len(given)} ids; the limit is {MAX_REFERENCES}. Declare the others with "
            "the mutation `link`; relations that `link` does not offer cannot have more.",
            field.name,
        )
    targets: Targets = {}
    for path, far, values in _elements(field.name, given):
        require_kind(far, allowed_target_kinds(declared.hop, kind), *path)
        if far == urn and not declared.hop.relation.lineage:
            raise InputError(f"{urn} cannot be its own `{field.name}`; use another id.", *path)
        _merge(targets, far, values, path)
        places.setdefault(far, path)
        yield
    return targets


def _elements(name: str, given: InputValue) -> Iterator[tuple[Path, str, JsonObject]]:
    """Yield each far end: its path in the input, its URN, and the values of its edge."""
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
            yield (*path, far.name), getattr(each, far.attribute), _edge_values(each, far, path)


def _edge_values(each: InputValue, far: InputField, path: Path) -> JsonObject:
    return {name: value for name, value in to_json(each, *path).items() if name != far.name}


def _merge(targets: Targets, far: str, values: JsonObject, path: Path) -> None:
    """Add a far end to ``targets``. If it is there already, ownership kinds are added, and other values must agree.

    Raises InputError if they differ.
    """
    known = targets.setdefault(far, values)
    if "kinds" in values:
        targets[far] = {"kinds": sorted({*known["kinds"], *values["kinds"]})}
    elif known != values:
        raise InputError(f"{far} is listed twice with different values; list it once.", *path)
