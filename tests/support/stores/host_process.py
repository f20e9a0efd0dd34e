"""A process that runs a store until SIGINT or SIGTERM: `python -m support.stores.host_process`.

Settings are in the environment.

Prints one line of JSON when the store is ready: its address and the process id of its JVM.
"""

import asyncio
import json
import signal
import sys

from support.stores.janusgraph import url_with_user_info
from support.stores.sample_schema import sample_schema

from app.settings import Settings
from app.store.embedded.embedded_store import EmbeddedStore


async def host() -> None:
    """Run the store until SIGINT or SIGTERM."""
    reported = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, reported.set)
    async with EmbeddedStore(Settings.from_env(), sample_schema()) as store:
        sys.stdout.write(json.dumps({"url": url_with_user_info(store.endpoint), "jvm": store.jvm_pid}) + "\n")
        sys.stdout.flush()
        await reported.wait()


if __name__ == "__main__":
    asyncio.run(host())
