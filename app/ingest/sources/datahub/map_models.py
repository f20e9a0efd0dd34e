"""Maps models: groups, their versions, training runs and deployments."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.ingest.sources.datahub.aspect_files import Entity
from app.ingest.sources.datahub.shared_aspects import Body, SharedAspects, instant, key_values

_DEPLOYMENT_STATUS = {
    "IN_SERVICE": "ACTIVE",
    "CREATING": "PENDING",
    "UPDATING": "PENDING",
    "ROLLING_BACK": "ROLLED_BACK",
    "FAILED": "ROLLED_BACK",
    "DELETING": "RETIRED",
    "OUT_OF_SERVICE": "RETIRED",
}

_RUN_RESULT = {"SUCCESS": "COMPLETE", "FAILURE": "FAIL", "UP_FOR_RETRY": "FAIL", "SKIPPED": "ABORT"}


def model_group(facts: SharedAspects, entity: Entity) -> Body:
    """Map a model group to a model."""
    return {"model": facts.asset(entity, entity.take("mlModelGroupProperties"))}


def model(facts: SharedAspects, entity: Entity) -> Body:
    """Map a model to a version of its group."""
    main = entity.take("mlModelProperties")
    facts.estate.leave_out(entity.type, "mlModelProperties.groups.further", len((main.get("groups") or [])[1:]))
    runs = facts.names.urns(main.get("trainingJobs") or [])
    own = {
        "framework": main.get("type"),
        "params": key_values(main.get("hyperParams")),
        "metrics": facts.metrics(entity, [*(main.get("trainingMetrics") or []), *(main.get("onlineMetrics") or [])]),
        "features": facts.names.urns(main.get("mlFeatures") or []),
        "trainingRun": runs[0] if runs else None,
    }
    return {"modelVersion": facts.asset(entity, main, **own)}


def model_links(facts: SharedAspects, entity: Entity) -> Iterator[Body]:
    """Link a model to further training runs, and to the deployments that do not name it themselves."""
    main, version = entity.take("mlModelProperties"), facts.names.urn(entity.urn)
    for run in facts.names.urns(main.get("trainingJobs") or [])[1:]:
        yield {"link": {"relation": "PRODUCES", "from": run, "to": version}}
    for deployment in dict.fromkeys(main.get("deployments") or []):
        if facts.deployed_models.get(deployment) != entity.urn:
            yield {"link": {"relation": "DEPLOYED_AS", "from": version, "to": facts.names.urn(deployment)}}


def deployment(facts: SharedAspects, entity: Entity) -> Body:
    """Map a deployment of the model that names it."""
    main = entity.take("mlModelDeploymentProperties")
    deployed = facts.deployed_models.get(entity.urn)
    own = {
        "modelVersion": facts.names.urn(deployed) if deployed else None,
        "environment": entity.urn.removesuffix(")").rsplit(",", 1)[1],
        "status": _DEPLOYMENT_STATUS.get(main.get("status", "")),
        "deployedAt": instant(main.get("createdAt")),
    }
    return {"deployment": facts.asset(entity, main, **own)}


def run(facts: SharedAspects, entity: Entity) -> Body:
    """Map a process instance to a run. Without a run event its state is not known: it left its results, so COMPLETE."""
    main, training = entity.take("dataProcessInstanceProperties"), entity.take("mlTrainingRunProperties")
    ties = entity.take("dataProcessInstanceRelationships")
    facts.estate.leave_out(
        entity.type, "dataProcessInstanceRelationships.upstream", len(ties.get("upstreamInstances") or [])
    )
    own = {
        "startedAt": instant((main.get("created") or {}).get("time")),
        "params": key_values(training.get("hyperParams")),
        "metrics": facts.metrics(entity, training.get("trainingMetrics") or []),
        "inputs": facts.names.urns(entity.take("dataProcessInstanceInput").get("inputs") or []),
        "outputs": facts.names.urns(entity.take("dataProcessInstanceOutput").get("outputs") or []),
        "workflow": facts.names.urn(ties["parentTemplate"]) if ties.get("parentTemplate") else None,
        "parentRun": facts.names.urn(ties["parentInstance"]) if ties.get("parentInstance") else None,
        **_state(entity.take("dataProcessInstanceRunEvent")),
    }
    further = {"type": main.get("type"), "id": training.get("id"), "outputUrls": training.get("outputUrls")}
    return {"run": facts.asset(entity, main, further=further, **own)}


def _state(event: Mapping[str, Any]) -> dict[str, Any]:
    if event.get("status") == "STARTED":
        return {"state": "RUNNING", "startedAt": instant(event.get("timestampMillis"))}
    result = (event.get("result") or {}).get("type", "SUCCESS")
    return {"state": _RUN_RESULT.get(result, "COMPLETE"), "endedAt": instant(event.get("timestampMillis"))}
