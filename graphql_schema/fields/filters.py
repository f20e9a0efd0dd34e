"""The filter and the order of listings of assets, as inputs and as data that a store can run."""

from collections.abc import Iterator, Sequence
from enum import Enum
from math import isfinite
from typing import Final

import strawberry

from graphql_schema.catalog.enums import (
    AssetKind,
    HealthStatus,
    Hydration,
    LifecycleStage,
    RiskTier,
    Sensitivity,
    value,
)
from graphql_schema.catalog.index_values import MAX_PATH_TERMS, cost_rank, path_term, property_term
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.urn import slug_of
from graphql_schema.fields.filter_fields import (
    StringFilter,
    above,
    below,
    condition_of,
    filter_field,
    one_of,
    refuse_oversized,
    text,
)
from graphql_schema.fields.scalars import Instant
from graphql_schema.ports.conditions import (
    ALWAYS,
    BY_URN,
    MAX_EXAMINED,
    MAX_FILTER_DAYS,
    MAX_FILTER_IDS,
    Above,
    All,
    AnyOf,
    Condition,
    Contaminated,
    HealthIs,
    In,
    ListingQuery,
    Negated,
    SortOrder,
    StartsWith,
    UnusedFor,
)
from policies.errors import InvalidError
from policies.sensitivity import SENSITIVITIES

MAX_UNUSED_DAYS: Final = 1_830
"""Maximal `unusedForDays`: usage can be recorded for this many days in the past."""

ASSETS: Final = In("kind", tuple(kind.code for kind in KINDS.values() if kind.asset))
"""Met by assets, and not by teams, users, domains, tags and attached records."""

_RUN: Final = AssetKind["RUN"]

_COSTS: Final = "for other assets, read `usage { costUsd }`, whose days and visible consumers decide the cost."

_PATHS: Final = (
    "A path begins at the begin of the value, after one of `/ # : @`, or with one of `# : @`. Marked lines such as "
    f"`#L10-L20` at the end of the value do not count. Only the last {MAX_PATH_TERMS} paths of a value are found."
)

_OWNED_BY_TEAM: Final = StartsWith("ownerTeam", "mlg://team/")

_OWNED: Final = AnyOf(
    (
        _OWNED_BY_TEAM,
        All((StartsWith("ownerTeam", "mlg://user/"), Negated(In("owners", ("",))))),
    )
)
"""Met by assets with an owner team, of their own or of the parent, or with a user as owner of their own.

A user who owns the parent does not count: ``ownerTeam`` shows no user, and the parent may be hidden.
"""


@strawberry.enum(description="The property by which a listing is ordered; ties are broken by id.")
class AssetOrderField(Enum):
    """The property by which a listing is ordered."""

    ID = value("ID", description="The id.")
    NAME = value("NAME", description="The name.")
    CREATED_AT = value(
        "CREATED_AT",
        description="The instant at which the asset was first registered or referenced here, as `createdAt`.",
    )
    UPDATED_AT = value("UPDATED_AT", description="The instant of the last change here, as `updatedAt`.")
    COST = value(
        "COST",
        description="The `costUsd` of runs; no cost counts as 0. An error unless the filter has `kinds: [RUN]`: the "
        "cost of other assets is in their `usage`, which depends on its days and on the viewer.",
    )
    LAST_USED = value(
        "LAST_USED",
        description="The last day of recorded usage; no usage counts as the earliest day. An error with `asOf`, and "
        "for a viewer from whom a consumer may be hidden: read `usage { lastUsedAt }` of the assets instead.",
    )


@strawberry.enum(description="The direction of an order.")
class OrderDirection(Enum):
    """The direction of an order."""

    ASC = value("ASC", description="Smallest, first or earliest value first.")
    DESC = value("DESC", description="Largest, last or latest value first.")


def _hydrated(wanted: Hydration) -> Iterator[Condition]:
    yield In("hydration", (wanted.name,))


def _owned(wanted: bool) -> Iterator[Condition]:  # noqa: FBT001 - the value of the field
    yield _OWNED if wanted else Negated(_OWNED)


def _owned_by(teams: Sequence[str]) -> Iterator[Condition]:
    # the stored value may be a user or a domain, such as that of a hidden parent: it counts as no team, as in the field
    named = In("ownerTeam", tuple(urn for urn in teams if slug_of(urn) not in {"", "user", "domain"}))
    yield AnyOf((named, Negated(_OWNED_BY_TEAM))) if "" in teams else named


def _confirmed(wanted: bool) -> Iterator[Condition]:  # noqa: FBT001 - the value of the field
    # pairs of levels, as a negation would multiply the alternatives by those that show each of the two fields
    pairs = {
        low: (low,) if wanted else SENSITIVITIES[rank + 1 :]
        for rank, low in enumerate(SENSITIVITIES if wanted else SENSITIVITIES[:-1])
    }
    yield AnyOf(
        tuple(All((In("confirmedSensitivity", (low,)), In("sensitivity", high))) for low, high in pairs.items())
    )


