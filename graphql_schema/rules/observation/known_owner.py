"""The owner of an asset that is visible to a viewer, by whom evaluations, checks and incidents count for reads.

The stored owner of a version or feature may be a user or a domain that it inherits from a parent. If this parent is
hidden from the viewer, what counts must not disclose its owner. Writers decide by the stored owner: what they enforce
does not depend on the caller.
"""

from collections.abc import Callable
from typing import Final

from graphql_schema.catalog.urn import parent_urn
from graphql_schema.ports.record import Record
from graphql_schema.ports.row import Row
from graphql_schema.rules.change_stamp import OWNER_TEAM, shown_owner
from policies.attributes import OWNER_FIELDS

OwnerOf = Callable[[Row], str | None]
"""Returns the owner of an asset as :func:`known_owner` does."""

_NO_INDEX: Final[Record] = {}


def known_owner(asset: Row, row_of: Callable[[str], Row | None]) -> str | None:
    """Return the owner of an asset, "" if it has none, and None if the owner is hidden from the viewer.

    A team is known, because `ownerTeam` shows it. A user or a domain is known if the fields that show it are visible:
    on the asset if the owner is its own, else on the parent. ``row_of`` returns the row of a parent by its id, None if
    it is hidden.

    The owner of a version of a hidden parent is unknown also if it has none, or its own domain. That of a feature is
    not: a feature in a hidden set without an owner would otherwise differ from one without a set.
    """
    owner: str | None = asset.visible_value(OWNER_TEAM)
    if owner is None or shown_owner(owner):
        return owner
    if _hides_owner(asset):
        return None
    index = asset.record.get("index", _NO_INDEX)
    if any(urn == owner for urn, _ in index.get("owners", ())):
        return owner
    parent = parent_urn(asset.urn)
    if parent is None and owner in {"", index.get("domain", "")}:
        return owner
    urn = parent or index.get("whole")
    row = row_of(urn) if urn else None
    return None if row is None or _hides_owner(row) else owner


def is_same_owner(one: str | None, other: str | None) -> bool:
    """Return whether two owners are known to be the same; none is the same as none."""
    return one is not None and one == other


def _hides_owner(asset: Row) -> bool:
    """Return whether an asset hides one of the fields that show a user or a domain as its owner."""
    return not OWNER_FIELDS.isdisjoint(asset.access.hidden)
