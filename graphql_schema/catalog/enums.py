"""The enumerations that assets and inputs share; the value of a member is its GraphQL name, as stored."""

from enum import Enum

import strawberry

value = strawberry.enum_value


@strawberry.enum(description="The kind of a governed asset.")
class AssetKind(Enum):
    """The kinds of the catalog that are assets."""

    DATASET = value("DATASET", description="A table, a collection of files, a topic, a view.")
    DATASET_VERSION = value("DATASET_VERSION", description="An immutable snapshot of a dataset.")
    FEATURE_SET = value("FEATURE_SET", description="Features that are served together.")
    FEATURE = value("FEATURE", description="One feature.")
    MODEL = value("MODEL", description="A registered model.")
    MODEL_VERSION = value("MODEL_VERSION", description="An immutable version of a model.")
    WORKFLOW = value("WORKFLOW", description="The definition of a pipeline or of one of its steps.")
    RUN = value("RUN", description="One execution of a workflow.")
    EVALUATION = value("EVALUATION", description="A model version measured on data.")
    SERVICE = value("SERVICE", description="A production service.")
    DEPLOYMENT = value("DEPLOYMENT", description="A model version serving in a service.")
    EXPERIMENT = value("EXPERIMENT", description="An online test.")
    EXPERIMENT_CELL = value("EXPERIMENT_CELL", description="One arm of an experiment.")
    REPORT = value("REPORT", description="A dashboard, chart or document that people read.")


@strawberry.enum(name="Relation", description="An edge label between assets.")
class RelationName(Enum):
    """The relations that callers may name."""

    INPUT_TO = value("INPUT_TO", description="Data, a feature or a model version is read by a run or workflow.")
    PRODUCES = value("PRODUCES", description="A run, workflow or service makes something.")
    DERIVES = value("DERIVES", description="Data or a feature is computed from other data or features.")
    FEEDS = value("FEEDS", description="Data or features go into a model, service or report.")
    BASE_OF = value("BASE_OF", description="A model is the starting point of another: fine-tuned, distilled, joined.")
    EVALUATED_BY = value("EVALUATED_BY", description="What an evaluation measured, on what, and against what baseline.")
    DEPLOYED_AS = value("DEPLOYED_AS", description="A model version is what a deployment runs.")
    SERVED_BY = value("SERVED_BY", description="A deployment serves in a service.")
    TESTED_IN = value("TESTED_IN", description="A model version or deployment is what an experiment cell tests.")
    CELL_OF = value("CELL_OF", description="A cell is an arm of an experiment.")
    CALLED_BY = value("CALLED_BY", description="A service is called by a service that depends on it.")
    TRIGGERS = value("TRIGGERS", description="A workflow starts another.")
    VERSION_OF = value("VERSION_OF", description="A version belongs to its asset.")
    PRECEDES = value("PRECEDES", description="A version comes before the next one.")
    RUN_OF = value("RUN_OF", description="A run executes a workflow.")
    CHILD_OF = value("CHILD_OF", description="A run was started by another run.")
    STARTED_BY = value("STARTED_BY", description="A run was started by a person or service account.")
    CONTAINS = value("CONTAINS", description="A feature set holds features, a workflow its steps, a domain its assets.")
    REPLACED_BY = value("REPLACED_BY", description="An asset gives way to another.")


@strawberry.enum(description="How an edge came to be known.")
class EdgeOrigin(Enum):
    """Who says so."""

    DECLARED = value("DECLARED", description="A person or script said so.")
    OBSERVED = value("OBSERVED", description="A run was seen doing so.")
    INFERRED = value("INFERRED", description="Derived by enrichment, with a confidence.")


@strawberry.enum(description="Where an asset is in its life.")
class LifecycleStage(Enum):
    """Stages, in order."""

    DRAFT = value("DRAFT", description="Being prepared; not to be relied on.")
    ACTIVE = value("ACTIVE", description="In use.")
    DEPRECATED = value("DEPRECATED", description="Still there; do not start to use it.")
    RETIRED = value("RETIRED", description="No longer in use.")


@strawberry.enum(description="Who may discover an asset.")
class Visibility(Enum):
    """Who may discover an asset."""

    ORG = value("ORG", description="Everyone of the organisation.")
    TEAM = value("TEAM", description="The owning team.")


@strawberry.enum(description="How sensitive an asset is, from open to restricted.")
class Sensitivity(Enum):
    """Sensitivity, in order."""

    PUBLIC = value("PUBLIC", description="May leave the organisation.")
    INTERNAL = value("INTERNAL", description="For everyone inside.")
    CONFIDENTIAL = value("CONFIDENTIAL", description="For those who need it.")
    RESTRICTED = value("RESTRICTED", description="For named people and purposes.")


@strawberry.enum(description="Whether an asset was registered or only mentioned.")
class Hydration(Enum):
    """Whether an asset was registered or only mentioned."""

    STUB = value("STUB", description="Only referred to so far; completed when its registration arrives.")
    FULL = value("FULL", description="Registered.")


