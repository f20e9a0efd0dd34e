"""Denials as sentences: what is denied, to whom the asset belongs, who may do it, and what is missing."""

from app.graph.writing.unit.item_unit import ItemUnit
from graphql_schema.catalog.kinds import KIND_OF_CODE, KIND_OF_SLUG
from graphql_schema.catalog.urn import slug_of
from graphql_schema.ports.record import Record
from graphql_schema.rules.change_stamp import registrant
from policies.decision import Decision

_TEAM = "mlg://team/"

_TRIED_TEAMS = 3
"""Number of own teams that are tried to find out whether a member of the owner could do what the caller may not."""


def denial_of(unit: ItemUnit, action: str, record: Record, decision: Decision) -> str:
    """Return the message for a denied action on a record, which may be staged, hidden, or made for an absent asset."""
    owner = _named_owner(unit, record)
    belongs = f", which belongs to {owner}" if owner else ""
    advice = _advice(unit, action, record, owner) if owner else ""
    return f"You may not {action} {_named(unit, record)}{belongs}: {advice}{decision.cause}"


def who_registered(unit: ItemUnit, record: Record) -> str:
    """Return the begin of the clause "… registered it": with the name of this caller if `createdBy` is shown."""
    name = registrant(record) if unit.visibility.shows(record, "createdBy") else ""
    return f"{name}, who registered" if name else "the caller who registered"


def who_may_take(unit: ItemUnit, record: Record, what: str = "it") -> str:
    """Return who, beside administrators, may take an asset without an owner, called ``what``, in words."""
    reserved = unit.author.owner_of_name(record["id"])
    if reserved:
        return f"a member of {reserved}, for which the id is reserved,"
    return f"{who_registered(unit, record)} {what},"


def _named(unit: ItemUnit, record: Record) -> str:
    """Return the kind and id of a record in words.

    A new version is decided by the record of its parent, with the kind of the version: then the words name both.
    """
    kind, urn = KIND_OF_CODE[record["kind"]], unit.visibility.name(record)
    words = kind.slug.replace("-", " ")
    if KIND_OF_SLUG[slug_of(urn)] is kind:
        return f"the {words} {urn}"
    return f"a new {words} of {urn}"


def _named_owner(unit: ItemUnit, record: Record) -> str | None:
    """Return the owner team of an asset that the caller may see, or the team that a new asset is registered for.

    A team for which the id is reserved is named in any case, because it follows from the id. None for other
    owners, because ``ownerTeam`` shows teams only, and for a team that a stored asset would get. None also for a team
    inherited by a new asset, because its parent may be hidden.
    """
    owner: str = record["ownerTeam"]
    if not owner.startswith(_TEAM):
        return None
    if owner == unit.author.owner_of_name(unit.visibility.name(record)):
        return owner
    stored = unit.lookup.batch.vertex_before(unit.lookup.vid(record["id"]))
    if stored is None:
        return owner if owner in (urn for urn, _ in record["index"]["owners"]) else None
    return owner if stored["ownerTeam"] == owner and unit.visibility.is_visible(stored) else None


def _advice(unit: ItemUnit, action: str, record: Record, owner: str) -> str:
    """Return a clause: that the owner is a team of the caller, or that a member of the owner could do it; else "".

    A member could if the policy allows the caller the action on the same asset of an own team. Of many teams a few are
    tried, because each of them takes a decision of the policy.
    """
    if owner in unit.author.owners:
        return "it is your team's, which is not enough. "
    teams = sorted(own for own in unit.author.owners if own.startswith(_TEAM))
    for mine in teams[:_TRIED_TEAMS]:
        if unit.visibility.allows(action, {**record, "ownerTeam": mine}).allowed:
            return "let a member of this team do it, or join the team. "
    return ""
