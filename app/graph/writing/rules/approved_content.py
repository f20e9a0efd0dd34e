"""Binds approvals to content: the content of a version is fixed while it is approved or in use.

In use is a version behind a protected alias or in an ACTIVE deployment. A change of the content of another asset voids
its approvals, and so does a change of its owner team, also back to the former one.

The rule is applied to the staged changes of every item, whichever command made them.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
from itertools import chain
from typing import Final

from app.graph.records.edge_record import UNCONFIRMED, is_current, was_confirmed
from app.graph.records.vertex_record import ALIASES, is_deleted, kind_of
from app.graph.writing.rules.attach import amended
from app.graph.writing.rules.gate_evidence import decisions, stored_decisions
from app.graph.writing.rules.permissions import refuse_withheld
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.rejections import RejectedItemError, conflict, some_of
from graphql_schema.catalog.enums import ApprovalDecision, ChangeAction
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.relations import DECIDED_FOR, DEPLOYED_AS, PRODUCES, STARTED_BY, Direction
from graphql_schema.catalog.urn import parent_urn
from graphql_schema.ports.record import Json, Record
from graphql_schema.rules.change_stamp import MADE_BY, makers
from graphql_schema.rules.gate_evaluation import approved, newest_decisions
from graphql_schema.rules.observation.observed_columns import COLUMNS, without_sources

DIGESTS: Final = ("digest", "contentDigest")
"""Fields of a version that never change once they are set."""

_CONTENT: Final[Mapping[str, tuple[str, ...]]] = {
    "ModelVersion": ("digest", "artifactUri", "framework", "codeRef", "params"),
    "DatasetVersion": ("contentDigest", "location", "rowCount"),
    "Dataset": ("format", "location", "columns"),
    "Deployment": ("environment",),
}
"""The fields that an approval is for, by kind; an approval of a deployment is for its version as well.

The sources of columns are no content: whether they changed would disclose hidden ones.
"""

_HIDDEN_USE: Final = "in use by an asset that you may not see"

RETRACTED: Final = "retracted"
"""Record key that is true on a STARTED_BY edge that an administrator ended: the run named its user by mistake.

The next declaration of the edge removes it.
"""

FOR_VERSIONS: Final = "forVersions"
"""Record key of an approval of a deployment: ids of its versions that the approver had the right to approve as well."""

NAMED_RUNS: Final = "namedRuns"
"""Record key of a version: ids of hidden runs that its registrations named as those that produced it.

