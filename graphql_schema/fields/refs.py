"""Lazy references to types, for annotations: type files refer to one another without importing one another."""

from typing import Annotated, Any, TypeAlias

import strawberry

from graphql_schema.catalog.kinds import KINDS

TypeRef: TypeAlias = Any
"""A lazy reference. Type checkers cannot resolve it, so that annotations made of it accept every value."""


def ref(name: str) -> TypeRef:
    """Return a lazy reference to the type of a kind of KINDS; raises ValueError for another name.

    Annotations need a constant, such as ``DatasetRef`` below. A file may declare the references that only it needs.
    """
    kind = KINDS.get(name)
    if kind is None:
        raise ValueError(f"{name} is no kind of the catalog; add it to KINDS in graphql_schema/catalog/kinds.py.")
    return _lazy(name, f"graphql_schema.assets.{kind.concept}")


def _lazy(name: str, module: str) -> TypeRef:
    return Annotated[name, strawberry.lazy(module)]


NodeRef: TypeRef = _lazy("Node", "graphql_schema.fields.node")
AssetRef: TypeRef = _lazy("Asset", "graphql_schema.assets.asset")
AssetVersionRef: TypeRef = _lazy("AssetVersion", "graphql_schema.assets.asset")
NeighbourRef: TypeRef = _lazy("Neighbour", "graphql_schema.lineage.neighbours")

DatasetRef: TypeRef = ref("Dataset")
DatasetVersionRef: TypeRef = ref("DatasetVersion")
FeatureSetRef: TypeRef = ref("FeatureSet")
FeatureRef: TypeRef = ref("Feature")
ModelRef: TypeRef = ref("Model")
ModelVersionRef: TypeRef = ref("ModelVersion")
EvaluationRef: TypeRef = ref("Evaluation")
WorkflowRef: TypeRef = ref("Workflow")
RunRef: TypeRef = ref("Run")
ServiceRef: TypeRef = ref("Service")
DeploymentRef: TypeRef = ref("Deployment")
ExperimentRef: TypeRef = ref("Experiment")
ExperimentCellRef: TypeRef = ref("ExperimentCell")
TeamRef: TypeRef = ref("Team")
UserRef: TypeRef = ref("User")
DomainRef: TypeRef = ref("Domain")
TagRef: TypeRef = ref("Tag")

ChangeRef: TypeRef = _lazy("Change", "graphql_schema.governance.changes")
CheckRef: TypeRef = _lazy("Check", "graphql_schema.observability.checks")
CheckResultRef: TypeRef = _lazy("CheckResult", "graphql_schema.observability.checks")
IncidentRef: TypeRef = _lazy("Incident", "graphql_schema.observability.incidents")
ApprovalRef: TypeRef = _lazy("Approval", "graphql_schema.governance.approvals")
ChangePlanRef: TypeRef = _lazy("ChangePlan", "graphql_schema.plans.change_plan")
