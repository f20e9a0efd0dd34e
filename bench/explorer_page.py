"""Measures the explorer in a headless Chromium: an expansion beside 500 assets, and the first paint of a lineage.

``PYTHONPATH=tests .venv/bin/python bench/explorer_page.py [TIMES]`` builds the page, starts a server of its own and
loads two estates: one asset with 500 others around it, and one with 300. The page draws at most 300 boxes, and the last
line has how many it drew. Each measurement is repeated, 20 times by default; the table has its median and maximum in
milliseconds. Scripting is what the trace of the browser has on the main thread from the press of a key to the paint.
CPU is that of the main thread, which a busy machine changes least. Nothing is asserted, because times depend on the
machine; run it on an idle one.
"""

import asyncio
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from os import getloadavg
from pathlib import Path
from typing import Any, Final

import httpx2
from rich.console import Console
from rich.table import Table
from support.npm_packages import install, run

from app.auth.dev_issuer import DevIssuer
from app.http.explorer.explorer_build import build_explorer
from app.settings import Settings
from bench.servers import Server, ServerFailedError, Side, serving
from bench.trees import ROOT, this_tree

PACKAGES: Final = ROOT / "tests" / "contract" / "browser"
"""The folder with the locked Chromium and the library that drives it."""

SCRIPT: Final = Path(__file__).with_suffix(".mjs")
WRITE: Final = "mutation ($input: RegisterAssetsInput!) { registerAssets(input: $input) { failed } }"
LEVELS: Final = 10
"""Levels on each side of the first asset."""

WIDTHS: Final = {"wide": 25, "small": 15}
"""Assets of each level by estate, so that 500 and 300 assets are around the first one."""

BATCH: Final = 500


def urn(estate: str, name: str) -> str:
    """Return the id of a dataset of an estate."""
    return f"mlg://dataset/bench/{estate}/{name}"


def items(estate: str, width: int) -> Iterator[dict[str, Any]]:
    """Yield chains of datasets up and down from the root; behind each end downstream is one more dataset."""
    root = urn(estate, "root")
    yield {"dataset": {"id": root}}
    for chain in range(width):
        for side in ("up", "down"):
            names = [urn(estate, f"{side}-{level}-{chain}") for level in range(1, LEVELS + 1)]
            names += [f"{names[-1]}-next"] if side == "down" else []
            yield from ({"dataset": {"id": name}} for name in names)
            steps = list(zip([root, *names], names, strict=False))
            yield from (_edge(*step) if side == "down" else _edge(*reversed(step)) for step in steps)


def _edge(start: str, end: str) -> dict[str, Any]:
    return {"link": {"relation": "DERIVES", "from": start, "to": end}}


async def load(server: Server) -> None:
    """Register both estates; raises ServerFailedError if an item fails."""
    headers = {"Authorization": f"Bearer {server.tokens['root']}"}
    async with httpx2.AsyncClient(timeout=300, headers=headers) as http:
        for estate, width in WIDTHS.items():
            # All datasets first, so that no edge creates a stub.
            every = sorted(items(estate, width), key=lambda item: "link" in item)
            for start in range(0, len(every), BATCH):
                variables = {"input": {"items": every[start : start + BATCH]}}
                response = await http.post(f"{server.url}/graphql", json={"query": WRITE, "variables": variables})
                if response.json()["data"]["registerAssets"]["failed"]:
                    raise ServerFailedError(response.text[:500])


async def main(times: int) -> None:
    """Measure, and print a table."""
    build_explorer(Settings.from_env())
    install(PACKAGES)
    before = getloadavg()[0]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        async with serving(Side("product", this_tree()), folder / "data") as server:
            await load(server)
            settings = Settings.from_env({"MLG_DATA_DIR": str(folder / "data")})
            environment = {
                "BASE": server.url,
                "KEY": DevIssuer(settings).page_key(),
                "PACKAGES": str(PACKAGES),
                "TMPDIR": scratch,
                "TIMES": str(times),
                "LEVELS": str(LEVELS),
                "WIDE": urn("wide", "root"),
                "SMALL": urn("small", "root"),
                "LEAVES": " ".join(urn("wide", f"down-{LEVELS}-{chain}") for chain in range(WIDTHS["wide"])),
            }
            found = json.loads(await run(SCRIPT, environment=environment))
    Console().print(_table(found, times))
    Console().print(f"{found['assets']}; {found['boxes']} boxes drawn. Load of the machine before: {before:.1f}")


def _table(found: dict[str, Any], times: int) -> Table:
    table = Table("milliseconds", "median", "maximum", title=f"{times} repetitions")
    expansions = {name: [each[name] for each in found["expansions"]] for name in ("scripting", "cpu", "paint", "all")}
    rows: dict[str, Sequence[float]] = {
        "expand: scripting": expansions["scripting"],
        "expand: CPU of the main thread": expansions["cpu"],
        "expand: from the answer to the paint": expansions["paint"],
        "expand: from the key to the paint, with the server": expansions["all"],
    }
    for name, key in (("grouped", "first"), ("one by one", "firstUngrouped")):
        rows[f"first paint of 300 assets, {name}"] = [each["paint"] for each in found[key]]
        rows[f"first paint of 300 assets, {name}: CPU of the main thread"] = [each["cpu"] for each in found[key]]
    for name, values in rows.items():
        table.add_row(name, f"{statistics.median(values):.0f}", f"{max(values):.0f}")
    return table


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