It outlasts the edges to these runs: who may change the version may end or replace them.
"""

MAX_NAMED_RUNS: Final = 100
"""Maximal number of runs in NAMED_RUNS, so that the record of a version stays small; those named later are left out."""

WEAKENED_BY: Final = "weakenedBy"
"""Record key of a model: subjects who changed what selects its gates such that these may need less."""

UNPROTECTED_BY: Final = "unprotectedBy"
"""Record key of a model: subjects who removed the protection of one of its aliases."""


def bind_approvals(unit: ItemUnit) -> tuple[str, ...]:
    """Record who made the content that the item changes; return the names of its approvals that this voids.

    Those of an asset that gets another owner team, or none, are among these. Approvals of all deployments of a
    registered or changed version become void as well; their names are not in the result.

    Raises RejectedItemError if the content of a version changes that is approved, behind a protected alias or in an
    ACTIVE deployment that binds the caller. A withheld deployment rejects the change as DENIED.
    """
    voided: dict[str, None] = {}
    for vid, before, field in [*_changed_records(unit), *_changed_deployments(unit)]:
        if before is not None:
            if field and KINDS[kind_of(before)].versioned:
                _refuse_if_in_use(unit, before, field)
            voided |= dict.fromkeys(_void(unit, vid, before))
        if field or before is None:
            _void_of_deployments(unit, vid)
        _record_maker(unit, vid, before)
    for vid, before in _given_away(unit):
        voided |= dict.fromkeys(_void(unit, vid, before))
    return tuple(sorted(voided))


def _given_away(unit: ItemUnit) -> list[tuple[int, Record]]:
    """Return the assets with content whose owner team changes: vertex id and former record.

    Their approvers were those of another owner. To give an asset to another team and back needs the right to update it
    for both, which is not the right to approve it. A rejection becomes void as well, and opens nothing: a gate needs an
    approval. Approvals of deployments of a version stay: they are for another owner.
    Raises NotReadError unless all their approvals were read, which one request does: a model may have many versions.
    """
    staged = [(vid, unit.lookup.batch.vertex(vid), after) for vid, after in unit.staging.staged.vertices.items()]
    given = [
        (vid, before)
        for vid, before, after in staged
        if before is not None and kind_of(after) in _CONTENT and before["ownerTeam"] != after["ownerTeam"]
    ]
    given = [(vid, before) for vid, before in given if before["hydration"] != "STUB"]  # a stub has no approvals
    unit.lookup.require_hops(*((DECIDED_FOR.into("Approval"), vid) for vid, _ in given))
    return given


def made_or_requested(unit: ItemUnit, record: Record) -> bool:
    """Return whether :func:`own_work` of an asset is something."""
    return own_work(unit, record) is not None


def own_work(unit: ItemUnit, record: Record) -> Record | None:
    """Return the asset if the caller is stored as a maker of it, or started a run that produced it; else None.

    Of a deployment, one of its present versions is returned as well, because an approval of it is for these. It may be
    hidden. A maker registered the asset or changed its content. The author of a stub is none, once another registered
    it. A run of :func:`runs_of` counts for each user that it ever named in a confirmed edge, unless that edge is
    RETRACTED. A run that is hidden from the caller counts, because the caller might have hidden it; the user that a
    stranger names in such a run is unconfirmed.
    """
    parts = [record, *_deployed_versions(unit, record)]
    made = next((each for each in parts if unit.author.subject in makers(each)), None)
    return next(_requested(unit, parts), None) if made is None else made


def first_own_work(unit: ItemUnit, records: Sequence[Record]) -> Record | None:
    """Return the first of some assets that is :func:`own_work` of the caller, None if there is none.

    There is no deployment among them. Many versions may have the same runs, so each run is examined once for all.
    """
    made = next((number for number, each in enumerate(records) if unit.author.subject in makers(each)), len(records))
    return next(chain(_requested(unit, records[:made]), records[made : made + 1]), None)


def _requested(unit: ItemUnit, records: Sequence[Record]) -> Iterator[Record]:
    """Yield those of some assets that a run produced which the caller started, in their order; one for each such run.

    Of each run, the one edge to the user is looked up: a run may have thousands of users, and all writers wait.
    """
    urn = unit.author.user
    outputs = [each for each in records if PRODUCES.allows("Run", kind_of(each))]
    if urn is None or not outputs:
        return
    is_named = cache(partial(_names_user, unit, unit.lookup.vid(urn)))
    unit.lookup.require_hops(*((PRODUCES.into("Run"), _vid(unit, each)) for each in outputs))
    runs = [(each, run) for each in outputs for run in runs_of(unit, each)]
    unit.lookup.require_hops(*((STARTED_BY.out("User"), run) for run in dict.fromkeys(run for _, run in runs)))
    yield from (output for output, run in runs if is_named(run))


def runs_of(unit: ItemUnit, output: Record) -> list[int]:
    """Return the vertex ids of what ever produced an asset, also if it is hidden from the caller.

    A run counts if its edge was ever confirmed: also after the output was unlinked, or the edge became unconfirmed,
    because neither undoes a request. It also counts if it is one of NAMED_RUNS.
    """
    vid, named = _vid(unit, output), output.get(NAMED_RUNS, ())
    unit.lookup.require_hops((PRODUCES.into("Run"), vid))
    found = unit.lookup.edges_at(PRODUCES.name, Direction.IN, vid)
    return [key[1] for key in found if was_confirmed(unit.lookup.edge(key)) or unit.lookup.known(key[1])["id"] in named]


def record_named_runs(unit: ItemUnit) -> None:
    """Stage, with a version that the item registers, the hidden runs that it names as those that produced the version.

    Their edges are unconfirmed. But who may register the version states by which run it was made. Beyond
    MAX_NAMED_RUNS, no further run is added.
    """
    for key in [key for key in unit.staging.staged.edges if key[0] == PRODUCES.name]:
        edge, output = unit.lookup.edge(key) or {}, unit.staging.staged.vertices.get(key[2])
        if output is None or not edge.get(UNCONFIRMED) or not is_current(edge, unit.now):
            continue
        named = output.get(NAMED_RUNS, ())
        if KINDS[kind_of(output)].versioned and output["hydration"] != "STUB" and len(named) < MAX_NAMED_RUNS:
            unit.staging.put(key[2], {**output, NAMED_RUNS: sorted({*named, unit.lookup.known(key[1])["id"]})})


def _names_user(unit: ItemUnit, user: int, run: int) -> bool:
    """Return whether a run ever named a user in a confirmed edge that is not RETRACTED."""
    edge = unit.lookup.edge((STARTED_BY.name, run, user))
    return edge is not None and was_confirmed(edge) and not edge.get(RETRACTED)


def _deployed_versions(unit: ItemUnit, record: Record) -> list[Record]:
    """Return the present versions of a deployment, also hidden ones; none of another asset."""
    if kind_of(record) != "Deployment":
        return []
    return [each for _, each in unit.visibility.current_edges(DEPLOYED_AS.into("ModelVersion"), _vid(unit, record))]


def _changed_records(unit: ItemUnit) -> Iterator[tuple[int, Record | None, str]]:
    """Yield the assets with content that the item registers or changes: vertex id, former record, first changed field.

    For a first registration, these are the vertex id, None and "". A given field counts as changed if its stored value
    is hidden from the caller and another caller gave it.
    """
    for vid, after in [*unit.staging.staged.vertices.items()]:
        before = unit.lookup.batch.vertex(vid)
        fields = _CONTENT.get(kind_of(after), ())
        if not fields or after["hydration"] == "STUB":
            continue
        if before is None or before["hydration"] == "STUB":
            yield vid, None, ""
            continue
        rewritten = unit.audit.rewritten.get(vid, frozenset()) - {COLUMNS}
        if changed := [name for name in fields if _content(before, name) != _content(after, name) or name in rewritten]:
            yield vid, before, changed[0]


def _content(record: Record, name: str) -> Json:
    """Return the value of a field without what an approval is not for: the sources of columns, which may be hidden."""
    value = record.get(name)
    return without_sources(value) if name == COLUMNS and value else value


def _changed_deployments(unit: ItemUnit) -> Iterator[tuple[int, Record | None, str]]:
    """Yield the stored deployments that get or lose a version: vertex id, former record, and an empty field name.

    An unconfirmed edge changes no deployment, and a hidden deployment gets no version. Each edge is taken as the caller
    knows it. A deployment with several such edges is yielded once.
    """
    found: set[int] = set()
    for key in unit.staging.staged.edges:
        if key[0] != DEPLOYED_AS.name or key[2] in found or not unit.visibility.is_visible(unit.lookup.known(key[2])):
            continue
        edges = unit.lookup.batch.edge(key), unit.lookup.edge(key)
        was, now = (_deploys(unit.visibility.known_edge(each, key), unit.now) for each in edges)
        before, moved = unit.lookup.batch.vertex(key[2]), was != now
        if moved and before is not None and before["hydration"] != "STUB":
            found.add(key[2])
            yield key[2], before, ""


def _deploys(edge: Record | None, now: int) -> bool:
    return edge is not None and is_current(edge, now) and not edge.get(UNCONFIRMED)


def _refuse_if_in_use(unit: ItemUnit, version: Record, field: str) -> None:
    """Reject the item if the version is approved or in use; the message names what the caller may see of it."""
    shown = {each["gate"] for each in decisions(unit, version)}
    names = _valid_names(unit, version)
    uses = [f"approved under {name!r}" if name in shown else "" for name in names] + [*_servings(unit, version)]
    if uses:
        path = ("change",) if ChangeAction.REVERTED in unit.audit.actions.values() else (field,)
        raise _fixed(version, field, [use for use in uses if use] or [_HIDDEN_USE], path)


def _fixed(version: Record, field: str, uses: list[str], path: tuple[str, ...]) -> RejectedItemError:
    end = "let an administrator or an auditor end that use" if uses == [_HIDDEN_USE] else "end these approvals and uses"
    return conflict(
        f"`{field}` of {version['id']} is fixed, because the version is {some_of(uses, ' and ')}. Register the other "
        f"content as a version of its own, or {end} first.",
        version["revision"],
        *path,
    )


def _servings(unit: ItemUnit, version: Record) -> Iterator[str]:
    """Yield, in words, the protected aliases and ACTIVE deployments of a model version; "" for a hidden one."""
    if kind_of(version) != "ModelVersion":
        return
    model = unit.lookup.record(parent_urn(version["id"]) or "") or {}
    is_shown = bool(model) and unit.visibility.is_visible(model) and ALIASES in unit.visibility.masked(model)
    for name, alias in sorted(model.get(ALIASES, {}).items()):
        if alias["protected"] and alias["version"] == version["id"]:
            yield f"behind the protected alias {name!r}" if is_shown else ""
    yield from _deployments(unit, version)


def _deployments(unit: ItemUnit, version: Record) -> list[str]:
    """Return, in words, the ACTIVE deployments that fix the content of a model version; "" for a hidden one.

    Anybody may deploy it. So one of another owner without a valid approval does not bind who may approve the version
    and neither made nor requested it, nor an administrator. A hidden one binds as :func:`_binds_hidden` has it. A
    withheld one rejects the item as DENIED.
    """
    far = [each for _, each in unit.visibility.current_edges(DEPLOYED_AS.out("Deployment"), _vid(unit, version))]
    far = [each for each in far if each.get("status") == "ACTIVE" and not is_deleted(each)]
    for each in far:
        refuse_withheld(unit, each)
    unit.lookup.require_hops(*((DECIDED_FOR.into("Approval"), _vid(unit, each)) for each in far))
    shown = [each for each in far if unit.visibility.is_visible(each) and "status" in unit.visibility.masked(each)]
    visible = {each["id"] for each in shown}
    hidden = [each for each in far if each["id"] not in visible and _binds_hidden(unit, version, each)]
    if shown and _may_change_deployed(unit, version):
        shown = [each for each in shown if each["ownerTeam"] == version["ownerTeam"] or _valid_names(unit, each)]
    return [f"deployed as {each['id']}" for each in shown] + [""] * len(hidden)


def _binds_hidden(unit: ItemUnit, version: Record, deployment: Record) -> bool:
    """Return whether a deployment fixes the content of a version for a caller from whom it is hidden.

    It does if an approver of the version approved it. Otherwise a stranger could fix the content by a deployment that
    its owner may not see.
    """
    return any(version["id"] in each.get(FOR_VERSIONS, ()) for each in _valid(unit, deployment).values())


def versions_to_approve(unit: ItemUnit, record: Record) -> list[str]:
    """Return the ids of the present versions of a deployment that the caller has the right to approve."""
    deployed = _deployed_versions(unit, record)
    return [each["id"] for each in deployed if unit.visibility.allows("approve", each).allowed]


def _may_change_deployed(unit: ItemUnit, version: Record) -> bool:
    """Return whether the caller may change a version below a deployment of others: alone, a maker would swap it."""
    if unit.visibility.allows("administer", version).allowed:
        return True
    return unit.visibility.allows("approve", version).allowed and not made_or_requested(unit, version)


def _valid_names(unit: ItemUnit, record: Record) -> list[str]:
    """Return the names under which an asset has a valid approval, also one that is hidden from the caller."""
    return sorted(_valid(unit, record))


def _valid(unit: ItemUnit, record: Record) -> dict[str, Record]:
    """Return the valid approvals of an asset by name, also those that are hidden from the caller."""
    newest = newest_decisions(stored_decisions(unit, record))
    return {name: decision for name, decision in newest.items() if approved(decision, unit.now)}


def _void(unit: ItemUnit, vid: int, subject: Record) -> list[str]:
    """Stage the decisions that count as void; return the names of the valid approvals that the caller may see.

    The audit has the valid approvals alone: a rejection closes a gate before and after. But an equal one would be about
    other content.
    """
    names = _valid_names(unit, subject)
    for name, decision in sorted(newest_decisions(stored_decisions(unit, subject)).items()):
        if not (name in names or _is_rejection(decision)):
            continue
        unit.staging.put(unit.lookup.vid(decision["id"]), amended(unit, decision, voidedAt=unit.now))
        if name in names:
            entry = {"gate": name, "decision": decision["decision"]}
            unit.audit.record_field(vid, "approvals", entry, {**entry, "void": True})
    shown = {each["gate"] for each in decisions(unit, subject)}
    return [name for name in names if name in shown]


def _is_rejection(decision: Record) -> bool:
    return bool(decision["decision"] == ApprovalDecision.REJECTED.name and decision.get("voidedAt") is None)


def _void_of_deployments(unit: ItemUnit, vid: int) -> None:
    """Stage the valid approvals of the deployments of a model version as void; of another kind, nothing.

    Those of hidden deployments as well: the caller may have hidden them. A version that is registered first may have
    been deployed by reference: such an approval was for no content.
    """
    if kind_of(unit.lookup.known(vid)) != "ModelVersion" or unit.lookup.batch.vertex(vid) is None:
        return
    deployments = [record for _, record in unit.visibility.current_edges(DEPLOYED_AS.out("Deployment"), vid)]
    unit.lookup.require_hops(*((DECIDED_FOR.into("Approval"), _vid(unit, each)) for each in deployments))
    for each in deployments:
        _void(unit, _vid(unit, each), each)


def _record_maker(unit: ItemUnit, vid: int, before: Record | None) -> None:
    """Stage the caller as a maker of the content; the creator of a stub is not a maker of what is registered later."""
    record, subject = unit.lookup.known(vid), unit.author.subject
    stored = makers(record)
    made = sorted({*(stored if before is not None else ()), subject})
    if made != stored:
        unit.staging.put(vid, {**record, MADE_BY: made})


def _vid(unit: ItemUnit, record: Record) -> int:
    return unit.lookup.vid(record["id"])
