"""The enumerations that several concepts share. The value of a member is its GraphQL name, as records store it."""

from enum import Enum

import strawberry

from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.relations import RELATIONS

value = strawberry.enum_value


@strawberry.enum(description="The kind of a governed asset.")
class AssetKind(Enum):
    """The governed kinds of the catalog, by code: ``AssetKind["MODEL_VERSION"]``."""

    vars().update({kind.code: value(kind.code, description=kind.description) for kind in KINDS.values() if kind.asset})


@strawberry.enum(name="Relation", description="The relation that an edge belongs to.")
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
    INFERRED = value(
        "INFERRED", description="Derived by an inference rule, or by the client that links; usually with a confidence."
    )


@strawberry.enum(description="The ids that an item may refer to.")
class References(Enum):
    """The ids that an item may refer to."""

    ANY = value(
        "ANY",
        description="Any id; a stub is created for one that does not exist. A user or team that does not exist is "
        "rejected, unless its assets count as the caller's own or the caller may register it.",
    )
    EXISTING = value(
        "EXISTING",
        description="Registered ids that the caller may see, ids that the same call registers, and owners whose assets "
        "count as the caller's own, such as the caller's teams. The item is rejected with UNKNOWN_REFERENCE if it "
        "refers to another id.",
    )


@strawberry.enum(description="The stage of an asset in its life cycle.")
class LifecycleStage(Enum):
    """The stages of the life cycle, in order."""

    DRAFT = value("DRAFT", description="In preparation; consumers should not rely on the asset.")
    ACTIVE = value("ACTIVE", description="In use.")
    DEPRECATED = value("DEPRECATED", description="Still usable, but new consumers should choose another asset.")
    RETIRED = value("RETIRED", description="No longer in use.")


@strawberry.enum(description="The callers who may discover an asset; the policy also considers its sensitivity.")
class Visibility(Enum):
    """The callers who may discover an asset."""

    ORG = value("ORG", description="Every caller of the organisation, unless the sensitivity prevents it.")
    TEAM = value("TEAM", description="The owners, and the roles that the policy adds, such as auditors.")


@strawberry.enum(description="The sensitivity of data, from PUBLIC to RESTRICTED.")
class Sensitivity(Enum):
    """The values of sensitivity, from open to restricted."""

    PUBLIC = value("PUBLIC", description="May leave the organisation.")
    INTERNAL = value("INTERNAL", description="For everyone in the organisation.")
    CONFIDENTIAL = value("CONFIDENTIAL", description="For people who need the data for their work.")
    RESTRICTED = value("RESTRICTED", description="Only for people and purposes that are named one by one.")


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


@strawberry.enum(description="Whether a tag was set on an asset, propagated to the asset, or is blocked there.")
class TagMode(Enum):
    """Whether a tag was set on an asset, propagated to the asset, or is blocked there."""

    DIRECT = value("DIRECT", description="Set on the asset by a client.")
    PROPAGATED = value("PROPAGATED", description="Propagated from another asset.")
    BLOCKED = value(
        "BLOCKED",
        description="Blocked: the asset does not have the tag, and the tag does not propagate through the asset.",
    )


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
    """The actions that changes record."""

    REGISTERED = value("REGISTERED", description="The subject was registered, or referenced for the first time.")
    UPDATED = value(
        "UPDATED", description="Fields or edges of the subject changed, or an incident on it was opened or resolved."
    )
    LINKED = value("LINKED", description="`link` declared or confirmed an edge.")
    UNLINKED = value("UNLINKED", description="`unlink` ended an edge.")
    OWNERS_SET = value("OWNERS_SET", description="`setOwners` changed the owners of the asset.")
    TAGGED = value("TAGGED", description="`setTags` changed the tags of the asset.")
    STAGE_SET = value(
        "STAGE_SET", description="`setStage` changed the stage of the asset, or the asset that replaces it."
    )
    ALIAS_SET = value(
        "ALIAS_SET",
        description="`setAlias` pointed an alias at a version or changed its protection, or `removeAlias` removed it.",
    )
    APPROVED = value("APPROVED", description="`approve` recorded a decision about the asset.")
    PLANNED = value("PLANNED", description="`planChange` announced a change of the asset.")
    ACKNOWLEDGED = value(
        "ACKNOWLEDGED", description="`acknowledgeChange` recorded the decision of a team to a planned change."
    )
    PLAN_CLOSED = value("PLAN_CLOSED", description="`closeChangePlan` closed the plan of a change.")
    DELETED = value("DELETED", description="The asset was deleted.")
    RESTORED = value("RESTORED", description="The asset was restored after its deletion.")
    MERGED = value(
        "MERGED",
        description="`mergeAssets` merged two datasets: the subject is one of them, or an edge of it continues at the "
        "remaining one.",
    )
    REVERTED = value("REVERTED", description="An earlier change was reverted.")
    RAISED = value(
        "RAISED",
        description="The effective sensitivity rose with that of a source, by another change of the same call.",
    )


