"""Assets that an id may mean under another spelling, of those that the viewer may see."""

import asyncio
from typing import Final

import strawberry

from graphql_schema.catalog.index_values import property_term
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.urn import Urn, parse_urn
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import stored_field
from graphql_schema.fields.refs import AssetRef
from graphql_schema.ports.conditions import All, Condition, In, ListingQuery
from graphql_schema.ports.record import JsonObject
from graphql_schema.ports.relation_query import PageRequest
from graphql_schema.ports.row import Row
from graphql_schema.rules.words import title

MAX_SPELLINGS: Final = 10
"""Maximal number of assets that are returned for one id."""

SYMLINK: Final = "SYMLINK"
"""The rule for an asset of which an event named the id as another name, and the value of its property that says so."""

NAME: Final = "NAME"
"""The rule for an asset of the same kind whose name has the same words."""

_CANDIDATES: Final = PageRequest(first=50)


def symlink_key(urn: str) -> str:
    """Return the key of the property by which an asset says that events also name it ``urn``."""
    return f"openlineage.symlink.{urn}"


@strawberry.type(description="An asset that an id may mean under another spelling.")
class OtherSpelling:
    """An asset that an id may mean under another spelling."""

    of: strawberry.ID = stored_field("The id, as it was given.")
    asset: AssetRef = stored_field("The asset with the other spelling.")
    rule: str = stored_field(
        "SPELLING or NAMESPACE if a rule of `Ingestion.names` joins both ids, SYMLINK if an event named the id as "
        "another name of the asset, NAME if only the words of the names are equal."
    )


async def other_spellings(info: Info, urn: str) -> list[JsonObject]:
    """Return the sources of :class:`OtherSpelling` for an id of an asset, those with the rule NAME last.

    Deleted assets are left out. The requests do not depend on whether the id exists. Raises the errors of the reader.
    """
    reader, parts = info.context.reader, parse_urn(urn)
    rules = dict(info.context.spellings(urn)[:MAX_SPELLINGS])
    listings = (reader.listing(ListingQuery(where), _CANDIDATES) for where in _alike(urn, parts))
    by_rule, pages = await asyncio.gather(reader.nodes([*rules], named=True), asyncio.gather(*listings))
    named = zip(rules, by_rule, strict=True)
    visible = ((other, row) for other, row in named if row is not None and not row.deleted and row.urn != urn)
    found = {row.urn: (row, rules[other]) for other, row in visible}
    for item in (item for page in pages for item in page.items):
        if item.row.urn != urn and item.row.record.get("version") == parts.version:
            found.setdefault(item.row.urn, (item.row, _rule(item.row, urn)))
    entries = [{"of": urn, "asset": row, "rule": rule} for row, rule in found.values()]
    return sorted(entries, key=lambda entry: entry["rule"] == NAME)[:MAX_SPELLINGS]


def _alike(urn: str, parts: Urn) -> list[Condition]:
    """Return the conditions of the assets of the same kind that have the id as symlink, and the words of its name.

    Each is a listing of its own, such that many equal names cut off no symlink.
    """
    words = title(parts.name)
    same_words = [In("titles", (words,))] if words else []
    symlink = In("pairs", (property_term(symlink_key(urn), SYMLINK),))
    return [All((In("kind", (KINDS[parts.kind].code,)), each)) for each in (symlink, *same_words)]


def _rule(row: Row, urn: str) -> str:
    properties = row.visible_value("properties") or ()
    return SYMLINK if any(each["key"] == symlink_key(urn) for each in properties) else NAME
