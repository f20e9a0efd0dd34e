"""Records of changes: which of them a caller sees as their author."""

from graphql_schema.ports.record import Record


def is_own_link(change: Record, subject: str) -> bool:
    """Return whether the caller ``subject`` made a change, and the change only declared or ended edges.

    The caller named the far ends of these edges, hidden or not.
    """
    return change["actor"] == subject and all("edge" in entry for entry in change["fields"])
