"""Teams and users: the owners of assets, and the people and programs that act."""

import strawberry

from graphql_schema.catalog.enums import PrincipalType
from graphql_schema.catalog.relations import MEMBER_OF, PART_OF
from graphql_schema.fields.connection import After, Connection, First
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, Resolved, stored_field
from graphql_schema.fields.listing_fields import AssetFilterArg, AssetOrderArg, assets_where, list_assets, listing_field
from graphql_schema.fields.node import Node
from graphql_schema.fields.refs import AssetRef, IncidentRef, TeamRef, UserRef
from graphql_schema.fields.relation_fields import to_list, to_many, to_one
from graphql_schema.fields.scalars import Instant
from graphql_schema.fields.value_types import Property
from graphql_schema.governance.owned_assets import owned_by
from graphql_schema.governance.subteams import IncludeSubteams, with_subteams
from graphql_schema.inputs.input_fields import CatalogFields, attribute, reference, refers
from graphql_schema.inputs.kind_entry import Export, KindEntry
from graphql_schema.observability.incidents import team_incidents
from graphql_schema.ports.conditions import Condition, In
from graphql_schema.ports.relation_query import related
from graphql_schema.usage.asset_usage import Usage
from graphql_schema.usage.team_usage import team_consumption, team_usage

PRINCIPAL_KIND = "principalKind"
"""The record key of the field `kind` of a user; the key ``kind`` of a record holds the kind of the catalog."""


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
) -> Resolved:
    teams = await with_subteams(root, info, include_subteams)
    scope = (root.urn, bool(include_subteams))
    return await list_assets(info, filter, order_by, first, after, owned_by([team.urn for team in teams]), scope=scope)


def _principal_kind(root: Parent) -> Resolved:
    return root.read(PRINCIPAL_KIND) or PrincipalType.PERSON.name


@strawberry.type(description="A group of people that owns assets.")
class Team(Node):
    """A group of people that owns assets."""

    name: str = stored_field("The name of the team.")
    display_name: str = stored_field("The name to show for the team.")
    description: str | None = stored_field("The work of the team, in words.")
    created_at: Instant | None = stored_field("The instant at which the team was first registered or referenced.")
    properties: list[Property] | None = stored_field("Free properties, ordered by key.")
    parent: TeamRef | None = to_one(
        related(PART_OF.out("Team")), "The team that this team is a part of; null if there is none."
    )
    members: Connection[UserRef] | None = to_many(related(MEMBER_OF.into("User")), "The members of the team.", first=50)
    subteams: Connection[TeamRef] | None = to_many(
        related(PART_OF.into("Team")), "The teams directly below this team.", first=50
    )
    assets: Connection[AssetRef] | None = listing_field(
        _assets, "The assets that the team owns: as a direct owner, or as their `ownerTeam`."
    )
    incidents: Connection[IncidentRef] | None = team_incidents
    usage: Usage | None = team_usage
    consumption: Usage | None = team_consumption


@strawberry.type(description="A person, or a program with an account of its own.")
class User(Node):
    """A person, or a program with an account of its own."""

    name: str = stored_field("The name of the user.")
    display_name: str = stored_field("The name to show for the user.")
    kind: PrincipalType = strawberry.field(
        description="A person or a program; PERSON unless registered otherwise.", resolver=_principal_kind
    )
    email: str | None = stored_field("The e-mail address of the user.")
    active: bool | None = stored_field("Whether the account is in use.")
    properties: list[Property] | None = stored_field("Free properties, ordered by key.")
    teams: list[TeamRef] | None = to_list(related(MEMBER_OF.out("Team")), "The teams that the user is a member of.")
    assets: Connection[AssetRef] | None = assets_where(_owned_by_user, "The assets that the user owns directly.")


@strawberry.input(description="A member of a team.")
class MemberInput:
    """A member of a team."""

    user: strawberry.ID = refers("The id of the user.", "User")
    role: str | None = attribute("The role in the team.")


@strawberry.input(description="Registers a team.")
class TeamInput(CatalogFields):
    """Registers a team."""

    display_name: str | None = attribute("The name to show; the name by default.")
    description: str | None = attribute("The work of the team, in words.")
    parent: strawberry.ID | None = reference(PART_OF.out("Team"), "The id of the team that this team is a part of.")
    members: list[MemberInput] | None = reference(
        MEMBER_OF.into("User"), "The members of the team; the list replaces the stored one."
    )


@strawberry.input(description="Registers a user.")
class UserInput(CatalogFields):
    """Registers a user."""

    display_name: str | None = attribute("The name to show; the name by default.")
    kind: PrincipalType | None = attribute("A person or a program; PERSON by default.", stored=PRINCIPAL_KIND)
    email: str | None = attribute("The e-mail address of the user.")
    active: bool | None = attribute("Whether the account is in use; true by default.")


ENTRIES = (
    KindEntry(
        Team,
        TeamInput,
        "Registers a team.",
        Export(members={"members": "user"}, listing="teams"),
    ),
    KindEntry(User, UserInput, "Registers a user.", Export(listing="users")),
)
