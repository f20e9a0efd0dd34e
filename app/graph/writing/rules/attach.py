"""Attached records within an item: their ids, and records to create or amend.

:meth:`app.graph.writing.unit.staging.Staging.attach` puts an attached record on its subject.
"""

from hashlib import blake2b
from itertools import count
from secrets import token_bytes
from typing import Final

from app.graph.records.vertex_record import ATTACHED_COUNTS, attached_record
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.placeholders import has_lasting_owner
from app.graph.writing.unit.rejections import over_limit
from graphql_schema.catalog.urn import make_urn, slug_of
from graphql_schema.ports.record import Json, JsonObject, Record
from graphql_schema.rules.change_stamp import MADE_AT, date_apart
from graphql_schema.rules.gate_evaluation import REPORTERS, UNOWNED
from graphql_schema.rules.observation.observed_columns import COLUMNS
from policies.blurred_limit import blurred

MAX_UNOWNED: Final = {"checks": 1_000, "incidents": 1_000, "months of usage": 10_000}
"""Maximal numbers of records on an asset without a lasting owner, where any engineer may make them.

Its later owner could not remove them, and health, gates and lists of the asset read all.
"""

_KEY: Final = token_bytes(32)
"""Key of the ids of new records. It is never needed again, so each process has its own."""


def attached_urn(tenant: str, slug: str, *identity: str) -> str:
    """Return the URN of an attached record: a hash of its identity in the tenant, by which the record is found again.

    ``identity`` has values that every reader of the record may see. A reader could guess others by trying values,
    because the hash has no key.
    """
    return make_urn(slug, "catalog", "", _hash(tenant, *identity))


def observation_urn(tenant: str, urn: str) -> str:
    """Return the URN of the evidence of an asset: what events said about it."""
    return attached_urn(tenant, "observation", urn)


def column_parts(unit: ItemUnit, urn: str) -> dict[str, JsonObject]:
    """Return the parts of the evidence of the columns of an asset; empty without any.

    Raises NotReadError if the evidence was not read.
    """
    evidence = observation_urn(unit.author.tenant, urn)
    unit.lookup.require_records(evidence)
    known = unit.lookup.record(evidence) or {"entries": {}}
    parts: dict[str, JsonObject] = known["entries"].get(COLUMNS, {})
    return parts


def new_urn(unit: ItemUnit, slug: str, *identity: str, prefix: str = "") -> str:
    """Return a URN of an attached record that no other record of the transaction has, after a ``prefix`` in its order.

    No reader can compute it. An item that is planned again has the same one, and ``identity``, such as the instant of
    the write, makes it that of this record alone.
    """
    for number in count():
        urn = make_urn(slug, "catalog", "", prefix + _hash(unit.author.tenant, *identity, str(number), key=_KEY))
        if unit.lookup.vertex(unit.lookup.vid(urn)) is None:
            return urn
    raise AssertionError  # count() has no end


def _hash(*identity: str, key: bytes = b"") -> str:
    return blake2b("\0".join(identity).encode(), digest_size=16, key=key).hexdigest()


def reported(unit: ItemUnit, *assets: Record) -> dict[str, Json]:
    """Return the values REPORTERS and UNOWNED of a record on assets, some of which have no lasting owner.

    The reporters are the teams and the user of the caller, and the owners of all assets, whose right was checked. No
    value is returned if each asset has a lasting owner, or the caller may administer those without.
    """
    unowned = [asset for asset in assets if not has_lasting_owner(unit, asset)]
    if all(unit.visibility.allows("administer", asset).allowed for asset in unowned):
        return {}
    teams = {owner for owner in unit.author.owners if slug_of(owner) == "team"}
    owners = {*teams, unit.author.user, *(asset["ownerTeam"] for asset in assets)}
    return {REPORTERS: sorted(owner for owner in owners if owner), UNOWNED: sorted(asset["id"] for asset in unowned)}


def count_attached(unit: ItemUnit, asset: str, what: str, maximum: int | None = None) -> None:
    """Count a new record on an asset by a key of MAX_UNOWNED; raise RejectedItemError if it has as many as it may.

    On an asset with a lasting owner, or by a caller who may administer it, these are ``maximum``, and not counted for
    None. Up to a quarter less is refused by chance, and the message has no count. Otherwise it would disclose whether a
    record of a hidden consumer is there, because it is counted once.
    """
    vid = unit.lookup.vid(asset)
    record = unit.lookup.known(vid)
    if _is_bounded(unit, record):
        maximum, advice = MAX_UNOWNED[what], "Give it an owner first."
    elif maximum is None:
        return
    else:
        advice = "Use those."
    counts = record.get(ATTACHED_COUNTS, {})
    count = counts.get(what, 0)
    if count >= blurred(maximum):
        raise over_limit(f"{asset} has too many {what}: at most {maximum} are made on it. {advice}")
    unit.staging.put(vid, {**record, ATTACHED_COUNTS: {**counts, what: count + 1}})


def refuse_full(unit: ItemUnit, asset: str, what: str) -> None:
    """Raise as :func:`count_attached` would for a new record, without counting one."""
    if not may_attach(unit, asset, what):
        count_attached(unit, asset, what)


def may_attach(unit: ItemUnit, asset: str, what: str) -> bool:
    """Return whether :func:`count_attached` accepts a record that is not counted on an asset with a lasting owner."""
    record = unit.lookup.known(unit.lookup.vid(asset))
    return not _is_bounded(unit, record) or record.get(ATTACHED_COUNTS, {}).get(what, 0) < blurred(MAX_UNOWNED[what])


def _is_bounded(unit: ItemUnit, record: Record) -> bool:
    """Return whether MAX_UNOWNED holds for an asset and the caller."""
    return not (has_lasting_owner(unit, record) or unit.visibility.allows("administer", record).allowed)


def new_attached_record(unit: ItemUnit, urn: str, at: int, **values: Json) -> Record:
    """Return a new attached record by the author, created at ``at`` (epoch milliseconds); None values are omitted."""
    author = unit.author
    return attached_record(author.tenant, urn, author.subject, at, **values)


def new_ordered_record(unit: ItemUnit, urn: str, **values: Json) -> Record:
    """Return a new attached record of a kind whose records have the order of their transactions."""
    author = unit.author
    apart = {MADE_AT: date_apart(author.audit_instant, author.now)}
    return new_attached_record(unit, urn, author.audit_instant, **apart, **values)


def amended(unit: ItemUnit, record: Record, **values: Json) -> Record:
    """Return an attached record with these values replaced, updated by the author now."""
    return {**record, **values, "updatedAt": unit.now, "updatedBy": unit.author.subject}
