"""`mlg impact` against a server: the page, what files name, the exit codes, and what is hidden from the token."""

import asyncio
import os
import re
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.estates.leak_catalogue import token
from support.estates.owned_items import owned, team, urn
from support.servers.in_process import Api, open_api
from support.servers.websocket_client import serving
from support.source_tree import ROOT, code_blocks
from support.stores.janusgraph import StoreGraph
from typer.testing import CliRunner

from app.cli.command_line import commands

PAGE = "docs/changed-files.md"
SHOP, RAW, ALONE, GATED, DRAFT = (
    "models/clicks.sql",
    "raw/clicks.csv",
    "data/alone.csv",
    "data/gated.csv",
    "lib/draft.sql",
)
IMPRESSIONS = "mlg://dataset/warehouse/harbour/impressions"
FOUND = "query ($filter: AssetFilter) { assets(filter: $filter) { nodes { id } } }"


def linked(relation: str, start: str, end: str) -> dict[str, Any]:
    """Return the item of an edge."""
    return {"link": {"relation": relation, "from": start, "to": end}}


@pytest.fixture(scope="module")
async def estate(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Return the API over chains from code and data to services; of one chain, bo sees only the begin."""
    async with open_api(module_graph, tmp_path_factory.mktemp("keys")) as api:
        await api.load(
            {"team": {"name": "ranking"}},
            *(owned("dataset", name) for name in ("clean", "scored")),
            owned("dataset", "raw", location="s3://lake/raw/clicks.csv"),
            owned("dataset", "copy", derivedFrom=[urn("dataset", "raw")]),
            owned("dataset", "alone", location="data/alone.csv"),
            owned("dataset", "gated", location="data/gated.csv"),
            owned("dataset", "secret", visibility="TEAM", derivedFrom=[urn("dataset", "gated")]),
            owned("workflow", "etl", codeRef=f"shop://{SHOP}", outputs=[urn("dataset", "clean")]),
            owned("workflow", "draft", codeRef=DRAFT, stage="DRAFT", outputs=[urn("dataset", "clean")]),
            owned("workflow", "train", codeRef="git+https://git.example/ranking@main#train"),
            owned(
                "run",
                "train-1",
                state="COMPLETE",
                workflow=urn("workflow", "train"),
                outputs=[urn("dataset", "scored")],
            ),
            owned("service", "shop", oncall="@ops", displayName="shop | [x](https://evil.example)"),
            owned("service", "search"),
            linked("FEEDS", urn("dataset", "clean"), urn("service", "shop")),
            linked("FEEDS", urn("dataset", "scored"), urn("service", "search")),
        )
        yield api


async def run(api: Api, who: str, *words: str, text: str = "") -> tuple[int, str, str]:
    """Run the command against a server; return exit code, standard output and standard error."""
    async with serving(api.app) as address:
        given = ["impact", *words, "--url", f"http://{address}", "--token", api.tokens[who]]
        result = await asyncio.to_thread(CliRunner().invoke, commands, given, input=text)
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize(
    ("who", "files", "fail_on", "code", "headline"),
    [
        ("ada", SHOP, "anything", 1, "This change reaches production"),
        ("ada", SHOP, "production", 1, "This change reaches production"),
        ("ada", SHOP, "nothing", 0, "This change reaches production"),
        ("ada", "train/ranker.sql", "production", 1, "This change reaches production"),
        ("ada", RAW, "anything", 1, "This change affects other assets"),
        ("ada", RAW, "production", 0, "This change affects other assets"),
        ("ada", ALONE, "anything", 0, "This change affects no other asset"),
        ("ada", "README.md", "anything", 0, "This change affects no other asset"),
        ("ada", GATED, "anything", 1, "This change affects other assets"),
        ("bo", GATED, "anything", 2, "It is not known whether this change affects other assets"),
        ("bo", GATED, "nothing", 0, "This change affects no other asset"),
        ("ada", DRAFT, "production", 1, "This change reaches production"),
        ("bo", DRAFT, "production", 0, "This change affects no other asset"),
    ],
)
async def test_the_exit_code_is_the_gate(  # noqa: PLR0913, PLR0917 - parameters of the test
    estate: Api, who: str, files: str, fail_on: str, code: int, headline: str
) -> None:
    """What is reached fails; an incomplete result fails unless nothing can; a hidden reference names nothing."""
    found, out, err = await run(estate, who, "--changed", files, "--fail-on", fail_on)
    assert (found, out.splitlines()[0], err) == (code, headline, "")


async def test_the_comment_has_whom_to_inform(estate: Api) -> None:
    """The comment names service, contact, team and start, as text: a name is no link, no mention and no cell."""
    list_of_git = f"shop/{SHOP}\0x y\0"
    words = ("--changed", "-", "--project", "shop", "--markdown", "--explorer", "https://mlg.example/")
    code, out, _ = await run(estate, "ada", *words, text=list_of_git)
    assert code == 1
    lines = out.splitlines()
    assert lines[:2] == ["<!-- mlg impact -->", "### This change reaches production"]
    assert "2 changed files name 1 asset." in out
    assert "| etl | shop://\u200bmodels/clicks.sql |" in lines
    assert "| shop \\| \\[x\\]\\(https://\u200bevil.example\\) | @\u200bops | ranking | from etl, 2 steps |" in lines
    assert "| ranking | owns affected assets |" in lines
    assert (
        lines[-1]
        == f"[Blast radius in the explorer](<https://mlg.example/#/impact?root={quoted(urn('workflow', 'etl'))}>)"
    )


def quoted(text: str) -> str:
    """Return an id as it is in an address."""
    return text.replace(":", "%3A").replace("/", "%2F")


async def test_only_assets_of_the_repository_count(estate: Api) -> None:
    """A reference without the text of `--repository` names nothing."""
    codes = [
        (await run(estate, "ada", "--changed", SHOP, "--repository", each))[0] for each in ("shop://", "git.example")
    ]
    assert codes == [1, 0]


async def test_a_commit_makes_one_plan(estate: Api) -> None:
    """A second run with the same key finds the plan of the first; without the right there is none, and no result."""
    words = ("--changed", SHOP, "--fail-on", "nothing", "--plan", "a1b2c3")
    shown = [await run(estate, "ada", *words) for _ in range(2)]
    assert [code for code, _, _ in shown] == [0, 0]
    lines = {line for _, out, _ in shown for line in out.splitlines() if line.startswith("Change plan ")}
    (line,) = lines
    assert re.fullmatch(r"Change plan mlg://change-plan/\S+: OPEN. 1 teams have not acknowledged it.", line)
    estate.tokens["mia"] = token(estate, "mia", "ads", roles="engineer")
    code, out, err = await run(estate, "mia", *words)
    assert (code, out, err.startswith("mlg: The change cannot be planned: ")) == (3, "", True)


async def test_an_error_has_a_code_of_its_own(estate: Api) -> None:
    """A refused token and a call without files exit with 3, so that no gate takes them for a result."""
    estate.tokens["broken"] = "x.y.z"
    code, out, err = await run(estate, "broken", "--changed", SHOP)
    assert (code, "This change" in out, err.startswith("mlg: The API does not accept the token")) == (3, False, True)
    code, out, err = await run(estate, "ada")
    assert (code, out, err.startswith("mlg: no file is given.")) == (3, "", True)


async def test_a_hidden_reference_is_empty_for_the_filter(estate: Api) -> None:
    """A filter by path finds a draft for its team only; for others its negation finds the draft."""
    draft, where = urn("workflow", "draft"), {"codeRefEndsWith": ["draft.sql"]}
    ids = {"ids": [draft]}

    async def found(who: str, given: dict[str, Any]) -> list[str]:
        return [node["id"] for node in (await estate.ask(who, FOUND, filter=given))["assets"]["nodes"]]

    assert await found("ada", where) == [draft]
    assert await found("bo", where) == []
    assert await found("ada", {**ids, "not": where}) == []
    assert await found("bo", {**ids, "not": where}) == [draft]


async def test_a_new_reference_replaces_the_old_one(estate: Api) -> None:
    """After another registration the old path names nothing, and the new one names the asset."""
    moved = urn("workflow", "moved")
    for name in ("old", "new"):
        await estate.load(owned("workflow", "moved", codeRef=f"flows/{name}.sql"))
    query = {name: {"codeRefEndsWith": [f"flows/{name}.sql"]} for name in ("old", "new")}
    ids = {name: (await estate.ask("ada", FOUND, filter=where))["assets"]["nodes"] for name, where in query.items()}
    assert ids == {"old": [], "new": [{"id": moved}]}


STUBS = {
    "git": "printf 'build-impressions/query.sql\\0README.md\\0'",
    "gh": 'cp "$5" posted',
    "curl": "cp comment.* posted",
    "mlg": f'exec {sys.executable} -m app "$@"',
}
"""The programs of a runner: git lists two files, gh and curl post the comment into a file."""


@pytest.fixture
def runner(tmp_path: Path) -> Path:
    """Return a folder with the programs of a runner."""
    (tmp_path / "bin").mkdir()
    for name, text in STUBS.items():
        program = tmp_path / "bin" / name
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return tmp_path


async def shell(demo: Api, folder: Path, script: str) -> tuple[int, str]:
    """Run a script as a runner does, against a server of the demo estate; return exit code and output."""
    async with serving(demo.app) as address:
        url = f"http://{address.removesuffix('/graphql')}"
        text = script.replace("https://mlg.example", url).replace(
            "mlg impact --changed", f"mlg impact --url {url} --changed"
        )
        process = await asyncio.create_subprocess_exec(
            *("bash", "-euc", text),
            cwd=folder,
            env={
                "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
                "PYTHONPATH": str(ROOT),
                "MLG_TOKEN": demo.tokens["ci-ranking"],
                "MLG_DATA_DIR": str(demo.process.settings.data_dir),
                "BASE": "a1",
                "NUMBER": "7",
                "COMMENT_TOKEN": "x",
                **dict.fromkeys(("CI_MERGE_REQUEST_DIFF_BASE_SHA", "CI_API_V4_URL", "CI_PROJECT_ID"), "x"),
                "CI_MERGE_REQUEST_IID": "7",
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        printed, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, printed.decode()


async def test_the_commands_of_the_page(demo: Api, runner: Path) -> None:
    """The shell block of the page prints what the page shows, each `…` standing for any text."""
    (block,), (shown,) = code_blocks(PAGE, "sh"), code_blocks(PAGE, "text")
    code, printed = await shell(demo, runner, block)
    assert code == 0
    assert re.fullmatch(re.escape(shown.strip()).replace("…", r"(?s:.*)"), printed.strip()), printed


async def test_the_jobs_of_the_page(demo: Api, runner: Path) -> None:
    """The scripts for GitHub and GitLab post the comment and fail, because the change reaches production."""
    github, gitlab = (yaml.safe_load(block) for block in code_blocks(PAGE, "yaml"))
    scripts = github["jobs"]["impact"]["steps"][-1]["run"], "\n".join(gitlab["impact"]["script"])
    for script in scripts:
        code, printed = await shell(demo, runner, script)
        posted = runner / "posted"
        assert (code, posted.read_text().splitlines()[1]) == (1, "### This change reaches production"), printed
        posted.unlink()


async def test_the_operations_of_the_page_of_plans(demo: Api) -> None:
    """A plan of the demo estate is made, read, acknowledged, found in the work of its team before that, and closed."""
    plan, read, acknowledge, work, close = code_blocks("docs/change-plans.md", "graphql")
    made = (await demo.ask("ada", plan))["planChange"]
    assert made["errors"] == []
    urn_of_plan = made["plan"]["id"]
    waiting = (await demo.ask("ada", work))["myWork"]["plans"]["nodes"]
    assert waiting[0]["plan"]["id"] == urn_of_plan
    found = (await demo.ask("ada", read, plan=urn_of_plan))["changePlan"]
    concerned = {each["team"]["id"] for each in found["status"]["teams"]}
    impact = await demo.ask(
        "ada", "query ($id: ID!) { impact(roots: [$id]) { teams { team { id } } } }", id=IMPRESSIONS
    )
    assert concerned == {each["team"]["id"] for each in impact["impact"]["teams"]} >= {team("ranking")}
    assert found["status"]["waiting"] == len(concerned) == made["plan"]["status"]["waiting"]
    acknowledged = (await demo.ask("ada", acknowledge, plan=urn_of_plan))["acknowledgeChange"]
    assert (acknowledged["errors"], acknowledged["plan"]["status"]["waiting"]) == ([], len(concerned) - 1)
    left = (await demo.ask("ada", work))["myWork"]["plans"]["nodes"]
    teams = {each["plan"]["id"]: {one["id"] for one in each["teams"]} for each in left}
    assert {one["id"] for one in waiting[0]["teams"]} - teams.get(urn_of_plan, set()) == {team("ranking")}
    closed = (await demo.ask("ada", close, plan=urn_of_plan))["closeChangePlan"]
    assert (closed["errors"], closed["plan"]["status"]) == ([], {"state": "CLOSED"})
