"""Rights on the result of a change: what the caller must be allowed to do with the asset as staged."""

from collections.abc import Mapping
from itertools import islice
from typing import Final

from app.graph.records.vertex_record import OWNING_TEAM, attributes, is_unowned_stub, kind_of, owner_team
from app.graph.writing.rules.approved_content import UNPROTECTED_BY, WEAKENED_BY, first_own_work, made_or_requested
from app.graph.writing.rules.effective_sensitivity import with_known_sensitivity
from app.graph.writing.rules.permissions import refuse_withheld, require_right
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.rejections import denied, over_limit
from graphql_schema.catalog.relations import CHILD_HOPS, CONTAINS, PRODUCES, STARTED_BY, VERSION_OF
from graphql_schema.ports.record import Record
from graphql_schema.rules.gate_evaluation import selectors, visible_fields
from policies.attributes import PolicyAttributes
from policies.blurred_limit import blurred
from policies.installation.gates import RISK_TIERS

_RISK: Final[Mapping[str | None, int]] = {None: 0, **{tier: rank for rank, tier in enumerate(RISK_TIERS, 1)}}

MAX_DIFFERENT: Final = 1_000
"""Maximal number of children that differ for the policy, if a parent gets a team or is deleted.

Two decisions for each take 0.4 ms.
"""

_FIELDS: Final = {"ownerTeam": "owners", "stage": "stage", "visibility": "visibility", "sensitivity": "sensitivity"}
"""The input field of each value that the policy decides by."""


def require_right_on_result(unit: ItemUnit, vid: int, before: Record | None, *, creates: bool) -> None:
    """Reject the item unless the caller has the rights that the change from ``before`` to the staged record needs.

    With the flag ``creates``, these are the right to register the staged record, and of a tag that propagates, which
    changes assets of every team, that to administer it.
    """
    if creates:
        # by the declared sensitivity: a hidden source must give the same response as an absent one
        known = unit.lookup.known(vid)
        owned = ("owners",) if known["index"]["owners"] else ()
        require_right(unit, "register", {**known, "sensitivity": known["declaredSensitivity"]}, *owned)
        if known.get("propagates"):
            require_right(unit, "administer", known, "propagates")
        return
    after = with_known_sensitivity(unit, vid)
    if before is None:
        return
    if attributes(before) != attributes(after):
        changed = (field for key, field in _FIELDS.items() if before[key] != after[key])
        require_right(unit, "update", after, *islice(changed, 1))
    if before["declaredSensitivity"] != after["declaredSensitivity"]:
        require_right(unit, "update", {**after, "sensitivity": after["declaredSensitivity"]}, "sensitivity")
    if before.get("propagates") != after.get("propagates"):
        require_right(unit, "administer", after, "propagates")


def require_right_to_weaken_gates(unit: ItemUnit) -> None:
    """Reject the item as DENIED if a change of a model weakens its gates, unless an approver makes it who made nothing.

    The caller needs the right to approve the model, and must neither have registered it nor have made or requested a
    visible version of it. This holds for every command: a promotion could pass before the value that selects the gates
    is set back. A lower risk tier always counts as weaker, and so does a given one whose stored value is hidden from
    the caller and was given by another. Changes of an unowned stub are accepted.

    An accepted change that weakens the gates stores the caller in `WEAKENED_BY` of the model.
    """
    for vid, after in [*unit.staging.staged.vertices.items()]:
        before = unit.lookup.batch.vertex(vid)
        if before is None or kind_of(after) != "Model" or is_unowned_stub(before):
            continue  # no alias of an unowned stub moves
        selected = [selectors(visible_fields(record, ())) for record in (before, after)]
        unseen = "riskTier" in unit.audit.rewritten.get(vid, ())
        if unseen or _risk(after) < _risk(before) or unit.author.gates.weaken(*selected):
            decision = unit.visibility.allows("approve", before)
            if not decision.allowed:
                raise denied(
                    f"The gates of {before['id']} may need less with this risk tier or domain, so the change needs "
                    f"the right to approve the model; let an approver make it. {decision.cause}",
                    "riskTier" if unseen or _risk(after) < _risk(before) else "domain",
                )
            _refuse_maker(unit, vid, before, f"The gates of {before['id']} may need less with this risk tier or domain")
            unit.staging.put(vid, {**after, WEAKENED_BY: sorted({*after.get(WEAKENED_BY, ()), unit.author.subject})})


def without_protection(unit: ItemUnit, model: Record, *path: str) -> Record:
    """Return the record of a model for a change that removes the protection of an alias, with its caller.

    No gate applies to the alias any more, so the change needs what a weaker gate does: the right to approve the model.
    It is DENIED to a caller who registered the model, or made or requested a visible version of it.
    """
    require_right(unit, "approve", model, *path)
    reason = f"No gate of {model['id']} applies to an alias without protection"
    _refuse_maker(unit, unit.lookup.vid(model["id"]), model, reason, *path)
    return {**model, UNPROTECTED_BY: sorted({*model.get(UNPROTECTED_BY, ()), unit.author.subject})}


