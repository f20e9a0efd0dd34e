"""The enumerations that assets and inputs share; the value of a member is its GraphQL name, as stored."""

from enum import Enum

import strawberry

from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.relations import RELATIONS

value = strawberry.enum_value


@strawberry.enum(description="The kind of a governed asset.")
class AssetKind(Enum):
    """The governed kinds of the catalog, by code: ``AssetKind["MODEL_VERSION"]``."""

    vars().update({kind.code: value(kind.code, description=kind.description) for kind in KINDS.values() if kind.asset})


@strawberry.enum(name="Relation", description="An edge label between assets.")
class RelationName(Enum):
    """The relations of the catalog that callers may name, such as ``RelationName["FEEDS"]``."""

    vars().update(
        {each.name: value(each.name, description=each.description) for each in RELATIONS.values() if each.description}
    )


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
