"""Links two assets, or ends a link: one edge, without registering either end."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from app.graph.records.edge_record import (
    DECLASSIFIED,
    LINK,
    REPORTED,
    EdgeKey,
    InvalidEdgeError,
    ended,
    ends,
    is_current,
    linked,
    with_confirmation,
)
from app.graph.records.vertex_record import is_unowned_stub
from app.graph.writing.rules.approved_content import RETRACTED
from app.graph.writing.rules.edge_declarations import to_amend, with_giver
from app.graph.writing.rules.edge_effects import change_edge, has_lapsed, is_unscheduled
from app.graph.writing.rules.first_owner import require_right_to_take
from app.graph.writing.rules.known_references import refuse_unknown
from app.graph.writing.rules.permissions import (
    needs_confirmation,
    refuse_deleted,
    require_right,
    require_right_to_declassify,
    require_right_to_end,
    require_right_to_enter,
    require_right_to_move,
    require_visible,
)
from app.graph.writing.rules.result_rights import require_right_on_result
from app.graph.writing.rules.unconfirmed_links import stage_unconfirmed_link, unconfirmed_link
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.placeholders import absent_record, ensure_referenced, ensure_stub
from app.graph.writing.unit.rejections import RejectedItemError, invalid, not_found
from app.graph.writing.unit.unseen_references import RUN_ID, any_unseen
from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.catalog.relations import CONTAINS, RELATIONS, STARTED_BY, VERSION_OF, Relation
from graphql_schema.catalog.urn import parent_urn, parse_urn
from graphql_schema.ports.commands import LinkCommand, UnlinkCommand, changes_source
from graphql_schema.ports.outcomes import Outcome, WriteOutcome
from graphql_schema.ports.record import Record


def link(unit: ItemUnit, command: LinkCommand) -> WriteOutcome:
    """Link two assets.

    Raises RejectedItemError if the edge is invalid, the asset that it changes is deleted, the caller may not link them,
    or an absent user or team may not be created. With ``known_ids``, it is also raised if an id is unknown.

    A hidden end is treated like an absent one: for either, ``far_end_known`` or ``changed_end_known`` of the outcome is
    false. If the end that the link changes is hidden, the link is unconfirmed, and without effect. The edge itself
    changes no revision, because a revision would disclose links of hidden assets. `CONTAINS` may change container and
    owner team of the contained asset, and so its revision.
    """
    relation = RELATIONS[command.relation]
    _refuse_invalid(relation, command)
    _refuse_dated(unit, command, validFrom=command.values.get("validFrom"), validTo=command.values.get("validTo"))
    refuse_unknown(unit, command.known_ids, ((command.source, ("from",)), (command.target, ("to",))))
    outward = changes_source(command)
    changed = command.source if outward else command.target
    own = ensure_stub(unit, changed)
    if _may_confirm(unit, command, own):
        return _confirm(unit, command)
    hidden = not unit.visibility.is_visible(unit.lookup.known(own))
    present = absent_record(unit, changed) if hidden else unit.lookup.known(own)
    require_right(unit, "link", present, "from" if outward else "to")
    refuse_deleted(present)
    ends = (relation.name, unit.lookup.vid(command.source), unit.lookup.vid(command.target))
    known = unconfirmed_link(unit, ends) if hidden else unit.visibility.known(ends)
    require_right_to_enter(unit, relation.name, command.source, present, known, "from")
    source, target = ensure_referenced(unit, command.source, "from"), ensure_referenced(unit, command.target, "to")
    ends_known = {vid: unit.visibility.could_see(vid) for vid in (source, target)}
    unit.visibility.report_hidden_id(command.source)
    unit.visibility.report_hidden_id(command.target)
    write = _declare_unconfirmed if hidden else _declare
    outcome = write(unit, command, (relation.name, source, target), own)
    return WriteOutcome(
        outcome,
        revision=present["revision"] if hidden else unit.lookup.known(own)["revision"],
        far_end_known=ends_known[target if outward else source],
        changed_end_known=ends_known[own],
        sensitivity_before=None if hidden else _visible_sensitivity(unit, own),
    )


def _declare(unit: ItemUnit, command: LinkCommand, key: EdgeKey, own: int) -> Outcome:
    """Stage the edge of a link whose changed end ``own`` is visible."""
    relation, (_, source, target) = RELATIONS[command.relation], key
    there = "to" if own == source else "from"
    current = unit.visibility.known(key)
    unconfirmed = needs_confirmation(unit, key, own, current, LINK, there)
    stored = to_amend(unit, key, own, unit.visibility.redeclared(key), unconfirmed=unconfirmed)
    known = unit.visibility.known_edge(unit.lookup.batch.edge(key), key)
    before = to_amend(unit, key, own, known, unconfirmed=unconfirmed)
    with _invalid_edge_rejected():
        after, opened = linked(stored, relation, _values(unit, command, key, own), unit.now)
    after = {name: value for name, value in after.items() if name != RETRACTED}
    require_right_to_move(unit, key, own, current, after, there)
    if DECLASSIFIED in command.values:
        require_right_to_declassify(unit, unit.lookup.known(own), target, before, command.values, "declassify")
    after = with_confirmation(with_giver(unit, key, stored, after), unconfirmed=unconfirmed)
    field = field_of(relation, unit.lookup.kind(source), outward=own == source)
    anew = any_unseen(unit, filter(None, [command.values.get(RUN_ID)]))
    change_edge(unit, key, after, own, field, anew=anew, declarer=LINK)
    stored = unit.lookup.batch.vertex(own)
    if relation is CONTAINS and stored is not None and not is_unowned_stub(stored):  # a domain brings its owner
        require_right_to_take(unit)
        require_right_on_result(unit, own, stored, creates=False)
    unit.audit.record_action(own, ChangeAction.LINKED)
    unit.staging.bump_revisions()
    changed = Outcome.UPDATED if unit.staging.has_changes else Outcome.UNCHANGED
    return Outcome.CREATED if opened or before is None else changed


def _declare_unconfirmed(unit: ItemUnit, command: LinkCommand, key: EdgeKey, own: int) -> Outcome:
    """Stage a link whose changed end ``own`` is hidden; of the stored edge, only earlier links by the caller count.

    It is marked as unconfirmed if the link of an absent asset would be, which decides who may end or move it.
    """
    relation, (_, source, target) = RELATIONS[command.relation], key
    there, before = "to" if own == source else "from", unconfirmed_link(unit, key)
    unconfirmed = needs_confirmation(unit, key, own, before, LINK, there)
    with _invalid_edge_rejected():
        after, opened = linked(before, relation, command.values, unit.now)
    require_right_to_move(unit, key, own, before, after, there)
    with_giver(unit, key, before, after)  # it reads what the link of an absent asset needs
    after = with_confirmation(after, unconfirmed=unconfirmed)
    if DECLASSIFIED in command.values:
        absent = absent_record(unit, unit.visibility.name(unit.lookup.known(own)))
        require_right_to_declassify(unit, absent, target, before, command.values, "declassify")
    if before == after:
        return Outcome.UNCHANGED
    stage_unconfirmed_link(unit, key, after, own, field_of(relation, unit.lookup.kind(source), outward=own == source))
    unit.audit.record_action(own, ChangeAction.LINKED)
    return Outcome.CREATED if opened or before is None else Outcome.UPDATED


def _visible_sensitivity(unit: ItemUnit, own: int) -> str | None:
    """Return the sensitivity of an asset before the batch, None if it was not stored or hides its sensitivity."""
    record = unit.lookup.batch.vertex_before(own)
    return None if record is None else unit.visibility.masked(record).get("sensitivity")


def _values(unit: ItemUnit, command: LinkCommand, key: EdgeKey, own: int) -> Record:
    """Return the values of the command.

    ``declassified`` false is left out if the edge is concealed and the caller may not approve the changed asset. It
    would end a declassification that the caller may not see.
    """
    may_end = not unit.visibility.conceals(key) or unit.visibility.allows("approve", unit.lookup.known(own)).allowed
    if may_end or command.values.get(DECLASSIFIED):
        return command.values
    return {name: value for name, value in command.values.items() if name != DECLASSIFIED}


def _may_confirm(unit: ItemUnit, command: LinkCommand, own: int) -> bool:
    """Return whether the caller may confirm a reported edge: by the right to link its *to* end, without one on ``own``.

    Reported edges have the key :data:`app.graph.records.edge_record.REPORTED`.
    """
    key = (command.relation, own, unit.lookup.vid(command.target))
    target = unit.visibility.visible(command.target)
    if not unit.visibility.is_visible(unit.lookup.known(own)):
        return False  # a hidden asset must have the response of an absent one
    if target is None or not (unit.lookup.edge(key) or {}).get(REPORTED) or not unit.lookup.is_current(key):
        return False
    may = [unit.visibility.allows("link", record).allowed for record in (unit.lookup.known(own), target)]
    return may == [False, True]


def _confirm(unit: ItemUnit, command: LinkCommand) -> WriteOutcome:
    """Stage a reported edge again, by a caller who may link its *to* end; its values and declarers stay.

    This removes the mark ``reported``, unless that end has no owner team and the caller may not administer it.
    """
    target = unit.lookup.vid(command.target)
    key = (command.relation, unit.lookup.vid(command.source), target)
    change_edge(unit, key, unit.lookup.edge(key) or {}, target, "upstream")
    unit.audit.record_action(target, ChangeAction.LINKED)
    before, revision = _visible_sensitivity(unit, target), unit.lookup.known(target)["revision"]
    return WriteOutcome(Outcome.UPDATED, revision=revision, sensitivity_before=before)


def unlink(unit: ItemUnit, command: UnlinkCommand) -> WriteOutcome:
    """End an edge, regardless of its declarers; with ``valid_to``, an edge that has ended can be corrected too.

    Raises RejectedItemError if there is no such edge (without ``valid_to``, no current one), it is VERSION_OF, it would
    not end after its begin, or the caller may not. The error is also raised if the asset that the edge changes is
    hidden or deleted, or if the edge would end in the future and cannot be scheduled. The caller's own unconfirmed link
    of a hidden asset can be ended. An ended edge that gets an end after now is confirmed only if a new link would be.
    """
    relation, source_kind = RELATIONS[command.relation], parse_urn(command.source).kind
    if relation is VERSION_OF:
        raise invalid(
            f"The id of {command.source} names its parent; delete the version with `deleteAsset`.", "relation"
        )
    _refuse_dated(unit, command, validTo=command.valid_to)
    outward = changes_source(command)
    changed, other = (command.source, command.target) if outward else (command.target, command.source)
    ends = (relation.name, unit.lookup.vid(command.source), unit.lookup.vid(command.target))
    if unit.visibility.visible(changed) is None and unconfirmed_link(unit, ends) is not None:
        return _end_unconfirmed(unit, command, ends, unit.lookup.vid(changed))
    here = "from" if outward else "to"
    record = require_visible(unit, changed, here)
    require_right(unit, "link", record, here)
    refuse_deleted(record)
    own, far = unit.lookup.vid(changed), unit.lookup.vid(other)
    key = (relation.name, own, far) if outward else (relation.name, far, own)
    unit.visibility.report_hidden_id(other)
    edge = _endable(unit, key, command)
    after = _ended(unit, command, key, own, edge)
    if relation is STARTED_BY and not is_current(after, unit.now) and _may_retract(unit, record, command.target):
        after = {**after, RETRACTED: True}
    after = with_giver(unit, key, edge, after)
    moved = change_edge(unit, key, after, own, field_of(relation, source_kind, outward=outward), unlinks=True)
    unit.audit.record_action(own, ChangeAction.UNLINKED)
    unit.staging.bump_revisions()
    return WriteOutcome(
        Outcome.UPDATED if moved or unit.staging.has_changes else Outcome.UNCHANGED,
        revision=unit.lookup.known(own)["revision"],
        sensitivity_before=_visible_sensitivity(unit, own),
    )


def _ended(unit: ItemUnit, command: UnlinkCommand, key: EdgeKey, own: int, edge: Record) -> Record:
    """Return ``edge``, as the caller knows it, ended; reject the item if the caller may not, or the end is invalid."""
    there = "to" if own == key[1] else "from"
    require_right_to_end(unit, key, own, edge, there)
    with _invalid_edge_rejected():
        end = ends(edge) if has_lapsed(unit, key) else None
        after = ended(edge, unit.now, end if command.valid_to is None else command.valid_to)
    if is_current(after, unit.now) and not is_current(edge, unit.now):
        after = with_confirmation(after, unconfirmed=needs_confirmation(unit, key, own, edge, "", there))
        after = {name: value for name, value in after.items() if name != RETRACTED}
    return after


def _may_retract(unit: ItemUnit, run: Record, user: str) -> bool:
    """Return whether the caller may state that a run named a user by mistake: an administrator, and not that user."""
    return unit.author.user != user and unit.visibility.allows("administer", run).allowed


def _end_unconfirmed(unit: ItemUnit, command: UnlinkCommand, key: EdgeKey, own: int) -> WriteOutcome:
    """End an unconfirmed link of the caller to a hidden asset; the outcome is that of ending a link to a stub."""
    unit.visibility.report_hidden_id(command.source)
    unit.visibility.report_hidden_id(command.target)
    before = unconfirmed_link(unit, key)
    if before is None or not (is_current(before, unit.now) or command.valid_to is not None):
        raise _no_edge(command)
    after = _ended(unit, command, key, own, before)
    with_giver(unit, key, before, after)  # as for a link that is declared
    revision = absent_record(unit, unit.visibility.name(unit.lookup.known(own)))["revision"]
    if after == before:
        return WriteOutcome(Outcome.UNCHANGED, revision=revision, changed_end_known=False)
    stage_unconfirmed_link(
        unit, key, after, own, field_of(RELATIONS[key[0]], unit.lookup.kind(key[1]), outward=own == key[1])
    )
    unit.audit.record_action(own, ChangeAction.UNLINKED)
    return WriteOutcome(Outcome.UPDATED, revision=revision, changed_end_known=False)


_FIELDS: Final = {
    ("CONTAINS", "Domain", False): "domain",
    ("CONTAINS", "FeatureSet", True): "features",
    ("CONTAINS", "FeatureSet", False): "featureSet",
    ("CONTAINS", "Workflow", True): "steps",
    ("RUN_OF", "Run", True): "workflow",
    ("CHILD_OF", "Run", True): "parentRun",
    ("STARTED_BY", "Run", True): "startedBy",
    ("REPLACED_BY", "", True): "replacedBy",
}
"""Field of the changed asset that shows an edge: by relation, kind of the *from* end, and whether the edge leaves it.

