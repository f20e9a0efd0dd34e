"""Cache of which tags propagate."""

from collections.abc import Iterable

from app.graph.commits.state_read import read_records
from app.graph.driver.gremlin_client import GremlinClient


class PropagatingTags:
    """Caches by vertex id whether a tag propagates; a tag is read on first use and again after :meth:`forget`.

    Use it under the write lock, after what other processes wrote was forgotten (:mod:`app.graph.commits.write_log`).
    """

    def __init__(self) -> None:
        self._known: dict[int, bool] = {}

    async def among(self, client: GremlinClient, tags: Iterable[int]) -> set[int]:
        """Return those of the tags that propagate; all are vertex ids."""
        wanted = set(tags)
        unknown = wanted - self._known.keys()
        if unknown:
            records = await read_records(client, unknown)
            self._known |= {vid: bool(records.get(vid, {}).get("propagates")) for vid in unknown}
        return {vid for vid in wanted if self._known[vid]}

    def forget(self, tags: Iterable[int]) -> None:
        """Remove tags from the cache, because they changed."""
        for vid in tags:
            self._known.pop(vid, None)

    def forget_all(self) -> None:
        """Remove all tags from the cache."""
        self._known.clear()