def _unused(days: int, unread: bool | None) -> Iterator[Condition]:  # noqa: FBT001 - the value of the field
    if not 1 <= days <= MAX_UNUSED_DAYS:
        raise InvalidError(f"`unusedForDays` is {days}; give a number from 1 to {MAX_UNUSED_DAYS}.")
    yield UnusedFor(days, bool(unread))


def _healthy(wanted: Sequence[HealthStatus]) -> Iterator[Condition]:
    yield HealthIs(tuple(dict.fromkeys(status.name for status in wanted)))


def _with_days(_unread: bool, days: int | None) -> Iterator[Condition]:  # noqa: FBT001 - the value of the field
    if days is None:
        raise InvalidError("`unread` changes the meaning of `unusedForDays`; give both in the same filter.")
    return iter(())


def _contaminated(wanted: bool) -> Iterator[Condition]:  # noqa: FBT001 - the value of the field
    yield Contaminated(wanted)


def _cost_above(bound: float, kinds: Sequence[AssetKind] | None) -> Iterator[Condition]:
    if not isfinite(bound):
        raise InvalidError("`costAbove` is not a finite number; give an amount in US dollars.")
    if kinds is not None and _RUN not in kinds:
        raise InvalidError(f"`costAbove` is about the `costUsd` of runs; add RUN to `kinds`, or {_COSTS}")
    yield All((In("kind", (_RUN.name,)), Above("cost", cost_rank(bound))))


def _property(wanted: "PropertyFilter") -> Iterator[Condition]:
    yield In("pairs", (property_term(wanted.key, wanted.eq),))


def _code_in(paths: Sequence[str]) -> Iterator[Condition]:
    yield In("codePaths", tuple(map(path_term, paths)))


def _data_in(paths: Sequence[str]) -> Iterator[Condition]:
    yield In("dataPaths", tuple(map(path_term, paths)))


def _each_of(filters: Sequence["AssetFilter"]) -> Iterator[Condition]:
    return map(condition_of, filters)


def _any_of(filters: Sequence["AssetFilter"]) -> Iterator[Condition]:
    yield AnyOf(tuple(map(condition_of, filters)))


def _none_of(given: "AssetFilter") -> Iterator[Condition]:
    yield Negated(condition_of(given))


@strawberry.input(description="A condition on one free property.")
class PropertyFilter:
    """A condition on one free property."""

    key: str = strawberry.field(description="The key of the property.")
    eq: str = strawberry.field(description="The value is equal to this; upper and lower case differ.")


