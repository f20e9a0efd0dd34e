"""The built schema, its SDL and its policy's Cedar schema; ``python -m graphql_schema.schema`` writes both files."""

from collections.abc import Iterable
from pathlib import Path

from graphql import GraphQLError, GraphQLSchema
from strawberry.extensions import SchemaExtension
from strawberry.printer import print_schema
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from graphql_schema.approval import Approval
from graphql_schema.assets.dataset import Dataset, DatasetVersion
from graphql_schema.assets.domain import Domain
from graphql_schema.assets.evaluation import Evaluation
from graphql_schema.assets.experiment import Experiment, ExperimentCell
from graphql_schema.assets.feature import Feature, FeatureSet
from graphql_schema.assets.model import Model, ModelVersion
from graphql_schema.assets.report import Report
from graphql_schema.assets.service import Deployment, Service
from graphql_schema.assets.tag import Tag
from graphql_schema.assets.team import Team, User
from graphql_schema.assets.workflow import Run, Workflow
from graphql_schema.audit import Change
from graphql_schema.govern import govern, governed
from graphql_schema.mutation import Mutation
from graphql_schema.observability import Check, CheckResult, Incident
from graphql_schema.operation.schema import OperationSchema
from graphql_schema.query import Query
from graphql_schema.scalars import SCALARS
from graphql_schema.subscription import Subscription
from policies.errors import CodedError
from policies.labels import load_labels
from policies.policy import SHIPPED
from policies.vocabulary import cedar_schema

SDL = Path(__file__).with_name("schema.graphql")
"""The committed schema."""

CEDAR = SHIPPED / "policies.cedarschema"
"""The committed Cedar schema, for editors and reviewers of rules; the product makes its own at start-up."""

NODES = (
    Dataset,
    DatasetVersion,
    FeatureSet,
    Feature,
    Model,
    ModelVersion,
    Workflow,
    Run,
    Evaluation,
    Service,
    Deployment,
    Experiment,
    ExperimentCell,
    Report,
    Team,
    User,
    Domain,
    Tag,
)
"""The type of every kind of the catalog that is registered."""

FACTS = (Check, CheckResult, Incident, Approval, Change)
"""The types of what is recorded about them."""


class GraphSchema(OperationSchema):
    """The schema behind its gate, whose coded errors carry their code to the caller."""

    @property
    def core(self) -> GraphQLSchema:
        """The schema as graphql-core has it."""
        return self._schema

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Write ``{code, **extensions}`` of every CodedError into its error."""
        super().process_errors(errors, execution_context)
        for error in errors:
            cause = error.original_error
            if isinstance(cause, CodedError):
                error.extensions = {"code": cause.code.value, **cause.extensions}


def build_schema(extensions: Iterable[type[SchemaExtension]] = ()) -> GraphSchema:
    """Build the schema."""
    schema = GraphSchema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=(*NODES, *FACTS),
        extensions=extensions,
        config=StrawberryConfig(scalar_map=SCALARS),
    )
    govern(schema.core)
    return schema


def sdl() -> str:
    """The SDL of the built schema."""
    return print_schema(build_schema()) + "\n"


def cedar_sdl() -> str:
    """The Cedar schema that rules are held to, made from the built schema and the labels as shipped."""
    return cedar_schema(load_labels(SHIPPED / "labels.toml", governed(build_schema().core)))


if __name__ == "__main__":
    SDL.write_text(sdl())
    CEDAR.write_text(cedar_sdl())