@strawberry.enum(description="The decision of an approver about an asset, under an approval name.")
class ApprovalDecision(Enum):
    """The decisions of an approver."""

    APPROVED = value(
        "APPROVED",
        description="Approved: gates that require this approval name have it, until the decision expires, is void, or "
        "a newer one counts.",
    )
    REJECTED = value(
        "REJECTED", description="Rejected: gates that require this approval name are closed until it is approved."
    )
    REVOKED = value("REVOKED", description="Revoked: the earlier approval under this approval name no longer counts.")


@strawberry.enum(description="The decision of a team about a planned change.")
class PlanDecision(Enum):
    """The decisions of teams about a planned change."""

    AGREED = value("AGREED", description="The team agrees to the change.")
    OBJECTED = value("OBJECTED", description="The team objects to the change, for the given reason.")
    NOT_CONCERNED = value("NOT_CONCERNED", description="The change does not concern the team.")


@strawberry.enum(description="The end of a change plan.")
class PlanOutcome(Enum):
    """The ends of a change plan."""

    DONE = value("DONE", description="The change was made.")
    WITHDRAWN = value("WITHDRAWN", description="The change will not be made.")


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

    PASS = value("PASS", description="The checked value is as expected.")
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
    CRITICAL = value("CRITICAL", description="Everything else waits until the cause is repaired.")


@strawberry.enum(description="Whether a model version was trained on data of its evaluation.")
class ContaminationVerdict(Enum):
    """Whether an evaluation and the training of its version share data: DIRECT is worst, then DERIVED, then CLEAN.

    UNKNOWN is last but not best: an overlap may be hidden or cut off, so a gate treats it as not clean.
    """

    DIRECT = value(
        "DIRECT",
        description="A dataset or dataset version of the evaluation is itself in the training lineage, at any level.",
    )
    DERIVED = value(
        "DERIVED",
        description="Data of the evaluation and of the training share a source: one is a part, snapshot or derivation "
        "of the other, or both come from the same data.",
    )
    CLEAN = value(
        "CLEAN",
        description="The lineages of training and evaluation data are known and complete, as far as the policy "
        "discloses, and share no data.",
    )
    UNKNOWN = value(
        "UNKNOWN",
        description="Nothing shared was found, but something is cut, or is hidden and the policy discloses that, or no "
        "data of the evaluation or of the training is known.",
    )


@strawberry.enum(
    description="The health of an asset, by the causes that count (`HealthCause.counts`) and are visible to the viewer."
)
class HealthStatus(Enum):
    """The states of health."""

    HEALTHY = value(
        "HEALTHY",
        description="No cause that counts; a check result, or an evaluation that counts, exists on the asset, its "
        "parent or a child that is not retired.",
    )
    DEGRADED = value(
        "DEGRADED",
        description="Causes that count, none of them severe on the asset, its parent or a child.",
    )
    UNHEALTHY = value(
        "UNHEALTHY",
        description="A severe cause that counts, on the asset, its parent or a child: a check result FAIL or ERROR, an "
        "incident HIGH or CRITICAL, or a verdict FAIL.",
    )
    UNKNOWN = value(
        "UNKNOWN",
        description="No cause that counts, and neither a check result nor an evaluation that counts, on the asset, its "
        "parent or a child that is not retired.",
    )


@strawberry.enum(description="The harm that a model can do.")
class RiskTier(Enum):
    """The harm that a model can do."""

    LOW = value("LOW", description="Little harm.")
    MEDIUM = value("MEDIUM", description="Some harm.")
    HIGH = value("HIGH", description="Much harm.")
