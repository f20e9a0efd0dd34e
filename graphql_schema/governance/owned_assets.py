"""The assets of teams, those first whose `ownerTeam` one of them is.

Anybody may name a team as a further owner of an asset. Where a bound limits how many assets are examined, or how much
is read of them, such assets must not take the places of those that the team itself owns.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from graphql_schema.catalog.enums import AssetKind
from graphql_schema.fields.context import Info
from graphql_schema.fields.filters import AssetFilter, AssetOrder, asset_listing
from graphql_schema.ports.conditions import AnyOf, Condition, In, Negated
from graphql_schema.ports.relation_query import PageRequest
from graphql_schema.ports.row import Row
from policies.errors import LimitError

MAX_OWNED: Final = 10_000
"""Maximal number of visible assets of teams that one field examines completely."""


class Window(NamedTuple):
    """Examined assets: the preferred ones first. ``complete`` states whether there are no further ones."""

    rows: list[Row]
    complete: bool
    has_all_preferred: bool


def owned_by(urns: Sequence[str]) -> Condition:
    """Return the condition for assets of which one of these teams is the `ownerTeam` or a direct owner."""
    return AnyOf((owner_team_in(urns), In("owners", tuple(urns))))


def owner_team_in(urns: Sequence[str]) -> Condition:
    """Return the condition for assets of which one of these is the `ownerTeam`."""
    return In("ownerTeam", tuple(urns))


async def window_of(
    info: Info, where: AssetFilter | None, order: AssetOrder | None, wanted: Condition, preferred: Condition, size: int
) -> Window:
    """Return the first ``size`` visible assets that meet ``where`` and ``wanted``, each once.

    Those that meet ``preferred`` come first. Each asset that meets ``preferred`` meets ``wanted``. The others are left
    out as far as they are too much to read beside what the operation reads.
    """
    reader, page = info.context.reader, PageRequest(size)
    first, others = await asyncio.gather(
        reader.listing(asset_listing(where, order, preferred), page),
        reader.listing(asset_listing(where, order, wanted, Negated(preferred)), replace(page, in_parts=True)),
    )
    await info.context.budget.pause()  # aliases of a field wait for the same listings
    rows = {item.row.vid: item.row for item in (*first.items, *others.items)}
    complete = len(rows) <= size and not (first.has_next or others.has_next)
    return Window([*rows.values()][:size], complete, has_all_preferred=not first.has_next)


async def all_owned(
    info: Info, teams: Sequence[str], field: str | None = None, kind: AssetKind | None = None
) -> Window:
    """Return the visible assets that teams own: at most MAX_OWNED, each once.

    If a ``field`` or a ``kind`` is given, those of which the viewer may not see it, or of another kind, are left out.
    Those of which the teams are further owners are left out as far as there are more, or they are too much to read.
    Raises LimitError if the teams are the `ownerTeam` of more. It is read once for all aliases of a field.
    """
    return await info.context.once(("owned", tuple(teams), field, kind), lambda: _all_owned(info, teams, field, kind))


async def _all_owned(info: Info, teams: Sequence[str], field: str | None, kind: AssetKind | None) -> Window:
    where = None if kind is None else AssetFilter(kinds=[kind])
    found = await window_of(info, where, None, owned_by(teams), owner_team_in(teams), MAX_OWNED)
    if not found.has_all_preferred:
        raise LimitError(
            f"The query examines more than {MAX_OWNED} assets of teams; query single sub-teams or assets, or the root "
            "field `incidents`, by state.",
            limit=MAX_OWNED,
        )
    if field is None:
        return found
    return found._replace(rows=[row async for row in info.context.budget.in_turns(found.rows) if row.reads(field)])
