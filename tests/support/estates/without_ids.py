"""Metadata of DataHub of which no ids are made, or the ids of others, beside entities that are imported."""

from typing import Any

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
    return [
        {"entityType": kind, "entityUrn": urn, "aspectName": aspect, "aspect": {"json": body}}
        for kind, urn, aspect, body in _ASPECTS
    ]
