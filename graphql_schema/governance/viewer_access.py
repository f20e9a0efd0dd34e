"""Rights of the viewer on an asset, with the rules of the policy that decide each."""

from dataclasses import replace
from enum import Enum
from typing import Final

import strawberry

from graphql_schema.catalog.enums import value
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, Resolved, stored_field
from graphql_schema.ports.row import AccessGrade, Row
from graphql_schema.rules.change_stamp import makers
from policies.decision import Right
from policies.vocabulary import WriteAction

_OWN_WORK: Final = (
    "You registered this asset or changed its content, so another person must approve it; you may reject it."
)
"""The restriction on an approver who made the asset."""


@strawberry.enum(description="An action on an asset that the policy permits or denies.")
class AccessAction(Enum):
    """An action on an asset that the policy permits or denies."""

    READ = value("READ", description="To read the asset; each other action needs this right as well.")
    REGISTER = value(
        "REGISTER",
        description="To register the asset if it was only referenced; new versions are decided by their parent.",
    )
    UPDATE = value("UPDATE", description="To change fields, owners and stage, and to announce a change.")
    LINK = value("LINK", description="To declare or end edges of the asset.")
    PROMOTE = value("PROMOTE", description="To set and remove aliases of a model, which also needs it on the version.")
    APPROVE = value("APPROVE", description="To approve or reject the asset, protect aliases, and declassify edges.")
    TAG = value("TAG", description="To set the tags of the asset.")
    BILL = value("BILL", description="To record its cost.")
    RETIRE = value("RETIRE", description="To retire, delete and restore the asset.")


@strawberry.type(
    description="The right of the viewer to one action. A rule is written as its id, a colon and its condition: "
    "`rows-admin: The caller has the role admin.`"
)
class ViewerRight:
    """The right of the viewer to one action."""

    action: AccessAction = stored_field("The action.")
    allowed: bool = stored_field(
        "Whether the policy allows the action to the viewer. What depends on more than the asset and the caller is no "
        "right: gates, uses of the asset, the other end of an edge, and who requested what is approved."
    )
    permitted_by: list[str] = stored_field(
        "The rules that permit the action, by id; the action can still need a scope. If fields on which rules depend "
        "are hidden from the viewer, the rules that may permit it."
    )
    forbidden_by: list[str] = stored_field("The rules that forbid the action, by id. They win over all others.")
    needs: list[str] = stored_field(
        "What the viewer lacks: `scope:<name>` for each scope that the token must have besides, and the rules of which "
        "one must permit the action. Without the right to read the asset, only scopes."
    )
    denial: str | None = stored_field(
        "Why the action is denied, in the words of the DENIED error of a mutation; null if it is allowed."
    )
    restriction: str | None = stored_field(
        "What the viewer may not do although the rules allow the action; null if nothing is known: the author of an "
        "asset does not approve it. Whether the viewer made the version of a deployment is not examined: the right to "
        "approve that version has the restriction."
    )


def _because(root: Parent) -> Resolved:
    row: Row = root["row"]
    return row.access.rights().because


def _rights(root: Parent, info: Info) -> Resolved:
    row: Row = root["row"]
    found = row.access.rights().rights
    if info.context.principal.subject not in makers(row.record):
        return found
    return [_without_own_work(each) for each in found]


def _without_own_work(right: Right) -> Right:
    is_approval = right.action == WriteAction.APPROVE.name
    return replace(right, restriction=_OWN_WORK) if is_approval and right.allowed else right


@strawberry.type(description="Rights of the viewer on this asset, so that a user interface can disable actions.")
class ViewerAccess:
    """Rights of the viewer on an asset."""

    grade: AccessGrade = stored_field("How much of the asset the viewer may see.")
    because: list[str] = strawberry.field(
        description="The rules of the policy by which the viewer has this grade, by id, in the form of those of "
        "`ViewerRight`. If each of them depends on fields that are hidden from the viewer, all rules that may apply.",
        resolver=_because,
    )
    hidden_fields: list[str] = stored_field("Names of the fields that are null because the policy hides them.")
    can_update: bool = stored_field("Whether the viewer may update the asset.")
    can_promote: bool = stored_field("Whether the viewer may promote the asset, which `setAlias` requires.")
    can_retire: bool = stored_field("Whether the viewer may retire, delete and restore the asset.")
    rights: list[ViewerRight] = strawberry.field(
        description="The right to each action, in the order of `AccessAction`, with the rules that decide it and what "
        "the viewer lacks. They are those of today, as the grade, also with `asOf`.",
        resolver=_rights,
    )


def resolve_viewer_access(root: Parent) -> Resolved:
    """Return the access grade of the viewer on an asset, the fields hidden from the viewer, and the viewer's rights."""
    access = root.access
    return {
        "row": root,
        "grade": access.grade.value,
        "hiddenFields": sorted(access.hidden),
        "canUpdate": access.may(WriteAction.UPDATE),
        "canPromote": access.may(WriteAction.PROMOTE),
        "canRetire": access.may(WriteAction.RETIRE),
    }
