"""Runs the embedded store of a source tree until SIGTERM, so that an API can be restarted over a warm JVM.

``python -P bench/store_host.py`` with the tree in PYTHONPATH and the settings in the environment. It prints one line of
JSON when the store is ready: its address with the credentials, and the process id of its JVM.
"""

import asyncio
import json
import signal
import sys

from app.graph.admin.store_schema import store_schema
from app.settings import Settings
from app.store.embedded.embedded_store import EmbeddedStore


async def host() -> None:
    """Run the store until SIGINT or SIGTERM."""
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with EmbeddedStore(Settings.from_env(), store_schema()) as store:
        endpoint = store.endpoint
        url = endpoint.url.replace("://", f"://{endpoint.user}:{endpoint.password}@")
        sys.stdout.write(json.dumps({"url": url, "jvm": store.jvm_pid}) + "\n")
        sys.stdout.flush()
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(host())
