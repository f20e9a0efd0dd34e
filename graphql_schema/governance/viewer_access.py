"""Rights of the viewer on an asset."""

import strawberry

from graphql_schema.fields.field import Parent, Resolved, stored_field
from graphql_schema.ports.row import AccessGrade
from policies.vocabulary import WriteAction


@strawberry.type(description="Rights of the viewer on this asset, so that a user interface can disable actions.")
class ViewerAccess:
    """Rights of the viewer on an asset."""

    grade: AccessGrade = stored_field("How much of the asset the viewer may see.")
    hidden_fields: list[str] = stored_field("Fields that are null because the policy hides them.")
    can_update: bool = stored_field("Whether the viewer may update it.")
    can_promote: bool = stored_field("Whether the viewer may promote it, which sets aliases.")
    can_retire: bool = stored_field("Whether the viewer may retire it.")


def resolve_viewer_access(root: Parent) -> Resolved:
    """Return the access grade, the rights and the hidden fields of the viewer on an asset."""
    access = root.access
    return {
        "grade": access.grade.value,
        "hiddenFields": sorted(access.hidden),
        "canUpdate": access.may(WriteAction.UPDATE),
        "canPromote": access.may(WriteAction.PROMOTE),
        "canRetire": access.may(WriteAction.RETIRE),
    }
