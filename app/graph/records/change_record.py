"""A test on records of changes: whether a change is an own link of a given caller."""

from graphql_schema.ports.record import Record
from graphql_schema.rules.change_stamp import is_made_by, names_unseen, shows_no_owner


def is_own_link(change: Record, author: str | None) -> bool:
    """Return whether ``author`` made a change whose entries are all about edges, one to an end that was not seen then.

    ``author`` is the subject of a caller who may write, else None. This caller may read the change even if all far ends
    are hidden, because the caller named one that was hidden or absent. A change to far ends that the author saw is
    shown by the rights that the caller has now. Entries of an owner that no reader sees do not matter.
    """
    fields = change["fields"]
    return (
        is_made_by(change, author)
        and any(map(names_unseen, fields))
        and all("edge" in each or shows_no_owner(each) for each in fields)
    )
