"""What starts in an index: the contract's ``AssetFilter`` and ``AssetOrder`` as data that the store can run.

A clause is a nested tuple: ``("in", key, values)``, ``("above" | "below", key, number)``, ``("prefix" | "contains",
key, text)``, ``("idle", "usedAt", days)``, ``("and" | "or", *clauses)``, ``("not", clause)``. Keys are native
properties of the catalog; ``"above"`` and ``"below"`` exclude their bound. The policy's row filter is added by the
reader, never here; so is what ``"idle"`` means to the caller.
"""

from enum import Enum
from typing import Any

import strawberry

from graphql_schema.catalog.enums import AssetKind, Hydration, LifecycleStage, Sensitivity, value
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.fields.scalars import Instant
from graphql_schema.ports.conditions import (
    MAX_FILTER_CONDITIONS,
    MAX_FILTER_TEXT_LENGTH,
    MAX_SUBSTRING_LENGTH,
    Condition,
    ListingQuery,
)
from policies.errors import InvalidError


@strawberry.enum(description="What a listing is ordered by; ties are broken by id.")
class AssetOrderField(Enum):
    """What a listing is ordered by."""

    ID = value("ID", description="The id.")
    NAME = value("NAME", description="The name.")
    CREATED_AT = value("CREATED_AT", description="When it was registered here.")
    UPDATED_AT = value("UPDATED_AT", description="When it last changed here.")


@strawberry.enum(description="Up or down.")
class OrderDirection(Enum):
    """Up or down."""

    ASC = value("ASC", description="Smallest, first or earliest first.")
    DESC = value("DESC", description="Largest, last or latest first.")


MAX_UNUSED_DAYS = 1_830
"""Days without usage that a filter may ask for: about as long as usage can be recorded afterwards."""


def _field(description: str) -> Any:
    return strawberry.field(description=description, default=None)


@strawberry.input(description="A condition on text; all that are given must hold. Case matters.")
class StringFilter:
    """A condition on text."""

    eq: str | None = _field("Exactly this.")
    in_: list[str] | None = strawberry.field(name="in", description="One of these.", default=None)
    prefix: str | None = _field("Begins with this.")
    contains: str | None = _field("Has this somewhere.")


@strawberry.input(description="A condition on assets; all that are given must hold.")
class AssetFilter:
    """A condition on assets."""

    ids: list[strawberry.ID] | None = _field("One of these assets.")
    kinds: list[AssetKind] | None = _field("Of one of these kinds.")
    name: StringFilter | None = _field("The name.")
    namespace: StringFilter | None = _field("The namespace.")
    source: StringFilter | None = _field("The source system.")
    owner_teams: list[strawberry.ID] | None = _field("Owned by one of these teams, as the policy sees it.")
    owners: list[strawberry.ID] | None = _field("With one of these teams or users among the direct owners.")
    owned: bool | None = _field("With an owner, or without; a part is owned by the team that owns its whole.")
    tags: list[strawberry.ID] | None = _field("With one of these tags.")
    domains: list[strawberry.ID] | None = _field("In one of these domains.")
    stages: list[LifecycleStage] | None = _field("In one of these stages.")
    sensitivities: list[Sensitivity] | None = _field("Of one of these sensitivities.")
    hydration: Hydration | None = _field("Registered, or only referred to.")
    created_after: Instant | None = _field("Registered after this instant.")
    updated_after: Instant | None = _field("Changed after this instant.")
    updated_before: Instant | None = _field("Changed before this instant.")
    unused_for_days: int | None = _field(
        "Used by nobody that the viewer may know of today and on the days before it, so many in all; what was never "
        f"used must have been there before the first of them. From 1 to {MAX_UNUSED_DAYS}."
    )
    and_: list["AssetFilter"] | None = strawberry.field(name="and", description="All of these hold.", default=None)
    or_: list["AssetFilter"] | None = strawberry.field(name="or", description="One of these holds.", default=None)
    not_: "AssetFilter | None" = strawberry.field(name="not", description="This does not hold.", default=None)


@strawberry.input(description="What a listing is ordered by; ties are broken by id.")
class AssetOrder:
    """What a listing is ordered by."""

    field: AssetOrderField = strawberry.field(description="What to compare.")
    direction: OrderDirection = strawberry.field(description="Up or down.", default=OrderDirection.ASC)


_ORDER_KEYS = {
    AssetOrderField.ID: "urn",
    AssetOrderField.NAME: "name",
    AssetOrderField.CREATED_AT: "createdAt",
    AssetOrderField.UPDATED_AT: "updatedAt",
}


