"""Removes the aliases of a model that its registry no longer has, of those that this account has set."""

from collections.abc import Collection
from typing import Final

from app.ingest.load.api_client import ApiClient
from app.ingest.load.batches import ItemResult, reasons_of

_CONFLICT: Final = "CONFLICT"
_ALIASES: Final = """query ModelAliases($model: ID!) {
  asset(id: $model) { ... on Model { aliases { name version { id } } } } }"""
_REMOVE: Final = """mutation RemoveAbsentAlias($input: RemoveAliasInput!) {
  removeAlias(input: $input) { changed errors { code message inputPath } }
}"""


async def remove_absent_aliases(client: ApiClient, model: str, present: Collection[str]) -> list[ItemResult]:
    """Remove the aliases of a model, by its id, whose names are not ``present`` in the registry; return the results.

    An alias stays, and has no result, if another caller has set, moved or protected it: the transaction of the removal
    compares this. Raises the errors of `ApiClient.execute`.
    """
    asset = (await client.execute(_ALIASES, {"model": model}))["asset"]
    results = []
    for alias in (asset and asset["aliases"]) or ():
        if alias["name"] in present or alias["version"] is None:
            continue
        given = {
            "model": model,
            "alias": alias["name"],
            "expectedVersion": alias["version"]["id"],
            "setByMe": True,
            "reason": "The source no longer has it.",
        }
        payload = (await client.execute(_REMOVE, {"input": given}))["removeAlias"]
        outcome = payload["errors"][0]["code"] if payload["errors"] else "UPDATED"
        if outcome != _CONFLICT:
            results.append(ItemResult(f"end of alias {alias['name']}", outcome, reasons_of(payload)))
    return results
