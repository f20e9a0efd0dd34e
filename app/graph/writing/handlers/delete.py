"""Deletes an asset softly with its visible children, or restores it. A visible use by a live asset prevents a deletion.

Hidden uses do not: a rejection that names a hidden consumer would disclose it, and a deletion can be restored. The
command can also ignore uses by assets of other owners or of none, and leave out children that the caller may not
retire.
"""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from typing import Final

from app.graph.records.vertex_record import ALIASES, FORMER_DELETION, attributes, is_deleted, kind_of
from app.graph.writing.rules.permissions import refuse_unexpected, require_right, require_right_below, require_visible
from app.graph.writing.rules.result_rights import MAX_DIFFERENT
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.rejections import conflict, over_limit, some_of
from app.graph.writing.unit.visibility import CallerVisibility
from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.catalog.relations import (
    BASE_OF,
    CALLED_BY,
    CHILD_HOPS,
    DEPLOYED_AS,
    DERIVES,
    FEEDS,
    INPUT_TO,
    SERVED_BY,
    TESTED_IN,
    Direction,
    Hop,
)
from graphql_schema.catalog.urn import parent_urn
from graphql_schema.ports.commands import DeleteCommand, RestoreCommand
from graphql_schema.ports.outcomes import Outcome, WriteOutcome
from graphql_schema.ports.record import Record

USES: Final = (
    *(relation.out() for relation in (FEEDS, DERIVES, INPUT_TO, BASE_OF, CALLED_BY, TESTED_IN, DEPLOYED_AS)),
    SERVED_BY.into(),
)
"""The hops from an asset to what uses it, in the sense of a deletion: an evaluation of the asset is no use."""

MAX_TOGETHER: Final = 1_000
"""Maximal number of assets that one item deletes; the store needs up to a second for them."""

DELETED_WITH: Final = "deletedWith"
"""Record key of a child that was deleted with its parent: the id of the parent."""


def delete(unit: ItemUnit, command: DeleteCommand) -> WriteOutcome:
    """Mark an asset and its visible children as deleted.

    Raises RejectedItemError if the asset is hidden or has another revision than expected, or the caller may not retire
    one of them. The error is also raised if one of them is in visible use: by an asset that is not deleted with it, as
    an active deployment, or under an alias. Runs, inactive deployments, and deleted or retired assets use nothing. With
    ``despite_others``, uses by assets of other owners or of none do not count, and children that the caller may not
    retire are left out. The error is also raised for more than MAX_TOGETHER assets, and for children that differ for
    the policy in more than MAX_DIFFERENT ways. A deleted asset is UNCHANGED.
    """
    record = require_visible(unit, command.urn, "asset")
    vid = unit.lookup.vid(command.urn)
    require_right(unit, "retire", record)
    refuse_unexpected(unit, command.urn, command.expected_revision, record)
    if is_deleted(record):
        return WriteOutcome(Outcome.UNCHANGED, command.urn, record["revision"])
    known = ((child, unit.lookup.known(child)) for child in _children(unit, vid))
    children = {child: before for child, before in known if not is_deleted(before)}
    if len({attributes(each) for each in children.values()}) > MAX_DIFFERENT:
        raise over_limit(
            f"The versions or features of {command.urn} differ in owner, stage, visibility or sensitivity in more than "
            f"{MAX_DIFFERENT} ways, and your right to delete them is decided for each. Delete some of them before, in "
            "other calls; an administrator may delete those of others.",
            "asset",
        )
    if command.despite_others:  # otherwise others could keep an asset by a child that they registered before its owner
        permitted = ((each, of) for each, of in children.items() if unit.visibility.allows("retire", of).allowed)
        children = dict(islice(permitted, MAX_TOGETHER))  # each further decision would be in vain
    group = {vid: record} | children
    if len(group) > MAX_TOGETHER:
        raise over_limit(
            f"{command.urn} has more than {MAX_TOGETHER - 1} versions or features, the maximum that is deleted with "
            "it, because all other writers wait meanwhile. Delete some of them before, in other calls.",
            "asset",
        )
    _refuse_in_use(unit, record, group, despite_others=command.despite_others)
    unit.audit.record_action(vid, ChangeAction.DELETED, command.reason)
    for member, before in group.items():
        require_right(unit, "retire", before)
        unit.audit.record_action(member, ChangeAction.DELETED)
        deleted_with = {} if member == vid else {DELETED_WITH: command.urn}
        unit.staging.put(member, {**before, "deletedAt": unit.now, **deleted_with})
    unit.staging.bump_revisions()
    return WriteOutcome(Outcome.UPDATED, command.urn, unit.lookup.known(vid)["revision"])


def restore(unit: ItemUnit, command: RestoreCommand) -> WriteOutcome:
    """Restore an asset and the visible children that were deleted with it.

    Raises RejectedItemError if the asset is hidden, the caller may not retire one of them or register a version below
    the parent, or a visible parent is deleted. An asset that is not deleted is UNCHANGED.
    """
    record = require_visible(unit, command.urn, "asset")
    vid = unit.lookup.vid(command.urn)
    require_right(unit, "retire", record)
    if not is_deleted(record):
        return WriteOutcome(Outcome.UNCHANGED, command.urn, record["revision"])
    parent_id = parent_urn(command.urn) or record["index"]["whole"]
    parent = unit.visibility.visible(parent_id) if parent_id else None
    if parent is not None and is_deleted(parent):
        raise conflict(
            f"The parent {parent_id} of {command.urn} is deleted; restore the parent first.", record["revision"]
        )
    stored = unit.lookup.vertex(unit.lookup.vid(parent_id)) if parent_urn(command.urn) else None
    if stored is not None:
        require_right_below(unit, command.urn, stored)
    unit.audit.record_action(vid, ChangeAction.RESTORED, command.reason)
    _revive(unit, vid)
    for child in _children(unit, vid):
        if unit.lookup.known(child).get(DELETED_WITH) == command.urn:
            require_right(unit, "retire", unit.lookup.known(child))
            unit.audit.record_action(child, ChangeAction.RESTORED)
            _revive(unit, child)
    unit.staging.bump_revisions()
    return WriteOutcome(Outcome.UPDATED, command.urn, unit.lookup.known(vid)["revision"])


