"""The JSON of a response: a large content has the bytes that one call would write, and is written in turns."""

import asyncio

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect

from app.http import encoded_content as module
from app.http.encoded_content import LARGE, PIECE, RESERVE, GrowingBytes, encoded_content, json_pieces, reserve_of
from graphql_schema.ports.turns import loop_turns

SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=12)
VALUES = st.recursive(
    SCALARS, lambda each: st.lists(each, max_size=4) | st.dictionaries(st.text(max_size=4), each, max_size=4)
)


def stays(_size: int) -> None:
    """Take no notice of a piece."""


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Encode three characters at once, so that short values have several pieces."""
    monkeypatch.setattr(module, "PIECE", 3)


@pytest.mark.usefixtures("pieces")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.text(max_size=4), VALUES, max_size=4))
def test_the_bytes_are_those_of_one_call(content: dict[str, object]) -> None:
    """Random contents, with empty lists, escapes and characters beyond the first plane, are encoded equally."""
    assert asyncio.run(encoded_content(content, LARGE, 0, stays)) == orjson.dumps(content)


@pytest.mark.parametrize(
    ("content", "size"),
    [
        ({"data": {"a": '"' * (8 << 20)}}, (8 << 20, 1)),
        ({"data": {"a": "\x01" * (1 << 20)}}, (1 << 20, 1)),
        ({"data": {"a": {"n": [{"x": "\x01" * PIECE, "y": ("t",)} for _ in range(128)]}}}, (8 << 20, 512)),
        ({"data": {"a": {"n": [{"k": {"x": "é\\" * 20}} for _ in range(100_000)]}}}, (4 << 20, 200_000)),
        ({"data": {"a": {"n": [{"m": [{"a": 0.1, "b": 0.2}] * 500} for _ in range(300)]}}}, (300_000, 300_000)),
    ],
    ids=["one text", "control characters", "long texts", "many short texts", "numbers"],
)
def test_a_large_content_is_written_in_turns(content: dict[str, object], size: tuple[int, int]) -> None:
    """Other tasks run many times while it is encoded; a small content takes one call."""

    async def iterations(characters: int, values: int) -> tuple[int, bytes | memoryview]:
        """Return how often another task ran during the encoding, and the bytes."""
        encoding, count = asyncio.ensure_future(encoded_content(content, characters, values, stays)), 0
        while not encoding.done():
            await asyncio.sleep(0)
            count += 1
        return count, await encoding

    (turns, body), (at_once, plain) = asyncio.run(iterations(*size)), asyncio.run(iterations(0, 0))
    assert (at_once <= 2, turns > 10) == (True, True), (at_once, turns)
    assert body == plain == orjson.dumps(content)


async def test_contents_below_the_limit_are_encoded_in_turns_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four that end in the same iteration of the event loop would hold it four times as long."""
    monkeypatch.setattr(loop_turns, "TURN_SECONDS", -1.0)
    content = {"a": "x" * (2 * PIECE)}
    encoding = [asyncio.ensure_future(encoded_content(content, 2 * PIECE, 1, stays)) for _ in range(4)]
    at_once = list[int]()
    while not all(each.done() for each in encoding):
        await asyncio.sleep(0)
        at_once.append(sum(each.done() for each in encoding) - sum(at_once))
    assert max(at_once) < 4


@pytest.mark.parametrize("characters", [2 * PIECE, LARGE // 2, 2 * LARGE])
async def test_all_bytes_count(characters: int) -> None:
    """The bytes of a content count also if they are one piece: those of a control character are six."""
    counted = list[int]()
    body = await encoded_content({"a": "\x01" * characters}, characters, 1, counted.append)
    assert (sum(counted), len(body)) == (len(body), 6 * characters + len('{"a":""}'))


@pytest.mark.parametrize("characters", [200_000, 300_000, 1_000_000])
async def test_no_piece_takes_long(characters: int) -> None:
    """At most 2 MB are encoded in one call: a million control characters, of which JSON has 6 MB, are not one piece."""
    counted = list[int]()
    await encoded_content({"a": "\x01" * characters}, characters, 1, counted.append)
    assert max(counted) < 2_000_000


@pytest.mark.parametrize("characters", [2 * PIECE, LARGE])
async def test_no_content_is_encoded_for_a_client_that_left(characters: int) -> None:
    """A content that needs a turn ends there, below the limit as well; a short one takes no time."""

    def left(_size: int) -> None:
        raise ClientDisconnect

    with pytest.raises(ClientDisconnect):
        await encoded_content({"a": 1}, characters, 1, left)
    assert await encoded_content({"a": 1}, 1, 1, left) == b'{"a":1}'


@given(st.lists(st.binary(max_size=40)), st.integers(0, 50))
def test_bytes_grow_beyond_their_reserve(pieces: list[bytes], reserve: int) -> None:
    """The bytes are those of all pieces, and no growth within the reserve copies them."""
    grown = GrowingBytes(reserve)
    for piece in pieces:
        grown.add(piece)
    joined = b"".join(pieces)
    assert grown.view() == joined
    assert (grown.copies > 0) == (len(joined) > max(reserve, 1))


@pytest.mark.parametrize(
    ("value", "characters", "values"),
    [("\x01" * LARGE, LARGE, 1), (-1.7976931348623157e308, 0, 1), ({"k" * 9: ""}, 9, 1), ("\ud7ff" * 100, 100, 1)],
    ids=["escapes", "number", "key", "three bytes"],
)
def test_the_reserve_is_enough_for_the_longest_json(value: object, characters: int, values: int) -> None:
    """A list of ten thousand values, or of one long one, has at most as many bytes as are reserved beyond RESERVE."""
    number = 1 if characters == LARGE else 10_000
    size = sum(map(len, json_pieces([value] * number)))
    assert size <= reserve_of(number * characters, number * values) - RESERVE
