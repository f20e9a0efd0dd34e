"""Registering in bulk: items of any mix of kinds in one call, with one outcome for each."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import strawberry

from graphql_schema.assets.asset_input import AssetInput
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import stored_field
from graphql_schema.inputs.idempotency_key import key_in, key_within
from graphql_schema.inputs.input_fields import key_field
from graphql_schema.inputs.payloads import RegisterPayload, payload
from graphql_schema.inputs.registration import registration_of
from graphql_schema.inputs.submit import MAX_ATOMIC_ITEMS, MAX_BULK_ITEMS, authorize, invalid_outcome, write
from graphql_schema.inputs.values import InputError, fields_of
from graphql_schema.lineage.link_mutations import LinkInput, linking_of
from graphql_schema.ports.commands import IdempotencyKey, LinkCommand, RegisterCommand
from graphql_schema.ports.outcomes import Outcome, WriteOutcome, not_written
from policies.errors import InvalidError, LimitError


@strawberry.type(description="What came of the items, in their order.")
class RegisterAssetsPayload:
    """What came of the items."""

    results: list[RegisterPayload] = stored_field("One result per item, in order.")
    created: int = stored_field("How many were created.")
    updated: int = stored_field("How many were updated.")
    unchanged: int = stored_field("How many were there just so.")
    failed: int = stored_field("How many were not written.")


@strawberry.input(description="Items to register.")
class RegisterAssetsInput:
    """Items to register."""

    items: list[AssetInput] = strawberry.field(
        description=f"Any mix of kinds: at most {MAX_BULK_ITEMS} items, {MAX_ATOMIC_ITEMS} when atomic."
    )
    atomic: bool | None = strawberry.field(description="Whether to write all or nothing.", default=False)
    dry_run: bool | None = strawberry.field(description="Say what would happen and write nothing.", default=False)
    idempotency_key: str | None = key_field()


RegisterArg = Annotated[RegisterAssetsInput, strawberry.argument(description="What to register, and how.")]


async def _register_assets(info: Info, input: RegisterArg) -> Any:
    authorize(info)
    _bound(len(input.items), atomic=bool(input.atomic))
    prepared = prepare(input.items, _key(input))
    results = await _write(info, prepared, dry_run=bool(input.dry_run), atomic=bool(input.atomic))
    outcomes = [result.outcome for result in results]
    created, updated, unchanged = map(outcomes.count, (Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED))
    return {
        "results": [payload(result, name) for name, result in zip(prepared.names, results, strict=True)],
        "created": created,
        "updated": updated,
        "unchanged": unchanged,
        "failed": len(outcomes) - created - updated - unchanged,
    }


register_assets: RegisterAssetsPayload = strawberry.field(
    description="Registers items of any mix of kinds; each has its own outcome, and what a client was told is done "
    "stays done.",
    resolver=_register_assets,
)


@dataclass(frozen=True, slots=True)
class CheckedItems:
    """The items of a call by index: the field that each one came in, and whether the writer gets it."""

    names: list[str] = field(default_factory=list)
    accepted: dict[int, RegisterCommand | LinkCommand] = field(default_factory=dict)
    refused: dict[int, WriteOutcome] = field(default_factory=dict)


def prepare(items: Sequence[AssetInput], key: IdempotencyKey | None = None) -> CheckedItems:
    """Sort the items of a call into what can be and what cannot; a second item for the same id cannot.

    An item without a key of its own gets one that is made of the call's.
    """
    prepared = CheckedItems()
    first: dict[str, int] = {}
    for index, item in enumerate(items):
        name, given = given_in(item)
        prepared.names.append(name)
        try:
            wanted = wanted_of(given)
            _refuse_again(wanted, index, first)
        except InputError as error:
            prepared.refused[index] = invalid_outcome(error)
            continue
        if key is not None and wanted.key is None:
            wanted = replace(wanted, key=key_within(key, index))
        prepared.accepted[index] = wanted
    return prepared


def wanted_of(given: Any) -> RegisterCommand | LinkCommand:
    """What the one input of an item asks for; raises InputError with the path to what cannot be."""
    return linking_of(given) if isinstance(given, LinkInput) else registration_of(given)


def given_in(item: AssetInput) -> tuple[str, Any]:
    """The one field of the item that is given, and its value."""
    given = ((field.name, getattr(item, field.attribute)) for field in fields_of(item))
    return next((name, value) for name, value in given if value is not strawberry.UNSET)


def _key(given: RegisterAssetsInput) -> IdempotencyKey | None:
    try:
        return key_in(given)
    except InputError as error:
        raise InvalidError(error.message) from None


def _refuse_again(wanted: RegisterCommand | LinkCommand, index: int, first: dict[str, int]) -> None:
    if isinstance(wanted, RegisterCommand) and first.setdefault(wanted.urn, index) != index:
        raise InputError(f"{wanted.urn} is in this call already, as item {first[wanted.urn]}; join the two.", "id")


def _bound(count: int, *, atomic: bool) -> None:
    most = MAX_ATOMIC_ITEMS if atomic else MAX_BULK_ITEMS
    if count > most:
        kind = "An atomic call" if atomic else "A call"
        raise LimitError(f"{kind} carries at most {most} items and this one has {count}; split it.", limit=most)


async def _write(info: Info, prepared: CheckedItems, *, dry_run: bool, atomic: bool) -> list[WriteOutcome]:
    """The outcome of every item, in order: those refused before the store was asked, and what the store says."""
    count = len(prepared.names)
    if atomic and prepared.refused:
        first = min(prepared.refused)
        return [prepared.refused.get(index) or not_written(first) for index in range(count)]
    done = await write(info, list(prepared.accepted.values()), dry_run=dry_run, atomic=atomic)
    results = {**prepared.refused, **dict(zip(prepared.accepted, done, strict=True))}
    return [results[index] for index in range(count)]