def _revive(unit: ItemUnit, vid: int) -> None:
    record = unit.lookup.known(vid)
    rest = {key: value for key, value in record.items() if key not in {"deletedAt", DELETED_WITH}}
    unit.staging.put(vid, {**rest, FORMER_DELETION: [record["deletedAt"], unit.now]})


def _children(unit: ItemUnit, vid: int) -> list[int]:
    hop = CHILD_HOPS.get(unit.lookup.kind(vid))
    return [] if hop is None else [hop.far_end(key) for key, _ in unit.visibility.neighbours(hop, vid)]


def _refuse_in_use(unit: ItemUnit, record: Record, group: dict[int, Record], *, despite_others: bool) -> None:
    """Reject the item if a member of ``group``, the assets to delete, is in use outside of it.

    Uses are by others unless what uses the member has the owner of ``record``, the asset to delete, or one whose assets
    are the caller's own. They do not prevent a deletion ``despite_others``: otherwise any caller could keep an asset of
    others by naming it as a source. What has no owner may be of any caller, and the rights do not decide: those of
    administrators cover the assets of all.
    """
    _require_uses(unit, group)
    owners = {record["ownerTeam"], *unit.author.owners} - {""}
    uses = Uses(unit, group, owners, despite_others=despite_others)
    for member in group:
        uses.add(member)
    steps = []
    if uses.own:
        steps.append(f"{some_of(uses.own)}; end or retire these first")
    if uses.of_others:
        steps.append(
            f"by assets of other owners or of none, {some_of(uses.of_others)}; set `despiteOthers` of `deleteAsset` to "
            "ignore these"
        )
    if steps:
        raise conflict(f"{record['id']} is in use: {'. Also '.join(steps)}.", record["revision"], "asset")


def _require_uses(unit: ItemUnit, vids: Iterable[int]) -> None:
    """Require the uses of all vertices at once, so that one request reads them."""
    unit.lookup.require_current_hops(*((hop, vid) for vid in vids for hop in _use_hops(unit.lookup.kind(vid))))


@cache
def _use_hops(kind: str) -> tuple[Hop, ...]:
    """Return the hops from a kind to what uses it."""
    return tuple(hop for hop in USES if kind in {pair[hop.direction is Direction.IN] for pair in hop.relation.ends})


@dataclass(slots=True)
class Uses:
    """The visible uses of assets by assets outside of ``group``, the assets to delete, in words.

    ``own`` includes those by assets of ``owners``, and ``of_others`` has those by assets of other owners or of none. It
    remains empty with ``despite_others``, so that no policy is evaluated for these.
    """

    unit: ItemUnit
    group: Container[int]
    owners: Container[str]
    despite_others: bool
    own: list[str] = field(default_factory=list)
    of_others: list[str] = field(default_factory=list)

    def add(self, vid: int) -> None:
        """Add the uses of a vertex.

        An active deployment is in use. A model version is in use while an alias of its model points at it, unless the
        model is in ``group``.
        """
        record, kind = self.unit.lookup.known(vid), self.unit.lookup.kind(vid)
        if kind == "Deployment" and self.unit.visibility.masked(record).get("status") == "ACTIVE":
            self.own.append(f"{record['id']} is ACTIVE")
        for hop in _use_hops(kind):
            self._add_consumers(hop, vid)
        if kind == "ModelVersion":
            self.own += (f"the alias {name!r} of its model points at it" for name in self._aliases(record))

    def _add_consumers(self, hop: Hop, vid: int) -> None:
        """Add the live assets to which a hop leads. The owners are compared first: there may be very many."""
        visibility, name = self.unit.visibility, hop.relation.name
        for key, far in visibility.current_edges(hop, vid):
            is_own = far["ownerTeam"] in self.owners
            if not is_own and self.despite_others:
                continue
            if hop.far_end(key) not in self.group and _is_live(visibility, far):
                (self.own if is_own else self.of_others).append(f"{far['id']} ({name})")

    def _aliases(self, version: Record) -> Iterator[str]:
        """Yield the visible aliases of a version whose model is visible and not in ``group``."""
        model = self.unit.visibility.visible(parent_urn(version["id"]) or "")
        if model is not None and self.unit.lookup.vid(model["id"]) not in self.group:
            for name, alias in (self.unit.visibility.masked(model).get(ALIASES) or {}).items():
                if alias["version"] == version["id"]:
                    yield name


def _is_live(visibility: CallerVisibility, far: Record) -> bool:
    """Return whether a consumer is visible and counts as a use, by the fields that the caller may see.

    Runs, deleted or retired assets, and deployments whose status is not ACTIVE do not.
    """
    kind = kind_of(far)
    if kind == "Run":
        return False
    is_retired = far.get("stage") == "RETIRED"
    if not (is_deleted(far) or is_retired or kind == "Deployment"):
        return visibility.is_visible(far)  # no hidden field could change the result
    hidden = visibility.mask(far)
    if hidden is None or (is_deleted(far) and "deletedAt" not in hidden) or (is_retired and "stage" not in hidden):
        return False
    return kind != "Deployment" or (far.get("status") == "ACTIVE" and "status" not in hidden)
