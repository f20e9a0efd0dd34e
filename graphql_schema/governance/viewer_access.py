"""Rights of the viewer on an asset."""

import strawberry

from graphql_schema.fields.field import Parent, Resolved, stored_field
from graphql_schema.ports.row import AccessGrade
from policies.vocabulary import WriteAction


@strawberry.type(description="Rights of the viewer on this asset, so that a user interface can disable actions.")
class ViewerAccess:
    """Rights of the viewer on an asset."""

    grade: AccessGrade = stored_field("How much of the asset the viewer may see.")
    hidden_fields: list[str] = stored_field("Names of the fields that are null because the policy hides them.")
    can_update: bool = stored_field("Whether the viewer may update the asset.")
    can_promote: bool = stored_field("Whether the viewer may promote the asset, which `setAlias` requires.")
    can_retire: bool = stored_field("Whether the viewer may retire, delete and restore the asset.")


def resolve_viewer_access(root: Parent) -> Resolved:
    """Return the access grade of the viewer on an asset, the fields hidden from the viewer, and the viewer's rights."""
    access = root.access
    return {
        "grade": access.grade.value,
        "hiddenFields": sorted(access.hidden),
        "canUpdate": access.may(WriteAction.UPDATE),
        "canPromote": access.may(WriteAction.PROMOTE),
        "canRetire": access.may(WriteAction.RETIRE),
    }
