"""The enumerations that several concepts share. The value of a member is its GraphQL name, which is also stored."""

from enum import Enum

import strawberry

from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.relations import RELATIONS

value = strawberry.enum_value


@strawberry.enum(description="The kind of a governed asset.")
class AssetKind(Enum):
    """The governed kinds of the catalog, by code: ``AssetKind["MODEL_VERSION"]``."""

    vars().update({kind.code: value(kind.code, description=kind.description) for kind in KINDS.values() if kind.asset})


@strawberry.enum(name="Relation", description="The relation that an edge between two assets belongs to.")
class RelationName(Enum):
    """The relations of the catalog that callers may name, such as ``RelationName["FEEDS"]``."""

    vars().update(
        {each.name: value(each.name, description=each.description) for each in RELATIONS.values() if each.description}
    )


@strawberry.enum(description="The origin of an edge.")
class EdgeOrigin(Enum):
    """The origin of an edge."""

    DECLARED = value("DECLARED", description="Declared by a person or script.")
    OBSERVED = value("OBSERVED", description="Observed in a run.")
    INFERRED = value("INFERRED", description="Derived from other edges by an inference rule, with a confidence.")


@strawberry.enum(description="The stage of an asset in its life cycle.")
class LifecycleStage(Enum):
    """The stages of the life cycle, in order."""

    DRAFT = value("DRAFT", description="In preparation; consumers should not rely on the asset.")
    ACTIVE = value("ACTIVE", description="In use.")
    DEPRECATED = value("DEPRECATED", description="Still usable, but new consumers should choose another asset.")
    RETIRED = value("RETIRED", description="No longer in use.")


@strawberry.enum(description="The callers who may discover an asset.")
class Visibility(Enum):
    """The callers who may discover an asset."""

    ORG = value("ORG", description="Every caller of the organisation.")
    TEAM = value("TEAM", description="The owning team.")


@strawberry.enum(description="The sensitivity of data, from PUBLIC to RESTRICTED.")
class Sensitivity(Enum):
    """The values of sensitivity, from open to restricted."""

    PUBLIC = value("PUBLIC", description="May leave the organisation.")
    INTERNAL = value("INTERNAL", description="For everyone in the organisation.")
    CONFIDENTIAL = value("CONFIDENTIAL", description="For people who need the data for their work.")
    RESTRICTED = value("RESTRICTED", description="For named people and purposes.")


@strawberry.enum(description="Whether an asset was registered or only referenced.")
class Hydration(Enum):
    """Whether an asset was registered or only referenced."""

    STUB = value("STUB", description="Referenced, never registered; the registration completes the asset.")
    FULL = value("FULL", description="Registered.")


@strawberry.enum(description="The responsibility of an owner.")
class OwnershipKind(Enum):
    """The responsibility of an owner."""

    TECHNICAL = value("TECHNICAL", description="Builds and operates the asset.")
    BUSINESS = value("BUSINESS", description="Decides on the purpose of the asset.")
    STEWARD = value("STEWARD", description="Maintains the quality and the documentation of the asset.")
    ONCALL = value("ONCALL", description="Responds when the asset fails.")


@strawberry.enum(description="The way in which an asset has a tag.")
class TagMode(Enum):
    """The way in which an asset has a tag."""

    DIRECT = value("DIRECT", description="Set on the asset by a client.")
    PROPAGATED = value("PROPAGATED", description="Propagated along lineage.")
    BLOCKED = value("BLOCKED", description="Kept out: the tag neither applies to the asset nor propagates through it.")


@strawberry.enum(description="The conclusion of an evaluation.")
class Verdict(Enum):
    """The conclusion of an evaluation."""

    PASS = value("PASS", description="Good enough.")
    WARN = value("WARN", description="Acceptable, with findings that need attention.")
    FAIL = value("FAIL", description="Not good enough.")


