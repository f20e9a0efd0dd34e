"""One item of a registration: the input of any one kind, or an edge."""

from typing import Any

import strawberry

from graphql_schema.assets.dataset import DatasetInput, DatasetVersionInput
from graphql_schema.assets.domain import DomainInput
from graphql_schema.assets.evaluation import EvaluationInput
from graphql_schema.assets.experiment import ExperimentCellInput, ExperimentInput
from graphql_schema.assets.feature import FeatureInput, FeatureSetInput
from graphql_schema.assets.model import ModelInput, ModelVersionInput
from graphql_schema.assets.report import ReportInput
from graphql_schema.assets.service import DeploymentInput, ServiceInput
from graphql_schema.assets.tag import TagInput
from graphql_schema.assets.team import TeamInput, UserInput
from graphql_schema.assets.workflow import RunInput, WorkflowInput
from graphql_schema.lineage.link_mutations import LinkInput


def _one(kind: str) -> Any:
    return strawberry.field(description=f"Registers {kind}.", default=strawberry.UNSET)


@strawberry.input(one_of=True, description="One item: exactly one field is given, and names the kind.")
class AssetInput:
    """One item; the name of each field is the camel-case name of its kind, or `link`."""

    dataset: DatasetInput | None = _one("a dataset")
    dataset_version: DatasetVersionInput | None = _one("a snapshot of a dataset")
    feature_set: FeatureSetInput | None = _one("a feature set")
    feature: FeatureInput | None = _one("a feature")
    model: ModelInput | None = _one("a model")
    model_version: ModelVersionInput | None = _one("a version of a model")
    workflow: WorkflowInput | None = _one("a workflow")
    run: RunInput | None = _one("a run")
    evaluation: EvaluationInput | None = _one("an evaluation")
    service: ServiceInput | None = _one("a service")
    deployment: DeploymentInput | None = _one("a deployment")
    experiment: ExperimentInput | None = _one("an experiment")
    experiment_cell: ExperimentCellInput | None = _one("an arm of an experiment")
    report: ReportInput | None = _one("a report")
    team: TeamInput | None = _one("a team")
    user: UserInput | None = _one("a user")
    domain: DomainInput | None = _one("a business area")
    tag: TagInput | None = _one("a tag")
    link: LinkInput | None = _one("an edge")
