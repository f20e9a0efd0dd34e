"""Only absent aliases are removed, each under the condition that this account has set it to this version."""

import json
from typing import Any

import httpx2

from app.ingest.hydrate.alias_removal import remove_absent_aliases
from app.ingest.load.api_client import ApiClient, Retry
from app.ingest.load.batches import ItemResult

MODEL = "mlg://model/mlflow/default/churn"


def alias(name: str) -> dict[str, Any]:
    """Return an alias of the graph."""
    return {"name": name, "version": {"id": f"version of {name}"}}


async def removed(asset: dict[str, Any] | None, codes: dict[str, str]) -> tuple[list[Any], list[ItemResult]]:
    """Return the removals that were sent, and the results; ``codes`` are errors by the name of the alias."""
    sent: list[Any] = []

    def respond(request: httpx2.Request) -> httpx2.Response:
        body = json.loads(request.content)
        if "ModelAliases" in body["query"]:
            assert body["variables"] == {"model": MODEL}
            return httpx2.Response(200, json={"data": {"asset": asset}})
        given = body["variables"]["input"]
        sent.append(given)
        code = codes.get(given["alias"])
        errors = [{"code": code, "message": "no", "inputPath": []}] if code else []
        return httpx2.Response(200, json={"data": {"removeAlias": {"changed": not errors, "errors": errors}}})

    async with ApiClient("http://api", "t", Retry(tries=1), transport=httpx2.MockTransport(respond)) as client:
        return sent, await remove_absent_aliases(client, MODEL, {"champion"})


async def test_absent_aliases_are_removed_unless_others_decided() -> None:
    """A present alias is left alone, a conflict is no failure, and a missing right is one."""
    found = {"aliases": [alias(name) for name in ("champion", "gone", "moved", "denied")]}
    sent, results = await removed(found, {"moved": "CONFLICT", "denied": "DENIED"})
    assert [each["alias"] for each in sent] == ["gone", "moved", "denied"]
    assert sent[0] == {
        "model": MODEL,
        "alias": "gone",
        "expectedVersion": "version of gone",
        "setByMe": True,
        "reason": "The source no longer has it.",
    }
    assert results == [
        ItemResult("end of alias gone", "UPDATED"),
        ItemResult("end of alias denied", "DENIED", ("DENIED: no",)),
    ]


async def test_a_model_without_visible_aliases_loses_none() -> None:
    """Neither one that is hidden, nor one that hides its aliases."""
    hidden: list[dict[str, Any] | None] = [None, {"aliases": None}, {"aliases": []}]
    for asset in hidden:
        assert await removed(asset, {}) == ([], [])