@strawberry.enum(name="PrincipalKind", description="The kind of a caller or user: a person or a program.")
class PrincipalType(Enum):
    """The kind of a caller or user."""

    PERSON = value("PERSON", description="A person.")
    SERVICE_ACCOUNT = value("SERVICE_ACCOUNT", description="A program with an account of its own.")


@strawberry.enum(description="The action that a change records.")
class ChangeAction(Enum):
    """The actions of the audit."""

    REGISTERED = value("REGISTERED", description="The asset was registered, or referenced for the first time.")
    UPDATED = value("UPDATED", description="Fields of the asset changed.")
    LINKED = value("LINKED", description="An edge was declared.")
    UNLINKED = value("UNLINKED", description="An edge was ended.")
    OWNERS_SET = value("OWNERS_SET", description="The owners of the asset changed.")
    TAGGED = value("TAGGED", description="The tags of the asset changed.")
    STAGE_SET = value("STAGE_SET", description="The life cycle stage of the asset changed.")
    ALIAS_SET = value("ALIAS_SET", description="An alias was pointed at a version.")
    APPROVED = value("APPROVED", description="An approval was given, denied or revoked.")
    DELETED = value("DELETED", description="The asset was deleted.")
    RESTORED = value("RESTORED", description="The asset was restored after its deletion.")
    REVERTED = value("REVERTED", description="An earlier change was reverted.")


@strawberry.enum(description="The decision of an approver about an asset, for a gate.")
class ApprovalDecision(Enum):
    """The decisions of an approver."""

    APPROVED = value("APPROVED", description="The asset may pass the gate.")
    REJECTED = value("REJECTED", description="The asset may not pass the gate.")
    REVOKED = value("REVOKED", description="An earlier approval no longer counts.")


@strawberry.enum(description="The property of an asset that a check measures.")
class CheckKind(Enum):
    """The properties that checks measure."""

    FRESHNESS = value("FRESHNESS", description="The age of the data.")
    SCHEMA = value("SCHEMA", description="Whether columns and types are as expected.")
    VOLUME = value("VOLUME", description="The amount of data.")
    DRIFT = value("DRIFT", description="Whether the distribution of the data has changed.")
    SKEW = value("SKEW", description="Whether data at serving time differ from the training data.")
    PERFORMANCE = value("PERFORMANCE", description="The quality or the latency of predictions.")
    BIAS = value("BIAS", description="Whether groups of people are treated alike.")


@strawberry.enum(description="The outcome of a check.")
class CheckStatus(Enum):
    """The outcomes of a check."""

    PASS = value("PASS", description="As expected.")
    WARN = value("WARN", description="Needs attention.")
    FAIL = value("FAIL", description="Not as expected.")
    ERROR = value("ERROR", description="The check itself failed to run.")


@strawberry.enum(description="The state of an incident.")
class IncidentState(Enum):
    """The states of an incident."""

    OPEN = value("OPEN", description="Not resolved yet.")
    RESOLVED = value("RESOLVED", description="Resolved.")


@strawberry.enum(description="The severity of an incident.")
class Severity(Enum):
    """The severities of an incident, in order."""

    LOW = value("LOW", description="An inconvenience.")
    MEDIUM = value("MEDIUM", description="Some users are affected.")
    HIGH = value("HIGH", description="Many users are affected.")
    CRITICAL = value("CRITICAL", description="Stop and repair before anything else.")


@strawberry.enum(description="The health of an asset, from its own evidence and that of everything upstream.")
class HealthStatus(Enum):
    """The states of health."""

    HEALTHY = value("HEALTHY", description="Monitored, and without an open problem on the asset or upstream.")
    DEGRADED = value("DEGRADED", description="A minor problem on the asset, or any problem upstream.")
    UNHEALTHY = value("UNHEALTHY", description="A severe problem on the asset.")
    UNKNOWN = value("UNKNOWN", description="Not monitored, and without a problem upstream.")