The kind "" is any other kind.
"""


def field_of(relation: Relation, source_kind: str, *, outward: bool) -> str:
    """Return the field of the changed asset that shows the edge, else the name of the relation.

    The policy of the field applies to the audit entry of the edge.
    """
    if relation.lineage:
        return "downstream" if outward else "upstream"
    named = _FIELDS.get((relation.name, source_kind, outward)) or _FIELDS.get((relation.name, "", outward))
    return named or relation.name


def _refuse_invalid(relation: Relation, command: LinkCommand) -> None:
    source_kind, target_kind = parse_urn(command.source).kind, parse_urn(command.target).kind
    if not relation.allows(source_kind, target_kind):
        raise invalid(f"{relation.name} does not join {source_kind} to {target_kind}; {_joins(relation)}.", "to")
    if relation is VERSION_OF and parent_urn(command.source) != command.target:
        raise invalid(f"{command.source} is a version of {parent_urn(command.source)} only; link it there.", "to")
    if command.values.get(DECLASSIFIED) and not relation.carries:
        raise invalid(f"Sensitivity does not propagate over {relation.name}; omit `declassify`.", "declassify")


def _refuse_dated(unit: ItemUnit, command: LinkCommand | UnlinkCommand, **instants: int | None) -> None:
    """Reject the item if it schedules what must change by a write, or dates a version; ``instants`` are by input field.

    A version belongs to the parent that its id names, and never ceases to.
    """
    relation = RELATIONS[command.relation]
    unscheduled = is_unscheduled(relation.name, parse_urn(command.source).kind)
    for name, instant in instants.items():
        if unscheduled and instant is not None and instant > unit.now:
            what = "What a domain or feature set contains" if relation is CONTAINS else "A deployment"
            raise invalid(f"{what} cannot be scheduled; call when it takes place, without `{name}`.", name)
        if relation is VERSION_OF and instant is not None:
            raise invalid(f"A version belongs to its parent as long as it exists; omit `{name}`.", name)


def _endable(unit: ItemUnit, key: EdgeKey, command: UnlinkCommand) -> Record:
    """Return the edge to end; reject the item if there is none.

    It is the edge as the caller knows it. Without ``validTo`` the edge must be current, or have lapsed; with it, the
    end of an ended edge is corrected.
    """
    edge = unit.visibility.known_edge(unit.lookup.edge(key), key)
    if edge is not None and (is_current(edge, unit.now) or command.valid_to is not None or has_lapsed(unit, key)):
        return edge
    raise _no_edge(command)


def _no_edge(command: UnlinkCommand) -> RejectedItemError:
    return not_found(
        f"No current {command.relation} from {command.source} to {command.target} exists or is visible to you; "
        "check the ids.",
        "to",
    )


@contextmanager
def _invalid_edge_rejected() -> Iterator[None]:
    try:
        yield
    except InvalidEdgeError as error:
        raise invalid(*error.args) from error


def _joins(relation: Relation) -> str:
    sources = sorted({source for source, _ in relation.ends})
    joins = [f"{source} to {', '.join(sorted(b for a, b in relation.ends if a == source))}" for source in sources]
    return "it joins " + "; ".join(joins)