@strawberry.input(
    description="A condition on assets; every given field must match. A field that an asset hides from you counts as "
    "empty. An empty list matches no asset, except in `and`."
)
class AssetFilter:
    """A condition on assets."""

    ids: list[strawberry.ID] | None = one_of(
        "urn", f"The asset has one of these ids; at most {MAX_FILTER_IDS} in the complete filter."
    )
    kinds: list[AssetKind] | None = one_of("kind", "The asset is of one of these kinds.")
    name: StringFilter | None = text("name", "A condition on the name of the asset.")
    namespace: StringFilter | None = text("namespace", "A condition on the namespace of the asset.")
    source: StringFilter | None = text("source", "A condition on the source system of the asset.")
    owner_teams: list[strawberry.ID] | None = filter_field(
        "The `ownerTeam` of the asset is one of these; an empty id matches null.", _owned_by
    )
    owners: list[strawberry.ID] | None = one_of(
        "owners", "One of these teams or users is among the direct owners of the asset."
    )
    owned: bool | None = filter_field(
        "Whether the asset has an owner team, of its own or of its parent, or a user as an owner of its own. Users who "
        "own the parent, and owners inherited from a domain, do not count.",
        _owned,
    )
    tags: list[strawberry.ID] | None = one_of("tags", "The asset has one of these tags, directly or by propagation.")
    domains: list[strawberry.ID] | None = one_of(
        "domain",
        "The asset itself is in one of these domains. Domains inside them, and the domain of a parent, do not count.",
    )
    stages: list[LifecycleStage] | None = one_of("stage", "The life cycle stage of the asset is one of these.")
    sensitivities: list[Sensitivity] | None = one_of(
        "sensitivity", "The effective sensitivity of the asset is one of these."
    )
    sensitivity_confirmed: bool | None = filter_field(
        "Whether no part of the effective sensitivity comes from callers without the right to link the asset: if some "
        "does, `confirmedSensitivity` is not null.",
        _confirmed,
    )
    risk_tiers: list[RiskTier] | None = one_of("riskTier", "The asset is a model with one of these risk tiers.")
    property_: PropertyFilter | None = filter_field(
        "The asset has a free property with this key and value; several properties are combined by `and`.",
        _property,
        name="property",
    )
    code_ref_ends_with: list[str] | None = filter_field(
        "The `codeRef` of the asset, a workflow or model version, ends in one of these paths, such as "
        f"`train/ranker.py`. {_PATHS}",
        _code_in,
    )
    location_ends_with: list[str] | None = filter_field(
        f"The `location` of the asset, a dataset or dataset version, ends in one of these paths. {_PATHS}", _data_in
    )
    health: list[HealthStatus] | None = filter_field(
        "The `health` of the asset for the viewer has one of these states. It is computed, so that at most 200 assets "
        "may meet the rest of the filter; there is no order by health.",
        _healthy,
    )
    cost_above: float | None = filter_field(
        "The asset is a run whose `costUsd` is above this amount of US dollars. An error if `kinds` is given without "
        "RUN.",
        _cost_above,
        beside="kinds",
    )
    hydration: Hydration | None = filter_field("Whether the asset was registered or only referenced.", _hydrated)
    created_after: Instant | None = above("createdAt", "The `createdAt` of the asset is after this instant.")
    created_before: Instant | None = below("createdAt", "The `createdAt` of the asset is before this instant.")
    updated_after: Instant | None = above("updatedAt", "The `updatedAt` of the asset is after this instant.")
    updated_before: Instant | None = below("updatedAt", "The `updatedAt` of the asset is before this instant.")
    unused_for_days: int | None = filter_field(
        "The asset was not in use on the last N days (UTC), today included, as far as is visible to the viewer. These "
        "are uses: recorded usage; a run reads the asset, on the day of its end, begin or registration; a deployment "
        "is active, or was until its `retiredAt`, for itself, its model version and its service; a service calls the "
        "service; a workflow runs. A use of a version or feature is also one of its dataset, model or feature set. An "
        f"asset without recorded usage must be older than N days. From 1 to {MAX_UNUSED_DAYS}; an error with `asOf`, "
        f"and if the complete filter has more than {MAX_FILTER_DAYS} different ones.",
        _unused,
        beside="unread",
    )
    unread: bool | None = filter_field(
        "Whether `unusedForDays` considers the recorded usage of the asset itself only. Default: false. An error "
        "without `unusedForDays` in the same filter.",
        _with_days,
        beside="unused_for_days",
    )
    contaminated: bool | None = filter_field(
        "True: the asset is an evaluation whose `contamination` is DIRECT or DERIVED for the viewer. False: it is "
        f"CLEAN. UNKNOWN matches neither. An error if more than {MAX_EXAMINED} evaluations must be examined.",
        _contaminated,
    )
    and_: list["AssetFilter"] | None = filter_field("Every one of these filters matches.", _each_of, name="and")
    or_: list["AssetFilter"] | None = filter_field("At least one of these filters matches.", _any_of, name="or")
    not_: "AssetFilter | None" = filter_field("This filter does not match.", _none_of, name="not")


@strawberry.input(
    description="The order of a listing; ties are broken by id. Assets that hide the property come last, by id."
)
class AssetOrder:
    """The order of a listing."""

    field: AssetOrderField = strawberry.field(description="The property to compare.")
    direction: OrderDirection = strawberry.field(
        description="The direction of the order; ASC when absent.", default=OrderDirection.ASC
    )


_ORDER_KEYS: Final = {
    AssetOrderField.ID: "urn",
    AssetOrderField.NAME: "name",
    AssetOrderField.CREATED_AT: "createdAt",
    AssetOrderField.UPDATED_AT: "updatedAt",
    AssetOrderField.COST: "cost",
    AssetOrderField.LAST_USED: "lastUsedAt",
}


def asset_listing(where: AssetFilter | None, order: AssetOrder | None, *within: Condition) -> ListingQuery:
    """Return the listing of the assets that meet a filter and further conditions, by URN if no order is given.

    Raises InvalidError if the filter is oversized, or if filter or order is invalid.
    """
    given = ALWAYS if where is None else condition_of(where)
    refuse_oversized(given)
    if order is not None and order.field is AssetOrderField.COST and (where is None or where.kinds != [_RUN]):
        raise InvalidError(f"`orderBy: COST` needs `filter: {{kinds: [RUN]}}`; {_COSTS}")
    return ListingQuery(All((ASSETS, *within, given)), BY_URN if order is None else _sort_order(order))


def _sort_order(order: AssetOrder) -> SortOrder:
    return SortOrder(_ORDER_KEYS[order.field], order.direction is OrderDirection.DESC)
