"""docs/webhooks.md: its operations, with the receiver that it shows."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from support.page_blocks import page_blocks
from support.servers.in_process import open_api
from support.stores.janusgraph import StoreGraph
from support.waiting import until

PAGE = "mlg://dataset/test/default/page"


def dataset(**fields: Any) -> dict[str, Any]:
    """Return the item of a dataset."""
    return {"dataset": {"id": PAGE, **fields}}


@asynccontextmanager
async def receiver_of_the_page(port: int, secret: str) -> AsyncIterator[asyncio.StreamReader]:
    """Run the receiver of docs/webhooks.md, and yield what it prints."""
    (block,) = [each for each in page_blocks("docs/webhooks.md") if each.language == "python"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", block.text),
        env={**os.environ, "PORT": str(port), "WEBHOOK_SECRET": secret},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None

    def listens() -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    try:
        await until(listens)
        yield process.stdout
    finally:
        process.kill()
        await process.wait()


async def until_printed(printed: asyncio.StreamReader, text: str) -> None:
    """Return when a line with the text was printed: a delivery before it may be repeated after a failure."""
    while text.encode() not in (line := await printed.readline()):
        assert line, "the receiver has ended"


async def test_the_page_works(graph: StoreGraph, tmp_path: Path) -> None:
    """The operations of docs/webhooks.md succeed in order, and its receiver accepts deliveries by either secret."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    texts = [each.text for each in page_blocks("docs/webhooks.md") if each.language == "graphql"]
    register, listed, rotate, remove = [text.replace(":9000", f":{port}") for text in texts]
    async with open_api(graph, tmp_path, MLG_WEBHOOK_HOSTS=f"http://127.0.0.1:{port}") as api:
        registered = (await api.ask("ci-ranking", register))["registerWebhook"]
        assert registered["errors"] == []
        async with receiver_of_the_page(port, registered["secret"]) as printed:
            await api.load(dataset())
            await until_printed(printed, PAGE)
            rotated = (await api.ask("ci-ranking", rotate))["updateWebhook"]
            await api.load(dataset(description="by the former secret"))
            await until_printed(printed, "by the former secret")
        async with receiver_of_the_page(port, rotated["secret"]) as printed:
            await api.load(dataset(description="by the new secret"))
            await until_printed(printed, "by the new secret")
        (found,) = (await api.ask("ci-ranking", listed))["webhooks"]
        assert found["filter"] == {"kinds": ["DATASET", "FEATURE"]}
        assert (await api.ask("ci-ranking", remove))["removeWebhook"]["errors"] == []