@strawberry.enum(description="What an owner is responsible for.")
class OwnershipKind(Enum):
    """What an owner is responsible for."""

    TECHNICAL = value("TECHNICAL", description="Builds and runs it.")
    BUSINESS = value("BUSINESS", description="Decides what it is for.")
    STEWARD = value("STEWARD", description="Looks after its quality and meaning.")
    ONCALL = value("ONCALL", description="Answers when it breaks.")


@strawberry.enum(description="How a tag came to an asset.")
class TagMode(Enum):
    """How a tag came to an asset."""

    DIRECT = value("DIRECT", description="Someone put it there.")
    PROPAGATED = value("PROPAGATED", description="It arrived along lineage.")
    BLOCKED = value("BLOCKED", description="It must not arrive here, nor pass on.")


@strawberry.enum(description="What an evaluation concluded.")
class Verdict(Enum):
    """What an evaluation concluded."""

    PASS = value("PASS", description="Good enough.")
    WARN = value("WARN", description="Look at it.")
    FAIL = value("FAIL", description="Not good enough.")


@strawberry.enum(name="PrincipalKind", description="A person, or a program under its own name.")
class PrincipalType(Enum):
    """A person, or a program under its own name."""

    PERSON = value("PERSON", description="A person.")
    SERVICE_ACCOUNT = value("SERVICE_ACCOUNT", description="A program.")


@strawberry.enum(description="What kind of change it was.")
class ChangeAction(Enum):
    """The actions of the audit."""

    REGISTERED = value("REGISTERED", description="It was registered, or first referred to.")
    UPDATED = value("UPDATED", description="Some of its fields changed.")
    LINKED = value("LINKED", description="An edge was declared.")
    UNLINKED = value("UNLINKED", description="An edge was ended.")
    OWNERS_SET = value("OWNERS_SET", description="It got other owners.")
    TAGGED = value("TAGGED", description="Its tags changed.")
    STAGE_SET = value("STAGE_SET", description="It came to another stage of its life.")
    ALIAS_SET = value("ALIAS_SET", description="A name came to stand for a version.")
    APPROVED = value("APPROVED", description="Somebody decided about it for a gate.")
    DELETED = value("DELETED", description="It was deleted.")
    RESTORED = value("RESTORED", description="Its deletion was taken back.")
    REVERTED = value("REVERTED", description="An earlier change was undone.")


@strawberry.enum(description="A decision about an asset for a gate.")
class ApprovalDecision(Enum):
    """What was decided."""

    APPROVED = value("APPROVED", description="It may pass.")
    REJECTED = value("REJECTED", description="It may not pass.")
    REVOKED = value("REVOKED", description="An earlier approval does not count any more.")


@strawberry.enum(description="What a check looks at.")
class CheckKind(Enum):
    """Kinds of monitors."""

    FRESHNESS = value("FRESHNESS", description="How old the data are.")
    SCHEMA = value("SCHEMA", description="Whether columns and types are as expected.")
    VOLUME = value("VOLUME", description="How much there is.")
    DRIFT = value("DRIFT", description="Whether the data have moved away from what they were.")
    SKEW = value("SKEW", description="Whether serving sees what training saw.")
    PERFORMANCE = value("PERFORMANCE", description="How good predictions are, or how fast.")
    BIAS = value("BIAS", description="Whether groups are treated alike.")


@strawberry.enum(description="What a check found.")
class CheckStatus(Enum):
    """Outcomes of a check."""

    PASS = value("PASS", description="As it should be.")
    WARN = value("WARN", description="To be looked at.")
    FAIL = value("FAIL", description="Not as it should be.")
    ERROR = value("ERROR", description="The check itself did not work.")


@strawberry.enum(description="Whether a problem stands.")
class IncidentState(Enum):
    """States of an incident."""

    OPEN = value("OPEN", description="It stands.")
    RESOLVED = value("RESOLVED", description="It is over.")


@strawberry.enum(description="How bad a problem is.")
class Severity(Enum):
    """Severities, in order."""

    LOW = value("LOW", description="An inconvenience.")
    MEDIUM = value("MEDIUM", description="Some are affected.")
    HIGH = value("HIGH", description="Many are affected.")
    CRITICAL = value("CRITICAL", description="Stop and repair.")


@strawberry.enum(description="How an asset is.")
class HealthStatus(Enum):
    """States of health."""

    HEALTHY = value("HEALTHY", description="Something looks at it, and nothing is wrong here or upstream.")
    DEGRADED = value("DEGRADED", description="A light cause of its own, or any upstream.")
    UNHEALTHY = value("UNHEALTHY", description="A grave cause of its own.")
    UNKNOWN = value("UNKNOWN", description="Nothing is wrong upstream, and nothing looks at it.")
