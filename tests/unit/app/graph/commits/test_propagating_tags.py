"""The cache of which tags propagate, beside other processes that change a tag."""

from collections.abc import Mapping
from typing import Any

import orjson

from app.graph.commits.late_writes import LATE_SECONDS
from app.graph.commits.propagating_tags import PropagatingTags

TAG = 256


class Tags:
    """A store with one tag, which another process changes after each read, as the cache learns at once."""

    def __init__(self, tags: PropagatingTags) -> None:
        self.propagates = False
        self.changes = True
        self._tags = tags

    async def submit(self, _prepared: object, _bindings: Mapping[str, Any], **_: object) -> Any:
        """Return the tag, then change it."""
        text = orjson.dumps({"propagates": self.propagates}).decode()
        if self.changes:
            self.propagates = True
            self._tags.forget([TAG])
        return [{"v": [TAG, text], "e": [], "p": [], "w": [], "c": [], "n": 0, "large": False}]


async def test_a_tag_that_changes_during_its_read_is_read_again() -> None:
    """What was read before a change of another process is not kept, although the change was forgotten before."""
    tags = PropagatingTags()
    store: Any = Tags(tags)
    assert await tags.among(store, [TAG]) == set()
    assert await tags.among(store, [TAG]) == {TAG}


async def test_a_tag_is_not_cached_while_a_late_transaction_may_change_it() -> None:
    """Nothing announces the commit of a transaction without a response, so each use reads the tag until its end."""
    now = 0.0
    tags = PropagatingTags(lambda: now)
    store: Any = Tags(tags)
    store.changes = False
    tags.suspend()
    assert await tags.among(store, [TAG]) == set()
    store.propagates = True
    assert await tags.among(store, [TAG]) == {TAG}
    now += LATE_SECONDS
    assert await tags.among(store, [TAG]) == {TAG}
    store.propagates = False
    assert await tags.among(store, [TAG]) == {TAG}
