"""What an edge means for the vertices it joins: owner team, domain, whole, and the order of versions and runs."""

from collections.abc import Iterator, Sequence

from app.graph.records.edge_record import CLAIM, Key
from app.graph.records.tag_edge import moded
from app.graph.records.vertex_record import Record, indexed, kind_of, owner_team, unclaimed
from app.graph.writing.unit.audit_trail import Move
from app.graph.writing.unit.item_unit import Draft, name_of
from graphql_schema.catalog.enums import TagMode
from graphql_schema.catalog.relations import CONTAINS, OWNED_BY, PART_HOPS, RELATIONS, TAGGED, Direction

_HELD = {"Domain": "domain", "FeatureSet": "whole"}


def change_edge(draft: Draft, key: Key, record: Record, own: int, field: str) -> bool:
    """Write an edge into the draft with what follows from it; whether it changes.

    ``own`` is the vertex that the item is about and that its own permission covers; of it the edge is a ``field``.
    """
    before = draft.current(key)
    if key[0] == TAGGED.name:
        record = moded(record)
    if not draft.put_edge(key, record):
        return False
    draft.moves.append(Move(own, field, key))
    if key[0] == CONTAINS.name and draft.current(key) != before:
        _contain(draft, key, own)
    return True


def settle_owner(draft: Draft, vid: int) -> None:
    """Bring the owner team of a vertex up to date, and that of the parts which have no owners of their own."""
    record = draft.known(vid)
    whole = draft.whole(record)
    if whole is None and record["index"]["whole"] and not record["index"]["owners"]:
        return  # the whole was not read, so it has not changed
    team = owner_team(record, whole)
    if not draft.put(vid, {**record, "ownerTeam": team}):
        return
    hop = PART_HOPS.get(kind_of(record))
    if hop is None:
        return
    if draft.state.stored(vid) and vid not in draft.state.read.around:
        draft.state.wants.around.add(vid)
    for _, source, target in draft.at(hop.relation.name, hop.direction, vid):
        far = target if hop.direction is Direction.OUT else source
        part = draft.vertex(far)
        if part is not None and kind_of(part) in hop.kinds and draft.whole(part) is draft.known(vid):
            settle_owner(draft, far)


def settle_times(draft: Draft, vid: int) -> None:
    """Keep the edges that are ordered by this vertex's time in order."""
    for relation in (relation for relation in RELATIONS.values() if relation.by_time):
        for key in draft.at(relation.name, Direction.OUT, vid):
            record = draft.edge(key)
            if record is not None:
                draft.put_edge(key, record)


def settle_lists(draft: Draft, vid: int, relation: str, declared: Sequence[str], again: Sequence[str] = ()) -> None:
    """Index the owners or tags that an asset has now: those just declared, then the others, then what is so ``again``.

    An edge that was not read has not changed, so it is held as it was. The first team of equals owns: order counts.
    """
    record = draft.known(vid)
    index = record["index"]
    if relation == OWNED_BY.name:
        held = {urn: list(kinds) for urn, kinds in index["owners"]}
        owners = {
            urn: held[urn] if edge is None else list(edge["kinds"])
            for urn, edge in _held(draft, vid, relation, [*declared, *held, *again])
        }
        draft.put(vid, indexed(record, owners=[[urn, kinds] for urn, kinds in owners.items()]))
        settle_owner(draft, vid)
    elif relation == TAGGED.name:
        found = _held(draft, vid, relation, [*declared, *index["tags"], *again])
        tags = [urn for urn, edge in found if edge is None or edge["mode"] != TagMode.BLOCKED.name]
        draft.put(vid, indexed(record, tags=tags))


def _held(draft: Draft, vid: int, relation: str, urns: list[str]) -> Iterator[tuple[str, Record | None]]:
    """Those of the far ends whose edges hold, with them; without where the edge was not read."""
    for urn in dict.fromkeys(urns):
        key = (relation, vid, draft.author.vid(urn))
        if draft.edge(key) is None or draft.current(key):
            yield urn, draft.edge(key)


def _contain(draft: Draft, key: Key, own: int) -> None:
    """Let what a domain or feature set contains know of it, where the caller may change that."""
    _, source, target = key
    field = _HELD.get(name_of(draft, source))
    if field is None:
        return
    record, holder = draft.known(target), draft.known(source)["id"]
    held = record["index"][field]
    if draft.current(key):
        if (target != own and not _open_to_claims(draft, record)) or _hidden_whole(draft, source, field):
            return
        value = holder
    elif held != holder:
        return
    else:
        value = _other_holder(draft, key)
    draft.put(target, indexed(record, **{field: value}))
    if field == "whole":
        settle_owner(draft, target)


def _open_to_claims(draft: Draft, record: Record) -> bool:
    """Whether a container may be noted on this: nobody's stub, or the caller's to change."""
    return unclaimed(record) or draft.may("update", record).allowed


def _hidden_whole(draft: Draft, holder: int, field: str) -> bool:
    """Whether a part would inherit its owners from what the caller may not know of: that would tell of them."""
    return field == "whole" and not draft.knows(draft.known(holder))


def _other_holder(draft: Draft, ended: Key) -> str:
    """Another current container of the same kind that is known; "" where there is none."""
    kind = name_of(draft, ended[1])
    others = [
        draft.known(key[1])["id"]
        for key in draft.at(CONTAINS.name, Direction.IN, ended[2])
        if draft.current(key)
        and not (draft.edge(key) or {}).get(CLAIM)
        and draft.vertex(key[1]) is not None
        and name_of(draft, key[1]) == kind
        if not _hidden_whole(draft, key[1], _HELD[kind])
    ]
    return min(others, default="")
