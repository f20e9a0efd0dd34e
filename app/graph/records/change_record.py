"""A test on records of changes: whether a change is about edges only, and made by a given caller."""

from graphql_schema.ports.record import Record
from graphql_schema.rules.change_stamp import is_made_by, shows_no_owner


def is_own_link(change: Record, subject: str) -> bool:
    """Return whether the caller ``subject`` made a change, and each entry of its ``fields`` is about an edge.

    The caller may then read the change even if the far ends of these edges are hidden, because the caller named them.
    Entries of an owner that no reader sees do not matter.
    """
    return is_made_by(change, subject) and all("edge" in each or shows_no_owner(each) for each in change["fields"])
