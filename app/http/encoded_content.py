"""Encodes the content of a response as JSON: a large one in turns of the event loop, so that no callback writes it all.

Texts of 4 Mi control characters take 30 to 50 ms in one call, and 100 ms where their 24 MiB of JSON need new memory.
The bytes are the same.
"""

from collections.abc import Callable, Iterator, Mapping
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, mmap
from typing import Final

import orjson

from graphql_schema.ports.operation_budget import OperationBudget

LARGE: Final = 256 * 1024
"""Number of characters of texts and keys from which on a content is encoded in turns.

Fewer take at most 2 ms of CPU. With 1 Mi they took 7 ms, or 37 ms where their JSON needed new memory: half of the light
reads beside four connections of one account took over 31 ms then, against 10 ms.

Pieces cost about ten times the CPU of one call, some 20 ms for each Mi of ordinary values.
"""

VALUE_SIZE: Final = 4
"""Number of control characters that take as long as a value, such as a number of 17 digits."""

RESERVE: Final = 4 * 1024 * 1024
"""Bytes that are reserved for what a response has beside its data, such as for extensions."""

PIECE: Final = 64 * 1024
"""Number of characters that are encoded at once: half a millisecond for quotation marks alone."""

_TOGETHER: Final = 500
"""Maximal number of elements of a list that are encoded at once."""

_ESCAPED: Final = 6
"""Bytes that JSON has for a control character, such as ``\\u0001``; each other character has fewer."""

_VALUE_BYTES: Final = 48
"""Bytes that JSON has for a value without its text: digits, quotation marks, and what is between values."""


class GrowingBytes:
    """Bytes that grow piece by piece, without a copy of those before up to a ``reserve``, in bytes.

    A bytearray is reallocated at each eighth of its growth. Beyond some megabytes it is often copied then, to pages of
    memory that are new: 40 to 110 ms of one callback for 45 MB. A private mapping of memory has its pages only when
    they are written, so a reserve costs nothing. ``copies`` counts the growths beyond it.
    """

    def __init__(self, reserve: int = RESERVE) -> None:
        self._memory = _mapping(reserve)
        self._size = 0
        self.copies = 0

    def add(self, piece: bytes) -> None:
        """Append a piece; one beyond the reserve doubles it."""
        end = self._size + len(piece)
        if end > len(self._memory):
            former, self._memory = self._memory, _mapping(2 * end)
            self._memory[: self._size] = former[: self._size]
            self.copies += 1
        self._memory[self._size : end] = piece
        self._size = end

    def view(self) -> memoryview:
        """Return the bytes; add no further ones afterwards."""
        return memoryview(self._memory)[: self._size]


def reserve_of(characters: int, values: int) -> int:
    """Return the number of bytes that JSON with so many characters of texts and keys, and so many values, has at most.

    What is beside the data has RESERVE.
    """
    return _ESCAPED * characters + _VALUE_BYTES * values + RESERVE


def _mapping(size: int) -> mmap:
    return mmap(-1, max(size, 1), flags=MAP_PRIVATE | MAP_ANONYMOUS)


async def encoded_content(
    content: Mapping[str, object], characters: int, values: int, between: Callable[[int], None]
) -> bytes | memoryview:
    """Return the content as JSON; it has so many characters in its texts and keys, and so many values.

    Unless the content is short, ``between`` is called with the number of bytes of each piece, and its error ends the
    encoding. If it is one piece, ``between`` is also called before, with 0. To join the pieces of 48 MB at the end
    would take up to 200 ms.
    """
    budget, size = OperationBudget(), characters + VALUE_SIZE * values
    if size < LARGE:
        if size > PIECE:  # four that end in the same iteration of the loop would take 0.1 s together
            await budget.pause()
            between(0)
        body = orjson.dumps(content)
        if size > PIECE:
            between(len(body))
        return body
    encoded = GrowingBytes(reserve_of(characters, values))
    async for piece in budget.in_turns(json_pieces(content)):
        between(len(piece))
        encoded.add(piece)
    return encoded.view()


def json_pieces(value: object) -> Iterator[bytes]:
    """Yield the JSON of a value in pieces, each with at most PIECE characters of texts and one key besides."""
    if _size(value, PIECE) <= PIECE:
        yield orjson.dumps(value)
    elif isinstance(value, str):
        yield b'"'
        for start in range(0, len(value), PIECE):
            yield orjson.dumps(value[start : start + PIECE])[1:-1]
        yield b'"'
    elif isinstance(value, Mapping):
        yield b"{"
        for place, (key, each) in enumerate(value.items()):
            yield b"%b%b:" % (b"," if place else b"", orjson.dumps(key))
            yield from json_pieces(each)
        yield b"}"
    elif isinstance(value, list | tuple):
        yield from _pieces_of_list(value)
    else:
        yield orjson.dumps(value)


def _pieces_of_list(values: list[object] | tuple[object, ...]) -> Iterator[bytes]:
    """Yield the JSON of a list: short elements together, each long one in pieces of its own."""
    together: list[object] = []
    left, separator = PIECE, b"["
    for value in values:
        size = _size(value, PIECE)
        if together and (size > left or len(together) == _TOGETHER):
            yield separator + orjson.dumps(together)[1:-1]
            together, left, separator = [], PIECE, b","
        if size > PIECE:
            yield separator
            yield from json_pieces(value)
            separator = b","
        else:
            together.append(value)
            left -= size
    yield separator + orjson.dumps(together)[1:-1] if together else b""
    yield b"]"


def _size(value: object, enough: int) -> int:
    """Return the number of characters of the texts and keys in a value, and 1 for each other one, or above ``enough``.

    Counting ends when it is above ``enough``.
    """
    size, waiting = 0, [value]
    while waiting and size <= enough:
        each = waiting.pop()
        if isinstance(each, str):
            size += len(each)
        elif isinstance(each, Mapping):
            size += sum(map(len, each)) + 1
            waiting.extend(each.values())
        elif isinstance(each, list | tuple):
            size += 1
            waiting.extend(each)
        else:
            size += 1
    return size
