"""The request id: accepted from the client or generated, in the response and in the context."""

import httpx2
import pytest


async def test_a_valid_id_is_used(client: httpx2.AsyncClient) -> None:
    """The id of the client is in the response header and in the context of the resolvers."""
    response = await client.post("/graphql", json={"query": "{ requestId }"}, headers={"x-request-id": "ci:42/a.b"})
    assert response.headers["x-request-id"] == "ci:42/a.b"
    assert response.json()["data"] == {"requestId": "ci:42/a.b"}


@pytest.mark.parametrize("sent", [None, "", "a b", "x" * 129, 'a"b', "<script>"])
async def test_an_invalid_id_is_replaced(client: httpx2.AsyncClient, sent: str | None) -> None:
    """A missing id, or one with characters that could harm a log or page, is replaced by a random id."""
    headers = {} if sent is None else {"x-request-id": sent}
    ids = {(await client.get("/health/live", headers=headers)).headers["x-request-id"] for _ in range(2)}
    assert len(ids) == 2
    assert all(len(generated) == 32 and generated.isalnum() for generated in ids)
