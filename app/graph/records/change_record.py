"""A test on records of changes: whether a change is about edges only, and made by a given caller."""

from graphql_schema.ports.record import Record
from graphql_schema.rules.change_stamp import is_made_by


def is_own_link(change: Record, subject: str) -> bool:
    """Return whether the caller ``subject`` made a change, and each entry of its ``fields`` is about an edge.

    The caller may then read the change even if the far ends of these edges are hidden, because the caller named them.
    """
    return is_made_by(change, subject) and all("edge" in entry for entry in change["fields"])
