"""The reasons for which an asset or an edge is not there, and the source of an explanation."""

from enum import Enum

import strawberry

from graphql_schema.catalog.enums import value
from graphql_schema.ports.record import JsonObject


@strawberry.enum(description="Why an asset or an edge is not there.")
class AbsenceReason(Enum):
    """Why an asset or an edge is not there."""

    PRESENT = value("PRESENT", description="The asset or edge is there, and visible to the viewer.")
    PLACEHOLDER = value(
        "PLACEHOLDER",
        description="The asset was only referenced: nothing has registered it, and no event has described it.",
    )
    MERGED = value("MERGED", description="The dataset was merged into another one, to which its id leads: see `asset`.")
    BEGINS_LATER = value("BEGINS_LATER", description="The edge is not valid yet.")
    UNCONFIRMED = value(
        "UNCONFIRMED",
        description="The edge has no effect: its declarer had no right on a hidden end, or its source is hidden from "
        "the caller who registered its target. A caller with the right to link its ends confirms it with `link`.",
    )
    ENDED = value(
        "ENDED",
        description="The asset or edge was there: the asset, or an end of the edge, is deleted, or the edge ended.",
    )
    REFUSED = value("REFUSED", description="An event named the edge, and it was refused: see `ingestion`.")
    OTHER_SPELLING = value(
        "OTHER_SPELLING",
        description="Nothing is visible under this id, or there is no edge between these assets, but there is under "
        "another spelling: see `spellings`.",
    )
    NEVER_OBSERVED = value(
        "NEVER_OBSERVED",
        description="Both assets are there, and as far as the viewer may see, no edge from one to the other, of "
        "`relation` if given, is stored or was refused. They may be connected over further assets: see `paths`.",
    )
    UNKNOWN_OR_HIDDEN = value(
        "UNKNOWN_OR_HIDDEN",
        description="An id does not exist or is not visible to the viewer, or the viewer may read the lineage of "
        "neither asset.",
    )


def absence(reason: AbsenceReason, **found: object) -> JsonObject:
    """Return the source of an `Absence` with a reason, and with what was found for its other fields."""
    none: JsonObject = {"unknownIds": [], "asset": None, "edge": None, "ingestion": None, "spellings": []}
    return {"reason": reason, **none, **found}
