"""Registering one thing: its own values and the edges that its fields declare, over a draft."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from app.graph.records.edge_record import (
    EdgeKey,
    declared,
    flows,
    is_current,
    unconfirmed_from,
    undeclared,
    with_confirmation,
)
from app.graph.records.tag_edge import has_mode, released
from app.graph.records.vertex_record import Record, attributes, is_unowned_stub, registered, updated
from app.graph.writing.rules.edge_effects import change_edge, update_ordered_lists, update_owner_team, update_use_times
from app.graph.writing.rules.effective_sensitivity import with_known_sensitivity
from app.graph.writing.rules.permissions import (
    needs_confirmation,
    refuse_deleted,
    refuse_unexpected,
    require_right,
    require_visible,
)
from app.graph.writing.unit.item_unit import ItemUnit, name_of
from app.graph.writing.unit.rejections import conflict, invalid
from graphql_schema.catalog.enums import ChangeAction, TagMode
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.relations import CARRYING, TAGGED, VERSION_OF, Direction
from graphql_schema.catalog.urn import parent_urn, parse_urn
from graphql_schema.ports.commands import DeclaredEdges, RegisterCommand
from graphql_schema.ports.outcomes import Outcome, WriteOutcome
from policies.gates import RISK_TIERS

RETIRED = "RETIRED"
_RISK: Final[Mapping[str | None, int]] = {None: 0, **{tier: rank for rank, tier in enumerate(RISK_TIERS, 1)}}
_PROGRESS: Final[Mapping[str | None, int]] = {None: -1, "START": 0, "RUNNING": 1}
_ENDED: Final = 2
CONTENT = ("digest", "contentDigest")
"""Fields that a version keeps for good, once it has them."""

_TAKEN_AS: Mapping[str, Record] = {TAGGED.name: {"mode": TagMode.DIRECT.name}}
"""What naming a far end says by itself: a tag that is listed is carried, even if it was kept out before."""


def register(unit: ItemUnit, item: RegisterCommand) -> WriteOutcome:
    """Draft the item; raises RejectedItemError where it cannot be."""
    vid = unit.vid(item.urn)
    before = unit.vertex(vid) if item.action is None else require_visible(unit, item.urn, item.at)
    creates = item.action is None and (before is None or before["hydration"] == "STUB")
    if before is not None and (item.action is not None or not is_unowned_stub(before)):
        require_right(unit, "register" if creates else item.right, before)
        if item.values.get("stage") == RETIRED != before["stage"]:
            require_right(unit, "retire", before)
    if creates:
        _permit_version(unit, item.urn)
    refuse_unexpected(unit, item.urn, item.expected_revision, before)
    refuse_deleted(before)
    if creates:
        _refuse_missing(item)
    elif before is not None:
        _refuse_other_content(item, before)
    unit.ensure_stub(item.urn)
    if creates:
        unit.action[vid] = ChangeAction.REGISTERED
        _doubt(unit, vid, item)
    if item.action is None:
        values = _timely(item.values, before)
        unit.put(vid, registered(unit.known(vid), values, stored=unit.state.stored(vid)))
    else:
        unit.record_action(vid, item.action, item.reason)
        unit.put(vid, updated(unit.known(vid), item.values))
    update_use_times(unit, vid)
    moved = [_declare(unit, vid, item, edges) for edges in item.edges]
    update_owner_team(unit, vid)
    permit_result(unit, vid, before, creates=creates)
    unit.bump_revisions(*([vid] if any(moved) else []))
    outcome = Outcome.CREATED if creates else Outcome.UPDATED if unit.changes else Outcome.UNCHANGED
    return WriteOutcome(outcome, item.urn, unit.known(vid)["revision"])


def _timely(values: Mapping[str, Any], before: Record | None) -> Mapping[str, Any]:
    """The values without a state of a run that came late: a run that has ended does not begin again."""
    state, stored = values.get("state"), (before or {}).get("state")
    if (before or {}).get("kind") == "RUN" and _PROGRESS.get(state, _ENDED) < _PROGRESS.get(stored, _ENDED):
        return {name: value for name, value in values.items() if name != "state"}
    return values


def _permit_less_risk(unit: ItemUnit, before: Record | None, after: Record) -> None:
    """A model that is said to do less harm than before passes other gates: that is for those who approve."""
    stored, said = (_RISK[record.get("riskTier")] for record in (before or after, after))
    if before is not None and said < stored:
        require_right(unit, "approve", before)


def _doubt(unit: ItemUnit, vid: int, item: RegisterCommand) -> None:
    """Take as claims what was said of a stub by whoever knows more than the caller, who is to answer for it now.

    Anybody may put edges on what belongs to nobody. From a hidden source they would raise its sensitivity ever after,
    and its team could not see why. What the item says itself is in no doubt.
    """
    if unit.state.stored(vid) and vid not in unit.state.read.around:
        unit.state.wants.around.add(vid)
        return
    said = {
        (edges.hop.relation.name, unit.vid(urn), vid)
        for edges in item.edges
        if edges.hop.direction is Direction.IN
        for urn in edges.targets
    }
    for key in sorted({key for relation in CARRYING for key in unit.at(relation, Direction.IN, vid)} - said):
        edge, source = unit.edge(key), unit.vertex(key[1])
        if edge is not None and flows(edge, unit.now) and source is not None and not unit.is_visible(source):
            unit.put_edge(key, unconfirmed_from(edge, unit.now))


def _permit_version(unit: ItemUnit, urn: str) -> None:
    """A new version may become the latest of its asset, so it takes rights there, whoever is to own it."""
    whole = parent_urn(urn)
    record = unit.vertex(unit.vid(whole)) if whole else None
    if record is not None and not is_unowned_stub(record):
        require_right(unit, "register", {**record, "kind": KINDS[parse_urn(urn).kind].code})


def permit_result(unit: ItemUnit, vid: int, before: Record | None, *, creates: bool) -> None:
    """Raise unless the caller may have made of this what it has become."""
    if creates:  # by what it declares: what it is derived from may be hidden, and must answer like what is not there
        known = unit.known(vid)
        require_right(unit, "register", {**known, "sensitivity": known["declaredSensitivity"]})
        return
    after = with_known_sensitivity(unit, vid)
    _permit_less_risk(unit, before, after)
    if before is not None:
        if attributes(before) != attributes(after):
            require_right(unit, "update", after)
        if before["declaredSensitivity"] != after["declaredSensitivity"]:
            require_right(unit, "update", {**after, "sensitivity": after["declaredSensitivity"]})
        if before.get("propagates") != after.get("propagates"):  # it comes to assets of all teams, or leaves them
            require_right(unit, "administer", after)


def _refuse_missing(item: RegisterCommand) -> None:
    given = {name for name, value in item.values.items() if value is not None}
    given |= {edges.declarer.rpartition(".")[2] for edges in item.edges if edges.targets}
    missing = [name for name in item.required if name not in given]
    if missing:
        names = " and ".join(f"`{name}`" for name in missing)
        raise invalid(f"{item.urn} is registered for the first time, which needs {names}; give it.", missing[0])


def _refuse_other_content(item: RegisterCommand, before: Record) -> None:
    """Versions are immutable: other content is another version."""
    for name in CONTENT:
        if before.get(name) is not None and name in item.values and item.values[name] != before[name]:
            raise conflict(
                f"{item.urn} is registered with `{name}` {before[name]} and this call says {item.values[name]}, but "
                "versions are immutable; register the other content as a version of its own.",
                before["revision"],
                name,
            )


def _declare(unit: ItemUnit, vid: int, item: RegisterCommand, edges: DeclaredEdges) -> bool:
    """Draft the edges of one field; whether any changes."""
    relation, out = edges.hop.relation, edges.hop.direction is Direction.OUT
    field = edges.declarer.rpartition(".")[2]
    if relation is VERSION_OF:
        if set(edges.targets) - {parent_urn(item.urn)}:
            raise invalid(f"{item.urn} is a version of {parent_urn(item.urn)} and of nothing else.", field)
        return False
    moved = False
    kept: set[EdgeKey] = set()
    for urn, facts in edges.targets.items():
        far = unit.ensure_stub(urn)
        unit.report_hidden_id(urn, far)
        key = (relation.name, vid, far) if out else (relation.name, far, vid)
        if not relation.allows(name_of(unit, key[1]), name_of(unit, key[2])):
            raise invalid(f"{urn} cannot stand here: {relation.name} does not join these kinds.", field)
        claim = needs_confirmation(unit, key, vid, edges.declarer)
        said = {"origin": edges.origin, **_TAKEN_AS.get(relation.name, {}), **facts}
        after = declared(unit.edge(key), relation, edges.declarer, unit.now, said)
        moved |= change_edge(unit, key, with_confirmation(after, claim=claim), vid, field)
        kept.add(key)
    for key, edge in _ending(unit, vid, edges, kept):
        moved |= change_edge(unit, key, edge, vid, field)
    if out:
        update_ordered_lists(unit, vid, relation.name, list(edges.targets))
    return moved


def _ending(unit: ItemUnit, vid: int, edges: DeclaredEdges, kept: set[EdgeKey]) -> Iterator[tuple[EdgeKey, Record]]:
    """The edges of a field that are no longer declared by it, or are to be removed, as they become."""
    relation, out = edges.hop.relation.name, edges.hop.direction is Direction.OUT
    for key in () if edges.adds else unit.at(relation, edges.hop.direction, vid):
        edge = unit.edge(key)
        if edge is None or key in kept or edges.declarer not in edge["by"] or not is_current(edge, unit.now):
            continue
        if not has_mode(edge, TagMode.BLOCKED, unit.now):  # a list says what is carried, not what is kept out
            yield key, undeclared(edge, edges.declarer, unit.now)
    for far in map(unit.vid, edges.removes):
        key = (relation, vid, far) if out else (relation, far, vid)
        edge = unit.edge(key)
        if edge is not None and is_current(edge, unit.now):
            yield key, released(edge, unit.now)
