"""The end in the future that an item gives to an edge: outbox entries wait for it, so a caller has few of them."""

from app.graph.commits.entries.planned_ends import MAX_PLANNED, Affected
from app.graph.writing.unit.author import Author
from app.graph.writing.unit.rejections import over_limit
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.catalog.relations import CARRYING
from graphql_schema.ports.commands import Command, LinkCommand, UnlinkCommand

PlannedEnd = tuple[Affected, int]
"""What the end of an edge affects, and that instant in epoch milliseconds."""


def planned_end(command: Command, author: Author) -> PlannedEnd | None:
    """Return the end in the future that a command declares, if sensitivity and tags propagate over its edge, or None.

    Only links have ends; other commands at most restore one that was declared by a link. A child is linked to its
    parent without an end in the future.
    """
    if not isinstance(command, LinkCommand | UnlinkCommand) or command.relation not in CARRYING:
        return None
    end = command.valid_to if isinstance(command, UnlinkCommand) else command.values.get("validTo")
    if end is None or not author.now < end < FOREVER:
        return None
    return (author.vid(command.target), 0), end


def refuse_further_end(planned: PlannedEnd | None, author: Author) -> None:
    """Reject the item as LIMIT_EXCEEDED if it declares an end in the future, and its caller has too many.

    The stored state does not decide, because hidden assets are in it.
    """
    if planned is not None and not author.planned_ends.may_add(author.caller, planned[0], author.now):
        raise over_limit(
            f"You have declared ends in the future at {MAX_PLANNED} assets, whose edges the server awaits. End this "
            "edge when its time has come, or repeat the call when some of these ends have passed. Omit `validTo` for "
            "an edge without an end.",
            "validTo",
        )
