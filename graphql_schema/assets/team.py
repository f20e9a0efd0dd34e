"""Teams and users: who owns assets and who acts."""

from typing import Any

import strawberry

from graphql_schema.catalog.enums import PrincipalType
from graphql_schema.catalog.relations import MEMBER_OF, PART_OF
from graphql_schema.fields.connection import After, Connection, First
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, stored_field
from graphql_schema.fields.listing_fields import AssetFilterArg, AssetOrderArg, assets_where, list_assets
from graphql_schema.fields.node import Node
from graphql_schema.fields.refs import AssetRef, IncidentRef, TeamRef, UserRef
from graphql_schema.fields.relation_fields import to_list, to_many, to_one
from graphql_schema.fields.scalars import Instant
from graphql_schema.fields.value_types import Property
from graphql_schema.governance.subteams import IncludeSubteams, with_subteams
from graphql_schema.inputs.input_fields import CatalogFields, attribute, reference, refers
from graphql_schema.inputs.register_field import register_field
from graphql_schema.observability.incidents import incidents_where
from graphql_schema.ports.conditions import Condition, In
from graphql_schema.ports.relation_query import related
from graphql_schema.usage.asset_usage import Usage
from graphql_schema.usage.team_usage import owned_by, team_consumption, team_usage

PRINCIPAL_KIND = "principalKind"
"""Where a user's ``kind`` is stored: a record's own ``kind`` is that of the catalog."""


def _owned_by_team(urn: str) -> Condition:
    return owned_by((urn,))


def _owned_by_user(urn: str) -> Condition:
    return In("owners", (urn,))


async def _assets(
    root: Parent,
    info: Info,
    filter: AssetFilterArg = None,
    include_subteams: IncludeSubteams = False,
    order_by: AssetOrderArg = None,
    first: First = 20,
    after: After = None,
) -> Any:
    teams = await with_subteams(root, info, include_subteams)
    scope = (root.urn, bool(include_subteams))
    return await list_assets(info, filter, order_by, first, after, owned_by([team.urn for team in teams]), scope=scope)


def _principal_kind(root: Parent) -> Any:
    return root.read(PRINCIPAL_KIND) or PrincipalType.PERSON.name


@strawberry.type(description="A group of people that owns assets.")
class Team(Node):
    """A group of people that owns assets."""

    name: str = stored_field("The name.")
    display_name: str = stored_field("The name to show.")
    description: str | None = stored_field("What it does, in words.")
    created_at: Instant | None = stored_field("When it was registered here.")
    properties: list[Property] | None = stored_field("Free keys and values, by key.")
    parent: TeamRef | None = to_one(related(PART_OF.out("Team")), "The team that it is a part of.")
    members: Connection[UserRef] | None = to_many(related(MEMBER_OF.into("User")), "Its members.", first=50)
    subteams: Connection[TeamRef] | None = to_many(
        related(PART_OF.into("Team")), "Teams that are a part of it.", first=50
    )
    assets: Connection[AssetRef] | None = strawberry.field(
        description="Assets that it owns: directly, or as their owning team.", resolver=_assets
    )
    incidents: Connection[IncidentRef] | None = incidents_where(
        _owned_by_team, "Incidents on the assets that it owns, the newest first."
    )
    usage: Usage | None = team_usage
    consumption: Usage | None = team_consumption


@strawberry.type(description="A person, or a program under its own name.")
class User(Node):
    """A person, or a program under its own name."""

    name: str = stored_field("The name.")
    display_name: str = stored_field("The name to show.")
    kind: PrincipalType = strawberry.field(
        description="A person or a program; a person until said otherwise.", resolver=_principal_kind
    )
    email: str | None = stored_field("The address.")
    active: bool | None = stored_field("Whether the account is in use.")
    properties: list[Property] | None = stored_field("Free keys and values, by key.")
    teams: list[TeamRef] | None = to_list(related(MEMBER_OF.out("Team")), "Teams that it is a member of.")
    assets: Connection[AssetRef] | None = assets_where(_owned_by_user, "Assets that it owns itself.")


@strawberry.input(description="A member of a team.")
class MemberInput:
    """A member of a team."""

    user: strawberry.ID = refers("The id of the user.", "User")
    role: str | None = attribute("The role in the team.")


@strawberry.input(description="Registers a team.")
class TeamInput(CatalogFields):
    """Registers a team."""

    display_name: str | None = attribute("The name to show; the name when absent.")
    description: str | None = attribute("What it does, in words.")
    parent: strawberry.ID | None = reference(PART_OF.out("Team"), "The id of the team that it is a part of.")
    members: list[MemberInput] | None = reference(
        MEMBER_OF.into("User"), "Its members; the list replaces the stored one."
    )


register_team = register_field(TeamInput, "Registers a team.")


@strawberry.input(description="Registers a user.")
class UserInput(CatalogFields):
    """Registers a user."""

    display_name: str | None = attribute("The name to show; the name when absent.")
    kind: PrincipalType | None = attribute("A person or a program.", stored=PRINCIPAL_KIND)
    email: str | None = attribute("The address.")
    active: bool | None = attribute("Whether the account is in use.")


register_user = register_field(UserInput, "Registers a user.")
