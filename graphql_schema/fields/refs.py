"""Names of types for annotations: lets type files refer to one another without importing one another."""

from typing import Annotated, Any

import strawberry


def _ref(name: str, module: str) -> Any:
    return Annotated[name, strawberry.lazy(module)]


_ASSETS = "graphql_schema.assets"
_OBSERVED = "graphql_schema.observability.checks"

AssetRef: Any = _ref("Asset", "graphql_schema.assets.asset")
AssetVersionRef: Any = _ref("AssetVersion", "graphql_schema.assets.asset")
NeighbourRef: Any = _ref("Neighbour", "graphql_schema.lineage.neighbours")
DatasetRef: Any = _ref("Dataset", f"{_ASSETS}.dataset")
DatasetVersionRef: Any = _ref("DatasetVersion", f"{_ASSETS}.dataset")
FeatureSetRef: Any = _ref("FeatureSet", f"{_ASSETS}.feature")
FeatureRef: Any = _ref("Feature", f"{_ASSETS}.feature")
ModelRef: Any = _ref("Model", f"{_ASSETS}.model")
ModelVersionRef: Any = _ref("ModelVersion", f"{_ASSETS}.model")
EvaluationRef: Any = _ref("Evaluation", f"{_ASSETS}.evaluation")
WorkflowRef: Any = _ref("Workflow", f"{_ASSETS}.workflow")
RunRef: Any = _ref("Run", f"{_ASSETS}.workflow")
ServiceRef: Any = _ref("Service", f"{_ASSETS}.service")
DeploymentRef: Any = _ref("Deployment", f"{_ASSETS}.service")
ExperimentRef: Any = _ref("Experiment", f"{_ASSETS}.experiment")
ExperimentCellRef: Any = _ref("ExperimentCell", f"{_ASSETS}.experiment")
TeamRef: Any = _ref("Team", f"{_ASSETS}.team")
UserRef: Any = _ref("User", f"{_ASSETS}.team")
DomainRef: Any = _ref("Domain", f"{_ASSETS}.domain")
TagRef: Any = _ref("Tag", f"{_ASSETS}.tag")
ChangeRef: Any = _ref("Change", "graphql_schema.governance.changes")
CheckRef: Any = _ref("Check", _OBSERVED)
CheckResultRef: Any = _ref("CheckResult", _OBSERVED)
IncidentRef: Any = _ref("Incident", "graphql_schema.observability.incidents")
ApprovalRef: Any = _ref("Approval", "graphql_schema.governance.approvals")
NodeRef: Any = _ref("Node", "graphql_schema.fields.node")
