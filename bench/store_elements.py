"""Prints the elements of a loaded estate by label, the bytes of their values, and those of the embedded store.

``.venv/bin/python -m bench.store_elements 2000`` loads the estate unless the bench has kept it, and reads
all of it. The bytes of an element are those of its properties as JSON.
"""

import asyncio
import sys
from collections import Counter
from pathlib import Path

import orjson
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from app.graph.admin.elements.element_pages import element_pages
from app.graph.driver.gremlin_client import GremlinClient
from app.settings import Settings
from app.store.embedded.embedded_store import STORE_FOLDER
from app.store.store_endpoint import StoreEndpoint
from bench.estate import Estate, estate_of
from bench.servers import Side, store
from bench.stores import kept_store, loaded_store
from bench.trees import this_tree

_console = Console()


async def main(size: int) -> None:
    """Print the tables of the estate with ``size`` assets and teams."""
    side, estate, cache = Side("elements", this_tree()), estate_of(size), Settings.from_env().cache_dir / "bench"
    with Progress(console=Console(stderr=True)) as progress:
        kept = kept_store(side, estate, cache) or await loaded_store(side, estate, cache, progress)
    with kept.copy() as folder:
        for part in ("je", "lucene"):
            found = _bytes(folder / STORE_FOLDER / part)
            _console.print(f"{part}: {found:,} bytes, {found / size:,.0f} for each asset", highlight=False)
        async with store(side, folder) as (url, _jvm):
            _console.print(await _elements(estate, url))


async def _elements(estate: Estate, url: str) -> Table:
    """Return the number of elements of each label and the bytes of their values, largest labels first."""
    counts, sizes = Counter[str](), Counter[str]()
    async with GremlinClient(StoreEndpoint.parse(url), deadline=600) as client:
        async for page in element_pages(client):
            elements = [(each.label, each.values) for each in page.vertices]
            elements += [(f"-{each.label}->", each.values) for each in page.edges]
            for label, values in elements:
                counts[label] += 1
                sizes[label] += len(orjson.dumps(values))
    table = Table("label", "number", "of an asset", "bytes of one", "bytes of an asset")
    rows = [
        *((label, counts[label], size) for label, size in sizes.most_common()),
        ("all", counts.total(), sizes.total()),
    ]
    for label, number, size in rows:
        each = f"{number / estate.size:.2f}", f"{size / number:,.0f}", f"{size / estate.size:,.0f}"
        table.add_row(label, f"{number:,}", *each)
    return table


def _bytes(folder: Path) -> int:
    """Return the bytes of all files in a folder."""
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
