"""Records of vertices: their first values, updates, and the native values derived from them.

Most keys are GraphQL field names, instants are epoch milliseconds. Records are never changed in place. ``index``, in
all records but attached ones, holds values that follow from edges:

- ``owners``: ``[[URN, [ownership kinds]], …]``, whose order decides between equal teams.
- ``tags``: URNs of the tags carried.
- ``domain``: the URN of the domain. ``whole``: that of the parent, if the id does not name it. Both are "" without one.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from app.graph.records.record_text import BriefRecord
from graphql_schema.catalog.kinds import KIND_OF_CODE, KIND_OF_SLUG, KINDS
from graphql_schema.catalog.properties import FIRST_REGISTERED, TIME_FIELDS
from graphql_schema.catalog.urn import make_urn, parse_urn
from graphql_schema.ports.record import Json, JsonObject, Record
from graphql_schema.rules.change_stamp import RESERVED_FOR, registered_at
from policies.attributes import PolicyAttributes
from policies.errors import InvalidError
from policies.sensitivity import RANK, strictest

CONFIRMED: Final = "confirmedSensitivity"
"""Record key of the confirmed sensitivity; absent if the effective one is confirmed."""

GIVEN_BY: Final = "givenBy"
"""Record key: maps fields that are restricted, secret, or were hidden from their giver to the subject of the giver."""

ALIASES: Final = "aliases"
"""Record key of a model: maps the name of an alias to its record, with keys such as ``version`` and ``protected``."""

FORMER_DELETION: Final = "formerDeletion"
"""Record key of a restored asset: when it was deleted and restored, ``[deletedAt, restoredAt]`` of the last time."""

FIRST_AT: Final = "firstAt"
"""Record key of a check: the instant of its oldest result."""

ATTACHED_COUNTS: Final = "attachedCounts"
"""Record key of an asset: how many checks were made on it, and how many other records while it had no lasting owner."""

DUE_AT: Final = "dueAt"
"""Record key of a thin event: the instant from which a worker may take it, also the native property ``begins``."""

_OPEN_TO_ALL: Final = {"stage": "ACTIVE", "visibility": "ORG", "sensitivity": "INTERNAL"}

_FIRST: Final[Mapping[str, Record]] = {
    "Tag": {"tagKind": "FREE", "propagates": False},
    "User": {"active": True, "principalKind": "PERSON"},
}

_FIXED: Final = frozenset({CONFIRMED, GIVEN_BY, RESERVED_FOR}).union(
    ["id", "tenant", "source", "namespace", "version", "kind", "index", "hydration", "ownerTeam"]
)

OWNING_TEAM, _USER = "mlg://team/", "mlg://user/"

_NUMBERS: Final = re.compile(r"[0-9]+(\.[0-9]+)*")


def stub(tenant: str, urn: str, subject: str, now: int) -> Record:
    """Return the record of an asset, team, user, domain or tag that was referenced and never registered.

    ``subject`` is the caller who refers to it, and ``now`` is in epoch milliseconds.
    """
    parts = parse_urn(urn)
    kind = KINDS[parts.kind]
    version = {"version": parts.version} if kind.versioned else {}
    shown = default_display_name(parts.name, parts.version if kind.versioned else None)
    return {
        "id": urn,
        "kind": kind.code,
        "tenant": tenant,
        "source": parts.source,
        "namespace": parts.namespace,
        "name": parts.name,
        **version,
        "displayName": shown,
        **_OPEN_TO_ALL,
        "declaredSensitivity": _OPEN_TO_ALL["sensitivity"],
        **_FIRST.get(kind.name, {}),
        "hydration": "STUB",
        "revision": 1,
        "createdAt": now,
        "createdBy": subject,
        "updatedAt": now,
        "updatedBy": subject,
        "ownerTeam": "",
        "index": {"owners": [], "tags": [], "domain": "", "whole": ""},
    }


def default_display_name(name: str, version: str | None) -> str:
    """Return the display name of an asset without a given one: its name, and for a version also the version.

    A number, or numbers with dots between them, get a ``v``: ``reco v3``, ``reco v1.2``, ``clicks 2026-w04``. The
    display name of the parent is no part of it, because the parent may be hidden and may change.
    """
    if version is None:
        return name
    return f"{name} v{version}" if _NUMBERS.fullmatch(version) else f"{name} {version}"


def registered(record: Record, values: Record, *, stored: bool) -> Record:
    """Return the record as registered, with the given values; a present None restores the default or removes the value.

    The first registration restores the default stage unless it gives one. Any engineer may have set the stage of the
    stub, also of a version whose parent has an owner since then.

    ``stored`` states whether the record is in the store. Its effective sensitivity is then raised to a higher declared
    one at once. A lower declaration leaves it to :mod:`app.graph.jobs.sensitivity_job`, because other sources may
    support the effective one. Of a record that is not stored, the declared sensitivity becomes the effective one.
    """
    first = {"stage": _OPEN_TO_ALL["stage"]} if record["hydration"] == "STUB" else {}
    return updated({**record, "hydration": "FULL", **first}, values, stored=stored)


def updated(record: Record, values: Record, *, stored: bool = True) -> Record:
    """Return the record with the given values, as :func:`registered` does; a stub remains a stub.

    Fixed keys in ``values``, such as ``version`` and ``ownerTeam``, are ignored, and so is a ``name`` that does not
    give the same URN.
    """
    given = dict(values)
    kind = kind_of(record)
    if kind == "User" and "kind" in given:
        given["principalKind"] = given["kind"]
    name = _name(record, given.pop("name", None))
    version = record["version"] if KINDS[kind].versioned else None
    is_default = record["displayName"] == default_display_name(record["name"], version)
    default = default_display_name(name, version)
    shown = default if is_default else record["displayName"]
    defaults = {**_OPEN_TO_ALL, **_FIRST.get(kind, {}), "displayName": default}
    after = {**record, "name": name, "displayName": shown}
    for key, value in given.items():
        if key in _FIXED:
            continue
        wanted = defaults.get(key) if value is None else value
        if wanted is None:
            after.pop(key, None)
        else:
            after[key] = _by_key(wanted) if key == "properties" else wanted
    if "sensitivity" in given:
        after["declaredSensitivity"] = after["sensitivity"]
        if stored:
            declared, known = after["sensitivity"], strictest(confirmed_sensitivity(record), after["sensitivity"])
            return _with_sensitivity(after, strictest(record["sensitivity"], declared), known)
    return after


def giver_of(record: Record, field: str) -> str | None:
    """Return the subject who gave the value of a field; None if that is not recorded."""
    given: Mapping[str, str] = record.get(GIVEN_BY, {})
    return given.get(field)


def with_givers(record: Record, fields: Iterable[str], subject: str) -> Record:
    """Return the record with the subject as giver of the values of these fields."""
    given = dict.fromkeys(fields, subject)
    return {**record, GIVEN_BY: {**record.get(GIVEN_BY, {}), **given}} if given else record


def without_giver(record: Record, field: str) -> Record:
    """Return the record without the giver of a field, whose value is of several callers now."""
    if giver_of(record, field) is None:
        return record
    given = {name: subject for name, subject in record[GIVEN_BY].items() if name != field}
    rest = {name: value for name, value in record.items() if name != GIVEN_BY}
    return {**rest, GIVEN_BY: given} if given else rest


def confirmed_sensitivity(record: Record) -> str:
    """Return the effective sensitivity without raises that are not confirmed (docs/sensitivity.md)."""
    return str(record.get(CONFIRMED, record["sensitivity"]))


def with_effective_sensitivity(record: Record, level: str, *, confirmed: bool = True) -> Record:
    """Return the record with ``level`` as effective sensitivity.

    If the flag ``confirmed`` is set, a raise makes ``level`` the confirmed sensitivity too, and so does a level that is
    effective already. A confirmed sensitivity above ``level`` becomes ``level``.
    """
    known = confirmed_sensitivity(record)
    if RANK[level] >= RANK[record["sensitivity"]] and confirmed:
        known = level
    return _with_sensitivity(record, level, min(known, level, key=RANK.__getitem__))


def with_confirmed(record: Record, level: str) -> Record:
    """Return the record with ``level`` as its confirmed sensitivity, or the effective one if that is lower."""
    return _with_sensitivity(record, record["sensitivity"], min(level, record["sensitivity"], key=RANK.__getitem__))


def _with_sensitivity(record: Record, level: str, confirmed: str) -> Record:
    values = {"sensitivity": level, **({} if confirmed == level else {CONFIRMED: confirmed})}
    if isinstance(record, BriefRecord):
        return record.with_values(values, without=CONFIRMED)
    return {**{key: value for key, value in record.items() if key != CONFIRMED}, **values}


def attached_record(tenant: str, urn: str, by: str, now: int, **values: Json) -> Record:
    """Return a new attached record, such as an approval; ``by`` is its author, None values are omitted."""
    return {
        "id": urn,
        "kind": KIND_OF_SLUG[urn.split("/")[2]].code,
        "tenant": tenant,
        "revision": 1,
        "createdAt": now,
        "createdBy": by,
        "updatedAt": now,
        "updatedBy": by,
        **{name: value for name, value in values.items() if value is not None},
    }


def indexed(record: Record, **index: Json) -> Record:
    """Return the record with these values replaced in its ``index``."""
    return {**record, "index": {**record["index"], **index}}


def owner_team(record: Record, parent: Record | None) -> str:
    """Return the URN of the owner that the policy uses, "" if there is none (docs/design/lineage-rules.md).

    It is the first of these that exists, where *inherited* is the owner team of the parent:

    - a team among its owners, or else an inherited team, or else the team for which its id was reserved;
    - a user among its owners, or else what is inherited, a user or a domain;
    - its domain. That of a stub does not count, because earlier versions let any caller put a stub into a domain.

    ``parent`` is None without one.
    """
    inherited = str(parent["ownerTeam"]) if parent else ""
    team = _first_owner(record, OWNING_TEAM) or (inherited if inherited.startswith(OWNING_TEAM) else "")
    domain = "" if record["hydration"] == "STUB" else str(record["index"]["domain"])
    return team or str(record.get(RESERVED_FOR, "")) or _first_owner(record, _USER) or inherited or domain


def _first_owner(record: Record, prefix: str) -> str:
    """Return the first TECHNICAL owner whose URN has the prefix, else the first of any kind, "" without one.

    Teams are in the order in which they were declared, users in that of their URNs.
    """
    owners = [(urn, kinds) for urn, kinds in record["index"]["owners"] if urn.startswith(prefix)]
    if prefix == _USER:
        # `ownerTeam` shows only a team, so a client that copies the owners cannot know which user to list first.
        owners.sort()
    return str(next((urn for urn, kinds in owners if "TECHNICAL" in kinds), owners[0][0])) if owners else ""


def kind_of(record: Record) -> str:
    """Return the catalog's name of the kind of a record."""
    return KIND_OF_CODE[record["kind"]].name


