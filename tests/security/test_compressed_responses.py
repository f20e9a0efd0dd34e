"""The length of a response does not depend on how alike its values are, if one of them is restricted or secret."""

from typing import Any

import pytest
from support.servers.in_process import Api

TEAM = "mlg://team/catalog/default/ranking"
VERSION = "mlg://model-version/test/default/ranker@1"
URI = "s3://canary-51c0/" + "w" * 2_000
ITEMS: list[dict[str, Any]] = [
    {"team": {"name": "ranking"}},
    {"model": {"id": "mlg://model/test/default/ranker", "owners": [{"owner": TEAM}]}},
    {"modelVersion": {"id": VERSION, "artifactUri": URI, "description": "d" * 2_000}},
]


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over a model version with a restricted field and a long description."""
    await api.load(*ITEMS)
    return api


async def encoding_of(api: Api, who: str, field: str) -> tuple[str | None, bool]:
    """Return the encoding of a response with a field of the version, and whether the value is in it."""
    query = f'{{ asset(id: "{VERSION}") {{ description ... on ModelVersion {{ {field} }} }} }}'
    headers = {"Authorization": f"Bearer {api.tokens[who]}", "Accept-Encoding": "gzip"}
    response = await api.http.post("/graphql", json={"query": query}, headers=headers)
    return response.headers.get("content-encoding"), URI in response.text


async def test_a_response_with_a_restricted_value_is_not_compressed(api: Api) -> None:
    """Beside a text that another caller chose, a restricted value could be guessed by the length of the response."""
    assert await encoding_of(api, "ada", "artifactUri") == (None, True)
    assert await encoding_of(api, "ada", "version") == ("gzip", False)
    assert await encoding_of(api, "bo", "artifactUri") == ("gzip", False)
