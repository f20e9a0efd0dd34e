"""Metadata of DataHub of which no ids are made, or the ids of others, beside entities that are imported."""

from collections.abc import Iterable
from typing import Any

from graphql_schema.ports.record import Record

_TABLE = "urn:li:dataset:(urn:li:dataPlatform:S3,{},PROD)"
_GROUP = "urn:li:mlModelGroup:(urn:li:dataPlatform:mlflow,churn,PROD)"
_VERSION = "urn:li:mlModel:(urn:li:dataPlatform:mlflow,{},PROD)"
_DEPLOYMENT = "urn:li:mlModelDeployment:(urn:li:dataPlatform:k8s,churn,PROD)"
_FLOW = f"urn:li:dataFlow:(airflow,f,{'ü' * 200})"


def _model(tag: str) -> dict[str, Any]:
    """Return the properties of a model of the group `churn`."""
    return {
        "groups": [_GROUP],
        "version": {"versionTag": tag},
        "deployments": [_DEPLOYMENT],
        "trainingJobs": ["urn:li:dataProcessInstance:r", "pii"],
    }


_ASPECTS = [
    ("dataset", _TABLE.format("a"), "datasetProperties", {}),
    ("dataset", _TABLE.format("a").replace("S3", "s3"), "datasetProperties", {}),
    ("mlModel", _VERSION.format("long"), "mlModelProperties", _model("x" * 600)),
    ("mlModel", _VERSION.format("churn_a"), "mlModelProperties", _model("1")),
    ("mlModel", _VERSION.format("churn_b"), "mlModelProperties", _model("1")),
    ("mlModel", _VERSION.format("other"), "mlModelProperties", _model("churn_a")),
    ("mlModelDeployment", _DEPLOYMENT, "mlModelDeploymentProperties", {}),
    ("mlModelDeployment", _DEPLOYMENT.replace("k8s", "K8S"), "mlModelDeploymentProperties", {}),
    ("dataFlow", _FLOW, "dataFlowInfo", {}),
    ("dataJob", f"urn:li:dataJob:({_FLOW},j)", "dataJobInfo", {}),
    ("corpuser", "urn:li:corpuser:ada", "groupMembership", {"groups": ["urn:li:corpGroup:g", "group"]}),
    ("corpuser", "urn:li:corpuser:(ada)", "groupMembership", {"groups": ["urn:li:corpGroup:g"]}),
    ("corpuser", "urn:li:corpuser:bob", "groupMembership", {"groups": [f"urn:li:corpGroup:{name}" for name in "gh"]}),
    ("dataset", "urn:li:container:c", "datasetProperties", {}),
    ("tag", "urn:li:corpuser:eve", "tagProperties", {}),
    ("schemaField", "urn:li:schemaField", "status", {}),
    (
        "dataset",
        _TABLE.format("b"),
        "upstreamLineage",
        {
            "upstreams": [{"dataset": _TABLE.format("a")}, {"dataset": _TABLE.format("a").replace("S3", "s3")}],
            "fineGrainedLineages": [
                {
                    "downstreams": ["field", f"urn:li:schemaField:({_TABLE.format('b')},c)"],
                    "upstreams": [
                        f"urn:li:schemaField:({_TABLE.format('a')},c)",
                        "urn:li:schemaField:(pii,c)",
                    ],
                }
            ],
        },
    ),
    ("dataset", _TABLE.format("b"), "ownership", {"owners": [{"owner": "urn:li:corpuser:(ada)"}]}),
]
"""Entities and references of which no ids are made, beside those that are sent."""


def records_without_ids() -> list[dict[str, Any]]:
    """Return the records of the estate, as a file has them."""
    return records_of(_ASPECTS)


def records_of(aspects: Iterable[tuple[str, str, str, Record]]) -> list[dict[str, Any]]:
    """Return records by entity type, id, name of the aspect and body."""
    return [
        {"entityType": kind, "entityUrn": urn, "aspectName": aspect, "aspect": {"json": body}}
        for kind, urn, aspect, body in aspects
    ]


ORDERS = "urn:li:dataset:(urn:li:dataPlatform:s3,orders,PROD)"
_TWIN = ORDERS.replace("s3", "S3")
_SALES = ORDERS.replace("orders", "sales")
_DEPLOYED = ["urn:li:mlModelDeployment:(urn:li:dataPlatform:k8s,d,PROD)"]
_MODEL = "urn:li:mlModel:(urn:li:dataPlatform:{},{},PROD)"


def _owned_by(name: str) -> dict[str, Any]:
    """Return the ownership aspect with one user."""
    return {"owners": [{"owner": f"urn:li:corpuser:{name}"}]}


CONTESTED = [
    ("dataset", _TWIN, "ownership", _owned_by("mallory")),
    ("dataset", _TWIN, "status", {"removed": True}),
    ("corpuser", "urn:li:corpuser:(ada)", "corpUserInfo", {"email": "mallory@example.org"}),
    ("mlModel", _MODEL.format("MLflow", "m"), "mlModelProperties", {"deployments": _DEPLOYED}),
    ("dataset", ORDERS, "ownership", _owned_by("ada")),
    ("corpuser", "urn:li:corpuser:ada", "corpUserInfo", {"email": "ada@example.org"}),
    ("dataset", _SALES, "ownership", _owned_by("ada")),
    ("dataset", _SALES, "upstreamLineage", {"upstreams": [{"dataset": ORDERS}]}),
    ("mlModel", _MODEL.format("mlflow", "m"), "mlModelProperties", {}),
    ("mlModel", _MODEL.format("mlflow", "n"), "mlModelProperties", {"deployments": _DEPLOYED}),
    ("mlModelDeployment", _DEPLOYED[0], "status", {"removed": False}),
]
"""Entities whose URNs others would have, too, and entities that refer to them."""
