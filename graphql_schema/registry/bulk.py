"""The mutation `registerAssets`: items of any mix of kinds in one call, with one outcome per item."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, cast

import strawberry

from graphql_schema.catalog.enums import References
from graphql_schema.execution.side_thread import run_aside, run_in_parts
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Resolved, stored_field
from graphql_schema.inputs.idempotency_key import key_steps, key_within
from graphql_schema.inputs.input_fields import InputValue, key_field
from graphql_schema.inputs.input_size import is_long
from graphql_schema.inputs.payloads import RegisterPayload, payload
from graphql_schema.inputs.registration import registration_steps
from graphql_schema.inputs.submit import MAX_ATOMIC_ITEMS, MAX_BULK_ITEMS, authorize, invalid_outcome, write
from graphql_schema.inputs.values import InputError, fields_of
from graphql_schema.lineage.link_mutations import LinkInput, linking_steps
from graphql_schema.ports.commands import IdempotencyKey, LinkCommand, RegisterCommand
from graphql_schema.ports.outcomes import Outcome, WriteOutcome, not_written
from graphql_schema.registry.asset_input import AssetInput, GivenItem
from graphql_schema.registry.reference_order import referenced_first
from policies.errors import InvalidError, LimitError


@strawberry.type(description="The outcomes of the items of a call.")
class RegisterAssetsPayload:
    """The outcomes of the items of a call."""

    results: list[RegisterPayload] = stored_field("One result per item, in the order of the items.")
    created: int = stored_field("The number of items with the outcome CREATED.")
    updated: int = stored_field("The number of items with the outcome UPDATED.")
    unchanged: int = stored_field("The number of items with the outcome UNCHANGED.")
    failed: int = stored_field("The number of rejected items: those with errors.")
    placeholders: list[strawberry.ID] = stored_field(
        "The `placeholders` of all items, each once, without ids that another item of the call registers."
    )


@strawberry.input(description="Items to register, and how to write them.")
class RegisterAssetsInput:
    """Items to register, and how to write them."""

    items: list[AssetInput] = strawberry.field(
        description=f"Items of any mix of kinds: at most {MAX_BULK_ITEMS}, or {MAX_ATOMIC_ITEMS} when `atomic` is true."
    )
    atomic: bool | None = strawberry.field(
        description="Whether to write all items in one transaction or none; false by default.", default=False
    )
    dry_run: bool | None = strawberry.field(
        description="Whether to return the outcomes without writing; false by default.", default=False
    )
    references: References | None = strawberry.field(
        description="The ids that items may refer to, unless an item has its own `references`; ANY by default.",
        default=strawberry.UNSET,
    )
    idempotency_key: str | None = key_field()


RegisterArg = Annotated[RegisterAssetsInput, strawberry.argument(description="The items, and how to write them.")]


async def _register_assets(info: Info, input: RegisterArg) -> Resolved:
    authorize(info)
    _check_size(len(input.items), atomic=bool(input.atomic))
    budget = info.context.budget
    given = cast("list[GivenItem]", input.items)
    call = replace(input, items=[await _converted(item) async for item in budget.in_turns(given)])
    has_long_key = bool(call.idempotency_key) and is_long(call)
    key = await run_in_parts(_key(call), is_long=has_long_key, between=budget.check)
    checked = CheckedItems(key, only_existing=call.references is References.EXISTING)
    async for item in budget.in_turns(call.items):
        await run_in_parts(checked.check(item), is_long=is_long(given_field(item)[1]), between=budget.check)
    checked.add_known_ids(atomic=bool(input.atomic))
    results = await _write(info, checked, dry_run=bool(input.dry_run), atomic=bool(input.atomic))
    results, placeholders = once_named(results)
    outcomes = [result.outcome for result in results]
    created, updated, unchanged = map(outcomes.count, (Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED))
    return {
        "results": [payload(result, name) for name, result in zip(checked.names, results, strict=True)],
        "created": created,
        "updated": updated,
        "unchanged": unchanged,
        "failed": len(outcomes) - created - updated - unchanged,
        "placeholders": placeholders,
    }


register_assets: RegisterAssetsPayload = strawberry.field(
    description="Registers items of any mix of kinds, one outcome per item. Items reported as written survive a crash. "
    "A request that fails may have written some of its items, with `atomic` only all or none; it can be repeated.",
    resolver=_register_assets,
)


@dataclass(slots=True)
class CheckedItems:
    """The items of a call by index.

    ``key``: the idempotency key of the call, if any. ``only_existing``: whether an item without its own `references`
    may refer to existing ids only. ``names``: the field of `AssetInput` in which each item is given. ``accepted``: the
    commands for the writer. ``refused``: the outcomes of the items that the writer does not get.
    """

    key: IdempotencyKey | None = None
    only_existing: bool = False
    names: list[str] = field(default_factory=list)
    accepted: dict[int, RegisterCommand | LinkCommand] = field(default_factory=dict)
    refused: dict[int, WriteOutcome] = field(default_factory=dict)
    _first: dict[str, int] = field(default_factory=dict)
    """By id, the index of the first item that registers it."""

    def check(self, item: AssetInput) -> Generator[None, None, None]:
        """Add the next item of the call to ``accepted``, or if it is invalid to ``refused``.

        A second registration of the same id is refused. An item without an idempotency key gets one derived from the
        key of the call, if any. Pauses after each element of the lists of the item.
        """
        index = len(self.names)
        name, given = given_field(item)
        self.names.append(name)
        try:
            command = yield from command_steps(given)
            self._refuse_repeated(command, index)
        except InputError as error:
            self.refused[index] = invalid_outcome(error)
            return
        if self.key is not None and command.key is None:
            command = replace(command, key=key_within(self.key, index))
        if self.only_existing and given.references in {None, strawberry.UNSET}:
            command = replace(command, known_ids=frozenset())
        self.accepted[index] = command

    def add_known_ids(self, *, atomic: bool) -> None:
        """Let items that may refer to existing ids only refer to each id that an accepted item registers.

        If there are such items, referenced items come first, so that the writer finds out first whether they are
        rejected. If the call is ``atomic``, a rejected item rejects all, so the order stays.
        """
        if all(each.known_ids is None for each in self.accepted.values()):
            return
        ids = frozenset(each.urn for each in self.accepted.values() if isinstance(each, RegisterCommand))
        if not atomic:
            self.accepted = referenced_first(self.accepted)
        for index, command in self.accepted.items():
            if command.known_ids is not None:
                self.accepted[index] = replace(command, known_ids=ids)

    def _refuse_repeated(self, command: RegisterCommand | LinkCommand, index: int) -> None:
        if isinstance(command, RegisterCommand) and self._first.setdefault(command.urn, index) != index:
            raise InputError(
                f"{command.urn} is in this call already, as item {self._first[command.urn]}; combine the two items.",
                "id",
            )


async def _converted(item: GivenItem) -> AssetInput:
    """Return the item with the classes of the schema; a long one is converted in the side thread."""
    return await run_aside(item.converted) if item.is_long else item.converted()


def once_named(results: Sequence[WriteOutcome]) -> tuple[list[WriteOutcome], list[str]]:
    """Return the outcomes of a call, each placeholder only in the first item that names it, and all placeholders.

    An item has no placeholders that an earlier item registers. All placeholders are without those that any item
    registers. So the response does not depend on the transactions in which the items are written, nor on a dry run.
    """
    named: set[str] = set()
    reported = []
    for result in results:
        new = [urn for urn in result.placeholders if urn not in named]
        named.update(new, [result.urn] if result.stored and result.urn else [])
        reported.append(replace(result, placeholders=tuple(new)))
    registered = {result.urn for result in results if result.stored}
    return reported, [urn for result in reported for urn in result.placeholders if urn not in registered]


def command_steps(given: InputValue) -> Generator[None, None, RegisterCommand | LinkCommand]:
    """Return the command of an input of a kind, or of a link; raises InputError with the path to the fault.

    Pauses after each element of the lists of the input.
    """
    return (yield from linking_steps(given) if isinstance(given, LinkInput) else registration_steps(given))


def given_field(item: AssetInput) -> tuple[str, InputValue]:
    """Return the name of the one field of the item that is given, and its value."""
    given = ((field.name, getattr(item, field.attribute)) for field in fields_of(item))
    return next((name, value) for name, value in given if value is not strawberry.UNSET)


def _key(given: RegisterAssetsInput) -> Generator[None, None, IdempotencyKey | None]:
    try:
        return (yield from key_steps(given))
    except InputError as error:
        raise InvalidError(error.message) from None


def _check_size(count: int, *, atomic: bool) -> None:
    max_items = MAX_ATOMIC_ITEMS if atomic else MAX_BULK_ITEMS
    if count > max_items:
        call = "An atomic call" if atomic else "A call"
        raise LimitError(
            f"{call} may have at most {max_items} items, and this one has {count}; split the call.", limit=max_items
        )


async def _write(info: Info, checked: CheckedItems, *, dry_run: bool, atomic: bool) -> list[WriteOutcome]:
    """Return the outcome of every item, in order; the writer gets no item of an atomic call with a refused item."""
    count = len(checked.names)
    if atomic and checked.refused:
        first = min(checked.refused)
        return [checked.refused.get(index) or not_written(first) for index in range(count)]
    written = await write(info, list(checked.accepted.values()), dry_run=dry_run, atomic=atomic)
    results = {**checked.refused, **dict(zip(checked.accepted, written, strict=True))}
    return [results[index] for index in range(count)]
