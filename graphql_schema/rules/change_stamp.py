"""Makers of assets, authors of changes, dates of changes and approvals, and the owners that an entry of a change shows.

``createdAt`` of such a record is its place in the order of the transactions, an instant that increases from transaction
to transaction. It is the date too, unless it is more than MAX_AHEAD_MS ahead of the clock. The record then has a date
of its own. This occurs after the clock was set back.
"""

from typing import Final

from graphql_schema.catalog.instants import is_ahead
from graphql_schema.catalog.urn import slug_of
from graphql_schema.ports.record import Json, Record

MADE_AT: Final = "madeAt"
"""Record key of the date, if it is not ``createdAt``."""

REGISTERED_BY: Final = "registeredBy"
"""Record key: the subject who registered an asset that another had referred to before; absent if ``createdBy`` did."""

REGISTERED_AT: Final = "registeredAt"
"""Record key: when an asset was registered to which others had referred before; absent if that is ``createdAt``.

It orders versions and runs without an instant of their own, because anybody may refer to an id first.
"""

MADE_BY: Final = "madeBy"
"""Record key, for kinds with content: who registered the asset or changed it; absent if only its registrant did."""


WAS_VISIBLE: Final = "visible"
"""Key of an entry of an edge whose far end was registered and visible to the author of the change; absent otherwise."""

OWNER_TEAM: Final = "ownerTeam"
"""The field of the owner, whose stored value may be a user or a domain, such as that of a hidden parent."""

RESERVED_FOR: Final = "reservedFor"
"""Record key: the team that owns an asset without another team, because its id was reserved when it had no owner."""


def shown_owner(value: Json) -> str | None:
    """Return a stored value of OWNER_TEAM as the field shows it: None for an owner who is not a team."""
    return value if isinstance(value, str) and slug_of(value) == "team" else None


def shows_no_owner(entry: Record) -> bool:
    """Return whether an entry of a change is about OWNER_TEAM and shows no team, so that it is left out for readers."""
    return entry["field"] == OWNER_TEAM and not any(shown_owner(entry[side]) for side in ("before", "after"))


def registered_at(record: Record) -> int:
    """Return when an asset was registered; of one that an earlier release stored, also when it was referred to."""
    return int(record.get(REGISTERED_AT, record["createdAt"]))


def registrant(record: Record) -> str:
    """Return the subject who registered an asset; of a stub, the subject who first referred to it."""
    return str(record.get(REGISTERED_BY, record["createdBy"]))


def makers(record: Record) -> list[str]:
    """Return the subjects who registered an asset or changed its content."""
    return list(record.get(MADE_BY, [registrant(record)]))


def date_apart(order: int, now: int) -> int | None:
    """Return the date of a transaction if it is not its ``order``; None if it is.

    It is ``now`` if the order is more than MAX_AHEAD_MS ahead of it. All are epoch milliseconds.
    """
    return now if is_ahead(order, now) else None


def dated(order: int, now: int) -> int:
    """Return the date of a transaction: its ``order``, or ``now`` if the order is more than MAX_AHEAD_MS ahead."""
    apart = date_apart(order, now)
    return order if apart is None else apart


def made_at(record: Record) -> int:
    """Return the date of an attached record, in epoch milliseconds."""
    return int(record.get(MADE_AT, record["createdAt"]))


def is_made_by(change: Record, subject: str | None) -> bool:
    """Return whether the caller with this subject made a change; False for None."""
    return bool(change["actor"] == subject)


def names_unseen(entry: Record) -> bool:
    """Return whether an entry is about an edge whose far end its author did not see.

    The end was hidden, absent or a placeholder, which are not distinguished. Entries of earlier releases have no mark
    and count as such.
    """
    return "edge" in entry and WAS_VISIBLE not in entry
