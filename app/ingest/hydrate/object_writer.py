"""Writes one object of a source through the API, as the import of the whole source writes it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from app.ingest.hydrate.alias_removal import remove_absent_aliases
from app.ingest.load.api_client import ApiClient
from app.ingest.load.batches import ItemResult
from app.ingest.load.ended_assets import returning_items
from app.ingest.load.import_state import ImportState
from app.ingest.load.incremental_load import IncrementalLoad, PagedSource
from app.ingest.load.source_asset import AliasTarget, SourceAsset
from app.ingest.load.source_load import ObjectContent, send_content

UNCHANGED: Final = "UNCHANGED"
"""The outcome of a registration that finds the graph as it is."""

_WRITTEN: Final = ("CREATED", "UPDATED", UNCHANGED)
"""The outcomes of a success; of several, the first one counts."""


@dataclass(frozen=True, slots=True)
class WrittenObject:
    """The results of all that was sent for an object, and the id of its asset, None if it is no asset.

    ``location`` is that of the results of the asset itself.
    """

    results: Sequence[ItemResult]
    location: str
    asset: str | None

    @property
    def failed(self) -> list[ItemResult]:
        """The results that are failures."""
        return [each for each in self.results if each.outcome not in _WRITTEN]

    @property
    def outcome(self) -> str:
        """The outcome of the asset, of all that was sent if the object is no asset; UNCHANGED if nothing was sent."""
        found = {each.outcome for each in self.results if self.asset is None or each.location == self.location}
        return next((each for each in _WRITTEN if each in found), _WRITTEN[-1])


WriteObject = Callable[[ApiClient, str, str], Awaitable[WrittenObject]]
"""Writes the object with a type and an id.

Raises AbsentObjectError if the source does not have it, and the errors of the source and of `ApiClient.execute`.
"""


class ObjectSource(PagedSource, Protocol):
    """One object of a source; ``asset`` is what it became, None until its page was read.

    ``aliases`` are those of a model, None of another object, or if aliases are not read.
    """

    asset: SourceAsset | None
    aliases: Sequence[AliasTarget] | None


def write_registered(open_object: Callable[[str, str], ObjectSource], *, remove_aliases: bool = False) -> WriteObject:
    """Return the writer of objects of a registry; ``open_object`` returns one, of which nothing is read yet.

    If ``remove_aliases``, aliases of a model that this account has set and the registry no longer has are removed.
    """

    async def write(client: ApiClient, object_type: str, object_id: str) -> WrittenObject:
        source = open_object(object_type, object_id)
        results: dict[str, ItemResult] = {}
        with ImportState(None, object_type, "") as state:  # of this object alone, deleted after it
            async for some in IncrementalLoad(client, source, state).results():
                results |= {each.location: each for each in some}
        asset = source.asset
        assert asset is not None  # noqa: S101 - its page was read
        removed: Sequence[ItemResult] = ()
        if remove_aliases and source.aliases is not None:
            removed = await remove_absent_aliases(client, asset.id, {each.alias for each in source.aliases})
        return WrittenObject([*results.values(), *removed], asset.location, asset.id)

    return write


def write_content(read: Callable[[str, str], ObjectContent]) -> WriteObject:
    """Return the writer of objects of a source that is read as a whole; ``read`` blocks, and returns one of them."""

    async def write(client: ApiClient, object_type: str, object_id: str) -> WrittenObject:
        found = await asyncio.to_thread(read, object_type, object_id)
        returning = await returning_items(client, found.content.owned)
        sent = send_content(client, found.content, returning)
        results = [each async for some in sent for each in some]
        return WrittenObject(results, found.location, found.asset)

    return write
