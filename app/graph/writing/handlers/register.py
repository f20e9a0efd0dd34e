"""Registers or updates one asset: its values, and the edges that the fields of its input declare; or its owner team.

Load, authorise, stage: first the stored asset is looked up and the rights on it are checked. Then its record and edges
are staged, and last the right on the result is checked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from app.graph.records.vertex_record import giver_of, is_unowned_stub, registered, updated, with_confirmed, with_givers
from app.graph.writing.rules.approved_content import DIGESTS
from app.graph.writing.rules.attach import column_parts
from app.graph.writing.rules.default_owner import with_default_owner
from app.graph.writing.rules.edge_declarations import declare_edges, end_blocks
from app.graph.writing.rules.edge_effects import refresh_owner_team, update_owner_team, update_use_times
from app.graph.writing.rules.effective_sensitivity import CarryingSources, carrying_sources, confirmed_for_author
from app.graph.writing.rules.first_owner import with_registrant
from app.graph.writing.rules.known_references import refuse_unknown
from app.graph.writing.rules.permissions import (
    refuse_deleted,
    refuse_unexpected,
    require_right,
    require_right_below,
    require_visible,
)
from app.graph.writing.rules.result_rights import require_right_on_result
from app.graph.writing.rules.unconfirmed_links import unconfirmed_from
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.placeholders import absent_record, ensure_stub
from app.graph.writing.unit.rejections import conflict, denied, invalid
from graphql_schema.catalog.enums import ChangeAction, LifecycleStage
from graphql_schema.catalog.relations import VERSION_OF, Direction
from graphql_schema.catalog.urn import parent_urn
from graphql_schema.ports.background.owner_commands import InheritOwnerCommand
from graphql_schema.ports.commands import RegisterCommand
from graphql_schema.ports.outcomes import Outcome, WriteOutcome
from graphql_schema.ports.record import Record
from graphql_schema.rules.observation.observed_columns import COLUMNS, with_observed_sources
from policies.sensitivity import RANK

RETIRED: Final = LifecycleStage.RETIRED.name

_PROGRESS: Final[Mapping[str | None, int]] = {None: -1, "START": 0, "RUNNING": 1}
"""Order of the states of a run that has not ended."""

_ENDED: Final = 2


@dataclass(frozen=True, slots=True)
class Target:
    """The asset that a command is about. ``before`` is its record before the command, None if there is none.

    ``creates``, a flag, is set if a registration finds no asset or only a stub; it is never set for a command with an
    ``action``. ``parent`` is the record of the parent named in the URN of an asset that is created, if it is known.
    ``unseen`` are the given fields whose stored values are hidden from the caller, and were given by another. Columns
    are among them if a given source column is hidden from the caller or absent. The response must not depend on whether
    these values are equal to the stored ones.
    """

    command: RegisterCommand
    vid: int
    before: Record | None
    parent: Record | None
    creates: bool
    unseen: frozenset[str]

    @property
    def right(self) -> str:
        """Return the name of the policy action that the command needs on the stored record."""
        return "register" if self.creates else self.command.right


def register(unit: ItemUnit, command: RegisterCommand) -> WriteOutcome:
    """Register or update an asset.

    Raises RejectedItemError if the caller may not, a value or a reference is not accepted, or the asset is absent or
    hidden and the command has an ``action``. The error is also raised if the asset is deleted or has another revision
    than expected.
    """
    target = _load(unit, command)
    _authorise(unit, target)
    _refuse_content(target)
    _refer(unit, target)
    return _stage(unit, target)


def inherit_owner(unit: ItemUnit, command: InheritOwnerCommand) -> WriteOutcome:
    """Update the owner team of a child, which may be hidden from the caller, as the write that changed its parent does.

    The rights are checked when it is staged (:func:`app.graph.writing.rules.first_owner.require_right_to_take`). The
    hand-overs of the command do not count for a child that has another parent by now.
    """
    record = unit.lookup.record(command.urn)
    if record is None:
        return WriteOutcome(Outcome.UNCHANGED, command.urn)
    vid = unit.lookup.vid(command.urn)
    if unit.lookup.has_parent(record, unit.lookup.vid(command.parent)):
        unit.hand_overs = command.hand_overs
    update_owner_team(unit, vid)
    unit.staging.bump_revisions()
    outcome = Outcome.UPDATED if unit.staging.has_changes else Outcome.UNCHANGED
    return WriteOutcome(outcome, command.urn, unit.lookup.known(vid)["revision"])


def _load(unit: ItemUnit, command: RegisterCommand) -> Target:
    vid = unit.lookup.vid(command.urn)
    updates = command.action is not None
    before = require_visible(unit, command.urn, command.id_path) if updates else unit.lookup.vertex(vid)
    creates = not updates and (before is None or before["hydration"] == "STUB")
    parent = parent_urn(command.urn)
    command = with_default_owner(unit, command, before)
    given = {*command.values, *(edges.field for edges in command.edges)}
    unseen = frozenset() if before is None else unit.visibility.unknown_fields(before) & given
    if before is not None and not creates:
        unseen |= _counted(command, giver_of(before, COLUMNS) == unit.author.subject)
    return Target(
        command,
        vid,
        before,
        unit.lookup.vertex(unit.lookup.vid(parent)) if creates and parent else None,
        creates,
        unseen,
    )


def _counted(command: RegisterCommand, is_giver: bool) -> frozenset[str]:  # noqa: FBT001 - what it decides by
    """Return the columns if they count as changed, whatever is stored: their sources may be hidden from the caller.

    If the caller gave the stored ones, they are compared. What events gave as sources is no part of a registration.
    """
    if command.counted is not None:
        return command.counted
    return frozenset({COLUMNS} if COLUMNS in command.values and not is_giver else ())


def _authorise(unit: ItemUnit, target: Target) -> None:
    """Check the rights on what is stored, the expected revision, and that the asset is not deleted."""
    before, command = target.before, target.command
    if command.action is None and unit.author.owner_of_name(command.urn) and _is_as_absent(unit, before):
        require_right(unit, "register", absent_record(unit, command.urn))
    if before is not None and (command.action is not None or not is_unowned_stub(before)):
        require_right(unit, target.right, before)
        if command.values.get("stage") == RETIRED != before["stage"]:
            require_right(unit, "retire", before, "stage")
    if target.parent is not None:
        require_right_below(unit, command.urn, target.parent, *_parent_field(command))
    refuse_unexpected(unit, command.urn, command.expected_revision, before)
    refuse_deleted(before)


def _is_as_absent(unit: ItemUnit, before: Record | None) -> bool:
    """Return whether a registration is decided as that of an absent asset first: of a hidden one it must look so."""
    return before is None or is_unowned_stub(before) or not unit.visibility.is_visible(before)


def _parent_field(command: RegisterCommand) -> Iterator[str]:
    """Yield the input field of the parent that the id names."""
    yield from (edges.field for edges in command.edges if edges.hop.relation is VERSION_OF)


def _refuse_content(target: Target) -> None:
    if target.creates:
        _refuse_missing(target.command)
    elif target.before is not None:
        _refuse_unseen_content(target)
        _refuse_other_content(target.command, target.before)


def _refer(unit: ItemUnit, target: Target) -> None:
    """Report the parent of a new version if it is a placeholder; reject unknown references unless all are accepted."""
    command, parent = target.command, parent_urn(target.command.urn) if target.creates else None
    if parent is not None:
        unit.visibility.report_placeholder(parent)
    named = ((urn, edges.place(urn)) for edges in command.edges for urn in edges.targets if urn != command.urn)
    refuse_unknown(unit, command.known_ids, named)


def _stage(unit: ItemUnit, target: Target) -> WriteOutcome:
    """Stage record, edges and audit; the right on the result is checked last, when the result is known."""
    vid, command = ensure_stub(unit, target.command.urn), target.command
    after = _changed(unit, unit.lookup.known(vid), target, stored=unit.lookup.batch.existed(vid))
    if target.creates:
        unit.audit.record_action(vid, ChangeAction.REGISTERED)
        unit.lookup.batch.request_group(vid)
        sources = carrying_sources(unit, vid)
        _unconfirm_hidden_sources(unit, target, sources)
        after = with_registrant(after, unit.author.subject, unit.now)
        after = with_confirmed(after, confirmed_for_author(unit, after, sources))
    elif command.action is not None:
        unit.audit.record_action(vid, command.action, command.reason)
    secrets = unit.visibility.changed_secrets(target.before or {}, after) | target.unseen
    secrets = secrets | {COLUMNS} if COLUMNS in command.values and command.counted is None else secrets - {COLUMNS}
    unit.staging.put(vid, with_givers(after, secrets, unit.author.subject))
    unit.audit.rewritten[vid] = target.unseen
    update_use_times(unit, vid)
    moved = [declare_edges(unit, command.urn, edges) for edges in command.edges]
    if target.creates and target.before is not None and target.before["revision"] > 1:  # a block is a change of it
        end_blocks(unit, vid)
    refresh_owner_team(unit, vid)
    require_right_on_result(unit, vid, target.before, creates=target.creates)
    unit.staging.bump_revisions(*([vid] if any(moved) or target.unseen else []))
    changed = Outcome.UPDATED if unit.staging.has_changes else Outcome.UNCHANGED
    outcome = Outcome.CREATED if target.creates else changed
    return WriteOutcome(outcome, command.urn, unit.lookup.known(vid)["revision"])


def _changed(unit: ItemUnit, record: Record, target: Target, *, stored: bool) -> Record:
    """Return the record with the values of the command; its columns have the sources that events gave."""
    values = target.command.values
    if target.command.action is not None:
        return updated(record, values)
    if values.get(COLUMNS) and target.command.counted is None:
        values = {**values, COLUMNS: with_observed_sources(values[COLUMNS], column_parts(unit, target.command.urn))}
    return registered(record, _without_late_state(values, target.before), stored=stored)


def _without_late_state(values: Record, before: Record | None) -> Record:
    """Return the values, without ``state`` if it would set a run back: reports of a run may arrive late."""
    state, stored = values.get("state"), (before or {}).get("state")
    if (before or {}).get("kind") == "RUN" and _PROGRESS.get(state, _ENDED) < _PROGRESS.get(stored, _ENDED):
        return {name: value for name, value in values.items() if name != "state"}
    return values


def _unconfirm_hidden_sources(unit: ItemUnit, target: Target, sources: CarryingSources) -> None:
    """Mark carrying edges from hidden sources to a registered stub as unconfirmed, unless the command declares them.

    Any caller may put edges on an unowned stub. An edge from a hidden source could raise the sensitivity of the asset,
    and its new owner could not see why. But the edges stay if the stub was raised, or has tags. What is
    derived from it would become visible to others, or lose its tags. The raise is then unconfirmed. An edge that is
    marked propagates no more, and leaves ``sources``.
    """
    if target.before is None or not sources.hidden:
        return
    raised = unit.author.floors.with_floor(target.vid, target.before)
    if RANK[raised["sensitivity"]] > RANK[raised["declaredSensitivity"]] or raised["index"]["tags"]:
        return
    own = {
        (edges.hop.relation.name, unit.lookup.vid(urn), target.vid)
        for edges in target.command.edges
        if edges.hop.direction is Direction.IN
        for urn in edges.targets
    }
    for key in sorted(sources.hidden.keys() - own):
        edge = sources.hidden.pop(key)
        unit.staging.put_edge(key, unconfirmed_from(edge, unit.now), anew=True, recorder=edge["recordedBy"])


def _refuse_missing(command: RegisterCommand) -> None:
    given = {name for name, value in command.values.items() if value is not None}
    given |= {edges.field for edges in command.edges if edges.targets}
    missing = [name for name in command.required if name not in given]
    if missing:
        names = " and ".join(f"`{name}`" for name in missing)
        raise invalid(f"The first registration of {command.urn} needs {names}; give a value for each.", missing[0])


def _refuse_unseen_content(target: Target) -> None:
    """Reject a digest if the stored one is hidden: a conflict, or none, would disclose whether it is equal."""
    for name in DIGESTS:
        if name in target.unseen:
            message = f"You may not see `{name}` of {target.command.urn}, so you may not give it; omit it."
            raise denied(message, name)


def _refuse_other_content(command: RegisterCommand, before: Record) -> None:
    """Reject a digest that differs from the stored one: versions are immutable."""
    for name in DIGESTS:
        if before.get(name) is not None and name in command.values and command.values[name] != before[name]:
            raise conflict(
                f"{command.urn} is stored with `{name}` {before[name]}, not {command.values[name]}; versions are "
                "immutable. Register the other content as a version of its own.",
                before["revision"],
                name,
            )
