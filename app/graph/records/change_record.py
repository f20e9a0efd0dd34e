"""Records of changes: which of them a caller sees as their author."""

from graphql_schema.ports.record import Record


def is_own_link(change: Record, subject: str) -> bool:
    """Return whether a change by the caller ``subject`` declared or ended edges, and did nothing else.

    The caller named the far ends of these edges, hidden or not.
    """
    return change["actor"] == subject and all("edge" in entry for entry in change["fields"])
