"""The writes: registration of any mix of kinds in one call, with one outcome per item."""

from typing import Annotated, Any

import strawberry

from graphql_schema.asset import Node
from graphql_schema.context import Info
from graphql_schema.enums import MutationErrorCode, Outcome
from graphql_schema.fields import Parent, own
from graphql_schema.item import AssetInput
from graphql_schema.register import Prepared, prepare
from graphql_schema.registration import Linking, Refusal, Registered, not_written
from policies.errors import Code, CodedError, LimitError
from policies.principal import Scope
from policies.vocabulary import WriteAction

MOST_ITEMS = 1_000
"""Items of one call."""

MOST_ATOMIC = 200
"""Items of one atomic call, which is one transaction of the store."""


class ScopeError(CodedError):
    """The token does not carry the scope that this needs."""

    code = Code.FORBIDDEN


@strawberry.type(description="What was wanted and did not happen: data, not a failed request.")
class MutationError:
    """What was wanted and did not happen."""

    code: MutationErrorCode = own("Why, for programs.")
    message: str = own("Why, for people, and what to do next.")
    input_path: list[str] = own("Where in the item: field names, and indexes of lists as text.")
    current_revision: int | None = own("The stored revision, where another one was expected.")


async def _asset(root: Parent, info: Info) -> Any:
    return await info.context.reader.node(root["urn"]) if root["urn"] else None


@strawberry.type(description="What came of one item.")
class RegisterPayload:
    """What came of one item."""

    asset: Node | None = strawberry.field(
        description="What is stored now, as the viewer may see it; null for a link and where nothing was stored.",
        resolver=_asset,
    )
    outcome: Outcome = own("What came of it.")
    changed: bool = own("Whether anything was written, or would be where it is a dry run.")
    revision: int | None = own("The revision after the call.")
    errors: list[MutationError] = own("Why it was not written; empty when it was.")


@strawberry.type(description="What came of the items, in their order.")
class RegisterAssetsPayload:
    """What came of the items."""

    results: list[RegisterPayload] = own("One result per item, in order.")
    created: int = own("How many were created.")
    updated: int = own("How many were updated.")
    unchanged: int = own("How many were there just so.")
    failed: int = own("How many were not written.")


@strawberry.input(description="Items to register.")
class RegisterAssetsInput:
    """Items to register."""

    items: list[AssetInput] = strawberry.field(
        description=f"Any mix of kinds: at most {MOST_ITEMS} items, {MOST_ATOMIC} when atomic."
    )
    atomic: bool | None = strawberry.field(description="Whether to write all or nothing.", default=False)
    dry_run: bool | None = strawberry.field(description="Say what would happen and write nothing.", default=False)


RegisterArg = Annotated[RegisterAssetsInput, strawberry.argument(description="What to register, and how.")]


async def _register_assets(info: Info, input: RegisterArg) -> Any:
    _authorize(info)
    _bound(len(input.items), atomic=bool(input.atomic))
    prepared = prepare(input.items)
    dry_run, atomic = bool(input.dry_run), bool(input.atomic)
    try:
        results = await _write(info, prepared, dry_run=dry_run, atomic=atomic)
    finally:
        info.context.read_afresh()
    _note_refused(info, prepared, results)
    outcomes = [result.outcome for result in results]
    created, updated, unchanged = map(outcomes.count, (Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED))
    return {
        "results": [_payload(key, result) for key, result in zip(prepared.keys, results, strict=True)],
        "created": created,
        "updated": updated,
        "unchanged": unchanged,
        "failed": len(outcomes) - created - updated - unchanged,
    }


def _note_refused(info: Info, prepared: Prepared, results: list[Registered]) -> None:
    """Tell the access log what the policy denied, and which hidden ids were named."""
    for index, item in prepared.accepted.items():
        info.context.notes.absent.update(dict.fromkeys(results[index].hidden))
        for refusal in results[index].refusals:
            if refusal.code is MutationErrorCode.DENIED:
                action = WriteAction.LINK if isinstance(item, Linking) else WriteAction.REGISTER
                urn = item.target if isinstance(item, Linking) else item.urn
                info.context.notes.refused.append((action, urn, (refusal.message,)))


def _authorize(info: Info) -> None:
    if not info.context.principal.may(Scope.WRITE):
        info.context.notes.refused.append((Scope.WRITE, "", ("the token does not carry the scope",)))
        raise ScopeError(
            f"The token does not carry the scope {Scope.WRITE.value}, which mutations need; ask for one that does.",
            scope=Scope.WRITE.value,
        )


def _bound(count: int, *, atomic: bool) -> None:
    most = MOST_ATOMIC if atomic else MOST_ITEMS
    if count > most:
        kind = "An atomic call" if atomic else "A call"
        raise LimitError(f"{kind} carries at most {most} items and this one has {count}; split it.", limit=most)


async def _write(info: Info, prepared: Prepared, *, dry_run: bool, atomic: bool) -> list[Registered]:
    """The outcome of every item, in order: those refused before the store was asked, and what the store says."""
    if atomic and prepared.refused:
        first = min(prepared.refused)
        return [prepared.refused.get(index) or not_written(first) for index in range(len(prepared.keys))]
    wanted = list(prepared.accepted.values())
    done = await info.context.writer.write(wanted, dry_run=dry_run, atomic=atomic) if wanted else []
    results = {**prepared.refused, **dict(zip(prepared.accepted, done, strict=True))}
    return [results[index] for index in range(len(prepared.keys))]


def _payload(key: str, result: Registered) -> dict[str, Any]:
    return {
        "urn": result.urn,
        "outcome": result.outcome.name,
        "changed": result.outcome in {Outcome.CREATED, Outcome.UPDATED},
        "revision": result.revision,
        "errors": [_error(key, refusal) for refusal in result.refusals],
    }


def _error(key: str, refusal: Refusal) -> dict[str, Any]:
    return {
        "code": refusal.code.name,
        "message": refusal.message,
        "inputPath": [key, *refusal.path],
        "currentRevision": refusal.current_revision,
    }


@strawberry.type(description="The writes.")
class Mutation:
    """The writes."""

    register_assets: RegisterAssetsPayload = strawberry.field(
        description="Registers items of any mix of kinds; each has its own outcome, and what a client was told is done "
        "stays done.",
        resolver=_register_assets,
    )
