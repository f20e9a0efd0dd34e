"""Registers the assets of a source page by page, and leaves out those that an earlier import registered alike.

The parts of an asset are registered before it, and its digest is stored in the state only if all of it was accepted.
The next import therefore repeats an interrupted or rejected registration.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol, TypeVar

import orjson

from app.ingest.load.api_client import ApiClient, IncompleteResponseError, RequestRejectedError
from app.ingest.load.batches import ImportItem, ItemResult, reasons_of, register
from app.ingest.load.import_state import ImportState, StateEntry
from app.ingest.load.source_asset import AliasTarget, SourceAsset, alias_of
from graphql_schema.ports.record import JsonObject

Page = Sequence[SourceAsset] | Sequence[AliasTarget]
T = TypeVar("T")

_ALIAS: Final = "alias"
_CONFLICT: Final = "CONFLICT"
_REGISTERED: Final = {"CREATED", "UPDATED", "UNCHANGED"}
_SET_ALIAS: Final = """mutation ImportAlias($input: SetAliasInput!) {
  setAlias(input: $input) { changed errors { code message inputPath } }
}"""
_REMOVE_ALIAS: Final = """mutation ImportRemoval($input: RemoveAliasInput!) {
  removeAlias(input: $input) { changed errors { code message inputPath } }
}"""
_SET_STAGE: Final = """mutation ImportStage($input: SetStageInput!) {
  setStage(input: $input) { changed errors { code message inputPath } }
}"""


class PagedSource(Protocol):
    """A source, whose methods block and are called from one thread."""

    @property
    def with_aliases(self) -> bool:
        """Whether the pages have the aliases."""

    def pages(self) -> Iterator[Page]:
        """Yield all assets in pages, then the aliases."""

    def completed(self, asset: SourceAsset) -> SourceAsset:
        """Return an asset that is about to be registered with the values that are expensive to read."""

    def has(self, kind: str, foreign_id: str) -> bool:
        """Return whether the source still has what an earlier import registered; the kind of an alias is `alias`."""


@dataclass(slots=True)
class IncrementalLoad:
    """One import of a source. If ``retire``, assets that the source has deleted, or no longer has, become RETIRED.

    Aliases that an earlier import has set, and the source no longer has, are then removed. ``kept_aliases`` counts
    those that stay: another caller has moved or protected them since, or ``retire`` is false. It is 0 if the aliases of
    the source are not read.
    """

    client: ApiClient
    source: PagedSource
    state: ImportState
    batch: int = 250
    retire: bool = False
    kept_aliases: int = 0

    async def results(self) -> AsyncIterator[list[ItemResult]]:
        """Yield the results of all parts, assets, aliases and retirements, those of unchanged assets included.

        Raises the errors of the source, UnreachableError and TokenRefusedError; rejected items are results.
        """
        with ThreadPoolExecutor(max_workers=1) as reader:
            pages = self.source.pages()
            coming = _start(reader, lambda: next(pages, None))
            try:
                while (page := await coming) is not None:
                    coming = _start(reader, lambda: next(pages, None))
                    async for results in self._page(page, reader):
                        yield results
                async for results in self._unseen(reader):
                    yield results
            finally:
                coming.cancel()

    async def _page(self, page: Page, reader: ThreadPoolExecutor) -> AsyncIterator[list[ItemResult]]:
        assets = [self._staged(each) for each in page if isinstance(each, SourceAsset)]
        known = self.state.digests(each.id for each in assets)
        same = [each for each in assets if known.get(each.id) == each.digest]
        self.state.see(each.id for each in same)
        yield [ItemResult(each.location, "UNCHANGED") for each in same]
        changed = [each for each in assets if known.get(each.id) != each.digest]
        async for results in self._register(changed, reader):
            yield results
        yield [await self._set_alias(each) for each in page if isinstance(each, AliasTarget)]

    def _staged(self, asset: SourceAsset) -> SourceAsset:
        """Return the asset unchanged unless ``retire``; then with the stage RETIRED if the source has it as deleted.

        Its stage is ACTIVE if an earlier import retired it and the source has it again.
        """
        if self.retire and asset.deleted:
            return asset.with_values(stage="RETIRED")
        entry = self.state.entry(asset.id) if self.retire else None
        return asset.with_values(stage="ACTIVE") if entry is not None and entry.retired else asset

    async def _register(
        self, assets: Sequence[SourceAsset], reader: ThreadPoolExecutor
    ) -> AsyncIterator[list[ItemResult]]:
        """Register the parts of assets, then the assets; record the assets of which all was accepted."""
        users: dict[bytes, list[SourceAsset]] = {}
        parts: dict[str, ImportItem] = {}
        for asset in assets:
            for part in asset.parts:
                key = orjson.dumps(part)
                if key not in users:
                    location = f"{asset.location}, {next(iter(part))} {len(parts)}"
                    parts[location] = ImportItem(location, part)
                users.setdefault(key, []).append(asset)
        rejected: set[str] = set()
        async for results in register(self.client, parts.values(), self.batch):
            for each in results:
                if each.outcome not in _REGISTERED:
                    rejected |= {asset.id for asset in users[orjson.dumps(parts[each.location].value)]}
            yield results
        full = [await _start(reader, partial(self.source.completed, asset)) for asset in assets]
        items = (ImportItem(each.location, each.value) for each in full)
        accepted: set[str] = set()
        async for results in register(self.client, items, self.batch):
            accepted |= {each.location for each in results if each.outcome in _REGISTERED}
            yield results
        done = [each for each in assets if each.location in accepted and each.id not in rejected]
        self.state.record(
            (StateEntry(each.id, each.kind, each.foreign_id, self._retired(each)), each.digest) for each in done
        )

    def _retired(self, asset: SourceAsset) -> bool:
        entry = self.state.entry(asset.id)
        return asset.deleted if self.retire else entry is not None and entry.retired

    async def _set_alias(self, target: AliasTarget) -> ItemResult:
        version = target.version.encode()
        known = self.state.digests([target.key]).get(target.key)
        entry = StateEntry(target.key, _ALIAS, target.foreign_id, retired=False)
        if known is not None:
            self.state.record([(entry, known)])
        if known == version:
            return ItemResult(target.key, "UNCHANGED")
        given = {"model": target.model, "alias": target.alias, "version": target.version}
        outcome, reasons = await self._call(_SET_ALIAS, "setAlias", given)
        if outcome in _REGISTERED:
            self.state.record([(entry, version)])
        return ItemResult(target.key, "CREATED" if outcome == "UPDATED" and known is None else outcome, reasons)

    async def _unseen(self, reader: ThreadPoolExecutor) -> AsyncIterator[list[ItemResult]]:
        """Count kept aliases; if ``retire``, end what the source no longer has, and yield the results.

        The source is queried for each entry once more, because its pages may have shifted.
        """
        for entry in self.state.unseen():
            if entry.kind == _ALIAS:
                if self.source.with_aliases and not await self._has(entry, reader):
                    yield await self._without_alias(entry)
            elif self.retire and not entry.retired and not await self._has(entry, reader):
                yield [await self._retire_absent(entry)]

    async def _without_alias(self, entry: StateEntry) -> list[ItemResult]:
        """Remove an alias that an import has set, if ``retire``; one that is another caller's by now is kept."""
        if not self.retire:
            self.kept_aliases += 1
            return []
        alias, model = alias_of(entry.id)
        given = {
            "model": model,
            "alias": alias,
            "expectedVersion": self.state.digests([entry.id])[entry.id].decode(),
            "setByMe": True,
            "reason": "The source no longer has it.",
        }
        outcome, reasons = await self._call(_REMOVE_ALIAS, "removeAlias", given)
        if outcome == _CONFLICT:
            self.kept_aliases += 1
            return []
        if outcome in _REGISTERED:
            self.state.forget(entry.id)
        return [ItemResult(f"end of {entry.id}", outcome, reasons)]

    async def _has(self, entry: StateEntry, reader: ThreadPoolExecutor) -> bool:
        return await _start(reader, lambda: self.source.has(entry.kind, entry.foreign_id))

    async def _retire_absent(self, entry: StateEntry) -> ItemResult:
        given = {"asset": entry.id, "stage": "RETIRED", "reason": "The source no longer has it."}
        outcome, reasons = await self._call(_SET_STAGE, "setStage", given)
        if outcome in _REGISTERED:
            self.state.record([(StateEntry(entry.id, entry.kind, entry.foreign_id, retired=True), b"")])
        return ItemResult(f"{entry.foreign_id} ({entry.id})", outcome, reasons)

    async def _call(self, document: str, field: str, given: JsonObject) -> tuple[str, tuple[str, ...]]:
        """Run a mutation; return its outcome, UPDATED, UNCHANGED or the code of an error, with the reasons."""
        try:
            payload = (await self.client.execute(document, {"input": given}))[field]
        except (RequestRejectedError, IncompleteResponseError) as error:
            return "INVALID", (error.message,)
        if payload["errors"]:
            return payload["errors"][0]["code"], reasons_of(payload)
        return ("UPDATED" if payload["changed"] else "UNCHANGED"), ()


def _start(reader: ThreadPoolExecutor, read: Callable[[], T]) -> asyncio.Future[T]:
    """Start a blocking call in the thread that reads the source."""
    return asyncio.get_running_loop().run_in_executor(reader, read)
