"""The explorer in a headless Chromium: it shows what the API returns to its caller, by mouse and by keyboard."""

import csv
import json
import os
from collections.abc import AsyncIterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from support.estates.demo_estate import open_demo
from support.npm_packages import install, run
from support.servers.in_process import Api
from support.servers.websocket_client import serving
from support.stores.janusgraph import StoreGraph

from app.auth.dev_issuer import DevIssuer
from app.auth.personas import personas
from app.http.explorer.explorer_build import build_explorer
from app.settings import Settings

FOLDER = Path(__file__).parent
ROOT = "mlg://dataset/warehouse/harbour/impressions"
SHARED = "mlg://dataset/warehouse/harbour/plays"
"""A dataset with data of other teams downstream, of which ada and bo see different parts."""

LINEAGE = """query ($roots: [ID!]!, $direction: LineageDirection!, $depth: Int!) {
  lineage(roots: $roots, direction: $direction, maxDepth: $depth, first: 300) {
    nodes { nodes { asset { id displayName } } } completeness { state }
  }
}"""


@pytest.fixture(scope="module")
async def demo(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Return the API over the demo estate, with the explorer of the present sources."""
    build_explorer(Settings.from_env())
    async with open_demo(module_graph, tmp_path_factory.mktemp("keys")) as api:
        yield api


@pytest.fixture(scope="module")
async def report(demo: Api, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the report of a browser that used the explorer as ada and as bo."""
    install(FOLDER)
    given = {
        "TOKEN": demo.tokens["root"],
        "PERSONA": "ada",
        "OTHER": "bo",
        "TEXT": "impressions",
        "ROOT": ROOT,
        "SHARED": SHARED,
    }
    key = DevIssuer(demo.process.settings).page_key()
    async with serving(demo.app) as address:
        base = f"http://{address.removesuffix('/graphql')}"
        environment = {**given, "BASE": base, "KEY": key, "PICTURES": os.environ.get("PICTURES", "")}
        folder = {"TMPDIR": str(tmp_path_factory.mktemp("browser"))}
        found = json.loads(await run(FOLDER / "explorer.mjs", environment={**environment, **folder}))
    return {**found, "base": base, "key": key}


async def lineage(api: Api, who: str, root: str, direction: str, depth: int = 1) -> dict[str, str]:
    """Return the names of a lineage by id, as the API returns them to a caller."""
    found = await api.ask(who, LINEAGE, roots=[root], direction=direction, depth=depth)
    return {node["asset"]["id"]: node["asset"]["displayName"] for node in found["lineage"]["nodes"]["nodes"]}


async def test_the_lineage_is_that_of_the_api(demo: Api, report: dict[str, Any]) -> None:
    """The first picture has the closest level of both sides; an expansion adds the next level of one asset."""
    first = {**await lineage(demo, "ada", ROOT, "UPSTREAM"), **await lineage(demo, "ada", ROOT, "DOWNSTREAM")}
    assert report["first"] == sorted(first)
    added = set(report["expanded"]) - set(first)
    assert added
    further = [await lineage(demo, "ada", each, "DOWNSTREAM") for each in first]
    assert any(added <= set(each) for each in further)
    assert report["reloaded"] == report["expanded"]
    assert report["selected"] in report["expanded"]


async def test_table_tree_and_file_have_the_content_of_the_picture(report: dict[str, Any]) -> None:
    """The twins of the picture have each of its assets once, in words."""
    rows = [*csv.DictReader(StringIO(report["csv"]))]
    assert sorted(row["Id"] for row in rows) == report["expanded"]
    assert {row["Health"] for row in rows} <= {"HEALTHY", "DEGRADED", "UNHEALTHY", "UNKNOWN"}
    assert report["rows"] == report["items"] == len(rows)


async def test_each_persona_has_an_own_view(demo: Api, report: dict[str, Any]) -> None:
    """Both see the rows that the API returns to them, and the words that a part is hidden; ada reads no name of it."""
    pages = report["pages"]
    assert [page["who"] for page in pages] == ["ada", "bo", "bo"]  # bo in the tab of ada, and in another one
    expected = {who: await lineage(demo, who, SHARED, "DOWNSTREAM", 6) for who in ("ada", "bo")}
    for page in pages:
        assert sorted(page["names"]) == sorted(expected[page["who"]].values())
        assert page["notes"] == ["hidden"]
    assert set(expected["bo"]) - set(expected["ada"])


async def test_a_person_finds_and_understands_an_asset(report: dict[str, Any]) -> None:
    """Search leads to the asset; its page has the health with its causes, whom to ask, and the rights of the caller."""
    assert report["personas"] == [*personas()]
    assert {"Kind", "Owner team", "Stage", "Sensitivity", "Source system"} <= {*report["facets"]}
    assert report["hit"] == report["starred"] == report["asset"]["title"] == "impressions"
    wanted = ["What it is", "Health", "Whom to ask", "Checks over time", "Sensitivity", "Your access", "Changes"]
    assert [card for card in wanted if card not in report["asset"]["cards"]] == []
    for text in (
        "Unhealthy",
        "freshness_daily",
        "Ranking",
        "You may read this asset.",
        "You may change it, retire it.",
    ):
        assert text in report["asset"]["text"]


async def test_it_works_by_keyboard_alone(report: dict[str, Any]) -> None:
    """From the choice of the persona to an expanded asset of the picture, without a pointer."""
    side, _, opened = report["keyboard"]["opened"].partition(":")
    assert (report["keyboard"]["subject"], side) == ("bo", "down")
    assert report["keyboard"]["selected"] == opened


async def test_it_shows_changes_as_they_happen(report: dict[str, Any]) -> None:
    """An edge that another caller declares appears in the picture without a request of its reader."""
    ids = ["mlg://dataset/test/live/after", "mlg://dataset/test/live/before"]
    assert (report["before"], report["after"]) == (ids[1:], ids)


async def test_it_is_accessible(report: dict[str, Any]) -> None:
    """Axe finds nothing serious on any page, light, dark and small; a small screen does not scroll sideways."""
    assert report["axe"] == []
    assert report["overflow"] <= 0


async def test_it_keeps_its_policy_and_no_token(report: dict[str, Any]) -> None:
    """The page requests its own server only, breaks no rule of its policy, reports no error, and stores no token."""
    assert {*report["hosts"]} == {report["base"]}
    assert (report["violations"], report["errors"]) == ([], [])
    assert [part for part in report["stored"] if "eyJ" in part or report["key"] in part] == []
    assert report["tab"] == ["mlg-graphiql-key", "mlg-persona"]
