"""Records of changes: which of them are visible to their author, because the author named their far ends."""

from graphql_schema.ports.record import Record
from graphql_schema.rules.change_stamp import is_made_by


def is_own_link(change: Record, subject: str) -> bool:
    """Return whether the caller ``subject`` made a change, and each entry of its ``fields`` is about an edge.

    The caller named the far ends of these edges, hidden or not.
    """
    return is_made_by(change, subject) and all("edge" in entry for entry in change["fields"])
