"""Maps model groups, models as their versions, training runs and deployments."""

from collections.abc import Iterator

from app.ingest.sources.datahub.aspect_files import Entity
from app.ingest.sources.datahub.shared_aspects import Body, SharedAspects, instant, key_values
from graphql_schema.ports.record import JsonObject, Record

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


def model_group(shared: SharedAspects, entity: Entity) -> Body:
    """Map a model group to a model."""
    return {"model": shared.asset(entity, entity.take("mlModelGroupProperties"))}


def model(shared: SharedAspects, entity: Entity) -> Body:
    """Map a model to a version of its first group; a model without a group to a version of a model of its own name."""
    main = entity.take("mlModelProperties")
    shared.estate.count_skipped(entity.type, "mlModelProperties.groups.further", len((main.get("groups") or [])[1:]))
    runs = shared.names.urns(main.get("trainingJobs") or [], entity)
    own = {
        "framework": main.get("type"),
        "params": key_values(main.get("hyperParams")),
        "metrics": shared.metrics(entity, [*(main.get("trainingMetrics") or []), *(main.get("onlineMetrics") or [])]),
        "features": shared.names.urns(main.get("mlFeatures") or [], entity),
        "trainingRun": runs[0] if runs else None,
    }
    return {"modelVersion": shared.asset(entity, main, **own)}


def model_links(shared: SharedAspects, entity: Entity) -> Iterator[Body]:
    """Yield the links of a model to its further training runs, and to deployments whose items do not name it."""
    main, version = entity.take("mlModelProperties"), shared.names.urn(entity.urn)
    for run in shared.names.urns(main.get("trainingJobs") or [], entity)[1:]:
        yield {"link": {"relation": "PRODUCES", "from": run, "to": version}}
    for deployment in dict.fromkeys(main.get("deployments") or []):
        deployed = shared.names.urn(deployment, entity)
        if deployed is not None and shared.deployed_models.get(deployment) != entity.urn:
            yield {"link": {"relation": "DEPLOYED_AS", "from": version, "to": deployed}}


def deployment(shared: SharedAspects, entity: Entity) -> Body:
    """Map a deployment; its model is the first one that lists it, if any does."""
    main = entity.take("mlModelDeploymentProperties")
    deployed = shared.deployed_models.get(entity.urn)
    own = {
        "modelVersion": shared.names.urn(deployed, entity) if deployed else None,
        "environment": entity.urn.removesuffix(")").rsplit(",", 1)[1],
        "status": _DEPLOYMENT_STATUS.get(main.get("status", "")),
        "deployedAt": instant(main.get("createdAt")),
    }
    return {"deployment": shared.asset(entity, main, **own)}


def run(shared: SharedAspects, entity: Entity) -> Body:
    """Map a process instance to a run; without a run event or with an unknown result, its state is COMPLETE."""
    main, training = entity.take("dataProcessInstanceProperties"), entity.take("mlTrainingRunProperties")
    relationships = entity.take("dataProcessInstanceRelationships")
    shared.estate.count_skipped(
        entity.type, "dataProcessInstanceRelationships.upstream", len(relationships.get("upstreamInstances") or [])
    )
    template, parent = relationships.get("parentTemplate"), relationships.get("parentInstance")
    own = {
        "startedAt": instant((main.get("created") or {}).get("time")),
        "params": key_values(training.get("hyperParams")),
        "metrics": shared.metrics(entity, training.get("trainingMetrics") or []),
        "inputs": shared.names.urns(entity.take("dataProcessInstanceInput").get("inputs") or [], entity),
        "outputs": shared.names.urns(entity.take("dataProcessInstanceOutput").get("outputs") or [], entity),
        "workflow": shared.names.urn(template, entity) if template else None,
        "parentRun": shared.names.urn(parent, entity) if parent else None,
        **_state(entity.take("dataProcessInstanceRunEvent")),
    }
    extra = {"type": main.get("type"), "id": training.get("id"), "outputUrls": training.get("outputUrls")}
    return {"run": shared.asset(entity, main, extra=extra, **own)}


def _state(event: Record) -> JsonObject:
    if event.get("status") == "STARTED":
        return {"state": "RUNNING", "startedAt": instant(event.get("timestampMillis"))}
    result = (event.get("result") or {}).get("type", "SUCCESS")
    return {"state": _RUN_RESULT.get(result, "COMPLETE"), "endedAt": instant(event.get("timestampMillis"))}
