"""Health answers what a load balancer needs to know."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx2
import pytest
from starlette.applications import Starlette

from app.graph.driver.errors import StoreUnavailableError
from app.http.health import health_routes


async def works() -> str:
    """Answer as a store that is well."""
    return "anything"


async def is_down() -> None:
    """Fail as the store's client does."""
    raise StoreUnavailableError("The store does not answer. Try again.")


async def breaks() -> None:
    """Fail as no one expects."""
    raise RuntimeError("canary-5f1d")


async def hangs() -> None:
    """Never answer."""
    await asyncio.Event().wait()


async def ask(probe: Callable[[], Awaitable[object]], path: str) -> httpx2.Response:
    """Get a health path of an application whose readiness is ``probe``."""
    app = Starlette(routes=health_routes(probe, seconds=0.01))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://test") as http:
        return await http.get(path)


@pytest.mark.parametrize("probe", [works, is_down, breaks, hangs])
async def test_live_does_not_depend_on_the_store(probe: Callable[[], Awaitable[object]]) -> None:
    """A process with a broken store still lives: restarting it would not help."""
    response = await ask(probe, "/health/live")
    assert (response.status_code, response.json()) == (200, {"status": "live"})


async def test_ready_when_a_query_would_be_answered() -> None:
    """A probe that worked is 200, and no cache may keep that."""
    response = await ask(works, "/health/ready")
    assert (response.status_code, response.json()) == (200, {"status": "ready"})
    assert response.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize(
    ("probe", "code"), [(is_down, "STORE_UNAVAILABLE"), (hangs, "STORE_UNAVAILABLE"), (breaks, "INTERNAL")]
)
async def test_not_ready_otherwise(probe: Callable[[], Awaitable[object]], code: str) -> None:
    """A probe that fails, hangs or breaks is 503 with a code and a time to come back, and tells no secret."""
    response = await ask(probe, "/health/ready")
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert response.json()["errors"][0]["extensions"]["code"] == code
    assert "canary" not in response.text
