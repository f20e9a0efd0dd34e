"""Owners of an asset, declared and inherited, and the mutation setOwners."""

from functools import lru_cache
from typing import Annotated, Any, Union

import strawberry

from graphql_schema.catalog.enums import ChangeAction, OwnershipKind
from graphql_schema.catalog.relations import CONTAINS, OWNED_BY, PARENT_HOPS, Hop
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, stored_field
from graphql_schema.fields.refs import AssetRef, TeamRef, UserRef
from graphql_schema.fields.scalars import Instant
from graphql_schema.inputs.declared_edges import allowed_target_kinds
from graphql_schema.inputs.input_fields import OwnerInput, revision_field
from graphql_schema.inputs.payloads import payload
from graphql_schema.inputs.submit import submit_one
from graphql_schema.inputs.updates import _bounded, _change
from graphql_schema.inputs.values import asset_kind, require_kind
from graphql_schema.ports.commands import DeclaredEdges, RegisterCommand
from graphql_schema.ports.relation_query import ALL, Path, RelationQuery, related
from graphql_schema.ports.row import MaskedRecord, PageItem
from policies.vocabulary import WriteAction

Owner = Annotated[Union[TeamRef, UserRef], strawberry.union("Owner", description="Who owns an asset.")]  # noqa: UP007


@strawberry.type(description="Who owns an asset, and in what way.")
class Ownership:
    """Who owns an asset, and in what way."""

    owner: Owner = stored_field("The team or user.")
    ownership: OwnershipKind = stored_field("What the owner is responsible for.")
    inherited: bool = stored_field("Whether it comes from the whole or the domain rather than from the asset itself.")
    inherited_from: AssetRef | None = stored_field(
        "The asset it is inherited from; null when direct or from the domain."
    )
    since: Instant | None = stored_field("Since when.")


def _whole(kind: str) -> tuple[str, ...]:
    return PARENT_HOPS[kind].kinds if kind in PARENT_HOPS else ()


@lru_cache(maxsize=64)
def ownership_of(kind: str, *, inherited: bool) -> RelationQuery:
    """The paths to an asset's owners: its own, then its whole's, then those of its domain and its whole's domain."""
    own_path: Path = (OWNED_BY.out(),)
    if not inherited:
        return related(own_path)
    inputs = tuple(f"{name}.{field}" for name in _whole(kind) for field in ("owners", "domain"))
    domain: tuple[Hop, ...] = (CONTAINS.into("Domain"),)
    whole: tuple[Hop, ...] = (PARENT_HOPS[kind],) if kind in PARENT_HOPS else ()
    paths = [own_path, (*whole, *own_path), (*domain, *own_path), (*whole, *domain, *own_path)]
    return related(*dict.fromkeys(paths), inputs=inputs)


def _ownerships(item: PageItem) -> list[MaskedRecord]:
    edge = item.edge or {}
    giver = item.via[-1] if item.via else None
    asset = giver if giver is not None and giver.kind != "Domain" else None
    return [
        item.edge_as(
            "Ownership",
            owner=item.row,
            ownership=kind,
            inherited=giver is not None,
            inheritedFrom=asset,
            since=edge.get("validFrom"),
        )
        for kind in edge.get("kinds", ())
    ]


WithInherited = Annotated[
    bool | None, strawberry.argument(description="Whether to add the owners of the whole and of the domain.")
]


async def _owners(root: Parent, info: Info, include_inherited: WithInherited = True) -> Any:
    found = await info.context.reader.related(root, ownership_of(root.kind, inherited=bool(include_inherited)), ALL)
    by_path = sorted(found.items, key=lambda item: (item.path, item.row.urn))
    return [row for item in by_path for row in _ownerships(item)]


@strawberry.input(description="Gives an asset other owners.")
class SetOwnersInput:
    """Gives an asset other owners."""

    asset: strawberry.ID = strawberry.field(description="The id of the asset.")
    owners: list[OwnerInput] = strawberry.field(description="All owners that it is to have; none when empty.")
    expected_revision: int | None = revision_field()


OwnersArg = Annotated[SetOwnersInput, strawberry.argument(description="The asset and its owners.")]


async def _set_owners(info: Info, input: OwnersArg) -> Any:
    return payload(await submit_one(info, lambda: _owners_governing(input)), urn=input.asset)


set_owners = strawberry.field(description="Replaces the owners of an asset.", resolver=_set_owners)


def _owners_governing(given: SetOwnersInput) -> RegisterCommand:
    kind = asset_kind(given.asset, "asset")
    targets: dict[str, dict[str, Any]] = {}
    for index, each in enumerate(given.owners):
        require_kind(each.owner, allowed_target_kinds(OWNED_BY.out(), kind), "owners", str(index), "owner")
        known = targets.setdefault(each.owner, {"kinds": []})
        known["kinds"] = sorted({*known["kinds"], each.ownership.name})
    edges = DeclaredEdges(OWNED_BY.out(), f"{kind}.owners", _bounded(targets, "owners"))
    return _change(given, ChangeAction.OWNERS_SET, WriteAction.UPDATE, edges)
