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


@strawberry.enum(description="An edge label between assets.")
class Relation(Enum):
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


@strawberry.enum(description="How much of an asset the viewer may see.")
class AccessGrade(Enum):
    """How much of an asset the viewer may see."""

    DISCOVER = value("DISCOVER", description="That it exists, what it is called and whom to ask.")
    READ = value("READ", description="Its fields, apart from those listed as hidden.")


@strawberry.enum(description="What an owner is responsible for.")
class OwnershipKind(Enum):
    """What an owner is responsible for."""

    TECHNICAL = value("TECHNICAL", description="Builds and runs it.")
    BUSINESS = value("BUSINESS", description="Decides what it is for.")
    STEWARD = value("STEWARD", description="Looks after its quality and meaning.")
    ONCALL = value("ONCALL", description="Answers when it breaks.")


@strawberry.enum(description="What a tag is for.")
class TagKind(Enum):
    """What a tag is for."""

    FREE = value("FREE", description="Any word people find useful.")
    QUALITY = value("QUALITY", description="A statement about quality.")
    PII = value("PII", description="Personal data.")
    REGULATORY = value("REGULATORY", description="A regulation that applies.")


@strawberry.enum(description="How a tag came to an asset.")
class TagMode(Enum):
    """How a tag came to an asset."""

    DIRECT = value("DIRECT", description="Someone put it there.")
    PROPAGATED = value("PROPAGATED", description="It arrived along lineage.")
    BLOCKED = value("BLOCKED", description="It must not arrive here, nor pass on.")


@strawberry.enum(description="How much harm a model can do.")
class RiskTier(Enum):
    """How much harm a model can do."""

    LOW = value("LOW", description="Little.")
    MEDIUM = value("MEDIUM", description="Some.")
    HIGH = value("HIGH", description="Much.")


@strawberry.enum(description="The state of a run.")
class RunState(Enum):
    """The state of a run, in the words of OpenLineage."""

    START = value("START", description="It has begun.")
    RUNNING = value("RUNNING", description="It goes on.")
    COMPLETE = value("COMPLETE", description="It ended well.")
    FAIL = value("FAIL", description="It failed.")
    ABORT = value("ABORT", description="It was stopped.")


@strawberry.enum(description="How an evaluation was made.")
class EvaluationKind(Enum):
    """How an evaluation was made."""

    OFFLINE = value("OFFLINE", description="On recorded data.")
    SHADOW = value("SHADOW", description="On live traffic, without effect.")
    ONLINE = value("ONLINE", description="On live traffic.")


@strawberry.enum(description="What an evaluation concluded.")
class Verdict(Enum):
    """What an evaluation concluded."""

    PASS = value("PASS", description="Good enough.")
    WARN = value("WARN", description="Look at it.")
    FAIL = value("FAIL", description="Not good enough.")


@strawberry.enum(description="The state of a deployment.")
class DeploymentStatus(Enum):
    """The state of a deployment."""

    PENDING = value("PENDING", description="Not serving yet.")
    ACTIVE = value("ACTIVE", description="Serving.")
    ROLLED_BACK = value("ROLLED_BACK", description="Taken back.")
    RETIRED = value("RETIRED", description="No longer serving.")


@strawberry.enum(description="The state of an experiment.")
class ExperimentState(Enum):
    """The state of an experiment."""

    DRAFT = value("DRAFT", description="Being prepared.")
    RUNNING = value("RUNNING", description="On.")
    STOPPED = value("STOPPED", description="Over.")


@strawberry.enum(description="What an item of a registration came to.")
class Outcome(Enum):
    """What an item of a registration came to."""

    CREATED = value("CREATED", description="It was not there, and is now.")
    UPDATED = value("UPDATED", description="It was there, and something changed.")
    UNCHANGED = value("UNCHANGED", description="It was there just so; nothing was written.")
    CONFLICT = value("CONFLICT", description="What is stored is not what was expected; nothing was written.")
    DENIED = value("DENIED", description="The policy says no; nothing was written.")
    INVALID = value("INVALID", description="The input cannot be; nothing was written.")


@strawberry.enum(description="Why something that was wanted did not happen.")
class MutationErrorCode(Enum):
    """Why something that was wanted did not happen."""

    INVALID = value("INVALID", description="The input cannot be.")
    NOT_FOUND = value("NOT_FOUND", description="Unknown, or hidden: the two look alike.")
    DENIED = value("DENIED", description="The policy says no.")
    CONFLICT = value("CONFLICT", description="What is stored is not what was expected.")
    IDEMPOTENCY_CONFLICT = value("IDEMPOTENCY_CONFLICT", description="The key was used before with another payload.")
    GATE_BLOCKED = value("GATE_BLOCKED", description="A gate is closed.")
    LIMIT_EXCEEDED = value("LIMIT_EXCEEDED", description="More than one call may carry.")


@strawberry.enum(description="What a listing is ordered by; ties are broken by id.")
class AssetOrderField(Enum):
    """What a listing is ordered by."""

    ID = value("ID", description="The id.")
    NAME = value("NAME", description="The name.")
    CREATED_AT = value("CREATED_AT", description="When it was registered here.")
    UPDATED_AT = value("UPDATED_AT", description="When it last changed here.")


@strawberry.enum(description="Up or down.")
class OrderDirection(Enum):
    """Up or down."""

    ASC = value("ASC", description="Smallest, first or earliest first.")
    DESC = value("DESC", description="Largest, last or latest first.")


@strawberry.enum(description="A person, or a program under its own name.")
class PrincipalKind(Enum):
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


@strawberry.enum(description="Which way lineage is walked.")
class LineageDirection(Enum):
    """Directions of a walk."""

    UPSTREAM = value("UPSTREAM", description="To where data comes from.")
    DOWNSTREAM = value("DOWNSTREAM", description="To where data goes.")


@strawberry.enum(description="How much of what there is an answer holds.")
class CompletenessState(Enum):
    """States of completeness."""

    COMPLETE = value("COMPLETE", description="All of it, as far as the viewer is told.")
    TRUNCATED = value("TRUNCATED", description="A budget ended it; there may be more.")
    PARTIAL = value("PARTIAL", description="Something was not found or is hidden, and what lies behind it is missing.")


@strawberry.enum(description="What can be counted over the hits of a search.")
class Facet(Enum):
    """What can be counted over the hits of a search."""

    KIND = value("KIND", description="The kind.")
    OWNER_TEAM = value("OWNER_TEAM", description="The owning team, by its id.")
    TAG = value("TAG", description="Each tag, by its id.")
    STAGE = value("STAGE", description="The stage.")
    SENSITIVITY = value("SENSITIVITY", description="The effective sensitivity.")
    SOURCE = value("SOURCE", description="The source system.")
    NAMESPACE = value("NAMESPACE", description="The namespace.")
