"""Services, and the deployments that run in them."""

from enum import Enum

import strawberry

from graphql_schema.assets.asset import Asset
from graphql_schema.catalog.enums import value
from graphql_schema.catalog.relations import CALLED_BY, DEPLOYED_AS, SERVED_BY
from graphql_schema.fields.connection import Connection
from graphql_schema.fields.field import stored_field
from graphql_schema.fields.refs import DeploymentRef, ModelVersionRef, ServiceRef
from graphql_schema.fields.relation_fields import to_deployments, to_many, to_one
from graphql_schema.fields.scalars import Instant
from graphql_schema.inputs.input_fields import SHARE, AssetFields, attribute, reference
from graphql_schema.inputs.kind_entry import Export, KindEntry
from graphql_schema.ports.relation_query import related


@strawberry.type(description="A production service that serves predictions or calls a service that does.")
class Service(Asset):
    """A production service that serves predictions or calls a service that does."""

    tier: int | None = stored_field("How critical the service is; 1 is the highest tier.")
    endpoint: str | None = stored_field("The address of the service.")
    oncall: str | None = stored_field("The contact when the service fails.")
    deployments: Connection[DeploymentRef] | None = to_deployments(
        related(SERVED_BY.into("Deployment")),
        "The deployments in the service; by default only those with the status ACTIVE.",
    )
    callers: Connection[ServiceRef] | None = to_many(related(CALLED_BY.out()), "The services that call this service.")
    calls: Connection[ServiceRef] | None = to_many(related(CALLED_BY.into()), "The services that this service calls.")


@strawberry.enum(description="The state of a deployment.")
class DeploymentStatus(Enum):
    """The state of a deployment."""

    PENDING = value("PENDING", description="Not serving yet.")
    ACTIVE = value("ACTIVE", description="Serving.")
    ROLLED_BACK = value("ROLLED_BACK", description="Rolled back.")
    RETIRED = value("RETIRED", description="No longer serving.")


@strawberry.type(description="A model version that runs in a service.")
class Deployment(Asset):
    """A model version that runs in a service."""

    environment: str | None = stored_field("The environment of the deployment, such as `production` or `staging`.")
    status: DeploymentStatus | None = stored_field("The state of the deployment.")
    traffic_share: float | None = stored_field("The share of the traffic that the deployment receives, from 0 to 1.")
    deployed_at: Instant | None = stored_field("The instant at which the deployment began to serve.")
    retired_at: Instant | None = stored_field(
        "The instant at which the deployment ceased to serve; null if none was given, or hidden."
    )
    model_version: ModelVersionRef | None = to_one(
        related(DEPLOYED_AS.into()),
        "The model version that the deployment runs; null if there is none, or it is hidden or deleted.",
    )
    service: ServiceRef | None = to_one(
        related(SERVED_BY.out()),
        "The service that the deployment runs in; null if there is none, or it is hidden or deleted.",
    )


@strawberry.input(description="Registers a service.")
class ServiceInput(AssetFields):
    """Registers a service."""

    tier: int | None = attribute("How critical the service is; 1 is the highest tier.")
    endpoint: str | None = attribute("The address of the service.")
    oncall: str | None = attribute("The contact when the service fails.")
    calls: list[strawberry.ID] | None = reference(
        CALLED_BY.into(),
        "Ids of the services that this service calls; the list replaces the one given before. Edges of `link` remain.",
    )


@strawberry.input(description="Registers a deployment.")
class DeploymentInput(AssetFields):
    """Registers a deployment."""

    model_version: strawberry.ID | None = reference(
        DEPLOYED_AS.into(), "The id of the model version that the deployment runs."
    )
    service: strawberry.ID | None = reference(SERVED_BY.out(), "The id of the service that the deployment runs in.")
    environment: str | None = attribute("The environment of the deployment, such as `production` or `staging`.")
    status: DeploymentStatus | None = attribute("The state of the deployment.")
    traffic_share: float | None = attribute(
        "The share of the traffic that the deployment receives, from 0 to 1.", within=SHARE
    )
    deployed_at: Instant | None = attribute("The instant at which the deployment began to serve.")
    retired_at: Instant | None = attribute("The instant at which the deployment ceased to serve.")


ENTRIES = (
    KindEntry(Service, ServiceInput, "Registers a service.", Export(self_links={"calls": CALLED_BY})),
    KindEntry(
        Deployment,
        DeploymentInput,
        "Registers a deployment; call again as its status changes.",
    ),
)
