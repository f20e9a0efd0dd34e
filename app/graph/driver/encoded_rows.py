"""Encodes the rows of a large binding in turns, so that the body of a request is not encoded in one callback.

The rows become fragments of JSON, which are only copied when the body is made. The bytes are the same.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import orjson

from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.record import JsonObject

PIECE: Final = 128 * 1024
"""Number of characters of a record that are encoded at once: about a millisecond for quotation marks alone."""

_STEP: Final = 16 * 1024
"""Number of bytes of short rows that are encoded between two pauses."""


async def encoded_rows(rows: Sequence[JsonObject]) -> list[orjson.Fragment]:
    """Return the rows of a binding as they are in the body of a request, encoded in turns of the event loop."""
    encoded: list[orjson.Fragment] = []
    async for _ in OperationBudget().in_turns(_steps(rows, encoded)):
        pass
    return encoded


def _steps(rows: Sequence[JsonObject], encoded: list[orjson.Fragment]) -> Iterator[None]:
    """Add each row to ``encoded``, with a yield after each piece of a long record and after some short rows."""
    size = 0
    for row in rows:
        values = row.get("p", {})
        record = values.get("record", "")
        if len(record) > PIECE:
            pieces: list[bytes] = []
            for start in range(0, len(record), PIECE):
                pieces.append(orjson.dumps(record[start : start + PIECE])[1:-1])
                yield
            text = orjson.Fragment(b'"%b"' % b"".join(pieces))
            body = orjson.dumps({**row, "p": {**values, "record": text}})
        else:
            body = orjson.dumps(row)
        encoded.append(orjson.Fragment(body))
        size += len(body)
        if size > _STEP:
            size = 0
            yield
