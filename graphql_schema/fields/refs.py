"""Lazy references to types, for annotations: type files refer to one another without importing one another."""

from typing import Annotated, Any

import strawberry

from graphql_schema.catalog.kinds import KINDS


def ref(name: str) -> Any:
    """Return a lazy reference to the type of a kind; raises ValueError when the catalog has no such kind.

    Annotations need a constant, such as ``DatasetRef`` below. A file may declare the references that only it needs.
    """
    kind = KINDS.get(name)
    if kind is None:
        raise ValueError(f"{name} is no kind of the catalog; add it to KINDS in graphql_schema/catalog/kinds.py.")
    return _lazy(name, f"graphql_schema.assets.{kind.concept}")


def _lazy(name: str, module: str) -> Any:
    return Annotated[name, strawberry.lazy(module)]


NodeRef: Any = _lazy("Node", "graphql_schema.fields.node")
AssetRef: Any = _lazy("Asset", "graphql_schema.assets.asset")
AssetVersionRef: Any = _lazy("AssetVersion", "graphql_schema.assets.asset")
NeighbourRef: Any = _lazy("Neighbour", "graphql_schema.lineage.neighbours")

DatasetRef: Any = ref("Dataset")
DatasetVersionRef: Any = ref("DatasetVersion")
FeatureSetRef: Any = ref("FeatureSet")
FeatureRef: Any = ref("Feature")
ModelRef: Any = ref("Model")
ModelVersionRef: Any = ref("ModelVersion")
EvaluationRef: Any = ref("Evaluation")
WorkflowRef: Any = ref("Workflow")
RunRef: Any = ref("Run")
ServiceRef: Any = ref("Service")
DeploymentRef: Any = ref("Deployment")
ExperimentRef: Any = ref("Experiment")
ExperimentCellRef: Any = ref("ExperimentCell")
TeamRef: Any = ref("Team")
UserRef: Any = ref("User")
DomainRef: Any = ref("Domain")
TagRef: Any = ref("Tag")

ChangeRef: Any = _lazy("Change", "graphql_schema.governance.changes")
CheckRef: Any = _lazy("Check", "graphql_schema.observability.checks")
CheckResultRef: Any = _lazy("CheckResult", "graphql_schema.observability.checks")
IncidentRef: Any = _lazy("Incident", "graphql_schema.observability.incidents")
ApprovalRef: Any = _lazy("Approval", "graphql_schema.governance.approvals")
