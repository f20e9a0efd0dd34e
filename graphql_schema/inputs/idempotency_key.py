"""Idempotency keys of inputs, with a digest of the payload that is the same for equal payloads."""

from collections.abc import Generator, Iterator
from dataclasses import is_dataclass
from enum import Enum
from hashlib import sha256

import orjson
import strawberry

from graphql_schema.execution.side_thread import run_at_once
from graphql_schema.inputs.input_fields import InputValue
from graphql_schema.inputs.input_size import is_long
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
    return run_at_once(key_steps(given))


def key_steps(given: InputValue) -> Generator[None, None, IdempotencyKey | None]:
    """Return what :func:`key_in` returns, with pauses between the elements of a long payload."""
    text = getattr(given, KEY, None)
    if text is None or text is strawberry.UNSET:
        return None
    if not 0 < len(text) <= MAX_KEY_LENGTH or "\0" in text:
        raise InputError(
            f"An idempotency key needs 1 to {MAX_KEY_LENGTH} characters and no NUL; change it.", "idempotencyKey"
        )
    digest = yield from digest_steps(given)
    return IdempotencyKey(text, digest, input_type=type(given).__name__)


def key_within(call: IdempotencyKey, index: int) -> IdempotencyKey:
    """Return the key of the item at ``index`` of a call, derived from the key of the call."""
    return IdempotencyKey(f"{call.text}\0{index}", call.digest, call, call.input_type)


def digest_steps(given: InputValue) -> Generator[None, None, str]:
    """Return the SHA-256 of the values of an input without its idempotency keys, in hex; `dryRun` counts as absent.

    Pauses between the elements of a long payload. The digest is that of one JSON text with ordered names.
    """
    digest = sha256()
    for part in _parts(given):
        digest.update(part)
        yield
    return digest.hexdigest()


def _parts(given: InputValue) -> Iterator[bytes]:
    """Yield the JSON text of a value in parts; one that is not long is one part."""
    if not is_long(given):
        yield _json(_plain(given))
        return
    values = given if isinstance(given, list) else dict(sorted(_values(given).items()))
    begin = b"[" if isinstance(values, list) else b"{"
    for each in values:
        yield begin if isinstance(values, list) else begin + _json(each) + b":"
        yield from _parts(each if isinstance(values, list) else values[each])
        begin = b","
    yield b"]" if isinstance(values, list) else b"}"


def _json(value: Json) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _plain(given: InputValue) -> Json:
    if isinstance(given, Enum):
        return given.name
    if isinstance(given, list):
        return [_plain(each) for each in given]
    if is_dataclass(given):
        return {name: _plain(value) for name, value in _values(given).items()}
    return given


def _values(given: InputValue) -> dict[str, InputValue]:
    """Return the values of an input by name, without the absent ones and its idempotency key."""
    values = {field.name: getattr(given, field.attribute) for field in fields_of(given) if field.attribute != KEY}
    if DRY_RUN in values:  # the default value was in the digests of receipts that are stored
        values[DRY_RUN] = given.__dataclass_fields__["dry_run"].default
    return {name: value for name, value in values.items() if value is not strawberry.UNSET}
