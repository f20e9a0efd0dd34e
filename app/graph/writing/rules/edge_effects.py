"""Effects of an edge on the records of its ends: owners, tags, owner team, container, and order by time."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from app.graph.records.edge_record import (
    DECLASSIFIED,
    OPENED,
    REPORTED,
    UNCONFIRMED,
    EdgeKey,
    ends,
    is_current,
    kept_by,
    was_confirmed,
    with_report,
)
from app.graph.records.tag_edge import with_mode
from app.graph.records.vertex_record import indexed, is_unowned_stub, kind_of, owner_team
from app.graph.writing.rules.first_owner import may_take
from app.graph.writing.rules.permissions import may_join, may_link_other_ends
from app.graph.writing.unit.apart_declarations import declarers, declarers_of_others, taken_over, with_declarers
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.placeholders import ensure_stub, has_lasting_owner
from app.graph.writing.unit.read_set import require_all
from graphql_schema.catalog.enums import TagMode
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.relations import (
    CHILD_HOPS,
    CONTAINS,
    DEPLOYED_AS,
    OWNED_BY,
    RELATIONS,
    TAGGED,
    Direction,
    Hop,
)
from graphql_schema.catalog.urn import parent_urn
from graphql_schema.ports.record import Record
from graphql_schema.rules.change_stamp import RESERVED_FOR

CONTAINER_KEYS = {"Domain": "domain", **{kind.part_of: "whole" for kind in KINDS.values() if kind.part_of}}
"""Index key of a contained asset that holds its container, by the kind of the container."""


def change_edge(  # noqa: PLR0913 - an edge, its end, and how it is declared
    unit: ItemUnit,
    key: EdgeKey,
    record: Record,
    own: int,
    field: str,
    *,
    anew: bool = False,
    declarer: str = "",
    unlinks: bool = False,
) -> bool:
    """Stage an edge; for `CONTAINS`, also the container in the index of the contained asset.

    Returns whether the edge is staged: if it differs, the stored edge is concealed from the caller, or ``anew`` is set.

    If the edge is concealed and others declare it, or the caller only ends a declaration kept apart, the record is
    stored as that declaration. Otherwise it becomes the edge, and the caller its recorder, who knows it also if an end
    is hidden later. A current edge of others stays theirs if the caller may not link its other end. If its recorder,
    from whom an end is hidden, withdraws or shortens it while another caller declares it, too, it becomes the edge of
    that other caller.

    ``own`` is the end of the edge on which the rights were checked; the audit records the edge as ``field`` of it.
    ``declarer`` is what the caller declares the edge by, empty if the caller does not declare it. ``unlinks``, a flag:
    the caller ends the edge for all.
    """
    before, stored = _recorded_begin(unit, key), unit.lookup.edge(key)
    concealed = unit.visibility.conceals(key)
    known = unit.visibility.known_edge(stored, key)
    left = _without_others(unit, stored, record, declarer)
    heir = _heir(unit, key, own, stored, left, unlinks=unlinks)
    if heir is not None:
        is_dated = "validTo" in left and left["validTo"] != (known or {}).get("validTo")
        over = left if left["by"] or is_dated else {**left, "validTo": max(unit.now, left["validFrom"])}
        unit.staging.hand_over(key, heir, over)
        unit.audit.record_edge(own, field, key, apart=(known, over))
        is_staged = True
    elif concealed and _is_apart(unit, key, known, record):
        record = with_report(record, reported=_is_reported(unit, key, known))
        is_staged = unit.staging.keep_apart(key, known, record, anew=anew)
        if is_staged:
            unit.audit.record_edge(own, field, key, apart=(known, record))
    else:
        if stored is not None and concealed and known is not None:
            record = taken_over(stored, record, unit.author.subject)
        recorder = _lasting_recorder(unit, key, stored, own)
        subject = unit.author.subject
        given = {**dict.fromkeys(record["by"], subject), **declarers(stored, unit.now), declarer: subject}
        after = with_declarers(_with_marks(unit, key, record), given, recorder or subject)
        is_staged = unit.staging.put_edge(key, after, anew=anew or concealed, recorder=recorder)
        if is_staged:
            unit.audit.record_edge(own, field, key, rewritten=anew or concealed)
    changes_owner = _recorded_begin(unit, key) != before or has_lapsed(unit, key)
    if key[0] == CONTAINS.name and (changes_owner or _lacks_parent(unit, key)):
        _update_container(unit, key, own)
    return is_staged


def _is_apart(unit: ItemUnit, key: EdgeKey, known: Record | None, record: Record) -> bool:
    """Return whether the record of a concealed edge is stored as a declaration that the caller keeps apart.

    The values of an edge are those of its past as well, so an unconfirmed record does not replace one with a past.
    """
    is_over = known is not None and not is_current(record, unit.now)
    is_effectless = bool(record.get(UNCONFIRMED)) and was_confirmed(unit.lookup.edge(key))
    return unit.visibility.keeps_apart(key) or is_over or is_effectless


def _without_others(unit: ItemUnit, stored: Record | None, record: Record, declarer: str) -> Record:
    """Return what is left of the next record of an edge without the declarers that others gave ``stored``."""
    others = declarers_of_others(stored, unit.author.subject, unit.now).keys() - {declarer}
    return {**record, "by": [name for name in record["by"] if name not in others]}


def _heir(  # noqa: PLR0913 - an edge, its end, what is stored and what is left, and a flag
    unit: ItemUnit, key: EdgeKey, own: int, stored: Record | None, left: Record, *, unlinks: bool
) -> str | None:
    """Return the caller who takes an edge over that the author withdraws, shortens or declassifies; None without one.

    ``left`` is what the author declares then. Only a recorder from whom an end is hidden leaves an edge so: its end
    would show whether others declare it. One who may link each end that the edge changes declassifies it for all, and
    by an unlink ends it for all but those who keep it apart.
    """
    if stored is None or stored.get(UNCONFIRMED) or not is_current(stored, unit.now):
        return None
    if stored["recordedBy"] != unit.author.subject or not unit.visibility.has_hidden_end(key):
        return None
    may_link = may_link_other_ends(unit, key, own)
    is_weaker = left.get(DECLASSIFIED) and not stored.get(DECLASSIFIED) and not may_link
    if left["by"] and not is_weaker and left["validFrom"] <= stored["validFrom"] and ends(left) >= ends(stored):
        return None
    others = () if unlinks and may_link else declarers_of_others(stored, unit.author.subject, unit.now).values()
    return next((each for each in (*others, *kept_by(stored)) if each != unit.author.subject), None)


def _lasting_recorder(unit: ItemUnit, key: EdgeKey, stored: Record | None, own: int) -> str | None:
    """Return the recorder that a stored edge keeps when the caller repeats it; None if the caller becomes the recorder.

    Who repeats a current confirmed edge needs no right on its other end. As its recorder, the caller could end it
    without that right once the end is hidden.
    """
    if stored is None or stored.get(UNCONFIRMED) or not is_current(stored, unit.now):
        return None
    return None if may_link_other_ends(unit, key, own) else str(stored["recordedBy"])


def _with_marks(unit: ItemUnit, key: EdgeKey, record: Record) -> Record:
    """Return the record of an edge with the mode of a tag, and with or without the mark ``reported``."""
    if not (record["by"] or "validTo" in record):
        return record  # it has the marks of those who keep it
    record = with_mode(record) if key[0] == TAGGED.name else record
    return with_report(record, reported=_is_reported(unit, key, unit.lookup.edge(key)))


def _lacks_parent(unit: ItemUnit, key: EdgeKey) -> bool:
    """Return whether a child has no parent, such as one that an earlier caller of this edge could not give it."""
    is_parent = CONTAINER_KEYS.get(unit.lookup.kind(key[1])) == "whole"
    return is_parent and not unit.lookup.known(key[2])["index"]["whole"]


def is_unscheduled(relation: str, source_kind: str) -> bool:
    """Return whether an edge from this kind must begin and end by a write, and never later than the write.

    The version of a deployment must, because its approvals are for this version, and so must the domain or feature set
    of an asset, whose owner it may be.
    """
    return relation == DEPLOYED_AS.name or (relation == CONTAINS.name and source_kind in CONTAINER_KEYS)


def has_lapsed(unit: ItemUnit, key: EdgeKey) -> bool:
    """Return whether the index still has a container whose edge ended without a write: an older version took such ends.

    The next list or `unlink` that meets the edge stages the container that counts.
    """
    if key[0] != CONTAINS.name or unit.lookup.edge(key) is None or unit.lookup.is_current(key):
        return False
    index_key = CONTAINER_KEYS.get(unit.lookup.kind(key[1]))
    return index_key is not None and bool(
        unit.lookup.known(key[2])["index"][index_key] == unit.lookup.known(key[1])["id"]
    )


def _has_effect(unit: ItemUnit, key: EdgeKey) -> bool:
    return unit.lookup.is_current(key) and not (unit.lookup.edge(key) or {}).get(UNCONFIRMED)


def _is_reported(unit: ItemUnit, key: EdgeKey, before: Record | None) -> bool:
    """Return whether the caller declares lineage into an asset of others, for which no right is needed.

    A current edge that is not reported stays so. On an asset without a lasting owner, an edge by any caller but an
    administrator is reported, because the asset may get another one.
    """
    relation, target = RELATIONS[key[0]], unit.lookup.known(key[2])
    if not relation.lineage or Direction.OUT in relation.changed_ends(unit.lookup.kind(key[1])):
        return False
    if before is not None and is_current(before, unit.now) and not before.get(REPORTED):
        return False
    return not unit.visibility.allows("link" if has_lasting_owner(unit, target) else "administer", target).allowed


def update_owner_team(unit: ItemUnit, vid: int) -> None:
    """Stage the owner team of a vertex and, if it changes, those of its children, which may inherit it.

    Children that are many follow later (:mod:`app.graph.writing.effects.owner_outbox`).
    If it has none and its id is reserved, it gets the team of the reservation, and keeps that beside later owners.
    Raises NotReadError if the parent was not read.
    """
    record = unit.lookup.known(vid)
    reserved = _team_to_give(unit, record)
    if reserved:
        ensure_stub(unit, reserved)
        record = {**record, RESERVED_FOR: reserved}
    owner = owner_team(record, unit.lookup.parent(record))
    if not unit.staging.put(vid, {**record, "ownerTeam": owner}):
        return
    hop = CHILD_HOPS.get(kind_of(record))
    if hop is None or not unit.lookup.batch.request_children(hop.direction, hop.relation.name, vid):
        return
    children = [hop.far_end(key) for key in unit.lookup.edges_at(hop.relation.name, hop.direction, vid)]
    inheriting = [each for each in children if _is_child(unit, each, hop, vid)]
    _require_teams_to_give(unit, inheriting)
    for child in inheriting:
        update_owner_team(unit, child)


def refresh_owner_team(unit: ItemUnit, vid: int) -> None:
    """Stage the owner team of the asset of an item as :func:`update_owner_team`, or leave the one that it has.

    It is left if the parent alone would change it, and the caller may not update the result. The asset did not follow
    its parent then: by who gave that another owner, or not yet. Else its own owner could change nothing of it.
    """
    before, record = unit.lookup.batch.vertex(vid), unit.lookup.known(vid)
    if before is not None and record["ownerTeam"] and before["hydration"] == record["hydration"]:
        after = {**record, "ownerTeam": owner_team(record, unit.lookup.parent(record))}
        is_same = {**before["index"], "tags": None} == {**record["index"], "tags": None}
        if is_same and not unit.visibility.allows("update", after).allowed:
            return
    update_owner_team(unit, vid)


def _is_child(unit: ItemUnit, vid: int, hop: Hop, parent: int) -> bool:
    child = unit.lookup.vertex(vid)
    return child is not None and kind_of(child) in hop.kinds and unit.lookup.has_parent(child, parent)


def _team_to_give(unit: ItemUnit, record: Record) -> str:
    """Return the URN of the team that an asset without an owner gets, because its id is reserved; "" without one."""
    return "" if record["ownerTeam"] or parent_urn(record["id"]) else unit.author.owner_of_name(record["id"])


def _require_teams_to_give(unit: ItemUnit, vids: Iterable[int]) -> None:
    """Require what :func:`update_owner_team` reads of the teams of reserved names, so that one request reads all."""
    if unit.author.reserved_names.entries:
        teams = {_team_to_give(unit, unit.lookup.known(vid)) for vid in vids} - {""}
        unit.lookup.require_records(*sorted(teams))


def update_use_times(unit: ItemUnit, vid: int) -> None:
    """Stage the edges that are ordered by the time of this vertex, so that their order follows it."""
    for relation in (relation for relation in RELATIONS.values() if relation.by_time):
        for key in unit.lookup.edges_at(relation.name, Direction.OUT, vid):
            record = unit.lookup.edge(key)
            if record is not None:
                unit.staging.put_edge(key, record, recorder=record.get("recordedBy"))


def update_ordered_lists(
    unit: ItemUnit, vid: int, relation: str, declared: Sequence[str], restored: Sequence[str] = ()
) -> None:
    """Stage the indexed owners or tags of an asset, if ``relation`` is that of owners or tags.

    First come the declared ones, then the present, then the restored; those without a current edge, and blocked tags,
    are left out. The order counts: the first team among equals is the owner team, which is staged with the owners. An
    edge that was not read did not change.
    """
    record = unit.lookup.known(vid)
    index = record["index"]
    if relation == OWNED_BY.name:
        present = {urn: list(kinds) for urn, kinds in index["owners"]}
        owners = {
            urn: present[urn] if edge is None else list(edge["kinds"])
            for urn, edge in _current_targets(unit, vid, relation, [*declared, *present, *restored])
        }
        unit.staging.put(vid, indexed(record, owners=[[urn, kinds] for urn, kinds in owners.items()]))
        refresh_owner_team(unit, vid)
    elif relation == TAGGED.name:
        found = _current_targets(unit, vid, relation, [*declared, *index["tags"], *restored])
        tags = [urn for urn, edge in found if edge is None or edge["mode"] != TagMode.BLOCKED.name]
        unit.staging.put(vid, indexed(record, tags=tags))


def _current_targets(unit: ItemUnit, vid: int, relation: str, urns: list[str]) -> Iterator[tuple[str, Record | None]]:
    """Yield the far ends whose edges are current, each with its edge, or None if the edge was not read."""
    for urn in dict.fromkeys(urns):
        key = (relation, vid, unit.author.vid(urn))
        if unit.lookup.edge(key) is None or unit.lookup.is_current(key):
            yield urn, unit.lookup.edge(key)


def _update_container(unit: ItemUnit, key: EdgeKey, own: int) -> None:
    """Stage the container (domain or feature set) in the index of the contained asset, after its edge began or ended.

    The container whose begin was recorded last counts, of equals the first by URN. `domain` of an asset shows the same
    one, also if :func:`_may_return` leaves it out of the index. When an edge begins, nothing is staged if the caller
    may not change the asset, or may not see a parent that it would get. A feature set is left out too if the caller may
    not take the feature.
    """
    _, source, target = key
    index_key = CONTAINER_KEYS.get(unit.lookup.kind(source))
    if index_key is None:
        return
    record, container = unit.lookup.known(target), unit.lookup.known(source)["id"]
    present = record["index"][index_key]
    if _has_effect(unit, key):
        if (target != own and not _may_contain(unit, record)) or _is_hidden_parent(unit, source, index_key):
            return
        value = _first_after_begin(unit, key, present)
        if value != present and index_key == "whole" and not may_join(unit, target):
            return
    elif present != container:
        return
    else:
        former = _last_recorded(unit, key) if index_key != "whole" or may_join(unit, target) else ""
        value = former if former and _may_return(unit, target, index_key, former) else ""
    unit.staging.put(target, indexed(record, **{index_key: value}))
    update_owner_team(unit, target)


def _first_after_begin(unit: ItemUnit, key: EdgeKey, present: str) -> str:
    """Return the container that counts once the edge has begun or has another begin; ``present`` counted before."""
    container, other = str(unit.lookup.known(key[1])["id"]), (key[0], unit.author.vid(present), key[2])
    if present in {"", container} or unit.lookup.edge(other) is None:
        return container  # a begin is recorded now, and that of an edge that was not read was recorded before
    return min((-_recorded_begin(unit, other), present), (-_recorded_begin(unit, key), container))[1]


def _may_return(unit: ItemUnit, target: int, index_key: str, container: str) -> bool:
    """Return whether an asset may get a former container when the present one ends.

    The caller needs the right to update the asset with the owner that results. A parent without an owner is none to
    return to if others registered it: they give the asset an owner with the parent.
    """
    record = indexed(unit.lookup.known(target), **{index_key: container})
    parent = unit.lookup.parent(record)
    if index_key == "whole" and parent is not None and not parent["ownerTeam"] and not may_take(unit, parent):
        return False
    owner = owner_team(record, parent)
    is_kept = owner == unit.lookup.known(target)["ownerTeam"]
    return is_kept or unit.visibility.allows("update", {**record, "ownerTeam": owner}).allowed


def _may_contain(unit: ItemUnit, record: Record) -> bool:
    """Return whether the asset is an unowned stub or one that the caller may update, so that its container is set."""
    return is_unowned_stub(record) or unit.visibility.allows("update", record).allowed


def _is_hidden_parent(unit: ItemUnit, container: int, index_key: str) -> bool:
    """Return whether a child would inherit owners from a parent that is hidden from the caller, which discloses it."""
    return index_key == "whole" and not unit.visibility.is_visible(unit.lookup.known(container))


def require_containers(unit: ItemUnit, keys: Iterable[EdgeKey]) -> None:
    """Require what :func:`change_edge` reads if edges of CONTAINS end: all containers of the assets at their ends.

    So are the teams that these assets may get. Several edges need it before the first is changed, so that one request
    reads everything.
    """
    contained = {(unit.lookup.kind(key[1]), key[2]) for key in keys if key[0] == CONTAINS.name}
    hops = partial(unit.lookup.require_hops, *((CONTAINS.into(kind), vid) for kind, vid in sorted(contained)))
    require_all((hops, partial(_require_teams_to_give, unit, {vid for _, vid in contained})))


def _last_recorded(unit: ItemUnit, key: EdgeKey) -> str:
    """Return the current, confirmed container that was recorded last, of the kind of that in ``key``, or "".

    Of containers that were recorded at once it is the first by URN. A parent hidden from the caller does not count.
    Raises NotReadError if the containers were not read.
    """
    kind = unit.lookup.kind(key[1])
    unit.lookup.require_hops((CONTAINS.into(kind), key[2]))
    found = [
        (-_recorded_begin(unit, each), str(unit.lookup.known(each[1])["id"]))
        for each in unit.lookup.edges_at(CONTAINS.name, Direction.IN, key[2])
        if _has_effect(unit, each)
        and unit.lookup.vertex(each[1]) is not None
        and unit.lookup.kind(each[1]) == kind
        and not _is_hidden_parent(unit, each[1], CONTAINER_KEYS[kind])
    ]
    return min(found, default=(0, ""))[1]


def _recorded_begin(unit: ItemUnit, key: EdgeKey) -> int:
    """Return the instant at which the begin of an edge was recorded, -1 if the edge has no effect."""
    edge = unit.lookup.edge(key)
    return int(edge.get(OPENED, edge["validFrom"])) if edge is not None and _has_effect(unit, key) else -1
