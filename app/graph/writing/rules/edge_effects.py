"""What an edge means for the vertices it joins: owner team, domain, whole, and the order of versions and runs."""

from collections.abc import Iterator, Sequence

from app.graph.records.edge_record import UNCONFIRMED, EdgeKey
from app.graph.records.tag_edge import with_mode
from app.graph.records.vertex_record import Record, indexed, is_unowned_stub, kind_of, owner_team
from app.graph.writing.unit.audit_trail import Move
from app.graph.writing.unit.item_unit import ItemUnit, name_of
from graphql_schema.catalog.enums import TagMode
from graphql_schema.catalog.relations import CHILD_HOPS, CONTAINS, OWNED_BY, RELATIONS, TAGGED, Direction

_HELD = {"Domain": "domain", "FeatureSet": "whole"}


def change_edge(unit: ItemUnit, key: EdgeKey, record: Record, own: int, field: str) -> bool:
    """Write an edge into the draft with what follows from it; whether it changes.

    ``own`` is the vertex that the item is about and that its own permission covers; of it the edge is a ``field``.
    """
    before = unit.current(key)
    if key[0] == TAGGED.name:
        record = with_mode(record)
    if not unit.put_edge(key, record):
        return False
    unit.moves.append(Move(own, field, key))
    if key[0] == CONTAINS.name and unit.current(key) != before:
        _contain(unit, key, own)
    return True


def update_owner_team(unit: ItemUnit, vid: int) -> None:
    """Bring the owner team of a vertex up to date, and that of the parts which have no owners of their own."""
    record = unit.known(vid)
    whole = unit.parent(record)
    if whole is None and record["index"]["whole"] and not record["index"]["owners"]:
        return  # the whole was not read, so it has not changed
    team = owner_team(record, whole)
    if not unit.put(vid, {**record, "ownerTeam": team}):
        return
    hop = CHILD_HOPS.get(kind_of(record))
    if hop is None:
        return
    if unit.state.stored(vid) and vid not in unit.state.read.around:
        unit.state.wants.around.add(vid)
    for _, source, target in unit.at(hop.relation.name, hop.direction, vid):
        far = target if hop.direction is Direction.OUT else source
        part = unit.vertex(far)
        if part is not None and kind_of(part) in hop.kinds and unit.parent(part) is unit.known(vid):
            update_owner_team(unit, far)


def update_use_times(unit: ItemUnit, vid: int) -> None:
    """Keep the edges that are ordered by this vertex's time in order."""
    for relation in (relation for relation in RELATIONS.values() if relation.by_time):
        for key in unit.at(relation.name, Direction.OUT, vid):
            record = unit.edge(key)
            if record is not None:
                unit.put_edge(key, record)


def update_ordered_lists(
    unit: ItemUnit, vid: int, relation: str, declared: Sequence[str], again: Sequence[str] = ()
) -> None:
    """Index the owners or tags that an asset has now: those just declared, then the others, then what is so ``again``.

    An edge that was not read has not changed, so it is held as it was. The first team of equals owns: order counts.
    """
    record = unit.known(vid)
    index = record["index"]
    if relation == OWNED_BY.name:
        held = {urn: list(kinds) for urn, kinds in index["owners"]}
        owners = {
            urn: held[urn] if edge is None else list(edge["kinds"])
            for urn, edge in _held(unit, vid, relation, [*declared, *held, *again])
        }
        unit.put(vid, indexed(record, owners=[[urn, kinds] for urn, kinds in owners.items()]))
        update_owner_team(unit, vid)
    elif relation == TAGGED.name:
        found = _held(unit, vid, relation, [*declared, *index["tags"], *again])
        tags = [urn for urn, edge in found if edge is None or edge["mode"] != TagMode.BLOCKED.name]
        unit.put(vid, indexed(record, tags=tags))


def _held(unit: ItemUnit, vid: int, relation: str, urns: list[str]) -> Iterator[tuple[str, Record | None]]:
    """Those of the far ends whose edges hold, with them; without where the edge was not read."""
    for urn in dict.fromkeys(urns):
        key = (relation, vid, unit.author.vid(urn))
        if unit.edge(key) is None or unit.current(key):
            yield urn, unit.edge(key)


def _contain(unit: ItemUnit, key: EdgeKey, own: int) -> None:
    """Let what a domain or feature set contains know of it, where the caller may change that."""
    _, source, target = key
    field = _HELD.get(name_of(unit, source))
    if field is None:
        return
    record, holder = unit.known(target), unit.known(source)["id"]
    held = record["index"][field]
    if unit.current(key):
        if (target != own and not _open_to_claims(unit, record)) or _hidden_whole(unit, source, field):
            return
        value = holder
    elif held != holder:
        return
    else:
        value = _other_holder(unit, key)
    unit.put(target, indexed(record, **{field: value}))
    if field == "whole":
        update_owner_team(unit, target)


def _open_to_claims(unit: ItemUnit, record: Record) -> bool:
    """Whether a container may be noted on this: nobody's stub, or the caller's to change."""
    return is_unowned_stub(record) or unit.may("update", record).allowed


def _hidden_whole(unit: ItemUnit, holder: int, field: str) -> bool:
    """Whether a part would inherit its owners from what the caller may not know of: that would tell of them."""
    return field == "whole" and not unit.is_visible(unit.known(holder))


def _other_holder(unit: ItemUnit, ended: EdgeKey) -> str:
    """Another current container of the same kind that is known; "" where there is none."""
    kind = name_of(unit, ended[1])
    others = [
        unit.known(key[1])["id"]
        for key in unit.at(CONTAINS.name, Direction.IN, ended[2])
        if unit.current(key)
        and not (unit.edge(key) or {}).get(UNCONFIRMED)
        and unit.vertex(key[1]) is not None
        and name_of(unit, key[1]) == kind
        if not _hidden_whole(unit, key[1], _HELD[kind])
    ]
    return min(others, default="")
