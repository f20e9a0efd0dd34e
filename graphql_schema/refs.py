"""Names of types for annotations: lets type files refer to one another without importing one another."""

from typing import TYPE_CHECKING, Annotated

import strawberry

if TYPE_CHECKING:
    from graphql_schema.approval import Approval
    from graphql_schema.asset import Asset, AssetVersion, Neighbour
    from graphql_schema.assets.dataset import Dataset, DatasetVersion
    from graphql_schema.assets.domain import Domain
    from graphql_schema.assets.evaluation import Evaluation
    from graphql_schema.assets.experiment import Experiment, ExperimentCell
    from graphql_schema.assets.feature import Feature, FeatureSet
    from graphql_schema.assets.model import Model, ModelVersion
    from graphql_schema.assets.service import Deployment, Service
    from graphql_schema.assets.tag import Tag
    from graphql_schema.assets.team import Team, User
    from graphql_schema.assets.workflow import Run, Workflow
    from graphql_schema.audit import Change
    from graphql_schema.observability import Check, CheckResult, Incident

_ASSETS = "graphql_schema.assets"
_OBSERVED = "graphql_schema.observability"

AssetRef = Annotated["Asset", strawberry.lazy("graphql_schema.asset")]
AssetVersionRef = Annotated["AssetVersion", strawberry.lazy("graphql_schema.asset")]
NeighbourRef = Annotated["Neighbour", strawberry.lazy("graphql_schema.asset")]
DatasetRef = Annotated["Dataset", strawberry.lazy(f"{_ASSETS}.dataset")]
DatasetVersionRef = Annotated["DatasetVersion", strawberry.lazy(f"{_ASSETS}.dataset")]
FeatureSetRef = Annotated["FeatureSet", strawberry.lazy(f"{_ASSETS}.feature")]
FeatureRef = Annotated["Feature", strawberry.lazy(f"{_ASSETS}.feature")]
ModelRef = Annotated["Model", strawberry.lazy(f"{_ASSETS}.model")]
ModelVersionRef = Annotated["ModelVersion", strawberry.lazy(f"{_ASSETS}.model")]
EvaluationRef = Annotated["Evaluation", strawberry.lazy(f"{_ASSETS}.evaluation")]
WorkflowRef = Annotated["Workflow", strawberry.lazy(f"{_ASSETS}.workflow")]
RunRef = Annotated["Run", strawberry.lazy(f"{_ASSETS}.workflow")]
ServiceRef = Annotated["Service", strawberry.lazy(f"{_ASSETS}.service")]
DeploymentRef = Annotated["Deployment", strawberry.lazy(f"{_ASSETS}.service")]
ExperimentRef = Annotated["Experiment", strawberry.lazy(f"{_ASSETS}.experiment")]
ExperimentCellRef = Annotated["ExperimentCell", strawberry.lazy(f"{_ASSETS}.experiment")]
TeamRef = Annotated["Team", strawberry.lazy(f"{_ASSETS}.team")]
UserRef = Annotated["User", strawberry.lazy(f"{_ASSETS}.team")]
DomainRef = Annotated["Domain", strawberry.lazy(f"{_ASSETS}.domain")]
TagRef = Annotated["Tag", strawberry.lazy(f"{_ASSETS}.tag")]
ChangeRef = Annotated["Change", strawberry.lazy("graphql_schema.audit")]
CheckRef = Annotated["Check", strawberry.lazy(_OBSERVED)]
CheckResultRef = Annotated["CheckResult", strawberry.lazy(_OBSERVED)]
IncidentRef = Annotated["Incident", strawberry.lazy(_OBSERVED)]
ApprovalRef = Annotated["Approval", strawberry.lazy("graphql_schema.approval")]
