"""The table of facets: how facets of the specification become a value, an edge or a check.

docs/openlineage-facets.md is made of this table. A facet without a line is kept as a property, as is one of a sender.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Final

from app.ingest.sources.openlineage import dataset_facets, job_facets, run_facets, shared_facets
from app.ingest.sources.openlineage.contribution import PREFIX, Contribution, EventFacet
from app.ingest.sources.openlineage.event_names import EventNames
from graphql_schema.rules.observation.observed_columns import MAX_PARTS

Mapper = Callable[[EventFacet, Contribution, EventNames], Generator[None] | None]
"""Adds what a facet says to a contribution; raises FacetError if the facet cannot be mapped.

A facet may have 10,000 elements with long names, a quarter of a second in all. So a facet with elements is mapped by a
generator, which pauses before each of them; another one is mapped at once, by a function that returns None.
"""


@dataclass(frozen=True, slots=True)
class FacetRule:
    """How a facet is mapped: its ``name``, the text of the page, and the function that does it.

    ``mapper`` is None for a facet that :mod:`app.ingest.sources.openlineage.mapping` maps itself. ``removable`` are the
    fields, and the keys of properties, that the facet removes if it is sent with `_deleted`.
    """

    name: str
    becomes: str
    mapper: Mapper | None = None
    removable: tuple[str, ...] = ()


DATASET: Final = (
    FacetRule(
        "schema",
        "`columns` with name, type and description, in this order; a nested column is `a.b`. A column of a client "
        "remains, and so do its sensitivity and its description.",
        dataset_facets.schema,
        ("columns",),
    ),
    FacetRule(
        "columnLineage",
        "`derivedFrom` of the columns, for each job apart: a job replaces what it said before. The transformations are "
        f"`TYPE/SUBTYPE: description`. Of more than {MAX_PARTS} parts of one sender, or 48 KiB, the last ones count: "
        "one for each job and facet, where `lineage` of a dataset and `lineage` of a job are two facets. Sources that "
        "a client registered remain.",
        removable=("columns.derivedFrom",),
    ),
    FacetRule(
        "lineage",
        "An input of the type DATASET is `derivedFrom` of the dataset. An input of the type JOB has the dataset among "
        "its `outputs`: the run with its `runId`, else the workflow that it names, else the run or job of the event. "
        "`fields` are `derivedFrom` of the columns, as in `columnLineage`. The edges of its inputs remain if it is "
        "removed.",
        removable=("columns.derivedFrom",),
    ),
    FacetRule("documentation", "`description`.", dataset_facets.documentation, ("description",)),
    FacetRule(
        "dataSource",
        "`location` is `uri`; the property `openlineage.dataSource`. Both are without user, query and fragment.",
        dataset_facets.data_source,
        ("location", "openlineage.dataSource"),
    ),
    FacetRule(
        "storage",
        "`format` is `fileFormat`, else `storageLayer`; a property for the layer.",
        dataset_facets.storage,
        ("format", "openlineage.storageLayer"),
    ),
    FacetRule(
        "datasetType",
        "The property `openlineage.datasetType`.",
        dataset_facets.dataset_type,
        ("openlineage.datasetType",),
    ),
    FacetRule(
        "version",
        "A DatasetVersion, which the run or job reads or produces beside the dataset; the property "
        "`openlineage.version`.",
        dataset_facets.version,
        ("openlineage.version",),
    ),
    FacetRule(
        "symlinks",
        "A symlink of the type TABLE is the identity of the dataset; all are in the property `openlineage.symlinks`. "
        "The id that the dataset would have without it is in a property `openlineage.symlink.ID`.",
        dataset_facets.symlinks,
    ),
    FacetRule(
        "ownership",
        "`owners`: `user:x` and an e-mail address are users, others are teams. OWNER, BUSINESS and BUSINESS_OWNER are "
        "BUSINESS, STEWARD and DATA_STEWARD are STEWARD, ONCALL is ONCALL, other types are TECHNICAL. The list "
        "replaces that of earlier events. An owner must be registered.",
        shared_facets.ownership,
        ("owners",),
    ),
    FacetRule(
        "tags",
        "`tags`: the tag `key`, or `key:value` unless the value is `true` or absent. The list replaces that of earlier "
        "events. The tag of a column is a property.",
        dataset_facets.column_tags,
        ("tags",),
    ),
    FacetRule(
        "lifecycleStateChange",
        "The property `openlineage.lifecycle`. DROP sets the stage RETIRED, CREATE sets ACTIVE; both need the right. "
        "RENAME links the earlier dataset by `replacedBy`.",
        dataset_facets.lifecycle,
    ),
    FacetRule(
        "dataQualityAssertions",
        "A check for each assertion and column, with PASS or FAIL at `eventTime`.",
        dataset_facets.assertions,
    ),
    FacetRule(
        "dataQualityMetrics",
        "Checks with a value: rows, bytes, files, and per column nulls, distinct values and count. They PASS, because "
        "nothing is expected. Other metrics of columns are left out.",
        dataset_facets.metrics,
    ),
    FacetRule(
        "outputStatistics", "Checks with a value: rows, bytes and files written.", dataset_facets.output_statistics
    ),
    FacetRule("inputStatistics", "Checks with a value: rows, bytes and files read.", dataset_facets.input_statistics),
)
"""The facets of datasets, inputs and outputs."""

JOB: Final = (
    FacetRule("documentation", "`description`.", job_facets.documentation, ("description",)),
    FacetRule(
        "jobType",
        "`workflowKind` is the integration in lower case; properties for the type and the way of processing.",
        job_facets.job_type,
        ("workflowKind", "openlineage.jobType", "openlineage.processingType"),
    ),
    FacetRule(
        "sourceCodeLocation",
        "`codeRef`, without user, query and fragment of the address, and for a run event `codeVersion` of the run; "
        "properties for branch, tag and version.",
        job_facets.code_location,
        ("codeRef", "openlineage.code.branch", "openlineage.code.tag", "openlineage.code.version"),
    ),
    FacetRule(
        "sourceCode",
        "The properties `openlineage.code.language` and `openlineage.code.text`.",
        job_facets.source_code,
        ("openlineage.code.language", "openlineage.code.text"),
    ),
    FacetRule(
        "sql",
        "The properties `openlineage.sql` and `openlineage.sql.dialect`.",
        job_facets.sql,
        ("openlineage.sql", "openlineage.sql.dialect"),
    ),
    FacetRule(
        "lineage",
        "`entries`: one of the type DATASET is the facet `lineage` of that dataset. One of the type JOB has its inputs "
        "of the type DATASET among its `inputs`; those of the type JOB are left out.",
    ),
    FacetRule("ownership", "`owners`, as for datasets.", shared_facets.ownership, ("owners",)),
    FacetRule("tags", "`tags`, as for datasets.", shared_facets.tags, ("tags",)),
)
"""The facets of jobs."""

RUN: Final = (
    FacetRule(
        "parent",
        "`parentRun`; the job of the parent contains the job, and the parent is a run of its job. The root is the "
        "property `openlineage.rootRun`.",
    ),
    FacetRule(
        "nominalTime",
        "The properties `openlineage.nominalStart` and `openlineage.nominalEnd`.",
        run_facets.nominal_time,
    ),
    FacetRule(
        "errorMessage",
        "`error`; the property `openlineage.programmingLanguage`. The stack trace is left out.",
        run_facets.error_message,
    ),
    FacetRule(
        "processing_engine",
        "The properties `openlineage.engine` and `openlineage.adapter`.",
        run_facets.processing_engine,
    ),
    FacetRule("externalQuery", "The property `openlineage.externalQuery`.", run_facets.external_query),
    FacetRule("environmentVariables", "`params`, which are secret.", run_facets.environment),
    FacetRule("extractionError", "The property `openlineage.extractionErrors`.", run_facets.extraction_error),
    FacetRule("tags", "Properties `openlineage.tag.KEY`.", shared_facets.tag_properties),
)
"""The facets of runs."""

KEPT: Final = FacetRule(
    "",
    "The property `openlineage.NAME` with the facet as JSON, up to 2,000 characters.",
    shared_facets.kept,
    (f"{PREFIX}NAME",),
)
"""The rule of every other facet."""


def rules_of(table: tuple[FacetRule, ...]) -> dict[str, FacetRule]:
    """Return the rules of a table by name."""
    return {rule.name: rule for rule in table}