_SETS = {
    "ids": "urn",
    "owner_teams": "ownerTeam",
    "owners": "owners",
    "tags": "tags",
    "domains": "domain",
    "stages": "stage",
    "sensitivities": "sensitivity",
}


_TEXTS = {"name": "name", "namespace": "namespace", "source": "source"}


_BOUNDS = {
    "created_after": ("above", "createdAt"),
    "updated_after": ("above", "updatedAt"),
    "updated_before": ("below", "updatedAt"),
}


def asset_listing(where: AssetFilter | None, order: AssetOrder | None, *within: Condition) -> ListingQuery:
    """The listing of a filter and an order, narrowed by further clauses; raises InvalidError on an oversized filter."""
    kinds: Condition = ("in", "kind", tuple(kind.code for kind in KINDS.values() if kind.asset))
    asked = ("and",) if where is None else clause_of(where)
    clauses = (kinds, *within, asked)
    listing = ListingQuery(("and", *clauses)) if order is None else ListingQuery(("and", *clauses), *_order(order))
    _refuse_long(asked)
    size = _size(asked)
    if size > MAX_FILTER_CONDITIONS:
        raise InvalidError(f"The filter holds {size} values and conditions; use at most {MAX_FILTER_CONDITIONS}.")
    return listing


def clause_of(where: AssetFilter) -> Condition:
    """The clause of a filter."""
    clauses: list[Condition] = []
    for field, key in _SETS.items():
        values = getattr(where, field)
        if values is not None:
            clauses.append(("in", key, tuple(getattr(value, "name", value) for value in values)))
    if where.kinds is not None:
        clauses.append(("in", "kind", tuple(kind.name for kind in where.kinds)))
    for field, key in _TEXTS.items():
        clauses.extend(_text(key, getattr(where, field)))
    for field, (op, key) in _BOUNDS.items():
        if getattr(where, field) is not None:
            clauses.append((op, key, getattr(where, field)))
    if where.hydration is not None:
        clauses.append(("in", "hydration", (where.hydration.name,)))
    if where.owned is not None:
        unowned: Condition = ("and", ("in", "owners", ("",)), ("in", "ownerTeam", ("",)))
        clauses.append(("not", unowned) if where.owned else unowned)
    if where.unused_for_days is not None:
        clauses.append(_idle(where.unused_for_days))
    return ("and", *clauses, *_nested(where))


def _idle(days: int) -> Condition:
    if not 1 <= days <= MAX_UNUSED_DAYS:
        raise InvalidError(f"`unusedForDays` is {days}; ask for 1 to {MAX_UNUSED_DAYS}.")
    return ("idle", "usedAt", days)


def _nested(where: AssetFilter) -> list[Condition]:
    clauses: list[Condition] = [clause_of(part) for part in where.and_ or ()]
    if where.or_ is not None:
        clauses.append(("or", *(clause_of(part) for part in where.or_)))
    if where.not_ is not None:
        clauses.append(("not", clause_of(where.not_)))
    return clauses


def _text(key: str, text: StringFilter | None) -> list[Condition]:
    if text is None:
        return []
    clauses: list[Condition] = []
    if text.eq is not None:
        clauses.append(("in", key, (text.eq,)))
    if text.in_ is not None:
        clauses.append(("in", key, tuple(text.in_)))
    if text.prefix:
        clauses.append(("prefix", key, text.prefix))
    if text.contains:
        clauses.append(("contains", key, text.contains))
    return clauses


def _order(order: AssetOrder) -> tuple[str, bool]:
    return _ORDER_KEYS[order.field], order.direction is OrderDirection.DESC


def _refuse_long(clause: Condition) -> None:
    op, *rest = clause
    if op in {"and", "or", "not"}:
        for part in rest:
            _refuse_long(part)
        return
    key, given = rest
    longest = MAX_SUBSTRING_LENGTH if op == "contains" else MAX_FILTER_TEXT_LENGTH
    for text in given if op == "in" else (given,):
        if isinstance(text, str) and len(text) > longest:
            raise InvalidError(f"The filter compares `{key}` with {len(text)} characters; use at most {longest} here.")


def _size(clause: Condition) -> int:
    if clause[0] in {"and", "or", "not"}:
        return 1 + sum(_size(part) for part in clause[1:])
    return len(clause[2]) if clause[0] == "in" else 1
