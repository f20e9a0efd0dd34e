"""Owners of an asset, direct and inherited, and the mutation setOwners."""

from functools import lru_cache
from typing import Annotated

import strawberry

from graphql_schema.catalog.enums import ChangeAction, OwnershipKind
from graphql_schema.catalog.relations import CONTAINS, OWNED_BY, PARENT_HOPS, Hop
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parents, Resolved, stored_field
from graphql_schema.fields.refs import AssetRef, TeamRef, UserRef
from graphql_schema.fields.scalars import Instant
from graphql_schema.inputs.declared_edges import allowed_target_kinds
from graphql_schema.inputs.input_fields import OwnerInput, dry_run_field, reason_field, revision_field
from graphql_schema.inputs.payloads import payload
from graphql_schema.inputs.submit import submit_one
from graphql_schema.inputs.updates import require_bounded, update_command
from graphql_schema.inputs.values import asset_kind, checked_reason, require_kind
from graphql_schema.ports.commands import DeclaredEdges, RegisterCommand
from graphql_schema.ports.record import JsonObject
from graphql_schema.ports.relation_query import ALL, Path, RelationQuery, related
from graphql_schema.ports.row import MaskedRecord, PageItem
from policies.vocabulary import WriteAction

Owner = Annotated[TeamRef | UserRef, strawberry.union("Owner", description="An owner of an asset: a team or a user.")]


@strawberry.type(description="An owner of an asset, with its responsibility.")
class Ownership:
    """An owner of an asset, with its responsibility."""

    owner: Owner = stored_field("The team or user.")
    ownership: OwnershipKind = stored_field("The responsibility of the owner.")
    inherited: bool = stored_field("Whether the owner is inherited from the parent or from a domain.")
    inherited_from: AssetRef | None = stored_field(
        "The parent that the owner is inherited from; null if hidden, or if the owner is direct or inherited from a "
        "domain."
    )
    since: Instant | None = stored_field(
        "The instant since when the owner owns the asset or, if inherited, the parent or domain."
    )


def _parent_kinds(kind: str) -> tuple[str, ...]:
    return PARENT_HOPS[kind].kinds if kind in PARENT_HOPS else ()


@lru_cache(maxsize=64)
def ownership_of(kind: str, *, inherited: bool) -> RelationQuery:
    """Return the query of the direct owners of a kind of asset.

    With ``inherited`` the owners of its parent, of its domain and of the domain of its parent follow, in this order.
    """
    own_path: Path = (OWNED_BY.out(),)
    if not inherited:
        return related(own_path)
    inputs = tuple(f"{name}.{field}" for name in _parent_kinds(kind) for field in ("owners", "domain"))
    domain: tuple[Hop, ...] = (CONTAINS.into("Domain"),)
    parent: tuple[Hop, ...] = (PARENT_HOPS[kind],) if kind in PARENT_HOPS else ()
    paths = [own_path, (*parent, *own_path), (*domain, *own_path), (*parent, *domain, *own_path)]
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


WithInherited = Annotated[bool | None, strawberry.argument(description="Whether to add the inherited owners.")]


async def resolve_owners(roots: Parents, info: Info, include_inherited: WithInherited = True) -> list[Resolved]:
    """Return the ownerships of assets of one kind: direct ones first, then those inherited from parent and domains."""
    query = ownership_of(roots[0].kind, inherited=bool(include_inherited))
    budget, owners = info.context.budget, list[Resolved]()
    async for each in budget.in_turns(await info.context.reader.related_to_all(roots, query, ALL)):
        items = sorted(each.items, key=lambda item: (item.path, item.row.urn))
        owners.append([row for item in items for row in _ownerships(item)])
        budget.foresee_items(len(owners[-1]))
    return owners


@strawberry.input(description="Replaces the direct owners of an asset.")
class SetOwnersInput:
    """Replaces the direct owners of an asset."""

    asset: strawberry.ID = strawberry.field(description="The id of the asset.")
    owners: list[OwnerInput] = strawberry.field(
        description="The direct owners of the asset from now on; an empty list removes all. Owners that events gave "
        "are removed too, and later events do not give them again."
    )
    expected_revision: int | None = revision_field()
    reason: str | None = reason_field()
    dry_run: bool | None = dry_run_field()


OwnersArg = Annotated[SetOwnersInput, strawberry.argument(description="The asset and its owners.")]


async def _set_owners(info: Info, input: OwnersArg) -> Resolved:
    return payload(await submit_one(info, _owners_command, input, dry_run=input.dry_run), urn=input.asset)


set_owners = strawberry.field(
    description="Replaces the direct owners of an asset, also those that events gave. Inherited owners are set on the "
    "parent or domain.",
    resolver=_set_owners,
)


def _owners_command(given: SetOwnersInput) -> RegisterCommand:
    kind, reason = asset_kind(given.asset, "asset"), checked_reason(given.reason)
    targets: dict[str, JsonObject] = {}
    for index, each in enumerate(given.owners):
        require_kind(each.owner, allowed_target_kinds(OWNED_BY.out(), kind), "owners", str(index), "owner")
        known = targets.setdefault(each.owner, {"kinds": []})
        known["kinds"] = sorted({*known["kinds"], each.ownership.name})
    edges = DeclaredEdges(OWNED_BY.out(), f"{kind}.owners", require_bounded(targets, "owners"), replaces_all=True)
    return update_command(given, ChangeAction.OWNERS_SET, WriteAction.UPDATE, edges, reason=reason)
