"""Registering one thing: its own values and the edges that its fields declare, over a draft."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from app.graph.records.edge_record import Key, claimed, declared, doubted, flows, is_current, withdrawn
from app.graph.records.tag_edge import has_mode, let_go
from app.graph.records.vertex_record import Record, attributes, registered, unclaimed, updated
from app.graph.writing.rules.edge_effects import change_edge, settle_lists, settle_owner, settle_times
from app.graph.writing.rules.effective_sensitivity import with_known_sensitivity
from app.graph.writing.rules.permissions import claims, existing, permit, refuse_deleted, refuse_unexpected
from app.graph.writing.unit.item_unit import Draft, name_of
from app.graph.writing.unit.rejections import conflict, invalid
from graphql_schema.catalog.enums import ChangeAction, TagMode
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.relations import CARRYING, TAGGED, VERSION_OF, Direction
from graphql_schema.catalog.urn import parse_urn, whole_urn
from graphql_schema.ports.commands import EdgesOf, Registration
from graphql_schema.ports.outcomes import Outcome, Registered
from policies.gates import RISK_TIERS

RETIRED = "RETIRED"
_RISK: Final[Mapping[str | None, int]] = {None: 0, **{tier: rank for rank, tier in enumerate(RISK_TIERS, 1)}}
_PROGRESS: Final[Mapping[str | None, int]] = {None: -1, "START": 0, "RUNNING": 1}
_ENDED: Final = 2
CONTENT = ("digest", "contentDigest")
"""Fields that a version keeps for good, once it has them."""

_TAKEN_AS: Mapping[str, Record] = {TAGGED.name: {"mode": TagMode.DIRECT.name}}
"""What naming a far end says by itself: a tag that is listed is carried, even if it was kept out before."""


def register(draft: Draft, item: Registration) -> Registered:
    """Draft the item; raises RefusedItemError where it cannot be."""
    vid = draft.vid(item.urn)
    before = draft.vertex(vid) if item.action is None else existing(draft, item.urn, item.at)
    creates = item.action is None and (before is None or before["hydration"] == "STUB")
    if before is not None and (item.action is not None or not unclaimed(before)):
        permit(draft, "register" if creates else item.right, before)
        if item.values.get("stage") == RETIRED != before["stage"]:
            permit(draft, "retire", before)
    if creates:
        _permit_version(draft, item.urn)
    refuse_unexpected(draft, item.urn, item.expected_revision, before)
    refuse_deleted(before)
    if creates:
        _refuse_missing(item)
    elif before is not None:
        _refuse_other_content(item, before)
    draft.ensure(item.urn)
    if creates:
        draft.action[vid] = ChangeAction.REGISTERED
        _doubt(draft, vid, item)
    if item.action is None:
        values = _timely(item.values, before)
        draft.put(vid, registered(draft.known(vid), values, stored=draft.state.stored(vid)))
    else:
        draft.note(vid, item.action, item.reason)
        draft.put(vid, updated(draft.known(vid), item.values))
    settle_times(draft, vid)
    moved = [_declare(draft, vid, item, edges) for edges in item.edges]
    settle_owner(draft, vid)
    permit_result(draft, vid, before, creates=creates)
    draft.stamp(*([vid] if any(moved) else []))
    outcome = Outcome.CREATED if creates else Outcome.UPDATED if draft.changes else Outcome.UNCHANGED
    return Registered(outcome, item.urn, draft.known(vid)["revision"])


def _timely(values: Mapping[str, Any], before: Record | None) -> Mapping[str, Any]:
    """The values without a state of a run that came late: a run that has ended does not begin again."""
    state, stored = values.get("state"), (before or {}).get("state")
    if (before or {}).get("kind") == "RUN" and _PROGRESS.get(state, _ENDED) < _PROGRESS.get(stored, _ENDED):
        return {name: value for name, value in values.items() if name != "state"}
    return values


def _permit_less_risk(draft: Draft, before: Record | None, after: Record) -> None:
    """A model that is said to do less harm than before passes other gates: that is for those who approve."""
    stored, said = (_RISK[record.get("riskTier")] for record in (before or after, after))
    if before is not None and said < stored:
        permit(draft, "approve", before)


def _doubt(draft: Draft, vid: int, item: Registration) -> None:
    """Take as claims what was said of a stub by whoever knows more than the caller, who is to answer for it now.

    Anybody may put edges on what belongs to nobody. From a hidden source they would raise its sensitivity ever after,
    and its team could not see why. What the item says itself is in no doubt.
    """
    if draft.state.stored(vid) and vid not in draft.state.read.around:
        draft.state.wants.around.add(vid)
        return
    said = {
        (edges.hop.relation.name, draft.vid(urn), vid)
        for edges in item.edges
        if edges.hop.direction is Direction.IN
        for urn in edges.targets
    }
    for key in sorted({key for relation in CARRYING for key in draft.at(relation, Direction.IN, vid)} - said):
        edge, source = draft.edge(key), draft.vertex(key[1])
        if edge is not None and flows(edge, draft.now) and source is not None and not draft.knows(source):
            draft.put_edge(key, doubted(edge, draft.now))


def _permit_version(draft: Draft, urn: str) -> None:
    """A new version may become the latest of its asset, so it takes rights there, whoever is to own it."""
    whole = whole_urn(urn)
    record = draft.vertex(draft.vid(whole)) if whole else None
    if record is not None and not unclaimed(record):
        permit(draft, "register", {**record, "kind": KINDS[parse_urn(urn).kind].code})


def permit_result(draft: Draft, vid: int, before: Record | None, *, creates: bool) -> None:
    """Raise unless the caller may have made of this what it has become."""
    if creates:  # by what it declares: what it is derived from may be hidden, and must answer like what is not there
        known = draft.known(vid)
        permit(draft, "register", {**known, "sensitivity": known["declaredSensitivity"]})
        return
    after = with_known_sensitivity(draft, vid)
    _permit_less_risk(draft, before, after)
    if before is not None:
        if attributes(before) != attributes(after):
            permit(draft, "update", after)
        if before["declaredSensitivity"] != after["declaredSensitivity"]:
            permit(draft, "update", {**after, "sensitivity": after["declaredSensitivity"]})
        if before.get("propagates") != after.get("propagates"):  # it comes to assets of all teams, or leaves them
            permit(draft, "administer", after)


def _refuse_missing(item: Registration) -> None:
    given = {name for name, value in item.values.items() if value is not None}
    given |= {edges.declarer.rpartition(".")[2] for edges in item.edges if edges.targets}
    missing = [name for name in item.required if name not in given]
    if missing:
        names = " and ".join(f"`{name}`" for name in missing)
        raise invalid(f"{item.urn} is registered for the first time, which needs {names}; give it.", missing[0])


def _refuse_other_content(item: Registration, before: Record) -> None:
    """Versions are immutable: other content is another version."""
    for name in CONTENT:
        if before.get(name) is not None and name in item.values and item.values[name] != before[name]:
            raise conflict(
                f"{item.urn} is registered with `{name}` {before[name]} and this call says {item.values[name]}, but "
                "versions are immutable; register the other content as a version of its own.",
                before["revision"],
                name,
            )


def _declare(draft: Draft, vid: int, item: Registration, edges: EdgesOf) -> bool:
    """Draft the edges of one field; whether any changes."""
    relation, out = edges.hop.relation, edges.hop.direction is Direction.OUT
    field = edges.declarer.rpartition(".")[2]
    if relation is VERSION_OF:
        if set(edges.targets) - {whole_urn(item.urn)}:
            raise invalid(f"{item.urn} is a version of {whole_urn(item.urn)} and of nothing else.", field)
        return False
    moved = False
    kept: set[Key] = set()
    for urn, facts in edges.targets.items():
        far = draft.ensure(urn)
        draft.meet(urn, far)
        key = (relation.name, vid, far) if out else (relation.name, far, vid)
        if not relation.allows(name_of(draft, key[1]), name_of(draft, key[2])):
            raise invalid(f"{urn} cannot stand here: {relation.name} does not join these kinds.", field)
        claim = claims(draft, key, vid, edges.declarer)
        said = {"origin": edges.origin, **_TAKEN_AS.get(relation.name, {}), **facts}
        after = declared(draft.edge(key), relation, edges.declarer, draft.now, said)
        moved |= change_edge(draft, key, claimed(after, claim=claim), vid, field)
        kept.add(key)
    for key, edge in _ending(draft, vid, edges, kept):
        moved |= change_edge(draft, key, edge, vid, field)
    if out:
        settle_lists(draft, vid, relation.name, list(edges.targets))
    return moved


def _ending(draft: Draft, vid: int, edges: EdgesOf, kept: set[Key]) -> Iterator[tuple[Key, Record]]:
    """The edges of a field that are no longer declared by it, or are to be removed, as they become."""
    relation, out = edges.hop.relation.name, edges.hop.direction is Direction.OUT
    for key in () if edges.adds else draft.at(relation, edges.hop.direction, vid):
        edge = draft.edge(key)
        if edge is None or key in kept or edges.declarer not in edge["by"] or not is_current(edge, draft.now):
            continue
        if not has_mode(edge, TagMode.BLOCKED, draft.now):  # a list says what is carried, not what is kept out
            yield key, withdrawn(edge, edges.declarer, draft.now)
    for far in map(draft.vid, edges.removes):
        key = (relation, vid, far) if out else (relation, far, vid)
        edge = draft.edge(key)
        if edge is not None and is_current(edge, draft.now):
            yield key, let_go(edge, draft.now)
