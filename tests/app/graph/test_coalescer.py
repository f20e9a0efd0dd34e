"""What the askers of one level get when their request ends badly."""

import asyncio

import pytest

from app.graph.client import GremlinClient
from app.graph.coalescer import Coalescer, Question
from policies.errors import CodedError


class BrokenError(Exception):
    """Something that nobody foresaw."""


@pytest.mark.parametrize("error", [CodedError("The store failed; try again."), BrokenError()])
async def test_every_asker_gets_the_error(
    client: GremlinClient, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """An error of any kind reaches all who asked, as itself and not as a cancellation; the next level is sent."""
    submit = GremlinClient.submit

    async def fail(*_: object) -> None:
        raise error

    coalescer = Coalescer(client, "default", 0)
    monkeypatch.setattr(GremlinClient, "submit", fail)
    asked = [coalescer.ask(Question(points=[point])) for point in (256, 512)]
    assert await asyncio.gather(*asked, return_exceptions=True) == [error, error]
    monkeypatch.setattr(GremlinClient, "submit", submit)
    assert (await coalescer.ask(Question(points=[256]))).records == {}
