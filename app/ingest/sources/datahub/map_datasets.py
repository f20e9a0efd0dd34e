"""Maps data: datasets with their columns, flows and jobs, charts and dashboards, features and feature tables."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from app.ingest.sources.datahub.aspect_files import Entity, Estate
from app.ingest.sources.datahub.names import split, split_field
from app.ingest.sources.datahub.shared_aspects import Body, SharedAspects, given

_FIELD = "urn:li:schemaField:"


def dataset(facts: SharedAspects, entity: Entity) -> Body:
    """Map a dataset; ``upstreamLineage`` gives ``derivedFrom``, its fine-grained part that of the columns."""
    upstreams = entity.take("upstreamLineage").get("upstreams")
    derived = None if upstreams is None else facts.names.urns([one["dataset"] for one in upstreams])
    main = entity.take("datasetProperties")
    columns = _columns(facts, entity)
    return {"dataset": facts.asset(entity, main, derivedFrom=derived, columns=columns)}


def data_flow(facts: SharedAspects, entity: Entity) -> Body:
    """Map a flow to a workflow; its jobs name it."""
    return {"workflow": facts.asset(entity, entity.take("dataFlowInfo"), workflowKind="flow")}


def data_job(facts: SharedAspects, entity: Entity) -> Body:
    """Map a job to a workflow that is a step of its flow."""
    edges = entity.take("dataJobInputOutput")
    facts.estate.leave_out(entity.type, "dataJobInputOutput.fineGrained", len(edges.get("fineGrainedLineages") or []))
    own = {
        "workflowKind": "job",
        "partOf": facts.names.urn(split(entity.urn)[1][0]),
        "inputs": facts.names.urns(_targets(edges, "inputDatasets", "inputDatasetEdges")),
        "outputs": facts.names.urns(_targets(edges, "outputDatasets", "outputDatasetEdges")),
    }
    return {"workflow": facts.asset(entity, entity.take("dataJobInfo"), **own)}


def job_triggers(facts: SharedAspects, entity: Entity) -> Iterator[Body]:
    """Link a job to the jobs that it waits for."""
    edges = entity.take("dataJobInputOutput")
    for upstream in facts.names.urns(_targets(edges, "inputDatajobs", "inputDatajobEdges")):
        yield {"link": {"relation": "TRIGGERS", "from": upstream, "to": facts.names.urn(entity.urn)}}


def chart(facts: SharedAspects, entity: Entity) -> Body:
    """Map a chart to a report that its datasets feed."""
    main = entity.take("chartInfo")
    inputs = facts.names.urns(_targets(main, "inputs", "inputEdges"))
    url = main.get("chartUrl") or main.get("externalUrl")
    return {"report": facts.asset(entity, main, reportKind="chart", url=url, inputs=inputs)}


def dashboard(facts: SharedAspects, entity: Entity) -> Body:
    """Map a dashboard to a report that its charts, datasets and inner dashboards feed."""
    main = entity.take("dashboardInfo")
    inputs = _targets(main, "charts", "chartEdges", "datasets", "datasetEdges", "dashboards")
    url = main.get("dashboardUrl") or main.get("externalUrl")
    return {"report": facts.asset(entity, main, reportKind="dashboard", url=url, inputs=facts.names.urns(inputs))}


def feature(facts: SharedAspects, entity: Entity) -> Body:
    """Map a feature; the feature table that holds it names it."""
    main = entity.take("mlFeatureProperties")
    derived = facts.names.urns(main.get("sources") or [])
    return {"feature": facts.asset(entity, main, dataType=main.get("dataType"), derivedFrom=derived)}


def feature_table(facts: SharedAspects, entity: Entity) -> Body:
    """Map a feature table to a feature set that contains its features."""
    main = entity.take("mlFeatureTableProperties")
    return {"featureSet": facts.asset(entity, main, features=facts.names.urns(main.get("mlFeatures") or []))}


def _targets(body: Mapping[str, Any], *fields: str) -> list[str]:
    """Read references in each of their spellings: plain ids, ``{"string": id}`` and ``{"destinationUrn": id}``."""
    references = (one for name in fields for one in body.get(name) or [])
    return [
        one if isinstance(one, str) else one.get("destinationUrn") or next(iter(one.values())) for one in references
    ]


def _columns(facts: SharedAspects, entity: Entity) -> list[dict[str, Any]] | None:
    """Map the columns: those of the schema, those with a record of their own, those that lineage names."""
    described = {one["fieldPath"]: one for one in entity.take("schemaMetadata").get("fields") or []}
    edited = {
        one["fieldPath"]: one for one in entity.take("editableSchemaMetadata").get("editableSchemaFieldInfo") or []
    }
    sources = _column_sources(facts, entity)
    records = facts.columns.get(entity.urn, {})
    for aspect, fields in (("schemaMetadata", described.values()), ("editableSchemaMetadata", edited.values())):
        _leave_out_classifications(facts.estate, aspect, fields)
    names = dict.fromkeys((*described, *records, *sources))
    if not names and "schemaMetadata" not in entity.aspects:
        return None
    return [
        _column(name, described.get(name, {}), edited.get(name, {}), records.get(name), sources.get(name))
        for name in names
    ]


def _column(
    name: str, described: Mapping[str, Any], edited: Mapping[str, Any], record: Entity | None, sources: object
) -> dict[str, Any]:
    texts = [edited.get("description"), described.get("description")]
    if record is not None:
        for aspect in ("schemaFieldKey", "status"):
            record.take(aspect)
        texts += [one.get("documentation") for one in record.take("documentation").get("documentations") or []]
    return given(
        {
            "name": name,
            "dataType": described.get("nativeDataType"),
            "nullable": described.get("nullable"),
            "description": next((text for text in texts if text), None),
            "derivedFrom": sources,
        }
    )


def _column_sources(facts: SharedAspects, entity: Entity) -> dict[str, list[dict[str, Any]]]:
    """Read column lineage: every upstream column of a fine-grained lineage feeds every downstream one."""
    found: dict[str, dict[tuple[str | None, str], dict[str, Any]]] = defaultdict(dict)
    for lineage in entity.aspects.get("upstreamLineage", {}).get("fineGrainedLineages") or []:
        operation = lineage.get("transformOperation")
        for downstream in lineage.get("downstreams") or []:
            owner, column = split_field(downstream)
            if owner != entity.urn:
                facts.estate.leave_out(entity.type, "upstreamLineage.fineGrained.ofOtherDataset")
                continue
            for upstream in lineage.get("upstreams") or []:
                if not upstream.startswith(_FIELD):
                    facts.estate.leave_out(entity.type, "upstreamLineage.fineGrained.ofWholeDataset")
                    continue
                source, source_column = split_field(upstream)
                reference = {"dataset": facts.names.urn(source), "column": source_column}
                if operation and operation != "NONE":
                    reference["transformation"] = operation
                found[column].setdefault((source, source_column), reference)
    return {column: list(references.values()) for column, references in found.items()}


def _leave_out_classifications(estate: Estate, aspect: str, fields: Iterable[Mapping[str, Any]]) -> None:
    """Count tags and terms of single columns: the contract has them on assets only."""
    for one in fields:
        estate.leave_out("dataset", f"{aspect}.tags", len((one.get("globalTags") or {}).get("tags") or []))
        estate.leave_out("dataset", f"{aspect}.terms", len((one.get("glossaryTerms") or {}).get("terms") or []))
