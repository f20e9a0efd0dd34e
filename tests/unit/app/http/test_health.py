"""The health routes: liveness of the process, readiness of the store."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx2
import pytest
from starlette.applications import Starlette

from app.graph.driver.errors import StoreUnavailableError
from app.http.health import health_routes


async def works() -> str:
    """Return a value, as the probe of an available store does."""
    return "anything"


async def is_down() -> None:
    """Raise the error of an unavailable store."""
    raise StoreUnavailableError("The store does not answer. Try again.")


async def breaks() -> None:
    """Raise an unexpected exception."""
    raise RuntimeError("canary-5f1d")


async def blocks() -> None:
    """Wait without end."""
    await asyncio.Event().wait()


async def get(probe: Callable[[], Awaitable[object]], path: str) -> httpx2.Response:
    """Return the response of an application whose readiness probe is ``probe`` and times out after 10 ms."""
    app = Starlette(routes=health_routes(probe, seconds=0.01))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://test") as http:
        return await http.get(path)


@pytest.mark.parametrize("probe", [works, is_down, breaks, blocks])
async def test_live_does_not_depend_on_the_store(probe: Callable[[], Awaitable[object]]) -> None:
    """A process without a store is live, because a restart would not help."""
    response = await get(probe, "/health/live")
    assert (response.status_code, response.json()) == (200, {"status": "live"})


async def test_ready_with_a_store() -> None:
    """A successful probe gives status 200, which no cache may store."""
    response = await get(works, "/health/ready")
    assert (response.status_code, response.json()) == (200, {"status": "ready"})
    assert response.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize(
    ("probe", "code"), [(is_down, "STORE_UNAVAILABLE"), (blocks, "STORE_UNAVAILABLE"), (breaks, "INTERNAL")]
)
async def test_not_ready_without_a_store(probe: Callable[[], Awaitable[object]], code: str) -> None:
    """A probe that fails or takes too long gives status 503 with a code and `Retry-After`, without its message."""
    response = await get(probe, "/health/ready")
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert response.json()["errors"][0]["extensions"]["code"] == code
    assert "canary" not in response.text


async def test_started_waits_for_the_first_success() -> None:
    """While the store has not worked once the answer is 503 with its error; afterwards an outage changes nothing.

    An outage after the start is the matter of `ready`: a start-up probe would restart the process for it.
    """
    outcomes: list[Exception | None] = [StoreUnavailableError("The store starts."), None, RuntimeError("down")]

    async def probe() -> None:
        if error := outcomes.pop(0):
            raise error

    app = Starlette(routes=health_routes(probe))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://test") as http:
        first = await http.get("/health/started")
        statuses = [(await http.get("/health/started")).status_code for _ in range(2)]
        ready = (await http.get("/health/ready")).status_code
        after = await http.get("/health/started")
    assert (first.status_code, first.json()["errors"][0]["extensions"]["code"]) == (503, "STORE_UNAVAILABLE")
    assert (statuses, ready) == ([200, 200], 503)
    assert (after.status_code, after.json()) == (200, {"status": "started"})


async def test_a_process_that_was_ready_has_started() -> None:
    """The success that a readiness probe has found counts."""
    outcomes: list[Exception | None] = [None]

    async def probe() -> None:
        outcomes.pop()

    app = Starlette(routes=health_routes(probe))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://test") as http:
        assert [(await http.get(f"/health/{name}")).status_code for name in ("ready", "started")] == [200, 200]
