"""`mlg query` and `mlg export` as processes, against a server on a port."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from support.servers.in_process import Api, open_api
from support.servers.websocket_client import serving
from support.stores.janusgraph import StoreGraph

TEAM = "mlg://team/catalog/default/ranking"
VERSION = "mlg://model-version/test/default/ranker@1"
LISTING = "query A($kind: AssetKind!) { assets(filter: {kinds: [$kind]}, orderBy: {field: ID}) { nodes { id kind } } }"


@pytest.fixture(scope="module")
async def api(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Return the API over two datasets, and a version with a restricted field."""
    async with open_api(module_graph, tmp_path_factory.mktemp("keys")) as api:
        datasets = [{"dataset": {"id": f"mlg://dataset/test/default/{name}"}} for name in "ab"]
        model = {"model": {"id": "mlg://model/test/default/ranker", "owners": [{"owner": TEAM}]}}
        version = {"modelVersion": {"id": VERSION, "artifactUri": "s3://x"}}
        await api.load({"team": {"name": "ranking"}}, *datasets, model, version)
        yield api


async def mlg(
    api: Api, *arguments: str, who: str = "ada", text: str = "", stderr: int = PIPE, by: str = "--url"
) -> tuple[int, str, str]:
    """Run a command against the API; return its exit code, stdout and stderr.

    ``by`` is the option or the environment variable that gives the address or its port.
    """
    async with serving(api.app) as address:
        url = f"http://{address}"
        port = address.rpartition(":")[-1]
        place = {"--url": {}, "MLG_URL": {"MLG_URL": url, "MLG_PORT": "1"}, "MLG_PORT": {"MLG_PORT": port}}[by]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "app", *arguments, *(["--url", url] if by == "--url" else [])),
            stdin=PIPE,
            stdout=PIPE,
            stderr=stderr,
            env={**os.environ, "MLG_TOKEN": api.tokens[who], "TERM": "xterm", "COLUMNS": "120", **place},
        )
        out, err = await process.communicate(text.encode())
    assert process.returncode is not None
    return process.returncode, out.decode(), (err or b"").decode()


@pytest.mark.parametrize("from_file", [True, False], ids=["file", "stdin"])
async def test_a_document_runs_with_variables(api: Api, tmp_path: Path, from_file: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """The document is a file or standard input, the variables are JSON or a file of it; stdout has the data alone."""
    (tmp_path / "q.graphql").write_text(LISTING + " query B { viewer { subject } }")
    (tmp_path / "v.json").write_text('{"kind": "DATASET"}')
    given = [str(tmp_path / "q.graphql"), "--variables", f"@{tmp_path / 'v.json'}", "--operation", "A"]
    if not from_file:
        given = ["-", "--variables", '{"kind": "DATASET"}']
    code, out, err = await mlg(api, "query", *given, text=LISTING)
    assert (code, err) == (0, "")
    assert [node["id"][-1] for node in json.loads(out)["assets"]["nodes"]] == ["a", "b"]


@pytest.mark.parametrize("by", ["MLG_URL", "MLG_PORT"])
async def test_the_address_is_read_from_the_environment(api: Api, by: str) -> None:
    """Without an option the address is MLG_URL, else that of a server of this machine with the same MLG_PORT."""
    code, out, err = await mlg(api, "query", "-", text="{ viewer { subject } }", by=by)
    assert (code, json.loads(out), err) == (0, {"viewer": {"subject": "ada"}}, "")


async def test_a_list_is_printed_as_csv(api: Api) -> None:
    """With --csv the list is a table."""
    code, out, err = await mlg(api, "query", "-", "--variables", '{"kind": "DATASET"}', "--csv", text=LISTING)
    rows = [f"mlg://dataset/test/default/{name},DATASET" for name in "ab"]
    assert (code, out.splitlines(), err) == (0, ["id,kind", *rows], "")


async def test_errors_are_on_stderr(api: Api) -> None:
    """Data beside an error are printed, and the exit code is 1; without data there is only the error."""
    missing = '{ viewer { subject } asset(id: "x") { id } }'
    code, out, err = await mlg(api, "query", "-", text=missing)
    assert (code, json.loads(out)) == (1, {"viewer": {"subject": "ada"}, "asset": None})
    assert err.startswith("mlg: asset: ")
    code, out, err = await mlg(api, "query", "-", text="{ unknown }")
    assert (code, out, len(err.splitlines())) == (1, "", 1)


async def test_hidden_fields_are_named(api: Api) -> None:
    """A null that the policy caused is not mistaken for an absent value."""
    document = f'{{ asset(id: "{VERSION}") {{ ... on ModelVersion {{ artifactUri }} }} }}'
    code, out, err = await mlg(api, "query", "-", who="bo", text=document)
    assert (code, json.loads(out)) == (0, {"asset": {"artifactUri": None}})
    assert "ModelVersion.artifactUri (1)" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.graphql"], "none.graphql"),
        (["-", "--variables", "{"], "--variables is not JSON"),
        (["-", "--variables", "[]"], "--variables is not a JSON object"),
        (["-", "--variables", "@none.json"], "none.json"),
    ],
)
async def test_a_wrong_argument_is_named(api: Api, arguments: list[str], message: str) -> None:
    """Nothing is sent, and the exit code is 2."""
    code, out, err = await mlg(api, "query", *arguments, text="{ viewer { subject } }")
    assert (code, out, message in err) == (2, "", True)


def written_to(terminal: int) -> str:
    """Return what is written to a terminal until its other end is closed; it holds 4 kB at most."""
    parts = []
    with suppress(OSError):  # Linux reports the end of a terminal as an error
        while part := os.read(terminal, 4096):
            parts.append(part)
    return b"".join(parts).decode()


async def test_an_export_shows_its_progress_on_a_terminal(api: Api) -> None:
    """The bar is on stderr, counts assets up to their total, and leaves the items on stdout alone."""
    terminal, child = os.openpty()
    reading = asyncio.create_task(asyncio.to_thread(written_to, terminal))
    try:
        code, out, _ = await mlg(api, "export", stderr=child)
    finally:
        os.close(child)
    shown = await reading
    os.close(terminal)
    assert code == 0
    items = [json.loads(line) for line in out.splitlines()]
    assert sum("dataset" in item for item in items) == 2
    assert "exporting assets" in shown
    assert "4/4" in shown


async def test_an_export_without_a_terminal_shows_none(api: Api) -> None:
    """In a pipe or a log there is no bar."""
    code, _, err = await mlg(api, "export", "--kind", "DATASET")
    assert (code, err) == (0, "")
