"""Rows that are encoded in turns: the bytes of the body are the same, and others have their turns meanwhile."""

import asyncio
from itertools import count
from typing import Any

import orjson
import pytest

from app.graph.driver import encoded_rows as module
from app.graph.driver.encoded_rows import encoded_rows
from graphql_schema.ports.turns import loop_turns

TEXT = 'a"b\\c\n\u00e9\u4e2d\U0001f600\x7f\x00' * 3
ROWS: list[dict[str, Any]] = [
    {"x": 1, "k": "Dataset", "fresh": True, "p": {"urn": "u", "record": TEXT, "at": None}, "s": {"owners": [""]}},
    {"l": "DERIVES", "o": 1, "i": 2, "fresh": False, "p": {"validFrom": 1 << 60, "record": ""}},
    {"x": 3, "k": "usedAt", "at": 5, "exact": True},
    {"x": 4, "fresh": False, "p": {}, "f": ["[8]"]},
    {"x": 6, "fresh": True, "at": 7, "record": TEXT},
]


@pytest.mark.parametrize("piece", [1, 2, 7, 10_000])
async def test_the_bytes_are_the_same(monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    """Wherever a record is divided, the body is that of the rows themselves."""
    monkeypatch.setattr(module, "PIECE", piece)
    found = {"vertices": await encoded_rows(ROWS), "gone": await encoded_rows([])}
    assert orjson.dumps(found) == orjson.dumps({"vertices": ROWS, "gone": []})


@pytest.mark.parametrize("rows", [[ROWS[0]], [ROWS[2]] * 10])
async def test_others_run_between_rows_and_within_a_long_record(
    monkeypatch: pytest.MonkeyPatch, rows: list[dict[str, Any]]
) -> None:
    """A long record, and many short rows, are encoded over several turns of the event loop."""
    monkeypatch.setattr(loop_turns, "TURN_SECONDS", -1.0)  # each turn is over when it has begun
    monkeypatch.setattr(module, "PIECE", 8)
    monkeypatch.setattr(module, "_STEP", 50)
    encoding = asyncio.create_task(encoded_rows(rows))
    turns = count()
    while not encoding.done():
        await asyncio.sleep(0)
        next(turns)
    assert next(turns) > 3