def refuse_own_weakening(unit: ItemUnit, model: Record, version: Record, *, gated: bool) -> None:
    """Reject a promotion as DENIED if the caller made or requested the version, and weakened its gates or removed them.

    Who weakened the gates of the model is refused where a gate applies, with the flag ``gated``; who removed the
    protection of an alias, for each alias.
    """
    if gated and unit.author.subject in model.get(WEAKENED_BY, ()):
        done = f"You changed the risk tier or domain of {model['id']} so that its gates may need less"
    elif unit.author.subject in model.get(UNPROTECTED_BY, ()):
        done = f"You removed the protection of an alias of {model['id']}"
    else:
        return
    if made_or_requested(unit, version):
        raise denied(f"{done}, and you made or requested {version['id']}; let another approver promote it.")


def _refuse_maker(unit: ItemUnit, vid: int, model: Record, reason: str, *path: str) -> None:
    """Reject the item as DENIED if the caller registered the model, or made or requested a visible version of it.

    ``reason`` begins the message: why a maker may not make the change. ``path`` is the input field that does.
    """
    versions = unit.visibility.neighbours(VERSION_OF.into("ModelVersion"), vid)
    own = first_own_work(unit, [model, *(record for _, record in versions)])
    if own is not None:
        message = f"{reason}, and you made or requested {own['id']}; let an approver make the change who did not."
        raise denied(message, *path)


def require_right_to_name_requesters(unit: ItemUnit) -> None:
    """Reject the item as DENIED if it changes the user of a visible run, and the caller may not link a visible output.

    Each asset that the run ever produced is an output; unowned stubs do not count, and withheld assets do.
    The user of a run cannot approve its outputs, so a stranger could exclude approvers by naming them. The user of a
    hidden run is unconfirmed.
    """
    runs = {key[1] for key in unit.staging.staged.edges if key[0] == STARTED_BY.name}
    runs = {run for run in runs if unit.visibility.is_visible(unit.lookup.known(run))}
    unit.lookup.require_hops(*((PRODUCES.out(), run) for run in sorted(runs)))
    for run in sorted(runs):
        for _, output in unit.visibility.active_edges(PRODUCES.out(), run, ended=True):
            if is_unowned_stub(output):
                continue
            if unit.visibility.is_visible(output):
                require_right(unit, "link", output, "startedBy")
            else:
                refuse_withheld(unit, output, "startedBy")


def require_right_on_many_children(unit: ItemUnit) -> None:
    """Reject the item as DENIED if a parent gets a team, and the caller may not update one of its many children.

    It is rejected as over a limit if these differ for the policy in more than MAX_DIFFERENT ways.
    Few children change with their parent, and each is decided then. Many follow by a job, which leaves those that the
    caller may not change: they would be below a parent that others took. Those of a parent that has a team are not
    examined, because that is theirs, too.
    """
    for vid, after in [*unit.staging.staged.vertices.items()]:
        before, hop = unit.lookup.batch.vertex(vid), CHILD_HOPS.get(kind_of(after))
        if before is None or hop is None or before["ownerTeam"] == after["ownerTeam"]:
            continue
        is_many = (hop.direction, hop.relation.name, vid) in unit.lookup.batch.coverage.many_children
        if not is_many or before["ownerTeam"].startswith(OWNING_TEAM):
            continue
        parent = after["id"] if hop.relation is CONTAINS else ""
        children = [each for each in unit.lookup.batch.many_children(vid) if each["index"]["whole"] == parent]
        owners = ((each, owner_team(each, after)) for each in children if not is_unowned_stub(each))
        gifts = {(attributes(each), owner) for each, owner in owners if owner != each["ownerTeam"]}
        if len(gifts) > blurred(MAX_DIFFERENT):
            raise over_limit(
                f"The versions or features of {after['id']} differ in owner, stage, visibility or sensitivity in more "
                f"than {MAX_DIFFERENT} ways, and your right to change the owner is decided for each. Change the owners "
                "of some of them before, in other calls.",
                "owners",
            )
        if not all(_may_give(unit, child, owner) for child, owner in gifts):
            raise denied(
                f"The owner would also own versions or features of {after['id']} that you may not update; let their "
                "owners, or an administrator, make the change."
            )


def _may_give(unit: ItemUnit, child: PolicyAttributes, owner: str) -> bool:
    """Return whether the caller may update a child with its owner and with another one."""
    return all(unit.author.may("update", each).allowed for each in (child, child._replace(owner_team=owner)))


def _risk(record: Record) -> int:
    return _RISK[record.get("riskTier")]
