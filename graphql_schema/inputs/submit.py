"""The path of every mutation: check the scope, submit to the writer, report to the access log."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import TypeVar

from graphql_schema.execution.side_thread import run_in_parts
from graphql_schema.fields.context import Context, Info
from graphql_schema.inputs.input_size import is_long
from graphql_schema.inputs.near_ids import with_suggestions
from graphql_schema.inputs.values import InputError
from graphql_schema.ports.commands import (
    ApproveCommand,
    Command,
    DeleteCommand,
    EventCommand,
    LinkCommand,
    MergeCommand,
    ObserveCommand,
    RegisterCommand,
    RemoveAliasCommand,
    RestoreCommand,
    SetAliasCommand,
    UnlinkCommand,
)
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.outcomes import MutationErrorCode, Outcome, WriteOutcome, refused
from policies.errors import Code, CodedError
from policies.principal import Scope
from policies.vocabulary import WriteAction

InputT = TypeVar("InputT")

MAX_BULK_ITEMS = 1_000
"""Maximal number of items of one call."""


MAX_ATOMIC_ITEMS = 200
"""Maximal number of items of one atomic call, which is one transaction of the store."""


class ScopeError(CodedError):
    """The token does not have the scope that the operation needs."""

    code = Code.FORBIDDEN


def authorize(info: Info) -> None:
    """Raise ScopeError, and report it to the access log, unless the token has the scope for writing."""
    authorize_in(info.context)


def authorize_in(context: Context) -> None:
    """Do the same as :func:`authorize` for the operation of a context."""
    if not context.principal.may(Scope.WRITE):
        context.policy_report.report_refused(Scope.WRITE, "", "the token does not have the scope")
        raise ScopeError(
            f"Writing needs the scope {Scope.WRITE.value}, which the token does not have; request a token with it.",
            scope=Scope.WRITE.value,
        )


async def write(
    info: Info, items: Sequence[Command], *, dry_run: bool = False, atomic: bool = False
) -> list[WriteOutcome]:
    """Write the items and return one outcome per item, in order.

    Later reads of the operation return the new state. Denials and hidden ids are reported to the access log. Raises the
    CodedError of the writer; some items may be written then.
    """
    results = await write_in(info.context, items, dry_run=dry_run, atomic=atomic)
    return await with_suggestions(info, results)


async def write_in(
    context: Context, items: Sequence[Command], *, dry_run: bool = False, atomic: bool = False
) -> list[WriteOutcome]:
    """Do the same as :func:`write` in the operation of a context, without similar ids in the errors."""
    if not items:
        return []
    try:
        results = await context.writer.write(items, dry_run=dry_run, atomic=atomic)
    finally:
        context.reset_reader()
    async for item, result in OperationBudget().in_turns(_commands(items, results)):
        _report(context, item, result)
    return results


async def submit_one(
    info: Info,
    make: Callable[[InputT], Command | Generator[None, None, Command]],
    given: InputT,
    *,
    dry_run: bool | None = False,
) -> WriteOutcome:
    """Submit the command that ``make`` returns for an input, and return its outcome; write nothing in a dry run.

    For a long input, ``make`` is called in the side thread. It may return a generator that makes the command, which
    then runs in parts there, and is ended with the operation. If it raises InputError, nothing is written, and the
    outcome is INVALID. Raises ScopeError, or the CodedError of the writer; the command may be written then.
    """
    authorize(info)
    try:
        steps = _made(make, given)
        item = await run_in_parts(steps, is_long=is_long(given), between=info.context.budget.check)
    except InputError as error:
        return invalid_outcome(error)
    (result,) = await write(info, [item], dry_run=bool(dry_run))
    return result


def _made(
    make: Callable[[InputT], Command | Generator[None, None, Command]], given: InputT
) -> Generator[None, None, Command]:
    """Return the command of an input, with the pauses of its making if there are any."""
    made = make(given)
    return (yield from made) if isinstance(made, Generator) else made


def invalid_outcome(error: InputError) -> WriteOutcome:
    """Return the outcome of an item with invalid input."""
    return refused(Outcome.INVALID, MutationErrorCode.INVALID, error.message, *error.path)


def _commands(items: Iterable[Command], results: Iterable[WriteOutcome]) -> Iterator[tuple[Command, WriteOutcome]]:
    """Yield items with their outcomes; in place of an event, its commands with theirs."""
    for item, result in zip(items, results, strict=True):
        if isinstance(item, EventCommand):
            yield from _commands(item.commands, result.parts)
        else:
            yield item, result


def _report(context: Context, item: Command, result: WriteOutcome) -> None:
    """Report denials and hidden ids of an item to the access log."""
    context.policy_report.absent.update(dict.fromkeys(result.hidden_ids))
    for refusal in result.errors:
        if refusal.code is MutationErrorCode.DENIED:
            action, urn = _about(item)
            context.policy_report.report_refused(action, urn, refusal.message)


def _about(item: Command) -> tuple[str, str]:
    """Return the action of a command and its id, or its ids separated by commas, for the access log."""
    if isinstance(item, RegisterCommand):
        return (WriteAction.REGISTER if item.action is None else item.right), item.urn
    if isinstance(item, LinkCommand | UnlinkCommand | MergeCommand):
        return WriteAction.LINK, f"{item.source}, {item.target}"
    if isinstance(item, DeleteCommand | RestoreCommand):
        return WriteAction.RETIRE, item.urn
    if isinstance(item, SetAliasCommand | RemoveAliasCommand):
        return WriteAction.PROMOTE, item.version if isinstance(item, SetAliasCommand) else item.model
    if isinstance(item, ApproveCommand):
        return WriteAction.APPROVE, item.subject
    about = getattr(item, next(iter(item.__dataclass_fields__)))
    action = WriteAction.REGISTER if isinstance(item, ObserveCommand) else WriteAction.UPDATE
    return action, about if isinstance(about, str) else ", ".join(about)
