"""Approvals that wait for the viewer: of the newest versions that protected aliases do not point at yet."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Final, NamedTuple

import strawberry

from graphql_schema.catalog.enums import AssetKind
from graphql_schema.catalog.relations import VERSION_OF
from graphql_schema.execution.many_calls import gathered
from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import stored_field
from graphql_schema.fields.filters import AssetFilter, AssetOrder, AssetOrderField, OrderDirection
from graphql_schema.fields.refs import ModelRef, ModelVersionRef
from graphql_schema.governance.aliases import aliases_at_read_time
from graphql_schema.governance.gate_report import APPROVALS, MANY_RECORDS, GateReport, gate_of
from graphql_schema.governance.owned_assets import Window, owner_team_in, window_of
from graphql_schema.ports.conditions import ALWAYS
from graphql_schema.ports.record import JsonObject, Record
from graphql_schema.ports.relation_query import ALL, REGISTERED, PageRequest, newest_first
from graphql_schema.ports.row import PageItem, Row
from graphql_schema.rules.change_stamp import makers
from graphql_schema.rules.gate_evaluation import approvers, selectors, visible_fields
from policies.installation.gates import Needs
from policies.vocabulary import WriteAction

MAX_MODELS: Final = 500
"""Maximal number of models that are examined: those that were changed last, first those that the viewer owns."""

VERSIONS: Final = newest_first(VERSION_OF.into("ModelVersion"))
_MODELS: Final = AssetFilter(kinds=[AssetKind["MODEL"]])
_NEWEST_FIRST: Final = AssetOrder(field=AssetOrderField.UPDATED_AT, direction=OrderDirection.DESC)


@strawberry.type(description="A version that lacks approvals that the viewer has the right to give.")
class PendingApproval:
    """A version that lacks approvals that the viewer has the right to give."""

    model: ModelRef = stored_field("The model.")
    version: ModelVersionRef = stored_field("The version: the newest registered one of the model.")
    alias: str = stored_field("The protected alias of the model that points at another version.")
    approvals: list[str] = stored_field(
        "The missing approval names for `approve`, without those that must be given by another person than the viewer."
    )
    gate: GateReport = stored_field(
        "The conditions for the alias that the version does not meet, as the viewer sees them."
    )


@strawberry.type(
    description="Approvals that wait for the viewer, of the newest version of each examined model that has a protected "
    "alias at another version."
)
class PendingApprovals:
    """Approvals of newest versions that wait for the viewer."""

    nodes: list[PendingApproval] = stored_field(
        "One entry for each version and alias, ordered by id of the version, then alias; at most `first`."
    )
    total: int = stored_field("Number of entries, those beyond `first` included.")
    examined: int = stored_field(
        f"Number of examined models: the {MAX_MODELS} that were changed last, or fewer. If there are more, those of "
        "the viewer and the teams of the viewer come first; the others are left out, too, as far as they are too much "
        "to read."
    )
    complete: bool = stored_field("Whether all models that are visible to the viewer were examined.")


class Candidate(NamedTuple):
    """The newest version of a model, and the protected aliases of the model that do not point at it."""

    model: Row
    version: Row
    aliases: list[str]


class WaitingApproval(NamedTuple):
    """A version that lacks ``approvals`` for an alias, which the viewer has the right to give."""

    model: Row
    version: Row
    alias: str
    approvals: list[str]


async def pending_approvals(info: Info, limit: int) -> JsonObject:
    """Return the source of a :class:`PendingApprovals` with at most ``limit`` entries.

    Only the gates of these entries are evaluated. What waits is found once for all aliases of the field.
    """
    found, waiting = await info.context.once("pending approvals", lambda: _waiting(info))
    shown = waiting[:limit]
    calls = [partial(gate_of, info, each.version, each.alias) for each in shown]
    gates = await gathered(info.context.budget, calls, "gates of pending approvals")
    return {
        "nodes": [{**each._asdict(), "gate": gate} for each, gate in zip(shown, gates, strict=True)],
        "total": len(waiting),
        "examined": len(found.rows),
        "complete": found.complete,
    }


async def _waiting(info: Info) -> tuple[Window, list[WaitingApproval]]:
    """Return the examined models, and all that waits for the viewer, by id of the version, then alias."""
    own = owner_team_in(sorted(info.context.principal.owners))
    found = await window_of(info, _MODELS, _NEWEST_FIRST, ALWAYS, own, MAX_MODELS)
    candidates = await _candidates(info, found.rows)
    calls = [partial(_open_to_viewer, info, each) for each in candidates]
    lists = await gathered(info.context.budget, calls, "pending approvals")
    await info.context.budget.pause()
    return found, list(chain.from_iterable(lists))


async def _candidates(info: Info, models: Sequence[Row]) -> list[Candidate]:
    """Return newest versions with the protected aliases of their models that do not point at them, by id.

    The viewer may approve that version, and did not make it. An alias of a hidden or deleted version counts as absent.
    """
    in_turns = info.context.budget.in_turns
    protected = {model.vid: _protected(info, model) async for model in in_turns(models)}
    targets = list({target: None async for each in in_turns(protected.values()) for target in each.values()})
    rows = await info.context.reader.nodes(targets, constant_time=True)
    visible = {row.urn async for row in in_turns(rows) if row is not None and not row.deleted}
    shown = [
        model for model in models if model.reads("versions") and not visible.isdisjoint(protected[model.vid].values())
    ]
    pages = await info.context.reader.related_to_all(shown, VERSIONS, PageRequest(first=1, keep=REGISTERED))
    newest = [(model, page.items[0].row) for model, page in zip(shown, pages, strict=True) if page.items]
    found = [
        Candidate(model, version, aliases)
        async for model, version in in_turns(newest)
        if _may_approve(info, version)
        if (aliases := _open_aliases(protected[model.vid], visible, version))
    ]
    return sorted(found, key=lambda each: each.version.urn)


def _open_aliases(protected: Mapping[str, str], visible: Collection[str], version: Row) -> list[str]:
    """Return the protected aliases, in order, that point at another visible version than this one."""
    return sorted(alias for alias, target in protected.items() if target in visible and target != version.urn)


async def _open_to_viewer(info: Info, candidate: Candidate) -> list[WaitingApproval]:
    """Return the aliases for which approvals are missing, without those that must be of another person than the viewer.

    Only the approvals are read for it, not the other evidence for the gates.
    """
    model, version, aliases = candidate
    given = (await info.context.reader.related(version, APPROVALS, ALL)).items
    selected, found = selectors(_shown(model)), list[WaitingApproval]()
    async for alias in info.context.budget.in_turns(aliases):
        needs = info.context.gates.needs(alias, selected)
        people = await run_in_turn(_approvers, len(given) > MANY_RECORDS, given, needs, info.context.now())
        mine = {name for name, person in people.items() if person == info.context.principal.subject}
        missing = (name for name in needs.approvals if name not in people)
        names = [name for name in missing if not any(name in one and one & mine for one in needs.distinct)]
        found += [WaitingApproval(model, version, alias, names)] if names else []
    return found


def _approvers(given: Sequence[PageItem], needs: Needs, now: int) -> dict[str, str]:
    """Return the subject who gave each needed approval, by its name, as far as the viewer sees the approvals."""
    return approvers([_shown(item.row) for item in given], needs, now)


def _shown(row: Row) -> Record:
    return visible_fields(row.record, row.access.hidden)


def _protected(info: Info, model: Row) -> dict[str, str]:
    """Return the ids of the versions at which the protected aliases of a model point, also hidden ones, by alias."""
    return {name: alias["version"] for name, alias in aliases_at_read_time(model, info).items() if alias["protected"]}


def _may_approve(info: Info, version: Row) -> bool:
    """Return whether the viewer has the right to approve a version, reads its gate, and did not make it."""
    return (
        version.reads("gate")
        and version.access.may(WriteAction.APPROVE)
        and info.context.principal.subject not in makers(version.record)
    )
