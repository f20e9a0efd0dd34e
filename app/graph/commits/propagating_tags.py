"""The tags that propagate, as far as a process has read or written them."""

from collections.abc import Iterable

import orjson

from app.graph.commits.write_statements import STATE
from app.graph.driver.gremlin_client import GremlinClient


class PropagatingTags:
    """Which tags propagate, as far as this process was told: read when it is first asked, forgotten when it changes.

    Ask and forget under the write lock: the process is the only one that writes.
    """

    def __init__(self) -> None:
        self._known: dict[int, bool] = {}

    async def among(self, client: GremlinClient, tags: Iterable[int]) -> set[int]:
        """Those of some tags that propagate."""
        asked = set(tags)
        unknown = sorted(asked - self._known.keys())
        if unknown:
            (answer,) = await client.submit(STATE, {"stored": unknown, "hops": [], "pairs": []})
            records = dict(zip(answer["v"][::2], map(orjson.loads, answer["v"][1::2]), strict=True))
            self._known |= {vid: bool(records.get(vid, {}).get("propagates")) for vid in unknown}
        return {vid for vid in asked if self._known[vid]}

    def forget(self, tags: Iterable[int]) -> None:
        """Read these again when they are asked for."""
        for vid in tags:
            self._known.pop(vid, None)
