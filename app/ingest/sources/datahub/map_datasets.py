"""Maps data: datasets with their columns, flows and jobs, charts and dashboards, features and feature tables."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from app.ingest.sources.datahub.aspect_files import Entity, Estate
from app.ingest.sources.datahub.names import split
from app.ingest.sources.datahub.shared_aspects import Body, SharedAspects, without_nulls
from graphql_schema.ports.record import JsonObject, Record

_FIELD = "urn:li:schemaField:"


def dataset(shared: SharedAspects, entity: Entity) -> Body:
    """Map a dataset; ``upstreamLineage`` becomes ``derivedFrom`` of the dataset and of its columns."""
    upstreams = entity.take("upstreamLineage").get("upstreams")
    derived = None if upstreams is None else shared.names.urns([one["dataset"] for one in upstreams], entity)
    main = entity.take("datasetProperties")
    columns = _columns(shared, entity)
    return {"dataset": shared.asset(entity, main, derivedFrom=derived, columns=columns)}


def data_flow(shared: SharedAspects, entity: Entity) -> Body:
    """Map a flow to a workflow; the items of its jobs name it in ``partOf``."""
    return {"workflow": shared.asset(entity, entity.take("dataFlowInfo"), workflowKind="flow")}


def data_job(shared: SharedAspects, entity: Entity) -> Body:
    """Map a job to a workflow that is a step of its flow."""
    edges = entity.take("dataJobInputOutput")
    shared.estate.count_skipped(
        entity.type, "dataJobInputOutput.fineGrained", len(edges.get("fineGrainedLineages") or [])
    )
    own = {
        "workflowKind": "job",
        "partOf": shared.names.urn(split(entity.urn)[1][0], entity),
        "inputs": shared.names.urns(_targets(edges, "inputDatasets", "inputDatasetEdges"), entity),
        "outputs": shared.names.urns(_targets(edges, "outputDatasets", "outputDatasetEdges"), entity),
    }
    return {"workflow": shared.asset(entity, entity.take("dataJobInfo"), **own)}


def job_triggers(shared: SharedAspects, entity: Entity) -> Iterator[Body]:
    """Yield the links from the jobs that a job waits for."""
    edges = entity.take("dataJobInputOutput")
    for upstream in shared.names.urns(_targets(edges, "inputDatajobs", "inputDatajobEdges"), entity):
        yield {"link": {"relation": "TRIGGERS", "from": upstream, "to": shared.names.urn(entity.urn)}}


def chart(shared: SharedAspects, entity: Entity) -> Body:
    """Map a chart to a report that its datasets feed."""
    main = entity.take("chartInfo")
    inputs = shared.names.urns(_targets(main, "inputs", "inputEdges"), entity)
    url = main.get("chartUrl") or main.get("externalUrl")
    return {"report": shared.asset(entity, main, reportKind="chart", url=url, inputs=inputs)}


def dashboard(shared: SharedAspects, entity: Entity) -> Body:
    """Map a dashboard to a report that its charts, datasets and inner dashboards feed."""
    main = entity.take("dashboardInfo")
    inputs = shared.names.urns(_targets(main, "charts", "chartEdges", "datasets", "datasetEdges", "dashboards"), entity)
    url = main.get("dashboardUrl") or main.get("externalUrl")
    return {"report": shared.asset(entity, main, reportKind="dashboard", url=url, inputs=inputs)}


def feature(shared: SharedAspects, entity: Entity) -> Body:
    """Map a feature; the item of its feature table names it in ``features``."""
    main = entity.take("mlFeatureProperties")
    derived = shared.names.urns(main.get("sources") or [], entity)
    return {"feature": shared.asset(entity, main, dataType=main.get("dataType"), derivedFrom=derived)}


def feature_table(shared: SharedAspects, entity: Entity) -> Body:
    """Map a feature table to a feature set that contains its features."""
    main = entity.take("mlFeatureTableProperties")
    features = shared.names.urns(main.get("mlFeatures") or [], entity)
    return {"featureSet": shared.asset(entity, main, features=features)}


def _targets(body: Record, *fields: str) -> list[str]:
    """Return the ids of references in all their forms: plain ids, ``{"string": id}``, ``{"destinationUrn": id}``."""
    references = (one for name in fields for one in body.get(name) or [])
    return [
        one if isinstance(one, str) else one.get("destinationUrn") or next(iter(one.values())) for one in references
    ]


def _columns(shared: SharedAspects, entity: Entity) -> list[JsonObject] | None:
    """Map the columns of the schema, those with an entity of their own, and those that lineage names.

    Return None if there are no such columns and the dataset has no `schemaMetadata`.
    """
    described = {one["fieldPath"]: one for one in entity.take("schemaMetadata").get("fields") or []}
    edited = {
        one["fieldPath"]: one for one in entity.take("editableSchemaMetadata").get("editableSchemaFieldInfo") or []
    }
    sources = _column_sources(shared, entity)
    records = shared.columns.get(entity.urn, {})
    for aspect, fields in (("schemaMetadata", described.values()), ("editableSchemaMetadata", edited.values())):
        _count_classifications(shared.estate, aspect, fields)
    names = dict.fromkeys((*described, *records, *sources))
    if not names and "schemaMetadata" not in entity.aspects:
        return None
    return [
        _column(name, described.get(name, {}), edited.get(name, {}), records.get(name), sources.get(name))
        for name in names
    ]


def _column(name: str, described: Record, edited: Record, record: Entity | None, sources: object) -> JsonObject:
    texts = [edited.get("description"), described.get("description")]
    if record is not None:
        for aspect in ("schemaFieldKey", "status"):
            record.take(aspect)
        texts += [one.get("documentation") for one in record.take("documentation").get("documentations") or []]
    return without_nulls(
        {
            "name": name,
            "dataType": described.get("nativeDataType"),
            "nullable": described.get("nullable"),
            "description": next((text for text in texts if text), None),
            "derivedFrom": sources,
        }
    )


def _column_sources(shared: SharedAspects, entity: Entity) -> dict[str, list[JsonObject]]:
    """Return the sources of each column; every upstream column of a fine-grained lineage feeds every downstream one."""
    found: dict[str, dict[tuple[str, str], JsonObject]] = defaultdict(dict)
    for lineage in entity.aspects.get("upstreamLineage", {}).get("fineGrainedLineages") or []:
        operation = lineage.get("transformOperation")
        for downstream in lineage.get("downstreams") or []:
            field = shared.names.field(downstream, entity)
            if field is None:
                continue
            owner, column = field
            if owner != entity.urn:
                shared.estate.count_skipped(entity.type, "upstreamLineage.fineGrained.ofOtherDataset")
                continue
            for upstream in lineage.get("upstreams") or []:
                if not upstream.startswith(_FIELD):
                    shared.estate.count_skipped(entity.type, "upstreamLineage.fineGrained.ofWholeDataset")
                    continue
                source_field = shared.names.field(upstream, entity)
                source = source_field and shared.names.urn(source_field[0], entity)
                if not source_field or source is None:
                    continue
                reference = {"dataset": source, "column": source_field[1]}
                if operation and operation != "NONE":
                    reference["transformation"] = operation
                found[column].setdefault(source_field, reference)
    return {column: list(references.values()) for column, references in found.items()}


def _count_classifications(estate: Estate, aspect: str, fields: Iterable[Record]) -> None:
    """Count tags and terms of columns as skipped, because the API has them on assets only."""
    for one in fields:
        estate.count_skipped("dataset", f"{aspect}.tags", len((one.get("globalTags") or {}).get("tags") or []))
        estate.count_skipped("dataset", f"{aspect}.terms", len((one.get("glossaryTerms") or {}).get("terms") or []))