def is_attached(record: Record) -> bool:
    """Return whether the record is attached to a subject, whose policy applies."""
    return bool(KIND_OF_CODE[record["kind"]].shown_by)


def is_deleted(record: Record) -> bool:
    """Return whether the asset is deleted."""
    return record.get("deletedAt") is not None


def begins(record: Record) -> int:
    """Return the instant since when the asset exists: its ``sourceCreatedAt``, or its ``createdAt`` without one."""
    made = record.get("sourceCreatedAt")
    return int(record["createdAt"] if made is None else made)


def attributes(record: Record) -> PolicyAttributes:
    """Return the attributes that the policy decides by.

    Teams, users, domains and tags get those of an asset with stage ACTIVE, visibility ORG and sensitivity INTERNAL; of
    these only domains may have an owner team. Attached records have no policy attributes: do not pass them.
    """
    if KIND_OF_CODE[record["kind"]].asset:
        return PolicyAttributes.of(record, confirmed_sensitivity(record))
    return PolicyAttributes(record["kind"], record["ownerTeam"], **_OPEN_TO_ALL, confirmed_sensitivity="INTERNAL")


def is_unowned_stub(record: Record) -> bool:
    """Return whether the asset is a stub without an owner team."""
    return record["hydration"] == "STUB" and not record["ownerTeam"]


def time_of(record: Record) -> int:
    """Return the instant that orders the edges of by-time relations: FIRST_REGISTERED or later, 0 for a stub.

    Without an instant of its own, it is that of the registration: anybody may have referred to the asset before.
    """
    if record.get("hydration") == "STUB":
        return 0
    own_time = next((record[key] for key in TIME_FIELDS[:-1] if record.get(key) is not None), None)
    at: int = registered_at(record) if own_time is None else own_time
    return max(FIRST_REGISTERED, at) if isinstance(at, int) else at  # the store refuses another type


def _name(record: Record, given: str | None) -> str:
    """Return the given name if the URN has the same name or its cut form, else the name in the record."""
    if not given or given == record["name"]:
        return str(record["name"])
    kind = KIND_OF_CODE[record["kind"]]
    try:
        same = make_urn(kind.slug, record["source"], record["namespace"], given, record.get("version")) == record["id"]
    except InvalidError:
        same = False
    return given if same else str(record["name"])


def _by_key(pairs: list[JsonObject]) -> list[JsonObject]:
    return sorted(pairs, key=lambda pair: str(pair["key"]))
