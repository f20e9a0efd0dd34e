"""The explorer as personas use it in a headless Chromium over the demo estate."""

import json
import os
from pathlib import Path
from typing import Any

from support.npm_packages import install, run
from support.servers.in_process import Api
from support.servers.websocket_client import serving

from app.auth.dev_issuer import DevIssuer

FOLDER = Path(__file__).parents[2] / "contract" / "browser"
"""The folder of the scripts for the browser, with their npm packages."""

ROOT = "mlg://dataset/warehouse/harbour/impressions"
SHARED = "mlg://dataset/warehouse/harbour/plays"
"""A dataset with data of other teams downstream, of which ada and bo see different parts."""

VERSION = "mlg://model-version/mlflow/harbour/homepage-ranker@3"
FORMER = "mlg://model-version/mlflow/harbour/homepage-ranker@2"
MODEL = "mlg://model/mlflow/harbour/homepage-ranker"
RANKING = "mlg://team/catalog/default/ranking"


async def browse(api: Api, folder: Path) -> dict[str, Any]:
    """Return the report of a browser that used the explorer as ada, bo and eli; it keeps its files in ``folder``."""
    install(FOLDER)
    given = {
        "TOKEN": api.tokens["root"],
        "APPROVER_TOKEN": api.tokens["eli"],
        "PERSONA": "ada",
        "OTHER": "bo",
        "APPROVER": "eli",
        "TEXT": "impressions",
        "ROOT": ROOT,
        "SHARED": SHARED,
        "VERSION": VERSION,
        "FORMER": FORMER,
        "MODEL": MODEL,
    }
    key = DevIssuer(api.process.settings).page_key()
    async with serving(api.app) as address:
        base = f"http://{address.removesuffix('/graphql')}"
        environment = {**given, "BASE": base, "KEY": key, "PICTURES": os.environ.get("PICTURES", "")}
        found = json.loads(await run(FOLDER / "explorer.mjs", environment={**environment, "TMPDIR": str(folder)}))
    return {**found, "base": base, "key": key}
