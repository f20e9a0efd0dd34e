"""Idempotency keys of inputs, with a digest of the payload that is the same for equal payloads."""

from dataclasses import is_dataclass
from enum import Enum
from hashlib import sha256

import orjson
import strawberry

from graphql_schema.inputs.input_fields import InputValue
from graphql_schema.inputs.values import InputError, fields_of
from graphql_schema.ports.commands import IdempotencyKey
from graphql_schema.ports.record import Json

MAX_KEY_LENGTH = 255
"""Maximal number of characters of an idempotency key."""

KEY = "idempotency_key"
"""Attribute of an input that holds its key."""

DRY_RUN = "dryRun"
"""Field of an input that requests a dry run; its Python name is ``dry_run``."""


def key_in(given: InputValue) -> IdempotencyKey | None:
    """Return the key of an input with the digest of its payload, None without a key.

    Raises InputError if the key is empty, too long, or contains NUL.
    """
    text = getattr(given, KEY, None)
    if text is None or text is strawberry.UNSET:
        return None
    if not 0 < len(text) <= MAX_KEY_LENGTH or "\0" in text:
        raise InputError(
            f"An idempotency key needs 1 to {MAX_KEY_LENGTH} characters and no NUL; change it.", "idempotencyKey"
        )
    return IdempotencyKey(text, digest_of(given), input_type=type(given).__name__)


def key_within(call: IdempotencyKey, index: int) -> IdempotencyKey:
    """Return the key of the item at ``index`` of a call, derived from the key of the call."""
    return IdempotencyKey(f"{call.text}\0{index}", call.digest, call, call.input_type)


def digest_of(given: InputValue) -> str:
    """Return the SHA-256 of the values of an input without its idempotency keys, in hex; `dryRun` counts as absent."""
    return sha256(orjson.dumps(_plain(given), option=orjson.OPT_SORT_KEYS)).hexdigest()


def _plain(given: InputValue) -> Json:
    if isinstance(given, Enum):
        return given.name
    if isinstance(given, list):
        return [_plain(each) for each in given]
    if is_dataclass(given):
        values = {field.name: getattr(given, field.attribute) for field in fields_of(given) if field.attribute != KEY}
        if DRY_RUN in values:  # the default value was in the digests of receipts that are stored
            values[DRY_RUN] = given.__dataclass_fields__["dry_run"].default
        return {name: _plain(value) for name, value in values.items() if value is not strawberry.UNSET}
    return given
