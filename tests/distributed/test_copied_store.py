"""The embedded store copied to the distributed one, with all ids, history and receipts, read by another server."""

from pathlib import Path

import pytest
from support.estates.demo_estate import open_demo
from support.servers.in_process import open_api
from support.stores.janusgraph import StoreGraph, store_settings, url_with_user_info

from app.graph.admin.elements.store_digest import digest_of
from app.graph.admin.elements.work_progress import NoProgress
from app.graph.admin.store_copy import copy_between
from app.graph.admin.store_schema import store_schema
from app.graph.driver.gremlin_client import GremlinClient
from app.store.embedded.embedded_store import EmbeddedStore

pytestmark = [pytest.mark.distributed, pytest.mark.timeout(900)]

LISTING = "{ assets(first: 500, orderBy: {field: NAME, direction: ASC}) { totalCount nodes { id } } }"


async def test_the_demo_estate_is_copied(graph: StoreGraph, tmp_path: Path) -> None:
    """The digests are equal, also by the other server, and an API lists the same assets from the index of the copy."""
    async with EmbeddedStore(store_settings(tmp_path / "source"), store_schema()) as store:
        source = StoreGraph(url_with_user_info(store.endpoint), "g")
        async with open_demo(source, tmp_path / "api") as api:
            await api.wait_for_jobs()
            before = await api.ask("root", LISTING)
        target = GremlinClient(graph.url, source=graph.source, deadline=300)
        async with GremlinClient(source.url) as given, target:
            copied = await copy_between(given, target, "the demo estate", NoProgress())
    async with GremlinClient(graph.others[0], source=graph.source, deadline=300) as other:
        assert (await digest_of(other)).text == copied.digest.text
    async with open_api(graph, tmp_path / "api") as api:
        assert await api.ask("root", LISTING) == before
