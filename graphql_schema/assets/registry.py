"""The types of the schema that no field names directly."""

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
from graphql_schema.governance.approvals import Approval
from graphql_schema.governance.changes import Change
from graphql_schema.observability.checks import Check, CheckResult
from graphql_schema.observability.incidents import Incident

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


ATTACHED_RECORD_TYPES = (Check, CheckResult, Incident, Approval, Change)
"""The types of what is recorded about them."""
