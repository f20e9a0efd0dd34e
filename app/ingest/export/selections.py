"""What the export reads of each kind: selections of the contract whose answers are the fields of ``AssetInput``."""

from typing import NamedTuple

_METRICS = "metrics { name value slice }"
_PARAMS = "params { key value }"


class PortableKind(NamedTuple):
    """A kind: its name in ``AssetKind``, its type, its key in ``AssetInput``, and the selection of its own fields.

    An object of which only the ``id`` is selected becomes that id.
    """

    kind: str
    type: str
    key: str
    own: str


PORTABLE_KINDS = (
    PortableKind(
        "DATASET",
        "Dataset",
        "dataset",
        "format location columns { name dataType nullable description sensitivity "
        "derivedFrom { dataset { id } column transformation } }",
    ),
    PortableKind("DATASET_VERSION", "DatasetVersion", "datasetVersion", "version location contentDigest rowCount"),
    PortableKind("FEATURE_SET", "FeatureSet", "featureSet", "entityKeys online"),
    PortableKind("FEATURE", "Feature", "feature", "dataType expression freshnessSla featureSet { id }"),
    PortableKind("MODEL", "Model", "model", "task riskTier intendedUse"),
    PortableKind(
        "MODEL_VERSION",
        "ModelVersion",
        "modelVersion",
        f"version framework artifactUri digest codeRef {_PARAMS} {_METRICS}",
    ),
    PortableKind("WORKFLOW", "Workflow", "workflow", "workflowKind codeRef schedule"),
    PortableKind(
        "RUN",
        "Run",
        "run",
        f"state startedAt endedAt codeVersion error costUsd {_PARAMS} {_METRICS} "
        "workflow { id } parentRun { id } startedBy { id }",
    ),
    PortableKind(
        "EVALUATION", "Evaluation", "evaluation", f"evaluationKind verdict evaluatedAt {_METRICS} modelVersion {{ id }}"
    ),
    PortableKind("SERVICE", "Service", "service", "tier endpoint oncall"),
    PortableKind("DEPLOYMENT", "Deployment", "deployment", "environment status trafficShare deployedAt retiredAt"),
    PortableKind("EXPERIMENT", "Experiment", "experiment", "hypothesis state startedAt endedAt"),
    PortableKind("EXPERIMENT_CELL", "ExperimentCell", "experimentCell", "cell allocation experiment { id }"),
    PortableKind("REPORT", "Report", "report", "reportKind url"),
)

MAX_PAGE_SIZE = 500
"""Items of a page, at most, by the contract."""
ASSETS = 100
NEIGHBOURS = 50
"""Of 2,000 datasets and 6,000 edges on two cores, pages of 25 took 7 s, of 100 4.5 s, of 250 and 500 3.8 s; at 100 an
answer is small even where assets have hundreds of columns. The number of neighbours made no difference."""

_PAGE_INFO = "pageInfo { hasNextPage endCursor }"
_PROPERTIES = "properties { key value }"

_MEMBERS = f"members(first: {MAX_PAGE_SIZE}) {{ nodes {{ id }} {_PAGE_INFO} }}"

REGISTRIES = {
    "users": ("user", f"id name displayName kind email active {_PROPERTIES}"),
    "teams": (
        "team",
        f"id name displayName description {_PROPERTIES} parent {{ id }} {_MEMBERS}",
    ),
    "domains": ("domain", f"id name description {_PROPERTIES} parent {{ id }}"),
    "tags": ("tag", f"id name description tagKind propagates {_PROPERTIES}"),
}
"""Lists beside the assets: the field of Query, the key in ``AssetInput``, and what is read."""

NEIGHBOUR = f"edgeId from to relation origin confidence validFrom validTo runId {_PROPERTIES}"

NEIGHBOURS_DOCUMENT = f"""query ExportNeighbours($id: ID!, $after: Cursor) {{
  asset(id: $id) {{ downstream(first: {MAX_PAGE_SIZE}, after: $after) {{ nodes {{ {NEIGHBOUR} }} {_PAGE_INFO} }} }}
}}"""
"""All neighbours of an asset that has many."""

LOOPS = {
    "DATASET": ("derivedFrom", "DERIVES"),
    "SERVICE": ("calls", "CALLED_BY"),
    "REPORT": ("inputs", "FEEDS"),
    "MODEL_VERSION": ("basedOn", "BASE_OF"),
}
"""The field and the relation by which an asset may lead to itself: neighbours never list the asset."""


def assets_document(kind: PortableKind) -> str:
    """Write the query for a page of assets of one kind."""
    more = ["steps"] if kind.kind == "WORKFLOW" else []
    more += [LOOPS[kind.kind][0]] if kind.kind in LOOPS else []
    lists = " ".join(f"{field}(first: {MAX_PAGE_SIZE}) {{ nodes {{ id }} {_PAGE_INFO} }}" for field in more)
    return f"""query Export{kind.type}($after: Cursor) {{
  assets(filter: {{ kinds: [{kind.kind}] }}, orderBy: {{ field: ID }}, first: {ASSETS}, after: $after) {{
    nodes {{
      id hydration displayName description stage visibility sensitivity: declaredSensitivity sourceCreatedAt
      {_PROPERTIES}
      owners(includeInherited: false) {{ ownership owner {{ ... on Team {{ id }} ... on User {{ id }} }} }}
      tags {{ mode tag {{ id }} }} domain {{ id }} ownerTeam {{ id }} replacedBy {{ id }}
      downstream(first: {NEIGHBOURS}) {{ nodes {{ {NEIGHBOUR} }} {_PAGE_INFO} }}
      ... on {kind.type} {{ {kind.own} {lists} }}
    }}
    {_PAGE_INFO}
  }}
}}"""


def registry_document(name: str) -> str:
    """Write the query for a page of users, teams, domains or tags."""
    _, selection = REGISTRIES[name]
    connection = f"{{ nodes {{ {selection} }} {_PAGE_INFO} }}"
    return f"query Export($after: Cursor) {{ {name}(first: {MAX_PAGE_SIZE}, after: $after) {connection} }}"
