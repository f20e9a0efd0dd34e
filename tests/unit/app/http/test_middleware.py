"""Request ids in and out."""

import httpx2
import pytest


async def test_a_good_id_is_kept(client: httpx2.AsyncClient) -> None:
    """The caller's id comes back in the header, and resolvers see it in the context."""
    response = await client.post("/graphql", json={"query": "{ requestId }"}, headers={"x-request-id": "ci:42/a.b"})
    assert response.headers["x-request-id"] == "ci:42/a.b"
    assert response.json()["data"] == {"requestId": "ci:42/a.b"}


@pytest.mark.parametrize("sent", [None, "", "a b", "x" * 129, 'a"b', "<script>"])
async def test_a_bad_id_is_replaced(client: httpx2.AsyncClient, sent: str | None) -> None:
    """No id, or one that could harm a log or a page, gives a fresh one, different each time."""
    headers = {} if sent is None else {"x-request-id": sent}
    ids = {(await client.get("/health/live", headers=headers)).headers["x-request-id"] for _ in range(2)}
    assert len(ids) == 2
    assert all(len(made) == 32 and made.isalnum() for made in ids)
