"""Reads of writers over a store in memory: what each request names, and records without their long values."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from app.graph.commits import state_read
from app.graph.commits.state_read import read_state
from app.graph.driver.errors import WriteTooLargeError


@dataclass
class Records:
    """A client over records by vertex id; ``named`` has how many vertices each request names."""

    texts: dict[int, str]
    named: list[int] = field(default_factory=list)
    current: int = 0
    at_once: int = 0

    async def submit(self, _prepared: object, bindings: Mapping[str, Any]) -> list[Any]:
        """Return records until these have as many characters as a request reads, and the ids of the others."""
        self.current += 1
        self.at_once = max(self.at_once, self.current)
        await asyncio.sleep(0)
        self.current -= 1
        self.named.append(len(bindings["stored"]))
        left, read, unread = bindings["size"], list[Any](), list[int]()
        for vid in bindings["stored"]:
            if left <= 0:
                unread.append(vid)
            else:
                read += [vid, self.texts[vid]]
                left -= len(self.texts[vid])
        return [{"v": read, "e": [], "p": [], "w": unread, "c": [], "n": bindings["size"] - left, "large": False}]


@pytest.mark.parametrize("in_a_request", [1, 70, 1_000])
async def test_each_vertex_is_named_by_few_requests(monkeypatch: pytest.MonkeyPatch, in_a_request: int) -> None:
    """The store looks up all that a request names, so one that reads a part does not name all that is left."""
    texts = {vid: orjson.dumps({"id": f"{vid:05}"}).decode() for vid in range(5_000)}
    client: Any = Records(texts)
    monkeypatch.setattr(state_read, "PART_SIZE", in_a_request * len(texts[0]))
    found = await read_state(client, texts)
    assert {vid: record["id"] for vid, record in found.records.items()} == {vid: f"{vid:05}" for vid in texts}
    assert len(client.named) <= 5_000 // in_a_request + 20
    assert max(client.named[1:]) <= 2 * max(in_a_request, state_read.FIRST_VERTICES)


async def test_many_records_are_read_by_two_requests_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """So the write lock is held for less time; few records are read by one request after the other."""
    monkeypatch.setattr(state_read, "PART_SIZE", 500)
    for count, at_once in ((state_read.FIRST_VERTICES, 1), (5_000, 2)):
        client: Any = Records(dict.fromkeys(range(count), '{"id":"a"}'))
        assert len((await read_state(client, client.texts)).records) == count
        assert client.at_once == at_once


async def test_a_read_that_is_too_large_ends_with_all_of_its_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """No request is under way when the error is raised, and few were sent."""
    monkeypatch.setattr(state_read, "PART_SIZE", 500)
    monkeypatch.setattr(state_read, "MAX_SIZE", 5_000)
    client: Any = Records(dict.fromkeys(range(5_000), '{"id":"a"}'))
    with pytest.raises(WriteTooLargeError):
        await read_state(client, client.texts, bounded=True)
    assert client.current == 0
    assert len(client.named) <= 5_000 // 500 + 2
